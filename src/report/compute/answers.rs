//! The first page: five questions, each answered by a figure and a sentence.

use crate::okr::Outlook;
use crate::report::figures::percent;
use crate::report::model::{Answer, ObjectiveOf, PeriodOf, Summary, TeamOf};

/// Teams that are named as needing help.
const TEAMS_NAMED_MAX: usize = 3;

/// What stands for a figure that there is not.
const NONE: &str = "–";

pub(super) fn answers(
    period: &PeriodOf,
    summary: &Summary,
    teams: &[TeamOf],
    objectives: &[ObjectiveOf],
) -> Vec<Answer> {
    let answers = [
        ("Are we compliant?", compliant(summary)),
        ("Better than before?", compared(period, summary)),
        ("What did we promise?", promised(objectives)),
        ("Who needs help?", needing_help(teams)),
        ("What do we not know?", not_known(summary)),
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

fn compliant(summary: &Summary) -> (String, String) {
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
        "{} compliant at the end, {} on average; {violations}{waived}; {} of {} services violate something.",
        percent(end),
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
        _ if points.abs() < 0.05 => ("as good".to_owned(), "As good as".to_owned()),
        _ if points > 0.0 => (
            format!("+{points:.1} points"),
            format!("{points:.1} points better than"),
        ),
        _ => (
            format!("−{:.1} points", -points),
            format!("{:.1} points worse than", -points),
        ),
    };
    let sentence = format!("{trend} {before}, which had {} on average.", percent(then));
    (figure, sentence)
}

fn promised(objectives: &[ObjectiveOf]) -> (String, String) {
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
    let unknown = seen_as(&[Outlook::Unsure, Outlook::NotMeasured]);
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
    let mut sentence = parts.join(", ");
    if !scores.is_empty() {
        let mean = scores.iter().sum::<f64>() / scores.len() as f64;
        sentence.push_str(&format!("; objectives score {mean:.2} on average"));
    }
    (format!("{reached} of {all}"), sentence + ".")
}

fn needing_help(teams: &[TeamOf]) -> (String, String) {
    let violating: Vec<&TeamOf> = teams.iter().filter(|team| team.end.violated > 0).collect();
    let named = violating.iter().take(TEAMS_NAMED_MAX).map(|team| {
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
    let named: Vec<String> = named.collect();
    let figure = match violating.len() {
        0 => "nobody".to_owned(),
        count => counted(count as u64, "team", "teams"),
    };
    let sentence = match violating.len().saturating_sub(named.len()) {
        0 if named.is_empty() => "Nobody needs help: no team violates anything.".to_owned(),
        0 => format!("Most help is needed by {}.", named.join(", ")),
        more => format!(
            "Most help is needed by {}, and {more} more.",
            named.join(", ")
        ),
    };
    (figure, sentence)
}

fn not_known(summary: &Summary) -> (String, String) {
    let covered = percent(summary.mean.covered);
    let end = &summary.end;
    let Some(coverage) = end.coverage else {
        let sentence = format!("Nothing is known; the exporter measured {covered} of the time.");
        return ("all".to_owned(), sentence);
    };
    let sentence = format!(
        "{} of what applies was not measured at the end: {} unknown, {} not configured; the exporter measured {covered} of the time.",
        percent(1.0 - coverage),
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
