//! What a server knows of the types and the help of metrics.
//! <https://prometheus.io/docs/prometheus/latest/querying/api/#querying-metric-metadata>

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::prometheus_api::PrometheusClient;

/// How long an answer holds.
const AGE_MAX: Duration = Duration::from_secs(60);

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

/// Those of a server, asked for now and then.
#[derive(Default)]
pub(super) struct Families(Mutex<Option<(Instant, Arc<ByFamily>)>>);

impl Families {
    /// What the server says, or said a short while ago.
    pub(super) async fn of(&self, server: &PrometheusClient) -> Result<Arc<ByFamily>, String> {
        let mut known = self.0.lock().await;
        if let Some((at, families)) = known.as_ref()
            && at.elapsed() < AGE_MAX
        {
            return Ok(Arc::clone(families));
        }
        // Without it, names alone tell what a metric is.
        let metadata = server.get_if_there("/api/v1/metadata", &[]).await?;
        let families = Arc::new(unanimous(metadata.unwrap_or_default()));
        *known = Some((Instant::now(), Arc::clone(&families)));
        Ok(families)
    }
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
