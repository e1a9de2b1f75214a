//! The series that a scrape is asked for: each found or not, apart from the rules that ask for them.

use std::sync::Arc;

use strum::VariantArray as _;

use crate::checks::verdict::Finding;

/// What an exposition should hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[derive(strum::IntoStaticStr, strum::VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Series {
    /// The application's own version.
    Version,
    /// Requests by outcome, or the service's state.
    Availability,
    /// How long requests take.
    Latency,
    /// Whose the metrics are.
    Identity,
}

impl Series {
    /// All of them, in the order of tables.
    pub const ALL: &'static [Series] = Series::VARIANTS;

    /// As in JSON and labels.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// What was found of each series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesFindings([Arc<Finding>; 4]);

impl SeriesFindings {
    /// What was found of each, in the order of [`Series::ALL`].
    pub(super) fn new(found: [Finding; 4]) -> Self {
        Self(found.map(Arc::new))
    }

    /// The same of each: nothing was measured.
    pub fn all(finding: &Arc<Finding>) -> Self {
        Self(std::array::from_fn(|_| Arc::clone(finding)))
    }

    /// What was found of one.
    pub fn get(&self, series: Series) -> &Arc<Finding> {
        let [version, availability, latency, identity] = &self.0;
        match series {
            Series::Version => version,
            Series::Availability => availability,
            Series::Latency => latency,
            Series::Identity => identity,
        }
    }

    /// Puts another finding in the place of each.
    pub fn map(&self, mut change: impl FnMut(Series, &Arc<Finding>) -> Arc<Finding>) -> Self {
        let [version, availability, latency, identity] = &self.0;
        Self([
            change(Series::Version, version),
            change(Series::Availability, availability),
            change(Series::Latency, latency),
            change(Series::Identity, identity),
        ])
    }
}
