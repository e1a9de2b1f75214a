//! `prometheus_sd_configs` as written, and made ready.

use std::sync::Arc;
use std::time::Duration;

use crate::discovery::mechanism::written::refresh_interval;
use crate::document::DocumentError;
use crate::document::quantity::Period;
use crate::document::value::ShownUrl;
use crate::document::yaml::{At, Source};
use crate::http_client::http;
use crate::http_client::raw::with_http_keys;
use crate::prometheus_api::PrometheusServer;

const REFRESH_DEFAULT: Duration = Duration::from_secs(60);
/// Pools, each a request.
const POOLS_MAX: usize = 1_000;

with_http_keys! {
    /// An entry of `prometheus_sd_configs`.
    struct RawPrometheusSd {
        url: Option<At<ShownUrl>>,
        scrape_pools: Option<At<Vec<String>>>,
        query: Option<At<String>>,
        refresh_interval: Option<Period>,
    }
}

/// `prometheus_sd_configs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrometheusSd {
    /// Who is asked.
    pub server: Arc<PrometheusServer>,
    /// Whose targets; all where none is named.
    pub scrape_pools: Vec<String>,
    /// A query whose series are the targets, of a server that lists none.
    pub query: Option<String>,
    /// Time between two requests.
    pub refresh_interval: Duration,
}

impl RawPrometheusSd {
    /// Makes it ready.
    pub(super) fn resolve(
        source: Source<'_>,
        raw: At<Self>,
    ) -> Result<PrometheusSd, DocumentError> {
        let (at, mut raw) = (raw.referenced, raw.value);
        let http = http(source, raw.take_http())?;
        let Some(url) = raw.url else {
            let error = source.error(at, "`prometheus_sd_configs` needs `url`");
            return Err(error.with_hint("as `http://prometheus:9090`"));
        };
        let (url_at, url) = (url.referenced, url.value.0);
        if url.query().is_some() || url.fragment().is_some() {
            let message = "`url` may have neither a query nor a fragment";
            return Err(source.error(url_at, message));
        }
        let server = PrometheusServer {
            url,
            http: Arc::new(http),
        };
        if let (Some(query), Some(_)) = (&raw.query, &raw.scrape_pools) {
            let message = "`query` finds series, which are in no scrape pool: `scrape_pools` has no meaning beside it";
            return Err(source.error(query.referenced, message));
        }
        if let Some(query) = raw
            .query
            .as_ref()
            .filter(|query| query.value.trim().is_empty())
        {
            return Err(source.error(query.referenced, "`query` is empty"));
        }
        let mut pools = Vec::new();
        if let Some(written) = raw.scrape_pools {
            if written.value.len() > POOLS_MAX {
                let message = format!("{} pools are more than {POOLS_MAX}", written.value.len());
                return Err(source.error(written.referenced, message));
            }
            if written.value.iter().any(String::is_empty) {
                let message = "a scrape pool in `scrape_pools` has no name";
                return Err(source.error(written.referenced, message));
            }
            pools = written.value;
            pools.sort();
            pools.dedup();
        }
        Ok(PrometheusSd {
            server: Arc::new(server),
            scrape_pools: pools,
            query: raw.query.map(|query| query.value),
            refresh_interval: refresh_interval(raw.refresh_interval, REFRESH_DEFAULT),
        })
    }
}
