//! The first page: five questions, each answered by a figure and a sentence.

use crate::okr::Outlook;
use crate::report::figures::percent;
use crate::report::model::{Answer, ObjectiveOf, Offender, PeriodOf, Summary, TeamOf};

/// Teams, or services, that are named as needing help.
const NAMED_MAX: usize = 3;

/// What stands for a figure that there is not.
const NONE: &str = "–";

/// What the answers are drawn from.
pub(super) struct Told<'a> {
    pub(super) period: &'a PeriodOf,
    /// Whether the period is a quarter: only quarters have objectives.
    pub(super) is_quarter: bool,
    /// The team that is asked about.
    pub(super) team: Option<&'a str>,
    pub(super) summary: &'a Summary,
    pub(super) teams: &'a [TeamOf],
    pub(super) objectives: &'a [ObjectiveOf],
    pub(super) offenders: &'a [Offender],
}

pub(super) fn answers(told: &Told<'_>) -> Vec<Answer> {
    let (period, summary) = (told.period, told.summary);
    let needing_help = match (summary.end.score, told.team) {
        (None, _) => {
            let sentence = "Who needs help is not known: nothing was measured.";
            (NONE.to_owned(), sentence.to_owned())
        }
        (Some(_), None) => teams_needing_help(told.teams),
        (Some(_), Some(_)) => services_needing_help(told.offenders),
    };
    let answers = [
        ("Are we compliant?", compliant(period, summary)),
        ("Better than before?", compared(period, summary)),
        (
            "What did we promise?",
            promised(told.objectives, told.is_quarter),
        ),
        ("Who needs help?", needing_help),
        ("What do we not know?", not_known(period, summary)),
    ];
    let answers = answers
        .into_iter()
        .map(|(question, (figure, sentence))| Answer {
            question: question.to_owned(),
            figure,
            sentence,
        });
    answers.collect()
}

/// When the figures of the end are of.
fn when(period: &PeriodOf) -> &'static str {
    match period.is_closed {
        true => "at the end",
        false => "now",
    }
}

fn compliant(period: &PeriodOf, summary: &Summary) -> (String, String) {
    let (Some(end), Some(mean)) = (summary.end.score, summary.mean.score) else {
        let sentence = "Whether we comply is not known: nothing was measured.";
        return (NONE.to_owned(), sentence.to_owned());
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
    let sentence = format!(
        "{} compliant {}, {} on average; {violations}{waived}; {} of {} services violate at least one rule.",
        percent(end),
        when(period),
        percent(mean),
        at_end.services_violating,
        at_end.services
    );
    (percent(end), sentence)
}

fn compared(period: &PeriodOf, summary: &Summary) -> (String, String) {
    let before = &period.before;
    let (Some(now), Some(then)) = (summary.mean.score, summary.mean_before.score) else {
        let sentence = format!("There is nothing to compare with: {before} was not measured.");
        return (NONE.to_owned(), sentence);
    };
    let points = 100.0 * (now - then);
    let (figure, trend) = match points {
        _ if points.abs() < 0.05 => ("as good".to_owned(), "as good as".to_owned()),
        _ if points > 0.0 => (
            format!("+{points:.1} points"),
            format!("{points:.1} percentage points better than"),
        ),
        _ => (
            format!("−{:.1} points", -points),
            format!("{:.1} percentage points worse than", -points),
        ),
    };
    let sentence = format!(
        "{} on average, {trend} {before}, which had {} on average.",
        percent(now),
        percent(then)
    );
    (figure, sentence)
}

fn promised(objectives: &[ObjectiveOf], is_quarter: bool) -> (String, String) {
    if !is_quarter {
        let sentence = "Objectives belong to quarters: these days are not one.";
        return (NONE.to_owned(), sentence.to_owned());
    }
    let results = || {
        objectives
            .iter()
            .flat_map(|objective| &objective.key_results)
    };
    let all = results().count();
    if all == 0 {
        let sentence = "Nothing was promised: there are no objectives.";
        return (NONE.to_owned(), sentence.to_owned());
    }
    let seen_as = |outlooks: &[Outlook]| {
        let is_so = |outlook: &Outlook, text: &str| outlook.in_words() == text;
        let results = results();
        results
            .filter(|result| outlooks.iter().any(|one| is_so(one, &result.outlook)))
            .count()
    };
    let reached = seen_as(&[Outlook::Reached]);
    let off = seen_as(&[Outlook::OffTrack]);
    let (unsure, unmeasured) = (
        seen_as(&[Outlook::Unsure]),
        seen_as(&[Outlook::NotMeasured]),
    );
    let mut parts = vec![format!("{reached} of {all} key results reached")];
    if off > 0 {
        parts.push(format!("{off} off track"));
    }
    if unsure > 0 {
        parts.push(format!("{unsure} not certain"));
    }
    if unmeasured > 0 {
        parts.push(format!("{unmeasured} not measured"));
    }
    let scores: Vec<f64> = objectives
        .iter()
        .filter_map(|objective| objective.score)
        .collect();
    let mut sentence = parts.join(", ");
    if !scores.is_empty() {
        let mean = scores.iter().sum::<f64>() / scores.len() as f64;
        sentence.push_str(&format!("; objectives score {mean:.2} on average"));
    }
    (format!("{reached} of {all}"), sentence + ".")
}

fn teams_needing_help(teams: &[TeamOf]) -> (String, String) {
    let violating = teams.iter().filter(|team| team.end.violated > 0);
    let named = violating.map(|team| {
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
    });
    needing_help(
        &named.collect::<Vec<_>>(),
        ("team", "teams"),
        "Most help is needed by",
    )
}

/// The same of a team alone: its services that are furthest from compliance.
fn services_needing_help(offenders: &[Offender]) -> (String, String) {
    let named = offenders.iter().filter_map(|one| {
        let violated = one
            .violations
            .iter()
            .filter(|violation| !violation.waived)
            .count() as u64;
        let violations = counted(violated, "violation", "violations");
        let named = match one.environment.as_str() {
            "" => format!("{} ({violations})", one.service),
            environment => format!("{} in {environment} ({violations})", one.service),
        };
        (violated > 0).then_some(named)
    });
    needing_help(
        &named.collect::<Vec<_>>(),
        ("service", "services"),
        "Furthest from compliance:",
    )
}

/// The first of those who violate something, in order.
fn needing_help(all: &[String], (one, many): (&str, &str), lead: &str) -> (String, String) {
    let named = all[..all.len().min(NAMED_MAX)].join(", ");
    let figure = counted(all.len() as u64, one, many);
    let sentence = match all.len().saturating_sub(NAMED_MAX) {
        0 if all.is_empty() => format!("No {one} needs help: none violates anything."),
        0 => format!("{lead} {named}."),
        more => format!("{lead} {named}, and {more} more."),
    };
    (figure, sentence)
}

fn not_known(period: &PeriodOf, summary: &Summary) -> (String, String) {
    let covered = percent(summary.mean.covered);
    let end = &summary.end;
    let Some(coverage) = end.coverage else {
        let sentence = format!("Nothing is known; the exporter measured {covered} of the time.");
        return ("all".to_owned(), sentence);
    };
    let sentence = format!(
        "{} of what applies is not measured {}: {} unknown, {} not configured; the exporter measured {covered} of the time.",
        percent(1.0 - coverage),
        when(period),
        end.unknown,
        end.not_configured
    );
    (percent(1.0 - coverage), sentence)
}

fn counted(count: u64, one: &str, many: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        count => format!("{count} {many}"),
    }
}
