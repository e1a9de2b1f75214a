//! Sums of weight and time, in whole numbers: the same whoever adds them up.

use std::ops::AddAssign;

use super::model::Mean;
use crate::calendar::Span;
use crate::history::State;
use crate::snapshot::RuleStatus;

/// Weight, or weight times milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Tally {
    /// Compliant, as it counts.
    pub(super) passed: u128,
    /// Compliant or violated, as it counts.
    pub(super) counted: u128,
    /// Measured at the time.
    pub(super) measured: u128,
    /// Applicable.
    pub(super) applicable: u128,
}

impl Tally {
    /// What a state adds that held for so much.
    pub(super) fn of(state: &State, amount: u128) -> Self {
        let mut tally = Self::default();
        match state.status {
            None | Some(RuleStatus::NotApplicable) => return tally,
            Some(RuleStatus::Pass | RuleStatus::Fail | RuleStatus::Waived) => {
                tally.measured = amount;
            }
            Some(RuleStatus::Unknown) => {}
        }
        tally.applicable = amount;
        match state.counted {
            Some(RuleStatus::Pass) => {
                tally.passed = amount;
                tally.counted = amount;
            }
            Some(RuleStatus::Fail | RuleStatus::Waived) => tally.counted = amount,
            Some(RuleStatus::Unknown | RuleStatus::NotApplicable) | None => {}
        }
        tally
    }

    /// Passed over counted.
    pub(super) fn score(&self) -> Option<f64> {
        share(self.passed, self.counted)
    }

    /// Measured over applicable.
    pub(super) fn coverage(&self) -> Option<f64> {
        share(self.measured, self.applicable)
    }

    pub(super) fn mean(&self, covered: f64) -> Mean {
        Mean {
            score: self.score(),
            coverage: self.coverage(),
            covered,
        }
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.counted += other.counted;
        self.measured += other.measured;
        self.applicable += other.applicable;
    }
}

/// A part of a whole; `None` of nothing.
pub(super) fn share(part: u128, whole: u128) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// The length of a span in milliseconds.
pub(super) fn milliseconds(span: Span) -> u128 {
    let length = span.to.duration_since(span.from).as_millis();
    u128::try_from(length).unwrap_or(0)
}
