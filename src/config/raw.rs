//! The configuration file as written: each value read but nothing put together.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Deserializer};

use crate::calendar::RawFiscalYear;
use crate::catalogue::SeriesNames;
use crate::discovery::settings::{RawGlobal, RawKubernetes, RawLabels, RawScrape, RawShrinkGuard};
use crate::document::quantity::Period;
use crate::document::yaml::At;
use crate::history::RawHistory;
use crate::http_client::RawDial;
use crate::manifesto::{RawLevel, RawRules};
use crate::sources::RawSource;

/// A configuration file.
#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawConfig {
    pub(super) global: Option<RawGlobal>,
    pub(super) scrape_configs: Option<Vec<At<RawScrape>>>,
    /// Written without a value, it is as `{}`: nobody writes it to have nothing.
    #[serde(deserialize_with = "written")]
    pub(super) kubernetes: Option<At<Option<RawKubernetes>>>,
    pub(super) scrape_config_files: Option<Vec<At<PathBuf>>>,
    pub(super) labels: Option<RawLabels>,
    pub(super) services: Option<BTreeMap<String, Option<RawService>>>,
    pub(super) catalogue: Option<Vec<At<PathBuf>>>,
    pub(super) attestations: Option<Vec<At<PathBuf>>>,
    pub(super) waivers: Option<Vec<At<PathBuf>>>,
    pub(super) objectives: Option<Vec<At<PathBuf>>>,
    pub(super) initiatives: Option<Vec<At<PathBuf>>>,
    pub(super) levels: Option<Vec<At<RawLevel>>>,
    pub(super) slos: Option<Vec<At<PathBuf>>>,
    pub(super) sources: Option<Vec<At<RawSource>>>,
    pub(super) rules: Option<RawRules>,
    pub(super) dial: Option<RawDial>,
    pub(super) discovery: Option<RawDiscovery>,
    pub(super) scrape_concurrency: Option<At<usize>>,
    pub(super) scrape_threads: Option<At<usize>>,
    pub(super) series_budget: Option<usize>,
    pub(super) score: Option<RawScore>,
    pub(super) fiscal_year: Option<RawFiscalYear>,
    pub(super) history: Option<RawHistory>,
}

/// A key that is there, whatever its value.
fn written<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<At<Option<T>>>, D::Error> {
    At::deserialize(deserializer).map(Some)
}

/// `score`.
#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawScore {
    pub(super) carry_over: Option<At<Period>>,
}

/// An entry of `services`.
#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawService {
    pub(super) aliases: Option<Vec<At<String>>>,
    pub(super) series: Option<SeriesNames>,
}

/// `discovery`.
#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawDiscovery {
    pub(super) shrink_guard: Option<RawShrinkGuard>,
}
