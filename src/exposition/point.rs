//! The rules on the samples of one histogram or summary.

use super::event::{LabelRole, MetricType, Span};
use super::fault::{Excerpt, Faults, Number, Place, Severity};
use super::format::Format;
use super::number;
use super::observed::Observed;
use super::role::Role;
use super::rules::{self, Whole};

/// What is known of one metric at one time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Point {
    /// The last sample's line.
    pub(super) line: u64,
    /// Roles seen, by bit.
    pub(super) seen: u16,
    negative_bound: bool,
    time: Option<f64>,
    /// The last bucket's bound or the last quantile, and the value there.
    bound: f64,
    value: f64,
    infinite: Option<f64>,
    count: Option<f64>,
    sum: Option<f64>,
}

impl Default for Point {
    fn default() -> Self {
        Self {
            line: 0,
            seen: 0,
            negative_bound: false,
            time: None,
            bound: f64::NEG_INFINITY,
            value: 0.0,
            infinite: None,
            count: None,
            sum: None,
        }
    }
}

impl Point {
    /// A point whose first sample is this.
    pub(super) fn begin(observed: &Observed<'_>) -> Self {
        Self {
            time: observed.tail.time.map(|time| time.written),
            ..Self::default()
        }
    }

    /// Compares a sample's time with that of the metric's sample before. Returns whether both are of one point
    /// without time, where no series may come twice.
    pub(super) fn time(
        &mut self,
        observed: &Observed<'_>,
        kind: MetricType,
        family: &[u8],
        faults: &mut Faults,
    ) -> bool {
        let now = observed.tail.time;
        match (self.time, now) {
            (None, None) => return true,
            (Some(before), Some(now)) if now.written < before => {
                observed.violation(faults, now.at, || {
                    "expected the times of a metric in increasing order, saw an earlier one"
                        .to_owned()
                });
            }
            (Some(before), Some(now)) if now.written > before => {
                self.finish(Format::OpenMetrics, kind, family, faults);
                *self = Self::default();
            }
            (Some(_), Some(_)) => {}
            (Some(_), None) | (None, Some(_)) => {
                let at = now.map_or(observed.tail.value_at, |time| time.at);
                observed.violation(faults, at, || {
                    "expected a timestamp on every sample of a metric or on none".to_owned()
                });
            }
        }
        self.time = now.map(|time| time.written);
        false
    }

    /// Judges a sample of a histogram or summary.
    #[inline]
    pub(super) fn sample(
        &mut self,
        observed: &Observed<'_>,
        format: Format,
        kind: MetricType,
        role: Role,
        family: &[u8],
        faults: &mut Faults,
    ) {
        let open = format == Format::OpenMetrics;
        let value = observed.tail.value;
        match (kind, role) {
            (_, Role::Bucket) => self.bucket(observed, open, faults),
            (MetricType::Summary, Role::Value) => self.quantile(observed, open, faults),
            (_, Role::Count) => {
                if open {
                    rules::counts(observed, Whole::Yes, faults);
                }
                self.count = Some(value);
                self.check_count(observed, faults);
            }
            (_, Role::Sum) => {
                if open && kind == MetricType::GaugeHistogram {
                    rules::not_nan(observed, faults);
                } else if open {
                    rules::counts(observed, Whole::No, faults);
                }
                self.sum = Some(value);
            }
            _ => {}
        }
        if open && role != Role::Bucket && role != Role::Value {
            rules::no_own_label(observed, kind, family, faults);
        }
    }

    #[inline]
    fn bucket(&mut self, observed: &Observed<'_>, open: bool, faults: &mut Faults) {
        let Some((bound, span)) = self.bound(observed, LabelRole::Le, "le", faults) else {
            return;
        };
        let bytes = span.of(observed.line.bytes);
        let value = observed.tail.value;
        if bound == f64::INFINITY {
            if open && bytes != b"+Inf" {
                observed.violation(faults, span.start as usize, || {
                    format!("expected `+Inf` as the last `le`, saw {}", Excerpt(bytes))
                });
            }
            self.infinite = Some(value);
        }
        if self.seen & Role::Bucket.bit() != 0 {
            if bound <= self.bound {
                observed.violation(faults, span.start as usize, || {
                    format!(
                        "expected `le` above {}, saw {}",
                        Number(self.bound),
                        Excerpt(bytes)
                    )
                });
            }
            if value < self.value {
                observed.violation(faults, observed.tail.value_at, || {
                    format!(
                        "expected at least {} in the bucket, as in the one before, saw {}",
                        Number(self.value),
                        Number(value)
                    )
                });
            }
        }
        if open {
            rules::counts(observed, Whole::Yes, faults);
            if let Some(exemplar) = observed
                .tail
                .exemplar
                .filter(|exemplar| exemplar.value > bound || exemplar.value.is_nan())
            {
                observed.violation(faults, exemplar.value_at, || {
                    format!(
                        "expected an exemplar within the bucket, saw {} above {}",
                        Number(exemplar.value),
                        Number(bound)
                    )
                });
            }
        }
        self.negative_bound |= bound < 0.0;
        self.bound = bound;
        self.value = value;
        if bound == f64::INFINITY {
            self.check_count(observed, faults);
        }
    }

    fn quantile(&mut self, observed: &Observed<'_>, open: bool, faults: &mut Faults) {
        let Some((quantile, span)) = self.bound(observed, LabelRole::Quantile, "quantile", faults)
        else {
            return;
        };
        let (at, bytes) = (span.start as usize, span.of(observed.line.bytes));
        if open {
            if !(0.0..=1.0).contains(&quantile) {
                observed.violation(faults, at, || {
                    format!("expected a quantile from 0 to 1, saw {}", Excerpt(bytes))
                });
            }
            if observed.tail.value < 0.0 {
                observed.violation(faults, observed.tail.value_at, || {
                    format!(
                        "expected no negative value at a quantile, saw {}",
                        Number(observed.tail.value)
                    )
                });
            }
        } else if self.seen & Role::Value.bit() != 0 && quantile <= self.bound {
            observed.violation(faults, at, || {
                format!(
                    "expected `quantile` above {}, saw {}",
                    Number(self.bound),
                    Excerpt(bytes)
                )
            });
        }
        self.bound = quantile;
    }

    /// The number in the label that tells the samples apart.
    #[inline(always)]
    fn bound(
        &self,
        observed: &Observed<'_>,
        role: LabelRole,
        name: &str,
        faults: &mut Faults,
    ) -> Option<(f64, Span)> {
        // It usually comes last.
        let Some(label) = observed
            .series
            .labels
            .iter()
            .rfind(|label| label.role == role)
        else {
            observed.violation(faults, observed.name_at(), || {
                format!("expected a label `{name}` on {}", Excerpt(observed.name()))
            });
            return None;
        };
        match number::parse(label.value.of(observed.line.bytes)) {
            Ok(bound) if !bound.is_nan() => Some((bound, label.value)),
            _ => {
                observed.violation(faults, label.value.start as usize, || {
                    format!(
                        "expected a number as `{name}`, saw {}",
                        Excerpt(label.value.of(observed.line.bytes))
                    )
                });
                None
            }
        }
    }

    fn check_count(&self, observed: &Observed<'_>, faults: &mut Faults) {
        if let (Some(infinite), Some(count)) = (self.infinite, self.count)
            && infinite != count
            && !(infinite.is_nan() && count.is_nan())
        {
            observed.violation(faults, observed.tail.value_at, || {
                format!(
                    "expected the count and the `+Inf` bucket to be equal, saw {} and {}",
                    Number(count),
                    Number(infinite)
                )
            });
        }
    }

    /// The rules that need the whole point.
    pub(super) fn finish(
        &self,
        format: Format,
        kind: MetricType,
        family: &[u8],
        faults: &mut Faults,
    ) {
        if !matches!(kind, MetricType::Histogram | MetricType::GaugeHistogram) {
            return;
        }
        let (count, sum) = match kind {
            MetricType::GaugeHistogram => ("_gcount", "_gsum"),
            _ => ("_count", "_sum"),
        };
        let mut tell = |message: &dyn Fn() -> String| {
            faults.push(Severity::Violation, Place::new(self.line, 0), message)
        };
        // Samples named as the family are no histogram to the text format, and nothing is said of them.
        let parts = Role::Bucket.bit() | Role::Count.bit() | Role::Sum.bit() | Role::Created.bit();
        if self.infinite.is_none() && self.seen & parts != 0 {
            tell(&|| {
                format!(
                    "expected a bucket with `le=\"+Inf\"` of {} {}, saw none",
                    kind.as_str(),
                    Excerpt(family)
                )
            });
        }
        if format == Format::Text {
            return;
        }
        match (self.sum, self.count) {
            (Some(_), None) => {
                tell(&|| format!("expected `{count}` beside `{sum}` of {}", Excerpt(family)))
            }
            (None, Some(_)) => {
                tell(&|| format!("expected `{sum}` beside `{count}` of {}", Excerpt(family)))
            }
            _ => {}
        }
        if kind == MetricType::Histogram && self.sum.is_some() && self.negative_bound {
            tell(&|| {
                format!(
                    "expected no `{sum}` of {}, which has buckets below zero",
                    Excerpt(family)
                )
            });
        }
        if kind == MetricType::GaugeHistogram
            && self.sum.is_some_and(|sum| sum < 0.0)
            && !self.negative_bound
        {
            tell(&|| {
                format!(
                    "expected no negative `{sum}` of {}, which has no buckets below zero",
                    Excerpt(family)
                )
            });
        }
    }
}
