//! Relabelling, case by case, from a data file.

use std::collections::BTreeMap;

use manifesto_exporter::config::Config;
use manifesto_exporter::discovery::relabel::{Outcome, RawRule, Rule, apply};
use manifesto_exporter::document::Origin;
use manifesto_exporter::labels::Labels;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    rules: Vec<RawRule>,
    result: Option<BTreeMap<String, String>>,
    dropped: Option<usize>,
    error: Option<String>,
}

#[test]
fn relabelling_is_prometheuss() {
    let text = std::fs::read_to_string("tests/discovery/relabel.yaml").unwrap();
    let cases: Vec<Case> = serde_saphyr::from_str(&text).unwrap();
    assert!(cases.len() > 50);
    for case in cases {
        let rules: Result<Vec<Rule>, String> = case.rules.into_iter().map(Rule::try_from).collect();
        let rules = match rules {
            Ok(rules) => rules,
            Err(error) => {
                assert_eq!(Some(error), case.error, "{}", case.name);
                continue;
            }
        };
        assert_eq!(case.error, None, "{}", case.name);
        let mut labels = Labels::from_iter(case.labels);
        match (apply(&rules, &mut labels), case.result, case.dropped) {
            (Outcome::Keep, Some(result), None) => {
                assert_eq!(labels, Labels::from_iter(result), "{}", case.name);
            }
            (Outcome::Dropped { rule_index }, None, Some(dropped)) => {
                assert_eq!(rule_index, dropped, "{}", case.name);
            }
            (outcome, result, dropped) => {
                panic!("{}: {outcome:?}, wanted {result:?} {dropped:?}", case.name)
            }
        }
    }
}

/// Rule by rule, what changed; the one that drops is the last.
#[test]
fn what_each_rule_did_is_told() {
    let config = "
scrape_configs:
  - job_name: j
    static_configs: [{targets: ['a:1'], labels: {__meta_x: one, keep: 'yes'}}]
    relabel_configs:
      - {source_labels: [__meta_x], target_label: x}
      - {source_labels: [__meta_x], target_label: x}
      - {regex: keep, action: labeldrop}
      - {source_labels: [x], regex: two, action: keep}
      - {target_label: never, replacement: reached}
";
    let config = Config::parse(config, &Origin::embedded()).unwrap();
    let job = &config.discovery.jobs[0];
    let labels = Labels::from_iter([("__meta_x", "one"), ("keep", "yes")]);
    let steps = manifesto_exporter::discovery::relabel::explain(&job.relabel, &labels);
    let told: Vec<String> = steps
        .iter()
        .map(|step| {
            let changes = step.changes.iter();
            let changes = changes.map(|c| format!("{}: {:?} -> {:?}", c.name, c.before, c.after));
            let changes: Vec<String> = changes.collect();
            format!(
                "{} {} {} [{}]",
                step.rule_index,
                step.action.as_str(),
                step.keeps,
                changes.join(", ")
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            "0 replace true [x: \"\" -> \"one\"]",
            "1 replace true []",
            "2 labeldrop true [keep: \"yes\" -> \"\"]",
            "3 keep false []",
        ]
    );
}
