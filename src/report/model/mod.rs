//! A report, as data: what every format shows, and what the API answers.
//!
//! Shares are 0 to 1; a share of nothing is absent, never 0. Moments are RFC 3339 in UTC, days are of the
//! report's time zone. There is no moment of writing in it: the same history gives the same bytes.

mod happened;
mod promised;

pub use self::happened::{
    AttestationOf, ChangeKind, ChangeOf, Movement, MovementKind, Offender, RecordState, RuleChange,
    Violation, WaiverOf,
};
pub use self::promised::{InitiativeOf, KeyResultOf, ObjectiveOf};

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
    /// What a reader asks first: compliant, compared, promised, needing help, not known.
    pub answers: Vec<Answer>,
    /// At the end.
    pub end: Standing,
    /// Over the whole period.
    pub mean: Mean,
    /// At the end of the period before.
    pub end_before: Option<Standing>,
    /// Over the period before.
    pub mean_before: Mean,
}

/// A question of the first page, answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The question.
    pub question: String,
    /// The figure that answers it.
    pub figure: String,
    /// The same in a sentence, with what stands behind it.
    pub sentence: String,
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
    /// For each category, in the order of [`Report::categories`], the score of its services at the end.
    pub categories: Vec<Option<f64>>,
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
