//! `docs/rules`: written from the rules and the cases, and held to be current. `UPDATE_EXPECTED=1` writes it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use manifesto_exporter::manifesto::{Manifesto, Rule, RulesConfig};
use manifesto_exporter::rule_id::Category;
use manifesto_exporter::sources::SourceKind;
use strum::VariantArray as _;

use super::cases::{ELSEWHERE, cases};

/// Where the outcomes of rules are produced that have no case of their own.
fn elsewhere(rule: &str, status: &str) -> &'static str {
    match (rule, status) {
        ("O-6" | "O-7" | "O-8" | "O-9", "unknown") => "`bad_targets`, `daemon`",
        ("O-6", _) => "`tests/detection/identity.yaml`",
        ("O-7", _) => "`snapshots_of_services`, `demo`",
        ("O-8", _) => "`tests/detection/version.yaml`",
        ("O-9", _) => "`tests/detection/availability.yaml`, `latency.yaml`",
        ("F-1", _) => "`evidence::bypass`",
        (_, "unknown") => "`evidence::cases`: not configured",
        _ => "`evidence::real`: Prometheus, VictoriaMetrics",
    }
}

fn table(manifesto: &Manifesto) -> String {
    let mut found: BTreeMap<(String, String), usize> = BTreeMap::new();
    for case in cases() {
        let status = case.expect.split(' ').next().unwrap().to_owned();
        *found.entry((case.rule, status)).or_default() += 1;
    }
    let mut out = String::from(
        "# The rules\n\nWritten from `src/manifesto/*.yaml` and `tests/evidence/*.yaml` by `UPDATE_EXPECTED=1 cargo test --test it evidence::docs`; a test \
         holds it current.\nThe last columns say which tests produce each outcome: cases are those of `tests/evidence`.\n\n\
         | rule | asks | severity | scope | evidence | pass | fail | unknown |\n|---|---|---|---|---|---|---|---|\n",
    );
    for rule in manifesto.rules() {
        let id = rule.id.to_string();
        let proved = |status: &str| match found.get(&(id.clone(), status.to_owned())) {
            _ if ELSEWHERE.contains(&id.as_str()) => elsewhere(&id, status).to_owned(),
            Some(count) => format!("cases: {count}"),
            None => "not configured".to_owned(),
        };
        writeln!(
            out,
            "| [{id}]({}.md#{}) | {} | {} | {} | {} | {} | {} | {} |",
            file(rule.id.category()),
            id.to_lowercase(),
            rule.title,
            rule.severity.as_str(),
            rule.scope.as_str(),
            rule.checks.kinds().join(", "),
            proved("pass"),
            proved("fail"),
            proved("unknown")
        )
        .unwrap();
    }
    out
}

fn file(category: Category) -> &'static str {
    category.as_str()
}

fn page(category: Category, rules: &[&Rule]) -> String {
    let mut out = format!(
        "# {}: {} rules\n",
        category.as_str().replace('_', " "),
        rules.len()
    );
    for rule in rules {
        write!(
            out,
            "\n## {}\n\n**{}.** Severity {}, judged for the {}, proved by {}.\n\n{}\n\n*How it is proved:* {}\n\n*How to fix it:* {}\n",
            rule.id,
            rule.title,
            rule.severity.as_str(),
            rule.scope.as_str(),
            rule.checks.kinds().join(", "),
            rule.asks,
            rule.proof,
            rule.remediation
        )
        .unwrap();
    }
    out
}

#[test]
fn the_rules_documentation_is_current() {
    let manifesto = Manifesto::load(&RulesConfig::default()).unwrap();
    let mut pages = vec![("README".to_owned(), table(&manifesto))];
    for &category in Category::VARIANTS {
        let of_category = |rule: &&Rule| rule.id.category() == category;
        let rules: Vec<&Rule> = manifesto.rules().iter().filter(of_category).collect();
        if !rules.is_empty() {
            pages.push((file(category).to_owned(), page(category, &rules)));
        }
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/rules");
    for (name, text) in pages {
        let path = folder.join(format!("{name}.md"));
        if std::env::var_os("UPDATE_EXPECTED").is_some() {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&path, &text).unwrap();
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(written, text, "{} is not current", path.display());
    }
}

/// The rule of one's own, as the documentation writes it, on whatever it is asked of.
#[tokio::test]
async fn the_documented_rule_of_ones_own_works() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/evidence.md");
    let docs = std::fs::read_to_string(docs).unwrap();
    let rule = docs
        .split("```yaml\n")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    assert!(rule.lines().count() <= 10, "ten lines of YAML");
    let series =
        serde_json::json!([[{"sloth_service": "shop"}, 0.4], [{"sloth_service": "mailer"}, 0.02]]);
    let queries = serde_json::json!([{"holds": "error_budget", "series": series}]);
    let server = super::server::serve(serde_json::json!({ "queries": queries })).await;
    let folder = tempfile::tempdir().unwrap();
    let config = format!(
        "scrape_configs: []\nsources: [{{kind: prometheus, url: 'http://{server}'}}]\n{rule}"
    );
    let judge = super::case::Judge::new(folder.path(), &config);
    let snapshot = judge.judge(&["shop", "mailer"]).await;
    let found = |service| super::case::shown(super::case::verdict(&snapshot, service, "X-1"));
    assert_eq!(found("shop"), "pass proven");
    assert_eq!(found("mailer"), "fail threshold");
    assert_eq!(snapshot.manifesto().version(), "2026.1+changed");
}

#[test]
fn every_kind_of_source_is_documented() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/evidence.md");
    let text = std::fs::read_to_string(path).unwrap();
    for kind in SourceKind::VARIANTS {
        assert!(text.contains(&format!("kind: {kind}")), "{kind}");
    }
}
