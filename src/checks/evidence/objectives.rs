//! `objectives`: every team has objectives for the quarter, and they can be measured.

use std::sync::Arc;

use super::facts::Facts;
use super::selectors::selects_series;
use crate::catalogue::{KeyResult, Measure, Objective, Records};
use crate::checks::setup::Setup;
use crate::checks::verdict::{Basis, Finding, Reason, worst};
use crate::sources::{Answer, Query};

/// The queries of key results.
pub(super) fn queries(records: &Records) -> impl Iterator<Item = Query> {
    let objectives = records.objectives.iter().flatten();
    let results = objectives.flat_map(|objective| &objective.key_results);
    results.filter_map(|result| match &result.measure {
        Measure::Promql(text) => Some(Query::Promql(Arc::from(text.as_str()))),
        Measure::Compliance(_) | Measure::Score | Measure::Coverage => None,
    })
}

/// Judges the current quarter of every team that owns something.
pub(super) fn judge(facts: &Facts<'_>) -> Finding {
    let Some(objectives) = &facts.records.objectives else {
        let message = "no objectives are configured (`objectives` names no files)";
        return Finding::not_configured(Setup::Objectives, message).on(Basis::Declared);
    };
    if facts.teams.is_empty() {
        let message = "nobody says which teams there are (`team` in the catalogue or of targets)";
        return Finding::unknown(Reason::NotDocumented, message).on(Basis::Declared);
    }
    let Some(quarter) = facts.records.calendar.quarter_at(facts.now) else {
        let today = facts.records.calendar.day_at(facts.now);
        let message = format!("{today} is in none of the configured quarters (`fiscal_year`)");
        return Finding::not_configured(Setup::Objectives, message).on(Basis::Declared);
    };
    let now = objectives.iter().filter(|o| o.quarter == quarter);
    let now: Vec<&Objective> = now.collect();
    let quarter = &quarter.name;
    let has_some = |team: &&String| now.iter().any(|objective| objective.team == **team);
    let without: Vec<&str> = facts
        .teams
        .iter()
        .filter(|team| !has_some(team))
        .map(String::as_str)
        .collect();
    let cited = || {
        now.iter()
            .map(|o| format!("{}: {}: {}", o.place, o.team, o.title))
    };
    if !without.is_empty() {
        let message = format!("no objectives for {quarter} of {}", without.join(", "));
        return Finding::fail(Reason::Missing, message, Vec::new())
            .on(Basis::Declared)
            .citing(cited());
    }
    let results = now.iter().flat_map(|objective| {
        objective
            .key_results
            .iter()
            .map(move |result| (objective, result))
    });
    let judged = results.map(|(objective, result)| {
        resolves(facts, result).map_err(|(reason, why)| {
            let message = format!("{}: key result `{}`: {why}", objective.place, result.title);
            match reason {
                Reason::Missing | Reason::Placeholder => Finding::fail(reason, message, Vec::new()),
                _ => Finding::unknown(reason, message),
            }
        })
    });
    let unresolved = judged.filter_map(Result::err).reduce(worst);
    unresolved
        .unwrap_or_else(|| {
            let teams = facts.teams.len();
            Finding::pass(
                format!("all {teams} teams have measurable objectives for {quarter}"),
                "",
            )
        })
        .on(Basis::Declared)
        .citing(cited())
}

/// Whether a key result can be measured.
fn resolves(facts: &Facts<'_>, result: &KeyResult) -> Result<(), (Reason, String)> {
    match &result.measure {
        Measure::Score | Measure::Coverage => Ok(()),
        Measure::Compliance(rules) => match rules.iter().find(|rule| !facts.rules.contains(rule)) {
            Some(rule) => Err((Reason::Missing, format!("rule `{rule}` is not judged"))),
            None => Ok(()),
        },
        Measure::Promql(text) if !selects_series(text) => Err((
            Reason::Placeholder,
            format!("query {text} looks at no series: a constant measures nothing"),
        )),
        Measure::Promql(text) => {
            let answers = facts
                .ask(&Query::Promql(Arc::from(text.as_str())))
                .map_err(|finding| (finding.reason, finding.message))?;
            let some = answers.iter().any(
                |(_, answer)| matches!(answer, Answer::Vector(vector) if !vector.samples().is_empty()),
            );
            match some {
                true => Ok(()),
                false => Err((Reason::Missing, format!("query {text} yields nothing"))),
            }
        }
    }
}
