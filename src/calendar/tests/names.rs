//! Which quarter a day belongs to and what it is called.

use jiff::ToSpan as _;
use jiff::civil::date;

use super::support::{at, day, listed, months};
use crate::calendar::{FiscalCalendar, NamedBy};

const BOTH: [NamedBy; 2] = [NamedBy::Start, NamedBy::End];

#[test]
fn quarters_of_three_months() {
    for (starts, of_day, by_start, by_end, first, last) in [
        (
            1,
            "2026-01-01",
            "2026-Q1",
            "2026-Q1",
            "2026-01-01",
            "2026-03-31",
        ),
        (
            1,
            "2026-10-05",
            "2026-Q4",
            "2026-Q4",
            "2026-10-01",
            "2026-12-31",
        ),
        (
            1,
            "2026-12-31",
            "2026-Q4",
            "2026-Q4",
            "2026-10-01",
            "2026-12-31",
        ),
        (
            2,
            "2026-01-31",
            "FY25-Q4",
            "FY26-Q4",
            "2025-11-01",
            "2026-01-31",
        ),
        (
            2,
            "2026-02-01",
            "FY26-Q1",
            "FY27-Q1",
            "2026-02-01",
            "2026-04-30",
        ),
        (
            2,
            "2026-07-31",
            "FY26-Q2",
            "FY27-Q2",
            "2026-05-01",
            "2026-07-31",
        ),
        (
            2,
            "2026-12-31",
            "FY26-Q4",
            "FY27-Q4",
            "2026-11-01",
            "2027-01-31",
        ),
        (
            4,
            "2026-03-31",
            "FY25-Q4",
            "FY26-Q4",
            "2026-01-01",
            "2026-03-31",
        ),
        (
            4,
            "2026-04-01",
            "FY26-Q1",
            "FY27-Q1",
            "2026-04-01",
            "2026-06-30",
        ),
        (
            4,
            "2026-12-31",
            "FY26-Q3",
            "FY27-Q3",
            "2026-10-01",
            "2026-12-31",
        ),
        (
            7,
            "2026-06-30",
            "FY25-Q4",
            "FY26-Q4",
            "2026-04-01",
            "2026-06-30",
        ),
        (
            7,
            "2026-07-01",
            "FY26-Q1",
            "FY27-Q1",
            "2026-07-01",
            "2026-09-30",
        ),
        (
            7,
            "2027-01-01",
            "FY26-Q3",
            "FY27-Q3",
            "2027-01-01",
            "2027-03-31",
        ),
        (
            10,
            "2026-09-30",
            "FY25-Q4",
            "FY26-Q4",
            "2026-07-01",
            "2026-09-30",
        ),
        (
            10,
            "2026-10-01",
            "FY26-Q1",
            "FY27-Q1",
            "2026-10-01",
            "2026-12-31",
        ),
        (
            10,
            "2027-02-28",
            "FY26-Q2",
            "FY27-Q2",
            "2027-01-01",
            "2027-03-31",
        ),
        (
            12,
            "2028-02-29",
            "FY27-Q1",
            "FY28-Q1",
            "2027-12-01",
            "2028-02-29",
        ),
    ] {
        for (named_by, name) in [(NamedBy::Start, by_start), (NamedBy::End, by_end)] {
            let quarter = months(starts, named_by).quarter_of(day(of_day)).unwrap();
            assert_eq!(
                (&*quarter.name, quarter.first, quarter.last),
                (name, day(first), day(last)),
                "{of_day} from month {starts} on"
            );
        }
    }
}

#[test]
fn a_name_means_the_quarter_that_has_it() {
    for (starts, named_by) in (1..=12).flat_map(|month| BOTH.map(|by| (month, by))) {
        let calendar = months(starts, named_by);
        let mut of_day = date(1990, 1, 1);
        let mut names = std::collections::HashSet::new();
        let mut expected = calendar.quarter_of(of_day).unwrap();
        while of_day < date(2061, 1, 1) {
            let quarter = calendar.quarter_of(of_day).unwrap();
            assert!(quarter.contains(of_day));
            if quarter != expected {
                assert_eq!(expected.last.tomorrow().unwrap(), quarter.first);
                assert_eq!(calendar.after(&expected).as_ref(), Some(&quarter));
                assert_eq!(calendar.before(&quarter).as_ref(), Some(&expected));
                expected = quarter;
            }
            if names.insert(expected.name.clone()) {
                assert_eq!(calendar.quarter(&expected.name).as_ref(), Ok(&expected));
            }
            of_day = of_day.tomorrow().unwrap();
        }
        assert!(matches!(names.len(), 284 | 285), "{}", names.len());
    }
}

/// Two digits stand for one century; names outside of it have four, so that none is ambiguous.
#[test]
fn no_two_quarters_have_one_name() {
    let calendar = months(4, NamedBy::Start);
    for (of_day, name) in [
        ("0001-04-01", "FY0001-Q1"),
        ("1970-03-31", "FY1969-Q4"),
        ("1970-04-01", "FY70-Q1"),
        ("2070-03-31", "FY69-Q4"),
        ("2070-04-01", "FY2070-Q1"),
        ("9999-12-31", "FY9999-Q3"),
    ] {
        let quarter = calendar.quarter_of(day(of_day)).unwrap();
        assert_eq!(quarter.name, name);
        assert_eq!(calendar.quarter(name), Ok(quarter));
    }
}

#[test]
fn years_before_1_and_after_9999_have_no_quarters() {
    let calendar = FiscalCalendar::default();
    let oldest = calendar.quarter("0001-Q1").unwrap();
    let newest = calendar.quarter("9999-Q4").unwrap();
    assert_eq!(calendar.before(&oldest), None);
    assert_eq!(calendar.after(&newest), None);
    assert_eq!(calendar.quarter_of(date(0, 12, 31)), None);
    assert_eq!(
        months(2, NamedBy::Start).quarter_of(date(9999, 11, 1)),
        None
    );
    assert_eq!(months(2, NamedBy::End).quarter_of(date(9999, 10, 31)), None);
    assert!(!calendar.span(newest.first, newest.last).is_empty());
}

#[test]
fn quarters_that_are_written_down() {
    let calendar = listed();
    for (of_day, name) in [
        ("2026-01-31", None),
        ("2026-02-01", Some("FY27-Q1")),
        ("2026-05-02", Some("FY27-Q1")),
        ("2026-05-03", Some("FY27-Q2")),
        ("2026-08-01", Some("FY27-Q2")),
        ("2026-08-02", None),
        ("2026-08-09", None),
        ("2026-08-10", Some("FY27-Q3")),
        ("2026-11-02", None),
    ] {
        let quarter = calendar.quarter_of(day(of_day));
        assert_eq!(
            quarter.map(|quarter| quarter.name).as_deref(),
            name,
            "{of_day}"
        );
    }
    let [first, second, third] =
        ["FY27-Q1", "FY27-Q2", "FY27-Q3"].map(|name| calendar.quarter(name).unwrap());
    assert_eq!(calendar.before(&first), None);
    assert_eq!(calendar.after(&first).as_ref(), Some(&second));
    assert_eq!(calendar.before(&third).as_ref(), Some(&second));
    assert_eq!(calendar.after(&second).as_ref(), Some(&third));
    assert_eq!(calendar.after(&third), None);
}

#[test]
fn the_day_is_that_of_the_time_zone() {
    let berlin = FiscalCalendar::of_months("Europe/Berlin", 1, NamedBy::End).unwrap();
    for (moment, in_berlin, in_utc) in [
        ("2026-12-31T22:59:59Z", "2026-Q4", "2026-Q4"),
        ("2026-12-31T23:00:00Z", "2027-Q1", "2026-Q4"),
        ("2027-01-01T00:00:00Z", "2027-Q1", "2027-Q1"),
    ] {
        let name = |calendar: &FiscalCalendar| calendar.quarter_at(at(moment)).unwrap().name;
        assert_eq!(name(&berlin), in_berlin);
        assert_eq!(name(&FiscalCalendar::default()), in_utc);
    }
}

#[test]
fn quarters_are_ordered_by_their_days() {
    let calendar = months(4, NamedBy::End);
    let quarters = (0..8).map(|n| {
        let of_day = date(1999, 4, 1) + (3 * n).months();
        calendar.quarter_of(of_day).unwrap()
    });
    // Their names would order `FY00` before `FY99`.
    assert!(quarters.is_sorted());
}

#[test]
fn what_is_no_calendar() {
    for (zone, starts) in [
        ("UTC", 0),
        ("UTC", 13),
        ("Europe/Atlantis", 1),
        ("europe/berlin", 1),
    ] {
        assert_eq!(
            FiscalCalendar::of_months(zone, starts, NamedBy::End),
            None,
            "{zone} {starts}"
        );
    }
}
