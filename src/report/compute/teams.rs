//! Team by team.

use std::collections::{BTreeMap, BTreeSet};

use super::standing::{standing, weigh};
use crate::report::collect::{Collected, ServiceAt};
use crate::report::model::{CategoryOf, RuleOf, TeamOf};
use crate::report::tally::{Tally, share};
use crate::snapshot::RuleStatus;

/// Every team that owned something in either period, the one with the lowest score at the end first; those
/// without one last.
pub(super) fn teams(found: &Collected, rules: &[RuleOf], categories: &[CategoryOf]) -> Vec<TeamOf> {
    let mut at_end: BTreeMap<&str, Vec<&ServiceAt>> = BTreeMap::new();
    for service in found.end.iter().filter(|service| !service.is_estate) {
        at_end.entry(&service.owner.team).or_default().push(service);
    }
    let names: BTreeSet<&str> = found
        .teams
        .keys()
        .map(String::as_str)
        .chain(at_end.keys().copied())
        .collect();
    let teams = names.into_iter().map(|name| {
        let services = at_end.get(name).map(Vec::as_slice).unwrap_or_default();
        let sums = found.teams.get(name).copied().unwrap_or_default();
        TeamOf {
            name: name.to_owned(),
            end: standing(services.iter().copied()),
            mean: sums.now.mean(found.covered.share()),
            mean_before: sums.before.mean(found.covered_before.share()),
            rules: complying(services, rules),
            categories: scores(services, categories),
        }
    });
    let mut teams: Vec<TeamOf> = teams.collect();
    let worst = |team: &TeamOf| team.end.score.unwrap_or(f64::INFINITY);
    teams.sort_by(|a, b| {
        worst(a)
            .total_cmp(&worst(b))
            .then_with(|| a.name.cmp(&b.name))
    });
    teams
}

/// The share of services that comply with each rule.
fn complying(services: &[&ServiceAt], rules: &[RuleOf]) -> Vec<Option<f64>> {
    let mut counts: BTreeMap<String, (u128, u128)> = BTreeMap::new();
    for rule in services.iter().flat_map(|service| &service.rules) {
        let (good, all) = counts.entry(rule.outcome.rule.to_string()).or_default();
        match rule.outcome.counted {
            RuleStatus::Pass => {
                *good += 1;
                *all += 1;
            }
            RuleStatus::Fail | RuleStatus::Waived => *all += 1,
            RuleStatus::Unknown | RuleStatus::NotApplicable => {}
        }
    }
    let shares = rules.iter().map(|rule| {
        let (good, all) = counts.get(&rule.id).copied()?;
        share(good, all)
    });
    shares.collect()
}

/// The score of services in each category.
fn scores(services: &[&ServiceAt], categories: &[CategoryOf]) -> Vec<Option<f64>> {
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    for rule in services.iter().flat_map(|service| &service.rules) {
        let category = rule.outcome.rule.category().as_str();
        *tallies.entry(category).or_default() += weigh(rule);
    }
    let of = |category: &CategoryOf| tallies.get(category.name.as_str())?.score();
    categories.iter().map(of).collect()
}
