//! The example of an Alertmanager configuration: by amtool, and inhibition by a real Alertmanager.

use std::path::Path;
use std::time::Instant;

use serde_json::{Value, json};

use super::{root, rules, run};
use crate::programs::{PATIENCE, Program, client, free_address, tell, until};

const CONFIGURATION: &str = "alerts/alertmanager.yml";

#[test]
fn the_alertmanager_example_is_valid() {
    let told = run("amtool", &["check-config", CONFIGURATION], &root());
    assert!(told.contains("SUCCESS"), "{told}");
}

/// Critical pages, warning makes tickets, info waits: for every alert that is committed.
#[test]
fn every_alert_is_routed_by_its_severity() {
    let receiver = |severity: &str| match severity {
        "critical" => "manifesto-page",
        "warning" => "manifesto-tickets",
        "info" => "manifesto-digest",
        other => panic!("{other} goes nowhere"),
    };
    let mut routed = 0;
    for rule in rules() {
        let Some(alert) = rule.alert else { continue };
        let severity = &rule.labels["severity"];
        route(&alert, severity, "production", receiver(severity));
        routed += 1;
    }
    // Nobody is woken for what is not in production, but for a failure of many.
    route(
        "ManifestoRuleNotKept",
        "critical",
        "staging",
        "manifesto-tickets",
    );
    route(
        "ManifestoManyServicesDown",
        "critical",
        "staging",
        "manifesto-page",
    );
    tell(format_args!("amtool: {routed} alerts routed"));
}

fn route(alert: &str, severity: &str, environment: &str, receiver: &str) {
    let labels = [
        format!("alertname={alert}"),
        format!("severity={severity}"),
        format!("environment={environment}"),
        "team=payments".to_owned(),
        "service=shop".to_owned(),
    ];
    let file = format!("--config.file={CONFIGURATION}");
    let verify = format!("--verify.receivers={receiver}");
    let mut arguments = vec!["config", "routes", "test", &file, &verify];
    arguments.extend(labels.iter().map(String::as_str));
    run("amtool", &arguments, &root());
}

/// A real Alertmanager with the example as it is, but for what the caller replaces.
pub(super) async fn alertmanager(folder: &Path, replaced: &[(&str, &str)]) -> (Program, String) {
    let mut configuration = super::read(CONFIGURATION);
    for (old, new) in replaced {
        assert!(configuration.contains(old), "{old} is not in the example");
        configuration = configuration.replace(old, new);
    }
    std::fs::write(folder.join("alertmanager.yml"), configuration).unwrap();
    let address = free_address();
    let program = Program::start(
        "prometheus-alertmanager",
        &[
            "--config.file=alertmanager.yml",
            "--storage.path=alertmanager",
            "--cluster.listen-address=",
            &format!("--web.listen-address={address}"),
        ],
        folder,
    );
    let base = format!("http://{address}");
    until(&format!("{base}/-/ready"), |_| true).await;
    (program, base)
}

/// An alert of labels such as `alertname=A rule=O-8`.
fn alert(labels: &str) -> Value {
    let labels: serde_json::Map<String, Value> = labels
        .split(' ')
        .map(|label| {
            let (name, value) = label.split_once('=').unwrap();
            (name.to_owned(), json!(value))
        })
        .collect();
    json!({"labels": labels})
}

/// Source, then what it silences, then what it must not.
const INHIBITED: &[(&str, &[&str], &[&str])] = &[
    (
        "alertname=ManifestoManyServicesDown environment=production",
        &[
            "alertname=ManifestoServiceDown service=shop environment=production team=a",
            "alertname=ManifestoRuleNotKept service=shop environment=production rule=O-8",
            "alertname=ManifestoRulesUnknown service=shop environment=production",
            "alertname=ManifestoComplianceFalling environment=production",
        ],
        &[
            "alertname=ManifestoServiceDown service=shop environment=staging",
            "alertname=ManifestoRuleNotKept rule=R-4",
            "alertname=ManifestoExporterDown instance=a",
        ],
    ),
    (
        "alertname=ManifestoRuleNotKeptByMany rule=O-8 environment=production",
        &["alertname=ManifestoRuleNotKept service=shop environment=production rule=O-8"],
        &[
            "alertname=ManifestoRuleNotKept service=shop environment=production rule=O-9",
            "alertname=ManifestoRuleNotKept service=shop environment=staging rule=O-8",
        ],
    ),
    (
        "alertname=ManifestoServiceDown service=shop environment=production",
        &["alertname=ManifestoRulesUnknown service=shop environment=production"],
        &["alertname=ManifestoRulesUnknown service=billing environment=production"],
    ),
    (
        "alertname=ManifestoDiscoveryEmptied source=files",
        &["alertname=ManifestoServiceMissing service=shop environment=production"],
        &["alertname=ManifestoServiceDown service=shop environment=production"],
    ),
    (
        "alertname=ManifestoWaiverExpiring severity=warning rule=S-6 service=shop",
        &["alertname=ManifestoWaiverExpiring severity=info rule=S-6 service=shop"],
        &[
            "alertname=ManifestoWaiverExpiring severity=info rule=S-6 service=billing",
            "alertname=ManifestoAttestationExpiring severity=info rule=S-6 service=shop",
        ],
    ),
];

#[tokio::test]
async fn a_failure_of_many_inhibits_its_parts() {
    for (source, silenced, heard) in INHIBITED {
        let folder = tempfile::tempdir().unwrap();
        let (_program, base) = alertmanager(folder.path(), &[]).await;
        let all = [&[*source][..], silenced, heard].concat();
        let alerts: Vec<Value> = all.iter().map(|labels| alert(labels)).collect();
        let alerts_url = format!("{base}/api/v2/alerts");
        let body = Value::from(alerts).to_string();
        let post = client()
            .post(&alerts_url)
            .header("content-type", "application/json");
        assert!(post.body(body).send().await.unwrap().status().is_success());
        let start = Instant::now();
        // Alertmanager takes a moment to judge what it has taken in.
        let states = loop {
            let states = states(&alerts_url).await;
            let wrong = silenced
                .iter()
                .any(|labels| !is(&states, labels, "suppressed"))
                || heard.iter().any(|labels| !is(&states, labels, "active"));
            if !wrong || start.elapsed() > PATIENCE {
                break states;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        };
        for labels in *silenced {
            assert!(
                is(&states, labels, "suppressed"),
                "{source}: {labels}: {states:?}"
            );
        }
        for labels in heard.iter().chain([source]) {
            assert!(
                is(&states, labels, "active"),
                "{source}: {labels}: {states:?}"
            );
        }
    }
}

fn is(states: &[(Value, String)], labels: &str, state: &str) -> bool {
    let wanted = &alert(labels)["labels"];
    states
        .iter()
        .any(|(labels, found)| labels == wanted && found == state)
}

/// Labels and state of every alert.
async fn states(url: &str) -> Vec<(Value, String)> {
    let alerts: Vec<Value> = serde_json::from_str(&until(url, |_| true).await).unwrap();
    alerts
        .iter()
        .map(|alert| {
            let state = alert["status"]["state"].as_str().unwrap().to_owned();
            (alert["labels"].clone(), state)
        })
        .collect()
}
