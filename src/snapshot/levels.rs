//! Which level a service holds.

use super::score::RuleStatus;
use super::state::{HeldLevel, ServiceVerdict};
use crate::manifesto::{Level, Manifesto};
use crate::rule_id::RuleId;

/// The place of the highest level whose rules, and those of all lower ones, are each measured compliant as far
/// as they apply; and what withholds the next. Where none applies, nothing was shown, and nothing is held.
///
/// `levels` are what each level asks, the lowest first.
pub fn highest_level<R: Copy>(
    levels: impl IntoIterator<Item = Vec<R>>,
    status: impl Fn(R) -> RuleStatus,
) -> (Option<usize>, Vec<(R, RuleStatus)>) {
    let (mut held, mut compliant) = (None, 0);
    for (place, asked) in levels.into_iter().enumerate() {
        let mut withheld = Vec::new();
        for rule in asked {
            match status(rule) {
                RuleStatus::Pass => compliant += 1,
                RuleStatus::NotApplicable => {}
                found @ (RuleStatus::Fail | RuleStatus::Waived | RuleStatus::Unknown) => {
                    withheld.push((rule, found));
                }
            }
        }
        if !withheld.is_empty() {
            return (held, withheld);
        }
        if compliant > 0 {
            held = Some(place);
        }
    }
    (held, Vec::new())
}

/// The level that verdicts come to; `None` where there are no levels.
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
        // What is not judged was not shown.
        found.map_or(RuleStatus::Unknown, |verdict| verdict.status)
    };
    let asked = levels.iter().map(|level| level.asks(tier).collect());
    let (held, withheld) = highest_level(asked, status);
    Some(HeldLevel { held, withheld })
}
