//! Statuses, and what they come to.

use crate::checks::Status;

/// The status of a rule for a service: a fail under a valid waiver is told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[derive(strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum RuleStatus {
    /// Compliant.
    Pass,
    /// Violated.
    Fail,
    /// Violated, under a valid waiver.
    Waived,
    /// Not measured.
    Unknown,
    /// Nothing to judge.
    NotApplicable,
}

impl RuleStatus {
    /// The five statuses, in the order of tables.
    pub const ALL: [RuleStatus; 5] = [
        RuleStatus::Pass,
        RuleStatus::Fail,
        RuleStatus::Waived,
        RuleStatus::Unknown,
        RuleStatus::NotApplicable,
    ];

    /// As in labels and JSON.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Whether it was measured: complied with, or violated.
    pub fn is_measured(self) -> bool {
        match self {
            RuleStatus::Pass | RuleStatus::Fail | RuleStatus::Waived => true,
            RuleStatus::Unknown | RuleStatus::NotApplicable => false,
        }
    }

    /// For people.
    pub fn in_words(self) -> &'static str {
        match self {
            RuleStatus::Pass => "compliant",
            RuleStatus::Fail => "violated",
            RuleStatus::Waived => "waived",
            RuleStatus::Unknown => "unknown",
            RuleStatus::NotApplicable => "not applicable",
        }
    }
}

impl From<Status> for RuleStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Pass => RuleStatus::Pass,
            Status::Fail => RuleStatus::Fail,
            Status::Unknown => RuleStatus::Unknown,
            Status::NotApplicable => RuleStatus::NotApplicable,
        }
    }
}

/// Passed over counted weight, never shown without coverage. An outage moves the coverage, not the score: what
/// was measured before counts on for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Score {
    passed: u32,
    /// Measured now, or carried over.
    counted: u32,
    measured: u32,
    applicable: u32,
}

impl Score {
    /// 0 to 1; `None` where nothing counts.
    pub fn ratio(self) -> Option<f64> {
        (self.counted > 0).then(|| f64::from(self.passed) / f64::from(self.counted))
    }

    /// Weight that is measured now over applicable weight, 0 to 1. What could not be measured lowers it.
    pub fn coverage(self) -> f64 {
        if self.applicable == 0 {
            0.0
        } else {
            f64::from(self.measured) / f64::from(self.applicable)
        }
    }

    /// Adds a rule: its status now, and the outcome that counts for it.
    pub(super) fn add(&mut self, status: RuleStatus, counted: RuleStatus, weight: u32) {
        match status {
            RuleStatus::NotApplicable => return,
            RuleStatus::Pass | RuleStatus::Fail | RuleStatus::Waived => self.measured += weight,
            RuleStatus::Unknown => {}
        }
        self.applicable += weight;
        match counted {
            RuleStatus::Pass => {
                self.passed += weight;
                self.counted += weight;
            }
            RuleStatus::Fail | RuleStatus::Waived => self.counted += weight,
            RuleStatus::Unknown | RuleStatus::NotApplicable => {}
        }
    }
}
