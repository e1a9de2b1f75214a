//! What a team should know since the last time, as text that fits a chat post; none where nothing changed.

use std::fmt::Write as _;

use super::markdown::plain;
use super::text;
use crate::report::model::{ChangeKind, ChangeOf, RecordState, Report};

/// Lines of a list.
const ROWS_MAX: usize = 10;

/// Violations that are proposed to be fixed next.
const NEXT_MAX: usize = 3;

/// The digest of a report that begins where the last one ended; `None` where there is nothing to say.
pub fn digest(report: &Report) -> Option<String> {
    let waivers = report.waivers.iter();
    let waivers: Vec<_> = waivers
        .filter(|waiver| waiver.state == RecordState::EndsSoon)
        .collect();
    let attestations = report.attestations.iter();
    let attestations: Vec<_> = attestations
        .filter(|record| record.state == RecordState::EndsSoon)
        .collect();
    if report.changes.is_empty() && waivers.is_empty() && attestations.is_empty() {
        return None;
    }
    let team = report.team.as_deref().unwrap_or("everybody");
    let end = &report.summary.end;
    let mut out = format!(
        "**{}, since {}**: {} compliant, {} violations, {} waived\n",
        plain(team),
        report.period.first,
        text::share(&end.score),
        end.violated,
        end.waived
    );
    for (kind, title) in [
        (ChangeKind::NewlyViolating, "Newly violating"),
        (ChangeKind::NewlyCompliant, "Newly compliant"),
        (ChangeKind::NewlyWaived, "Newly waived"),
    ] {
        let of_kind = report.changes.iter().filter(|change| change.kind == kind);
        list(&mut out, title, &of_kind.map(change).collect::<Vec<_>>());
    }
    let ending = waivers.iter().map(|waiver| {
        let what = format!("waiver of {} for {}", waiver.rule, plain(&waiver.concerns));
        format!("{what}: {} ({})", waiver.expires_at, plain(&waiver.owner))
    });
    let attested = attestations.iter().map(|record| {
        let whom = plain(&text::service(&record.service, &record.environment));
        let what = format!("attestation of {} for {whom}", record.rule);
        format!("{what}: {} ({})", record.expires_at, plain(&record.owner))
    });
    let ending: Vec<String> = ending.chain(attested).collect();
    list(&mut out, "Ends within 30 days", &ending);
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
    list(
        &mut out,
        "Fix next",
        &next.take(NEXT_MAX).collect::<Vec<_>>(),
    );
    Some(out)
}

fn change(change: &ChangeOf) -> String {
    let whom = plain(&text::service(&change.service, &change.environment));
    format!("{whom} {}: {}", change.rule, plain(&change.message))
}

fn list(out: &mut String, title: &str, rows: &[String]) {
    if rows.is_empty() {
        return;
    }
    // Writing to a String cannot fail.
    let _written = writeln!(out, "\n**{title}**");
    for row in rows.iter().take(ROWS_MAX) {
        let _written = writeln!(out, "- {row}");
    }
    if rows.len() > ROWS_MAX {
        let _written = writeln!(out, "- and {} more", rows.len() - ROWS_MAX);
    }
}
