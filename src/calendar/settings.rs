//! `fiscal_year`: when quarters begin and end, and what they are called.

use std::collections::HashSet;

use serde::Deserialize;
use serde_saphyr::Location;

use super::fiscal::{Division, FiscalCalendar};
use super::months::{FiscalMonths, NamedBy};
use super::period::{CURRENT, DAYS_BETWEEN, LAST, PERIOD_DAYS_MAX, days_in};
use super::quarter::Quarter;
use super::zone::{Zone, nearest, tzdb_version};
use crate::document::yaml::{At, Source};
use crate::document::{Day, DocumentError};

/// Quarters that may be written down: a century.
const QUARTERS_MAX: usize = 400;
/// Characters of a quarter's name.
const NAME_CHARS_MAX: usize = 32;

/// `fiscal_year` as written.
#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawFiscalYear {
    starts: Option<At<String>>,
    named_by: Option<At<NamedBy>>,
    time_zone: Option<At<String>>,
    quarters: Option<At<Vec<At<RawQuarter>>>>,
}

/// An entry of its `quarters`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawQuarter {
    name: At<String>,
    from: At<Day>,
    to: At<Day>,
}

impl RawFiscalYear {
    /// Makes the calendar ready.
    pub(crate) fn resolve(self, source: Source<'_>) -> Result<FiscalCalendar, DocumentError> {
        let zone = match self.time_zone {
            Some(written) => zone(source, &written)?,
            None => Zone::utc(),
        };
        let division = match self.quarters {
            Some(quarters) => {
                alone(source, "starts", self.starts.map(|at| at.referenced))?;
                alone(source, "named_by", self.named_by.map(|at| at.referenced))?;
                Division::Listed(listed(source, quarters)?)
            }
            None => {
                let named_by = self.named_by.map_or_else(NamedBy::default, |at| at.value);
                Division::Months(months(source, self.starts, named_by)?)
            }
        };
        Ok(FiscalCalendar::new(zone, division))
    }
}

fn zone(source: Source<'_>, written: &At<String>) -> Result<Zone, DocumentError> {
    Zone::named(&written.value).ok_or_else(|| {
        let (name, version) = (&written.value, tzdb_version());
        let message =
            format!("`{name}` is not a time zone of the IANA database, release {version}");
        let error = source.error(written.referenced, message);
        let names = nearest(name).into_iter().map(|name| format!("`{name}`"));
        match names.collect::<Vec<_>>().join(" or ") {
            names if names.is_empty() => error,
            names => error.with_hint(format!("did you mean {names}?")),
        }
    })
}

/// Refuses a key that says what written quarters say themselves.
fn alone(source: Source<'_>, key: &str, at: Option<Location>) -> Result<(), DocumentError> {
    match at {
        Some(at) => {
            let message =
                format!("`{key}` has no place beside `quarters`, which say it themselves");
            Err(source.error(at, message))
        }
        None => Ok(()),
    }
}

fn months(
    source: Source<'_>,
    starts: Option<At<String>>,
    named_by: NamedBy,
) -> Result<FiscalMonths, DocumentError> {
    let Some(starts) = starts else {
        return Ok(FiscalMonths::CALENDAR_YEAR);
    };
    let error = |message: String| source.error(starts.referenced, message);
    let text = &starts.value;
    let (month, day) = month_and_day(text)
        .ok_or_else(|| error(format!("`{text}` is not a month and day, such as `02-01`")))?;
    let months = FiscalMonths::new(month, named_by)
        .ok_or_else(|| error(format!("`{text}`: month {month} is not in 1..=12")))?;
    match day {
        1 => Ok(months),
        _ => Err(
            error(format!("`{text}` is not the first day of a month")).with_hint(
                "years of 52 or 53 weeks, as of 4-4-5, are written as `quarters`: name, from, to",
            ),
        ),
    }
}

/// The numbers of `02-01`.
fn month_and_day(text: &str) -> Option<(i8, i8)> {
    let number = |digits: &str| {
        let is_number = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse::<i8>().ok().filter(|_| is_number)
    };
    let (month, day) = text.split_once('-')?;
    Some((number(month)?, number(day)?))
}

/// The quarters that are written down, the oldest first.
fn listed(source: Source<'_>, raw: At<Vec<At<RawQuarter>>>) -> Result<Vec<Quarter>, DocumentError> {
    if raw.value.is_empty() {
        return Err(source.error(raw.referenced, "`quarters` is empty"));
    }
    let mut names = HashSet::new();
    let mut quarters = Vec::new();
    for entry in raw.value {
        if quarters.len() == QUARTERS_MAX {
            return Err(source.error(
                entry.referenced,
                format!("more than {QUARTERS_MAX} quarters"),
            ));
        }
        let (quarter, at) = one(source, entry.value)?;
        if !names.insert(quarter.name.clone()) {
            let message = format!("quarter `{}` is defined twice", quarter.name);
            return Err(source.error(at, message));
        }
        quarters.push((quarter, at));
    }
    quarters.sort_by(|(one, _), (other, _)| one.cmp(other));
    apart(source, &quarters)?;
    Ok(quarters.into_iter().map(|(quarter, _)| quarter).collect())
}

fn one(source: Source<'_>, raw: RawQuarter) -> Result<(Quarter, Location), DocumentError> {
    let (name, at) = (raw.name.value, raw.name.referenced);
    if let Some(message) = wrong_name(&name) {
        return Err(source.error(at, message));
    }
    let (first, last) = (raw.from.value.0, raw.to.value.0);
    if first > last {
        let message = format!("quarter `{name}` ends on {last}, before it begins on {first}");
        return Err(source.error(raw.to.referenced, message));
    }
    let days = days_in(first, last);
    if days > PERIOD_DAYS_MAX {
        let message = format!("quarter `{name}` has {days} days, more than {PERIOD_DAYS_MAX}");
        return Err(source.error(raw.to.referenced, message));
    }
    Ok((Quarter { first, last, name }, at))
}

/// Why a text cannot be the name of a quarter: it must be one word of a command line, a URL and a label, and mean
/// nothing else there.
fn wrong_name(name: &str) -> Option<String> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let length = name.chars().count();
    match name {
        CURRENT | LAST => Some(format!(
            "`{name}` cannot name a quarter: it asks for the {name} one"
        )),
        _ if !(1..=NAME_CHARS_MAX).contains(&length) => Some(format!(
            "a quarter's name of {length} characters is not in 1..={NAME_CHARS_MAX}"
        )),
        _ if !name.chars().all(is_allowed) => Some(format!(
            "`{name}` cannot name a quarter: letters, digits, `.`, `_` and `-` can"
        )),
        _ if name.contains(DAYS_BETWEEN) => Some(format!(
            "`{name}` cannot name a quarter: `{DAYS_BETWEEN}` stands between the days of a period"
        )),
        _ => None,
    }
}

/// Refuses quarters, the oldest first, that share a day.
fn apart(source: Source<'_>, quarters: &[(Quarter, Location)]) -> Result<(), DocumentError> {
    let overlap = quarters
        .iter()
        .zip(quarters.iter().skip(1))
        .find(|((before, _), (after, _))| after.first <= before.last);
    match overlap {
        Some(((before, _), (after, at))) => {
            let message = format!(
                "quarter {} overlaps with {}",
                after.quoted(),
                before.quoted()
            );
            Err(source.error(*at, message))
        }
        None => Ok(()),
    }
}
