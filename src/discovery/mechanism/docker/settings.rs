//! `docker_sd_configs` as written, and made ready.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use crate::discovery::mechanism::written::{RawFilter, port, refresh_interval};
use crate::document::DocumentError;
use crate::document::quantity::Period;
use crate::document::yaml::{At, Source};
use crate::http_client::http;
use crate::http_client::raw::with_http_keys;
use crate::http_client::settings::HttpConfig;

const REFRESH_DEFAULT: Duration = Duration::from_secs(60);
const PORT_DEFAULT: u16 = 80;

with_http_keys! {
    /// An entry of `docker_sd_configs`.
    struct RawDockerSd {
        host: Option<At<String>>,
        port: Option<At<i64>>,
        filters: Option<Vec<RawFilter>>,
        host_networking_host: Option<String>,
        match_first_network: Option<At<bool>>,
        refresh_interval: Option<Period>,
    }
}

/// Where an engine is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// On this machine.
    Socket(PathBuf),
    /// Elsewhere.
    Server(Url),
}

/// `docker_sd_configs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DockerSd {
    /// The engine.
    pub host: Host,
    /// The port of containers that expose none.
    pub port: u16,
    /// Which containers, by name of the filter.
    pub filters: BTreeMap<String, Vec<String>>,
    /// The address of containers in the host's network.
    pub host_networking_host: String,
    /// Whether a container in several networks is a target in the first of them alone.
    pub match_first_network: bool,
    /// Time between two requests.
    pub refresh_interval: Duration,
    /// How to ask, other than over a socket.
    pub http: Arc<HttpConfig>,
}

/// The URL of what has no name.
#[expect(clippy::unwrap_used, reason = "the text is constant")]
pub(super) fn nameless() -> Url {
    Url::parse("http://localhost").unwrap()
}

impl DockerSd {
    /// As the engine's API wants them.
    pub(super) fn filters(&self) -> Option<String> {
        if self.filters.is_empty() {
            return None;
        }
        let filters = self.filters.iter().map(|(name, values)| {
            let values: serde_json::Map<_, _> = values
                .iter()
                .map(|value| (value.clone(), true.into()))
                .collect();
            (name.clone(), serde_json::Value::from(values))
        });
        Some(serde_json::Value::Object(filters.collect()).to_string())
    }
}

impl RawDockerSd {
    /// Makes it ready.
    pub(super) fn resolve(source: Source<'_>, raw: At<Self>) -> Result<DockerSd, DocumentError> {
        let (at, mut raw) = (raw.referenced, raw.value);
        let http = http(source, raw.take_http())?;
        let written = raw.host.take().filter(|host| !host.value.is_empty());
        let Some(written) = written else {
            let error = source.error(at, "`docker_sd_configs` needs `host`");
            return Err(error.with_hint("as `unix:///var/run/docker.sock`"));
        };
        let port = match raw.port.take() {
            None => PORT_DEFAULT,
            Some(written) => port(source, &written)?,
        };
        let mut filters: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for filter in raw.filters.take().unwrap_or_default() {
            let values = filters.entry(filter.name).or_default();
            values.extend(filter.values.unwrap_or_default());
        }
        filters.retain(|_, values| !values.is_empty());
        let first = raw.match_first_network.as_ref();
        Ok(DockerSd {
            host: host(source, &written)?,
            port,
            filters,
            host_networking_host: raw
                .host_networking_host
                .unwrap_or_else(|| "localhost".to_owned()),
            match_first_network: first.map_or(Ok(true), |written| source.boolean(written))?,
            refresh_interval: refresh_interval(raw.refresh_interval, REFRESH_DEFAULT),
            http: Arc::new(http),
        })
    }
}

fn host(source: Source<'_>, written: &At<String>) -> Result<Host, DocumentError> {
    let (scheme, rest) = written.value.split_once("://").unwrap_or(("", ""));
    let address = match scheme {
        "unix" => return Ok(Host::Socket(PathBuf::from(rest))),
        "http" | "https" => written.value.clone(),
        "tcp" => format!("http://{rest}"),
        _ => {
            let message = "this is not the address of a Docker engine";
            let error = source.unsupported(written.referenced, message);
            return Err(error.with_hint("one of `unix://`, `tcp://`, `http://`, `https://`"));
        }
    };
    Url::parse(&address)
        .map(Host::Server)
        .map_err(|error| source.error(written.referenced, format!("`host`: {error}")))
}
