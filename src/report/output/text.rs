//! Figures, days and spans of time, for people. Templates hand over references.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::report::figures;
use crate::report::model::{ChangeKind, Movement, MovementKind, PeriodOf, RecordState};

/// A share as a percentage, or a dash where there is none.
pub(super) fn share(share: &Option<f64>) -> String {
    share.as_ref().map_or_else(|| "–".to_owned(), percent)
}

/// A share as a percentage.
pub(super) fn percent(share: &f64) -> String {
    figures::percent(*share)
}

/// The same in whole per cent and without a sign: 100 only where it is all, 0 only where it is nothing.
pub(super) fn whole(share: f64) -> String {
    let rounded = (share * 100.0).round();
    let shown = match share > 0.0 && share < 1.0 {
        true => rounded.clamp(1.0, 99.0),
        false => rounded,
    };
    format!("{shown:.0}")
}

/// The difference of two shares, in points.
pub(super) fn points(now: &Option<f64>, before: &Option<f64>) -> String {
    match now.zip(*before) {
        Some((now, before)) => gain(&(now - before)),
        None => "–".to_owned(),
    }
}

/// A difference of shares, in points.
pub(super) fn gain(difference: &f64) -> String {
    format!("{:+.1}", 100.0 * difference)
}

/// A value of a key result: a percentage, or a number with its unit.
pub(super) fn value(value: &Option<f64>, unit: &str) -> String {
    value
        .as_ref()
        .map_or_else(|| "–".to_owned(), |value| quantity(value, unit))
}

/// A value that there is.
pub(super) fn quantity(value: &f64, unit: &str) -> String {
    match unit {
        "" => percent(value),
        unit => format!("{} {unit}", figures::number(*value)),
    }
}

/// A score, two digits.
pub(super) fn score(score: &Option<f64>) -> String {
    score.as_ref().map_or_else(|| "–".to_owned(), figure)
}

/// A score that there is.
pub(super) fn figure(score: &f64) -> String {
    format!("{score:.2}")
}

/// A day.
pub(super) fn date(day: &Date) -> String {
    day.strftime("%-d %b %Y").to_string()
}

/// The day of a moment.
pub(super) fn day(at: &Timestamp, zone: &TimeZone) -> String {
    date(&at.to_zoned(zone.clone()).date())
}

/// The minute of a moment.
pub(super) fn minute(at: &Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone())
        .strftime("%-d %b %Y %H:%M")
        .to_string()
}

/// Of a period that is not over, until when it was measured.
pub(super) fn so_far(period: &PeriodOf, zone: &TimeZone) -> String {
    match (period.is_closed, period.through) {
        (true, _) => String::new(),
        (false, Some(through)) => {
            format!("; not over yet, measured until {}", minute(&through, zone))
        }
        (false, None) => "; not over yet, nothing measured".to_owned(),
    }
}

/// A length of time, as people say it: the largest unit alone.
pub(super) fn length(from: &Timestamp, to: &Timestamp) -> String {
    let seconds = to.duration_since(*from).as_secs().max(0);
    let units = [
        (7 * 86_400, "week", "weeks"),
        (86_400, "day", "days"),
        (3_600, "hour", "hours"),
        (60, "minute", "minutes"),
        (1, "second", "seconds"),
    ];
    for (length, one, many) in units {
        // Two weeks, but ten days.
        let least = if length == 7 * 86_400 {
            2 * length
        } else {
            length
        };
        if seconds >= least {
            let count = seconds / length;
            return format!("{count} {}", if count == 1 { one } else { many });
        }
    }
    "no time".to_owned()
}

/// Kinds of changes as they are listed, with their titles.
pub(super) const CHANGES: [(ChangeKind, &str); 5] = [
    (ChangeKind::NewlyViolating, "Newly violating"),
    (ChangeKind::WaiverEnded, "Violating since a waiver ended"),
    (
        ChangeKind::FoundViolating,
        "Found violating, not measured before",
    ),
    (ChangeKind::NewlyCompliant, "Newly compliant"),
    (ChangeKind::NewlyWaived, "Newly waived"),
];

/// For tables.
pub(super) fn change(kind: &ChangeKind) -> &'static str {
    match kind {
        ChangeKind::NewlyCompliant => "newly compliant",
        ChangeKind::NewlyViolating => "newly violating",
        ChangeKind::WaiverEnded => "waiver ended",
        ChangeKind::FoundViolating => "found violating",
        ChangeKind::NewlyWaived => "newly waived",
    }
}

/// What happened to a service.
pub(super) fn movement(movement: &Movement) -> String {
    let who = service(&movement.service, &movement.environment);
    match movement.what {
        MovementKind::Came => format!("{who} was added ({})", team(&movement.to_team)),
        MovementKind::Went => format!("{who} was removed ({})", team(&movement.from_team)),
        MovementKind::ChangedHands => format!(
            "{who} moved from {} to {}",
            team(&movement.from_team),
            team(&movement.to_team)
        ),
    }
}

pub(super) fn record(state: &RecordState) -> &'static str {
    match state {
        RecordState::EndsSoon => "ends soon",
        RecordState::Active => "active",
        RecordState::Ended => "ended",
    }
}

/// A service, or the estate.
pub(super) fn service(name: &str, environment: &str) -> String {
    match (name, environment) {
        ("", _) => "the estate".to_owned(),
        (name, "") => name.to_owned(),
        (name, environment) => format!("{name} ({environment})"),
    }
}

/// A name of a label, in words.
pub(super) fn words(name: &str) -> String {
    name.replace('_', " ")
}

/// A team, or that there is none.
pub(super) fn team(name: &str) -> &str {
    match name {
        "" => "no team",
        name => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_as_people_say_them() {
        assert_eq!(
            (share(&Some(0.8215)), share(&None)),
            ("82.2 %".to_owned(), "–".to_owned())
        );
        assert_eq!(
            [
                whole(0.999),
                whole(0.667),
                whole(0.002),
                whole(0.0),
                whole(1.0)
            ],
            ["99", "67", "1", "0", "100"]
        );
        assert_eq!(points(&Some(0.8), &Some(0.75)), "+5.0");
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        assert_eq!(length(&at(0), &at(10 * 86_400)), "10 days");
        assert_eq!(length(&at(0), &at(21 * 86_400)), "3 weeks");
        assert_eq!(length(&at(0), &at(61)), "1 minute");
    }
}
