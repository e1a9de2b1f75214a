//! Rule by rule, and category by category.

use std::collections::BTreeMap;

use super::standing::{NOT_CONFIGURED, weigh};
use crate::report::collect::Collected;
use crate::report::model::{CategoryOf, RuleOf};
use crate::report::tally::{Tally, share};
use crate::rule_id::RuleId;
use crate::snapshot::RuleStatus;

/// What a rule counts at the end.
#[derive(Default)]
struct AtEnd {
    compliant: u64,
    violated: u64,
    waived: u64,
    unknown: u64,
    not_configured: u64,
    /// Weight of what is violated, waived or not.
    lost: u128,
}

/// The rules in force at the end, in order.
pub(super) fn rules(found: &Collected) -> Vec<RuleOf> {
    let mut ends: BTreeMap<RuleId, AtEnd> = BTreeMap::new();
    let mut all = Tally::default();
    for rule in found.end.iter().flat_map(|service| &service.rules) {
        let end = ends.entry(rule.outcome.rule).or_default();
        all += weigh(rule);
        match (rule.outcome.status, &*rule.state.reason) {
            (RuleStatus::Unknown, NOT_CONFIGURED) => end.not_configured += 1,
            (RuleStatus::Unknown, _) => end.unknown += 1,
            _ => {}
        }
        match rule.outcome.counted {
            RuleStatus::Pass => end.compliant += 1,
            RuleStatus::Fail => end.violated += 1,
            RuleStatus::Waived => end.waived += 1,
            RuleStatus::Unknown | RuleStatus::NotApplicable => {}
        }
        if matches!(rule.outcome.counted, RuleStatus::Fail | RuleStatus::Waived) {
            end.lost += u128::from(rule.outcome.weight);
        }
    }
    let in_force = found.rulesets.last();
    let in_force = in_force.into_iter().flat_map(|(_, ruleset)| &ruleset.rules);
    let nothing = AtEnd::default();
    let rules = in_force.filter_map(|rule| {
        let id: RuleId = rule.id.parse().ok()?;
        let end = ends.get(&id).unwrap_or(&nothing);
        let sums = found.rules.get(&id).copied().unwrap_or_default();
        let counted = end.compliant + end.violated + end.waived;
        Some(RuleOf {
            id: rule.id.clone(),
            title: rule.title.clone(),
            category: rule.category.clone(),
            severity: rule.severity.clone(),
            compliant: end.compliant,
            violated: end.violated,
            waived: end.waived,
            unknown: end.unknown,
            not_configured: end.not_configured,
            share: share(u128::from(end.compliant), u128::from(counted)),
            mean: sums.now.score(),
            mean_before: sums.before.score(),
            gain: share(end.lost, all.counted).filter(|gain| *gain > 0.0),
        })
    });
    rules.collect()
}

/// The categories of the rules in force at the end, in the manifesto's order.
pub(super) fn categories(found: &Collected) -> Vec<CategoryOf> {
    let mut ends: BTreeMap<&str, Tally> = BTreeMap::new();
    for rule in found.end.iter().flat_map(|service| &service.rules) {
        let category = rule.outcome.rule.category().as_str();
        *ends.entry(category).or_default() += weigh(rule);
    }
    let in_force = found.rulesets.last();
    let in_force = in_force.into_iter().flat_map(|(_, ruleset)| &ruleset.rules);
    let mut names: Vec<&str> = in_force.map(|rule| rule.category.as_str()).collect();
    names.dedup();
    let categories = names.into_iter().map(|name| {
        let end = ends.get(name).copied().unwrap_or_default();
        let sums = found.categories.get(name).copied().unwrap_or_default();
        CategoryOf {
            name: name.to_owned(),
            score: end.score(),
            coverage: end.coverage(),
            mean: sums.now.mean(found.covered.share()),
            mean_before: sums.before.mean(found.covered_before.share()),
        }
    });
    categories.collect()
}
