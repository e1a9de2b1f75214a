//! Values that check themselves while they are read, so that an error points at the value.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};

use super::duration::{self, DurationError};

/// Implements `Deserialize` for a type that is read from one scalar's text.
macro_rules! from_scalar {
    ($type:ty, $expected:literal) => {
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(Scalar::new($expected))
            }
        }
    };
}

pub(super) use from_scalar;

/// Reads a scalar's text with the type's `FromStr`.
pub(super) struct Scalar<T> {
    expected: &'static str,
    made: std::marker::PhantomData<T>,
}

impl<T> Scalar<T> {
    pub(super) fn new(expected: &'static str) -> Self {
        Self {
            expected,
            made: std::marker::PhantomData,
        }
    }
}

impl<T: FromStr<Err = String>> Visitor<'_> for Scalar<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

/// A duration above zero: an interval, a timeout, a grace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Interval(pub Duration);

impl FromStr for Interval {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match duration::parse(text) {
            Ok(Duration::ZERO) => Err(format!("`{text}`: a duration above 0 is wanted")),
            Ok(duration) => Ok(Self(duration)),
            Err(error @ DurationError::Syntax) => {
                Err(format!("`{text}` is {error}, such as `15s` or `1h30m`"))
            }
            Err(error @ DurationError::Overflow) => Err(format!("`{text}` is {error}")),
        }
    }
}
from_scalar!(Interval, "a duration such as `15s`");

/// A text that may be left empty by writing nothing behind its key.
#[derive(Debug, Clone, PartialEq, Eq, Default, PartialOrd, Ord)]
pub(crate) struct NullableText(pub(crate) String);

impl<'de> Deserialize<'de> for NullableText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text: Option<String> = Option::deserialize(deserializer)?;
        Ok(Self(text.unwrap_or_default()))
    }
}

/// For a key whose `null` says the same as its absence.
pub(crate) fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A URL with scheme `http` or `https` and a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HttpUrl(pub(crate) url::Url);

impl FromStr for HttpUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // The text is not repeated: a URL may carry a password.
        let url = url::Url::parse(text).map_err(|error| format!("not a URL: {error}"))?;
        match url.scheme() {
            "http" | "https" if url.has_host() => Ok(Self(url)),
            scheme => Err(format!("scheme `{scheme}` is neither `http` nor `https`")),
        }
    }
}
from_scalar!(HttpUrl, "a URL");

/// A URL that is shown in labels and status pages, so that it must not carry credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ShownUrl(pub(crate) url::Url);

impl FromStr for ShownUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let HttpUrl(url) = text.parse()?;
        match url.username().is_empty() && url.password().is_none() {
            true => Ok(Self(url)),
            false => Err("credentials in a URL are shown: write `basic_auth`".to_owned()),
        }
    }
}
from_scalar!(ShownUrl, "a URL");

/// A share of a whole: `99.9%` or `0.999`, kept as 0.999.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Share(pub(crate) f64);

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // Read as so many hundredths: dividing would round 99.9 % to something else than 0.999.
        let number = match text.strip_suffix('%') {
            Some(percent) => format!("{}e-2", percent.trim_end()),
            None => text.to_owned(),
        };
        number
            .parse::<f64>()
            .ok()
            .filter(|share| (0.0..=1.0).contains(share))
            .map(Self)
            .ok_or_else(|| format!("`{text}` is not a share, such as `99.9%` or `0.999`"))
    }
}
from_scalar!(Share, "a share such as `99.9%`");

/// A day: `2026-11-24`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(pub jiff::civil::Date);

impl FromStr for Day {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse()
            .map(Self)
            .map_err(|_| format!("`{text}` is not a day, such as `2026-11-24`"))
    }
}
from_scalar!(Day, "a day such as `2026-11-24`");

/// A moment: `2026-11-24T12:00:00Z`, or a day, which means its first second in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(pub(crate) jiff::Timestamp);

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let of_day = |day: jiff::civil::Date| {
            day.to_zoned(jiff::tz::TimeZone::UTC)
                .map(|start| start.timestamp())
        };
        text.parse::<jiff::Timestamp>()
            .or_else(|_| text.parse().and_then(of_day))
            .map(Self)
            .map_err(|_| {
                format!("`{text}` is not a moment, such as `2026-11-24` or `2026-11-24T12:00:00Z`")
            })
    }
}
from_scalar!(Moment, "a moment such as `2026-11-24`");

/// A regular expression, bounded in size.
#[derive(Debug, Clone)]
pub struct Pattern(regex::Regex);

/// Bytes that a compiled expression may take.
const PATTERN_BYTES_MAX: usize = 1024 * 1024;

impl Pattern {
    /// Whether any part of the text matches.
    pub fn matches(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl FromStr for Pattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        regex::RegexBuilder::new(text)
            .size_limit(PATTERN_BYTES_MAX)
            .build()
            .map(Self)
            .map_err(|error| format!("`{text}` is not an expression: {error}"))
    }
}
from_scalar!(Pattern, "a regular expression");

/// A label's name: any text that is not empty, as in Prometheus 3.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LabelName(pub(crate) String);

impl FromStr for LabelName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("a label name cannot be empty".to_owned());
        }
        Ok(Self(text.to_owned()))
    }
}
from_scalar!(LabelName, "a label name");

/// A label that a target carries in the end: not one of the `__` names that relabelling drops.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FinalLabelName(pub(crate) String);

impl FromStr for FinalLabelName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut characters = text.chars();
        let starts_well = characters
            .next()
            .is_some_and(|c| c == '_' || c.is_ascii_alphabetic());
        if !starts_well || characters.any(|c| c != '_' && !c.is_ascii_alphanumeric()) {
            return Err(format!("`{text}` is not a label name"));
        }
        if text.starts_with("__") {
            return Err(format!(
                "`{text}` is gone after relabelling: names that start with `__` are"
            ));
        }
        Ok(Self(text.to_owned()))
    }
}
from_scalar!(FinalLabelName, "a label name");

/// A network: `10.0.0.0/8`, or an address alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cidr(pub(crate) ipnet::IpNet);

impl FromStr for Cidr {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse::<ipnet::IpNet>()
            .or_else(|_| text.parse::<std::net::IpAddr>().map(ipnet::IpNet::from))
            .map(|network| Self(network.trunc()))
            .map_err(|_| format!("`{text}` is not a network, such as `10.0.0.0/8`"))
    }
}
from_scalar!(Cidr, "a network such as `10.0.0.0/8`");

/// Ports: `8067`, or a range `9000-9999`, ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PortRange {
    /// The first port.
    pub first: u16,
    /// The last port.
    pub last: u16,
}

impl PortRange {
    /// Whether `port` is in it.
    pub fn contains(self, port: u16) -> bool {
        (self.first..=self.last).contains(&port)
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            write!(f, "{}", self.first)
        } else {
            write!(f, "{}-{}", self.first, self.last)
        }
    }
}

impl FromStr for PortRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        match (first.parse::<u16>(), last.parse::<u16>()) {
            (Ok(first), Ok(last)) if first > 0 && first <= last => Ok(Self { first, last }),
            _ => Err(format!(
                "`{text}` is not a port or a range of ports, such as `9000-9999`"
            )),
        }
    }
}
from_scalar!(PortRange, "a port or a range of ports");

/// A key that is read and passed over, whatever it holds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ignored;

impl<'de> Deserialize<'de> for Ignored {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        de::IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}
