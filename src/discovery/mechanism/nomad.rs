//! `nomad_sd_configs`: services that Nomad registers by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::contract::{Mechanism, Surroundings};
use super::json::json;
use super::polled::{Polled, deadline, poll};
use super::written::refresh_interval;
use crate::discovery::groups::{Layers, Listing, TargetGroup, check_bytes};
use crate::discovery::meta::{ADDRESS, Meta, address, surrounded};
use crate::discovery::refresh::{Refresh, RunnerGone};
use crate::document::DocumentError;
use crate::document::quantity::Period;
use crate::document::value::nullable;
use crate::document::yaml::{At, Source};
use crate::http_client::raw::with_http_keys;
use crate::http_client::settings::HttpConfig;
use crate::http_client::{
    DialPolicy, HttpClient, NOT_IN_A_URL, Prepared, Reach, below, http, is_segment, segment,
};
use crate::labels::Labels;

const REFRESH_DEFAULT: Duration = Duration::from_secs(60);
const SERVER_DEFAULT: &str = "http://localhost:4646";
/// The part of the deadline that one service may take.
const SERVICE_PART: u32 = 8;
/// Services, each a request.
const SERVICES_MAX: usize = 10_000;

with_http_keys! {
    /// An entry of `nomad_sd_configs`.
    struct RawNomadSd {
        server: Option<At<String>>,
        namespace: Option<String>,
        region: Option<String>,
        tag_separator: Option<String>,
        allow_stale: Option<At<bool>>,
        refresh_interval: Option<Period>,
    }
}

/// `nomad_sd_configs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NomadSd {
    /// The agent.
    pub url: Url,
    /// Whose services.
    pub namespace: String,
    /// Where.
    pub region: String,
    /// Stands between tags, and around them.
    pub tag_separator: String,
    /// Whether any server may answer, not the leader alone.
    pub allow_stale: bool,
    /// Time between two requests.
    pub refresh_interval: Duration,
    /// How to ask.
    pub http: Arc<HttpConfig>,
}

impl Mechanism for NomadSd {
    type Raw = RawNomadSd;

    fn resolve(source: Source<'_>, raw: At<RawNomadSd>) -> Result<Self, DocumentError> {
        let (at, mut raw) = (raw.referenced, raw.value);
        let http = http(source, raw.take_http())?;
        let (at, server) = match &raw.server {
            None => (at, SERVER_DEFAULT),
            Some(written) => (written.referenced, written.value.trim()),
        };
        if server.is_empty() {
            return Err(source.error(at, "`server` is empty"));
        }
        let url =
            Url::parse(server).map_err(|error| source.error(at, format!("`server`: {error}")))?;
        if !matches!(url.scheme(), "http" | "https") {
            let message = format!("scheme `{}` is neither `http` nor `https`", url.scheme());
            return Err(source.unsupported(at, message));
        }
        let allow_stale = raw.allow_stale.as_ref();
        Ok(Self {
            url,
            namespace: raw.namespace.unwrap_or_else(|| "default".to_owned()),
            region: raw.region.unwrap_or_else(|| "global".to_owned()),
            tag_separator: raw.tag_separator.unwrap_or_else(|| ",".to_owned()),
            allow_stale: allow_stale.map_or(Ok(true), |written| source.boolean(written))?,
            refresh_interval: refresh_interval(raw.refresh_interval, REFRESH_DEFAULT),
            http: Arc::new(http),
        })
    }

    fn http(&self) -> Option<&HttpConfig> {
        Some(&self.http)
    }

    fn same_place(&self, other: &Self) -> bool {
        self.url == other.url && self.namespace == other.namespace && self.region == other.region
    }

    async fn run(self, surroundings: Surroundings) -> RunnerGone {
        let http = Arc::clone(&self.http);
        let services = Services {
            config: self,
            client: HttpClient::new(http, Reach::unlimited(), DialPolicy::default()),
            known: BTreeMap::new(),
            first: String::new(),
        };
        poll(services, surroundings).await
    }
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct Namespace {
    #[serde(deserialize_with = "nullable")]
    services: Vec<Stub>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct Stub {
    service_name: String,
}

/// An instance of a service.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct Registration {
    #[serde(rename = "ID")]
    id: String,
    service_name: String,
    namespace: String,
    #[serde(rename = "NodeID")]
    node_id: String,
    datacenter: String,
    address: String,
    port: i64,
    #[serde(deserialize_with = "nullable")]
    tags: Vec<String>,
}

/// The services, each with what was last said of it: one that cannot be asked for keeps it.
struct Services {
    config: NomadSd,
    client: HttpClient,
    known: BTreeMap<String, Arc<TargetGroup>>,
    /// Where to begin: at the first service that there was no time for.
    first: String,
}

impl Polled for Services {
    fn interval(&self) -> Duration {
        self.config.refresh_interval
    }

    async fn ask(&mut self, until: Instant) -> Refresh {
        match self.services(until).await {
            Ok(errors) => {
                // Without any answer about a service it is not known what there is.
                let is_any_known = errors.is_empty() || !self.known.is_empty();
                let listing = is_any_known.then(|| Listing {
                    groups: self.known.values().cloned().collect(),
                    ..Listing::default()
                });
                Refresh::of_parts(listing, errors)
            }
            Err(error) => Refresh::failed(error),
        }
    }
}

impl Services {
    /// Asks for every service; says which could not be asked for.
    async fn services(&mut self, until: Instant) -> Result<Vec<String>, String> {
        let deadline = deadline(self.config.refresh_interval);
        let client = self.client.prepare(deadline).await?;
        let namespaces: Vec<Namespace> = json(&client, &self.url("/v1/services"), deadline).await?;
        let stubs = namespaces
            .into_iter()
            .flat_map(|namespace| namespace.services);
        let names: BTreeSet<String> = stubs.map(|stub| stub.service_name).collect();
        if names.len() > SERVICES_MAX {
            return Err(format!(
                "{} services are more than {SERVICES_MAX}",
                names.len()
            ));
        }
        self.known.retain(|name, _| names.contains(name));
        let mut bytes: usize = self.known.values().map(|group| group.bytes()).sum();
        let mut errors = Vec::new();
        let count = names.len();
        let (before, after): (Vec<String>, Vec<String>) =
            names.into_iter().partition(|name| *name < self.first);
        for (nth, name) in after.into_iter().chain(before).enumerate() {
            // One that hangs takes no more than its part of the time.
            let asking = self.service(&client, &name, deadline / SERVICE_PART);
            let Ok(answer) = timeout_at(until, asking).await else {
                // Those that wait keep what they were, and are the first to be asked again.
                errors.push(format!("{} services did not answer in time", count - nth));
                self.first = name;
                break;
            };
            match answer {
                Ok(group) if self.known.get(&name).is_some_and(|known| **known == group) => {}
                Ok(group) => {
                    bytes += group.bytes();
                    check_bytes(bytes)?;
                    if let Some(before) = self.known.insert(name, Arc::new(group)) {
                        bytes -= before.bytes();
                    }
                }
                Err(error) => errors.push(format!("service `{name}`: {error}")),
            }
        }
        Ok(errors)
    }

    async fn service(
        &self,
        client: &Prepared,
        name: &str,
        deadline: Duration,
    ) -> Result<TargetGroup, String> {
        if !is_segment(name) {
            return Err(NOT_IN_A_URL.to_owned());
        }
        let url = self.url(&format!("/v1/service/{}", segment(name)));
        let registrations: Vec<Registration> = json(client, &url, deadline).await?;
        let targets = registrations.iter();
        let targets = targets.map(|one| Layers::from(target(one, &self.config.tag_separator)));
        Ok(TargetGroup {
            targets: targets.collect(),
            common: Layers::default(),
        })
    }

    fn url(&self, path: &str) -> Url {
        let config = &self.config;
        let mut url = below(&config.url, path);
        {
            let mut query = url.query_pairs_mut();
            for (name, value) in [("namespace", &config.namespace), ("region", &config.region)] {
                if !value.is_empty() {
                    query.append_pair(name, value);
                }
            }
            if config.allow_stale {
                query.append_pair("stale", "");
            }
        }
        url
    }
}

fn target(one: &Registration, separator: &str) -> Labels {
    let mut meta = Meta::new("__meta_nomad_");
    meta.set("address", one.address.as_str());
    meta.set("dc", one.datacenter.as_str());
    meta.set("node_id", one.node_id.as_str());
    meta.set("namespace", one.namespace.as_str());
    meta.set("service_address", one.address.as_str());
    meta.set("service_id", one.id.as_str());
    meta.set("service_port", one.port.to_string());
    meta.set("service", one.service_name.as_str());
    if !one.tags.is_empty() {
        meta.set("tags", surrounded(&one.tags, separator));
    }
    meta.set_plain(ADDRESS, address(&one.address, one.port));
    meta.build()
}
