//! The whole way of a page: services that fail, the real daemon, the real Prometheus with our rules,
//! the real Alertmanager with our example, and a receiver of webhooks. Only times are shortened.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::routes::alertmanager;
use super::{read, rule_files};
use crate::programs::{Daemon, PATIENCE, Program, get};
use crate::services::{self, exposition, scraping, serve};

/// Times of the rules, and what they are here: evaluations are a second apart, windows hold three.
const SHORTER: &[(&str, &str)] = &[
    ("[5m]", "[3s]"),
    ("[15m]", "[6s]"),
    ("interval: 1m", "interval: 1s"),
    (" for: 2m", " for: 1s"),
    (" for: 5m", " for: 2s"),
    (" for: 10m", " for: 4s"),
    ("keep_firing_for: 5m", "keep_firing_for: 1s"),
    ("keep_firing_for: 10m", "keep_firing_for: 2s"),
    ("keep_firing_for: 15m", "keep_firing_for: 3s"),
];

/// Services on loopback, on the manifesto's port, that can be broken and fixed.
struct Services {
    running: Vec<JoinHandle<()>>,
    is_mended: Arc<AtomicBool>,
}

const NAMES: [&str; 4] = ["checkout", "billing", "mailer", "stock"];

fn address(place: usize) -> String {
    format!("127.0.71.{}:8067", place + 1)
}

impl Services {
    /// The first of them does not time its requests yet.
    async fn start() -> Self {
        let is_mended = Arc::new(AtomicBool::new(false));
        let mut running = Vec::new();
        for (place, name) in NAMES.into_iter().enumerate() {
            let is_mended = Arc::clone(&is_mended);
            let text = move || exposition(name, "1.4.2", place > 0 || is_mended.load(Relaxed));
            running.push(serve(&address(place), text).await);
        }
        Self { running, is_mended }
    }

    fn fix(&self) {
        self.is_mended.store(true, Relaxed);
    }

    fn stop(&self) {
        self.running.iter().for_each(JoinHandle::abort);
    }

    /// The configuration that watches them.
    fn configuration() -> String {
        let targets = NAMES.iter().enumerate().map(|(place, name)| {
            format!(
                "    - {{targets: ['{}'], labels: {{service: {name}, environment: production, team: payments}}}}\n",
                address(place)
            )
        });
        format!(
            "global: {{scrape_interval: 1s, scrape_timeout: 900ms}}\nscrape_configs:\n- job_name: live\n  static_configs:\n{}",
            targets.collect::<String>()
        )
    }
}

/// What arrives at a receiver of webhooks: alerts by path.
#[derive(Clone, Default)]
struct Inbox(Arc<Mutex<Vec<(String, Value)>>>);

impl Inbox {
    async fn listen() -> (Self, SocketAddr) {
        let inbox = Self::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let into = inbox.clone();
        let take = async move |path: axum::extract::Path<String>, message: axum::Json<Value>| {
            into.0.lock().unwrap().push((path.0, message.0));
        };
        let app = axum::Router::new().route("/{receiver}", axum::routing::post(take));
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        (inbox, address)
    }

    /// How many messages came so far.
    fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    /// The pages after the first `seen` messages.
    fn pages(&self, seen: usize) -> Vec<Value> {
        let messages = self.0.lock().unwrap();
        let pages = messages[seen..].iter().filter(|(path, _)| path == "page");
        pages.map(|(_, message)| message.clone()).collect()
    }

    /// Waits for a page with this alert in this state.
    async fn page(&self, seen: usize, alert: &str, status: &str) -> Value {
        let start = Instant::now();
        loop {
            let pages = self.pages(seen);
            let alerts = pages
                .iter()
                .flat_map(|page| page["alerts"].as_array().unwrap());
            let mut wanted = alerts
                .filter(|found| found["labels"]["alertname"] == alert && found["status"] == status);
            if let Some(found) = wanted.next() {
                return found.clone();
            }
            assert!(
                start.elapsed() < PATIENCE * 2,
                "no {status} {alert}: {:#?}",
                self.0.lock().unwrap()
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// Prometheus with our rules, but for their times.
async fn prometheus(folder: &Path, daemon: &str, alertmanager: &str) -> (Program, String) {
    let mut files = Vec::new();
    for file in rule_files() {
        let mut rules = read(&file);
        for (long, short) in SHORTER {
            rules = rules.replace(long, short);
        }
        let name = file.replace('/', "-");
        std::fs::write(folder.join(&name), rules).unwrap();
        files.push(name);
    }
    let strip = |url: &str| url.trim_start_matches("http://").to_owned();
    let configuration = format!(
        "rule_files: [{}]\nalerting: {{alertmanagers: [{{static_configs: [{{targets: ['{}']}}]}}]}}\n{}",
        files.join(", "),
        strip(alertmanager),
        scraping(&strip(daemon)),
    );
    services::prometheus(folder, &configuration, &["--rules.alert.resend-delay=1s"]).await
}

/// How many alerts of a name Prometheus has firing.
async fn firing(prometheus: &str, alert: &str) -> usize {
    let (_, body) = get(&format!("{prometheus}/api/v1/alerts")).await.unwrap();
    let answer: Value = serde_json::from_str(&body).unwrap();
    let alerts = answer["data"]["alerts"].as_array().unwrap().iter();
    alerts
        .filter(|found| found["labels"]["alertname"] == alert && found["state"] == "firing")
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_arrives_resolves_and_is_one_when_everything_fails() {
    let folder = tempfile::tempdir().unwrap();
    let services = Services::start().await;
    let daemon = Daemon::start(&Services::configuration(), folder.path(), &[]);
    let (inbox, receiver) = Inbox::listen().await;
    let receiver = format!("http://{receiver}");
    let (_alertmanager, alertmanager) = alertmanager(
        folder.path(),
        &[
            ("http://localhost:9095", &receiver),
            ("group_wait: 30s", "group_wait: 1s"),
            ("group_interval: 5m", "group_interval: 1s"),
        ],
    )
    .await;
    let (_prometheus, prometheus) = prometheus(folder.path(), &daemon.base, &alertmanager).await;

    // One service does not keep a critical rule.
    let page = inbox.page(0, "ManifestoRuleNotKept", "firing").await;
    for (label, value) in [
        ("severity", "critical"),
        ("service", "checkout"),
        ("environment", "production"),
        ("team", "payments"),
        ("rule", "O-9"),
    ] {
        assert_eq!(page["labels"][label], value, "{page:#}");
    }
    let text = page["annotations"]["description"].as_str().unwrap();
    assert_eq!(
        text,
        "checkout in production violates O-9 (Availability and latency exposed). \
         Failing: http://127.0.71.1:8067/metrics (missing). \
         What was found and what to change: http://localhost:8067/?q=checkout"
    );

    // Its runbook is where the page says, on the exporter itself.
    let runbook = page["annotations"]["runbook_url"].as_str().unwrap();
    let path = runbook.strip_prefix("http://localhost:8067").unwrap();
    let (status, text) = get(&daemon.url(path)).await.unwrap();
    assert!(
        status == 200 && text.starts_with("# ManifestoRuleNotKept\n"),
        "{text}"
    );
    let (status, text) = get(&daemon.url("/runbooks/Unheard")).await.unwrap();
    assert!(
        status == 404 && text.contains("/runbooks/ManifestoServiceDown"),
        "{text}"
    );

    // It is fixed.
    services.fix();
    inbox.page(0, "ManifestoRuleNotKept", "resolved").await;

    // Everything fails at once.
    let seen = inbox.len();
    services.stop();
    let page = inbox
        .page(seen, "ManifestoManyServicesDown", "firing")
        .await;
    assert_eq!(page["labels"]["environment"], "production");
    let start = Instant::now();
    while firing(&prometheus, "ManifestoServiceDown").await < NAMES.len() {
        assert!(start.elapsed() < PATIENCE, "services do not seem down");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // Time enough for each to notify, if it did.
    tokio::time::sleep(Duration::from_secs(4)).await;
    let pages = inbox.pages(seen);
    assert_eq!(pages.len(), 1, "{pages:#?}");
    assert_eq!(
        pages[0]["alerts"].as_array().unwrap().len(),
        1,
        "{pages:#?}"
    );

    // Who watches dies.
    let seen = inbox.len();
    daemon.program.signal("KILL");
    let page = inbox.page(seen, "ManifestoExporterDown", "firing").await;
    let text = page["annotations"]["description"].as_str().unwrap();
    assert!(
        text.contains(daemon.base.trim_start_matches("http://")),
        "{text}"
    );
}
