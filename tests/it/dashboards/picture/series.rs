//! What queries answered.

use std::collections::BTreeMap;

/// One series of an answer: labels and points (unix seconds, value). An instant answer has one
/// point.
pub(crate) struct Series {
    /// The labels, without the metric's name where the query leaves it out.
    pub(crate) labels: BTreeMap<String, String>,
    /// Moments, in order, with their values.
    pub(crate) points: Vec<(f64, f64)>,
}

/// Answers by panel title and refId.
pub(crate) type Answers = BTreeMap<(String, String), Vec<Series>>;

impl Series {
    /// The last value that is a number, as `lastNotNull` of a panel's `reduceOptions`.
    pub(super) fn last(&self) -> Option<f64> {
        let mut values = self.points.iter().rev().map(|&(_, value)| value);
        values.find(|value| value.is_finite())
    }
}
