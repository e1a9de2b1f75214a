//! A report as Markdown that fits a chat post.

use std::fmt::Write as _;

use super::markup::Markup;
use super::text;
use crate::calendar::FiscalCalendar;
use crate::report::model::{RecordState, Report};

/// Rows of a list: a post is read to its end.
const ROWS_MAX: usize = 8;

/// The report in short.
pub fn markdown(report: &Report) -> String {
    let period = &report.period;
    let of = report
        .team
        .as_deref()
        .map_or_else(String::new, |team| format!(" of {}", plain(team)));
    let zone = FiscalCalendar::zone_named(&period.zone);
    let mut out = format!(
        "### Reliability{of}, {} ({} to {}, {}{})\n\n",
        plain(&period.name),
        period.first,
        period.last,
        period.zone,
        text::so_far(period, &zone)
    );
    for answer in &report.summary.answers {
        let _written = writeln!(out, "- {}", plain(&answer.sentence));
    }
    objectives(report, &mut out);
    offenders(report, &mut out);
    changes(report, &mut out);
    waivers(report, &mut out);
    out
}

fn plain(text: &str) -> String {
    Markup::Markdown.plain(text)
}

fn more(out: &mut String, all: usize) {
    if all > ROWS_MAX {
        let _written = writeln!(out, "- and {} more", all - ROWS_MAX);
    }
}

fn objectives(report: &Report, out: &mut String) {
    if report.objectives.is_empty() {
        return;
    }
    out.push_str("\n| Team | Key result | Actual | Target | Score | Expected | Outcome |\n|:--|:--|--:|--:|--:|--:|:--|\n");
    for objective in &report.objectives {
        for result in &objective.key_results {
            let _written = writeln!(
                out,
                "| {} | {} | {} | {} | {} | {:.2} | {} |",
                plain(&objective.team),
                plain(&result.title),
                plain(&text::value(&result.actual, &result.unit)),
                plain(&text::quantity(&result.target, &result.unit)),
                text::score(&result.score),
                result.expected,
                result.grade.as_ref().unwrap_or(&result.outlook)
            );
        }
    }
}

fn offenders(report: &Report, out: &mut String) {
    if report.offenders.is_empty() {
        return;
    }
    out.push_str("\n**Violating most**\n");
    for offender in report.offenders.iter().take(ROWS_MAX) {
        let violated = offender
            .violations
            .iter()
            .map(|violation| match violation.waived {
                true => format!("{} (waived)", violation.rule),
                false => violation.rule.clone(),
            });
        let violated: Vec<String> = violated.collect();
        let _written = writeln!(
            out,
            "- {} ({}): {}",
            plain(&text::service(&offender.service, &offender.environment)),
            plain(text::team(&offender.team)),
            violated.join(", ")
        );
    }
    more(out, report.offenders.len());
}

fn changes(report: &Report, out: &mut String) {
    for (kind, title) in text::CHANGES {
        let of_kind = report.changes.iter().filter(|change| change.kind == kind);
        let of_kind: Vec<_> = of_kind.collect();
        if of_kind.is_empty() {
            continue;
        }
        let _written = writeln!(out, "\n**{title}**");
        for change in of_kind.iter().take(ROWS_MAX) {
            let _written = writeln!(
                out,
                "- {} {}: {}",
                plain(&text::service(&change.service, &change.environment)),
                change.rule,
                plain(&change.message)
            );
        }
        more(out, of_kind.len());
    }
}

fn waivers(report: &Report, out: &mut String) {
    let soon = report.waivers.iter();
    let soon = soon.filter(|waiver| waiver.state == RecordState::EndsSoon);
    let soon: Vec<_> = soon.collect();
    if soon.is_empty() {
        return;
    }
    out.push_str("\n**Waivers that end within 30 days**\n");
    for waiver in soon.iter().take(ROWS_MAX) {
        let _written = writeln!(
            out,
            "- {} for {}: {} ({})",
            waiver.rule,
            plain(&waiver.concerns),
            waiver.expires_at,
            plain(&waiver.owner)
        );
    }
    more(out, soon.len());
}
