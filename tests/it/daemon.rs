//! The daemon as its users meet it: the real binary, real sockets, real files, real signals.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::programs::{BINARY, Daemon, Program, client, get, get_as, until};

/// A service that complies with every rule but O-7.
const COMPLIANT: &str = "\
# TYPE shop_build_info gauge
shop_build_info{version=\"1.2.3\"} 1
# TYPE shop_requests_total counter
shop_requests_total{code=\"200\"} 5
# TYPE shop_request_duration_seconds histogram
shop_request_duration_seconds_bucket{le=\"+Inf\"} 5
shop_request_duration_seconds_sum 0.5
shop_request_duration_seconds_count 5
";

/// Serves one exposition to everyone, until dropped.
struct Service {
    address: String,
    task: tokio::task::JoinHandle<()>,
}

impl Service {
    async fn start(body: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let answer = Arc::new(format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/plain; version=0.0.4\r\ncontent-length: {}\r\n\
             connection: close\r\n\r\n{body}",
            body.len()
        ));
        let task = tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = [0; 4096];
                if stream.read(&mut request).await.is_ok_and(|bytes| bytes > 0) {
                    drop(stream.write_all(answer.as_bytes()).await);
                }
            }
        });
        Self { address, task }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A configuration that finds its targets in `targets.json`.
const BY_FILE: &str = "\
global: {scrape_interval: 1s, scrape_timeout: 500ms}
scrape_configs:
  - job_name: services
    file_sd_configs: [{files: [targets.json]}]
";

fn write_targets(folder: &Path, targets: &[(&str, &str)]) {
    let groups: Vec<serde_json::Value> = targets
        .iter()
        .map(|(service, address)| {
            serde_json::json!({"targets": [address], "labels": {"service": service, "environment": "test"}})
        })
        .collect();
    // As careful deployment tools do: write aside, then rename.
    let aside = folder.join("targets.json.new");
    std::fs::write(&aside, serde_json::to_vec(&groups).unwrap()).unwrap();
    std::fs::rename(aside, folder.join("targets.json")).unwrap();
}

fn compliant(service: &str, rule: &str, value: u8) -> String {
    format!(
        "manifesto_rule_compliant{{service_name=\"{service}\",environment=\"test\",rule=\"{rule}\"}} {value}"
    )
}

#[tokio::test]
async fn a_first_run_keeps_its_own_manifesto_and_ends_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = Program::start(
        BINARY,
        &["--web.listen-address=127.0.0.1:8067"],
        folder.path(),
    );
    for rule in ["O-6", "O-7", "O-8", "O-9"] {
        let line = format!(
            "manifesto_rule_compliant{{service_name=\"manifesto-exporter\",environment=\"\",rule=\"{rule}\"}} 1"
        );
        until("http://127.0.0.1:8067/metrics", |body| body.contains(&line)).await;
    }
    until("http://127.0.0.1:8067/-/ready", |body| {
        body.contains("ready")
    })
    .await;
    daemon.signal("INT");
    let (status, took) = daemon.wait();
    assert_eq!(status.code(), Some(0));
    assert!(took < Duration::from_secs(2), "{took:?}");
}

#[tokio::test]
async fn a_service_that_goes_leaves_nothing_and_one_that_returns_is_judged_within_seconds() {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::start(COMPLIANT).await;
    write_targets(folder.path(), &[("shop", &service.address)]);
    let daemon = Daemon::start(BY_FILE, folder.path(), &[]);
    daemon.until_metric(&compliant("shop", "O-8", 1)).await;
    daemon.until_metric(&compliant("shop", "O-7", 0)).await;

    write_targets(folder.path(), &[]);
    until(&daemon.url("/metrics"), |body| !body.contains("\"shop\"")).await;

    let start = Instant::now();
    write_targets(folder.path(), &[("shop", &service.address)]);
    daemon.until_metric(&compliant("shop", "O-8", 1)).await;
    assert!(
        start.elapsed() < Duration::from_secs(10),
        "{:?}",
        start.elapsed()
    );

    // Down is unknown: neither compliant nor violating.
    drop(service);
    let body = daemon
        .until_metric(
            "manifesto_rule_unknown{service_name=\"shop\",environment=\"test\",rule=\"O-8\",reason=\"target_down\"} 1",
        )
        .await;
    assert!(
        !body.contains("manifesto_rule_compliant{service_name=\"shop\""),
        "{body}"
    );
    assert!(body.contains("reason=\"connect\"} 1"), "{body}");
}

#[tokio::test]
async fn a_reload_with_a_broken_file_changes_nothing_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::start(COMPLIANT).await;
    write_targets(folder.path(), &[("shop", &service.address)]);
    let daemon = Daemon::start(BY_FILE, folder.path(), &["--web.enable-lifecycle"]);
    daemon.until_metric(&compliant("shop", "O-8", 1)).await;

    let broken = BY_FILE.replace("scrape_interval", "scrape_intervall");
    std::fs::write(folder.path().join("config.yaml"), broken).unwrap();
    let answer = client().post(daemon.url("/-/reload")).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 500);
    let why = answer.text().await.unwrap();
    assert!(
        why.contains("config.yaml:1:") && why.contains("`scrape_intervall`"),
        "{why}"
    );
    let body = daemon
        .until_metric("manifesto_exporter_config_last_reload_successful 0")
        .await;
    assert!(body.contains(&compliant("shop", "O-8", 1)), "{body}");

    // Fixed, and one rule disabled: SIGHUP takes it over.
    let fixed = format!("{BY_FILE}rules: {{disabled: {{O-7: ports are agreed next quarter}}}}\n");
    std::fs::write(folder.path().join("config.yaml"), fixed).unwrap();
    daemon.program.signal("HUP");
    daemon
        .until_metric("manifesto_exporter_config_last_reload_successful 1")
        .await;
    until(&daemon.url("/metrics"), |body| {
        !body.contains("rule=\"O-7\"")
    })
    .await;
}

#[tokio::test]
async fn reloading_over_http_is_off_unless_enabled() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = Daemon::start("scrape_configs: []\n", folder.path(), &[]);
    until(&daemon.url("/-/healthy"), |_| true).await;
    let answer = client().post(daemon.url("/-/reload")).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 403);
}

#[tokio::test]
async fn every_path_answers_what_it_should() {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::start(COMPLIANT).await;
    write_targets(
        folder.path(),
        &[("shop", &service.address), ("gone", "127.0.0.1:1")],
    );
    let relabelled = format!(
        "{BY_FILE}    relabel_configs: [{{source_labels: [service], regex: gone, action: drop}}]\n"
    );
    let daemon = Daemon::start(&relabelled, folder.path(), &["--log.format=json"]);
    daemon.until_metric(&compliant("shop", "O-8", 1)).await;

    let page = get(&daemon.url("/")).await.unwrap().1;
    assert!(
        page.contains("shop") && page.contains("not on 8067"),
        "{page}"
    );
    let targets = get(&daemon.url("/targets?q=gone")).await.unwrap().1;
    assert!(
        targets.contains("dropped by relabelling rule 0 (drop)"),
        "{targets}"
    );

    let sd: serde_json::Value =
        serde_json::from_str(&get(&daemon.url("/sd")).await.unwrap().1).unwrap();
    assert_eq!(sd[0]["targets"][0], service.address);
    assert_eq!(sd[0]["labels"]["__metrics_path__"], "/metrics");
    assert_eq!(sd[0]["labels"]["service"], "shop");

    // Only what was discovered is ever dialled.
    let probe = format!("/probe?target={}", service.address);
    let probed = get(&daemon.url(&probe)).await.unwrap();
    assert_eq!(probed.0, 200);
    assert!(
        probed.1.contains(&compliant("shop", "O-8", 1)),
        "{}",
        probed.1
    );
    assert_eq!(
        get(&daemon.url("/probe?target=127.0.0.1:1"))
            .await
            .unwrap()
            .0,
        404
    );
    assert_eq!(get(&daemon.url("/probe")).await.unwrap().0, 400);

    let long = format!("/targets?q={}", "x".repeat(8192));
    assert_eq!(get(&daemon.url(&long)).await.unwrap().0, 414);
    assert_eq!(get(&daemon.url("/-/healthy")).await.unwrap().0, 200);
    assert_eq!(get(&daemon.url("/nowhere")).await.unwrap().0, 404);

    let open_metrics = get_as(&daemon.url("/metrics"), "application/openmetrics-text")
        .await
        .unwrap()
        .1;
    assert!(open_metrics.ends_with("# EOF\n"), "{open_metrics}");

    let log = daemon.program.log();
    assert!(log.lines().count() > 1, "{log}");
    for line in log.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["service"], "manifesto-exporter");
    }
}

/// Of two services at one URL the second has no verdict: the gauge and the API say so, with the reason.
#[tokio::test]
async fn a_target_that_another_service_has_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let config = "global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
  - {job_name: one, static_configs: [{targets: ['127.0.0.1:9'], labels: {service: shop}}]}
  - {job_name: two, static_configs: [{targets: ['127.0.0.1:9'], labels: {service: cart}}]}
";
    let daemon = Daemon::start(config, folder.path(), &[]);
    let lost = "manifesto_exporter_discovery_dropped_targets{reason=\"duplicate\"} 1";
    daemon.until_metric(lost).await;
    let (_, targets) = get(&daemon.url("/api/v1/targets")).await.unwrap();
    let targets: serde_json::Value = serde_json::from_str(&targets).unwrap();
    assert_eq!(targets["dropped"][0]["job"], "two", "{targets}");
    assert_eq!(targets["dropped"][0]["reason"], "duplicate", "{targets}");
}

/// How a target came to its labels, and why another is none, is told by URL and by address; what discovery names is
/// inert on the page.
#[tokio::test]
async fn relabelling_is_told_step_by_step() {
    let folder = tempfile::tempdir().unwrap();
    let config = "scrape_configs:
  - job_name: shop
    static_configs: [{targets: ['127.0.0.1:9', '127.0.0.2:9'], labels: {__meta_note: '<script>alert(1)</script>'}}]
    relabel_configs:
      - {source_labels: [__meta_note], target_label: note}
      - {source_labels: [__address__], regex: '127.0.0.2:.*', action: drop}
";
    let daemon = Daemon::start(config, folder.path(), &[]);
    daemon
        .until_metric("manifesto_exporter_discovery_dropped_targets{reason=\"relabel\"} 1")
        .await;
    let ask = async |path: &str| get(&daemon.url(path)).await.unwrap().1;
    let api = "/api/v1/targets/relabelling?target=";
    let kept: serde_json::Value =
        serde_json::from_str(&ask(&format!("{api}http://127.0.0.1:9/metrics")).await).unwrap();
    let kept = &kept["targets"][0];
    assert_eq!(kept["sources"][0], "shop/static/0");
    assert_eq!(
        kept["discovered"]["__meta_note"],
        "<script>alert(1)</script>"
    );
    assert_eq!(kept["steps"][0]["changes"][0]["label"], "note");
    assert_eq!(kept["steps"][1]["keeps"], true);
    assert_eq!(kept["labels"]["instance"], "127.0.0.1:9");
    let dropped: serde_json::Value =
        serde_json::from_str(&ask(&format!("{api}127.0.0.2:9")).await).unwrap();
    let dropped = &dropped["targets"][0];
    assert_eq!(dropped["why"], "dropped by relabelling rule 1 (drop)");
    assert_eq!(dropped["steps"][1]["keeps"], false);
    assert!(dropped["target"].is_null());
    for (parameters, error) in [
        ("", "parameter `target` is missing"),
        (
            "?job=shop",
            "no parameter `job` is known here; those that are: target",
        ),
        ("?target=a&target=b", "parameter `target` is given twice"),
    ] {
        let said = ask(&format!("/api/v1/targets/relabelling{parameters}")).await;
        assert_eq!(said, serde_json::json!({ "error": error }).to_string());
    }
    let page = ask("/targets/relabelling?target=127.0.0.2:9").await;
    assert!(
        page.contains("drops the target") && !page.contains("<script>alert"),
        "{page}"
    );
    let page = ask("/targets/relabelling?target=%3Cscript%3E").await;
    assert!(
        page.contains("Nothing was found") && !page.contains("<script>"),
        "{page}"
    );
}
