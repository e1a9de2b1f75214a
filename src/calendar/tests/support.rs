//! Calendars that several tests use.

use jiff::Timestamp;
use jiff::civil::Date;

use crate::calendar::settings::RawFiscalYear;
use crate::calendar::{FiscalCalendar, NamedBy};
use crate::document::yaml::{self, Source};
use crate::document::{DocumentError, Origin};

/// A fiscal year in UTC.
pub(super) fn months(starts: i8, named_by: NamedBy) -> FiscalCalendar {
    FiscalCalendar::of_months("UTC", starts, named_by).unwrap()
}

/// `fiscal_year` as it is read from a file.
pub(super) fn read(text: &str) -> Result<FiscalCalendar, DocumentError> {
    let origin = Origin {
        name: "config.yaml".to_owned(),
        folder: "/etc".into(),
    };
    let source = Source::new(&origin, text);
    yaml::parse::<RawFiscalYear>(source)?.resolve(source)
}

/// Quarters that are written down, with a gap after the second.
pub(super) fn listed() -> FiscalCalendar {
    read(
        "
time_zone: Europe/Berlin
quarters:
- {name: FY27-Q3, from: 2026-08-10, to: 2026-11-01}
- {name: FY27-Q1, from: 2026-02-01, to: 2026-05-02}
- {name: FY27-Q2, from: 2026-05-03, to: 2026-08-01}
",
    )
    .unwrap()
}

pub(super) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(super) fn day(text: &str) -> Date {
    text.parse().unwrap()
}
