//! `alerts/`: the rules by promtool, the routes by amtool, and all of it live.

mod live;
mod routes;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;
use serde_json::Value;

use crate::programs::tell;

/// The repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// The rule files, as Prometheus loads them: `alerts/*.yaml`.
pub(crate) fn rule_files() -> Vec<String> {
    let entries = std::fs::read_dir(root().join("alerts")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let rules = names.filter(|name| name.ends_with(".yaml"));
    let mut files: Vec<String> = rules.map(|name| format!("alerts/{name}")).collect();
    files.sort();
    files
}

/// A rule file, or the `spec` of a PrometheusRule.
#[derive(Debug, Deserialize)]
struct RuleFile {
    groups: Vec<Group>,
}

#[derive(Debug, Deserialize)]
struct Group {
    rules: Vec<Rule>,
}

#[derive(Debug, Deserialize)]
struct Rule {
    alert: Option<String>,
    record: Option<String>,
    expr: String,
    #[serde(rename = "for")]
    lasting: Option<String>,
    keep_firing_for: Option<String>,
    #[serde(default)]
    labels: std::collections::BTreeMap<String, String>,
    #[serde(default)]
    annotations: std::collections::BTreeMap<String, String>,
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every rule that is committed.
fn rules() -> Vec<Rule> {
    let of = |path: &String| -> RuleFile { serde_saphyr::from_str(&read(path)).unwrap() };
    let files = rule_files();
    let groups = files.iter().flat_map(|path| of(path).groups);
    groups.flat_map(|group| group.rules).collect()
}

/// Every expression, with the name of its rule.
pub(crate) fn expressions() -> Vec<(String, String)> {
    let named = |rule: Rule| Some((rule.alert.or(rule.record)?, rule.expr));
    rules().into_iter().filter_map(named).collect()
}

/// Runs a program in a folder; what it says, which must not be a failure.
fn run(program: &str, arguments: &[&str], folder: &Path) -> String {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    let told = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.status.success(), "{program} {arguments:?}:\n{told}");
    told
}

#[test]
fn alert_rules_are_valid() {
    for file in rule_files() {
        let told = run("promtool", &["check", "rules", &file], &root());
        assert!(told.contains("SUCCESS"), "{told}");
    }
    // The same as a Kubernetes object: what the operator takes from it is a rule file.
    let object: Value =
        serde_saphyr::from_str(&read("alerts/kubernetes/prometheusrule.yaml")).unwrap();
    assert_eq!(object["kind"], "PrometheusRule");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rules.yaml");
    std::fs::write(&path, object["spec"].to_string()).unwrap();
    let told = run("promtool", &["check", "rules", "rules.yaml"], folder.path());
    assert!(
        told.contains(&format!("{} rules found", rules().len())),
        "{told}"
    );
}

/// Each alert over time: not yet, firing with its text, kept firing, resolved.
#[test]
fn alerts_fire_and_resolve_as_written() {
    let folder = root().join("tests/alerts");
    let mut tests = String::new();
    for file in rule_files() {
        let name = file.trim_start_matches("alerts/");
        run("promtool", &["test", "rules", name], &folder);
        tests += &read(&format!("tests/alerts/{name}"));
    }
    let rules = rules();
    let alerts = rules.iter().filter_map(|rule| rule.alert.as_deref());
    let phases: usize = alerts
        .map(|alert| {
            let phases = tests.matches(&format!("alertname: {alert}")).count();
            assert!(phases >= 4, "{alert}: {phases} phases are tested");
            phases
        })
        .sum();
    tell(format_args!(
        "promtool: {} rules, {phases} phases of alerts",
        rules.len()
    ));
}

/// What every alert of ours has.
#[test]
fn alerts_keep_the_conventions() {
    let mut wrong = Vec::new();
    for rule in rules() {
        let Some(alert) = &rule.alert else {
            let record = rule.record.as_deref().unwrap();
            if record.split(':').count() != 3 {
                wrong.push(format!("{record}: not level:metric:operations"));
            }
            continue;
        };
        let mut hold = |kept: bool, what: &str| {
            if !kept {
                wrong.push(format!("{alert}: {what}"));
            }
        };
        hold(alert.starts_with("Manifesto"), "no name of ours");
        let severity = rule.labels.get("severity").map(String::as_str);
        let known = ["critical", "warning", "info"];
        hold(
            severity.is_some_and(|s| known.contains(&s)),
            "no severity of the three",
        );
        hold(
            rule.lasting
                .as_deref()
                .is_some_and(|lasting| lasting != "1m"),
            "`for` below two evaluations",
        );
        hold(rule.keep_firing_for.is_some(), "no `keep_firing_for`");
        hold(
            !rule.labels.values().any(|value| value.contains("$value")),
            "a value as a label",
        );
        let text = |name: &str| rule.annotations.get(name).map_or("", String::as_str);
        hold(
            !text("summary").is_empty() && !text("summary").contains("{{"),
            "no static summary",
        );
        hold(
            text("description").contains("{{"),
            "no description of the very case",
        );
        hold(
            text("dashboard_url").starts_with("http://localhost:3000/d/manifesto-"),
            "no dashboard",
        );
        let runbook = format!("http://localhost:8067/runbooks/{alert}");
        hold(text("runbook_url") == runbook, "a runbook elsewhere");
        let served = read("src/publish/runbooks.rs").contains(&format!("\"{alert}\""));
        hold(served, "a runbook that the exporter does not serve");
        let runbook = std::fs::read_to_string(root().join(format!("docs/runbooks/{alert}.md")));
        let runbook = runbook.unwrap_or_default();
        for part in ["Meaning", "Impact", "Diagnosis", "Mitigation"] {
            hold(
                runbook.contains(&format!("\n## {part}\n")),
                &format!("no {part} in its runbook"),
            );
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let mut alerts: Vec<String> = rules().into_iter().filter_map(|rule| rule.alert).collect();
    alerts.sort();
    alerts.dedup();
    let runbooks = std::fs::read_dir(root().join("docs/runbooks"))
        .unwrap()
        .count();
    assert_eq!(
        alerts.len(),
        runbooks,
        "a runbook for each alert, and no other"
    );
    tell(format_args!(
        "alerts: {} names, each with a runbook",
        alerts.len()
    ));
}
