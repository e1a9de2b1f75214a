//! Reports that do not change any more, and back.

use jiff::Timestamp;

use super::model::{FORMAT, Report};
use super::output::json;
use crate::calendar::{FiscalCalendar, Span, tzdb_version};
use crate::document::digest::sha256;
use crate::history::Frozen;

/// A report as it is frozen.
pub fn of(report: &Report, calendar: &FiscalCalendar, made_at: Timestamp) -> Frozen {
    let text = json(report);
    Frozen {
        name: report.period.name.clone(),
        first: report.period.first,
        last: report.period.last,
        zone: calendar.zone_name().to_owned(),
        tzdb: tzdb_version().to_owned(),
        span: Span {
            from: report.period.from,
            to: report.period.to,
        },
        made_at,
        digest: sha256(&text),
        report: text,
    }
}

/// The same, of a quarter that is over and was measured.
pub fn closed(
    report: &Report,
    calendar: &FiscalCalendar,
    now: Timestamp,
) -> Result<Frozen, String> {
    let period = &report.period;
    if calendar.quarter(&period.name).is_err() {
        return Err(format!("{}: only quarters are frozen", period.name));
    }
    if !period.is_closed {
        return Err(format!(
            "{}: it is not over before {:.0}",
            period.name, period.to
        ));
    }
    if period.through.is_none() {
        return Err(format!("{}: nothing was measured in it", period.name));
    }
    Ok(of(report, calendar, now))
}

/// The report that was frozen.
pub fn read(frozen: &Frozen) -> Result<Report, String> {
    let report: Report = serde_json::from_str(&frozen.report).map_err(|error| {
        format!(
            "the frozen report of {} cannot be read: {error}",
            frozen.name
        )
    })?;
    match report.format {
        FORMAT => Ok(report),
        other => Err(format!(
            "the frozen report of {} has format {other}, this program reads {FORMAT}",
            frozen.name
        )),
    }
}
