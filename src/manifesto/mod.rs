//! The rules: one YAML file per category, embedded in the binary.

mod rule;

use crate::config::rules::RulesConfig;

pub use rule::{BadRuleId, Category, Rule, RuleId, Scope, Severity};

/// The files, in the manifesto's order.
const FILES: &[(&str, &str)] = &[("observability.yaml", include_str!("observability.yaml"))];

/// The rules in force, in the manifesto's order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifesto {
    rules: Vec<Rule>,
}

/// A rule set that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ManifestoError {
    /// An embedded or configured file that does not read.
    #[error("{file}: {message}")]
    Unreadable {
        /// The file.
        file: String,
        /// What is wrong.
        message: String,
    },
    /// A change of a rule that is not there.
    #[error("rule `{0}` does not exist; the rules are {1}")]
    NoSuchRule(RuleId, String),
}

impl Manifesto {
    /// The embedded rules with the configuration's changes.
    pub fn load(changes: &RulesConfig) -> Result<Self, ManifestoError> {
        let mut rules = Vec::new();
        for (file, text) in FILES {
            let of_file: Vec<Rule> =
                serde_saphyr::from_str(text).map_err(|error| ManifestoError::Unreadable {
                    file: (*file).to_owned(),
                    message: error.to_string(),
                })?;
            rules.extend(of_file);
        }
        rules.sort_by_key(|rule| rule.id);
        let mut manifesto = Self { rules };
        for id in changes.disabled.keys().chain(changes.severity.keys()) {
            if manifesto.rule(*id).is_none() {
                let known: Vec<String> = manifesto.rules.iter().map(|r| r.id.to_string()).collect();
                return Err(ManifestoError::NoSuchRule(*id, known.join(", ")));
            }
        }
        manifesto
            .rules
            .retain(|rule| !changes.disabled.contains_key(&rule.id));
        for rule in &mut manifesto.rules {
            if let Some(severity) = changes.severity.get(&rule.id) {
                rule.severity = *severity;
            }
        }
        Ok(manifesto)
    }

    /// Every rule, in order.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// One rule.
    pub fn rule(&self, id: RuleId) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.id == id)
    }

    /// The same rules with O-7's port replaced: the demo's fleet may have to live elsewhere.
    pub fn with_port(mut self, wanted: u16) -> Self {
        use crate::checks::Check;
        for check in self.rules.iter_mut().flat_map(|rule| &mut rule.checks) {
            if let Check::Endpoint { port } = check {
                *port = wanted;
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn embedded_rules_load_and_are_documented() {
        let manifesto = Manifesto::load(&RulesConfig::default()).unwrap();
        let ids: Vec<String> = manifesto
            .rules()
            .iter()
            .map(|rule| rule.id.to_string())
            .collect();
        assert_eq!(ids, ["O-6", "O-7", "O-8", "O-9"]);
        for rule in manifesto.rules() {
            for text in [&rule.title, &rule.asks, &rule.proof, &rule.remediation] {
                assert!(
                    text.len() > 10,
                    "{} has a text too short to help: {text:?}",
                    rule.id
                );
            }
            assert!(!rule.checks.is_empty(), "{} judges nothing", rule.id);
        }
    }

    #[test]
    fn changes_name_rules_that_exist() {
        let mut changes = RulesConfig::default();
        changes
            .disabled
            .insert("O-8".parse().unwrap(), "no build numbers yet".to_owned());
        changes
            .severity
            .insert("o-9".parse().unwrap(), Severity::Low);
        let manifesto = Manifesto::load(&changes).unwrap();
        assert!(manifesto.rule("O-8".parse().unwrap()).is_none());
        assert_eq!(
            manifesto.rule("O-9".parse().unwrap()).unwrap().severity,
            Severity::Low
        );

        changes
            .severity
            .insert("S-99".parse().unwrap(), Severity::Low);
        let error = Manifesto::load(&changes).unwrap_err().to_string();
        assert_eq!(
            error,
            "rule `S-99` does not exist; the rules are O-6, O-7, O-8, O-9"
        );
    }
}
