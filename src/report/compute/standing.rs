//! Where services stood at one moment.

use std::collections::BTreeMap;

use crate::history::StoredLevel;
use crate::manifesto::{NO_LEVEL, Severity};
use crate::report::collect::{RuleAt, ServiceAt};
use crate::report::model::{LevelOf, Standing};
use crate::report::tally::Tally;
use crate::snapshot::{RuleStatus, highest_level};

/// The reason of what nobody could tell.
pub(super) const NOT_CONFIGURED: &str = "not_configured";

/// What one rule of one service adds to a sum of weights.
pub(super) fn weigh(rule: &RuleAt) -> Tally {
    Tally::of(&rule.state, u128::from(rule.outcome.weight))
}

/// Where these stood together. The estate is no service; its verdicts count.
pub(super) fn standing<'a>(services: impl IntoIterator<Item = &'a ServiceAt>) -> Standing {
    let mut standing = Standing::default();
    let mut tally = Tally::default();
    for service in services {
        let mut violates = false;
        for rule in &service.rules {
            tally += weigh(rule);
            let is_unknown = rule.outcome.status == RuleStatus::Unknown;
            if is_unknown && &*rule.state.reason == NOT_CONFIGURED {
                standing.not_configured += 1;
            } else if is_unknown {
                standing.unknown += 1;
            }
            match rule.outcome.counted {
                RuleStatus::Pass => standing.compliant += 1,
                RuleStatus::Fail => {
                    violates = true;
                    standing.violated += 1;
                    let is_critical = rule.outcome.weight == Severity::Critical.weight();
                    standing.critical += u64::from(is_critical);
                }
                RuleStatus::Waived => {
                    violates = true;
                    standing.waived += 1;
                }
                RuleStatus::Unknown | RuleStatus::NotApplicable => {}
            }
        }
        if !service.is_estate {
            standing.services += 1;
            standing.services_violating += u64::from(violates);
        }
    }
    standing.score = tally.score();
    standing.coverage = tally.coverage();
    standing
}

/// How many services held each level.
pub(super) fn levels(
    levels: &[StoredLevel],
    start: &[ServiceAt],
    end: &[ServiceAt],
) -> Vec<LevelOf> {
    if levels.is_empty() {
        return Vec::new();
    }
    let held = |services: &[ServiceAt]| {
        let mut counts: BTreeMap<Option<usize>, u64> = BTreeMap::new();
        for service in services.iter().filter(|service| !service.is_estate) {
            *counts.entry(level_of(levels, service)).or_default() += 1;
        }
        counts
    };
    let (start, end) = (held(start), held(end));
    let names = levels.iter().map(|level| level.name.as_str());
    let places = (0..levels.len()).map(Some);
    let all = std::iter::once((None, NO_LEVEL)).chain(places.zip(names));
    let count = |held: &BTreeMap<_, u64>, place| held.get(&place).copied().unwrap_or(0);
    all.map(|(place, name)| LevelOf {
        name: name.to_owned(),
        start: count(&start, place),
        end: count(&end, place),
    })
    .collect()
}

/// The highest level that a service held: as a snapshot judges it.
fn level_of(levels: &[StoredLevel], service: &ServiceAt) -> Option<usize> {
    let status = |name: &String| {
        let mut rules = service.rules.iter();
        let found = rules.find(|rule| rule.outcome.rule.to_string() == *name);
        found.map_or(RuleStatus::Unknown, |rule| rule.outcome.status)
    };
    let asked = levels.iter().map(|level| {
        let of_tier = level.tiers.get(&service.owner.tier).into_iter().flatten();
        level.rules.iter().chain(of_tier).collect()
    });
    highest_level(asked, status).0
}
