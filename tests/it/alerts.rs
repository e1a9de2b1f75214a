//! The alert rules, by promtool: their syntax, and each alert over time (`tests/alerts`).

use std::path::Path;
use std::process::Command;

fn promtool(arguments: &[&str]) -> String {
    let output = Command::new("promtool")
        .args(arguments)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/alerts"))
        .output()
        .unwrap();
    let told = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.status.success(), "{told}");
    told
}

fn files(folder: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = std::fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().path().display().to_string())
        .collect()
}

#[test]
fn alert_rules_are_valid() {
    for file in files("alerts") {
        let told = promtool(&["check", "rules", &file]);
        assert!(told.contains("SUCCESS"), "{told}");
    }
}

#[test]
fn alerts_fire_and_resolve_as_written() {
    for file in files("tests/alerts") {
        promtool(&["test", "rules", &file]);
    }
}

/// Every alert has its four phases and a runbook.
#[test]
fn every_alert_is_tested_and_has_a_runbook() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |files: Vec<String>| -> String {
        files
            .iter()
            .map(|file| std::fs::read_to_string(file).unwrap())
            .collect()
    };
    let (rules, tests) = (read(files("alerts")), read(files("tests/alerts")));
    let mut alerts = 0;
    for line in rules.lines() {
        if let Some(alert) = line.trim().strip_prefix("- alert: ") {
            alerts += 1;
            assert!(
                tests.matches(&format!("alertname: {alert}")).count() >= 4,
                "{alert}"
            );
        }
        if let Some(url) = line.trim().strip_prefix("runbook_url: ") {
            let name = url.rsplit('/').next().unwrap();
            let runbook = root.join(format!("docs/runbooks/{name}.md"));
            assert!(runbook.exists(), "{}", runbook.display());
        }
    }
    assert!(alerts > 0);
}
