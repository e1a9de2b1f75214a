//! The moments at which quarters begin and end.

use jiff::civil::{Date, date};
use jiff::{SignedDuration, Timestamp};

use super::support::{at, day, read};
use crate::calendar::{FiscalCalendar, NamedBy, Span, tzdb_version};

fn in_zone(zone: &str, starts: i8) -> FiscalCalendar {
    FiscalCalendar::of_months(zone, starts, NamedBy::End).unwrap()
}

fn span(from: &str, to: &str) -> Span {
    Span {
        from: at(from),
        to: at(to),
    }
}

#[test]
fn fault_101_days_begin_and_end_when_they_do_in_their_zone() {
    for (zone, of_day, from, to, hours) in [
        (
            "UTC",
            "2026-03-29",
            "2026-03-29T00:00Z",
            "2026-03-30T00:00Z",
            24,
        ),
        (
            "Europe/Berlin",
            "2026-03-29",
            "2026-03-28T23:00Z",
            "2026-03-29T22:00Z",
            23,
        ),
        (
            "Europe/Berlin",
            "2026-10-25",
            "2026-10-24T22:00Z",
            "2026-10-25T23:00Z",
            25,
        ),
        (
            "Europe/Berlin",
            "2026-10-26",
            "2026-10-25T23:00Z",
            "2026-10-26T23:00Z",
            24,
        ),
        // Clocks go forward at midnight: the day begins at 1 o'clock.
        (
            "America/Santiago",
            "2026-09-05",
            "2026-09-05T04:00Z",
            "2026-09-06T04:00Z",
            24,
        ),
        (
            "America/Santiago",
            "2026-09-06",
            "2026-09-06T04:00Z",
            "2026-09-07T03:00Z",
            23,
        ),
        // And back at midnight: the evening before is twice as long.
        (
            "America/Santiago",
            "2026-04-04",
            "2026-04-04T03:00Z",
            "2026-04-05T04:00Z",
            25,
        ),
        (
            "America/Santiago",
            "2026-04-05",
            "2026-04-05T04:00Z",
            "2026-04-06T04:00Z",
            24,
        ),
        // Samoa went over the date line.
        (
            "Pacific/Apia",
            "2011-12-29",
            "2011-12-29T10:00Z",
            "2011-12-30T10:00Z",
            24,
        ),
        (
            "Pacific/Apia",
            "2011-12-30",
            "2011-12-30T10:00Z",
            "2011-12-30T10:00Z",
            0,
        ),
        (
            "Pacific/Apia",
            "2011-12-31",
            "2011-12-30T10:00Z",
            "2011-12-31T10:00Z",
            24,
        ),
    ] {
        let found = in_zone(zone, 1).span(day(of_day), day(of_day));
        let minutes = |text: &str| text.replace('Z', ":00Z");
        assert_eq!(found, span(&minutes(from), &minutes(to)), "{zone} {of_day}");
        let length = found.to.duration_since(found.from);
        assert_eq!(length, SignedDuration::from_hours(hours), "{zone} {of_day}");
        assert_eq!(found.is_empty(), hours == 0);
    }
}

#[test]
fn spans_have_their_first_moment_and_not_their_last() {
    let span = span("2026-01-01T00:00:00Z", "2026-04-01T00:00:00Z");
    assert!(span.contains(span.from));
    assert!(span.contains(at("2026-03-31T23:59:59.999999999Z")));
    assert!(!span.contains(span.to));
    assert!(!span.contains(at("2025-12-31T23:59:59.999999999Z")));
}

#[test]
fn fault_100_spans_of_quarters_join_without_gap_or_overlap() {
    let nanosecond = SignedDuration::from_nanos(1);
    for zone in [
        "UTC",
        "Europe/Berlin",
        "America/Santiago",
        "America/St_Johns",
        "Pacific/Apia",
        "Pacific/Kwajalein",
        "Asia/Kathmandu",
    ] {
        for starts in 1..=12 {
            let calendar = in_zone(zone, starts);
            let mut quarter = calendar.quarter_of(date(1990, 1, 1)).unwrap();
            let mut span = calendar.span(quarter.first, quarter.last);
            while quarter.last < date(2060, 1, 1) {
                assert_eq!(calendar.quarter_at(span.from).as_ref(), Some(&quarter));
                let end = span.to - nanosecond;
                assert_eq!(calendar.quarter_at(end).as_ref(), Some(&quarter));
                let next = calendar.after(&quarter).unwrap();
                let after = calendar.span(next.first, next.last);
                assert_eq!(span.to, after.from, "{zone} {} {}", quarter.name, next.name);
                (quarter, span) = (next, after);
            }
        }
    }
}

#[test]
fn fault_101_a_quarter_may_begin_or_end_on_a_day_that_was_skipped() {
    let calendar = |quarters: &str| {
        read(&format!(
            "{{time_zone: Pacific/Apia, quarters: [{quarters}]}}"
        ))
        .unwrap()
    };
    let ends = calendar(
        "{name: A, from: 2011-10-01, to: 2011-12-30}, {name: B, from: 2011-12-31, to: 2012-03-31}",
    );
    let begins = calendar(
        "{name: A, from: 2011-10-01, to: 2011-12-29}, {name: B, from: 2011-12-30, to: 2012-03-31}",
    );
    for calendar in [ends, begins] {
        let [a, b] = ["A", "B"].map(|name| calendar.quarter(name).unwrap());
        let (of_a, of_b) = (
            calendar.span(a.first, a.last),
            calendar.span(b.first, b.last),
        );
        assert_eq!(of_a, span("2011-10-01T10:00:00Z", "2011-12-30T10:00:00Z"));
        assert_eq!(of_b, span("2011-12-30T10:00:00Z", "2012-03-31T10:00:00Z"));
        let last = at("2011-12-30T09:59:59Z");
        assert_eq!(calendar.quarter_at(last), Some(a));
        assert_eq!(calendar.quarter_at(of_a.to), Some(b));
    }
}

/// Newfoundland set its clocks back at one minute past midnight: the new day began, and the old one was shown again.
#[test]
fn a_day_that_is_shown_twice_ends_once() {
    let calendar = in_zone("America/St_Johns", 11);
    let day_of = |text: &str| calendar.day_at(at(text));
    assert_eq!(day_of("1987-10-25T02:29:59Z"), date(1987, 10, 24));
    assert_eq!(day_of("1987-10-25T02:30:30Z"), date(1987, 10, 25));
    // The clock shows 23:01 of the 24th.
    assert_eq!(day_of("1987-10-25T02:31:00Z"), date(1987, 10, 25));
    assert_eq!(day_of("1987-10-25T03:30:00Z"), date(1987, 10, 25));
    let span = calendar.span(date(1987, 10, 25), date(1987, 10, 25));
    assert_eq!(span.from, at("1987-10-25T02:30:00Z"));
}

#[test]
fn what_lies_past_the_times_that_can_be_told_ends_with_them() {
    let calendar = FiscalCalendar::default();
    let all = calendar.span(Date::MIN, Date::MAX);
    assert_eq!(all.to, Timestamp::MAX);
    let east = in_zone("Pacific/Kiritimati", 1);
    assert_eq!(east.span(Date::MIN, date(2026, 1, 1)).from, Timestamp::MIN);
}

#[test]
fn the_database_of_time_zones_is_the_one_in_the_binary() {
    assert!(tzdb_version().starts_with("20"), "{}", tzdb_version());
    let calendar = in_zone("Europe/Berlin", 1);
    assert_eq!(calendar.zone_name(), "Europe/Berlin");
    assert_eq!(calendar.zone().iana_name(), Some("Europe/Berlin"));
    assert_eq!(in_zone("UTC", 1), FiscalCalendar::default());
}
