//! The server against bad clients: what is too slow, too large, too many or not addressed to it.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use manifesto_exporter::daemon::{self, Options};
use manifesto_exporter::publish::ServerLimits;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::programs::{Daemon, client, get, until};

/// The daemon within the test's own process, where its limits can be chosen.
pub(crate) struct InProcess {
    pub(crate) address: SocketAddr,
    shutdown: CancellationToken,
}

impl InProcess {
    pub(crate) async fn start(options: Options) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.yaml");
        std::fs::write(&file, "scrape_configs: []\nhistory: off\n").unwrap();
        let loaded = daemon::load(Some(&file)).unwrap();
        let shutdown = CancellationToken::new();
        let (stop, reloads) = (shutdown.clone(), mpsc::channel(1));
        tokio::spawn(async move {
            daemon::run(options, loaded, listener, reloads, stop)
                .await
                .unwrap();
        });
        Self { address, shutdown }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

impl Drop for InProcess {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

fn with_limits(limits: ServerLimits) -> Options {
    Options {
        limits,
        ..Options::default()
    }
}

fn address_of(daemon: &Daemon) -> String {
    daemon.base.strip_prefix("http://").unwrap().to_owned()
}

/// Sends bytes as they are; everything that comes back until the server closes.
async fn raw(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // A server that refuses early may reset while the rest is sent.
    drop(stream.write_all(request.as_bytes()).await);
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer).await);
    String::from_utf8_lossy(&answer).into_owned()
}

/// The status of a request with these header lines.
async fn status(address: &str, line: &str, headers: &str) -> u16 {
    let request = format!("{line} HTTP/1.1\r\n{headers}connection: close\r\n\r\n");
    let answer = raw(address, &request).await;
    let status = answer.split(' ').nth(1).map(str::parse);
    status
        .unwrap_or_else(|| panic!("{line:.80}: {answer:?}"))
        .unwrap()
}

fn counter(body: &str, name: &str) -> f64 {
    let value = body
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value
        .unwrap_or_else(|| panic!("no {name}"))
        .parse()
        .unwrap()
}

async fn metric(url: &str, name: &str) -> f64 {
    counter(&get(url).await.unwrap().1, name)
}

#[tokio::test]
async fn fault_92_a_client_that_drips_its_headers_is_cut_off() {
    let daemon = InProcess::start(with_limits(ServerLimits {
        header_timeout: Duration::from_millis(300),
        ..ServerLimits::default()
    }))
    .await;
    let start = Instant::now();
    let mut slow = TcpStream::connect(daemon.address).await.unwrap();
    slow.write_all(b"GET /metrics HTTP/1.1\r\nhost: a\r\n")
        .await
        .unwrap();
    let (mut reading, mut writing) = slow.into_split();
    let dripping = tokio::spawn(async move {
        while writing.write_all(b"x-a: b\r\n").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    assert_eq!(get(&daemon.url("/-/healthy")).await.unwrap().0, 200);
    let mut answer = Vec::new();
    let ended = reading.read_to_end(&mut answer);
    // Closed or reset, without an answer to what was never asked.
    drop(
        tokio::time::timeout(Duration::from_secs(5), ended)
            .await
            .unwrap(),
    );
    assert!(!answer.starts_with(b"HTTP/1.1 200"), "{answer:?}");
    assert!(
        start.elapsed() < Duration::from_secs(3),
        "{:?}",
        start.elapsed()
    );
    dripping.abort();
}

#[tokio::test]
async fn fault_92_one_connection_too_many_is_closed_and_counted() {
    let daemon = InProcess::start(with_limits(ServerLimits {
        connections_max: 4,
        ..ServerLimits::default()
    }))
    .await;
    let mut held = Vec::new();
    for _ in 0..4 {
        let mut stream = TcpStream::connect(daemon.address).await.unwrap();
        stream
            .write_all(b"GET /-/healthy HTTP/1.1\r\nhost: a\r\n\r\n")
            .await
            .unwrap();
        let mut answer = [0; 16];
        stream.read_exact(&mut answer).await.unwrap();
        held.push(stream);
    }
    let mut fifth = TcpStream::connect(daemon.address).await.unwrap();
    let mut answer = Vec::new();
    drop(fifth.read_to_end(&mut answer).await);
    assert_eq!(answer, b"");
    drop(held);
    let body = until(&daemon.url("/metrics"), |_| true).await;
    let refused = counter(&body, "manifesto_exporter_http_connections_refused_total");
    assert!(refused >= 1.0, "{refused}");
}

#[tokio::test]
async fn fault_93_what_is_too_long_is_refused_with_its_own_status() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(
        "scrape_configs: []\nhistory: off\n",
        folder.path(),
        &["--web.enable-lifecycle"],
    );
    until(&daemon.url("/-/healthy"), |_| true).await;
    let address = address_of(&daemon);
    let host = "host: localhost\r\n";
    let long = format!("GET /targets?q={}", "x".repeat(8 * 1024));
    assert_eq!(status(&address, &long, host).await, 414);
    let body = format!("{host}content-length: 100000000\r\n");
    assert_eq!(status(&address, "POST /-/reload", &body).await, 413);
    let large = format!("{host}x-large: {}\r\n", "x".repeat(20 * 1024));
    assert_eq!(status(&address, "GET /metrics", &large).await, 431);
    let many: String = (0..200).map(|n| format!("x-{n}: y\r\n")).collect();
    assert_eq!(
        status(&address, "GET /metrics", &format!("{host}{many}")).await,
        431
    );
    assert_eq!(status(&address, "GET /metrics", host).await, 200);
}

#[tokio::test]
async fn fault_94_a_write_from_another_origin_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(
        "scrape_configs: []\nhistory: off\n",
        folder.path(),
        &["--web.enable-lifecycle"],
    );
    until(&daemon.url("/-/healthy"), |_| true).await;
    let address = address_of(&daemon);
    let host = format!("host: {address}\r\n");
    let cases = [
        (String::new(), 200),
        (format!("origin: http://{address}\r\n"), 200),
        (format!("origin: https://{address}\r\n"), 200),
        ("sec-fetch-site: same-origin\r\n".to_owned(), 200),
        ("origin: http://evil.example\r\n".to_owned(), 403),
        ("origin: http://127.0.0.1\r\n".to_owned(), 403),
        ("origin: null\r\n".to_owned(), 403),
        ("origin: \r\n".to_owned(), 403),
        ("sec-fetch-site: cross-site\r\n".to_owned(), 403),
        ("sec-fetch-site: same-site\r\n".to_owned(), 403),
    ];
    for (headers, expected) in cases {
        let got = status(
            &address,
            "POST /-/reload",
            &format!("{host}{headers}content-length: 0\r\n"),
        )
        .await;
        assert_eq!(got, expected, "{headers}");
    }
    // Reading is anybody's.
    let foreign = format!("{host}origin: http://evil.example\r\n");
    assert_eq!(status(&address, "GET /metrics", &foreign).await, 200);
    assert_eq!(status(&address, "GET /-/reload", &host).await, 405);
}

#[tokio::test]
async fn fault_95_no_path_leads_out_of_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = Daemon::start("scrape_configs: []\nhistory: off\n", folder.path(), &[]);
    until(&daemon.url("/-/healthy"), |_| true).await;
    let address = address_of(&daemon);
    for path in [
        "/../config.yaml",
        "/..%2fconfig.yaml",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/%252e%252e%252fetc%252fpasswd",
        "/style.css/../../etc/passwd",
        "/..%5c..%5cconfig.yaml",
        "/api/v1/..%2f..%2f..%2fetc/passwd",
        "/%00",
        "/metrics%2f..",
        "//etc/passwd",
        "/./metrics",
    ] {
        let got = status(&address, &format!("GET {path}"), "host: localhost\r\n").await;
        assert_eq!(got, 404, "{path}");
    }
    // One label for all of them: nobody makes series by asking.
    let body = get(&daemon.url("/metrics")).await.unwrap().1;
    let others = "manifesto_exporter_http_requests_total{code=\"404\",handler=\"other\"}";
    assert!(counter(&body, others) >= 10.0);
    assert!(!body.contains("passwd"), "{body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_96_a_thousand_scrapes_at_once_share_one_rendering() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = Daemon::start("scrape_configs: []\nhistory: off\n", folder.path(), &[]);
    let ready = "manifesto_exporter_ready 1";
    daemon.until_metric(ready).await;
    let name = "manifesto_exporter_renderings_total";
    let before = metric(&daemon.url("/metrics"), name).await;
    let address = address_of(&daemon);
    let scrapes: Vec<_> = (0..1_000)
        .map(|_| {
            let address = address.clone();
            tokio::spawn(async move {
                raw(
                    &address,
                    "GET /metrics HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
                )
                .await
            })
        })
        .collect();
    for scrape in scrapes {
        let body = scrape.await.unwrap();
        assert!(
            body.starts_with("HTTP/1.1 200") && body.contains(ready),
            "{body:.200}"
        );
    }
    let after = metric(&daemon.url("/metrics"), name).await;
    // A snapshot may have been swapped in meanwhile.
    assert!(after - before <= 3.0, "{before} then {after}");
}

#[tokio::test]
async fn fault_98_a_forged_host_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let flags = [
        "--web.external-url=https://reliability.example.com/",
        "--web.allowed-host=exporter.corp.example.com",
    ];
    let daemon = Daemon::start("scrape_configs: []\nhistory: off\n", folder.path(), &flags);
    until(&daemon.url("/-/healthy"), |_| true).await;
    let address = address_of(&daemon);
    for (host, expected) in [
        ("reliability.example.com", 200),
        ("Exporter.corp.example.com:8067", 200),
        ("127.0.0.1:8067", 200),
        ("[::1]:8067", 200),
        ("localhost:8067", 200),
        ("manifesto-exporter", 200),
        ("evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("a@b", 400),
        ("a\r\nhost: b", 400),
    ] {
        let got = status(&address, "GET /metrics", &format!("host: {host}\r\n")).await;
        assert_eq!(got, expected, "{host}");
    }
    let absolute = status(
        &address,
        "GET http://evil.example/metrics",
        "host: localhost\r\n",
    )
    .await;
    assert_eq!(absolute, 421);
}

/// Five hundred targets with long labels: an exposition that no socket buffer holds.
fn large_exposition() -> String {
    let targets: Vec<String> = (1..=500).map(|port| format!("127.0.71.1:{port}")).collect();
    format!(
        "global: {{scrape_interval: 30s}}\nscrape_configs:\n  - job_name: large\n    \
         static_configs: [{{targets: [{}]}}]\n    relabel_configs:\n      \
         - {{source_labels: [__address__], target_label: service}}\n      \
         - {{target_label: environment, replacement: {}}}\n",
        targets.join(", "),
        "e".repeat(2_000)
    )
}

/// Begins a scrape and reads no more than its first bytes.
async fn begin_scrape(daemon: &Daemon) -> (TcpStream, Vec<u8>) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let mut stream = socket
        .connect(address_of(daemon).parse().unwrap())
        .await
        .unwrap();
    stream
        .write_all(b"GET /metrics HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    let mut begun = vec![0; 1_024];
    stream.read_exact(&mut begun).await.unwrap();
    (stream, begun)
}

#[tokio::test]
async fn fault_92_a_client_that_reads_nothing_is_cut_off() {
    let daemon = InProcess::start(with_limits(ServerLimits {
        connections_max: 1,
        write_timeout: Duration::from_millis(200),
        ..ServerLimits::default()
    }))
    .await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let mut stuck = socket.connect(daemon.address).await.unwrap();
    // More answers than the buffers between take; reading stops where writing does.
    let asking = tokio::spawn(async move {
        let request = b"GET /metrics HTTP/1.1\r\nhost: a\r\n\r\n".repeat(20);
        while stuck.write_all(&request).await.is_ok() {}
    });
    tokio::time::timeout(Duration::from_secs(20), asking)
        .await
        .unwrap()
        .unwrap();
    // Its place is free again.
    let body = until(&daemon.url("/metrics"), |_| true).await;
    let answered = counter(
        &body,
        "manifesto_exporter_http_requests_total{code=\"200\",handler=\"/metrics\"}",
    );
    assert!(answered >= 1.0, "{answered}");
}

async fn large_daemon(folder: &Path) -> Daemon {
    let daemon = Daemon::start(&large_exposition(), folder, &[]);
    until(&daemon.url("/metrics"), |body| body.len() > 8 << 20).await;
    daemon
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_70_sigterm_lets_a_scrape_in_flight_end() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = large_daemon(folder.path()).await;
    let (mut stream, mut body) = begin_scrape(&daemon).await;
    daemon.program.signal("TERM");
    daemon.program.until_log("SIGTERM, stopping").await;
    drop(stream.read_to_end(&mut body).await);
    let text = String::from_utf8_lossy(&body[..1_024]);
    let length: usize = text
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .unwrap()
        .parse()
        .unwrap();
    let head = text.find("\r\n\r\n").unwrap() + 4;
    assert_eq!(body.len() - head, length, "cut short");
    let (exit, took) = daemon.program.wait();
    assert_eq!(exit.code(), Some(0));
    assert!(took < Duration::from_secs(3), "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_70_sigterm_does_not_wait_for_a_client_that_reads_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = large_daemon(folder.path()).await;
    let stuck = begin_scrape(&daemon).await;
    daemon.program.signal("TERM");
    let (exit, took) = tokio::task::spawn_blocking(|| daemon.program.wait())
        .await
        .unwrap();
    assert_eq!(exit.code(), Some(0));
    assert!(took < Duration::from_secs(4), "{took:?}");
    drop(stuck);
}

#[tokio::test]
async fn what_is_written_to_paths_that_only_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = Daemon::start("scrape_configs: []\nhistory: off\n", folder.path(), &[]);
    until(&daemon.url("/-/healthy"), |_| true).await;
    for path in ["/", "/metrics", "/sd", "/api/v1/targets", "/-/healthy"] {
        let answer = client().delete(daemon.url(path)).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 405, "{path}");
    }
}
