//! `sources`: names made unique, defaults filled in.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::SourceConfig;
use super::error::ConfigError;
use super::http::Auth;
use super::raw::sources::RawSource;
use super::resolve_http::http;
use super::yaml::{At, Source};
use crate::sources::{SourceKind, links};

const INTERVAL_DEFAULT: Duration = Duration::from_secs(60);
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(10);
/// Sources of one configuration.
const SOURCES_MAX: usize = 1_000;

/// Makes the sources ready. Pages can be looked at without being configured.
pub(super) fn sources(
    source: Source<'_>,
    raw: Vec<At<RawSource>>,
) -> Result<Vec<Arc<SourceConfig>>, ConfigError> {
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
        ready.push(Arc::new(links()));
    }
    Ok(ready)
}

fn one(source: Source<'_>, raw: At<RawSource>) -> Result<SourceConfig, ConfigError> {
    let (at, mut raw) = (raw.referenced, raw.value);
    let http = Arc::new(http(source, raw.take_http())?);
    let kind = raw.kind.ok_or_else(|| {
        source
            .error(at, "a source needs a `kind`")
            .with_hint("one of prometheus, loki, kubernetes, playbooks, status_page, http, links")
    })?;
    let name = match raw.name {
        Some(name) if name.value.trim().is_empty() => {
            return Err(source.error(name.referenced, "a source's name cannot be empty"));
        }
        Some(name) => name.value,
        None => kind.value.as_str().to_owned(),
    };
    let links = links();
    let is_links = kind.value == SourceKind::Links;
    if is_links && (http.auth != Auth::None || !http.headers.is_empty() || http.tls.cert.is_some())
    {
        let message = "`links` carries no credentials and no headers: the catalogue chooses where they would go";
        return Err(source.error(at, message));
    }
    let url = match (raw.url, is_links) {
        (Some(url), true) => {
            return Err(source.error(
                url.referenced,
                "`links` has no `url`: the catalogue names them",
            ));
        }
        (Some(url), false) => Some(url.value.0),
        (None, true) => None,
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
    })
}
