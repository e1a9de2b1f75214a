//! How objectives and initiatives are doing.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::forecast::{Forecast, forecast};
use super::measure::{Measured, Together, measure_query, measure_services, together};
use super::score::{Outlook, elapsed, expected, outlook, score};
use super::standing::{ServiceStanding, of_snapshot};
use crate::calendar::{FiscalCalendar, Quarter, Span};
use crate::catalogue::{Better, Commitment, Initiative, KeyResult, Measure, Objective};
use crate::snapshot::Snapshot;

/// Which key result: its names are what its figures are kept by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyResultId {
    /// The quarter's name.
    pub quarter: String,
    /// The team.
    pub team: String,
    /// The objective's id.
    pub objective: String,
    /// Its own id.
    pub key_result: String,
}

impl KeyResultId {
    /// Of a key result of an objective.
    pub fn of(objective: &Objective, result: &KeyResult) -> Self {
        Self {
            quarter: objective.quarter.name.clone(),
            team: objective.team.clone(),
            objective: objective.id.clone(),
            key_result: result.id.clone(),
        }
    }
}

/// Where a key result began.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Baseline {
    /// The value.
    pub value: f64,
    /// When it was measured; `None` where somebody wrote it down.
    pub at: Option<Timestamp>,
}

/// What was measured of a key result before.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct KeyResultPast {
    /// When its quarter began.
    pub baseline: Option<Baseline>,
    /// When each week of its quarter ended, as far as they have.
    pub weeks: Vec<(Timestamp, f64)>,
}

/// What was measured of key results before.
pub type KeyResultPasts = BTreeMap<KeyResultId, KeyResultPast>;

/// How a key result is doing.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyResultProgress {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Who answers for it.
    pub owner: String,
    /// How much is expected of it.
    pub commitment: Commitment,
    /// What is measured, in words.
    pub measure: String,
    /// What its values count, `""` for a share.
    pub unit: String,
    /// Where it began; `None` where that is not known.
    pub baseline: Option<Baseline>,
    /// Where it should end.
    pub target: f64,
    /// Which way that lies.
    pub better: Better,
    /// What was measured.
    pub actual: Measured,
    /// How far the value has come from baseline to target, 0 to 1; `None` where it is not measured.
    pub score: Option<f64>,
    /// The same if everything unknown were bad, and if everything were good.
    pub scores: Option<(f64, f64)>,
    /// The score that is expected by now.
    pub expected: f64,
    /// How it is doing.
    pub outlook: Outlook,
    /// Its score at the quarter's end, if it goes on as it did.
    pub forecast: Option<Forecast>,
}

/// How an objective is doing.
#[derive(Debug, Clone, PartialEq)]
pub struct ObjectiveProgress {
    /// The team.
    pub team: String,
    /// The quarter.
    pub quarter: Quarter,
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Who answers for it.
    pub owner: String,
    /// Its key results.
    pub key_results: Vec<KeyResultProgress>,
    /// The mean score of those that are measured; `None` where none is.
    pub score: Option<f64>,
}

impl ObjectiveProgress {
    /// How many of its key results have a score.
    pub fn measured(&self) -> usize {
        let results = self.key_results.iter();
        results.filter(|result| result.score.is_some()).count()
    }
}

/// How an initiative is doing.
#[derive(Debug, Clone, PartialEq)]
pub struct InitiativeProgress {
    /// The initiative.
    pub initiative: Initiative,
    /// When its last day ends.
    pub due_at: Timestamp,
    /// Services that it concerns.
    pub services: usize,
    /// Those that do not comply yet, or are not known to.
    pub left: usize,
    /// Those among them of which it is not known.
    pub unknown: usize,
}

/// How everything is doing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Progress {
    /// The objectives of the quarter.
    pub objectives: Vec<ObjectiveProgress>,
    /// The initiatives that go on.
    pub initiatives: Vec<InitiativeProgress>,
}

/// How the objectives of the present quarter and the initiatives of today are doing.
pub fn progress(snapshot: &Snapshot, pasts: &KeyResultPasts) -> Progress {
    let records = &snapshot.ruleset.records;
    let objectives = records.objectives.as_deref().unwrap_or_default();
    if objectives.is_empty() && records.initiatives.is_empty() {
        return Progress::default();
    }
    let now = Timestamp::try_from(snapshot.at).unwrap_or(Timestamp::UNIX_EPOCH);
    let calendar = &records.calendar;
    let services = of_snapshot(snapshot);
    let quarter = calendar.quarter_at(now);
    let of_quarter = objectives
        .iter()
        .filter(|o| Some(&o.quarter) == quarter.as_ref());
    let measured = |result: &KeyResult| match &result.measure {
        Measure::Promql(query) => measure_query(query, &snapshot.answers),
        Measure::Compliance(_) | Measure::Score | Measure::Coverage => {
            measure_services(result, &services)
        }
    };
    let objectives = of_quarter.map(|one| {
        let span = calendar.span(one.quarter.first, one.quarter.last);
        objective(one, span, now, pasts, measured)
    });
    let today = calendar.day_at(now);
    let initiatives = records.initiatives.iter().filter(|i| i.is_on(today));
    Progress {
        objectives: objectives.collect(),
        initiatives: initiatives
            .map(|one| initiative(one, calendar, &services))
            .collect(),
    }
}

/// What the queries of the present quarter's key results yield now.
pub fn queried(snapshot: &Snapshot) -> Vec<(KeyResultId, f64)> {
    let records = &snapshot.ruleset.records;
    let now = Timestamp::try_from(snapshot.at).unwrap_or(Timestamp::UNIX_EPOCH);
    let quarter = records.calendar.quarter_at(now);
    let objectives = records.objectives.iter().flatten();
    let of_quarter = objectives.filter(|o| Some(&o.quarter) == quarter.as_ref());
    let results = of_quarter.flat_map(|one| one.key_results.iter().map(move |r| (one, r)));
    let yielded = results.filter_map(|(one, result)| match &result.measure {
        Measure::Promql(query) => {
            let value = measure_query(query, &snapshot.answers).value?;
            Some((KeyResultId::of(one, result), value))
        }
        Measure::Compliance(_) | Measure::Score | Measure::Coverage => None,
    });
    yielded.collect()
}

/// How an objective is doing at a moment of its quarter.
pub fn objective(
    objective: &Objective,
    span: Span,
    now: Timestamp,
    pasts: &KeyResultPasts,
    measured: impl Fn(&KeyResult) -> Measured,
) -> ObjectiveProgress {
    let nothing = KeyResultPast::default();
    let results = objective.key_results.iter().map(|result| {
        let past = pasts.get(&KeyResultId::of(objective, result));
        key_result(
            result,
            past.unwrap_or(&nothing),
            measured(result),
            span,
            now,
        )
    });
    let key_results: Vec<KeyResultProgress> = results.collect();
    let scores: Vec<f64> = key_results
        .iter()
        .filter_map(|result| result.score)
        .collect();
    let mean = scores.iter().sum::<f64>() / scores.len() as f64;
    ObjectiveProgress {
        team: objective.team.clone(),
        quarter: objective.quarter.clone(),
        id: objective.id.clone(),
        title: objective.title.clone(),
        owner: objective.owner.clone(),
        key_results,
        score: (!scores.is_empty()).then_some(mean),
    }
}

/// How a key result is doing of which this was measured.
fn key_result(
    result: &KeyResult,
    past: &KeyResultPast,
    actual: Measured,
    span: Span,
    now: Timestamp,
) -> KeyResultProgress {
    let passed = elapsed(span, now);
    let given = result.baseline.map(|value| Baseline { value, at: None });
    let baseline = given.or(past.baseline);
    let scored = |value: f64| {
        baseline.map(|baseline| score(baseline.value, result.target, result.better, value))
    };
    let range = actual
        .range
        .and_then(|(low, high)| scored(low).zip(scored(high)));
    KeyResultProgress {
        id: result.id.clone(),
        title: result.title.clone(),
        owner: result.owner.clone(),
        commitment: result.commitment,
        measure: result.measure.in_words(),
        unit: result.unit.clone(),
        baseline,
        target: result.target,
        better: result.better,
        score: actual.value.and_then(scored),
        expected: expected(result.commitment, passed),
        outlook: outlook(result.commitment, range, passed),
        scores: range,
        forecast: forecast_score(past, span, scored),
        actual,
    }
}

/// The score at the quarter's end, by its weeks: the lower bound first, whichever way the target lies.
fn forecast_score(
    past: &KeyResultPast,
    span: Span,
    scored: impl Fn(f64) -> Option<f64>,
) -> Option<Forecast> {
    let share = |at: Timestamp| elapsed(span, at);
    let points: Vec<(f64, f64)> = past
        .weeks
        .iter()
        .map(|(at, value)| (share(*at), *value))
        .collect();
    let values = forecast(&points, 1.0)?;
    let (one, other) = (scored(values.low)?, scored(values.high)?);
    Some(Forecast {
        low: one.min(other),
        middle: scored(values.middle)?,
        high: one.max(other),
    })
}

/// How an initiative is doing with services that stand so.
pub fn initiative(
    initiative: &Initiative,
    calendar: &FiscalCalendar,
    services: &[ServiceStanding<'_>],
) -> InitiativeProgress {
    let (mut concerned, mut left, mut unknown) = (0, 0, 0);
    for service in services {
        let (key, filter) = (service.key, &initiative.services);
        if !filter.concerns(&key.name, &key.environment, service.team, service.tier) {
            continue;
        }
        match together(&initiative.rules, &service.outcomes, |o| o.counted) {
            Together::NotApplicable => continue,
            Together::Compliant => {}
            Together::Violated => left += 1,
            Together::Unknown => {
                left += 1;
                unknown += 1;
            }
        }
        concerned += 1;
    }
    InitiativeProgress {
        initiative: initiative.clone(),
        due_at: calendar.span(initiative.started, initiative.due).to,
        services: concerned,
        left,
        unknown,
    }
}
