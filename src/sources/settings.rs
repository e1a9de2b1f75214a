//! `sources`: which servers are asked, and how.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_saphyr::Location;
use strum::VariantArray as _;

use super::protocol::SourceKind;
use crate::document::DocumentError;
use crate::document::paths::absolute;
use crate::document::value::{Interval, ShownUrl};
use crate::document::yaml::{At, Source};
use crate::http_client::http;
use crate::http_client::raw::with_http_keys;
use crate::http_client::settings::{Auth, HttpConfig};
use crate::kubernetes::Access;

/// A server that is asked for evidence.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceConfig {
    /// Its name, unique among them.
    pub name: String,
    /// What it is.
    pub kind: SourceKind,
    /// Where it is; `None` for links, which say so themselves.
    pub url: Option<url::Url>,
    /// The environments that it knows of; every one if empty.
    pub environments: Vec<String>,
    /// Time between two rounds of questions.
    pub interval: Duration,
    /// Deadline of each answer.
    pub timeout: Duration,
    /// How to ask.
    pub http: Arc<HttpConfig>,
    /// How a cluster's API server is reached; of no other kind of source.
    pub access: Option<Access>,
}

impl SourceConfig {
    /// The source for pages that the catalogue links to, where none is configured.
    pub fn links() -> Self {
        Self {
            name: SourceKind::Links.as_str().to_owned(),
            kind: SourceKind::Links,
            url: None,
            environments: Vec::new(),
            interval: Duration::from_secs(3600),
            timeout: Duration::from_secs(10),
            http: Arc::default(),
            access: None,
        }
    }
}

with_http_keys! {
    /// An entry of `sources` as written.
    struct RawSource {
        name: Option<At<String>>,
        kind: Option<At<SourceKind>>,
        url: Option<At<ShownUrl>>,
        kubeconfig_file: Option<At<PathBuf>>,
        environments: Option<Vec<String>>,
        interval: Option<Interval>,
        timeout: Option<Interval>,
    }
}

const INTERVAL_DEFAULT: Duration = Duration::from_secs(60);
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(10);
/// Sources of one configuration.
const SOURCES_MAX: usize = 1_000;

/// Makes the sources ready. Pages can be looked at without being configured.
pub(crate) fn sources(
    source: Source<'_>,
    raw: Vec<At<RawSource>>,
) -> Result<Vec<Arc<SourceConfig>>, DocumentError> {
    let mut names = HashSet::new();
    let mut ready = Vec::new();
    for raw in raw {
        let at = raw.referenced;
        if ready.len() == SOURCES_MAX {
            return Err(source.error(at, format!("more than {SOURCES_MAX} sources")));
        }
        let ready_source = one(source, raw)?;
        if !names.insert(ready_source.name.clone()) {
            let message = format!("source `{}` is defined twice", ready_source.name);
            return Err(source.error(at, message));
        }
        ready.push(Arc::new(ready_source));
    }
    if !ready.iter().any(|source| source.kind == SourceKind::Links) {
        ready.push(Arc::new(SourceConfig::links()));
    }
    Ok(ready)
}

fn one(source: Source<'_>, raw: At<RawSource>) -> Result<SourceConfig, DocumentError> {
    let (at, mut raw) = (raw.referenced, raw.value);
    let http = Arc::new(http(source, raw.take_http())?);
    let kubeconfig = raw.kubeconfig_file.take();
    let kind = raw.kind.ok_or_else(|| {
        let kinds: Vec<&str> = SourceKind::VARIANTS
            .iter()
            .map(|kind| kind.as_str())
            .collect();
        source
            .error(at, "a source needs a `kind`")
            .with_hint(format!("one of {}", kinds.join(", ")))
    })?;
    let name = match raw.name {
        Some(name) if name.value.trim().is_empty() => {
            return Err(source.error(name.referenced, "a source's name cannot be empty"));
        }
        Some(name) => name.value,
        None => kind.value.as_str().to_owned(),
    };
    let links = SourceConfig::links();
    let is_links = kind.value == SourceKind::Links;
    if is_links && (http.auth != Auth::None || !http.headers.is_empty() || http.tls.cert.is_some())
    {
        let message = "`links` carries no credentials and no headers: the catalogue chooses where they would go";
        return Err(source.error(at, message));
    }
    let access = match (kind.value, kubeconfig) {
        (SourceKind::Kubernetes, kubeconfig) => {
            Some(access(source, at, raw.url.as_ref(), kubeconfig, &http)?)
        }
        (_, Some(written)) => {
            let message = "`kubeconfig_file` is of sources of kind `kubernetes`";
            return Err(source.error(written.referenced, message));
        }
        (_, None) => None,
    };
    let url = match (raw.url, is_links) {
        (Some(url), true) => {
            return Err(source.error(
                url.referenced,
                "`links` has no `url`: the catalogue names them",
            ));
        }
        (Some(url), false) => Some(url.value.0),
        (None, true) => None,
        // The service account or the kubeconfig says where.
        (None, false) if access.is_some() => None,
        (None, false) => return Err(source.error(at, format!("source `{name}` needs a `url`"))),
    };
    let default = |own: Duration, of_links: Duration| if is_links { of_links } else { own };
    Ok(SourceConfig {
        name,
        kind: kind.value,
        url,
        environments: raw.environments.unwrap_or_default(),
        interval: raw
            .interval
            .map_or(default(INTERVAL_DEFAULT, links.interval), |i| i.0),
        timeout: raw
            .timeout
            .map_or(default(TIMEOUT_DEFAULT, links.timeout), |t| t.0),
        http,
        access,
    })
}

/// As `kubernetes_sd_configs` says it: by a URL, by a kubeconfig, or as the pod that we are.
fn access(
    source: Source<'_>,
    at: Location,
    url: Option<&At<ShownUrl>>,
    kubeconfig: Option<At<PathBuf>>,
    http: &Arc<HttpConfig>,
) -> Result<Access, DocumentError> {
    match (url, kubeconfig) {
        (Some(_), Some(written)) => {
            let message = "both `url` and `kubeconfig_file` are set: at most one may be";
            Err(source.error(written.referenced, message))
        }
        (Some(url), None) => Ok(Access::Server {
            url: url.value.0.clone(),
            http: Arc::clone(http),
        }),
        (None, Some(written)) if **http != HttpConfig::default() => {
            let message =
                "`kubeconfig_file` says how to ask: what is set beside it would not be used";
            Err(source.error(written.referenced, message))
        }
        (None, Some(written)) => Ok(Access::Kubeconfig(absolute(source, &written.value))),
        (None, None) if **http != HttpConfig::default() => {
            let message = "HTTP settings without `url`: a pod's service account says how to ask";
            Err(source.error(at, message))
        }
        (None, None) => Ok(Access::InCluster),
    }
}
