//! From what one pass over history collected to a report's figures: a file per part.

mod answers;
mod changes;
mod method;
mod objectives;
mod offenders;
mod records;
mod rules;
mod standing;
mod teams;

use super::collect::{Collected, collect, period_before};
use super::model::{FORMAT, LevelOf, Mean, PeriodOf, Report, Summary, WeekOf};
use jiff::Timestamp;

use super::question::Question;
use crate::calendar::{FiscalCalendar, Period, tzdb_version};
use crate::catalogue::Objective;
use crate::history::{HistoryError, Reader};
use crate::okr::KeyResultPasts;

/// The report of a period.
pub fn report(reader: &Reader, question: &Question<'_>) -> Result<Report, HistoryError> {
    let before = period_before(question.period, question.calendar);
    let found = collect(reader, question, before.as_ref())?;
    let rules = rules::rules(&found);
    let categories = rules::categories(&found);
    let teams = teams::teams(&found, &rules, &categories);
    let objectives = objectives::objectives(reader, question, &found)?;
    let mut summary = summary(&found);
    let period = period(question, &found, before.as_ref());
    let offenders = offenders::offenders(reader, &found)?;
    summary.answers = answers::answers(&answers::Told {
        period: &period,
        is_quarter: question.period.quarter.is_some(),
        team: question.team,
        summary: &summary,
        teams: &teams,
        objectives: &objectives,
        offenders: &offenders,
    });
    Ok(Report {
        format: FORMAT,
        team: question.team.map(str::to_owned),
        initiatives: objectives::initiatives(reader, question, &found)?,
        objectives,
        weeks: weeks(&found),
        categories,
        levels: levels(&found),
        offenders,
        changes: changes::changes(reader, &found)?,
        waivers: records::waivers(reader, question, &found)?,
        attestations: records::attestations(reader, question, &found)?,
        movements: changes::movements(&found),
        rule_changes: method::rule_changes(question, &found),
        method: method::method(question, &found, tzdb_version()),
        period,
        summary,
        teams,
        rules,
    })
}

/// What key results of the present quarter measured before: at its beginning, and at the end of each week.
pub fn key_result_pasts(
    reader: &Reader,
    calendar: &FiscalCalendar,
    objectives: &[Objective],
    now: Timestamp,
) -> Result<KeyResultPasts, HistoryError> {
    let Some(quarter) = calendar.quarter_at(now) else {
        return Ok(KeyResultPasts::new());
    };
    let of_quarter = objectives.iter().filter(|one| one.quarter == quarter);
    let of_quarter: Vec<Objective> = of_quarter.cloned().collect();
    let samples = reader.samples(&quarter.name)?;
    let period = Period::of(quarter, calendar);
    let question = Question {
        period: &period,
        calendar,
        team: None,
        now,
    };
    let found = collect(reader, &question, None)?;
    Ok(objectives::pasts(&found, &of_quarter, &samples))
}

fn period(question: &Question<'_>, found: &Collected, before: Option<&Period>) -> PeriodOf {
    let period = question.period;
    PeriodOf {
        name: period.name.clone(),
        first: period.first,
        last: period.last,
        zone: question.calendar.zone_name().to_owned(),
        from: period.span.from,
        to: period.span.to,
        through: found.through.map(|(_, last)| last),
        is_closed: found.is_closed,
        before: before.map(|before| before.name.clone()).unwrap_or_default(),
    }
}

fn summary(found: &Collected) -> Summary {
    Summary {
        answers: Vec::new(),
        end: standing::standing(&found.end),
        mean: found.overall.now.mean(found.covered.share()),
        end_before: found.end_before.as_deref().map(standing::standing),
        mean_before: found.overall.before.mean(found.covered_before.share()),
    }
}

fn weeks(found: &Collected) -> Vec<WeekOf> {
    let weeks = found.weeks.iter().enumerate();
    let weeks = weeks.map(|(place, one)| WeekOf {
        first: one.week.first,
        last: one.week.last,
        mean: one.tally.mean(one.covered.share()),
        before: found
            .weeks_before
            .get(place)
            .map(|before| -> Mean { before.tally.mean(before.covered.share()) }),
    });
    weeks.collect()
}

fn levels(found: &Collected) -> Vec<LevelOf> {
    let Some((_, ruleset)) = found.rulesets.last() else {
        return Vec::new();
    };
    standing::levels(&ruleset.levels, &found.start, &found.end)
}
