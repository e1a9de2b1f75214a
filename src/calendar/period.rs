//! The time that a report is about: a quarter, or days of one's own choice.

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _};

use super::error::CalendarError;
use super::fiscal::FiscalCalendar;
use super::quarter::{Quarter, days};
use super::zone::Span;

/// Days of a period: ten years.
pub(super) const PERIOD_DAYS_MAX: i64 = 3660;
/// Weeks that a period is divided into.
const WEEKS_MAX: usize = 600;

/// What means the quarter of now.
pub(super) const CURRENT: &str = "current";
/// What means the newest quarter that has ended.
pub(super) const LAST: &str = "last";
/// What stands between the two days of a period.
pub(super) const DAYS_BETWEEN: &str = "..";

/// The time that a report is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Period {
    /// The quarter's name, or the days: `2026-01-15..2026-02-14`.
    pub name: String,
    /// Its first day.
    pub first: Date,
    /// Its last day, which belongs to it.
    pub last: Date,
    /// The same in time.
    pub span: Span,
    /// The quarter, where it is one.
    pub quarter: Option<Quarter>,
}

/// Seven days of a period, or what is left of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Week {
    /// Its first day.
    pub first: Date,
    /// Its last day, which belongs to it.
    pub last: Date,
    /// The same in time.
    pub span: Span,
}

impl Period {
    /// The time of a quarter.
    pub fn of(quarter: Quarter, calendar: &FiscalCalendar) -> Self {
        Self {
            name: quarter.name.clone(),
            first: quarter.first,
            last: quarter.last,
            span: calendar.span(quarter.first, quarter.last),
            quarter: Some(quarter),
        }
    }

    /// As reports show it: `FY27-Q1 (1 Feb 2026 - 30 Apr 2026, Europe/Berlin)`.
    pub fn describe(&self, calendar: &FiscalCalendar) -> String {
        let days = days(self.first, self.last);
        format!("{} ({days}, {})", self.name, calendar.zone_name())
    }
}

impl FiscalCalendar {
    /// The period that somebody asks for: a quarter's name, `current`, `last` for the newest quarter that has ended,
    /// or `2026-01-15..2026-02-14`, both days included.
    pub fn period(&self, text: &str, now: Timestamp) -> Result<Period, CalendarError> {
        let quarter = match (text, text.split_once(DAYS_BETWEEN)) {
            (CURRENT, _) => self.current(now)?,
            (LAST, _) => self.newest_ended(now)?,
            (_, Some((first, last))) => return self.period_of_days(day(first)?, day(last)?),
            (name, None) => self.quarter(name).map_err(CalendarError::or_days)?,
        };
        Ok(Period::of(quarter, self))
    }

    /// The weeks of a period, counted from its first day; the last one may be shorter.
    pub fn weeks(&self, period: &Period) -> Vec<Week> {
        let next = |first: &Date| first.checked_add(7.days()).ok();
        std::iter::successors(Some(period.first), next)
            .take_while(|first| *first <= period.last)
            .take(WEEKS_MAX)
            .map(|first| {
                let last = first.saturating_add(6.days()).min(period.last);
                let span = self.span(first, last);
                Week { first, last, span }
            })
            // What is left may be a day that the zone skipped.
            .filter(|week| !week.span.is_empty())
            .collect()
    }

    fn current(&self, now: Timestamp) -> Result<Quarter, CalendarError> {
        let today = self.day_at(now);
        self.quarter_of(today).ok_or_else(|| {
            let (before, after) = (self.ended_before(today), self.begun_after(today));
            CalendarError::no_quarter_of(today, before.as_ref(), after.as_ref())
        })
    }

    fn newest_ended(&self, now: Timestamp) -> Result<Quarter, CalendarError> {
        let today = self.day_at(now);
        self.ended_before(today).ok_or_else(|| {
            let first = self.quarter_of(today).or_else(|| self.begun_after(today));
            CalendarError::none_ended(today, first.as_ref())
        })
    }

    fn period_of_days(&self, first: Date, last: Date) -> Result<Period, CalendarError> {
        if first > last {
            return Err(CalendarError::reversed(first, last));
        }
        let days = days_in(first, last);
        if days > PERIOD_DAYS_MAX {
            return Err(CalendarError::too_long(first, last, days, PERIOD_DAYS_MAX));
        }
        let quarter = self.quarter_of(first);
        if let Some(quarter) = quarter.filter(|q| (q.first, q.last) == (first, last)) {
            return Ok(Period::of(quarter, self));
        }
        let span = self.span(first, last);
        if span.is_empty() {
            return Err(CalendarError::skipped(first, last, self.zone_name()));
        }
        Ok(Period {
            name: format!("{first}{DAYS_BETWEEN}{last}"),
            first,
            last,
            span,
            quarter: None,
        })
    }
}

/// The days from one to another, both counted.
pub(super) fn days_in(first: Date, last: Date) -> i64 {
    last.duration_since(first).as_hours() / 24 + 1
}

/// A day as `2026-01-15`, and in no other of the ways that ISO 8601 allows: names of periods are compared.
fn day(text: &str) -> Result<Date, CalendarError> {
    text.parse()
        .ok()
        .filter(|day: &Date| day.to_string() == text)
        .ok_or_else(|| CalendarError::no_day(text))
}
