//! What is wrong with the name of a quarter or period, and what to write instead.

use std::fmt;

use jiff::civil::Date;

use super::quarter::Quarter;

/// Characters of a text that a message repeats.
const SHOWN_CHARS_MAX: usize = 40;
/// Quarters that a hint lists.
const LISTED_MAX: usize = 12;

/// A quarter or period that there is not. `Display` is the whole message, the hint on a line of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalendarError {
    message: Box<str>,
    hint: Option<Box<str>>,
}

impl CalendarError {
    /// What is wrong.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to write instead.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    fn new(message: String) -> Self {
        Self {
            message: message.into(),
            hint: None,
        }
    }

    fn with_hint(mut self, hint: String) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same where other periods than quarters may be asked for.
    pub(super) fn or_days(mut self) -> Self {
        let others =
            "or ask for `current`, `last`, or days `2026-01-15..2026-02-14`, both included";
        self.hint = Some(match self.hint {
            Some(hint) => format!("{hint}; {others}").into(),
            None => others.into(),
        });
        self
    }

    /// Nothing that looks like a quarter.
    pub(super) fn no_quarter(text: &str, example: &str) -> Self {
        Self::new(format!("`{}` is not a quarter", shown(text)))
            .with_hint(format!("quarters are written as `{example}`"))
    }

    /// A quarter in another spelling than its own.
    pub(super) fn misspelt(text: &str, right: &Quarter) -> Self {
        Self::new(format!("`{}` is not how a quarter is written", shown(text)))
            .with_hint(format!("write `{}`", right.name))
    }

    /// A quarter of the calendar year, where the fiscal year is another: the quarters that have its days.
    pub(super) fn of_calendar_year(text: &str, fiscal: &[Quarter]) -> Self {
        let error = Self::new(format!(
            "`{}` is a quarter of the calendar year, and the fiscal year does not start in January",
            shown(text)
        ));
        match fiscal {
            [same] => error.with_hint(format!("its days are those of {}", same.quoted())),
            several => {
                let several: Vec<String> = several.iter().map(Quarter::quoted).collect();
                error.with_hint(format!("its days are in {}", several.join(" and ")))
            }
        }
    }

    /// A quarter of a fiscal year, where the year is that of the calendar.
    pub(super) fn of_fiscal_year(text: &str, right: &Quarter) -> Self {
        Self::new(format!(
            "`{}` is a quarter of a fiscal year, and the year starts in January",
            shown(text)
        ))
        .with_hint(format!("write `{}`", right.name))
    }

    /// A name that is not among those of the configuration.
    pub(super) fn not_listed(text: &str, listed: &[Quarter]) -> Self {
        // The newest are those that people ask for.
        let hidden = listed.len().saturating_sub(LISTED_MAX);
        let names: Vec<String> = listed[hidden..]
            .iter()
            .map(|quarter| format!("`{}`", quarter.name))
            .collect();
        let names = names.join(", ");
        let message = format!("`{}` is not in `fiscal_year.quarters`", shown(text));
        Self::new(message).with_hint(match hidden {
            0 => format!("one of {names}"),
            hidden => format!("one of {names}, or of {hidden} before them"),
        })
    }

    /// A day that no quarter has, with those on either side of it.
    pub(super) fn no_quarter_of(
        day: Date,
        before: Option<&Quarter>,
        after: Option<&Quarter>,
    ) -> Self {
        let error = Self::new(format!("no quarter has the day {day}"));
        let before = before.map(|before| format!("{} is before it", before.quoted()));
        let after = after.map(|after| format!("{} is after it", after.quoted()));
        let sides: Vec<String> = before.into_iter().chain(after).collect();
        match sides.is_empty() {
            true => error,
            false => error.with_hint(sides.join(", ")),
        }
    }

    /// A day before which no quarter has ended, with the one that ends first.
    pub(super) fn none_ended(day: Date, first: Option<&Quarter>) -> Self {
        let error = Self::new(format!("no quarter has ended before {day}"));
        match first {
            Some(first) => error.with_hint(format!("{} ends first", first.quoted())),
            None => error,
        }
    }

    /// One end of a period that is no day.
    pub(super) fn no_day(text: &str) -> Self {
        let day = shown(text);
        Self::new(format!("`{day}` is not a day, such as `2026-01-15`"))
            .with_hint("a period is written as `2026-01-15..2026-02-14`, both days included".into())
    }

    /// A period that ends before it begins.
    pub(super) fn reversed(first: Date, last: Date) -> Self {
        Self::new(format!(
            "a period from {first} to {last} ends before it begins"
        ))
        .with_hint(format!("write `{last}..{first}`"))
    }

    /// A period of more days than allowed.
    pub(super) fn too_long(first: Date, last: Date, days: i64, days_max: i64) -> Self {
        Self::new(format!(
            "a period from {first} to {last} has {days} days, more than {days_max}"
        ))
    }

    /// A period of days that a time zone skipped.
    pub(super) fn skipped(first: Date, last: Date, zone: &str) -> Self {
        Self::new(format!(
            "a period from {first} to {last} has no time in {zone}, which skipped it"
        ))
    }
}

impl std::error::Error for CalendarError {}

impl fmt::Display for CalendarError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

/// What was written, as far as a message repeats it: it must neither fill nor drive the reader's terminal.
fn shown(text: &str) -> String {
    let inert = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    let mut shown: String = text.chars().take(SHOWN_CHARS_MAX).map(inert).collect();
    if text.chars().nth(SHOWN_CHARS_MAX).is_some() {
        shown.push('…');
    }
    shown
}
