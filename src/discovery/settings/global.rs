//! `global`: what jobs inherit.

use std::time::Duration;

use serde::Deserialize;

use crate::document::DocumentError;
use crate::document::duration::display;
use crate::document::value::{ByteSize, Ignored, Interval};
use crate::document::yaml::{At, Source};

const INTERVAL_DEFAULT: Duration = Duration::from_secs(30);
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(10);

/// `global`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Global {
    /// Time between two scrapes of a target.
    pub scrape_interval: Duration,
    /// Deadline of a scrape.
    pub scrape_timeout: Duration,
}

/// `global` as written: Prometheus's.
#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawGlobal {
    pub(super) scrape_interval: Option<At<Interval>>,
    pub(super) scrape_timeout: Option<At<Interval>>,
    pub(super) body_size_limit: Option<ByteSize>,
    pub(super) sample_limit: Option<u64>,
    pub(super) target_limit: Option<usize>,
    pub(super) label_limit: Option<usize>,
    pub(super) label_name_length_limit: Option<usize>,
    pub(super) label_value_length_limit: Option<usize>,
    external_labels: Option<Ignored>,
    evaluation_interval: Option<Ignored>,
    rule_query_offset: Option<Ignored>,
    query_log_file: Option<Ignored>,
    scrape_failure_log_file: Option<Ignored>,
    scrape_protocols: Option<Ignored>,
    keep_dropped_targets: Option<Ignored>,
    metric_name_validation_scheme: Option<Ignored>,
    metric_name_escaping_scheme: Option<Ignored>,
    scrape_native_histograms: Option<Ignored>,
    convert_classic_histograms_to_nhcb: Option<Ignored>,
    always_scrape_classic_histograms: Option<Ignored>,
    extra_scrape_metrics: Option<Ignored>,
}

impl RawGlobal {
    /// The keys that are accepted and mean nothing here.
    pub(super) fn ignored_keys(&self) -> Vec<&'static str> {
        written(&[
            ("external_labels", self.external_labels),
            ("evaluation_interval", self.evaluation_interval),
            ("rule_query_offset", self.rule_query_offset),
            ("query_log_file", self.query_log_file),
            ("scrape_failure_log_file", self.scrape_failure_log_file),
            ("scrape_protocols", self.scrape_protocols),
            ("keep_dropped_targets", self.keep_dropped_targets),
            (
                "metric_name_validation_scheme",
                self.metric_name_validation_scheme,
            ),
            (
                "metric_name_escaping_scheme",
                self.metric_name_escaping_scheme,
            ),
            ("scrape_native_histograms", self.scrape_native_histograms),
            (
                "convert_classic_histograms_to_nhcb",
                self.convert_classic_histograms_to_nhcb,
            ),
            (
                "always_scrape_classic_histograms",
                self.always_scrape_classic_histograms,
            ),
            ("extra_scrape_metrics", self.extra_scrape_metrics),
        ])
    }
}

impl RawGlobal {
    /// Makes it ready.
    pub(super) fn resolve(&self, source: Source<'_>) -> Result<Global, DocumentError> {
        let interval = self.scrape_interval.as_ref();
        let scrape_interval = interval.map_or(INTERVAL_DEFAULT, |written| written.value.0);
        let scrape_timeout = match &self.scrape_timeout {
            None => TIMEOUT_DEFAULT.min(scrape_interval),
            Some(timeout) if timeout.value.0 > scrape_interval => {
                let message = format!(
                    "`scrape_timeout` {} is longer than `scrape_interval` {}",
                    display(timeout.value.0),
                    display(scrape_interval)
                );
                return Err(source.error(timeout.referenced, message));
            }
            Some(timeout) => timeout.value.0,
        };
        Ok(Global {
            scrape_interval,
            scrape_timeout,
        })
    }
}

/// The names of those keys that were written.
pub(super) fn written(keys: &[(&'static str, Option<Ignored>)]) -> Vec<&'static str> {
    keys.iter()
        .filter(|(_, value)| value.is_some())
        .map(|(name, _)| *name)
        .collect()
}
