//! Durations, sizes and counts as Prometheus's configuration writes them.

use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;
use serde::de::Deserializer;

use super::duration::{self, DurationError};
use super::value::{Scalar, from_scalar};

/// A duration that may be 0, which turns off what it bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Period(pub(crate) Duration);

impl FromStr for Period {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match duration::parse(text) {
            Ok(duration) => Ok(Self(duration)),
            Err(error @ DurationError::Syntax) => {
                Err(format!("`{text}` is {error}, such as `15s` or `1h30m`"))
            }
            Err(error @ DurationError::Overflow) => Err(format!("`{text}` is {error}")),
        }
    }
}
from_scalar!(Period, "a duration such as `15s`");

/// A number of bytes: `10MB`, `1.5GiB`, `1GB500MB`, `0`. Units are powers of 1024 either way, and a number without one
/// is none, as in Prometheus (alecthomas/units, `Base2Bytes`). Less than 0 is no limit there, as 0 is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ByteSize(pub(crate) u64);

impl FromStr for ByteSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (is_negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        if unsigned == "0" {
            return Ok(Self(0));
        }
        let mut total = 0.0;
        let mut rest = unsigned;
        while !rest.is_empty() {
            let digits = rest
                .find(|c: char| !c.is_ascii_digit() && c != '.')
                .unwrap_or(rest.len());
            let (number, tail) = rest.split_at(digits);
            let unit = tail
                .find(|c: char| c.is_ascii_digit() || c == '.')
                .unwrap_or(tail.len());
            let (unit, tail) = tail.split_at(unit);
            total += size(number, unit).ok_or_else(|| not_a_size(text))?;
            rest = tail;
        }
        if unsigned.is_empty() {
            return Err(not_a_size(text));
        }
        // Beyond 16 EiB there is no size.
        if total >= u64::MAX as f64 {
            return Err(format!("`{text}` is larger than 16 EiB"));
        }
        Ok(Self(if is_negative { 0 } else { total as u64 }))
    }
}

/// A number with its unit, in bytes.
fn size(number: &str, unit: &str) -> Option<f64> {
    let power = match unit {
        "B" => 0,
        "KB" | "KiB" => 1,
        "MB" | "MiB" => 2,
        "GB" | "GiB" => 3,
        "TB" | "TiB" => 4,
        "PB" | "PiB" => 5,
        "EB" | "EiB" => 6,
        _ => return None,
    };
    let number: f64 = number.parse().ok()?;
    Some(number * 1024_f64.powi(power))
}

fn not_a_size(text: &str) -> String {
    match text.bytes().all(|b| b.is_ascii_digit()) && !text.is_empty() {
        true => format!("`{text}` has no unit: write `{text}B`, or a size such as `10MB`"),
        false => format!("`{text}` is not a size, such as `10MB`"),
    }
}
from_scalar!(ByteSize, "a size such as `10MB`");

/// A number of things, as Prometheus's YAML reads one: `5`, `1_000`, `0x10`, `017` (octal), and what has a fraction is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Count(pub(crate) u64);

impl FromStr for Count {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        number(text)
            .map(Self)
            .ok_or_else(|| format!("`{text}` is not a number of at least 0"))
    }
}
from_scalar!(Count, "a number of at least 0");

/// A number with a fraction, as Prometheus's YAML reads one: `1.1`, `1e3`, `.inf`, and whatever a [`Count`] is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Real(pub(crate) f64);

impl FromStr for Real {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        let special = match unsigned {
            ".inf" | ".Inf" | ".INF" => Some(f64::INFINITY),
            ".nan" | ".NaN" | ".NAN" if unsigned == text => Some(f64::NAN),
            _ => None,
        };
        let plain = unsigned.parse::<f64>().ok();
        let plain = plain.filter(|number| number.is_finite() && !unsigned.starts_with(['+', '-']));
        let whole = number(unsigned).map(|number| number as f64);
        let sign = if text.starts_with('-') { -1.0 } else { 1.0 };
        match special.or(plain).or(whole) {
            Some(number) => Ok(Self(sign * number)),
            None => Err(format!("`{text}` is not a number")),
        }
    }
}
from_scalar!(Real, "a number");

fn number(text: &str) -> Option<u64> {
    let plain = text.replace('_', "");
    let plain = plain.strip_prefix('+').unwrap_or(&plain);
    let radixes = [("0x", 16), ("0o", 8), ("0b", 2), ("0", 8)];
    let of_radix = radixes.iter().find_map(|(prefix, radix)| {
        let digits = plain
            .strip_prefix(prefix)
            .filter(|digits| !digits.is_empty())?;
        u64::from_str_radix(digits, *radix).ok()
    });
    if of_radix.is_some() {
        return of_radix;
    }
    if !plain.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    match plain.parse::<u64>() {
        Ok(number) => Some(number),
        Err(_) => {
            let number = plain.parse::<f64>().ok()?;
            (number <= u64::MAX as f64).then_some(number as u64)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_as_prometheus_reads_them() {
        for (text, expected) in [
            ("5", Some(5)),
            ("+5", Some(5)),
            ("1_000", Some(1000)),
            ("0x10", Some(16)),
            ("0o17", Some(15)),
            ("017", Some(15)),
            ("0b11", Some(3)),
            ("1e3", Some(1000)),
            ("1.9", Some(1)),
            ("18446744073709551616", Some(u64::MAX)),
            ("-1", None),
            ("x", None),
            ("", None),
            ("inf", None),
            ("1e30", None),
        ] {
            assert_eq!(number(text), expected, "{text}");
        }
    }

    #[test]
    fn sizes_have_units() {
        let size = |text: &str| text.parse::<ByteSize>().map(|size| size.0);
        for (text, expected) in [
            ("0", 0),
            ("1B", 1),
            ("10MB", 10 << 20),
            ("1.5MiB", 3 << 19),
            ("1GB500MB", (1 << 30) + (500 << 20)),
            ("-1MB", 0),
        ] {
            assert_eq!(size(text), Ok(expected), "{text}");
        }
        for text in ["", "100", "1e5", "10 MB", "10mb", "MB", "20EB", "10M"] {
            assert!(size(text).is_err(), "{text}");
        }
    }
}
