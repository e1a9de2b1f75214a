//! Objectives: what teams want to reach in a quarter, and how that is measured.

use std::path::PathBuf;

use jiff::civil::Date;
use serde::Deserialize;

use super::files::each_file;
use crate::document::DocumentError;
use crate::document::value::Quarter;
use crate::document::yaml::{self, At, Source};
use crate::rule_id::RuleId;

/// Objectives of all files.
const OBJECTIVES_MAX: usize = 10_000;

/// What a team wants to reach in a quarter.
#[derive(Debug, Clone, PartialEq)]
pub struct Objective {
    /// The team.
    pub team: String,
    /// When.
    pub quarter: Quarter,
    /// In words.
    pub title: String,
    /// How one can tell.
    pub key_results: Vec<KeyResult>,
    /// Where it is written.
    pub place: String,
}

/// One key result.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyResult {
    /// In words.
    pub title: String,
    /// What is measured.
    pub measure: Measure,
    /// Where it began.
    pub baseline: f64,
    /// Where it should end.
    pub target: f64,
}

/// What a key result measures: a share from 0 to 1, or what a query yields.
#[derive(Debug, Clone, PartialEq)]
pub enum Measure {
    /// The share of the team's services that comply with these rules.
    Compliance(Vec<RuleId>),
    /// The mean score of the team's services.
    Score,
    /// What a query yields.
    Promql(String),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    objectives: Vec<At<Raw>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    team: String,
    quarter: Quarter,
    title: String,
    key_results: Vec<At<RawKeyResult>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawKeyResult {
    title: String,
    measure: At<RawMeasure>,
    baseline: f64,
    target: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMeasure {
    compliance: Option<Vec<RuleId>>,
    #[serde(default)]
    score: bool,
    promql: Option<String>,
}

/// Reads every file that paths and patterns name.
pub(super) fn load(
    paths: &[PathBuf],
    warnings: &mut Vec<String>,
) -> Result<Vec<Objective>, DocumentError> {
    let mut all = Vec::new();
    each_file("objectives", paths, warnings, |source| {
        let raw: RawFile = yaml::parse(source)?;
        for raw in raw.objectives {
            if all.len() == OBJECTIVES_MAX {
                let message = format!("more than {OBJECTIVES_MAX} objectives");
                return Err(source.error(raw.referenced, message));
            }
            all.push(ready(source, raw)?);
        }
        Ok(())
    })?;
    Ok(all)
}

fn ready(source: Source<'_>, raw: At<Raw>) -> Result<Objective, DocumentError> {
    let (at, raw) = (raw.referenced, raw.value);
    if raw.key_results.is_empty() {
        return Err(source.error(at, "an objective without key results cannot be measured"));
    }
    let key_results = raw.key_results.into_iter().map(|raw| {
        let (at, raw) = (raw.referenced, raw.value);
        if raw.baseline == raw.target {
            let message = "`baseline` and `target` are the same: nothing is to be reached";
            return Err(source.error(at, message));
        }
        let at = raw.measure.referenced;
        let measure = match raw.measure.value {
            RawMeasure {
                compliance: Some(rules),
                score: false,
                promql: None,
            } if !rules.is_empty() => Measure::Compliance(rules),
            RawMeasure {
                compliance: None,
                score: true,
                promql: None,
            } => Measure::Score,
            RawMeasure {
                compliance: None,
                score: false,
                promql: Some(query),
            } => Measure::Promql(query),
            _ => {
                return Err(source
                    .error(at, "a measure is one thing")
                    .with_hint("`compliance: [O-8, O-9]`, `score: true` or `promql: QUERY`"));
            }
        };
        Ok(KeyResult {
            title: raw.title,
            measure,
            baseline: raw.baseline,
            target: raw.target,
        })
    });
    Ok(Objective {
        team: raw.team,
        quarter: raw.quarter,
        title: raw.title,
        key_results: key_results.collect::<Result<_, _>>()?,
        place: format!("{}:{}", source.origin.name, at.line()),
    })
}

impl Objective {
    /// Whether it concerns the quarter of a day.
    pub fn is_of(&self, day: Date) -> bool {
        self.quarter == Quarter::of(day)
    }
}
