//! What a server knows of the types and the help of metrics.
//! <https://prometheus.io/docs/prometheus/latest/querying/api/#querying-metric-metadata>

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;

use crate::prometheus_api::PrometheusClient;

/// What a server says of every metric: each time with all that its targets say.
type Metadata = BTreeMap<String, Vec<Said>>;

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Said {
    #[serde(rename = "type", default)]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) help: String,
}

/// Types and help by family, where all targets say the same.
pub(super) type ByFamily = HashMap<String, Said>;

/// What the server says.
pub(super) async fn ask(server: &PrometheusClient) -> Result<ByFamily, String> {
    // Without it, names alone tell what a metric is.
    let metadata = server.get_if_there("/api/v1/metadata", &[]).await?;
    Ok(unanimous(metadata.unwrap_or_default()))
}

/// Where targets differ in the type of a metric, nothing is known of it; help is the first that there is.
fn unanimous(metadata: Metadata) -> ByFamily {
    let said = metadata.into_iter().filter_map(|(name, said)| {
        let first = said.iter().find(|one| !one.help.is_empty());
        let first = first.or(said.first())?.clone();
        let same = said.iter().all(|one| one.kind == first.kind);
        same.then_some((name, first))
    });
    said.collect()
}
