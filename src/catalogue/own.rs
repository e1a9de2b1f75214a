//! Our own format of the catalogue.

use serde::Deserialize;
use serde_saphyr::Location;

use super::entry::{Entry, Links, Openness};
use super::settings::SeriesNames;
use crate::document::DocumentError;
use crate::document::value::{Day, Share, ShownUrl};
use crate::document::yaml::{self, At, Source};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCatalogue {
    services: Vec<RawEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEntry {
    name: At<String>,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(default)]
    team: String,
    #[serde(default)]
    tier: String,
    #[serde(default)]
    owners: Vec<String>,
    #[serde(default)]
    environments: Vec<String>,
    external_slo: Option<Share>,
    docs_url: Option<ShownUrl>,
    diagram_url: Option<ShownUrl>,
    repository: Option<ShownUrl>,
    open_source: Option<At<bool>>,
    private_reason: Option<At<String>>,
    created: Option<Day>,
    first_deployed: Option<Day>,
    #[serde(default)]
    log_format: String,
    #[serde(default)]
    series: SeriesNames,
}

/// Reads a file: each service with where it is named.
pub(super) fn read(source: Source<'_>) -> Result<Vec<(Entry, Location)>, DocumentError> {
    let raw: RawCatalogue = yaml::parse(source)?;
    raw.services
        .into_iter()
        .map(|raw| {
            let location = raw.name.referenced;
            Ok((entry(source, raw)?, location))
        })
        .collect()
}

fn entry(source: Source<'_>, raw: RawEntry) -> Result<Entry, DocumentError> {
    let at = raw.name.referenced;
    if raw.name.value.trim().is_empty() {
        return Err(source.error(at, "a service needs a name"));
    }
    let openness = match (raw.open_source, raw.private_reason) {
        (Some(open), Some(reason)) if open.value => {
            let message = "a service is open source or has a `private_reason`, not both";
            return Err(source.error(reason.referenced, message));
        }
        (_, Some(reason)) if reason.value.trim().is_empty() => {
            return Err(source.error(reason.referenced, "`private_reason` gives no reason"));
        }
        (_, Some(reason)) => Some(Openness::Private(reason.value)),
        (Some(open), None) if open.value => Some(Openness::OpenSource),
        (Some(closed), None) => {
            let message = "a service that is not open source needs a `private_reason`";
            return Err(source.error(closed.referenced, message));
        }
        (None, None) => None,
    };
    Ok(Entry {
        name: raw.name.value,
        aliases: raw.aliases,
        team: raw.team,
        tier: raw.tier,
        owners: raw.owners,
        environments: raw.environments,
        external_slo: raw.external_slo.map(|share| share.0),
        links: Links {
            docs: raw.docs_url.map(|url| url.0),
            diagram: raw.diagram_url.map(|url| url.0),
            repository: raw.repository.map(|url| url.0),
        },
        openness,
        created: raw.created.map(|day| day.0),
        first_deployed: raw.first_deployed.map(|day| day.0),
        log_format: raw.log_format,
        series: raw.series,
        place: format!("{}:{}", source.origin.name, at.line()),
    })
}
