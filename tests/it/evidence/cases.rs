//! The cases of `tests/evidence`, and that every rule has some.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use manifesto_exporter::checks::Setup;
use serde::Deserialize;
use serde_json::{Value, json};

use super::case::{Fields, Judge, shown, timed, verdict, write};
use super::server::serve;
use crate::programs::tell;

#[derive(Debug, Deserialize)]
pub(super) struct Case {
    pub(super) rule: String,
    name: String,
    pub(super) expect: String,
    #[serde(default)]
    estate: bool,
    /// Kinds of sources that are configured.
    #[serde(default)]
    sources: Vec<String>,
    /// Whether they are down.
    #[serde(default)]
    down: bool,
    /// Records by kind, and what the server answers.
    #[serde(flatten)]
    more: Fields,
}

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/evidence");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}

pub(super) fn cases() -> Vec<Case> {
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        serde_saphyr::from_str::<Vec<Case>>(&text)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    files().into_iter().flat_map(read).collect()
}

/// Fills in what a case does not say of its records.
fn filled(case: &Case, kind: &str, record: &Value) -> Value {
    let mut whole = match kind {
        "attestations" => json!({
            "rule": case.rule, "owner": "ann", "statement": "done", "evidence_url": "http://docs.example/1",
            "expires_at": "@day+300",
        }),
        "waivers" => json!({
            "rule": case.rule, "reason": "later", "discussion": "http://chat.example/1", "owner": "ann", "approver": "bob",
        }),
        _ => json!({}),
    };
    if matches!(kind, "attestations" | "waivers") {
        match case.estate {
            true => whole["estate"] = json!(true),
            false => whole["service"] = json!("shop"),
        }
    }
    for (key, value) in record.as_object().unwrap() {
        whole[key] = value.clone();
    }
    whole
}

/// Runs a case: what is found, and its sentence.
async fn run(case: &Case) -> (String, String) {
    let folder = tempfile::tempdir().unwrap();
    let server = match case.down {
        true => "127.0.0.1:1".to_owned(),
        false => serve(json!(case.more)).await.to_string(),
    };
    let mut config = String::from("scrape_configs: []\n");
    for kind in ["catalogue", "attestations", "waivers", "objectives", "slos"] {
        let Some(records) = case.more.get(kind) else {
            continue;
        };
        let records = records.as_array().unwrap().iter();
        let records = records.map(|record| filled(case, kind, record)).collect();
        let records = timed(&records, Timestamp::now(), &format!("http://{server}"));
        let (key, file) = match kind {
            "catalogue" => ("services", "catalogue.yaml"),
            kind => (kind, kind),
        };
        match kind {
            // Each SLO is a document of its own.
            "slos" => write(folder.path(), file, &records[0]),
            _ => write(folder.path(), file, &json!({ key: records })),
        }
        config += &format!("{kind}: [{file}]\n");
    }
    if let Some(rules) = case.more.get("rules") {
        config += &format!("rules: {rules}\n");
    }
    let sources: Vec<Value> = case
        .sources
        .iter()
        .map(|kind| json!({"kind": kind, "url": format!("http://{server}"), "timeout": "5s"}))
        .collect();
    config += &format!("sources: {}\n", json!(sources));
    let snapshot = Judge::new(folder.path(), &config).judge(&["shop"]).await;
    let service = if case.estate { "" } else { "shop" };
    let verdict = verdict(&snapshot, service, &case.rule);
    (shown(verdict), verdict.finding.message.clone())
}

#[tokio::test]
async fn every_case_is_judged_as_written() {
    let cases = cases();
    let mut wrong = Vec::new();
    for case in &cases {
        let (found, message) = run(case).await;
        if found != case.expect {
            wrong.push(format!(
                "{} {}: expected {}, found {found}: {message}",
                case.rule, case.name, case.expect
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{} cases of evidence", cases.len());
}

/// Without sources and records nothing is known of any rule but those that scrapes prove.
#[tokio::test]
async fn what_is_not_configured_is_unknown() {
    let folder = tempfile::tempdir().unwrap();
    let snapshot = Judge::new(folder.path(), "scrape_configs: []\n")
        .judge(&["shop"])
        .await;
    let verdicts = snapshot.services[0]
        .verdicts
        .iter()
        .chain(&snapshot.estate.verdicts);
    let found: BTreeMap<String, String> = verdicts
        .map(|verdict| (snapshot.rule(verdict).id.to_string(), shown(verdict)))
        .collect();
    assert_eq!(found.len(), 37);
    for (rule, found) in found {
        let expected = match rule.as_str() {
            "O-6" | "O-7" | "O-8" | "O-9" => "unknown not_scraped_yet",
            // Nothing was measured that could be bypassed.
            "F-1" => "unknown no_data",
            _ => "unknown not_configured",
        };
        assert_eq!(found, expected, "{rule}");
    }
    assert_eq!(snapshot.services[0].score.ratio(), None);
    tell(format_args!(
        "what nobody configured drowned what broke: it is told apart, of 37 rules"
    ));
}

/// What is said to be missing is what is missing: with it, no rule waits for it any more.
#[tokio::test]
async fn next_steps_lead_on() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["attestations", "catalogue", "objectives"] {
        let empty = format!("{name}: []\n").replace("catalogue", "services");
        std::fs::write(folder.path().join(format!("{name}.yaml")), empty).unwrap();
    }
    let bare = "scrape_configs: []\n";
    let steps = Judge::new(folder.path(), bare)
        .judge(&["shop"])
        .await
        .next_steps();
    let shown: Vec<String> = steps
        .iter()
        .map(|step| format!("{} {}", step.verdicts, step.setup))
        .collect();
    assert_eq!(
        shown,
        [
            "15 files of attestations (`attestations`)",
            "13 a source of kind `prometheus` (`sources`)",
            "5 a source of kind `loki` (`sources`)",
            "3 a source of kind `kubernetes` (`sources`)",
            "3 a source of kind `playbooks` (`sources`)",
            "3 files of the catalogue (`catalogue`)",
            "1 a source of kind `status_page` (`sources`)",
            "1 files of objectives (`objectives`)",
        ]
    );
    for step in steps {
        let key = step.setup.key();
        let config = match step.setup.kind() {
            Some(kind) => {
                format!("{bare}sources: [{{kind: {kind}, name: x, url: 'http://127.0.0.1:1'}}]\n")
            }
            None => format!("{bare}{key}: [{key}.yaml]\n"),
        };
        let snapshot = Judge::new(folder.path(), &config).judge(&["shop"]).await;
        let left: Vec<Setup> = snapshot
            .next_steps()
            .iter()
            .map(|step| step.setup)
            .collect();
        assert!(!left.contains(&step.setup), "{}: {left:?}", step.setup);
        // What waits still, waits for something else.
        for verdict in snapshot.verdicts().filter(|v| v.is_not_configured()) {
            assert!(!verdict.finding.needs.is_empty(), "{verdict:?}");
        }
    }
}

/// Every source down: unknown with the reason, and no rule that another source proves is touched.
#[tokio::test]
async fn a_source_that_is_down_touches_its_own_rules_alone() {
    let folder = tempfile::tempdir().unwrap();
    let up = serve(json!({
        "queries": [{"holds": "trivy_image_vulnerabilities", "series": [[{"namespace": "shop"}, 0]]}],
    }))
    .await;
    let config = format!(
        "scrape_configs: []\nsources:\n- {{kind: prometheus, url: 'http://{up}'}}\n- {{kind: kubernetes, url: 'http://127.0.0.1:1'}}\n"
    );
    let snapshot = Judge::new(folder.path(), &config).judge(&["shop"]).await;
    let found = |rule| shown(verdict(&snapshot, "shop", rule));
    assert_eq!(found("S-6"), "pass proven");
    assert_eq!(found("S-2"), "unknown source_down");
    assert_eq!(found("S-4"), "unknown source_down");
    let why = &verdict(&snapshot, "shop", "S-4").finding.message;
    assert!(
        why.contains("source `kubernetes` does not answer: connect"),
        "{why}"
    );
    // The score rests on what was measured, and the coverage says how much that is.
    let service = &snapshot.services[0];
    assert_eq!(service.score.ratio(), Some(1.0));
    assert!(service.score.coverage() < 0.2);
}

/// A server that accepts and never answers is waited for once, not once a question.
#[tokio::test]
async fn a_source_that_hangs_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap();
    let config = format!(
        "scrape_configs: []\nsources: [{{kind: prometheus, url: 'http://{address}', timeout: 1s}}]\n"
    );
    let start = std::time::Instant::now();
    let snapshot = Judge::new(folder.path(), &config).judge(&["shop"]).await;
    // Some fifteen questions, four at a time.
    assert!(start.elapsed().as_secs_f64() < 3.0, "{:?}", start.elapsed());
    for rule in ["S-6", "R-1", "P-1"] {
        let verdict = verdict(&snapshot, "shop", rule);
        assert_eq!(shown(verdict), "unknown source_down", "{rule}");
        let message = &verdict.finding.message;
        assert!(
            message.contains("no complete answer within 1s"),
            "{message}"
        );
    }
}

/// The rules that promql alone proves have their passes and fails on real engines (`real.rs`), F-1
/// over time (`bypass.rs`), O-6 to O-9 in `tests/detection`.
pub(super) const ELSEWHERE: &[&str] = &[
    "F-1", "O-6", "O-7", "O-8", "O-9", "O-10", "P-2", "P-3", "P-4", "R-1", "S-6",
];

#[test]
fn every_rule_has_a_pass_and_a_fail() {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for case in cases() {
        let status = case.expect.split(' ').next().unwrap().to_owned();
        found.entry(case.rule).or_default().insert(status);
    }
    for rule in manifesto_exporter::manifesto::ids() {
        let rule = rule.to_string();
        if ELSEWHERE.contains(&rule.as_str()) {
            continue;
        }
        let statuses = found
            .get(&rule)
            .unwrap_or_else(|| panic!("{rule} has no case"));
        for status in ["pass", "fail"] {
            assert!(
                statuses.contains(status),
                "{rule} has no case that ends in {status}"
            );
        }
    }
}
