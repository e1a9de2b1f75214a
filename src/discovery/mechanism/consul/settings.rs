//! `consul_sd_configs` as written, and made ready.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use crate::discovery::mechanism::written::refresh_interval;
use crate::document::DocumentError;
use crate::document::quantity::Period;
use crate::document::secret::{Secret, SecretSource};
use crate::document::yaml::{At, Source};
use crate::http_client::http;
use crate::http_client::raw::with_http_keys;
use crate::http_client::settings::{Auth, HttpConfig};

const REFRESH_DEFAULT: Duration = Duration::from_secs(30);

with_http_keys! {
    /// An entry of `consul_sd_configs`.
    struct RawConsulSd {
        server: Option<At<String>>,
        path_prefix: Option<String>,
        token: Option<At<Secret>>,
        datacenter: Option<String>,
        namespace: Option<String>,
        partition: Option<String>,
        tag_separator: Option<String>,
        scheme: Option<At<String>>,
        username: Option<At<Secret>>,
        password: Option<At<Secret>>,
        allow_stale: Option<At<bool>>,
        refresh_interval: Option<Period>,
        services: Option<Vec<String>>,
        tags: Option<Vec<String>>,
        node_meta: Option<BTreeMap<String, String>>,
        filter: Option<String>,
        health_filter: Option<String>,
    }
}

/// `consul_sd_configs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsulSd {
    /// The agent, with the path prefix.
    pub url: Url,
    /// `X-Consul-Token`.
    pub token: Option<Secret>,
    /// Asked for; the agent's own where it is `""`.
    pub datacenter: String,
    /// Consul Enterprise's namespace, `""` for none.
    pub namespace: String,
    /// Consul Enterprise's admin partition, `""` for none.
    pub partition: String,
    /// Stands between tags, and around them.
    pub tag_separator: String,
    /// Whether any server may answer, not the leader alone.
    pub allow_stale: bool,
    /// The least time between two requests for the same.
    pub refresh_interval: Duration,
    /// The services to find; all where none is named.
    pub services: Vec<String>,
    /// Tags that a service has to have, all of them.
    pub tags: Vec<String>,
    /// Metadata that a node has to have.
    pub node_meta: BTreeMap<String, String>,
    /// For the catalogue; `""` for none.
    pub filter: String,
    /// For the instances; `""` for none.
    pub health_filter: String,
    /// How to ask.
    pub http: Arc<HttpConfig>,
}

impl ConsulSd {
    /// Whether the catalogue says which services count: those that are named need none, unless something else decides.
    pub(super) fn needs_catalogue(&self) -> bool {
        self.services.is_empty() || !self.tags.is_empty() || !self.filter.is_empty()
    }
}

impl RawConsulSd {
    /// Makes it ready.
    pub(super) fn resolve(source: Source<'_>, raw: At<Self>) -> Result<ConsulSd, DocumentError> {
        let (at, mut raw) = (raw.referenced, raw.value);
        let has_token_auth = raw.authorization.is_some() || raw.oauth2.is_some();
        let has_basic_auth = raw.basic_auth.is_some();
        let mut http = http(source, raw.take_http())?;
        let filled = |secret: &At<Secret>| !secret.value.expose().is_empty();
        let login = [raw.username.take(), raw.password.take()].map(|part| part.filter(filled));
        if let Some(written) = login.iter().flatten().next() {
            if has_basic_auth {
                let message = "both `username` or `password` and `basic_auth` are set";
                return Err(source.error(written.referenced, message));
            }
            if http.auth == Auth::None {
                let [username, password] = login.map(|part| {
                    let part = part.map_or_else(|| Secret::new(""), |part| part.value);
                    SecretSource::Inline(part)
                });
                http.auth = Auth::Basic { username, password };
            }
        }
        let token = raw.token.take().filter(filled);
        if let Some(token) = token.as_ref().filter(|_| has_token_auth) {
            let message = "both `token` and `authorization` or `oauth2` are set";
            return Err(source.error(token.referenced, message));
        }
        let url = url(source, at, &raw)?;
        let allow_stale = raw.allow_stale.as_ref();
        Ok(ConsulSd {
            url,
            token: token.map(|token| token.value),
            datacenter: raw.datacenter.unwrap_or_default(),
            namespace: raw.namespace.unwrap_or_default(),
            partition: raw.partition.unwrap_or_default(),
            tag_separator: raw.tag_separator.unwrap_or_else(|| ",".to_owned()),
            allow_stale: allow_stale.map_or(Ok(true), |written| source.boolean(written))?,
            refresh_interval: refresh_interval(raw.refresh_interval, REFRESH_DEFAULT),
            services: raw.services.unwrap_or_default(),
            tags: raw.tags.unwrap_or_default(),
            node_meta: raw.node_meta.unwrap_or_default(),
            filter: raw.filter.unwrap_or_default(),
            health_filter: raw.health_filter.unwrap_or_default(),
            http: Arc::new(http),
        })
    }
}

/// Consul's client takes `host:port`, and a URL as well.
fn url(
    source: Source<'_>,
    at: serde_saphyr::Location,
    raw: &RawConsulSd,
) -> Result<Url, DocumentError> {
    let (at, server) = match &raw.server {
        None => (at, "localhost:8500"),
        Some(written) => (written.referenced, written.value.as_str()),
    };
    if server.trim().is_empty() {
        return Err(source.error(at, "`server` is empty"));
    }
    let scheme = raw
        .scheme
        .as_ref()
        .map_or("", |scheme| scheme.value.as_str());
    let scheme = if scheme.is_empty() { "http" } else { scheme };
    let (scheme, host) = match server.split_once("://") {
        Some(("unix", _)) => {
            let message = format!("`{server}`: Consul over a Unix socket is not supported");
            return Err(source.unsupported(at, message));
        }
        Some((scheme, host)) => (scheme, host),
        None => (scheme, server),
    };
    if !matches!(scheme, "http" | "https") {
        let message = format!("scheme `{scheme}` is neither `http` nor `https`");
        return Err(source.unsupported(at, message));
    }
    let prefix = raw
        .path_prefix
        .as_deref()
        .unwrap_or_default()
        .trim_matches('/');
    Url::parse(&format!("{scheme}://{host}/{prefix}"))
        .map_err(|error| source.error(at, format!("`server`: {error}")))
}
