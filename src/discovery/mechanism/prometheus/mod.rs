//! `prometheus_sd_configs` (ours): the targets of a server that scrapes already: Prometheus, vmagent, Thanos; or the
//! series of one that lists none, such as Mimir.

mod settings;
mod targets;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use tokio::time::Instant;

use super::contract::{Mechanism, Surroundings};
use super::polled::{Polled, deadline, poll};
use crate::discovery::groups::{LIST_TARGETS_MAX, Layers, Listing, TargetGroup, check_bytes};
use crate::discovery::refresh::{Refresh, RunnerGone};
use crate::document::DocumentError;
use crate::document::value::nullable;
use crate::document::yaml::{At, Source};
use crate::http_client::settings::HttpConfig;
use crate::labels::Labels;
use crate::prometheus_api::{PrometheusClient, Targets};
pub(in crate::discovery) use settings::{PrometheusSd, RawPrometheusSd};
use targets::{Series, of_active, of_series};

impl Mechanism for PrometheusSd {
    type Raw = RawPrometheusSd;

    fn resolve(source: Source<'_>, raw: At<RawPrometheusSd>) -> Result<Self, DocumentError> {
        RawPrometheusSd::resolve(source, raw)
    }

    fn http(&self) -> Option<&HttpConfig> {
        Some(&self.server.http)
    }

    fn same_place(&self, other: &Self) -> bool {
        self.server.url == other.server.url && self.query == other.query
    }

    async fn run(self, surroundings: Surroundings) -> RunnerGone {
        let deadline = deadline(self.refresh_interval);
        let server = Server {
            client: PrometheusClient::new(Arc::clone(&self.server), deadline),
            config: self,
        };
        poll(server, surroundings).await
    }
}

struct Server {
    config: PrometheusSd,
    client: PrometheusClient,
}

/// What a query finds.
#[derive(Deserialize)]
struct Vector {
    #[serde(deserialize_with = "nullable")]
    result: Vec<Series>,
}

impl Polled for Server {
    fn interval(&self) -> Duration {
        self.config.refresh_interval
    }

    async fn ask(&mut self, _until: Instant) -> Refresh {
        self.list().await.into()
    }
}

impl Server {
    async fn list(&self) -> Result<Listing, String> {
        let found = match &self.config.query {
            Some(query) => {
                let answer: Vector = self.client.query(query).await?;
                answer.result.into_iter().map(of_series).collect()
            }
            None => self.targets().await?,
        };
        if found.len() > LIST_TARGETS_MAX {
            return Err(format!(
                "{} targets are more than {LIST_TARGETS_MAX}",
                found.len()
            ));
        }
        let (mut listing, mut targets) = (Listing::default(), Vec::new());
        let pools = self.config.scrape_pools.iter();
        let found_pools: HashSet<&str> = found
            .iter()
            .flatten()
            .map(|labels| labels.get("__meta_prometheus_scrape_pool"))
            .collect();
        let empty = pools.filter(|pool| !found_pools.contains(pool.as_str()));
        let empty = empty.map(|pool| format!("scrape pool `{pool}` has no active targets there"));
        listing.notes = empty.take(Listing::SKIPPED_MAX).collect();
        for target in found {
            match target {
                Ok(target) => targets.push(Layers::from(target)),
                Err(why) => listing.skip(why),
            }
        }
        let common = Layers::default();
        listing.groups = vec![Arc::new(TargetGroup { targets, common })];
        Ok(listing)
    }

    /// Those of the pools that are wanted, or all.
    async fn targets(&self) -> Result<Vec<Result<Labels, String>>, String> {
        let pools = &self.config.scrape_pools;
        let of_pools = pools
            .iter()
            .map(|pool| vec![("state", "active"), ("scrapePool", pool.as_str())]);
        let requests: Vec<_> = match pools.is_empty() {
            true => vec![vec![("state", "active")]],
            false => of_pools.collect(),
        };
        let (mut found, mut bytes) = (Vec::new(), 0);
        for parameters in requests {
            let answer: Targets = self.client.get("/api/v1/targets", &parameters).await?;
            // Not every server heeds the parameter: it may list all of its targets each time.
            let [_, (_, wanted)] = parameters[..] else {
                found.extend(answer.active_targets.into_iter().map(of_active));
                break;
            };
            let mut active = answer.active_targets.into_iter().peekable();
            if active
                .peek()
                .is_some_and(|first| first.scrape_pool.is_empty())
            {
                let why = "the server does not say which scrape pool a target is of: leave `scrape_pools` out";
                return Err(why.to_owned());
            }
            let of_pool = active.filter(|active| active.scrape_pool == wanted);
            let before = found.len();
            found.extend(of_pool.map(of_active));
            let labels = found[before..].iter().flatten().map(Labels::bytes);
            bytes += labels.sum::<usize>();
            check_bytes(bytes)?;
            if found.len() > LIST_TARGETS_MAX {
                break;
            }
        }
        Ok(found)
    }
}
