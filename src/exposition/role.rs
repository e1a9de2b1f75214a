//! What a sample is to its family, by its name.

use super::event::MetricType;
use super::format::Format;

/// What a sample is to its family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Named as the family: a value, a quantile or a state.
    Value,
    /// `_total` of a counter.
    Total,
    /// `_created`: when counting began.
    Created,
    /// `_count` or `_gcount`.
    Count,
    /// `_sum` or `_gsum`.
    Sum,
    /// `_bucket`.
    Bucket,
    /// `_info`.
    Info,
    /// Named as the family, where the type asks for a suffix (OpenMetrics).
    Misnamed,
}

/// Every suffix that some type gives to its samples.
pub(super) const SUFFIXES: [&[u8]; 8] = [
    b"_total",
    b"_created",
    b"_count",
    b"_sum",
    b"_bucket",
    b"_gcount",
    b"_gsum",
    b"_info",
];

/// The role of a sample in a family; none if it belongs to another.
pub(super) fn role(format: Format, kind: MetricType, family: &[u8], name: &[u8]) -> Option<Role> {
    use MetricType::{Counter, GaugeHistogram, Histogram, Info, Summary};
    let suffix = name.strip_prefix(family)?;
    match (suffix, kind, format) {
        (b"", Counter | Histogram | GaugeHistogram | Info, Format::OpenMetrics) => {
            Some(Role::Misnamed)
        }
        (b"", ..) => Some(Role::Value),
        (b"_total", Counter, Format::OpenMetrics) => Some(Role::Total),
        (b"_created", Counter | Histogram | Summary, Format::OpenMetrics) => Some(Role::Created),
        (b"_count", Histogram | Summary, _) | (b"_gcount", GaugeHistogram, _) => Some(Role::Count),
        (b"_sum", Histogram | Summary, _) | (b"_gsum", GaugeHistogram, _) => Some(Role::Sum),
        (b"_bucket", Histogram | GaugeHistogram, _) => Some(Role::Bucket),
        (b"_info", Info, _) => Some(Role::Info),
        _ => None,
    }
}

/// The suffixes of a type whose samples may not be named as the family.
pub(super) fn suffix_needed(kind: MetricType) -> &'static str {
    match kind {
        MetricType::Counter => "`_total` or `_created`",
        MetricType::Histogram => "`_bucket`, `_count`, `_sum` or `_created`",
        MetricType::GaugeHistogram => "`_bucket`, `_gcount` or `_gsum`",
        MetricType::Info => "`_info`",
        MetricType::Gauge | MetricType::StateSet | MetricType::Summary | MetricType::Unknown => {
            "nothing"
        }
    }
}

impl Role {
    pub(super) fn bit(self) -> u16 {
        1 << self as u16
    }
}
