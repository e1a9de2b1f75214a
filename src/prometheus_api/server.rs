//! A server, as a configuration names it.

use std::sync::Arc;

use url::Url;

use crate::http_client::settings::HttpConfig;

/// A server of Prometheus's API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrometheusServer {
    /// Where it is, with the path that its API is below.
    pub url: Url,
    /// How to ask.
    pub http: Arc<HttpConfig>,
}
