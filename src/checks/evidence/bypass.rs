//! `bypass`: what is violated is waived in the open, or fixed soon.

use serde::Deserialize;

use super::facts::{Facts, Failure, day, period};
use crate::checks::verdict::{Basis, Finding, Reason};
use crate::document::value::Interval;

/// How long something may be broken before that is a bypass.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bypass {
    /// Within this time, a failure is being fixed.
    pub grace: Interval,
}

impl Bypass {
    /// Judges what the same service violates.
    pub(super) fn judge(&self, facts: &Facts<'_>) -> Finding {
        let grace = period(self.grace);
        let days = grace.as_hours() / 24;
        let cited = facts.failures.iter().map(|failure| {
            let since = day(failure.since);
            match failure.is_exact {
                true => format!("{}: violated since {since}", failure.rule),
                false => format!("{}: violated since {since} or longer", failure.rule),
            }
        });
        let cited: Vec<String> = cited.collect();
        let old = facts
            .failures
            .iter()
            .filter(|failure| failure.since + grace <= facts.now);
        let old: Vec<Failure> = old.copied().collect();
        let unsure = facts.failures.iter().any(|failure| !failure.is_exact);
        if facts.measured == 0 {
            let message = "no other rule was measured: what is violated is not known";
            Finding::unknown(Reason::NoData, message)
        } else if !old.is_empty() {
            let message = format!(
                "violated for more than {days} d, without a waiver: {}",
                listed(&old)
            );
            Finding::fail(Reason::Bypassed, message, Vec::new())
        } else if unsure {
            let message = format!(
                "violated and not waived, for how long is not known yet (fails after {days} d): {}",
                listed(facts.failures)
            );
            Finding::unknown(Reason::TooEarly, message)
        } else if facts.failures.is_empty() {
            Finding::pass("nothing is broken that is not waived", "")
        } else {
            let listed = listed(facts.failures);
            Finding::pass(
                format!("what is violated and not waived is younger than {days} d: {listed}"),
                "",
            )
        }
        .on(Basis::Measured)
        .citing(cited)
    }
}

fn listed(failures: &[Failure]) -> String {
    let rules: Vec<String> = failures
        .iter()
        .map(|failure| failure.rule.to_string())
        .collect();
    rules.join(", ")
}
