//! What discovery said of a target before it was relabelled.

use std::sync::Arc;

use super::groups::TargetGroup;
use super::settings::job::ScrapeJob;
use crate::document::duration;
use crate::labels::Labels;

/// Where another server scrapes a target, to the letter.
pub(super) const SCRAPE_URL: &str = "__meta_prometheus_scrape_url";
pub(super) const SCHEME: &str = "__scheme__";
pub(super) const METRICS_PATH: &str = "__metrics_path__";
pub(super) const PARAM_PREFIX: &str = "__param_";
pub(super) const SCRAPE_INTERVAL: &str = "__scrape_interval__";
pub(super) const SCRAPE_TIMEOUT: &str = "__scrape_timeout__";
const JOB: &str = "job";

/// A target as its source named it: its place in a group. The labels are put together when somebody wants to see
/// them, since those of all targets would be most of what discovery keeps in memory.
#[derive(Debug, Clone)]
pub struct Found {
    job: Arc<ScrapeJob>,
    group: Arc<TargetGroup>,
    index: usize,
}

impl Found {
    /// The target at an index of a group, for a job.
    pub(super) fn new(job: &Arc<ScrapeJob>, group: &Arc<TargetGroup>, index: usize) -> Self {
        Self {
            job: Arc::clone(job),
            group: Arc::clone(group),
            index,
        }
    }

    /// What nobody discovered.
    pub(super) fn nowhere(job: &Arc<ScrapeJob>) -> Self {
        Self::new(job, &Arc::default(), 0)
    }

    /// What discovery itself said, without what the job adds.
    pub fn discovered(&self) -> Labels {
        self.group.labels_of(self.index)
    }

    /// Where another server scrapes it, to the letter; `""` where none does.
    pub fn scraped_at(&self) -> String {
        self.discovered().get(SCRAPE_URL).to_owned()
    }

    /// The labels before relabelling: `__meta_*` and the job's defaults among them.
    pub fn labels(&self) -> Labels {
        with_defaults(&self.job, self.group.labels_of(self.index))
    }
}

/// Equal if the labels are.
impl PartialEq for Found {
    fn eq(&self, other: &Self) -> bool {
        let same_place = Arc::ptr_eq(&self.group, &other.group) && self.index == other.index;
        (same_place && Arc::ptr_eq(&self.job, &other.job)) || self.labels() == other.labels()
    }
}

/// The labels that every target has before relabelling, where discovery did not set them.
fn with_defaults(job: &ScrapeJob, mut labels: Labels) -> Labels {
    labels.set_default(JOB, &job.name);
    labels.set_default(
        SCRAPE_INTERVAL,
        &duration::display(job.interval).to_string(),
    );
    labels.set_default(SCRAPE_TIMEOUT, &duration::display(job.timeout).to_string());
    labels.set_default(METRICS_PATH, &job.metrics_path);
    labels.set_default(SCHEME, job.scheme.as_str());
    for (name, values) in &job.params {
        if let Some(value) = values.first() {
            labels.set_default(&format!("{PARAM_PREFIX}{name}"), value);
        }
    }
    labels
}
