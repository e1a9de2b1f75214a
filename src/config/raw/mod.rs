//! What was written: the shape of the file, each value read but nothing put together.

pub(super) mod http;
pub(super) mod scrape;
pub(super) mod sd;
pub(super) mod sources;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use self::scrape::RawScrape;
use self::sources::RawSource;
use super::value::{ByteSize, Day, FinalLabelName, Interval, Network, Passed, PortRange};
use super::yaml::At;
use crate::checks::Check;
use crate::manifesto::{Rule, RuleId, Severity};

/// A configuration file.
#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawConfig {
    pub(super) global: Option<RawGlobal>,
    pub(super) scrape_configs: Option<Vec<At<RawScrape>>>,
    pub(super) scrape_config_files: Option<Vec<At<PathBuf>>>,
    pub(super) labels: Option<RawLabels>,
    pub(super) services: Option<BTreeMap<String, Option<RawService>>>,
    pub(super) catalogue: Option<Vec<At<PathBuf>>>,
    pub(super) attestations: Option<Vec<At<PathBuf>>>,
    pub(super) waivers: Option<Vec<At<PathBuf>>>,
    pub(super) objectives: Option<Vec<At<PathBuf>>>,
    pub(super) slos: Option<Vec<At<PathBuf>>>,
    pub(super) sources: Option<Vec<At<RawSource>>>,
    pub(super) rules: Option<RawRules>,
    pub(super) dial: Option<RawDial>,
    pub(super) discovery: Option<RawDiscovery>,
    pub(super) scrape_concurrency: Option<At<usize>>,
    pub(super) scrape_threads: Option<At<usize>>,
    pub(super) series_budget: Option<usize>,
}

/// A file of `scrape_config_files`: everything but `scrape_configs` and the defaults that
/// `global` gives them is passed over.
#[derive(Debug, Deserialize, Default)]
#[serde(default)]
pub(super) struct RawScrapeFile {
    /// Prometheus's own includes are not followed.
    pub(super) scrape_config_files: Option<Passed>,
    pub(super) global: Option<RawGlobal>,
    pub(super) scrape_configs: Option<Vec<At<RawScrape>>>,
}

/// `global`: Prometheus's.
#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawGlobal {
    pub(super) scrape_interval: Option<At<Interval>>,
    pub(super) scrape_timeout: Option<At<Interval>>,
    pub(super) body_size_limit: Option<ByteSize>,
    pub(super) sample_limit: Option<u64>,
    pub(super) target_limit: Option<usize>,
    pub(super) label_limit: Option<usize>,
    pub(super) label_name_length_limit: Option<usize>,
    pub(super) label_value_length_limit: Option<usize>,
    external_labels: Option<Passed>,
    evaluation_interval: Option<Passed>,
    rule_query_offset: Option<Passed>,
    query_log_file: Option<Passed>,
    scrape_failure_log_file: Option<Passed>,
    scrape_protocols: Option<Passed>,
    keep_dropped_targets: Option<Passed>,
    metric_name_validation_scheme: Option<Passed>,
    metric_name_escaping_scheme: Option<Passed>,
    scrape_native_histograms: Option<Passed>,
    convert_classic_histograms_to_nhcb: Option<Passed>,
    always_scrape_classic_histograms: Option<Passed>,
    extra_scrape_metrics: Option<Passed>,
}

impl RawGlobal {
    /// The keys that are accepted and mean nothing here.
    pub(super) fn passed_over(&self) -> Vec<&'static str> {
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

/// The names of those keys that were written.
fn written(keys: &[(&'static str, Option<Passed>)]) -> Vec<&'static str> {
    keys.iter()
        .filter(|(_, value)| value.is_some())
        .map(|(name, _)| *name)
        .collect()
}

/// `labels`: which label says what.
#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawLabels {
    pub(super) service: Option<Vec<FinalLabelName>>,
    pub(super) environment: Option<Vec<FinalLabelName>>,
    pub(super) team: Option<Vec<FinalLabelName>>,
}

/// An entry of `services`.
#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawService {
    pub(super) aliases: Option<Vec<At<String>>>,
    pub(super) series: Option<RawSeries>,
}

/// `series`: the names under which a service exposes what the foundation rules want.
#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawSeries {
    pub(super) version: Option<String>,
    pub(super) availability: Option<String>,
    pub(super) latency: Option<String>,
}

/// `rules`.
#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawRules {
    pub(super) disabled: Option<BTreeMap<RuleId, At<String>>>,
    pub(super) severity: Option<BTreeMap<RuleId, At<Severity>>>,
    pub(super) effective_from: Option<BTreeMap<RuleId, At<Day>>>,
    pub(super) checks: Option<BTreeMap<RuleId, At<Vec<Check>>>>,
    pub(super) add: Option<Vec<At<Rule>>>,
    pub(super) files: Option<Vec<At<PathBuf>>>,
    pub(super) version: Option<At<String>>,
    pub(super) reviewed: Option<Vec<Day>>,
}

/// `dial`.
#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawDial {
    pub(super) allow: Option<Vec<Network>>,
    pub(super) deny: Option<Vec<Network>>,
    pub(super) ports: Option<Vec<PortRange>>,
    pub(super) plaintext_credentials: Option<bool>,
}

/// `discovery`.
#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawDiscovery {
    pub(super) shrink_guard: Option<RawShrinkGuard>,
}

/// `shrink_guard`.
#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawShrinkGuard {
    pub(super) enabled: Option<bool>,
    pub(super) ratio: Option<At<f64>>,
    pub(super) lost_min: Option<usize>,
    pub(super) refreshes: Option<u32>,
    pub(super) grace: Option<Interval>,
}
