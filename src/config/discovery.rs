//! Discovery mechanisms, ready to use.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::http::HttpConfig;
use crate::labels::Labels;

/// One source of targets of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DiscoveryConfig {
    /// `static_configs`: every group of the job.
    Static(Vec<TargetGroup>),
    /// An entry of `file_sd_configs`.
    File(FileSd),
    /// An entry of `http_sd_configs`.
    Http(Box<HttpSd>),
}

impl DiscoveryConfig {
    /// The mechanism's name, as in `<name>_sd_configs`.
    pub fn mechanism(&self) -> &'static str {
        match self {
            DiscoveryConfig::Static(_) => "static",
            DiscoveryConfig::File(_) => "file",
            DiscoveryConfig::Http(_) => "http",
        }
    }
}

/// Addresses that share labels.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TargetGroup {
    /// Each target's own labels, `__address__` among them.
    pub targets: Vec<Labels>,
    /// Labels of all of them; a target's own win.
    pub labels: Labels,
}

/// `file_sd_configs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSd {
    /// Files, absolute or relative to the working directory; `*` and `?` in the last segment.
    pub files: Vec<PathBuf>,
    /// Time between two reads where no notification comes.
    pub refresh_interval: Duration,
}

/// `http_sd_configs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpSd {
    /// Where the list is.
    pub url: url::Url,
    /// Time between two requests, and the deadline of each.
    pub refresh_interval: Duration,
    /// How to ask.
    pub http: Arc<HttpConfig>,
}

/// When a list that shrank is not believed at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShrinkGuard {
    /// Whether lists are guarded at all.
    pub enabled: bool,
    /// A list is held if it has fewer than this share of the last one's targets ...
    pub ratio: f64,
    /// ... and lost at least this many: small lists come and go.
    pub lost_min: usize,
    /// It is believed after this many answers in a row that say the same or less ...
    pub refreshes: u32,
    /// ... or after this time, whichever comes first.
    pub grace: Duration,
}

impl Default for ShrinkGuard {
    fn default() -> Self {
        Self {
            enabled: true,
            ratio: 0.5,
            lost_min: 3,
            refreshes: 3,
            grace: Duration::from_secs(5 * 60),
        }
    }
}
