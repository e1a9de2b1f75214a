//! Real components of the ecosystem, as Debian ships them: the daemon discovers and judges them,
//! and the real Prometheus scrapes the daemon in both formats.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use tokio::net::TcpListener;

use super::programs::{Daemon, Program, client, free_address, get_as, until};

/// A component, where it listens, and what it is expected to prove.
struct Component {
    service: &'static str,
    address: SocketAddr,
    /// Status by rule: O-6, O-7, O-8, O-9.
    verdicts: [u8; 4],
    _program: Program,
}

const RULES: [&str; 4] = ["O-6", "O-7", "O-8", "O-9"];

/// Starts the four on loopback. Prometheus and Alertmanager get the manifesto's port, on
/// addresses of their own.
fn start_components(folder: &Path) -> Vec<Component> {
    std::fs::write(folder.join("prometheus-empty.yml"), "scrape_configs: []\n").unwrap();
    let alertmanager = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n";
    std::fs::write(folder.join("alertmanager.yml"), alertmanager).unwrap();
    std::fs::write(
        folder.join("blackbox.yml"),
        "modules: {tcp: {prober: tcp}}\n",
    )
    .unwrap();
    let component = |service, program: &str, address: SocketAddr, verdicts, more: &[&str]| {
        let listen = format!("--web.listen-address={address}");
        let arguments: Vec<&str> = [listen.as_str()].iter().chain(more).copied().collect();
        Component {
            service,
            address,
            verdicts,
            _program: Program::start(program, &arguments, folder),
        }
    };
    vec![
        // Names its families after itself, versions its build, counts and times its API.
        component(
            "prometheus",
            "prometheus",
            "127.0.69.1:8067".parse().unwrap(),
            [1, 1, 1, 1],
            &[
                "--config.file=prometheus-empty.yml",
                "--storage.tsdb.path=tsdb-judged",
            ],
        ),
        // Notifications with their failures are its availability.
        component(
            "alertmanager",
            "prometheus-alertmanager",
            "127.0.69.2:8067".parse().unwrap(),
            [1, 1, 1, 1],
            &[
                "--config.file=alertmanager.yml",
                "--storage.path=alertmanager",
                "--cluster.listen-address=",
            ],
        ),
        // An inventory of its machine: a version of its own, no requests but scrapes.
        component(
            "node-exporter",
            "prometheus-node-exporter",
            free_address(),
            [1, 0, 1, 0],
            &[],
        ),
        // The same, for probes.
        component(
            "blackbox-exporter",
            "prometheus-blackbox-exporter",
            free_address(),
            [1, 0, 1, 0],
            &["--config.file=blackbox.yml"],
        ),
    ]
}

/// Serves a list of targets as Prometheus's HTTP service discovery.
async fn http_sd(groups: Value) -> (String, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/targets", listener.local_addr().unwrap());
    let router = axum::Router::new().route(
        "/targets",
        axum::routing::get(async move || axum::Json(groups.clone())),
    );
    (
        url,
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() }),
    )
}

/// Passes `/metrics` on with an Accept header that asks for text: Prometheus 2.42 cannot be told
/// to ask for it.
async fn text_only(upstream: String) -> (SocketAddr, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let handler = async move || {
        let (_, body) = get_as(&upstream, "text/plain;version=0.0.4").await.unwrap();
        (
            [("content-type", "text/plain; version=0.0.4; charset=utf-8")],
            body,
        )
    };
    let router = axum::Router::new().route("/metrics", axum::routing::get(handler));
    (
        address,
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() }),
    )
}

fn group(component: &Component) -> Value {
    let labels = serde_json::json!({"service": component.service, "environment": "real"});
    serde_json::json!({"targets": [component.address.to_string()], "labels": labels})
}

#[tokio::test]
async fn real_components_are_judged_and_prometheus_scrapes_the_verdicts() {
    let folder = tempfile::tempdir().unwrap();
    let components = start_components(folder.path());
    // Half by file, half over HTTP.
    let by_file: Vec<Value> = components.iter().step_by(2).map(group).collect();
    std::fs::write(
        folder.path().join("targets.json"),
        Value::from(by_file).to_string(),
    )
    .unwrap();
    let by_http: Vec<Value> = components.iter().skip(1).step_by(2).map(group).collect();
    let (sd_url, _sd) = http_sd(Value::from(by_http)).await;
    let configuration = format!(
        "global: {{scrape_interval: 2s, scrape_timeout: 2s}}\n\
         scrape_configs:\n\
         \x20 - job_name: files\n    file_sd_configs: [{{files: [targets.json]}}]\n\
         \x20 - job_name: http\n    http_sd_configs: [{{url: \"{sd_url}\"}}]\n"
    );
    let daemon = Daemon::start(&configuration, folder.path(), &[]);

    for component in &components {
        until(&format!("http://{}/metrics", component.address), |_| true).await;
    }
    judged_at_once(&daemon, &components).await;
    promtool_accepts(&daemon).await;
    scraped_by_prometheus(&daemon, folder.path()).await;
}

/// A young process's missing series is unknown for 15 minutes in the daemon, so that what misses
/// is asked of `/probe`, which judges one scrape as it stands.
async fn judged_at_once(daemon: &Daemon, components: &[Component]) {
    for component in components {
        let passes = RULES
            .iter()
            .zip(component.verdicts)
            .filter(|(_, verdict)| *verdict == 1);
        for (rule, _) in passes {
            daemon.until_metric(&line(component.service, rule, 1)).await;
        }
        let probe = daemon.url(&format!("/probe?target={}", component.address));
        let body = until(&probe, |_| true).await;
        for (rule, verdict) in RULES.iter().zip(component.verdicts) {
            let expected = line(component.service, rule, verdict);
            assert!(body.contains(&expected), "no {expected} in\n{body}");
        }
    }
}

fn line(service: &str, rule: &str, value: u8) -> String {
    format!(
        "manifesto_rule_compliant{{service_name=\"{service}\",environment=\"real\",rule=\"{rule}\"}} {value}"
    )
}

async fn promtool_accepts(daemon: &Daemon) {
    use std::io::Write as _;
    let (_, body) = get_as(&daemon.url("/metrics"), "text/plain").await.unwrap();
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    promtool
        .stdin
        .take()
        .unwrap()
        .write_all(body.as_bytes())
        .unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.is_empty(), "{said}");
}

/// The real Prometheus scrapes the daemon directly (OpenMetrics) and through a proxy that asks for
/// text, stores the same verdicts from both, and has nothing to complain about.
async fn scraped_by_prometheus(daemon: &Daemon, folder: &Path) {
    let (text, _proxy) = text_only(daemon.url("/metrics")).await;
    let direct = daemon.base.trim_start_matches("http://");
    let configuration = format!(
        "global: {{scrape_interval: 1s, scrape_timeout: 900ms}}\n\
         scrape_configs:\n\
         \x20 - job_name: openmetrics\n    honor_labels: true\n    static_configs: [{{targets: [\"{direct}\"]}}]\n\
         \x20 - job_name: text\n    honor_labels: true\n    static_configs: [{{targets: [\"{text}\"]}}]\n"
    );
    let scraping = folder.join("scraping");
    std::fs::create_dir(&scraping).unwrap();
    std::fs::write(scraping.join("prometheus.yml"), configuration).unwrap();
    let address = free_address();
    let prometheus = Program::start(
        "prometheus",
        &[
            "--config.file=prometheus.yml",
            "--storage.tsdb.path=tsdb",
            &format!("--web.listen-address={address}"),
        ],
        &scraping,
    );
    for job in ["openmetrics", "text"] {
        let query = format!("up{{job=\"{job}\"}} == 1");
        until_result(address, &query, 1).await;
        let query = format!(
            "manifesto_rule_compliant{{job=\"{job}\",service_name=\"prometheus\",rule=~\"O-.\"}}"
        );
        until_result(address, &query, 4).await;
    }
    let both = until_result(address, "count by (job) ({__name__=~\"manifesto_.+\"})", 2).await;
    let counts: Vec<&str> = both
        .iter()
        .map(|series| series["value"][1].as_str().unwrap())
        .collect();
    assert_eq!(counts[0], counts[1], "both formats carry the same series");
    for warning in ["level=warn", "level=error"] {
        assert!(!prometheus.log().contains(warning), "{}", prometheus.log());
    }
}

/// Asks until a query returns this many series.
async fn until_result(prometheus: SocketAddr, query: &str, count: usize) -> Vec<Value> {
    let url = reqwest::Url::parse_with_params(
        &format!("http://{prometheus}/api/v1/query"),
        [("query", query)],
    );
    let url = url.unwrap();
    let start = std::time::Instant::now();
    loop {
        let answer = client().get(url.clone()).send().await;
        if let Ok(answer) = answer
            && let Ok(text) = answer.text().await
            && let Ok(json) = serde_json::from_str::<Value>(&text)
            && let Some(result) = json["data"]["result"].as_array()
            && result.len() == count
        {
            return result.clone();
        }
        assert!(
            start.elapsed().as_secs() < 30,
            "{query} never returned {count} series"
        );
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}
