//! Who violates what, what changed, and what was in force.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A service that violates something at the end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Offender {
    /// Its name; `""` for the estate.
    pub service: String,
    /// Where it runs.
    pub environment: String,
    /// Who owns it.
    pub team: String,
    /// Its tier.
    pub tier: String,
    /// Its score.
    pub score: Option<f64>,
    /// What it violates, the heaviest first.
    pub violations: Vec<Violation>,
}

/// A rule that a service violates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Violation {
    /// The rule.
    pub rule: String,
    /// Its severity.
    pub severity: String,
    /// Since when.
    pub since: Option<Timestamp>,
    /// Whether it was seen to begin then; else it may be longer.
    pub since_is_exact: bool,
    /// Whether it is waived.
    pub waived: bool,
    /// Whether that is an earlier outcome, which could not be measured at the end.
    pub carried_over: bool,
    /// Why, in a word.
    pub reason: String,
    /// Why, in a sentence.
    pub message: String,
}

/// A verdict that is another at the end than at the beginning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeOf {
    /// The service; `""` for the estate.
    pub service: String,
    /// Where it runs.
    pub environment: String,
    /// Who owns it at the end.
    pub team: String,
    /// The rule.
    pub rule: String,
    /// What became of it.
    pub kind: ChangeKind,
    /// When it last became so.
    pub at: Timestamp,
    /// Its sentence at the end.
    pub message: String,
}

/// What became of a verdict.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize
)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// It complies, and did not.
    NewlyCompliant,
    /// It violates, and did not.
    NewlyViolating,
    /// It violates, and did before under a waiver that has ended.
    WaiverEnded,
    /// It violates, and was not measured before.
    FoundViolating,
    /// It violates under a waiver, and was compliant or violated without one.
    NewlyWaived,
}

/// A waiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaiverOf {
    /// The rule.
    pub rule: String,
    /// Whom it concerns, in words.
    pub concerns: String,
    /// Why.
    pub reason: String,
    /// Where it was discussed.
    pub discussion: String,
    /// Who fixes it.
    pub owner: String,
    /// Who agreed.
    pub approver: String,
    /// When it began.
    pub granted_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Waivers of the same before it.
    pub renewals: u64,
    /// When the first of them began.
    pub first_granted_at: Timestamp,
    /// What became of it at the end.
    pub state: RecordState,
}

/// What became of a record.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize
)]
#[serde(rename_all = "snake_case")]
pub enum RecordState {
    /// It counts, and ends within 30 days.
    EndsSoon,
    /// It counts.
    Active,
    /// It ended, or was taken away.
    Ended,
}

/// An attestation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttestationOf {
    /// The rule.
    pub rule: String,
    /// The service, `""` for the estate.
    pub service: String,
    /// Where, `""` for everywhere.
    pub environment: String,
    /// Who answers for it.
    pub owner: String,
    /// What is stated.
    pub statement: String,
    /// When it was signed.
    pub signed_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// What became of it.
    pub state: RecordState,
}

/// A service that came, went, or changed hands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Movement {
    /// When.
    pub at: Timestamp,
    /// The service.
    pub service: String,
    /// Where it runs.
    pub environment: String,
    /// What happened.
    pub what: MovementKind,
    /// Who owned it before, `""` for nobody.
    pub from_team: String,
    /// Who owns it since.
    pub to_team: String,
}

/// What happened to a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MovementKind {
    /// It came.
    Came,
    /// It went.
    Went,
    /// Another team owns it.
    ChangedHands,
}

/// A change of the rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleChange {
    /// When it came into force.
    pub at: Timestamp,
    /// What changed, in words.
    pub what: String,
}
