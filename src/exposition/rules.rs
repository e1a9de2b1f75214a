//! The rules of OpenMetrics on single samples.

use super::event::{LabelRole, MetricType, unescape};
use super::fault::{Excerpt, Faults, Number};
use super::observed::Observed;
use super::role::Role;

/// Characters in the names and values of an exemplar's labels.
const EXEMPLAR_CHARS_MAX: usize = 128;

/// Whether a count must be a whole number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whole {
    Yes,
    No,
}

/// Judges a sample that is a metric by itself, or nearly so.
#[inline]
pub(super) fn single(
    observed: &Observed<'_>,
    kind: MetricType,
    role: Role,
    family: &[u8],
    faults: &mut Faults,
) {
    let value = observed.tail.value;
    let at = observed.tail.value_at;
    match (kind, role) {
        (MetricType::Counter, Role::Total) => counts(observed, Whole::No, faults),
        (MetricType::Info, _) if value != 1.0 => {
            observed.violation(faults, at, || {
                format!("expected 1 as the value of an info, saw {}", Number(value))
            });
        }
        (MetricType::StateSet, _) => {
            let labels = &observed.series.labels;
            if !labels
                .iter()
                .any(|label| label.name.of(observed.line.bytes) == family)
            {
                observed.violation(faults, observed.name_at(), || {
                    format!(
                        "expected a label {} with the name of the state",
                        Excerpt(family)
                    )
                });
            }
            if value != 0.0 && value != 1.0 {
                observed.violation(faults, at, || {
                    format!(
                        "expected 0 or 1 as the value of a state, saw {}",
                        Number(value)
                    )
                });
            }
        }
        _ => {}
    }
}

/// Judges what any sample may have.
#[inline]
pub(super) fn any(observed: &Observed<'_>, kind: MetricType, role: Role, faults: &mut Faults) {
    let Some(exemplar) = observed.tail.exemplar else {
        return;
    };
    let allowed = matches!(
        (kind, role),
        (MetricType::Counter, Role::Total)
            | (
                MetricType::Histogram | MetricType::GaugeHistogram,
                Role::Bucket
            )
    );
    if !allowed {
        observed.violation(faults, exemplar.at, || {
            format!(
                "expected an exemplar only on a counter's total or a bucket, saw one on {}",
                Excerpt(observed.name())
            )
        });
    }
    let line = observed.line.bytes;
    let chars = |bytes: &[u8]| {
        std::str::from_utf8(bytes).map_or(bytes.len(), |text| unescape(text).chars().count())
    };
    let labels = observed.exemplar.labels.iter();
    let length: usize = labels
        .map(|label| chars(label.name.of(line)) + chars(label.value.of(line)))
        .sum();
    if length > EXEMPLAR_CHARS_MAX {
        observed.violation(faults, exemplar.at, || {
            format!("expected at most {EXEMPLAR_CHARS_MAX} characters in the labels of an exemplar, saw {length}")
        });
    }
}

/// That a value can have been counted: a number, not negative, and whole if it counts events.
#[inline(always)]
pub(super) fn counts(observed: &Observed<'_>, whole: Whole, faults: &mut Faults) {
    let value = observed.tail.value;
    let fits = value >= 0.0 && (whole == Whole::No || value.trunc() == value && value.is_finite());
    if !fits {
        observed.violation(faults, observed.tail.value_at, || match whole {
            Whole::Yes => format!(
                "expected a whole number from 0 as the count, saw {}",
                Number(value)
            ),
            Whole::No => format!("expected a number from 0, saw {}", Number(value)),
        });
    }
}

/// That a value is a number.
pub(super) fn not_nan(observed: &Observed<'_>, faults: &mut Faults) {
    if observed.tail.value.is_nan() {
        observed.violation(faults, observed.tail.value_at, || {
            "expected a number as the sum, saw NaN".to_owned()
        });
    }
}

/// That the label which tells buckets or quantiles apart is on these only.
pub(super) fn no_own_label(
    observed: &Observed<'_>,
    kind: MetricType,
    family: &[u8],
    faults: &mut Faults,
) {
    let own = if kind == MetricType::Summary {
        LabelRole::Quantile
    } else {
        LabelRole::Le
    };
    if let Some(label) = observed
        .series
        .labels
        .iter()
        .find(|label| label.role == own)
    {
        let name = label.name.of(observed.line.bytes);
        observed.violation(faults, label.name.start as usize, || {
            format!(
                "expected no label {} on {} of {}",
                Excerpt(name),
                Excerpt(observed.name()),
                Excerpt(family)
            )
        });
    }
}
