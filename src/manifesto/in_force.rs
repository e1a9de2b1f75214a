//! The rules in force: those embedded in the binary with the configuration's changes.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::embedded::{self, ManifestoError};
use super::levels::{Level, unjudged};
use super::overrides::RulesConfig;
use super::rule::{Rule, Scope};
use crate::checks::{Checks, ScrapeCheck};
use crate::document::Day;
use crate::rule_id::RuleId;

/// The version of the embedded rules: it changes whenever a rule asks something else.
const VERSION: &str = "2026.1";

/// How a rule is judged, in a number: it changes where its checks or their settings do. It may change
/// with the version of this program as well.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Definition(pub u32);

impl Definition {
    fn of(rule: &Rule) -> Self {
        Self(crc32fast::hash(format!("{:?}", rule.checks).as_bytes()))
    }
}

/// The rules in force, in the manifesto's order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Manifesto {
    rules: Vec<Rule>,
    /// How each is judged, in the same order.
    definitions: Vec<Definition>,
    /// Rules that are not judged, each with the reason.
    disabled: BTreeMap<RuleId, String>,
    version: String,
    reviewed: Vec<Date>,
}

impl Manifesto {
    /// The embedded rules with the configuration's changes, which name rules that exist.
    pub fn load(changes: &RulesConfig) -> Result<Self, ManifestoError> {
        let mut rules = embedded::rules()?;
        rules.extend(changes.added.iter().cloned());
        rules.sort_by_key(|rule| rule.id);
        rules.retain(|rule| !changes.disabled.contains_key(&rule.id));
        let mut is_changed = !changes.added.is_empty() || !changes.disabled.is_empty();
        for rule in &mut rules {
            if let Some(severity) = changes.severity.get(&rule.id) {
                rule.severity = *severity;
                is_changed = true;
            }
            if let Some(day) = changes.effective_from.get(&rule.id) {
                rule.effective_from = Some(Day(*day));
                is_changed = true;
            }
            if let Some(checks) = changes.checks.get(&rule.id) {
                rule.checks.clone_from(checks);
                is_changed = true;
            }
        }
        // Two estates that say the same version judge by the same rules.
        let version = match (&changes.version, is_changed) {
            (Some(own), _) => own.clone(),
            (None, false) => VERSION.to_owned(),
            (None, true) => format!("{VERSION}+changed"),
        };
        let mut reviewed = changes.reviewed.clone();
        reviewed.sort();
        Ok(Self {
            definitions: rules.iter().map(Definition::of).collect(),
            rules,
            disabled: changes.disabled.clone(),
            version,
            reviewed,
        })
    }

    /// Levels ask for rules that are judged for services: else nobody could ever hold them.
    pub fn judges_what_levels_ask(&self, levels: &[Level]) -> Result<(), ManifestoError> {
        match unjudged(levels, |rule| self.why_unjudged(rule).is_none()) {
            Some((level, rule)) => {
                let why = self.why_unjudged(rule).unwrap_or_default();
                let message = format!("level `{level}` asks for rule `{rule}`, which is {why}");
                Err(ManifestoError::new("levels", message))
            }
            None => Ok(()),
        }
    }

    /// Why no service can be measured by a rule, in words.
    pub fn why_unjudged(&self, rule: RuleId) -> Option<&'static str> {
        match self.rule(rule).map(|rule| rule.scope) {
            None => Some("not judged"),
            Some(Scope::Estate) => Some("judged for the estate, not for services"),
            Some(Scope::Service) => None,
        }
    }

    /// The version of the rules in force: the embedded one, `+changed` where the configuration changes
    /// any, or the user's own.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// When the rules were last reviewed, where somebody says so.
    pub fn last_reviewed(&self) -> Option<Date> {
        self.reviewed.last().copied()
    }

    /// Rules that are not judged, with the reasons.
    pub fn disabled(&self) -> &BTreeMap<RuleId, String> {
        &self.disabled
    }

    /// The next moment at which a rule begins to count.
    pub fn next_change(&self, now: Timestamp) -> Option<Timestamp> {
        let days = self.rules.iter().filter_map(|rule| rule.effective_from);
        let starts = days.filter_map(|day| day.0.to_zoned(TimeZone::UTC).ok());
        starts
            .map(|start| start.timestamp())
            .filter(|at| *at > now)
            .min()
    }

    /// Every rule, in order.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// How the rule at a place is judged.
    pub fn definition(&self, place: usize) -> Definition {
        self.definitions[place]
    }

    /// One rule.
    pub fn rule(&self, id: RuleId) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.id == id)
    }

    /// The same rules with O-7's port replaced: the demo's fleet may have to live elsewhere.
    pub fn with_port(mut self, wanted: u16) -> Self {
        for rule in &mut self.rules {
            let Checks::Scraped(checks) = &mut rule.checks else {
                continue;
            };
            for check in checks {
                if let ScrapeCheck::Endpoint { port } = check {
                    *port = wanted;
                }
            }
        }
        self.definitions = self.rules.iter().map(Definition::of).collect();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifesto::{Severity, ids};

    #[test]
    fn embedded_rules_load_and_are_documented() {
        let manifesto = Manifesto::load(&RulesConfig::default()).unwrap();
        let ids: Vec<String> = ids().iter().map(RuleId::to_string).collect();
        assert_eq!(ids.len(), 37, "{ids:?}");
        for rule in manifesto.rules() {
            for text in [&rule.title, &rule.asks, &rule.proof, &rule.remediation] {
                assert!(
                    text.len() > 10,
                    "{} has a text too short to help: {text:?}",
                    rule.id
                );
            }
            assert_eq!(rule.effective_from, None);
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
