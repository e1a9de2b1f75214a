//! What `--quarter` asks for, and its weeks.

use jiff::civil::date;

use super::support::{at, day, listed, months};
use crate::calendar::{FiscalCalendar, NamedBy, Period, Quarter};

#[test]
fn a_quarter_by_its_name_or_by_what_time_it_is() {
    let berlin = FiscalCalendar::of_months("Europe/Berlin", 2, NamedBy::End).unwrap();
    for (now, text, name) in [
        ("2026-10-05T12:00:00Z", "FY27-Q1", "FY27-Q1"),
        ("2026-10-05T12:00:00Z", "current", "FY27-Q3"),
        ("2026-10-05T12:00:00Z", "last", "FY27-Q2"),
        // Midnight in Berlin.
        ("2026-04-30T21:59:59Z", "current", "FY27-Q1"),
        ("2026-04-30T21:59:59Z", "last", "FY26-Q4"),
        ("2026-04-30T22:00:00Z", "current", "FY27-Q2"),
        ("2026-04-30T22:00:00Z", "last", "FY27-Q1"),
    ] {
        let period = berlin.period(text, at(now)).unwrap();
        let quarter = berlin.quarter(name).unwrap();
        assert_eq!(period, Period::of(quarter, &berlin), "{now} {text}");
    }
}

#[test]
fn among_quarters_that_are_written_down() {
    let calendar = listed();
    for (now, text, name) in [
        ("2026-05-02T22:00:00Z", "current", "FY27-Q2"),
        ("2026-05-02T22:00:00Z", "last", "FY27-Q1"),
        ("2026-08-05T12:00:00Z", "last", "FY27-Q2"),
        ("2030-08-05T12:00:00Z", "last", "FY27-Q3"),
    ] {
        let period = calendar.period(text, at(now)).unwrap();
        assert_eq!(period.name, name, "{now} {text}");
        assert_eq!(period.quarter, Some(calendar.quarter(name).unwrap()));
    }
}

#[test]
fn days_of_ones_own_choice() {
    let berlin = FiscalCalendar::of_months("Europe/Berlin", 2, NamedBy::End).unwrap();
    let now = at("2026-10-05T12:00:00Z");
    let period = berlin.period("2026-01-15..2026-02-14", now).unwrap();
    let expected = Period {
        name: "2026-01-15..2026-02-14".to_owned(),
        first: date(2026, 1, 15),
        last: date(2026, 2, 14),
        span: berlin.span(date(2026, 1, 15), date(2026, 2, 14)),
        quarter: None,
    };
    assert_eq!(period, expected);
    assert_eq!(period.span.to, at("2026-02-14T23:00:00Z"));
    for text in ["2026-01-15..2026-01-15", "2010-01-01..2020-01-08"] {
        assert_eq!(berlin.period(text, now).unwrap().name, text);
    }
}

#[test]
fn as_reports_show_them() {
    let berlin = FiscalCalendar::of_months("Europe/Berlin", 2, NamedBy::End).unwrap();
    let now = at("2026-10-05T12:00:00Z");
    for (text, shown) in [
        (
            "FY27-Q1",
            "FY27-Q1 (1 Feb 2026 - 30 Apr 2026, Europe/Berlin)",
        ),
        (
            "2026-01-15..2026-02-14",
            "2026-01-15..2026-02-14 (15 Jan 2026 - 14 Feb 2026, Europe/Berlin)",
        ),
    ] {
        assert_eq!(berlin.period(text, now).unwrap().describe(&berlin), shown);
    }
}

#[test]
fn weeks_count_from_the_first_day() {
    let calendar = months(1, NamedBy::End);
    let now = at("2026-10-05T12:00:00Z");
    for (text, weeks, last_from) in [
        ("2026-01-01..2026-01-01", 1, "2026-01-01"),
        ("2026-01-01..2026-01-07", 1, "2026-01-01"),
        ("2026-01-01..2026-01-08", 2, "2026-01-08"),
        ("2026-Q1", 13, "2026-03-26"),
        ("2026-Q4", 14, "2026-12-31"),
        ("2010-01-01..2020-01-08", 523, "2020-01-03"),
    ] {
        let period = calendar.period(text, now).unwrap();
        let found = calendar.weeks(&period);
        assert_eq!(found.len(), weeks, "{text}");
        assert_eq!(
            (found[0].first, found[0].span.from),
            (period.first, period.span.from)
        );
        let last = found[weeks - 1];
        assert_eq!(last.first, day(last_from), "{text}");
        assert_eq!((last.last, last.span.to), (period.last, period.span.to));
        for pair in found.windows(2) {
            assert_eq!(pair[0].last.tomorrow().unwrap(), pair[1].first);
            assert_eq!(pair[0].span.to, pair[1].span.from);
            assert_eq!((pair[0].last - pair[0].first).get_days(), 6);
        }
    }
}

#[test]
fn weeks_have_the_hours_of_their_days() {
    let berlin = FiscalCalendar::of_months("Europe/Berlin", 1, NamedBy::End).unwrap();
    let period = berlin
        .period("2026-03-23..2026-03-30", at("2026-10-05T12:00:00Z"))
        .unwrap();
    let hours: Vec<i64> = berlin
        .weeks(&period)
        .iter()
        .map(|week| week.span.to.duration_since(week.span.from).as_hours())
        .collect();
    assert_eq!(hours, [167, 24]);
}

#[test]
fn a_week_that_was_skipped_is_none() {
    let apia = FiscalCalendar::of_months("Pacific/Apia", 1, NamedBy::End).unwrap();
    let period = apia
        .period("2011-12-23..2011-12-30", at("2026-10-05T12:00:00Z"))
        .unwrap();
    let weeks = apia.weeks(&period);
    assert_eq!(weeks.len(), 1);
    assert_eq!(weeks[0].span, period.span);
}

#[test]
fn weeks_are_bounded() {
    let calendar = FiscalCalendar::default();
    let millennium = Quarter {
        first: date(1000, 1, 1),
        last: date(1999, 12, 31),
        name: "millennium".to_owned(),
    };
    let period = Period::of(millennium, &calendar);
    assert_eq!(calendar.weeks(&period).len(), 600);
}
