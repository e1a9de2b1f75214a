//! Durations as Prometheus writes them: `1h30m`, `15s`, `500ms`, `0`.

use std::fmt;
use std::time::Duration;

use thiserror::Error;

/// Why a text is not a duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DurationError {
    /// Not of the form `1h30m`, or its units not in falling order.
    #[error("not a duration")]
    Syntax,
    /// More than 292 years: the nanoseconds that Prometheus counts in overflow.
    #[error("longer than 292 years")]
    Overflow,
}

/// Unit and its length in milliseconds, in the order in which they may follow one another.
const UNITS: [(&str, u64); 7] = [
    ("y", 365 * 24 * 3_600_000),
    ("w", 7 * 24 * 3_600_000),
    ("d", 24 * 3_600_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// The longest duration that fits Prometheus's signed nanoseconds.
const MILLISECONDS_MAX: u64 = (i64::MAX / 1_000_000) as u64;

/// Reads a duration. `0` needs no unit; everything else does.
pub fn parse(text: &str) -> Result<Duration, DurationError> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    if text.is_empty() {
        return Err(DurationError::Syntax);
    }
    let mut total: u64 = 0;
    let mut rest = text;
    let mut units = UNITS.iter();
    while !rest.is_empty() {
        let digits_end = rest
            .find(|c: char| !c.is_ascii_digit())
            .ok_or(DurationError::Syntax)?;
        let (digits, tail) = rest.split_at(digits_end);
        let unit_end = tail
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_end);
        let (_, length) = units
            .find(|(name, _)| *name == unit)
            .ok_or(DurationError::Syntax)?;
        if digits.is_empty() {
            return Err(DurationError::Syntax);
        }
        total = digits
            .parse::<u64>()
            .ok()
            .and_then(|count| count.checked_mul(*length))
            .and_then(|part| part.checked_add(total))
            .filter(|total| *total <= MILLISECONDS_MAX)
            .ok_or(DurationError::Overflow)?;
        rest = tail;
    }
    Ok(Duration::from_millis(total))
}

/// Shows a duration as Prometheus does in `__scrape_interval__`; anything finer than a
/// millisecond is left out.
pub fn display(duration: Duration) -> impl fmt::Display {
    struct Shown(u64);
    impl fmt::Display for Shown {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            let mut rest = self.0;
            if rest == 0 {
                return f.write_str("0s");
            }
            for (unit, length) in UNITS {
                // Years, weeks and days only where they say it exactly: `30d`, but `25h`.
                let coarse = matches!(unit, "y" | "w" | "d");
                if rest < length || (coarse && !rest.is_multiple_of(length)) {
                    continue;
                }
                write!(f, "{}{unit}", rest / length)?;
                rest %= length;
            }
            Ok(())
        }
    }
    Shown(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_prometheus_reads() {
        for (text, milliseconds) in [
            ("0", 0),
            ("0s", 0),
            ("500ms", 500),
            ("15s", 15_000),
            ("1h30m", 5_400_000),
            ("1d", 86_400_000),
            ("4d1h5m10s123ms", 349_510_123),
            ("1y", 31_536_000_000),
        ] {
            assert_eq!(
                parse(text),
                Ok(Duration::from_millis(milliseconds)),
                "{text}"
            );
        }
    }

    #[test]
    fn what_prometheus_refuses() {
        for text in [
            "", "1", "s", "1.5s", "-1s", " 1s", "1s ", "30m1h", "1m1m", "1µs", "1S", "ms",
        ] {
            assert_eq!(parse(text), Err(DurationError::Syntax), "{text:?}");
        }
        for text in ["300y", "99999999999999999999s", "18446744073709551615y"] {
            assert_eq!(parse(text), Err(DurationError::Overflow), "{text:?}");
        }
    }

    #[test]
    fn shown_as_read() {
        for text in [
            "0s", "500ms", "15s", "1m30s", "1h", "1d", "2w", "1y", "25h", "1h0m",
        ] {
            let shown = display(parse(text).unwrap()).to_string();
            assert_eq!(parse(&shown), parse(text), "{text}");
            assert_eq!(shown, if text == "1h0m" { "1h" } else { text });
        }
    }
}
