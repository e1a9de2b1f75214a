//! What the configuration says of discovery: the jobs with where their targets come from, and how
//! targets get the names of their services.

pub(super) mod global;
pub(super) mod job;
pub(super) mod job_config;
mod jobs;
mod kubernetes;
mod passed;
pub(super) mod proof;
pub(super) mod raw;

pub(crate) use self::global::RawGlobal;
pub use self::job::{Scheme, ScrapeJob, ScrapeLimits};
pub use self::job_config::JobConfig;
pub(crate) use self::jobs::{Jobs, Written};
pub(crate) use self::kubernetes::RawKubernetes;
pub use self::proof::Proof;
pub(crate) use self::raw::RawScrape;
pub(crate) use super::guard::RawShrinkGuard;
pub use super::guard::ShrinkGuard;
pub use super::mechanism::DiscoveryConfig;
pub(crate) use super::populate::RawLabels;
pub use super::populate::{LabelNames, Naming};
use super::skipped::SkippedJob;

/// Everything that discovery is told.
#[derive(Debug, Clone, PartialEq)]
pub struct DiscoverySettings {
    /// What to scrape, in order; the first job that names a target has it.
    pub jobs: Vec<JobConfig>,
    /// How targets get the names of their services.
    pub naming: Naming,
    /// When a shrunken list is believed.
    pub shrink_guard: ShrinkGuard,
    /// Jobs of referenced files that are not scraped here.
    pub skipped: Vec<SkippedJob>,
}
