//! `proof: prometheus`: the demo's fleet judged by our own scrapes and by what others scraped of it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use axum::extract::Request;
use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::programs::{BINARY, Daemon, Program, client, free_address, get, tell, until};

const RULES: [&str; 4] = ["O-6", "O-7", "O-8", "O-9"];
const PATIENCE: Duration = Duration::from_secs(60);

/// Status and reason by service and rule.
type Verdicts = BTreeMap<(String, String), (String, String)>;

fn verdicts(answer: &Value) -> Verdicts {
    let mut found = Verdicts::new();
    for service in answer["services"].as_array().unwrap() {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        for verdict in service["verdicts"].as_array().unwrap() {
            let rule = text(&verdict["rule"]);
            if RULES.contains(&rule.as_str()) {
                let outcome = (text(&verdict["status"]), text(&verdict["reason"]));
                found.insert((text(&service["service_name"]), rule), outcome);
            }
        }
    }
    found
}

async fn services(base: &str) -> Option<Value> {
    let (_, text) = get(&format!("{base}/api/v1/services")).await.ok()?;
    serde_json::from_str(&text).ok()
}

/// What differs, once it is what is expected to.
async fn until_differs(
    own: &str,
    second_hand: &Daemon,
    expected: impl Fn(&str, &str) -> Option<[&'static str; 2]>,
) -> (usize, Value) {
    let begun = Instant::now();
    loop {
        let both = (services(own).await, services(&second_hand.base).await);
        if let (Some(own), Some(other)) = both {
            let (known, found) = (verdicts(&own), verdicts(&other));
            let wrong: Vec<String> = known
                .iter()
                .filter_map(|((service, rule), outcome)| {
                    let expected = match expected(service, rule) {
                        Some([status, reason]) => (status.to_owned(), reason.to_owned()),
                        None => outcome.clone(),
                    };
                    let found = found.get(&(service.clone(), rule.clone()));
                    (found != Some(&expected))
                        .then(|| format!("{service} {rule}: {expected:?}, found {found:?}"))
                })
                .collect();
            let early = |(_, reason): &(String, String)| {
                matches!(reason.as_str(), "warming_up" | "not_scraped_yet")
            };
            if wrong.is_empty() && known.len() == 80 && !known.values().any(early) {
                return (known.len(), other);
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "{}\n{}",
                wrong.join("\n"),
                second_hand.program.log()
            );
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// The fleet, where its targets are listed, and the port that it is judged by: another one where 8067 is taken.
async fn fleet(folder: &Path) -> (Program, String, u64) {
    let address = free_address().to_string();
    let base = format!("http://{address}");
    let demo = Program::start(BINARY, &["demo", "--web.listen-address", &address], folder);
    let targets = until(&format!("{base}/sd"), |body| body.len() > 1000).await;
    let targets: Value = serde_json::from_str(&targets).unwrap();
    let complies = targets[0]["targets"][0].as_str().unwrap();
    let port = complies.rsplit_once(':').unwrap().1.parse().unwrap();
    (demo, base, port)
}

fn start_prometheus(program: &str, folder: &Path, address: SocketAddr) -> Program {
    let arguments = [
        "--config.file=scraping.json",
        "--storage.tsdb.path=tsdb",
        &format!("--web.listen-address={address}"),
    ];
    Program::start(program, &arguments, folder)
}

fn second_hand(folder: &Path, port: u64, entry: Value) -> Daemon {
    let config = json!({
        "history": "off",
        "global": {"scrape_interval": "1s"},
        "rules": {"checks": {"O-7": [{"kind": "endpoint", "port": port}]}},
        "scrape_configs": [{"job_name": "known", "proof": "prometheus", "prometheus_sd_configs": [entry]}],
    });
    let own = folder.join("second-hand");
    std::fs::create_dir_all(&own).unwrap();
    Daemon::start(&config.to_string(), &own, &[])
}

/// What Prometheus could not read is down to who asks it, who does not learn why.
fn of_prometheus(service: &str, _rule: &str) -> Option<[&'static str; 2]> {
    (service == "telemetry").then_some(["unknown", "target_down"])
}

async fn by_prometheus(program: &str) {
    let folder = tempfile::tempdir().unwrap();
    let (_demo, base, port) = fleet(folder.path()).await;
    let scraping = json!({
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
        "scrape_configs": [{"job_name": "fleet", "http_sd_configs": [{"url": format!("{base}/sd"), "refresh_interval": "2s"}]}],
    });
    std::fs::write(folder.path().join("scraping.json"), scraping.to_string()).unwrap();
    let address = free_address();
    let prometheus = start_prometheus(program, folder.path(), address);
    let entry = json!({"url": format!("http://{address}"), "refresh_interval": "1s"});
    let daemon = second_hand(folder.path(), port, entry);
    let (count, answer) = until_differs(&base, &daemon, of_prometheus).await;
    tell(format_args!(
        "{} of {count} verdicts on the demo's fleet are the same by what {program} scraped; {} are unknown for another reason",
        count - RULES.len(),
        RULES.len(),
    ));
    let checkout = answer["services"].as_array().unwrap();
    let checkout = checkout
        .iter()
        .find(|one| one["service_name"] == "checkout");
    let version = checkout.unwrap()["verdicts"].as_array().unwrap();
    let version = version.iter().find(|one| one["rule"] == "O-8").unwrap();
    assert_eq!(version["basis"], "measured");
    let message = version["message"].as_str().unwrap();
    assert_eq!(
        message,
        format!(
            "exposes its version \"2.14.0\" (as `http://{address}/` scraped it: what it dropped or renamed is not seen)"
        )
    );
    // Who scrapes goes away: nobody is down for that, and nothing is known.
    drop(prometheus);
    until(&daemon.url("/api/v1/services"), |body| {
        let answer: Value = serde_json::from_str(body).unwrap();
        let found = verdicts(&answer);
        found.len() == 80 && found.values().all(|(_, reason)| reason == "source_down")
    })
    .await;
    let metrics = until(&daemon.url("/metrics"), |body| {
        body.contains("manifesto_service_targets")
    })
    .await;
    assert!(!metrics.contains("\nmanifesto_target_down{"), "{metrics}");
    assert!(!metrics.contains("\nmanifesto_target_up{"));
    let page = until(&daemon.url("/targets"), |body| body.contains("pending")).await;
    assert!(page.contains(&format!(
        "could not be measured (no_answer): `http://{address}/`"
    )));
    // And comes back.
    let _prometheus = start_prometheus(program, folder.path(), address);
    until_differs(&base, &daemon, of_prometheus).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn verdicts_are_the_same_by_what_prometheus_scraped() {
    by_prometheus("prometheus").await;
}

/// To a server that scrapes both, two targets with the same labels are one set of series: those of the one would pass for
/// the other.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_known_of_targets_that_share_their_labels() {
    let folder = tempfile::tempdir().unwrap();
    let (_demo, base, port) = fleet(folder.path()).await;
    let (_, targets) = get(&format!("{base}/sd")).await.unwrap();
    let targets: Value = serde_json::from_str(&targets).unwrap();
    let job = |name: &str, nth: usize, labels: Value| {
        let one = json!({"targets": [targets[nth]["targets"][0]], "labels": labels});
        json!({"job_name": name, "static_configs": [one]})
    };
    let same = json!({"job": "same", "instance": "same", "service": "twin"});
    let alone = json!({"service": "alone"});
    let scraping = json!({
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
        "scrape_configs": [job("one", 0, same.clone()), job("two", 1, same), job("three", 2, alone)],
    });
    std::fs::write(folder.path().join("scraping.json"), scraping.to_string()).unwrap();
    let address = free_address();
    let _prometheus = start_prometheus("prometheus", folder.path(), address);
    let entry = json!({"url": format!("http://{address}"), "refresh_interval": "1s"});
    let daemon = second_hand(folder.path(), port, entry);
    let reason = |body: &str, service: &str| {
        let answer: Value = serde_json::from_str(body).unwrap();
        let found = verdicts(&answer);
        let key = (service.to_owned(), "O-8".to_owned());
        found.get(&key).map(|(_, reason)| reason.clone())
    };
    let body = until(&daemon.url("/api/v1/services"), |body| {
        let known = reason(body, "alone");
        let waits = ["warming_up", "not_scraped_yet", "source_down"];
        known.is_some_and(|known| !waits.contains(&known.as_str()))
            && reason(body, "twin").as_deref() == Some("source_down")
    })
    .await;
    assert!(body.contains("several targets have these labels"), "{body}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a current Prometheus: ./tests/run real"]
async fn real_prometheus_scrapes_what_we_would_have_scraped() {
    by_prometheus(&crate::compared::prometheus::program("PROMETHEUS")).await;
}

/// The same server without a list of targets, which is refused as the cluster of VictoriaMetrics does.
async fn without_list(upstream: SocketAddr) -> SocketAddr {
    let client = client();
    let forward = async move |request: Request| {
        if request.uri().path() == "/api/v1/targets" {
            let refused = "unsupported path requested: \"/api/v1/targets\"";
            return (StatusCode::BAD_REQUEST, refused.to_owned());
        }
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, 1024 * 1024).await.unwrap();
        let mut forwarded = client.request(parts.method, format!("http://{upstream}{}", parts.uri));
        if let Some(kind) = parts.headers.get("content-type") {
            forwarded = forwarded.header("content-type", kind);
        }
        match forwarded.body(body).send().await {
            Ok(answer) => (answer.status(), answer.text().await.unwrap_or_default()),
            Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()),
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = axum::Router::new().fallback(forward);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

/// A server that is asked for its series alone, as Mimir would be: which port is scraped is not known. VictoriaMetrics
/// takes what can be read of a broken exposition.
#[tokio::test(flavor = "multi_thread")]
async fn verdicts_are_the_same_by_series_but_for_the_port() {
    let folder = tempfile::tempdir().unwrap();
    let (_demo, base, port) = fleet(folder.path()).await;
    let scraping = json!({
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
        "scrape_configs": [{"job_name": "fleet", "http_sd_configs": [{"url": format!("{base}/sd")}]}],
    });
    std::fs::write(folder.path().join("scraping.json"), scraping.to_string()).unwrap();
    let address = free_address();
    let arguments = [
        "-storageDataPath=vm",
        "-promscrape.config=scraping.json",
        "-search.latencyOffset=1s",
        &format!("-httpListenAddr={address}"),
    ];
    let _server = Program::start("victoria-metrics", &arguments, folder.path());
    let cluster = without_list(address).await;
    let entry = json!({"url": format!("http://{cluster}"), "refresh_interval": "1s", "query": "up{job!=\"\"}"});
    let daemon = second_hand(folder.path(), port, entry);
    let down = ["catalog", "importer", "legacy", "recommender", "sessions"];
    let (count, _) = until_differs(&base, &daemon, |service, rule| match (service, rule) {
        ("telemetry", "O-6") => Some(["pass", "proven"]),
        ("telemetry", "O-8" | "O-9") => Some(["fail", "missing"]),
        // Its body is empty: VictoriaMetrics calls it up, and has no series of it.
        ("portal", _) => Some(["unknown", "source_down"]),
        ("catalog", "O-7") => Some(["unknown", "target_down"]),
        (service, "O-7") if !down.contains(&service) => Some(["unknown", "no_data"]),
        _ => None,
    })
    .await;
    tell(format_args!(
        "{count} verdicts on the demo's fleet by the series of VictoriaMetrics are as expected"
    ));
}
