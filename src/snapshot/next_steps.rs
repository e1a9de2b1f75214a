//! What to configure next, and what it would bring.

use std::collections::{BTreeMap, BTreeSet};

use super::state::ServiceVerdict;
use crate::checks::Setup;

/// Something that nobody configured, and what could be judged by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextStep {
    /// What to configure. A rule that several things prove is listed at each.
    pub setup: Setup,
    /// The rules that it proves: places in [`Manifesto::rules`](crate::manifesto::Manifesto::rules).
    pub rules: BTreeSet<usize>,
    /// Verdicts, of services and of the estate, that are unknown for want of it.
    pub verdicts: usize,
}

/// What would prove these verdicts, what proves the most first.
pub(super) fn next_steps<'a>(verdicts: impl Iterator<Item = &'a ServiceVerdict>) -> Vec<NextStep> {
    let mut steps: BTreeMap<Setup, (BTreeSet<usize>, usize)> = BTreeMap::new();
    for verdict in verdicts.filter(|verdict| verdict.is_not_configured()) {
        for setup in &verdict.finding.needs {
            let (rules, verdicts) = steps.entry(*setup).or_default();
            rules.insert(verdict.rule);
            *verdicts += 1;
        }
    }
    let mut steps: Vec<NextStep> = steps
        .into_iter()
        .map(|(setup, (rules, verdicts))| NextStep {
            setup,
            rules,
            verdicts,
        })
        .collect();
    steps.sort_by_key(|step| std::cmp::Reverse(step.verdicts));
    steps
}
