//! The rules: one YAML file per category, embedded in the binary.

mod rule;

pub use rule::{BadRuleId, Category, Rule, RuleId, Scope, Severity};

use crate::config::rules::RulesConfig;

/// The files, in the manifesto's order.
const FILES: &[(&str, &str)] = &[("observability.yaml", include_str!("observability.yaml"))];

/// The rules in force, in the manifesto's order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Manifesto {
    rules: Vec<Rule>,
}

/// A file of rules that does not read.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {message}")]
pub struct ManifestoError {
    /// The file.
    file: String,
    /// What is wrong.
    message: String,
}

/// The ids of the embedded rules; none where they do not read, which a test excludes.
pub fn ids() -> Vec<RuleId> {
    Manifesto::load(&RulesConfig::default())
        .map(|manifesto| manifesto.rules.iter().map(|rule| rule.id).collect())
        .unwrap_or_default()
}

impl Manifesto {
    /// The embedded rules with the configuration's changes, which name rules that exist.
    pub fn load(changes: &RulesConfig) -> Result<Self, ManifestoError> {
        let mut rules = Vec::new();
        for (file, text) in FILES {
            let of_file: Vec<Rule> =
                serde_saphyr::from_str(text).map_err(|error| ManifestoError {
                    file: (*file).to_owned(),
                    message: error.to_string(),
                })?;
            rules.extend(of_file);
        }
        rules.sort_by_key(|rule| rule.id);
        rules.retain(|rule| !changes.disabled.contains_key(&rule.id));
        for rule in &mut rules {
            if let Some(severity) = changes.severity.get(&rule.id) {
                rule.severity = *severity;
            }
        }
        Ok(Self { rules })
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
        let ids: Vec<String> = ids().iter().map(RuleId::to_string).collect();
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
    fn the_configuration_disables_and_reweighs() {
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
    }
}
