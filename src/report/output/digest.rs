//! What a team should know since the last time, as text that fits a chat post; none where nothing changed.

use std::fmt::Write as _;

use super::markup::Markup;
use super::text;
use crate::calendar::FiscalCalendar;
use crate::report::model::{ChangeOf, RecordState, Report};

/// Lines of a list.
const ROWS_MAX: usize = 10;

/// Violations that are proposed to be fixed next.
const NEXT_MAX: usize = 3;

/// The digest of a report that begins where the last one ended; `None` where there is nothing to say.
pub fn digest(report: &Report, markup: Markup) -> Option<String> {
    let zone = FiscalCalendar::zone_named(&report.period.zone);
    let plain = |text: &str| markup.plain(text);
    let day = |at| text::day(at, &zone);
    let waivers = report.waivers.iter();
    let waivers = waivers
        .filter(|waiver| waiver.state == RecordState::EndsSoon)
        .map(|waiver| {
            let what = format!("waiver of {} for {}", waiver.rule, plain(&waiver.concerns));
            let owner = plain(&waiver.owner);
            format!("{what}: {} ({owner})", day(&waiver.expires_at))
        });
    let attestations = report.attestations.iter();
    let attestations = attestations
        .filter(|record| record.state == RecordState::EndsSoon)
        .map(|record| {
            let whom = plain(&text::service(&record.service, &record.environment));
            let owner = plain(&record.owner);
            let what = format!("attestation of {} for {whom}", record.rule);
            format!("{what}: {} ({owner})", day(&record.expires_at))
        });
    let ending: Vec<String> = waivers.chain(attestations).collect();
    if report.changes.is_empty() && ending.is_empty() {
        return None;
    }
    let team = report.team.as_deref().unwrap_or("everybody");
    let end = &report.summary.end;
    let mut out = format!(
        "{}: {} compliant, {} violations, {} waived\n",
        markup.bold(&format!("{team}, since {}", report.period.first)),
        text::share(&end.score),
        end.violated,
        end.waived
    );
    let mut list = |title: &str, rows: &[String]| {
        if rows.is_empty() {
            return;
        }
        // Writing to a String cannot fail.
        let _written = writeln!(out, "\n{}", markup.bold(title));
        for row in rows.iter().take(ROWS_MAX) {
            let _written = writeln!(out, "- {row}");
        }
        if rows.len() > ROWS_MAX {
            let _written = writeln!(out, "- and {} more", rows.len() - ROWS_MAX);
        }
    };
    let change = |change: &ChangeOf| {
        let whom = plain(&text::service(&change.service, &change.environment));
        format!("{whom} {}: {}", change.rule, plain(&change.message))
    };
    for (kind, title) in text::CHANGES {
        let of_kind = report.changes.iter().filter(|change| change.kind == kind);
        list(title, &of_kind.map(change).collect::<Vec<_>>());
    }
    list("Ends within 30 days", &ending);
    let next = report.offenders.iter().flat_map(|offender| {
        let violations = offender
            .violations
            .iter()
            .filter(|violation| !violation.waived);
        violations.map(move |violation| {
            let whom = plain(&text::service(&offender.service, &offender.environment));
            format!("{whom} {}: {}", violation.rule, plain(&violation.message))
        })
    });
    list("Fix next", &next.take(NEXT_MAX).collect::<Vec<_>>());
    Some(out)
}
