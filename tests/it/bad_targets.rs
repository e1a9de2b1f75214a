//! Targets that send what they should not, judged by the real daemon: the fault stays theirs.

use std::time::SystemTime;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::programs::{Daemon, get, until};

/// A daemon that watches one bad service, `bad`, and a good one, `good`.
struct Judged {
    daemon: Daemon,
    _folder: tempfile::TempDir,
}

const GOOD: &str = "# TYPE good_build_info gauge\ngood_build_info{version=\"1.0.0\"} 1\n";

async fn serve(headers: &'static str, body: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.71.40:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 4096];
            if stream.read(&mut request).await.is_ok_and(|bytes| bytes > 0) {
                let length = body.len();
                let head = format!(
                    "HTTP/1.1 200 OK\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n"
                );
                drop(stream.write_all(&[head.as_bytes(), &body].concat()).await);
            }
        }
    });
    address
}

/// The line that says when the bad service was last scraped.
fn last_scrape(body: &str) -> &str {
    let family = "manifesto_target_last_scrape_timestamp_seconds{service_name=\"bad\"";
    let mut lines = body.lines();
    lines.find(|line| line.starts_with(family)).unwrap()
}

const TEXT: &str = "content-type: text/plain; version=0.0.4\r\n";
const OPEN_METRICS: &str = "content-type: application/openmetrics-text; version=1.0.0\r\n";

impl Judged {
    async fn start(headers: &'static str, body: impl Into<Vec<u8>>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bad = serve(headers, body.into()).await;
        let good = serve(TEXT, GOOD.into()).await;
        let text = format!(
            "global: {{scrape_interval: 1s, scrape_timeout: 500ms}}\nscrape_configs:\n  \
             - job_name: all\n    static_configs:\n      \
             - {{targets: ['{bad}'], labels: {{service: bad}}}}\n      \
             - {{targets: ['{good}'], labels: {{service: good}}}}\n"
        );
        let daemon = Daemon::start(&text, folder.path(), &["--log.level=debug"]);
        let judged = Self {
            daemon,
            _folder: folder,
        };
        judged
            .until_contains(
                "manifesto_rule_compliant{service_name=\"good\",environment=\"\",rule=\"O-8\"} 1",
            )
            .await;
        judged
            .until_contains("manifesto_target_last_scrape_timestamp_seconds{service_name=\"bad\"")
            .await;
        judged
    }

    async fn until_contains(&self, part: &str) -> String {
        until(&self.daemon.url("/metrics"), |body| body.contains(part)).await
    }

    /// Down for this reason, every rule unknown, none kept and none broken.
    async fn is_down(&self, reason: &str) {
        let body = self
            .until_contains(&format!("reason=\"{reason}\"}} 1"))
            .await;
        let down = body.lines().any(|line| {
            line.starts_with("manifesto_target_down{service_name=\"bad\"")
                && line.contains(&format!("reason=\"{reason}\""))
        });
        assert!(down, "{body}");
        let judged = "manifesto_rule_compliant{service_name=\"bad\",environment=\"\",rule=\"O-8\"}";
        assert!(!body.contains(judged), "{body}");
        assert!(
            body.contains(
                "manifesto_rule_unknown{service_name=\"bad\",environment=\"\",rule=\"O-8\""
            ),
            "{body}"
        );
    }

    async fn page(&self, path: &str) -> String {
        get(&self.daemon.url(path)).await.unwrap().1
    }
}

#[tokio::test]
async fn fault_10_a_truncated_body_fails_the_scrape() {
    let cut = Judged::start(
        TEXT,
        "# TYPE a gauge\na{version=\"1\"} 1\na_build_info{version=\"1.2",
    )
    .await;
    cut.is_down("parse").await;
    let no_end = Judged::start(OPEN_METRICS, "# TYPE a info\na_info{version=\"1.2.3\"} 1\n").await;
    no_end.is_down("parse").await;
}

#[tokio::test]
async fn fault_13_a_login_page_proves_nothing() {
    let html = "<html><body>Log in. bad_build_info{version=\"1.2.3\"} 1</body></html>\n";
    let judged = Judged::start("content-type: text/html; charset=utf-8\r\n", html).await;
    judged.is_down("content_type").await;
}

#[tokio::test]
async fn fault_14_no_content_type_fails_the_scrape() {
    let judged = Judged::start("", "bad_build_info{version=\"1.2.3\"} 1\n").await;
    judged.is_down("content_type").await;
}

#[tokio::test]
async fn fault_21_malformed_samples_are_placed_by_line_and_column() {
    for line in ["{A}0", "{} 1"] {
        let judged = Judged::start(TEXT, format!("a 1\n{line}\n")).await;
        judged.is_down("parse").await;
        let page = judged.page("/targets").await;
        assert!(page.contains("parse: line 2, column "), "{page}");
    }
}

#[tokio::test]
async fn fault_25_bytes_that_are_no_text_fail_the_scrape() {
    let judged = Judged::start(TEXT, b"a{x=\"\xff\"} 1\n".to_vec()).await;
    judged.is_down("parse").await;
}

#[tokio::test]
async fn fault_30_what_a_target_sends_is_inert_wherever_it_is_shown() {
    let body = "# TYPE bad_build_info gauge\n\
                bad_build_info{version=\"<script>alert(1)</script>\u{1b}[31m\"} 1\n\
                bad_x{y=\"\u{1b}]0;owned\u{7}<img src=x onerror=alert(1)>\"} 1 1 1\n";
    let judged = Judged::start(TEXT, body).await;
    for path in [
        "/",
        "/targets",
        "/api/v1/services",
        "/api/v1/targets",
        "/sd",
        "/metrics",
    ] {
        let shown = judged.page(path).await;
        let html = matches!(path, "/" | "/targets");
        assert!(!html || !shown.contains("<script>alert"), "{path}: {shown}");
        assert!(!html || !shown.contains("<img src=x"), "{path}: {shown}");
        assert!(
            path == "/metrics" || !shown.contains('\u{1b}'),
            "{path}: {shown}"
        );
    }
    let log = judged.daemon.program.log();
    assert!(!log.contains('\u{1b}') && !log.contains('\u{7}'), "{log}");
}

#[tokio::test]
async fn fault_31_a_target_cannot_speak_for_another() {
    let body = "# TYPE good_build_info gauge\n\
                good_build_info{version=\"6.6.6\",job=\"good\",instance=\"evil\",service=\"evil\",service_name=\"evil\",environment=\"evil\"} 1\n\
                manifesto_rule_compliant{service_name=\"good\",environment=\"\",rule=\"O-8\"} 0\n";
    let judged = Judged::start(TEXT, body).await;
    let first = judged.page("/metrics").await;
    let shown = until(&judged.daemon.url("/metrics"), |shown| {
        last_scrape(shown) != last_scrape(&first)
    })
    .await;
    assert!(!shown.contains("evil"), "{shown}");
    assert!(
        shown.contains(
            "manifesto_rule_compliant{service_name=\"good\",environment=\"\",rule=\"O-8\"} 1\n"
        ),
        "{shown}"
    );
    assert!(
        !shown.contains(
            "service_name=\"good\",environment=\"\",team=\"\",tier=\"\",version=\"6.6.6\""
        )
    );
}

#[tokio::test]
async fn fault_32_timestamps_of_the_future_move_no_clock_of_ours() {
    let body = "# TYPE bad_build_info gauge\nbad_build_info{version=\"1.2.3\"} 1 99999999999999\n";
    let judged = Judged::start(TEXT, body).await;
    let shown = judged
        .until_contains("manifesto_target_up{service_name=\"bad\"")
        .await;
    let line = last_scrape(&shown);
    let at: f64 = line.rsplit_once(' ').unwrap().1.parse().unwrap();
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap();
    assert!((at - now.as_secs_f64()).abs() < 60.0, "{line}");
}
