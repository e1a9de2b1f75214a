//! An estate with something for each panel to show, the real daemon that judges it, and the real
//! Prometheus that scrapes the daemon.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use jiff::{Timestamp, ToSpan as _};
use manifesto_exporter::history::Pace;
use serde_json::{Value, json};

use crate::evidence::server::serve;
use crate::programs::{Daemon, PATIENCE, Program, client};
use crate::services::{self, exposition, scraping};
use crate::simulation::{End, World, body, ruleset};

/// An instance of the estate: its service, environment, team, and what it exposes beside its version.
const INSTANCES: &[(&str, &str, &str, &str)] = &[
    ("127.0.72.1:8067", "checkout", "production", "payments"),
    ("127.0.72.2:8067", "billing", "production", "payments"),
    ("127.0.72.3:8067", "mailer", "staging", "growth"),
    // Nobody listens there.
    ("127.0.72.4:8067", "stock", "production", "growth"),
];

/// What an instance exposes: billing never times its requests, checkout only later; mailer tells its
/// version only at first.
fn exposed(name: &str, is_later: bool) -> String {
    let version = if name == "mailer" && is_later {
        "unknown"
    } else {
        "1.4.2"
    };
    let times_requests = name != "billing" && (is_later || name != "checkout");
    exposition(name, version, times_requests)
}

/// The running estate and who watches it.
pub(super) struct Estate {
    _daemon: Daemon,
    _prometheus: Program,
    prometheus: String,
    /// Where the exporter listens.
    pub(super) exporter: String,
}

impl Estate {
    pub(super) async fn start(folder: &Path) -> Self {
        let is_later = Arc::new(AtomicBool::new(false));
        for (address, name, _, _) in INSTANCES.iter().filter(|instance| instance.1 != "stock") {
            let is_later = Arc::clone(&is_later);
            services::serve(address, move || exposed(name, is_later.load(Relaxed))).await;
        }
        let source = json!({"queries": [
            {"holds": "max(trivy", "series": [[{}, 2]]},
            {"holds": "trivy_image_vulnerabilities", "series": [
            [{"namespace": "checkout"}, 0], [{"namespace": "mailer"}, 2],
        ]}]});
        let source = serve(source).await;
        let configuration = written(folder, &source.to_string());
        past(folder);
        let daemon = Daemon::start(
            &configuration,
            folder,
            &["--web.external-url=http://manifesto.example"],
        );
        let key = |name: &str, environment: &str| {
            format!("service_name=\"{name}\",environment=\"{environment}\"")
        };
        for line in [
            format!(
                "manifesto_rule_compliant{{{},rule=\"O-9\"}} 0",
                key("billing", "production")
            ),
            format!(
                "manifesto_rule_compliant{{{},rule=\"O-8\"}} 1",
                key("mailer", "staging")
            ),
            format!(
                "manifesto_rule_waived{{{},rule=\"S-6\"}} 1",
                key("mailer", "staging")
            ),
        ] {
            daemon.until_metric(&line).await;
        }
        let exporter = daemon.base.trim_start_matches("http://").to_owned();
        let (program, prometheus) = services::prometheus(folder, &scraping(&exporter), &[]).await;
        let estate = Self {
            _daemon: daemon,
            _prometheus: program,
            prometheus,
            exporter,
        };
        // Two change before everybody's eyes.
        let (version, latency) = (
            r#"manifesto_rule_compliant{service_name="mailer",rule="O-8"}"#,
            r#"manifesto_rule_compliant{service_name="checkout",rule="O-9"}"#,
        );
        estate.until(&format!("{version} == 1")).await;
        estate.until(&format!("{latency} == 0")).await;
        is_later.store(true, Relaxed);
        estate.until(&format!("{version} == 0")).await;
        estate.until(&format!("{latency} == 1")).await;
        // Rates need some scrapes.
        estate.scraped(6).await;
        estate
    }

    /// Waits until Prometheus has scraped the exporter so many times more, once a second.
    pub(super) async fn scraped(&self, more: i64) {
        let scrapes = "count_over_time(up{job=\"manifesto-exporter\"}[1h])";
        let answer = self.get("query", &[("query", scrapes)]).await;
        let before = answer["result"][0]["value"][1].as_str().unwrap();
        let before: i64 = before.parse().unwrap();
        self.until(&format!("{scrapes} >= {}", before + more)).await;
    }

    /// What Prometheus answers.
    pub(super) async fn get(&self, path: &str, parameters: &[(&str, &str)]) -> Value {
        let url = format!("{}/api/v1/{path}", self.prometheus);
        let url = reqwest::Url::parse_with_params(&url, parameters).unwrap();
        let body = client()
            .get(url)
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        let answer: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(answer["status"], "success", "{parameters:?}: {body}");
        answer["data"].clone()
    }

    async fn until(&self, query: &str) {
        let start = std::time::Instant::now();
        while self.get("query", &[("query", query)]).await["result"]
            .as_array()
            .unwrap()
            .is_empty()
        {
            assert!(
                start.elapsed() < PATIENCE,
                "{query} never returned anything"
            );
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
    }
}

/// Five weeks that an earlier exporter saw: a forecast wants a past.
fn past(folder: &Path) {
    let state = folder.join("state/manifesto-exporter");
    std::fs::create_dir_all(&state).unwrap();
    let start = Timestamp::now() - jiff::SignedDuration::from_hours(24 * 36);
    let day = jiff::SignedDuration::from_hours(24);
    let pace = Pace {
        heartbeat: std::time::Duration::ZERO,
        stall: std::time::Duration::from_secs(2 * 86_400),
    };
    let rules = ruleset("scrape_configs: []", folder);
    let mut world = World::new(rules, start, &state.join("history.sqlite"), pace);
    world.start();
    for days in 0..35 {
        let lacks: &[&str] = if days < 14 {
            &["version", "latency"]
        } else {
            &[]
        };
        world.put("old-1", "old", "payments", body("old", lacks));
        world.put("older-1", "older", "payments", body("older", &["latency"]));
        world.look();
        world.pass(day);
    }
    world.end(End::Stop);
}

/// Configuration, catalogue and records in a folder.
fn written(folder: &Path, source: &str) -> String {
    let today = Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let day = |days: i64| today.checked_add(days.days()).unwrap();
    std::fs::write(
        folder.join("catalogue.yaml"),
        "services:\n- {name: checkout, team: payments, tier: critical, environments: [production]}\n\
         - {name: billing, team: payments, environments: [production]}\n\
         - {name: ledger, team: books, environments: [production]}\n",
    )
    .unwrap();
    let url = "http://chat.example/1";
    let waiver = format!(
        "waivers: [{{rule: S-6, service: mailer, reason: later, discussion: '{url}', owner: ann, approver: bob, granted_at: {}, expires_at: {}}}]\n",
        day(-3),
        day(30)
    );
    std::fs::write(folder.join("waivers.yaml"), waiver).unwrap();
    let attestations = format!(
        "attestations:\n- {{rule: D-1, service: checkout, owner: sre, statement: reviewed, evidence_url: '{url}', signed_at: {0}, expires_at: {1}}}\n\
         - {{rule: F-3, estate: true, owner: sre, statement: reviewed, evidence_url: '{url}', signed_at: {0}, expires_at: {1}}}\n",
        day(-3),
        day(300)
    );
    std::fs::write(folder.join("attestations.yaml"), attestations).unwrap();
    let objectives = "objectives:
- team: payments
  quarter: now
  title: seen
  owner: ann
  key_results:
  - {title: latency, measure: {compliance: [O-9]}, baseline: 0, target: 1}
  - {title: version, measure: {compliance: [O-8]}, target: 1, kind: aspirational}
  - {title: vulnerabilities, measure: {promql: max(trivy_image_vulnerabilities)}, unit: findings, baseline: 10, target: 0}
";
    std::fs::write(folder.join("objectives.yaml"), objectives).unwrap();
    let initiatives = format!(
        "initiatives: [{{title: versions, owner: ann, reason: incidents, rules: [O-8], started: {}, due: {}}}]\n",
        day(-20),
        day(30)
    );
    std::fs::write(folder.join("initiatives.yaml"), initiatives).unwrap();
    let quarter = format!("{{name: now, from: {}, to: {}}}", day(-50), day(40));
    let targets = INSTANCES.iter().map(|(address, name, environment, team)| {
        format!("    - {{targets: ['{address}'], labels: {{service: {name}, environment: {environment}, team: {team}}}}}\n")
    });
    format!(
        "global: {{scrape_interval: 1s, scrape_timeout: 900ms}}\ncatalogue: [catalogue.yaml]\nwaivers: [waivers.yaml]\nattestations: [attestations.yaml]\n\
         objectives: [objectives.yaml]\ninitiatives: [initiatives.yaml]\nfiscal_year: {{quarters: [{quarter}]}}\n\
         levels: [{{name: bronze, rules: [O-6, O-7]}}, {{name: silver, rules: [O-8, O-9]}}]\n\
         sources: [{{kind: prometheus, url: 'http://{source}', interval: 1s, timeout: 1s}}]\n\
         scrape_configs:\n- job_name: estate\n  static_configs:\n{}",
        targets.collect::<String>()
    )
}
