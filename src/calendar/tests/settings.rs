//! `fiscal_year` as it is read.

use super::support::{months, read};
use crate::calendar::{FiscalCalendar, NamedBy, tzdb_version};

/// What is said of a `fiscal_year`, without the line that it shows.
fn wrong(text: &str) -> String {
    let error = read(text).unwrap_err();
    let at = error.position().unwrap();
    let whole = error.to_string();
    let hint = whole
        .split_once("\nhint: ")
        .map(|(_, hint)| format!("\nhint: {hint}"));
    format!(
        "{}:{}: {}{}",
        at.line,
        at.column,
        error.message(),
        hint.unwrap_or_default()
    )
}

#[test]
fn what_is_left_out_is_as_the_calendar_has_it() {
    let berlin = |starts, named_by| FiscalCalendar::of_months("Europe/Berlin", starts, named_by);
    for (text, expected) in [
        ("{}", Some(FiscalCalendar::default())),
        ("starts: 01-01", Some(FiscalCalendar::default())),
        ("named_by: end", Some(FiscalCalendar::default())),
        (
            "{starts: 01-01, named_by: start}",
            Some(FiscalCalendar::default()),
        ),
        ("starts: 02-01", Some(months(2, NamedBy::End))),
        (
            "{starts: '07-01', named_by: start}",
            Some(months(7, NamedBy::Start)),
        ),
        ("time_zone: Europe/Berlin", berlin(1, NamedBy::End)),
        (
            "{starts: 12-01, named_by: end, time_zone: Europe/Berlin}",
            berlin(12, NamedBy::End),
        ),
    ] {
        assert_eq!(Some(read(text).unwrap()), expected, "{text}");
    }
}

#[test]
fn the_whole_message() {
    let error = read("time_zone: UTC\nstarts: 04-06 # tax year\n").unwrap_err();
    assert_eq!(
        error.to_string(),
        "config.yaml:2:9: `04-06` is not the first day of a month
  |
2 | starts: 04-06 # tax year
  |         ^^^^^
hint: years of 52 or 53 weeks, as of 4-4-5, are written as `quarters`: name, from, to"
    );
}

#[test]
fn years_that_start_nowhere() {
    for (text, expected) in [
        (
            "starts: 2-1",
            "1:9: `2-1` is not a month and day, such as `02-01`",
        ),
        (
            "starts: February",
            "1:9: `February` is not a month and day, such as `02-01`",
        ),
        (
            "starts: 2026-02-01",
            "1:9: `2026-02-01` is not a month and day, such as `02-01`",
        ),
        (
            "starts: +2-01",
            "1:9: `+2-01` is not a month and day, such as `02-01`",
        ),
        ("starts: 13-01", "1:9: `13-01`: month 13 is not in 1..=12"),
        ("starts: 00-01", "1:9: `00-01`: month 0 is not in 1..=12"),
        (
            "{named_by: middle}",
            "1:12: `named_by`: unknown value `middle`\nhint: one of `start`, `end`",
        ),
        (
            "{begins: 02-01}",
            "1:2: unknown key `begins`\nhint: one of `starts`, `named_by`, `time_zone`, `quarters`",
        ),
    ] {
        assert_eq!(wrong(text), expected, "{text}");
    }
}

#[test]
fn time_zones_that_there_are_not() {
    let version = tzdb_version();
    for (name, hint) in [
        ("Europe/Berln", "\nhint: did you mean `Europe/Berlin`?"),
        ("europe/berlin", "\nhint: did you mean `Europe/Berlin`?"),
        ("Berlin", "\nhint: did you mean `Europe/Berlin`?"),
        ("Europe/Kiew", "\nhint: did you mean `Europe/Kiev`?"),
        (
            "Indianapolis",
            "\nhint: did you mean `America/Indiana/Indianapolis` or `America/Indianapolis`?",
        ),
        ("utc", "\nhint: did you mean `Etc/UTC` or `UTC`?"),
        ("Etc/Unknown", ""),
        ("+02:00", ""),
        ("Middle-earth/Minas_Tirith", ""),
        (&"x".repeat(100), ""),
    ] {
        let expected = format!(
            "1:12: `{name}` is not a time zone of the IANA database, release {version}{hint}"
        );
        assert_eq!(wrong(&format!("time_zone: {name}")), expected);
    }
}

#[test]
fn quarters_say_themselves_when_they_begin() {
    let quarters = "quarters: [{name: A, from: 2026-02-01, to: 2026-05-02}]";
    assert!(read(&format!("time_zone: Europe/Berlin\n{quarters}")).is_ok());
    for (key, expected) in [
        (
            "starts: 02-01",
            "1:9: `starts` has no place beside `quarters`, which say it themselves",
        ),
        (
            "named_by: end",
            "1:11: `named_by` has no place beside `quarters`, which say it themselves",
        ),
    ] {
        assert_eq!(wrong(&format!("{key}\n{quarters}")), expected);
    }
    assert_eq!(wrong("quarters: []"), "1:11: `quarters` is empty");
}

#[test]
fn names_of_quarters() {
    let with =
        |name: &str| format!("quarters:\n- {{name: '{name}', from: 2026-02-01, to: 2026-05-02}}");
    for name in ["a", "FY27-Q1", "2026.1_x-Y"] {
        assert!(read(&with(name)).unwrap().quarter(name).is_ok());
    }
    assert!(read(&with(&"x".repeat(32))).is_ok());
    for (name, expected) in [
        ("", "a quarter's name of 0 characters is not in 1..=32"),
        (
            &*"x".repeat(33),
            "a quarter's name of 33 characters is not in 1..=32",
        ),
        (
            "FY27 Q1",
            "`FY27 Q1` cannot name a quarter: letters, digits, `.`, `_` and `-` can",
        ),
        (
            "Frühling",
            "`Frühling` cannot name a quarter: letters, digits, `.`, `_` and `-` can",
        ),
        (
            "a..b",
            "`a..b` cannot name a quarter: `..` stands between the days of a period",
        ),
        (
            "last",
            "`last` cannot name a quarter: it asks for the last one",
        ),
        (
            "current",
            "`current` cannot name a quarter: it asks for the current one",
        ),
    ] {
        assert_eq!(wrong(&with(name)), format!("2:10: {expected}"));
    }
}

#[test]
fn days_of_quarters() {
    for (entries, expected) in [
        (
            "- {name: A, from: 2026-05-02, to: 2026-02-01}",
            "1:35: quarter `A` ends on 2026-02-01, before it begins on 2026-05-02",
        ),
        (
            "- {name: A, from: 2010-01-01, to: 2020-01-09}",
            "1:35: quarter `A` has 3661 days, more than 3660",
        ),
        (
            "- {name: A, from: 2026-02-30, to: 2026-05-01}",
            "1:19: `quarters[0].from`: `2026-02-30` is not a day, such as `2026-11-24`",
        ),
        (
            "- {name: A, from: 2026-02-01}",
            "1:13: missing key `to` in `quarters[0]`",
        ),
        (
            "- {name: B, from: 2026-05-02, to: 2026-08-01}\n- {name: A, from: 2026-02-01, to: 2026-05-02}",
            "1:10: quarter `B` (2 May 2026 - 1 Aug 2026) overlaps with `A` (1 Feb 2026 - 2 May 2026)",
        ),
        (
            "- {name: A, from: 2026-02-01, to: 2026-05-02}\n- {name: A, from: 2026-05-03, to: 2026-08-01}",
            "2:10: quarter `A` is defined twice",
        ),
    ] {
        // The first line of the file is the key alone.
        let text = format!("quarters:\n{entries}");
        let (line, rest) = expected.split_once(':').unwrap();
        let line: u64 = line.parse().unwrap();
        assert_eq!(wrong(&text), format!("{}:{rest}", line + 1));
    }
}

#[test]
fn a_century_of_quarters_and_no_more() {
    let listed = |count: i16| {
        let entries = (0..count).map(|n| {
            let (year, month) = (2000 + n / 12, n % 12 + 1);
            format!("- {{name: M{n}, from: {year}-{month:02}-01, to: {year}-{month:02}-28}}\n")
        });
        format!("quarters:\n{}", entries.collect::<String>())
    };
    assert!(read(&listed(400)).is_ok());
    assert_eq!(wrong(&listed(401)), "402:3: more than 400 quarters");
}
