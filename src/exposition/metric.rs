//! The rules on the metrics of one family: each series once, the samples of a metric together and in order.

use std::collections::HashMap;

use super::event::{LabelRole, LabelSpan, MetricType};
use super::fault::{Excerpt, Faults};
use super::format::Format;
use super::identity_hasher::BuildIdentityHasher;
use super::observed::Observed;
use super::point::Point;
use super::role::Role;
use super::rules;

/// Series remembered in one family; past this many, a series that comes again goes unnoticed.
const SERIES_MAX: usize = 65_536;
/// Histograms and summaries followed in one family; past this many, only single samples are judged.
const POINTS_MAX: usize = 16_384;
/// Room that is kept from one family to the next: clearing more costs more than growing again.
const ROOM_KEPT: usize = 4_096;

/// The metrics of the current family.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    /// Metrics by hash of the labels, with the place of their point if it is followed.
    index: HashMap<u64, u32, BuildIdentityHasher>,
    points: Vec<Point>,
    /// The metric of the last sample.
    current: Option<u64>,
    /// The point of a metric that is not among `points`.
    lone: Point,
    /// Where the current point is, if not `lone`.
    followed: Option<usize>,
}

/// How a sample's metric compares with those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Arrival {
    /// As that of the last sample.
    Same,
    New,
    /// Known, but others came between.
    Again,
}

impl Metrics {
    pub(super) fn clear(&mut self) {
        if !self.index.is_empty() {
            self.index.clear();
            self.index.shrink_to(ROOM_KEPT);
            self.points.clear();
            self.points.shrink_to(ROOM_KEPT);
        }
        self.current = None;
        self.followed = None;
    }

    /// Ends the family, judging what could only be judged then.
    pub(super) fn close(
        &mut self,
        format: Format,
        kind: MetricType,
        family: &[u8],
        faults: &mut Faults,
    ) {
        for point in &self.points {
            point.finish(format, kind, family, faults);
        }
        self.clear();
    }

    /// Judges one sample.
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
        if role == Role::Misnamed {
            return;
        }
        let open = format == Format::OpenMetrics;
        let (metric, series) = hashes(observed, kind, role, family);
        let composite = matches!(
            kind,
            MetricType::Histogram | MetricType::GaugeHistogram | MetricType::Summary
        );
        let arrival = self.arrive(metric, composite);
        if arrival == Arrival::Again && open {
            observed.violation(faults, observed.name_at(), || {
                format!(
                    "expected the samples of one metric together, saw {} apart from them",
                    series_text(observed)
                )
            });
        }
        let point = match self.followed {
            Some(at) => &mut self.points[at],
            None => &mut self.lone,
        };
        if arrival == Arrival::New || arrival == Arrival::Again && self.followed.is_none() {
            *point = Point::begin(observed);
        }
        let repeated = match format {
            // The text format knows series, and no metrics of several samples but by their `le` and `quantile`.
            Format::Text if composite => {
                point.seen & role.bit() != 0 && !matches!(role, Role::Bucket | Role::Value)
            }
            Format::Text => arrival != Arrival::New,
            Format::OpenMetrics => {
                let earlier =
                    arrival == Arrival::Same && point.time(observed, kind, family, faults);
                earlier && metric == series && point.seen & role.bit() != 0
            }
        };
        point.line = observed.line.number;
        if composite {
            point.sample(observed, format, kind, role, family, faults);
        } else if open {
            rules::single(observed, kind, role, family, faults);
        }
        if open {
            rules::any(observed, kind, role, faults);
        }
        point.seen |= role.bit();
        let repeated = repeated
            || open
                && metric != series
                && role == Role::Value
                && self.state_again(observed, series);
        if repeated {
            observed.violation(faults, observed.name_at(), || {
                format!(
                    "expected each series once, saw {} again",
                    series_text(observed)
                )
            });
        }
    }

    /// Makes the sample's metric the current one.
    #[inline]
    fn arrive(&mut self, metric: u64, composite: bool) -> Arrival {
        if self.current == Some(metric) {
            return Arrival::Same;
        }
        self.current = Some(metric);
        if let Some(&at) = self.index.get(&metric) {
            self.followed = composite.then_some(at as usize);
            return Arrival::Again;
        }
        let room = self.index.len() < SERIES_MAX;
        self.followed = None;
        if composite && room && self.points.len() < POINTS_MAX {
            self.followed = Some(self.points.len());
            self.points.push(Point::default());
        }
        // A metric that is not followed is not remembered either, lest it be taken for one that is.
        if let Some(at) = self.followed.or((!composite && room).then_some(0)) {
            self.index.insert(metric, at as u32);
        }
        Arrival::New
    }

    /// Whether a quantile or state came before in this family; those with times may come again.
    fn state_again(&mut self, observed: &Observed<'_>, series: u64) -> bool {
        observed.tail.time.is_none()
            && self.index.len() < SERIES_MAX
            && self.index.insert(series.rotate_left(32), 0).is_some()
    }
}

/// The hashes of a sample's metric and of its series, the same but where a label tells the samples of a metric apart.
/// They do not depend on the order of the labels.
#[inline(always)]
fn hashes(observed: &Observed<'_>, kind: MetricType, role: Role, family: &[u8]) -> (u64, u64) {
    let apart = match (kind, role) {
        (MetricType::Histogram | MetricType::GaugeHistogram, Role::Bucket) => Some(LabelRole::Le),
        (MetricType::Summary, Role::Value) => Some(LabelRole::Quantile),
        (MetricType::StateSet, _) => None,
        _ => {
            return {
                let sum = observed.series.sum();
                (sum, sum)
            };
        }
    };
    let line = observed.line.bytes;
    let own = |label: &&LabelSpan| match apart {
        Some(role) => label.role == role,
        None => label.name.of(line) == family,
    };
    let series = observed.series.sum();
    let own = observed
        .series
        .labels
        .iter()
        .find(own)
        .map_or(0, |label| label.hash);
    (series.wrapping_sub(own), series)
}

/// The series as written, for a message.
fn series_text(observed: &Observed<'_>) -> String {
    let end = observed.tail.value_at.saturating_sub(1);
    let text = &observed.line.bytes[..end];
    Excerpt(text.trim_ascii()).to_string()
}
