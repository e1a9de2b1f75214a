//! The fiscal year that an organisation reports by: its time zone, and how it is divided into quarters.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::error::CalendarError;
use super::months::{FiscalMonths, NamedBy};
use super::quarter::Quarter;
use super::zone::{Span, Zone};

/// How an organisation divides its time. By default as the calendar does, in UTC.
#[derive(Debug, Clone, PartialEq)]
pub struct FiscalCalendar {
    zone: Zone,
    division: Division,
}

/// What quarters are made of.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Division {
    /// Three months each.
    Months(FiscalMonths),
    /// Days that are written down: at least one quarter, the oldest first, none that overlap.
    Listed(Vec<Quarter>),
}

impl Default for FiscalCalendar {
    fn default() -> Self {
        Self::new(Zone::utc(), Division::Months(FiscalMonths::CALENDAR_YEAR))
    }
}

impl FiscalCalendar {
    pub(super) fn new(zone: Zone, division: Division) -> Self {
        Self { zone, division }
    }

    /// A fiscal year in a time zone of the bundled database that starts in a month, 1 to 12; `None` if there is no
    /// such zone or month.
    pub fn of_months(zone_name: &str, starts: i8, named_by: NamedBy) -> Option<Self> {
        let months = FiscalMonths::new(starts, named_by)?;
        Some(Self::new(Zone::named(zone_name)?, Division::Months(months)))
    }

    /// A zone of the bundled database, UTC where there is none of that name.
    pub fn zone_named(name: &str) -> TimeZone {
        Zone::named(name).unwrap_or_else(Zone::utc).rules
    }

    /// The time zone in which its days begin and end.
    pub fn zone(&self) -> &TimeZone {
        &self.zone.rules
    }

    /// The name of that zone, as in the database.
    pub fn zone_name(&self) -> &'static str {
        self.zone.name
    }

    /// The time from the start of one day to the end of another. Empty where the zone skipped them.
    pub fn span(&self, first: Date, last: Date) -> Span {
        self.zone.span(first, last)
    }

    /// The day that a moment belongs to.
    pub fn day_at(&self, moment: Timestamp) -> Date {
        self.zone.day_at(moment)
    }

    /// The quarter that has a day: none in a gap of written quarters, nor outside the years 1 to 9999.
    pub fn quarter_of(&self, day: Date) -> Option<Quarter> {
        match &self.division {
            Division::Months(months) => months.quarter_of(day),
            Division::Listed(quarters) => quarters.iter().find(|q| q.contains(day)).cloned(),
        }
    }

    /// The quarter whose span has a moment.
    pub fn quarter_at(&self, moment: Timestamp) -> Option<Quarter> {
        self.quarter_of(self.day_at(moment))
    }

    /// The last quarter that ends before this one begins.
    pub fn before(&self, quarter: &Quarter) -> Option<Quarter> {
        self.ended_before(quarter.first)
    }

    /// The first quarter that begins after this one ends.
    pub fn after(&self, quarter: &Quarter) -> Option<Quarter> {
        self.begun_after(quarter.last)
    }

    /// The quarter of that name, in exactly this spelling.
    pub fn quarter(&self, name: &str) -> Result<Quarter, CalendarError> {
        match &self.division {
            Division::Months(months) => months.named(name),
            Division::Listed(quarters) => {
                let named = quarters.iter().find(|quarter| quarter.name == name);
                named
                    .cloned()
                    .ok_or_else(|| CalendarError::not_listed(name, quarters))
            }
        }
    }

    /// The newest quarter whose days are all before this one.
    pub(super) fn ended_before(&self, day: Date) -> Option<Quarter> {
        match &self.division {
            Division::Months(months) => {
                let first = months.quarter_of(day)?.first;
                months.quarter_of(first.yesterday().ok()?)
            }
            Division::Listed(quarters) => quarters
                .iter()
                .rev()
                .find(|quarter| quarter.last < day)
                .cloned(),
        }
    }

    /// The oldest quarter whose days are all after this one.
    pub fn begun_after(&self, day: Date) -> Option<Quarter> {
        match &self.division {
            Division::Months(months) => {
                let last = months.quarter_of(day)?.last;
                months.quarter_of(last.tomorrow().ok()?)
            }
            Division::Listed(quarters) => {
                quarters.iter().find(|quarter| quarter.first > day).cloned()
            }
        }
    }
}
