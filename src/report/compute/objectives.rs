//! What was promised: objectives and initiatives, measured on what history knows.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::calendar::Span;
use crate::catalogue::{Better, KeyResult, Measure, Objective};
use crate::history::{
    HistoryError, KnownRecord, Reader, RecordKind, StoredInitiative, StoredObjective, StoredSample,
};
use crate::okr::{
    Baseline, KeyResultId, KeyResultPast, KeyResultPasts, KeyResultProgress, Measured,
    ServiceStanding, grade, initiative, measure_services, objective,
};
use crate::report::collect::{Collected, Then};
use crate::report::figures::number;
use crate::report::model::{InitiativeOf, KeyResultOf, ObjectiveOf};
use crate::report::question::Question;

/// The objectives of the period's quarter, as they were written at its end.
pub(super) fn objectives(
    reader: &Reader,
    question: &Question<'_>,
    found: &Collected,
) -> Result<Vec<ObjectiveOf>, HistoryError> {
    let (Some(quarter), Some((_, last))) = (&question.period.quarter, found.through) else {
        return Ok(Vec::new());
    };
    let written: Vec<KnownRecord<StoredObjective>> =
        reader.records(RecordKind::Objective, &reader.timeline(just_before(last))?)?;
    let written = written.iter().map(|known| known.record.objective());
    let of_quarter = written.filter(|one| one.quarter == *quarter);
    let asked = of_quarter.filter(|one| question.team.is_none_or(|team| team == one.team));
    let mut asked: Vec<Objective> = asked.collect();
    asked.sort_by(|a, b| (&a.team, &a.id).cmp(&(&b.team, &b.id)));
    let samples = reader.samples(&quarter.name)?;
    let pasts = pasts(found, &asked, &samples);
    let samples = by_key_result(&quarter.name, &samples);
    let nothing = Vec::new();
    let end = standings(found, found.everybody_at_end.as_ref());
    let now = match found.is_closed {
        true => question.period.span.to,
        false => last,
    };
    let measured = |one: &Objective, result: &KeyResult| match &result.measure {
        Measure::Promql(_) => {
            let of_it = samples.get(&KeyResultId::of(one, result));
            last_sample(of_it.unwrap_or(&nothing), last)
        }
        Measure::Compliance(_) | Measure::Score | Measure::Coverage => {
            measure_services(result, &end)
        }
    };
    let shown = asked.iter().map(|one| {
        let progress = objective(one, question.period.span, now, &pasts, |result| {
            measured(one, result)
        });
        let results = progress.key_results.iter().zip(&one.key_results);
        let results = results.map(|(progress, result)| {
            let past = pasts.get(&KeyResultId::of(one, result));
            key_result(progress, past, found.is_closed)
        });
        ObjectiveOf {
            team: one.team.clone(),
            id: one.id.clone(),
            title: one.title.clone(),
            owner: one.owner.clone(),
            score: progress.score,
            measured: progress.measured() as u64,
            key_results: results.collect(),
        }
    });
    Ok(shown.collect())
}

/// The moment before another.
fn just_before(moment: Timestamp) -> Span {
    Span {
        from: moment - SignedDuration::from_millis(1),
        to: moment,
    }
}

/// What was measured of key results when the quarter began, and at the end of each week.
pub(super) fn pasts(
    found: &Collected,
    objectives: &[Objective],
    samples: &[StoredSample],
) -> KeyResultPasts {
    let start = standings(found, found.everybody_at_start.as_ref());
    let began = found.baseline_at;
    let quarter = objectives.first().map_or("", |one| &one.quarter.name);
    let samples = by_key_result(quarter, samples);
    let results = objectives.iter();
    let results = results.flat_map(|one| one.key_results.iter().map(move |result| (one, result)));
    let mut pasts: KeyResultPasts = BTreeMap::new();
    for (one, result) in results {
        let id = KeyResultId::of(one, result);
        let past = match &result.measure {
            Measure::Promql(_) => samples
                .get(&id)
                .map(|samples| sampled(found, samples))
                .unwrap_or_default(),
            Measure::Compliance(_) | Measure::Score | Measure::Coverage => KeyResultPast {
                baseline: measure_services(result, &start)
                    .value
                    .map(|value| Baseline { value, at: began }),
                weeks: Vec::new(),
            },
        };
        pasts.insert(id, past);
    }
    for week in &found.week_ends {
        let services = standings(found, Some(week));
        for one in objectives {
            for result in &one.key_results {
                if matches!(result.measure, Measure::Promql(_)) {
                    continue;
                }
                let value = measure_services(result, &services).value;
                let past = pasts.entry(KeyResultId::of(one, result)).or_default();
                past.weeks.extend(value.map(|value| (week.at, value)));
            }
        }
    }
    pasts
}

/// So old may the last answer of a query be that still tells where it stands.
const SAMPLE_AGE_MAX: SignedDuration = SignedDuration::from_hours(24);

/// The samples of each key result, in order of their days.
fn by_key_result<'a>(
    quarter: &str,
    samples: &'a [StoredSample],
) -> BTreeMap<KeyResultId, Vec<&'a StoredSample>> {
    let mut by_id: BTreeMap<KeyResultId, Vec<&StoredSample>> = BTreeMap::new();
    for sample in samples {
        let id = KeyResultId {
            quarter: quarter.to_owned(),
            team: sample.team.clone(),
            objective: sample.objective.clone(),
            key_result: sample.key_result.clone(),
        };
        by_id.entry(id).or_default().push(sample);
    }
    by_id
}

/// What samples say: the first one, and the last of each week.
fn sampled(found: &Collected, samples: &[&StoredSample]) -> KeyResultPast {
    let baseline = samples.first().map(|sample| {
        let (at, value) = sample.first;
        Baseline {
            value,
            at: Some(at),
        }
    });
    let weeks = found.weeks.iter().filter_map(|week| {
        let mut last = samples.iter().rev().map(|sample| sample.last);
        last.find(|(at, _)| week.week.span.contains(*at))
    });
    KeyResultPast {
        baseline,
        weeks: weeks.collect(),
    }
}

/// What a query yielded last, where that is not too long ago.
fn last_sample(samples: &[&StoredSample], end: Timestamp) -> Measured {
    match samples.last().map(|sample| sample.last) {
        Some((at, value)) if end.duration_since(at) <= SAMPLE_AGE_MAX => Measured::all(value),
        Some((at, _)) => Measured::nothing(format!("its query yielded no number since {at:.0}")),
        None => Measured::nothing("its query yielded no number in this quarter"),
    }
}

fn key_result(
    progress: &KeyResultProgress,
    past: Option<&KeyResultPast>,
    is_closed: bool,
) -> KeyResultOf {
    let score = progress.score;
    // Where what is not known would decide, there is no grade.
    let grade = progress
        .scores
        .filter(|_| is_closed)
        .and_then(|(low, high)| {
            let of = |score| grade(progress.commitment, score);
            let grade: &str = of(low).into();
            (of(low) == of(high)).then(|| grade.to_owned())
        });
    KeyResultOf {
        id: progress.id.clone(),
        title: progress.title.clone(),
        owner: progress.owner.clone(),
        kind: progress.commitment.as_str().to_owned(),
        measure: progress.measure.clone(),
        unit: progress.unit.clone(),
        baseline: progress.baseline.map(|baseline| baseline.value),
        baseline_at: progress.baseline.and_then(|baseline| baseline.at),
        target: progress.target,
        actual: progress.actual.value,
        measured: progress.actual.measured,
        score,
        expected: progress.expected,
        outlook: progress.outlook.in_words().to_owned(),
        grade,
        arithmetic: arithmetic(progress),
        forecast: progress
            .forecast
            .filter(|_| !is_closed)
            .map(|forecast| [forecast.low, forecast.middle, forecast.high]),
        weeks: past.map(|past| past.weeks.clone()).unwrap_or_default(),
    }
}

/// How a score comes about, in words.
fn arithmetic(progress: &KeyResultProgress) -> String {
    let (Some(baseline), Some(actual)) = (progress.baseline, progress.actual.value) else {
        return match (progress.actual.value, progress.baseline) {
            (None, _) => format!("not measured: {}", progress.actual.why),
            (Some(_), _) => "no score: the baseline is not known".to_owned(),
        };
    };
    let (baseline, target) = (baseline.value, progress.target);
    let score = progress.score.unwrap_or_default();
    let is_there = match progress.better {
        Better::Higher => baseline >= target,
        Better::Lower => baseline <= target,
    };
    if is_there {
        let holds = match score > 0.0 {
            true => "still met: 1",
            false => "not met any more: 0",
        };
        let (baseline, target) = (number(baseline), number(target));
        return format!("the baseline {baseline} met the target {target}; {holds}");
    }
    let exact = (actual - baseline) / (target - baseline);
    let bounded = match (exact < 0.0, exact > 1.0) {
        (true, _) => ", at least 0",
        (_, true) => ", at most 1",
        (false, false) => "",
    };
    let [actual, baseline, target] = [actual, baseline, target].map(number);
    format!("({actual} - {baseline}) / ({target} - {baseline}) = {exact:.3}{bounded}")
}

/// The initiatives that went on in the period, as they were written at its end.
pub(super) fn initiatives(
    reader: &Reader,
    question: &Question<'_>,
    found: &Collected,
) -> Result<Vec<InitiativeOf>, HistoryError> {
    let Some((_, last)) = found.through else {
        return Ok(Vec::new());
    };
    let written: Vec<KnownRecord<StoredInitiative>> =
        reader.records(RecordKind::Initiative, &reader.timeline(just_before(last))?)?;
    let period = question.period;
    let written = written.iter().map(|known| known.record.initiative());
    let mut on: Vec<_> = written
        .filter(|one| {
            one.started <= period.last && one.archived.is_none_or(|day| day > period.first)
        })
        .collect();
    if on.is_empty() {
        return Ok(Vec::new());
    }
    on.sort_by(|a, b| (a.due, &a.title).cmp(&(b.due, &b.title)));
    // Of a team, its own part.
    let of_team = |then| {
        let mut standings = standings(found, then);
        standings.retain(|one| question.team.is_none_or(|team| team == one.team));
        standings
    };
    let end = of_team(found.everybody_at_end.as_ref());
    let weeks = found.week_ends.iter();
    let weeks: Vec<(Timestamp, Vec<ServiceStanding<'_>>)> =
        weeks.map(|week| (week.at, of_team(Some(week)))).collect();
    let shown = on.iter().map(|one| {
        let progress = initiative(one, question.calendar, &end);
        let began = |at: &Timestamp| question.calendar.day_at(just_before(*at).from) >= one.started;
        let burn_down = weeks.iter().filter(|(at, _)| began(at));
        let burn_down = burn_down.map(|(at, services)| {
            let left = initiative(one, question.calendar, services).left;
            (*at, left as u64)
        });
        InitiativeOf {
            title: one.title.clone(),
            owner: one.owner.clone(),
            reason: one.reason.clone(),
            rules: one.rules.iter().map(ToString::to_string).collect(),
            started: one.started,
            due: one.due,
            services: progress.services as u64,
            left: progress.left as u64,
            unknown: progress.unknown as u64,
            burn_down: burn_down.collect(),
        }
    });
    // Of a team that none of its services concern, there is nothing to show.
    Ok(shown
        .filter(|one| question.team.is_none() || one.services > 0)
        .collect())
}

fn standings<'a>(found: &'a Collected, then: Option<&'a Then>) -> Vec<ServiceStanding<'a>> {
    let services = then.into_iter().flat_map(|then| &then.services);
    let standings = services.map(|service| ServiceStanding {
        key: &found.services[service.service].key,
        team: &service.owner.team,
        tier: &service.owner.tier,
        outcomes: service.outcomes.clone(),
    });
    standings.collect()
}
