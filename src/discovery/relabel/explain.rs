//! What each relabelling rule did to a target, for who wonders. Pure.

use std::collections::BTreeSet;

use super::apply::keeps;
use super::rule::{Action, Rule};
use crate::labels::Labels;

/// What one rule did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelabelStep {
    /// Which rule, from 0.
    pub rule_index: usize,
    /// What the rule does.
    pub action: Action,
    /// Whether the target is still one.
    pub keeps: bool,
    /// The labels that are others than before.
    pub changes: Vec<LabelChange>,
}

/// A label before and after a rule; `""` where there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelChange {
    /// The label.
    pub name: String,
    /// Its value before.
    pub before: String,
    /// Its value after.
    pub after: String,
}

/// Applies the rules one by one; the first that drops is the last.
pub fn explain(rules: &[Rule], discovered: &Labels) -> Vec<RelabelStep> {
    let mut labels = discovered.clone();
    let mut steps = Vec::new();
    for (rule_index, rule) in rules.iter().enumerate() {
        let before = labels.clone();
        let keeps = keeps(rule, &mut labels);
        steps.push(RelabelStep {
            rule_index,
            action: rule.action(),
            keeps,
            changes: changes(&before, &labels),
        });
        if !keeps {
            break;
        }
    }
    steps
}

fn changes(before: &Labels, after: &Labels) -> Vec<LabelChange> {
    let names = before.iter().chain(after.iter()).map(|(name, _)| name);
    let names: BTreeSet<&str> = names.collect();
    let changed = names
        .into_iter()
        .filter(|name| before.get(name) != after.get(name));
    let change = |name: &str| LabelChange {
        name: name.to_owned(),
        before: before.get(name).to_owned(),
        after: after.get(name).to_owned(),
    };
    changed.map(change).collect()
}
