//! Raw becomes ready: each stage's settings put together, and checked against one another.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::SignedDuration;

use super::raw::{RawConfig, RawScore, RawService};
use super::settings::Config;
use crate::catalogue::{RecordFiles, ServiceOverride};
use crate::discovery::lost_of_static_lists;
use crate::discovery::settings::{DiscoverySettings, Jobs, Naming, Written};
use crate::document::DocumentError;
use crate::document::paths::patterns;
use crate::document::yaml::{At, Source};
use crate::http_client::DialPolicy;
use crate::snapshot::CARRIED_FOR_DEFAULT;
use crate::{manifesto, sources};

/// Scrapes in flight that a configuration may ask for.
const SCRAPE_CONCURRENCY_MAX: usize = 100_000;
/// Threads that a configuration may ask for.
const SCRAPE_THREADS_MAX: usize = 256;
/// Compliance series published at the most: some 10,000 targets of a few thousand services.
const SERIES_BUDGET_DEFAULT: usize = 200_000;

/// How long the last measured outcome of a rule may count: a quarter's score rests on no older ones.
const CARRIED_FOR_MAX: SignedDuration = SignedDuration::from_hours(90 * 24);

/// Targets of static lists that are named in warnings.
const LOSSES_SHOWN_MAX: usize = 20;

/// Makes a configuration ready.
pub(super) fn config(source: Source<'_>, raw: RawConfig) -> Result<Config, DocumentError> {
    let global = raw.global.unwrap_or_default();
    let written = Written {
        own: raw.scrape_configs,
        kubernetes: raw.kubernetes,
        files: raw.scrape_config_files,
    };
    let jobs = Jobs::read(source, &global, written)?;
    let services = services(source, raw.services.unwrap_or_default())?;
    let shrink_guard = raw.discovery.and_then(|discovery| discovery.shrink_guard);
    let raw_dial = raw.dial.unwrap_or_default();
    let discovery = DiscoverySettings {
        jobs: jobs.ready,
        naming: Naming::new(raw.labels.unwrap_or_default(), aliases(&services)),
        shrink_guard: shrink_guard.unwrap_or_default().resolve(source)?,
        skipped: jobs.skipped,
    };
    let mut warnings = jobs.warnings;
    warnings.extend(losses(&discovery));
    Ok(Config {
        discovery: Arc::new(discovery),
        services,
        scrape_files: jobs.files,
        catalogue: patterns(source, raw.catalogue)?,
        records: RecordFiles {
            attestations: patterns(source, raw.attestations)?,
            waivers: patterns(source, raw.waivers)?,
            objectives: patterns(source, raw.objectives)?,
            initiatives: patterns(source, raw.initiatives)?,
            slos: patterns(source, raw.slos)?,
        },
        sources: sources::sources(source, raw.sources.unwrap_or_default())?,
        rules: manifesto::rules(source, raw.rules.unwrap_or_default())?,
        levels: manifesto::levels(source, raw.levels.unwrap_or_default())?,
        plaintext_credentials: raw_dial.plaintext_credentials.unwrap_or(false),
        dial: DialPolicy::from(raw_dial),
        scrape_concurrency: count(
            source,
            "scrape_concurrency",
            raw.scrape_concurrency,
            SCRAPE_CONCURRENCY_MAX,
        )?,
        scrape_threads: count(
            source,
            "scrape_threads",
            raw.scrape_threads,
            SCRAPE_THREADS_MAX,
        )?,
        series_max: raw.series_budget.unwrap_or(SERIES_BUDGET_DEFAULT),
        carried_for: carried_for(source, raw.score.unwrap_or_default())?,
        calendar: raw
            .fiscal_year
            .map(|raw| raw.resolve(source))
            .transpose()?
            .unwrap_or_default(),
        history: raw
            .history
            .map(|raw| raw.resolve(source))
            .transpose()?
            .unwrap_or_default(),
        warnings,
    })
}

/// Targets of static lists that will not be scraped, as far as a warning tells.
fn losses(discovery: &DiscoverySettings) -> Vec<String> {
    let lost = lost_of_static_lists(discovery);
    let mut warnings: Vec<String> = lost
        .iter()
        .take(LOSSES_SHOWN_MAX)
        .map(ToString::to_string)
        .collect();
    if lost.len() > warnings.len() {
        warnings.push(format!(
            "{} more targets are not scraped: /targets lists them",
            lost.len() - warnings.len()
        ));
    }
    warnings
}

/// How long the last measured outcome of a rule counts.
fn carried_for(source: Source<'_>, raw: RawScore) -> Result<SignedDuration, DocumentError> {
    let Some(written) = raw.carry_over else {
        return Ok(CARRIED_FOR_DEFAULT);
    };
    let carried_for = SignedDuration::try_from(written.value.0).unwrap_or(SignedDuration::MAX);
    match carried_for > CARRIED_FOR_MAX {
        true => {
            let days = CARRIED_FOR_MAX.as_hours() / 24;
            let message = format!("`carry_over` is longer than {days}d");
            Err(source.error(written.referenced, message))
        }
        false => Ok(carried_for),
    }
}

/// A number from 1 to a limit.
fn count(
    source: Source<'_>,
    key: &str,
    written: Option<At<usize>>,
    max: usize,
) -> Result<Option<usize>, DocumentError> {
    match written {
        Some(n) if n.value == 0 || n.value > max => {
            let message = format!("`{key}` {} is not in 1..={max}", n.value);
            Err(source.error(n.referenced, message))
        }
        written => Ok(written.map(|n| n.value)),
    }
}

fn services(
    source: Source<'_>,
    raw: BTreeMap<String, Option<RawService>>,
) -> Result<BTreeMap<String, ServiceOverride>, DocumentError> {
    let mut owners: HashMap<String, String> = HashMap::new();
    let named: Vec<String> = raw.keys().cloned().collect();
    let mut services = BTreeMap::new();
    for (name, service) in raw {
        let service = service.unwrap_or_default();
        let mut aliases = Vec::new();
        for alias in service.aliases.unwrap_or_default() {
            let taken = match named.contains(&alias.value) {
                true => Some(alias.value.clone()),
                false => owners.insert(alias.value.clone(), name.clone()),
            };
            if let Some(other) = taken {
                let message = format!("`{}` already means service `{other}`", alias.value);
                return Err(source.error(alias.referenced, message));
            }
            aliases.push(alias.value);
        }
        let series = service.series.unwrap_or_default();
        services.insert(name, ServiceOverride { aliases, series });
    }
    Ok(services)
}

/// The service that each alias means.
fn aliases(services: &BTreeMap<String, ServiceOverride>) -> HashMap<String, String> {
    let pairs = services.iter().flat_map(|(name, service)| {
        let aliases = service.aliases.iter();
        aliases.map(|alias| (alias.clone(), name.clone()))
    });
    pairs.collect()
}
