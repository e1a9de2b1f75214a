//! What was promised: objectives and initiatives.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

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
