//! The rules' own queries on real engines: Debian's Prometheus and VictoriaMetrics, loaded with the
//! past that the rules look at.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use super::case::{Judge, shown, verdict};
use crate::programs::{Program, client, free_address, get, until};

const DAY: i64 = 24 * 3600;

/// A recorded series: labels, and its value at so many days ago.
type Series = (&'static str, &'static [(i64, f64)]);

/// What an estate recorded: metric by metric. `backups` is the age of the last one in seconds.
fn recorded(compliant: bool) -> Vec<(&'static str, Vec<Series>)> {
    // What differs between an estate that complies with the manifesto and one that does not.
    let (customers, staging, spot, secrets): (&[_], &[_], &[_], &[_]) = match compliant {
        true => (
            &[(91, 100.0), (0, 400.0)],
            &[(91, 50.0), (0, 50.0)],
            &[(91, 0.0), (0, 1.0)],
            &[(0, 0.0)],
        ),
        false => (
            &[(91, 100.0), (0, 100.0)],
            &[(91, 50.0), (0, 400.0)],
            &[(91, 0.0), (0, 0.0)],
            &[(0, 2.0)],
        ),
    };
    vec![
        (
            "service:cost:usd_per_day",
            vec![
                (
                    r#"service="checkout",environment="production""#,
                    &[(91, 100.0), (90, 100.0), (0, 110.0)],
                ),
                (
                    r#"service="mailer",environment="production""#,
                    &[(91, 100.0), (90, 100.0), (0, 300.0)],
                ),
                (r#"service="checkout",environment="staging""#, staging),
            ],
        ),
        (
            "service:requests:rate1d",
            vec![
                (
                    r#"service="checkout",environment="production""#,
                    &[(90, 100.0), (0, 200.0)],
                ),
                (
                    r#"service="mailer",environment="production""#,
                    &[(90, 100.0), (0, 100.0)],
                ),
            ],
        ),
        ("estate:customers:count", vec![("", customers)]),
        (
            "kubecost_node_is_spot",
            vec![
                (r#"node="a""#, &[(91, 1.0), (0, 1.0)]),
                (r#"node="b""#, spot),
                (r#"node="c""#, &[(91, 0.0), (0, 0.0)]),
                (r#"node="d""#, &[(91, 0.0), (0, 0.0)]),
            ],
        ),
        (
            "slo:sli_error:ratio_rate30d",
            vec![
                (r#"sloth_service="checkout""#, &[(0, 0.0005)]),
                (r#"sloth_service="mailer""#, &[(0, 0.02)]),
            ],
        ),
        (
            "slo:objective:ratio",
            vec![
                (r#"sloth_service="checkout""#, &[(0, 0.9995)]),
                (r#"sloth_service="mailer""#, &[(0, 0.98)]),
            ],
        ),
        (
            "trivy_image_exposedsecrets",
            vec![(r#"image="x""#, secrets)],
        ),
        (
            "trivy_image_vulnerabilities",
            vec![
                (r#"namespace="checkout",severity="Critical""#, &[(0, 0.0)]),
                (r#"namespace="checkout",severity="Low""#, &[(0, 9.0)]),
                (r#"namespace="mailer",severity="High""#, &[(0, 2.0)]),
            ],
        ),
        (
            "go_sql_in_use_connections",
            vec![
                (r#"service="checkout""#, &[(0, 10.0)]),
                (r#"service="mailer""#, &[(0, 95.0)]),
            ],
        ),
        (
            "go_sql_max_open_connections",
            vec![
                (r#"service="checkout""#, &[(0, 100.0)]),
                (r#"service="mailer""#, &[(0, 100.0)]),
            ],
        ),
        (
            "kube_deployment_spec_replicas",
            vec![
                (
                    r#"namespace="a",deployment="checkout""#,
                    &[(30, 0.0), (0, 3.0)],
                ),
                (
                    r#"namespace="a",deployment="mailer""#,
                    &[(30, 3.0), (0, 3.0)],
                ),
            ],
        ),
    ]
}

/// The exposition of an estate: around each moment a sample a minute, so that whoever asks within
/// minutes finds one. `scale` makes milliseconds for VictoriaMetrics.
fn exposition(compliant: bool, now: i64, scale: i64) -> String {
    let mut text = String::new();
    for (metric, series) in recorded(compliant) {
        writeln!(text, "# TYPE {metric} gauge").unwrap();
        for (labels, values) in series {
            for (days, value) in values {
                for minute in -5..=10 {
                    let at = (now - days * DAY + minute * 60) * scale;
                    writeln!(text, "{metric}{{{labels}}} {value} {at}").unwrap();
                }
            }
        }
    }
    text + "# EOF\n"
}

fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

async fn prometheus(folder: &Path, compliant: bool) -> (Program, SocketAddr) {
    let exposition = exposition(compliant, now(), 1);
    std::fs::write(folder.join("recorded.om"), exposition).unwrap();
    std::fs::write(folder.join("prometheus.yml"), "scrape_configs: []\n").unwrap();
    let made = Command::new("promtool")
        .args([
            "tsdb",
            "create-blocks-from",
            "openmetrics",
            "recorded.om",
            "data",
        ])
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    let address = free_address();
    let program = Program::start(
        "prometheus",
        &[
            "--config.file=prometheus.yml",
            "--storage.tsdb.path=data",
            &format!(
                "--storage.tsdb.retention.time={}",
                if compliant { "400d" } else { "200d" }
            ),
            &format!("--web.listen-address={address}"),
        ],
        folder,
    );
    until(&format!("http://{address}/-/ready"), |_| true).await;
    (program, address)
}

async fn victoria_metrics(folder: &Path, compliant: bool) -> (Program, SocketAddr) {
    let address = free_address();
    let program = Program::start(
        "victoria-metrics",
        &[
            "-storageDataPath=vm",
            &format!("-retentionPeriod={}", if compliant { "2y" } else { "200d" }),
            &format!("-httpListenAddr={address}"),
            "-search.latencyOffset=0s",
        ],
        folder,
    );
    until(&format!("http://{address}/health"), |_| true).await;
    let import = client()
        .post(format!("http://{address}/api/v1/import/prometheus"))
        .body(exposition(compliant, now(), 1000))
        .send();
    assert!(import.await.unwrap().status().is_success());
    // What was imported is searched a moment later.
    let query = format!("http://{address}/api/v1/query?query=estate:customers:count");
    until(&query, |body| body.contains("value")).await;
    (program, address)
}

const CATALOGUE: &str = "services:
- {name: checkout, external_slo: 99.9%}
- {name: mailer, external_slo: 99%}
";

/// What is found of the rules that these series prove: service, rule, status and reason.
async fn found(folder: &Path, address: SocketAddr) -> Vec<String> {
    std::fs::write(folder.join("catalogue.yaml"), CATALOGUE).unwrap();
    let config = format!(
        "scrape_configs: []\ncatalogue: [catalogue.yaml]\nsources: [{{kind: prometheus, url: 'http://{address}'}}]\n"
    );
    let snapshot = Judge::new(folder, &config)
        .judge(&["checkout", "mailer"])
        .await;
    let mut found = Vec::new();
    for (service, rules) in [
        ("checkout", &["D-6", "P-1", "R-1", "R-2", "S-6"][..]),
        ("mailer", &["D-5", "P-1", "R-1", "R-2", "S-6"][..]),
        ("", &["O-10", "P-2", "P-3", "P-4", "S-3"][..]),
    ] {
        for rule in rules {
            let verdict = verdict(&snapshot, service, rule);
            found.push(format!("{service} {rule} {}", shown(verdict)));
        }
    }
    found
}

/// S-3 needs an attestation beside, which is violated here.
const KEPT: &[&str] = &[
    "checkout D-6 pass proven",
    "checkout P-1 pass proven",
    "checkout R-1 pass proven",
    "checkout R-2 pass proven",
    "checkout S-6 pass proven",
    "mailer D-5 fail threshold",
    "mailer P-1 fail threshold",
    "mailer R-1 fail threshold",
    "mailer R-2 fail threshold",
    "mailer S-6 fail threshold",
    " O-10 pass proven",
    " P-2 pass proven",
    " P-3 pass proven",
    " P-4 pass proven",
    " S-3 unknown not_configured",
];

/// The estate's own rules, where it violates them.
const NOT_KEPT: &[&str] = &[
    " O-10 fail threshold",
    " P-2 fail threshold",
    " P-3 fail threshold",
    " P-4 fail threshold",
    " S-3 fail threshold",
];

#[tokio::test]
async fn prometheus_answers_the_rules_queries() {
    for compliant in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let (_program, address) = prometheus(folder.path(), compliant).await;
        check(compliant, &found(folder.path(), address).await);
    }
}

#[tokio::test]
async fn victoria_metrics_answers_the_rules_queries() {
    for compliant in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let (_program, address) = victoria_metrics(folder.path(), compliant).await;
        check(compliant, &found(folder.path(), address).await);
    }
}

fn check(compliant: bool, found: &[String]) {
    match compliant {
        true => assert_eq!(found, KEPT),
        false => assert_eq!(found[found.len() - NOT_KEPT.len()..], *NOT_KEPT),
    }
}

/// A figure that must be so all the time: range queries, of both engines. The replicas of `checkout`
/// were none 30 days ago, those of `mailer` always three.
#[tokio::test]
async fn a_range_is_looked_at_whole() {
    let folder = tempfile::tempdir().unwrap();
    let engines = [
        prometheus(folder.path(), true).await,
        victoria_metrics(folder.path(), true).await,
    ];
    for (_program, address) in &engines {
        let rule = "{id: X-1, title: never off, severity: low, scope: service, asks: to be on, remediation: turn it on, \
             checks: [{kind: promql, expression: 'min by (deployment) (min_over_time(kube_deployment_spec_replicas[1d]))', \
             by: [deployment], what: replicas, at_least: 1, over: {range: 31d, step: 12h}}]}";
        let config = format!(
            "scrape_configs: []\nsources: [{{kind: prometheus, url: 'http://{address}'}}]\nrules: {{add: [{rule}]}}\n"
        );
        let judge = Judge::new(folder.path(), &config);
        let snapshot = judge.judge(&["checkout", "mailer"]).await;
        assert_eq!(
            shown(verdict(&snapshot, "checkout", "X-1")),
            "fail threshold"
        );
        assert_eq!(shown(verdict(&snapshot, "mailer", "X-1")), "pass proven");
    }
}

/// A query that the engine refuses, and an engine that goes away, in the engine's own words.
#[tokio::test]
async fn a_refused_query_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let (program, address) = prometheus(folder.path(), true).await;
    let rule = "{id: X-1, title: broken, severity: low, scope: estate, asks: a thing that works, remediation: write it better, \
         checks: [{kind: promql, expression: 'sum(up', what: nothing, at_least: 1}]}";
    let config = format!(
        "scrape_configs: []\nsources: [{{kind: prometheus, url: 'http://{address}'}}]\nrules: {{add: [{rule}]}}\n"
    );
    let judge = Judge::new(folder.path(), &config);
    let snapshot = judge.judge(&[]).await;
    let refused = verdict(&snapshot, "", "X-1");
    assert_eq!(shown(refused), "unknown source_down");
    let message = &refused.finding.message;
    assert!(
        message.contains("400 Bad Request") && message.contains("parse error"),
        "{message}"
    );
    // Nothing else is touched.
    assert_eq!(shown(verdict(&snapshot, "", "P-4")), "pass proven");
    drop(program);
    assert!(get(&format!("http://{address}/-/ready")).await.is_err());
    let gone = judge.judge(&[]).await;
    assert_eq!(shown(verdict(&gone, "", "P-4")), "unknown source_down");
}
