//! What is said of texts that name no quarter or period.

use super::support::{at, listed, months, read};
use crate::calendar::{FiscalCalendar, NamedBy};

/// What is said of each text instead of a quarter.
fn check(calendar: &FiscalCalendar, cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        let error = calendar.quarter(text).unwrap_err();
        assert_eq!(error.to_string(), *expected, "{text:?}");
    }
}

#[test]
fn where_the_year_starts_in_january() {
    check(
        &FiscalCalendar::default(),
        &[
            (
                "FY27-Q1",
                "`FY27-Q1` is a quarter of a fiscal year, and the year starts in January\nhint: write `2027-Q1`",
            ),
            (
                "fy2027q1",
                "`fy2027q1` is a quarter of a fiscal year, and the year starts in January\nhint: write `2027-Q1`",
            ),
            (
                "2026Q4",
                "`2026Q4` is not how a quarter is written\nhint: write `2026-Q4`",
            ),
            (
                "2026-q4",
                "`2026-q4` is not how a quarter is written\nhint: write `2026-Q4`",
            ),
            (
                " 2026-Q4",
                "` 2026-Q4` is not how a quarter is written\nhint: write `2026-Q4`",
            ),
            (
                "26-Q4",
                "`26-Q4` is not how a quarter is written\nhint: write `2026-Q4`",
            ),
        ],
    );
    for text in [
        "",
        "Q4",
        "2026",
        "2026-Q5",
        "2026-Q0",
        "2026-Q",
        "2026-Q44",
        "026-Q4",
        "12026-Q4",
        "0000-Q1",
        "+026-Q1",
        "2026-Q+1",
        "2026-Q٤",
        "٢٠٢٦-Q4",
        "-Q1",
        "FY-Q1",
        "FYFY27-Q1",
        "2026-H1",
    ] {
        let expected =
            format!("`{text}` is not a quarter\nhint: quarters are written as `2026-Q4`");
        check(&FiscalCalendar::default(), &[(text, &expected)]);
    }
}

#[test]
fn where_it_starts_in_another_month() {
    let right = "is not how a quarter is written\nhint: write `FY27-Q3`";
    for text in [
        "FY2027-Q3",
        "FY27Q3",
        "27-Q3",
        "27Q3",
        "fy27-q3",
        "FY27-q3",
        "FY 27 Q3",
        "FY27/Q3",
        "FY-27-Q3",
    ] {
        let expected = format!("`{text}` {right}");
        check(&months(4, NamedBy::End), &[(text, &expected)]);
    }
    for text in [
        "",
        "Q3",
        "FY27",
        "FY27-Q5",
        "FY027-Q3",
        "FY0000-Q1",
        "2026-Q5",
        "2026-H1",
    ] {
        let expected =
            format!("`{text}` is not a quarter\nhint: quarters are written as `FY27-Q3`");
        check(&months(4, NamedBy::End), &[(text, &expected)]);
    }
}

#[test]
fn quarters_of_the_calendar_year_are_named_as_the_fiscal_ones() {
    let wrong = "is a quarter of the calendar year, and the fiscal year does not start in January\nhint: its days are";
    for (starts, named_by, text, right) in [
        (
            4,
            NamedBy::End,
            "2026-Q4",
            "those of `FY27-Q3` (1 Oct 2026 - 31 Dec 2026)",
        ),
        (
            4,
            NamedBy::Start,
            "2026-Q4",
            "those of `FY26-Q3` (1 Oct 2026 - 31 Dec 2026)",
        ),
        (
            7,
            NamedBy::End,
            "2026q1",
            "those of `FY26-Q3` (1 Jan 2026 - 31 Mar 2026)",
        ),
        (
            10,
            NamedBy::End,
            "2026-Q4",
            "those of `FY27-Q1` (1 Oct 2026 - 31 Dec 2026)",
        ),
        (
            2,
            NamedBy::End,
            "2026-Q4",
            "in `FY27-Q3` (1 Aug 2026 - 31 Oct 2026) and `FY27-Q4` (1 Nov 2026 - 31 Jan 2027)",
        ),
        (
            2,
            NamedBy::Start,
            "2026-Q1",
            "in `FY25-Q4` (1 Nov 2025 - 31 Jan 2026) and `FY26-Q1` (1 Feb 2026 - 30 Apr 2026)",
        ),
    ] {
        let expected = format!("`{text}` {wrong} {right}");
        check(&months(starts, named_by), &[(text, &expected)]);
    }
}

#[test]
fn names_that_are_not_written_down() {
    check(
        &listed(),
        &[
            (
                "FY27-Q4",
                "`FY27-Q4` is not in `fiscal_year.quarters`\nhint: one of `FY27-Q1`, `FY27-Q2`, `FY27-Q3`",
            ),
            (
                "2026-Q4",
                "`2026-Q4` is not in `fiscal_year.quarters`\nhint: one of `FY27-Q1`, `FY27-Q2`, `FY27-Q3`",
            ),
        ],
    );
    let quarters: Vec<String> = (1..=15)
        .map(|n| format!("{{name: D{n}, from: 2026-01-{n:02}, to: 2026-01-{n:02}}}"))
        .collect();
    let many = read(&format!("quarters: [{}]", quarters.join(", "))).unwrap();
    check(
        &many,
        &[(
            "D16",
            "`D16` is not in `fiscal_year.quarters`\nhint: one of `D4`, `D5`, `D6`, `D7`, `D8`, `D9`, `D10`, `D11`, \
             `D12`, `D13`, `D14`, `D15`, or of 3 before them",
        )],
    );
}

/// It may come from a terminal or a request.
#[test]
fn a_text_is_repeated_as_far_as_it_is_short_and_harmless() {
    let text = format!("\u{1b}[31m{}", "x".repeat(100));
    let shown = format!("\u{fffd}[31m{}…", "x".repeat(35));
    check(
        &FiscalCalendar::default(),
        &[(
            &text,
            &format!("`{shown}` is not a quarter\nhint: quarters are written as `2026-Q4`"),
        )],
    );
    let error = FiscalCalendar::default().quarter("FY27-Q1").unwrap_err();
    assert_eq!(error.hint(), Some("write `2027-Q1`"));
    assert_eq!(
        error.message(),
        "`FY27-Q1` is a quarter of a fiscal year, and the year starts in January"
    );
}

#[test]
fn periods_of_days() {
    let apia = FiscalCalendar::of_months("Pacific/Apia", 1, NamedBy::End).unwrap();
    let form = "such as `2026-01-15`\nhint: a period is written as `2026-01-15..2026-02-14`, both days included";
    for (text, expected) in [
        ("2026-01-15..", &*format!("`` is not a day, {form}")),
        ("..2026-01-15", &format!("`` is not a day, {form}")),
        (
            "2026-02-30..2026-03-01",
            &format!("`2026-02-30` is not a day, {form}"),
        ),
        (
            "20260115..2026-03-01",
            &format!("`20260115` is not a day, {form}"),
        ),
        (
            "2026-01-15T00:00:00..2026-03-01",
            &format!("`2026-01-15T00:00:00` is not a day, {form}"),
        ),
        (
            "2026-01-15...2026-03-01",
            &format!("`.2026-03-01` is not a day, {form}"),
        ),
        (
            "2026-Q1..2026-Q2",
            &format!("`2026-Q1` is not a day, {form}"),
        ),
        (
            "2026-02-14..2026-01-15",
            "a period from 2026-02-14 to 2026-01-15 ends before it begins\nhint: write `2026-01-15..2026-02-14`",
        ),
        (
            "2010-01-01..2020-01-09",
            "a period from 2010-01-01 to 2020-01-09 has 3661 days, more than 3660",
        ),
        (
            "2011-12-30..2011-12-30",
            "a period from 2011-12-30 to 2011-12-30 has no time in Pacific/Apia, which skipped it",
        ),
    ] {
        let error = apia.period(text, at("2026-05-05T00:00:00Z")).unwrap_err();
        assert_eq!(error.to_string(), expected, "{text:?}");
    }
}

#[test]
fn where_there_is_no_current_quarter_or_none_has_ended() {
    let calendar = listed();
    for (now, text, expected) in [
        (
            "2026-01-31T22:59:59Z",
            "current",
            "no quarter has the day 2026-01-31\nhint: `FY27-Q1` (1 Feb 2026 - 2 May 2026) is after it",
        ),
        (
            "2026-08-05T12:00:00Z",
            "current",
            "no quarter has the day 2026-08-05\nhint: `FY27-Q2` (3 May 2026 - 1 Aug 2026) is before it, \
             `FY27-Q3` (10 Aug 2026 - 1 Nov 2026) is after it",
        ),
        (
            "2026-11-01T23:00:00Z",
            "current",
            "no quarter has the day 2026-11-02\nhint: `FY27-Q3` (10 Aug 2026 - 1 Nov 2026) is before it",
        ),
        (
            "2026-01-10T12:00:00Z",
            "last",
            "no quarter has ended before 2026-01-10\nhint: `FY27-Q1` (1 Feb 2026 - 2 May 2026) ends first",
        ),
        (
            "2026-05-02T21:59:59Z",
            "last",
            "no quarter has ended before 2026-05-02\nhint: `FY27-Q1` (1 Feb 2026 - 2 May 2026) ends first",
        ),
    ] {
        let error = calendar.period(text, at(now)).unwrap_err();
        assert_eq!(error.to_string(), expected, "{now} {text}");
    }
    let ancient = at("-000001-05-05T00:00:00Z");
    let error = FiscalCalendar::default()
        .period("current", ancient)
        .unwrap_err();
    assert_eq!(error.to_string(), "no quarter has the day -000001-05-05");
    let error = FiscalCalendar::default()
        .period("last", ancient)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "no quarter has ended before -000001-05-05"
    );
}
