//! What a server scrapes. <https://prometheus.io/docs/prometheus/latest/querying/api/#targets>

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::document::value::nullable;

/// All of them.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Targets {
    #[serde(deserialize_with = "nullable")]
    pub(crate) active_targets: Vec<Active>,
}

/// A target that is scraped.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Active {
    #[serde(deserialize_with = "nullable")]
    pub(crate) discovered_labels: BTreeMap<String, String>,
    #[serde(deserialize_with = "nullable")]
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) scrape_pool: String,
    pub(crate) scrape_url: String,
    pub(crate) last_error: String,
}
