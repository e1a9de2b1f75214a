//! The daemon and the commands, with evidence beside metrics.

use std::io::Write as _;
use std::process::{Command, Stdio};

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::case::{timed, write};
use super::server::{router, serve};
use crate::programs::{BINARY, Daemon, get, tell, until};

const EXPOSITION: &str = "# TYPE target_info gauge
target_info{service_name=\"shop\",k8s_pod_name=\"shop-1\",service_instance_id=\"a\"} 1
# TYPE shop_build_info gauge
shop_build_info{version=\"1.2.3\"} 1
# TYPE shop_requests counter
shop_requests_total{code=\"200\"} 7
# TYPE shop_request_duration_seconds summary
shop_request_duration_seconds_sum{method=\"GET\"} 1
shop_request_duration_seconds_count{method=\"GET\"} 7
";

fn vulnerabilities(count: u64) -> Value {
    json!({"queries": [{"holds": "trivy_image_vulnerabilities", "series": [[{"namespace": "shop"}, count]]}]})
}

/// A source that goes away turns its rules unknown and the coverage down, not the score; when it is
/// back, so are the verdicts.
#[tokio::test]
async fn a_source_goes_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let metrics = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = metrics.local_addr().unwrap();
    let answer = async || ([("content-type", "text/plain; version=0.0.4")], EXPOSITION);
    let app = axum::Router::new().route("/metrics", axum::routing::get(answer));
    tokio::spawn(async move { axum::serve(metrics, app).await.unwrap() });

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let source = listener.local_addr().unwrap();
    let start = |listener: TcpListener| {
        let router = router(vulnerabilities(0));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() })
    };
    let serving = start(listener);
    let config = format!(
        "global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs: [{{job_name: shop, static_configs: [{{targets: ['{target}'], labels: {{environment: test}}}}]}}]
sources: [{{kind: prometheus, url: 'http://{source}', interval: 1s, timeout: 1s}}]
"
    );
    let daemon = Daemon::start(&config, folder.path(), &[]);
    let key = "service_name=\"shop\",environment=\"test\"";
    let kept = format!("manifesto_rule_compliant{{{key},rule=\"S-6\"}} 1");
    let metrics = daemon.until_metric(&kept).await;
    // A score of its own: the pod's uid is missing, 90 of 120.
    for line in [
        "score_ratio{KEY} 0.75",
        "rules{KEY,state=\"judged\"} 4",
        "rules{KEY,state=\"specified\"} 19",
    ] {
        let line = format!(
            "manifesto_service_instrumentation_{}",
            line.replace("KEY", key)
        );
        assert!(metrics.contains(&line), "{line}: {metrics}");
    }
    let before = daemon
        .until_metric("manifesto_exporter_source_up{source=\"prometheus\",kind=\"prometheus\"} 1")
        .await;

    serving.abort();
    let unknown = format!("manifesto_rule_unknown{{{key},rule=\"S-6\",reason=\"source_down\"}} 1");
    let after = until(&daemon.url("/metrics"), |body| body.contains(&unknown)).await;
    assert!(!after.contains(&kept), "{after}");
    assert!(
        after.contains("manifesto_exporter_source_up{source=\"prometheus\",kind=\"prometheus\"} 0"),
        "{after}"
    );
    let coverage = "manifesto_service_coverage_ratio";
    assert!(figure(&after, coverage, key) < figure(&before, coverage, key));
    let score = "manifesto_service_score_ratio";
    assert_eq!(figure(&after, score, key), figure(&before, score, key));
    let (_, rules) = get(&daemon.url("/api/v1/rules")).await.unwrap();
    let rules: Value = serde_json::from_str(&rules).unwrap();
    assert_eq!(rules["rules"].as_array().unwrap().len(), 37);
    assert_eq!(rules["version"], "2026.1");
    let (_, page) = get(&daemon.url("/rules")).await.unwrap();
    assert!(page.contains("No high-severity findings"), "{page}");

    let listener = TcpListener::bind(source).await.unwrap();
    start(listener);
    daemon.until_metric(&kept).await;
}

/// Gauges of a service by name, of one body of `/metrics`.
fn figure(body: &str, name: &str, key: &str) -> f64 {
    let start = format!("{name}{{{key}}} ");
    let line = body.lines().find_map(|line| line.strip_prefix(&start));
    line.unwrap_or_else(|| panic!("{name}{{{key}}} is missing: {body}"))
        .parse()
        .unwrap()
}

/// A target goes, then a source, then both are gone: the score stands, the coverage falls, and each rule that is
/// carried over says so. Back again, nothing is carried.
#[tokio::test]
async fn an_outage_moves_the_coverage_and_not_the_score() {
    let folder = tempfile::tempdir().unwrap();
    let metrics = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = metrics.local_addr().unwrap();
    let expose = |listener: TcpListener| {
        let answer = async || ([("content-type", "text/plain; version=0.0.4")], EXPOSITION);
        let app = axum::Router::new().route("/metrics", axum::routing::get(answer));
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() })
    };
    let exposing = expose(metrics);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let source = listener.local_addr().unwrap();
    let start = |listener: TcpListener| {
        let router = router(vulnerabilities(3));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() })
    };
    let serving = start(listener);
    let config = format!(
        "global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs: [{{job_name: shop, static_configs: [{{targets: ['{target}'], labels: {{environment: test}}}}]}}]
sources: [{{kind: prometheus, url: 'http://{source}', interval: 1s, timeout: 1s}}]
"
    );
    let daemon = Daemon::start(&config, folder.path(), &[]);
    let key = "service_name=\"shop\",environment=\"test\"";
    let of_rule = |family: &str, rule: &str| format!("{family}{{{key},rule=\"{rule}\"");
    let has = |body: &str, family: &str, rule: &str| body.contains(&of_rule(family, rule));
    // O-7 fails (another port), O-6, O-8 and O-9 pass; S-6 fails.
    daemon
        .until_metric(&format!(
            "{}}} 0",
            of_rule("manifesto_rule_compliant", "S-6")
        ))
        .await;
    let before = daemon
        .until_metric(&format!(
            "{}}} 1",
            of_rule("manifesto_rule_compliant", "O-9")
        ))
        .await;
    assert!(!before.contains("manifesto_rule_carried{"), "{before}");
    let score = |body: &str| figure(body, "manifesto_service_score_ratio", key);
    let coverage = |body: &str| figure(body, "manifesto_service_coverage_ratio", key);

    exposing.abort();
    let without_target = until(&daemon.url("/metrics"), |body| {
        has(body, "manifesto_rule_carried", "O-8")
    })
    .await;
    for rule in ["O-6", "O-7", "O-8", "O-9"] {
        assert!(
            has(&without_target, "manifesto_rule_carried", rule),
            "{rule}"
        );
        assert!(
            has(&without_target, "manifesto_rule_unknown", rule),
            "{rule}"
        );
        assert!(
            !has(&without_target, "manifesto_rule_compliant", rule),
            "{rule}"
        );
    }
    assert_eq!(score(&without_target), score(&before));
    assert!(coverage(&without_target) < coverage(&before));
    // What is not measured is not said to be there, or not there.
    assert!(!without_target.contains(&format!("manifesto_service_series_present{{{key}")));

    serving.abort();
    let without_both = until(&daemon.url("/metrics"), |body| {
        has(body, "manifesto_rule_carried", "S-6")
    })
    .await;
    assert_eq!(score(&without_both), score(&before));
    assert!(coverage(&without_both) < coverage(&without_target));
    let (_, services) = get(&daemon.url("/api/v1/services")).await.unwrap();
    let services: Value = serde_json::from_str(&services).unwrap();
    let verdicts = services["services"][0]["verdicts"].as_array().unwrap();
    let of = |rule: &str| {
        verdicts
            .iter()
            .find(|verdict| verdict["rule"] == rule)
            .unwrap()
    };
    assert_eq!(of("S-6")["carried"]["status"], "fail");
    assert_eq!(of("O-8")["carried"]["status"], "pass");
    assert!(
        of("O-8")["advice"]
            .as_str()
            .unwrap()
            .starts_with("Start the service")
    );
    let (_, page) = get(&daemon.url("/")).await.unwrap();
    assert!(
        page.contains("carried over: compliant when last measured"),
        "{page}"
    );

    expose(TcpListener::bind(target).await.unwrap());
    start(TcpListener::bind(source).await.unwrap());
    let after = until(&daemon.url("/metrics"), |body| {
        has(body, "manifesto_rule_compliant", "S-6") && has(body, "manifesto_rule_compliant", "O-9")
    })
    .await;
    assert!(!after.contains("manifesto_rule_carried{"), "{after}");
    assert_eq!(
        (score(&after), coverage(&after)),
        (score(&before), coverage(&before))
    );
    tell(format_args!(
        "an outage moved the score: it stands at {}, the coverage falls from {} to {} and {}",
        score(&before),
        coverage(&before),
        coverage(&without_target),
        coverage(&without_both)
    ));
}

/// A target that answers that it has no metrics is up, and violates the rule that asks for them.
#[tokio::test]
async fn who_answers_404_is_measured() {
    for (code, reason) in [(404, "http_404"), (410, "http_410")] {
        let folder = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target = listener.local_addr().unwrap();
        let status = axum::http::StatusCode::from_u16(code).unwrap();
        let app = axum::Router::new().fallback(async move || status);
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        let config = format!(
            "global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs: [{{job_name: shop, static_configs: [{{targets: ['{target}']}}]}}]
"
        );
        let daemon = Daemon::start(&config, folder.path(), &[]);
        let key = "service_name=\"shop\",environment=\"\"";
        let metrics = daemon
            .until_metric(&format!("manifesto_rule_compliant{{{key},rule=\"O-6\"}} 0"))
            .await;
        for rule in ["O-7", "O-8", "O-9"] {
            let line =
                format!("manifesto_rule_unknown{{{key},rule=\"{rule}\",reason=\"{reason}\"}} 1");
            assert!(metrics.contains(&line), "{line}: {metrics}");
        }
        assert!(
            metrics.contains(&format!(
                "manifesto_target_up{{{key},target=\"http://{target}/metrics\"}} 1"
            )),
            "{metrics}"
        );
        assert!(!metrics.contains("manifesto_target_down{"), "{metrics}");
        let present = format!("manifesto_service_series_present{{{key},series=");
        assert!(
            metrics.contains(&format!("{present}\"identity\"}} 0")),
            "{metrics}"
        );
        assert!(
            !metrics.contains(&format!("{present}\"version\"")),
            "{metrics}"
        );
        let (_, page) = get(&daemon.url("/targets")).await.unwrap();
        assert!(page.contains("up, no metrics"), "{page}");
        let url = format!("http://{target}/metrics");
        let check = move || {
            Command::new(BINARY)
                .args(["check", &url, "--service=shop"])
                .output()
                .unwrap()
        };
        let checked = tokio::task::spawn_blocking(check).await.unwrap();
        assert_eq!(checked.status.code(), Some(1), "{checked:?}");
    }
}

fn check(folder: &std::path::Path, config: &str) -> (i32, Value) {
    std::fs::write(folder.join("config.yaml"), config).unwrap();
    let mut child = Command::new(BINARY)
        .args([
            "check",
            "-",
            "--service=shop",
            "--environment=test",
            "--output=json",
        ])
        .arg(format!(
            "--config.file={}",
            folder.join("config.yaml").display()
        ))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(EXPOSITION.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let json = serde_json::from_slice(&output.stdout).unwrap();
    (output.status.code().unwrap(), json)
}

fn rules(json: &Value) -> Vec<String> {
    let verdicts = json["verdicts"].as_array().unwrap().iter();
    let shown = verdicts.map(|v| {
        format!(
            "{} {}",
            v["rule"].as_str().unwrap(),
            v["status"].as_str().unwrap()
        )
    });
    shown.collect()
}

/// `check` judges a service's other evidence where the configuration has some, and nothing that nobody
/// configured; a waiver that holds fails no build, one that has ended does.
#[tokio::test(flavor = "multi_thread")]
async fn check_judges_evidence_and_waivers_too() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(vulnerabilities(2)).await;
    let sources =
        format!("scrape_configs: []\nsources: [{{kind: prometheus, url: 'http://{server}'}}]\n");
    let scraped = ["O-6 pass", "O-7 not_applicable", "O-8 pass", "O-9 pass"];

    let (exit, json) = check(folder.path(), "scrape_configs: []\n");
    assert_eq!((exit, rules(&json)), (0, scraped.map(str::to_owned).into()));

    let (exit, json) = check(folder.path(), &sources);
    assert_eq!(exit, 1);
    assert!(rules(&json).contains(&"S-6 fail".to_owned()), "{json}");
    assert!(
        !rules(&json).iter().any(|rule| rule.starts_with("S-2")),
        "{json}"
    );

    let waived = |ends: &str| {
        let waiver = json!({"waivers": [{
            "rule": "S-6", "service": "shop", "reason": "later", "discussion": "http://chat.example/1", "owner": "ann",
            "approver": "bob", "granted_at": "@day-20", "expires_at": ends,
        }]});
        write(
            folder.path(),
            "waivers.yaml",
            &timed(&waiver, Timestamp::now(), ""),
        );
        check(
            folder.path(),
            &format!("{sources}waivers: [waivers.yaml]\n"),
        )
    };
    let (_, json) = waived("@day+9");
    assert!(rules(&json).contains(&"S-6 waived".to_owned()), "{json}");
    let verdicts = json["verdicts"].as_array().unwrap();
    let waiver = verdicts
        .iter()
        .find(|verdict| verdict["rule"] == "S-6")
        .unwrap();
    assert_eq!(waiver["waiver"]["approver"], "bob");
    let (exit, json) = waived("@day-1");
    assert_eq!(exit, 1);
    assert!(rules(&json).contains(&"S-6 fail".to_owned()), "{json}");
}

/// The whole example, as `demo --estate` runs it: every rule has a verdict other than unknown for
/// somebody.
#[test]
fn the_example_estate_proves_every_rule() {
    let output = Command::new(BINARY)
        .args(["demo", "--estate", "--once"])
        .output()
        .unwrap();
    let table = String::from_utf8(output.stdout).unwrap();
    assert_eq!(
        output.status.code(),
        Some(1),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    // A title that is too long goes on in the next line, behind blanks.
    let rows: Vec<&str> = table
        .lines()
        .take_while(|line| !line.starts_with("score"))
        .skip(1)
        .filter(|line| !line.starts_with(' '))
        .collect();
    assert_eq!(rows.len(), 37, "{table}");
    for row in rows {
        let known = ["pass", "fail", "waived"];
        assert!(
            row.split_whitespace().any(|word| known.contains(&word)),
            "{row}"
        );
    }
    assert!(table.contains("waived"), "{table}");
}
