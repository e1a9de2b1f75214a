//! Relabelling, case by case, from a data file.

use std::collections::BTreeMap;

use manifesto_exporter::discovery::relabel::{Outcome, RawRule, Rule, apply};
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
