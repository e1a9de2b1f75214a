//! The first page in five sentences: compliant, compared, promised, needing help, not known.

use crate::okr::Outlook;
use crate::report::model::{ObjectiveOf, PeriodOf, Summary, TeamOf};

/// Teams that are named as needing help.
const TEAMS_NAMED_MAX: usize = 3;

pub(super) fn sentences(
    period: &PeriodOf,
    summary: &Summary,
    teams: &[TeamOf],
    objectives: &[ObjectiveOf],
) -> Vec<String> {
    vec![
        compliant(summary),
        compared(period, summary),
        promised(objectives),
        needing_help(teams),
        not_known(summary),
    ]
}

/// A share as a percentage.
pub(in crate::report) fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

fn compliant(summary: &Summary) -> String {
    let (Some(end), Some(mean)) = (summary.end.score, summary.mean.score) else {
        return "Whether we comply is not known: nothing was measured.".to_owned();
    };
    let at_end = &summary.end;
    let violations = match (at_end.violated, at_end.critical) {
        (0, _) => "no violations".to_owned(),
        (violated, 0) => format!(
            "{}, none critical",
            counted(violated, "violation", "violations")
        ),
        (violated, critical) => format!(
            "{}, {critical} critical",
            counted(violated, "violation", "violations")
        ),
    };
    let waived = match at_end.waived {
        0 => String::new(),
        waived => format!(", and {waived} waived"),
    };
    format!(
        "{} compliant at the end, {} on average; {violations}{waived}; {} of {} services violate something.",
        percent(end),
        percent(mean),
        at_end.services_violating,
        at_end.services
    )
}

fn compared(period: &PeriodOf, summary: &Summary) -> String {
    let before = &period.before;
    match (summary.mean.score, summary.mean_before.score) {
        (Some(now), Some(then)) => {
            let points = 100.0 * (now - then);
            let trend = match points {
                _ if points.abs() < 0.05 => "As good as".to_owned(),
                _ if points > 0.0 => format!("{points:.1} points better than"),
                _ => format!("{:.1} points worse than", -points),
            };
            format!("{trend} {before}, which had {} on average.", percent(then))
        }
        _ => format!("There is nothing to compare with: {before} was not measured."),
    }
}

fn promised(objectives: &[ObjectiveOf]) -> String {
    let results = || {
        objectives
            .iter()
            .flat_map(|objective| &objective.key_results)
    };
    let all = results().count();
    if all == 0 {
        return "Nothing was promised: there are no objectives.".to_owned();
    }
    let reached = results()
        .filter(|result| result.outlook == Outlook::Reached.in_words())
        .count();
    let off = results()
        .filter(|result| result.outlook == Outlook::OffTrack.in_words())
        .count();
    let unsure = [Outlook::Unsure, Outlook::NotMeasured].map(Outlook::in_words);
    let unknown = results()
        .filter(|result| unsure.contains(&&*result.outlook))
        .count();
    let mut parts = vec![format!("{reached} of {all} key results reached")];
    if off > 0 {
        parts.push(format!("{off} off track"));
    }
    if unknown > 0 {
        parts.push(format!("{unknown} not known for certain"));
    }
    let scores: Vec<f64> = objectives
        .iter()
        .filter_map(|objective| objective.score)
        .collect();
    match scores.len() {
        0 => format!("{}.", parts.join(", ")),
        count => {
            let mean = scores.iter().sum::<f64>() / count as f64;
            format!(
                "{}; objectives score {mean:.2} on average.",
                parts.join(", ")
            )
        }
    }
}

fn needing_help(teams: &[TeamOf]) -> String {
    let violating = teams.iter().filter(|team| team.end.violated > 0);
    let named: Vec<String> = violating
        .take(TEAMS_NAMED_MAX)
        .map(|team| {
            let name = match team.name.as_str() {
                "" => "services that nobody owns",
                name => name,
            };
            let score = team
                .end
                .score
                .map_or_else(|| "not measured".to_owned(), percent);
            let violations = counted(team.end.violated, "violation", "violations");
            format!("{name} ({score}, {violations})")
        })
        .collect();
    match named.is_empty() {
        true => "Nobody needs help: no team violates anything.".to_owned(),
        false => format!("Most help is needed by {}.", named.join(", ")),
    }
}

fn not_known(summary: &Summary) -> String {
    let covered = percent(summary.mean.covered);
    let end = &summary.end;
    match end.coverage {
        None => format!("Nothing is known; the exporter measured {covered} of the time."),
        Some(coverage) => format!(
            "{} of what applies was not measured at the end ({} unknown, {} that nobody set up); the exporter measured {covered} of the time.",
            percent(1.0 - coverage),
            end.unknown,
            end.not_configured
        ),
    }
}

fn counted(count: u64, one: &str, many: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        count => format!("{count} {many}"),
    }
}
