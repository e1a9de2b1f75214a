//! A relabelling rule as objects of Kubernetes have it: the same keys in camel case.
//! <https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1.RelabelConfig>

use serde::Deserialize;

use super::rule::{Action, AnchoredRegex, RawRule, Rule};
use crate::document::quantity::Count;
use crate::document::value::NullableText;
use crate::document::yaml::unplaced;

/// Bytes of a compiled expression (and of its matching cache): whoever may create an object in a cluster writes it.
const REGEX_BYTES_MAX: usize = 256 * 1024;

/// Characters of an expression in an error.
const SHOWN_CHARS_MAX: usize = 60;

/// An entry of `relabelings`. What is empty counts as not written.
#[derive(Debug, Deserialize, Default)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RawRelabeling {
    source_labels: Option<Vec<String>>,
    separator: Option<String>,
    target_label: Option<String>,
    regex: Option<String>,
    modulus: Option<u64>,
    replacement: Option<String>,
    action: Option<Action>,
}

impl TryFrom<RawRelabeling> for Rule {
    type Error = String;

    fn try_from(raw: RawRelabeling) -> Result<Self, String> {
        let regex = raw.regex.filter(|regex| !regex.is_empty());
        let regex = regex.map(|regex| {
            let compiled = AnchoredRegex::within(&regex, REGEX_BYTES_MAX);
            compiled.map_err(|error| {
                let shown: String = regex.chars().take(SHOWN_CHARS_MAX).collect();
                format!("`{shown}`: {error}")
            })
        });
        let modulus = raw.modulus.filter(|modulus| *modulus != 0);
        Rule::try_from(RawRule {
            source_labels: raw.source_labels.filter(|names| !names.is_empty()),
            separator: raw.separator.map(NullableText),
            regex: regex.transpose()?,
            modulus: modulus.map(|modulus| unplaced(Count(modulus))),
            target_label: raw.target_label,
            replacement: raw.replacement.map(NullableText),
            action: raw.action,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discovery::relabel::apply;
    use crate::labels::Labels;

    fn rule(json: &str) -> Result<Rule, String> {
        Rule::try_from(serde_json::from_str::<RawRelabeling>(json).unwrap())
    }

    #[test]
    fn the_same_rule_in_camel_case() {
        let written = r#"{"sourceLabels": ["a", "b"], "separator": "-", "targetLabel": "c", "regex": "(x)-(.*)",
                          "replacement": "$2$1", "action": "Replace", "modulus": 0}"#;
        let mut labels = Labels::from_iter([("a", "x"), ("b", "y")]);
        apply(&[rule(written).unwrap()], &mut labels);
        assert_eq!(labels.get("c"), "yx");
        let default = rule(r#"{"sourceLabels": ["a"], "targetLabel": "d", "regex": ""}"#);
        apply(&[default.unwrap()], &mut labels);
        assert_eq!(labels.get("d"), "x");
        let sharded = rule(
            r#"{"sourceLabels": ["a"], "targetLabel": "e", "modulus": 1, "action": "hashmod"}"#,
        );
        apply(&[sharded.unwrap()], &mut labels);
        assert_eq!(labels.get("e"), "0");
    }

    #[test]
    fn what_is_no_rule() {
        for (written, wrong) in [
            (
                r#"{"action": "keep", "regex": "("}"#,
                "not a regular expression",
            ),
            (r#"{"sourceLabels": ["a"]}"#, "`target_label`"),
            (
                r#"{"action": "keep", "regex": "\\p{L}{500}"}"#,
                "larger than 262144 bytes",
            ),
        ] {
            let error = rule(written).unwrap_err();
            assert!(error.contains(wrong), "{error}");
        }
        let unknown = serde_json::from_str::<RawRelabeling>(r#"{"source_labels": []}"#);
        assert!(unknown.is_err());
    }
}
