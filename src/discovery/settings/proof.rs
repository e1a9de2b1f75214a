//! `proof`: by whose scrapes a job's targets are judged.

use std::sync::Arc;

use serde::Deserialize;

use crate::prometheus_api::PrometheusServer;

/// By whose scrapes targets are judged.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Proof {
    /// Ours.
    #[default]
    Scrape,
    /// Those of a server that scrapes already.
    Prometheus {
        /// Who is asked.
        server: Arc<PrometheusServer>,
        /// Whether it says where it scrapes.
        lists: bool,
    },
}

/// `proof` as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RawProof {
    Scrape,
    Prometheus,
}
