//! `docker_sd_configs`: the containers of a Docker engine.

mod containers;
mod settings;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use url::Url;

use self::containers::{Container, Network, listing};
use self::settings::Host;
pub(crate) use self::settings::{DockerSd, RawDockerSd};
use super::contract::{Mechanism, Surroundings};
use super::json::json;
use super::polled::{Polled, deadline, poll};
use crate::discovery::groups::{LIST_TARGETS_MAX, Listing};
use crate::discovery::refresh::{Refresh, RunnerGone};
use crate::document::DocumentError;
use crate::document::yaml::{At, Source};
use crate::http_client::settings::HttpConfig;
use crate::http_client::{DialPolicy, HttpClient, Reach, below};

impl Mechanism for DockerSd {
    type Raw = RawDockerSd;

    fn resolve(source: Source<'_>, raw: At<RawDockerSd>) -> Result<Self, DocumentError> {
        RawDockerSd::resolve(source, raw)
    }

    fn http(&self) -> Option<&HttpConfig> {
        Some(&self.http)
    }

    fn same_place(&self, other: &Self) -> bool {
        self.host == other.host
    }

    async fn run(self, surroundings: Surroundings) -> RunnerGone {
        let client = match &self.host {
            Host::Socket(path) => HttpClient::over_socket(path.clone()),
            Host::Server(_) => {
                let http = Arc::clone(&self.http);
                HttpClient::new(http, Reach::unlimited(), DialPolicy::default())
            }
        };
        let engine = Engine {
            config: self,
            client,
        };
        poll(engine, surroundings).await
    }
}

struct Engine {
    config: DockerSd,
    client: HttpClient,
}

impl Polled for Engine {
    fn interval(&self) -> Duration {
        self.config.refresh_interval
    }

    async fn ask(&mut self, _until: Instant) -> Refresh {
        self.list().await.into()
    }
}

impl Engine {
    async fn list(&self) -> Result<Listing, String> {
        let deadline = deadline(self.config.refresh_interval);
        let client = self.client.prepare(deadline).await?;
        let base = self.config.host.url();
        let mut url = below(&base, "/containers/json");
        if let Some(filters) = self.config.filters() {
            url.query_pairs_mut().append_pair("filters", &filters);
        }
        let failed = |what: &str, error: String| format!("{what}: {error}");
        let containers: Vec<Container> = json(&client, &url, deadline)
            .await
            .map_err(|error| failed("list containers", error))?;
        let networks: Vec<Network> = json(&client, &below(&base, "/networks"), deadline)
            .await
            .map_err(|error| failed("list networks", error))?;
        let listing = listing(&self.config, &containers, &networks);
        match listing.targets() {
            count if count > LIST_TARGETS_MAX => {
                Err(format!("{count} targets are more than {LIST_TARGETS_MAX}"))
            }
            _ => Ok(listing),
        }
    }
}

impl Host {
    /// What is asked; a socket has no name of its own.
    fn url(&self) -> Url {
        match self {
            Host::Socket(_) => settings::nameless(),
            Host::Server(url) => url.clone(),
        }
    }
}
