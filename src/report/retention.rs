//! What may be forgotten, and what is frozen by itself.

use jiff::{SignedDuration, Timestamp};

use super::collect::period_before;
use super::compute::report;
use super::frozen;
use super::question::Question;
use crate::calendar::{FiscalCalendar, Period, Quarter, Span};
use crate::history::{Frozen, HistoryError, Reader};

/// So long after its end a quarter is frozen by itself.
const FROZEN_AFTER: SignedDuration = SignedDuration::from_hours(30 * 24);

/// So much of the last days must be covered before the clock is believed.
const SETTLED: SignedDuration = SignedDuration::from_hours(12);

/// Quarters that are looked at: some of every fiscal year that can be configured.
const QUARTERS_MAX: usize = 400;

/// The quarters from the first measurement on, that of a moment the last.
pub fn measured_quarters(
    reader: &Reader,
    calendar: &FiscalCalendar,
    until: Timestamp,
) -> Result<Vec<Quarter>, HistoryError> {
    let intervals = reader.intervals()?;
    let first = intervals.iter().map(|interval| interval.span.from).min();
    let mut quarters = Vec::new();
    // The first look may lie before the first quarter that is listed, or between two.
    let quarter = |first| {
        let day = calendar.day_at(first);
        calendar
            .quarter_of(day)
            .or_else(|| calendar.begun_after(day))
    };
    let mut next = first.and_then(quarter);
    while let Some(quarter) = next {
        if calendar.span(quarter.first, quarter.last).from > until || quarters.len() == QUARTERS_MAX
        {
            break;
        }
        next = calendar.after(&quarter);
        quarters.push(quarter);
    }
    Ok(quarters)
}

/// Whether the clock has told about the same time for a while: half a day of the last two was covered. One that is
/// far ahead must not freeze a quarter that is not over, nor make anything old.
pub fn is_settled(reader: &Reader, now: Timestamp) -> Result<bool, HistoryError> {
    let lately = Span {
        from: now.saturating_sub(4 * SETTLED).unwrap_or(Timestamp::MIN),
        to: now,
    };
    let covered = reader.timeline(lately)?.covered.milliseconds(lately);
    Ok(u128::from(covered) >= SETTLED.unsigned_abs().as_millis())
}

/// The reports of quarters that ended a month ago and are not frozen yet.
pub fn due(
    reader: &Reader,
    calendar: &FiscalCalendar,
    now: Timestamp,
) -> Result<Vec<Frozen>, HistoryError> {
    let mut due = Vec::new();
    for quarter in measured_quarters(reader, calendar, now)? {
        let span = calendar.span(quarter.first, quarter.last);
        if span.to + FROZEN_AFTER > now || reader.frozen(span)?.is_some() {
            continue;
        }
        let period = Period::of(quarter, calendar);
        let question = Question {
            period: &period,
            calendar,
            team: None,
            now,
        };
        let made = report(reader, &question)?;
        // In a quarter without any measurement there is nothing to keep.
        due.extend(frozen::closed(&made, calendar, now));
    }
    Ok(due)
}

/// Until when history may be forgotten, at most until `wanted`: nothing of a quarter that is not frozen, and
/// nothing that such a one is compared with.
pub fn prunable(
    reader: &Reader,
    calendar: &FiscalCalendar,
    wanted: Timestamp,
    now: Timestamp,
) -> Result<Timestamp, HistoryError> {
    for quarter in measured_quarters(reader, calendar, now)? {
        let span = calendar.span(quarter.first, quarter.last);
        let is_measured = !reader.timeline(span)?.segments.is_empty();
        if !is_measured || reader.frozen(span)?.is_some() {
            continue;
        }
        let period = Period::of(quarter, calendar);
        let before = period_before(&period, calendar);
        let keep_from = before.map_or(period.span.from, |before| before.span.from);
        return Ok(keep_from.min(wanted));
    }
    Ok(wanted)
}
