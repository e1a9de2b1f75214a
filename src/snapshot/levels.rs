//! Which level a service holds.

use super::score::RuleStatus;
use super::state::{HeldLevel, ServiceVerdict};
use crate::manifesto::{Level, Manifesto};
use crate::rule_id::RuleId;

/// The highest level whose rules, and those of all lower ones, are each measured compliant as far as they
/// apply. Where none applies, nothing was shown, and nothing is held.
pub(super) fn held(
    levels: &[Level],
    tier: &str,
    verdicts: &[ServiceVerdict],
    manifesto: &Manifesto,
) -> Option<HeldLevel> {
    if levels.is_empty() {
        return None;
    }
    let status = |rule: RuleId| {
        let mut verdicts = verdicts.iter();
        let found = verdicts.find(|verdict| manifesto.rules()[verdict.rule].id == rule);
        // A rule of the estate says nothing of a service.
        found.map_or(RuleStatus::NotApplicable, |verdict| verdict.status)
    };
    let (mut held, mut compliant) = (None, 0);
    for (place, level) in levels.iter().enumerate() {
        let asked: Vec<_> = level.asks(tier).map(|rule| (rule, status(rule))).collect();
        let withheld = asked.iter().filter(|(_, status)| match status {
            RuleStatus::Pass | RuleStatus::NotApplicable => false,
            RuleStatus::Fail | RuleStatus::Waived | RuleStatus::Unknown => true,
        });
        let withheld: Vec<_> = withheld.copied().collect();
        if !withheld.is_empty() {
            return Some(HeldLevel { held, withheld });
        }
        let passes = asked
            .iter()
            .filter(|(_, status)| *status == RuleStatus::Pass);
        compliant += passes.count();
        if compliant > 0 {
            held = Some(place);
        }
    }
    Some(HeldLevel {
        held,
        withheld: Vec::new(),
    })
}
