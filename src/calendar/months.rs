//! Quarters of three months: a fiscal year that starts on the first of a month.

use std::ops::RangeInclusive;

use jiff::ToSpan as _;
use jiff::civil::Date;
use serde::Deserialize;

use super::error::CalendarError;
use super::quarter::Quarter;

/// Years that two digits stand for.
const YEARS_OF_TWO_DIGITS: RangeInclusive<i16> = 1970..=2069;
/// Years that a name can say.
const YEARS: RangeInclusive<i16> = 1..=9999;

/// Which calendar year a fiscal year is named after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NamedBy {
    /// The one in which it starts.
    Start,
    /// The one in which it ends.
    #[default]
    End,
}

/// A fiscal year of twelve months.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FiscalMonths {
    /// 1 to 12.
    starts: i8,
    named_by: NamedBy,
}

impl FiscalMonths {
    /// The year that everybody knows. It ends in the year in which it starts.
    pub(super) const CALENDAR_YEAR: Self = Self {
        starts: 1,
        named_by: NamedBy::Start,
    };

    /// The fiscal year that starts in a month, 1 to 12.
    pub(super) fn new(starts: i8, named_by: NamedBy) -> Option<Self> {
        match starts {
            1 => Some(Self::CALENDAR_YEAR),
            2..=12 => Some(Self { starts, named_by }),
            _ => None,
        }
    }

    /// The quarter that has a day.
    pub(super) fn quarter_of(self, day: Date) -> Option<Quarter> {
        let months = (day.month() - self.starts).rem_euclid(12);
        let begins = day.year() - i16::from(day.month() < self.starts);
        self.quarter(begins, months / 3 + 1)
    }

    /// The quarter of that name.
    pub(super) fn named(self, text: &str) -> Result<Quarter, CalendarError> {
        let none = || CalendarError::no_quarter(text, self.example());
        let written = Written::read(text).ok_or_else(none)?;
        match (self.is_calendar_year(), written.numbering) {
            (false, Numbering::Calendar) => {
                let fiscal = self.of_calendar_quarter(written).ok_or_else(none)?;
                Err(CalendarError::of_calendar_year(text, &fiscal))
            }
            (true, Numbering::Fiscal) => {
                let right = self.numbered(written).ok_or_else(none)?;
                Err(CalendarError::of_fiscal_year(text, &right))
            }
            (false, Numbering::Fiscal)
            | (true, Numbering::Calendar)
            | (true | false, Numbering::Unsaid) => {
                let right = self.numbered(written).ok_or_else(none)?;
                match right.name == text {
                    true => Ok(right),
                    false => Err(CalendarError::misspelt(text, &right)),
                }
            }
        }
    }

    fn is_calendar_year(self) -> bool {
        self == Self::CALENDAR_YEAR
    }

    fn example(self) -> &'static str {
        match self.is_calendar_year() {
            true => "2026-Q4",
            false => "FY27-Q3",
        }
    }

    /// The years that lie between the one in which a fiscal year starts and the one that it is named after.
    fn years_ahead(self) -> i16 {
        match self.named_by {
            NamedBy::Start => 0,
            NamedBy::End => 1,
        }
    }

    /// The quarter of a fiscal year and number.
    fn numbered(self, written: Written) -> Option<Quarter> {
        self.quarter(written.year - self.years_ahead(), written.number)
    }

    /// The quarter, 1 to 4, of the fiscal year that starts in a calendar year.
    fn quarter(self, begins: i16, number: i8) -> Option<Quarter> {
        let months = self.starts - 1 + 3 * (number - 1);
        let first = Date::new(begins + i16::from(months / 12), months % 12 + 1, 1).ok()?;
        let last = first.checked_add(2.months()).ok()?.last_of_month();
        let name = self.name(begins + self.years_ahead(), number)?;
        Some(Quarter { first, last, name })
    }

    fn name(self, year: i16, number: i8) -> Option<String> {
        match self.is_calendar_year() {
            _ if !YEARS.contains(&year) => None,
            true => Some(format!("{year:04}-Q{number}")),
            false if YEARS_OF_TWO_DIGITS.contains(&year) => {
                Some(format!("FY{:02}-Q{number}", year % 100))
            }
            // No two quarters have one name.
            false => Some(format!("FY{year:04}-Q{number}")),
        }
    }

    /// The quarters that have the days of one of the calendar year: one, or two.
    fn of_calendar_quarter(self, written: Written) -> Option<Vec<Quarter>> {
        let calendar = Self::CALENDAR_YEAR.numbered(written)?;
        let mut fiscal = vec![
            self.quarter_of(calendar.first)?,
            self.quarter_of(calendar.last)?,
        ];
        fiscal.dedup();
        Some(fiscal)
    }
}

/// Whose years somebody wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Numbering {
    /// The calendar's: four digits alone, `2026-Q4`.
    Calendar,
    /// A fiscal year's, `FY27-Q3`.
    Fiscal,
    /// Two digits alone, `27-Q3`.
    Unsaid,
}

/// A quarter as somebody wrote it, well or not: read with indulgence, so that a message can say what is right.
#[derive(Debug, Clone, Copy)]
struct Written {
    numbering: Numbering,
    year: i16,
    /// 1 to 4.
    number: i8,
}

impl Written {
    fn read(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_uppercase();
        let (year, number) = text.split_once('Q')?;
        let number = match number {
            "1" => 1,
            "2" => 2,
            "3" => 3,
            "4" => 4,
            _ => return None,
        };
        let separators = ['-', '_', '/', '.', ' '];
        let year = year.trim_end_matches(separators);
        let fiscal = year.strip_prefix("FY");
        let digits = fiscal.unwrap_or(year).trim_start_matches(separators);
        let numbering = match (fiscal, digits.len()) {
            (Some(_), _) => Numbering::Fiscal,
            (None, 4) => Numbering::Calendar,
            (None, _) => Numbering::Unsaid,
        };
        Some(Self {
            numbering,
            year: full_year(digits)?,
            number,
        })
    }
}

/// The year that two or four digits mean.
fn full_year(digits: &str) -> Option<i16> {
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    let year: i16 = digits.parse().ok().filter(|_| is_number)?;
    match digits.len() {
        4 => Some(year),
        2 if YEARS_OF_TWO_DIGITS.contains(&(1900 + year)) => Some(1900 + year),
        2 => Some(2000 + year),
        _ => None,
    }
}
