//! A scrape job, ready to use.

use std::sync::Arc;
use std::time::Duration;

use super::proof::Proof;
use crate::exposition::Format;
use crate::http_client::settings::HttpConfig;
pub use crate::http_client::settings::Scheme;

/// One entry of `scrape_configs`, with every default filled in and every value checked.
#[derive(Debug, Clone, PartialEq)]
pub struct ScrapeJob {
    /// `job_name`, unique.
    pub name: String,
    /// `http` or `https`, before relabelling.
    pub scheme: Scheme,
    /// Path, before relabelling; `/metrics` by default.
    pub metrics_path: String,
    /// URL parameters, before relabelling: name and values.
    pub params: Vec<(String, Vec<String>)>,
    /// Time between two scrapes of a target.
    pub interval: Duration,
    /// One deadline from DNS to last byte; at most `interval`.
    pub timeout: Duration,
    /// Authentication, TLS, proxy, redirects, headers.
    pub http: Arc<HttpConfig>,
    /// Whether gzip is asked for.
    pub enable_compression: bool,
    /// The format of a target that sends no usable Content-Type (`fallback_scrape_protocol`).
    pub fallback_format: Option<Format>,
    /// What a scrape may cost.
    pub limits: ScrapeLimits,
    /// By whose scrapes its targets are judged.
    pub proof: Proof,
}

/// Limits of one scrape; past any of them the scrape fails with a reason of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScrapeLimits {
    /// Bytes of decompressed body (`body_size_limit`).
    pub body_bytes_max: u64,
    /// Samples (`sample_limit`).
    pub samples_max: u64,
    /// Labels of one sample (`label_limit`).
    pub labels_max: usize,
    /// Bytes of a label's name (`label_name_length_limit`).
    pub label_name_bytes_max: usize,
    /// Bytes of a label's value (`label_value_length_limit`).
    pub label_value_bytes_max: usize,
}

/// Sound defaults where Prometheus has none: a target cannot harm us by being large.
impl Default for ScrapeLimits {
    fn default() -> Self {
        Self {
            body_bytes_max: 64 * 1024 * 1024,
            samples_max: 1_000_000,
            labels_max: 256,
            label_name_bytes_max: 4 * 1024,
            label_value_bytes_max: 64 * 1024,
        }
    }
}
