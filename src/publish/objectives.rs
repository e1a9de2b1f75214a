//! The families of objectives, initiatives and levels.

use super::writer::{Kind, Writer, key};
use crate::manifesto::NO_LEVEL;
use crate::okr::{InitiativeProgress, KeyResultProgress, ObjectiveProgress, Progress};
use crate::snapshot::Snapshot;

/// A value of a key result, where it has one.
type Value = fn(&KeyResultProgress) -> Option<f64>;

/// A figure of an initiative.
type Figure = fn(&InitiativeProgress) -> f64;

/// What is published of a key result whose measure is a share; scores are of every one.
const RATIOS: [(&str, &str, Value); 3] = [
    (
        "manifesto_key_result_baseline_ratio",
        "The baseline of the key result. Absent where that is not known, or its measure is not a ratio.",
        |result| Some(result.baseline?.value),
    ),
    (
        "manifesto_key_result_target_ratio",
        "The target of the key result. Absent where its measure is not a ratio.",
        |result| Some(result.target),
    ),
    (
        "manifesto_key_result_actual_ratio",
        "What the key result measures now. Absent while nothing is measured, or its measure is not a ratio.",
        |result| result.actual.value,
    ),
];

/// The same where the measure counts something.
const VALUES: [(&str, &str, Value); 3] = [
    (
        "manifesto_key_result_baseline_value",
        "The baseline of a key result that is not a ratio, in its unit.",
        |result| Some(result.baseline?.value),
    ),
    (
        "manifesto_key_result_target_value",
        "The target of a key result that is not a ratio, in its unit.",
        |result| Some(result.target),
    ),
    (
        "manifesto_key_result_actual_value",
        "What a key result that is not a ratio measures now, in its unit.",
        |result| result.actual.value,
    ),
];

const SCORES: [(&str, &str, Value); 3] = [
    (
        "manifesto_key_result_score_ratio",
        "How far the key result has come from baseline to target, 0 to 1. Absent while it is not measured.",
        |result| result.score,
    ),
    (
        "manifesto_key_result_measured_ratio",
        "How much of what the key result measures is known now.",
        |result| Some(result.actual.measured),
    ),
    (
        "manifesto_key_result_expected_ratio",
        "The score that is expected by now: the elapsed share of the quarter, 0.7 of it where the key result is aspirational.",
        |result| Some(result.expected),
    ),
];

/// Objectives and initiatives.
pub(super) fn write(progress: &Progress, out: &mut Writer) {
    if !progress.objectives.is_empty() {
        objectives(&progress.objectives, out);
    }
    if !progress.initiatives.is_empty() {
        initiatives(progress, out);
    }
}

/// The labels that tell key results apart.
fn labels<'a>(
    objective: &'a ObjectiveProgress,
    result: &'a KeyResultProgress,
) -> [(&'static str, &'a str); 4] {
    [
        ("team", &objective.team),
        ("objective", &objective.id),
        ("key_result", &result.id),
        ("quarter", &objective.quarter.name),
    ]
}

fn objectives(objectives: &[ObjectiveProgress], out: &mut Writer) {
    let results = || {
        let all = objectives.iter();
        all.flat_map(|objective| objective.key_results.iter().map(move |r| (objective, r)))
    };
    let mut family = out.family(
        "manifesto_key_result_info",
        Kind::Info,
        "The key results of the quarter: how much is expected, who answers for them, their titles, and what is measured.",
    );
    for (objective, result) in results() {
        let more = [
            ("kind", result.commitment.as_str()),
            ("owner", &result.owner),
            ("title", &result.title),
            ("measure", &result.measure),
        ];
        family.sample(&[&labels(objective, result)[..], &more].concat(), 1.0);
    }
    for (name, help, value) in RATIOS.into_iter().chain(SCORES) {
        let is_score = SCORES.iter().any(|(score, _, _)| *score == name);
        let mut family = out.family(name, Kind::Gauge, help);
        for (objective, result) in results() {
            if let Some(value) = value(result).filter(|_| is_score || result.unit.is_empty()) {
                family.sample(&labels(objective, result), value);
            }
        }
    }
    if results().any(|(_, result)| !result.unit.is_empty()) {
        for (name, help, value) in VALUES {
            let mut family = out.family(name, Kind::Gauge, help);
            for (objective, result) in results().filter(|(_, r)| !r.unit.is_empty()) {
                if let Some(value) = value(result) {
                    let unit = [("unit", &*result.unit)];
                    family.sample(&[&labels(objective, result)[..], &unit].concat(), value);
                }
            }
        }
    }
    let mut family = out.family(
        "manifesto_key_result_outlook",
        Kind::Gauge,
        "1 for how the key result is doing: reached, on_track, at_risk, off_track, unsure (what is not known would decide) or not_measured.",
    );
    for (objective, result) in results() {
        let outlook = [("outlook", result.outlook.as_str())];
        family.sample(&[&labels(objective, result)[..], &outlook].concat(), 1.0);
    }
    let mut family = out.family(
        "manifesto_key_result_forecast_ratio",
        Kind::Gauge,
        "The score at the quarter's end if it goes on as in its weeks so far: by the median slope, and by its quartiles. Absent before four weeks.",
    );
    for (objective, result) in results() {
        let Some(forecast) = result.forecast else {
            continue;
        };
        for (bound, value) in [
            ("low", forecast.low),
            ("middle", forecast.middle),
            ("high", forecast.high),
        ] {
            family.sample(
                &[&labels(objective, result)[..], &[("bound", bound)]].concat(),
                value,
            );
        }
    }
    let mut family = out.family(
        "manifesto_objective_score_ratio",
        Kind::Gauge,
        "The mean score of the objective's key results that are measured. Absent where none is.",
    );
    for objective in objectives {
        if let Some(score) = objective.score {
            let labels = [
                ("team", &*objective.team),
                ("objective", &*objective.id),
                ("quarter", &*objective.quarter.name),
            ];
            family.sample(&labels, score);
        }
    }
}

fn initiatives(progress: &Progress, out: &mut Writer) {
    let gauges: [(&str, &str, Figure); 4] = [
        (
            "manifesto_initiative_services",
            "Services that the initiative concerns.",
            |one| one.services as f64,
        ),
        (
            "manifesto_initiative_services_left",
            "Services that do not comply with the initiative's rules yet, or are not known to.",
            |one| one.left as f64,
        ),
        (
            "manifesto_initiative_services_unknown",
            "Services among those left of which it is not known.",
            |one| one.unknown as f64,
        ),
        (
            "manifesto_initiative_due_timestamp_seconds",
            "When the initiative's last day ends.",
            |one| one.due_at.as_second() as f64,
        ),
    ];
    for (name, help, value) in gauges {
        let mut family = out.family(name, Kind::Gauge, help);
        for one in &progress.initiatives {
            let labels = [
                ("initiative", &*one.initiative.title),
                ("owner", &*one.initiative.owner),
            ];
            family.sample(&labels, value(one));
        }
    }
}

/// The level that each service holds, where levels are configured.
pub(super) fn levels(snapshot: &Snapshot, out: &mut Writer) {
    let levels = &snapshot.ruleset.levels;
    if levels.is_empty() {
        return;
    }
    let mut family = out.family(
        "manifesto_service_level",
        Kind::Gauge,
        "1 for the highest level that the service holds: `none` where it holds none.",
    );
    for service in &snapshot.services {
        let held = service.level.as_ref().and_then(|level| level.held);
        let level = held.map_or(NO_LEVEL, |place| &levels[place].name);
        let [name, environment] = key(service);
        family.sample(&[name, environment, ("level", level)], 1.0);
    }
}
