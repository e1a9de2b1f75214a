//! A report, as data: what every format shows, and what the API answers.
//!
//! Shares are 0 to 1; a share of nothing is absent, never 0. Moments are RFC 3339 in UTC, days are of the
//! report's time zone. There is no moment of writing in it: the same history gives the same bytes.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// The version of this format: fields are added to one, and change with the next.
pub const FORMAT: u32 = 1;

/// A report of a span of days.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The version of this format.
    pub format: u32,
    /// Which days.
    pub period: PeriodOf,
    /// The team that it is of; `None` for everybody.
    pub team: Option<String>,
    /// The first page.
    pub summary: Summary,
    /// What was promised.
    pub objectives: Vec<ObjectiveOf>,
    /// What is to be reached by a date.
    pub initiatives: Vec<InitiativeOf>,
    /// Week by week.
    pub weeks: Vec<WeekOf>,
    /// Team by team, the worst first.
    pub teams: Vec<TeamOf>,
    /// Category by category.
    pub categories: Vec<CategoryOf>,
    /// Rule by rule.
    pub rules: Vec<RuleOf>,
    /// How many services hold each level, the lowest first.
    pub levels: Vec<LevelOf>,
    /// Services that violate most, by weight.
    pub offenders: Vec<Offender>,
    /// Verdicts that are other at the end than at the beginning.
    pub changes: Vec<ChangeOf>,
    /// Waivers that were in force.
    pub waivers: Vec<WaiverOf>,
    /// Attestations that were in force.
    pub attestations: Vec<AttestationOf>,
    /// Services that came, went, or changed hands.
    pub movements: Vec<Movement>,
    /// Changes of the rules.
    pub rule_changes: Vec<RuleChange>,
    /// How it was measured, and what was not.
    pub method: Method,
}

/// The days of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeriodOf {
    /// The quarter's name, or `FROM..TO`.
    pub name: String,
    /// The first day.
    pub first: Date,
    /// The last day, included.
    pub last: Date,
    /// The time zone in which days begin.
    pub zone: String,
    /// The first moment.
    pub from: Timestamp,
    /// The first moment after it.
    pub to: Timestamp,
    /// Until when history was written in it: the figures at its end are of this moment. `None` where nothing
    /// was measured in it.
    pub through: Option<Timestamp>,
    /// Whether it is over.
    pub is_closed: bool,
    /// The period that it is compared with.
    pub before: String,
}

/// Where everything stood at one moment.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Standing {
    /// Passed weight over counted weight.
    pub score: Option<f64>,
    /// Measured weight over applicable weight.
    pub coverage: Option<f64>,
    /// Services that were there.
    pub services: u64,
    /// Services that violate something, waived or not.
    pub services_violating: u64,
    /// Verdicts that count as compliant.
    pub compliant: u64,
    /// Verdicts that count as violated, not waived.
    pub violated: u64,
    /// Those of critical rules among them.
    pub critical: u64,
    /// Verdicts under a waiver.
    pub waived: u64,
    /// Verdicts that could not be measured then, though somebody could tell.
    pub unknown: u64,
    /// Verdicts that nobody could tell.
    pub not_configured: u64,
}

/// Means over time.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Mean {
    /// Passed weight over counted weight, weighed by time.
    pub score: Option<f64>,
    /// Measured weight over applicable weight, weighed by time.
    pub coverage: Option<f64>,
    /// The share of the time in which the exporter was measuring.
    pub covered: f64,
}

/// The first page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Five sentences: compliant, compared, promised, needing help, not known.
    pub sentences: Vec<String>,
    /// At the end.
    pub end: Standing,
    /// Over the whole period.
    pub mean: Mean,
    /// At the end of the period before.
    pub end_before: Option<Standing>,
    /// Over the period before.
    pub mean_before: Mean,
}

/// A week.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WeekOf {
    /// Its first day.
    pub first: Date,
    /// Its last day.
    pub last: Date,
    /// Its means.
    pub mean: Mean,
    /// The means of the week in the same place of the period before.
    pub before: Option<Mean>,
}

/// A team.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TeamOf {
    /// Its name, `""` for services that nobody owns.
    pub name: String,
    /// At the end.
    pub end: Standing,
    /// Over the period.
    pub mean: Mean,
    /// Over the period before.
    pub mean_before: Mean,
    /// For each rule, in the order of [`Report::rules`], the share of its services that comply at the end.
    pub rules: Vec<Option<f64>>,
}

/// A category of rules.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CategoryOf {
    /// Its name.
    pub name: String,
    /// Its score at the end.
    pub score: Option<f64>,
    /// How much of it is measured at the end.
    pub coverage: Option<f64>,
    /// Over the period.
    pub mean: Mean,
    /// Over the period before.
    pub mean_before: Mean,
}

/// A rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuleOf {
    /// Its id.
    pub id: String,
    /// A few words.
    pub title: String,
    /// Its category.
    pub category: String,
    /// Its severity.
    pub severity: String,
    /// At the end: compliant, as it counts.
    pub compliant: u64,
    /// Violated, not waived.
    pub violated: u64,
    /// Under a waiver.
    pub waived: u64,
    /// Not measured then, though somebody could tell.
    pub unknown: u64,
    /// Nobody could tell.
    pub not_configured: u64,
    /// The share that complies at the end.
    pub share: Option<f64>,
    /// The same over the period, weighed by time.
    pub mean: Option<f64>,
    /// The same over the period before.
    pub mean_before: Option<f64>,
    /// By how much the score would rise if everybody complied.
    pub gain: Option<f64>,
}

/// How many services hold a level.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LevelOf {
    /// Its name; `none` of those that hold none.
    pub name: String,
    /// At the beginning.
    pub start: u64,
    /// At the end.
    pub end: u64,
}

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
    /// `newly_compliant`, `newly_violating`, or `newly_waived`.
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

/// An objective.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ObjectiveOf {
    /// The team.
    pub team: String,
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Who answers for it.
    pub owner: String,
    /// The mean score of its measured key results.
    pub score: Option<f64>,
    /// How many of them are measured.
    pub measured: u64,
    /// Its key results.
    pub key_results: Vec<KeyResultOf>,
}

/// A key result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeyResultOf {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Who answers for it.
    pub owner: String,
    /// `committed` or `aspirational`.
    pub kind: String,
    /// What is measured.
    pub measure: String,
    /// What its values count, `""` for a share.
    pub unit: String,
    /// Where it began.
    pub baseline: Option<f64>,
    /// When that was measured; `None` where it was written down.
    pub baseline_at: Option<Timestamp>,
    /// Where it should end.
    pub target: f64,
    /// Where it stands at the end.
    pub actual: Option<f64>,
    /// How much of it is known.
    pub measured: f64,
    /// How much of the way was made.
    pub score: Option<f64>,
    /// The score that was expected.
    pub expected: f64,
    /// How it is doing, in words.
    pub outlook: String,
    /// `green`, `yellow` or `red`, once the quarter is over.
    pub grade: Option<String>,
    /// How the score comes about, in words.
    pub arithmetic: String,
    /// The score at the quarter's end by its weeks so far: low, middle, high.
    pub forecast: Option<[f64; 3]>,
    /// Its value at the end of each week.
    pub weeks: Vec<(Timestamp, f64)>,
}

/// An initiative.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InitiativeOf {
    /// Its title.
    pub title: String,
    /// Who answers for it.
    pub owner: String,
    /// Why.
    pub reason: String,
    /// What is to be complied with.
    pub rules: Vec<String>,
    /// Its first day.
    pub started: Date,
    /// Its last day.
    pub due: Date,
    /// Services that it concerns.
    pub services: u64,
    /// Those that do not comply yet.
    pub left: u64,
    /// Those of them of which it is not known.
    pub unknown: u64,
    /// Services left at the end of each week.
    pub burn_down: Vec<(Timestamp, u64)>,
}

/// How the figures came about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Method {
    /// For how long the last measured outcome counts, in seconds.
    pub carried_over_seconds: i64,
    /// The versions of the rules that were in force, in order.
    pub rulesets: Vec<String>,
    /// The version of the time zone database.
    pub tzdb: String,
    /// When the exporter was not measuring.
    pub gaps: Vec<Gap>,
    /// Gaps that are not listed because there are too many.
    pub gaps_not_listed: u64,
}

/// Time in which nothing was measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// From here
    pub from: Timestamp,
    /// to here.
    pub to: Timestamp,
    /// Why.
    pub why: String,
}
