//! Raw becomes ready: defaults filled in, values checked against one another.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use super::error::{ConfigError, Origin};
use super::raw::scrape::RawScrape;
use super::raw::{
    RawConfig, RawDial, RawGlobal, RawLabels, RawScrapeFile, RawService, RawShrinkGuard,
};
use super::resolve_http::absolute;
use super::value::FinalLabelName;
use super::yaml::{At, Source};
use super::{
    Config, DialConfig, Global, JobConfig, LabelNames, RecordFiles, SeriesNames, ServiceOverride,
    ShrinkGuard, files, glob, resolve_job, resolve_rules, resolve_sources, yaml,
};

const INTERVAL_DEFAULT: Duration = Duration::from_secs(30);
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(10);
/// Scrapes in flight that a configuration may ask for.
const SCRAPE_CONCURRENCY_MAX: usize = 100_000;
/// Threads that a configuration may ask for.
const SCRAPE_THREADS_MAX: usize = 256;
/// Compliance series published at the most: some 10,000 targets of a few thousand services.
const SERIES_BUDGET_DEFAULT: usize = 200_000;
/// Files that `scrape_config_files` may name.
const SCRAPE_FILES_MAX: usize = 10_000;

/// Makes a configuration ready.
pub(super) fn config(source: Source<'_>, raw: RawConfig) -> Result<Config, ConfigError> {
    let raw_global = raw.global.unwrap_or_default();
    let global = global(source, &raw_global)?;
    let mut jobs = Jobs::default();
    jobs.warn(source, "`global`", &raw_global.passed_over());
    jobs.add(source, global, &raw_global, raw.scrape_configs)?;
    for pattern in raw.scrape_config_files.unwrap_or_default() {
        scrape_files(source, global, &raw_global, &pattern, &mut jobs)?;
    }
    Ok(Config {
        global,
        jobs: jobs.ready,
        labels: labels(raw.labels.unwrap_or_default()),
        services: services(source, raw.services.unwrap_or_default())?,
        catalogue: paths(source, raw.catalogue)?,
        records: RecordFiles {
            attestations: paths(source, raw.attestations)?,
            waivers: paths(source, raw.waivers)?,
            objectives: paths(source, raw.objectives)?,
            slos: paths(source, raw.slos)?,
        },
        sources: resolve_sources::sources(source, raw.sources.unwrap_or_default())?,
        rules: resolve_rules::rules(source, raw.rules.unwrap_or_default())?,
        dial: dial(raw.dial.unwrap_or_default()),
        shrink_guard: shrink_guard(
            source,
            raw.discovery
                .and_then(|discovery| discovery.shrink_guard)
                .unwrap_or_default(),
        )?,
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
        warnings: jobs.warnings,
    })
}

/// A number from 1 to a limit.
fn count(
    source: Source<'_>,
    key: &str,
    written: Option<At<usize>>,
    max: usize,
) -> Result<Option<usize>, ConfigError> {
    match written {
        Some(n) if n.value == 0 || n.value > max => {
            let message = format!("`{key}` {} is not in 1..={max}", n.value);
            Err(source.error(n.referenced, message))
        }
        written => Ok(written.map(|n| n.value)),
    }
}

fn global(source: Source<'_>, raw: &RawGlobal) -> Result<Global, ConfigError> {
    let interval = raw.scrape_interval.as_ref();
    let scrape_interval = interval.map_or(INTERVAL_DEFAULT, |written| written.value.0);
    let scrape_timeout = match &raw.scrape_timeout {
        None => TIMEOUT_DEFAULT.min(scrape_interval),
        Some(timeout) if timeout.value.0 > scrape_interval => {
            let message = format!(
                "`scrape_timeout` {} is longer than `scrape_interval` {}",
                super::duration::display(timeout.value.0),
                super::duration::display(scrape_interval)
            );
            return Err(source.error(timeout.referenced, message));
        }
        Some(timeout) => timeout.value.0,
    };
    Ok(Global {
        scrape_interval,
        scrape_timeout,
    })
}

/// Jobs gathered from one or several files.
#[derive(Default)]
struct Jobs {
    ready: Vec<JobConfig>,
    /// Where each name was first used.
    names: HashMap<String, String>,
    warnings: Vec<String>,
}

impl Jobs {
    fn add(
        &mut self,
        source: Source<'_>,
        global: Global,
        defaults: &RawGlobal,
        raw: Option<Vec<At<RawScrape>>>,
    ) -> Result<(), ConfigError> {
        for raw in raw.unwrap_or_default() {
            let at = match &raw.value.job_name {
                Some(name) => name.referenced,
                None => raw.referenced,
            };
            let (job, passed_over) = resolve_job::job(source, global, defaults, raw)?;
            let place = format!("{}:{}", source.origin.name, at.line());
            let name = &job.job.name;
            if let Some(first) = self.names.insert(name.clone(), place) {
                let message = format!("job `{name}` is already defined at {first}");
                return Err(source.error(at, message));
            }
            self.warn(source, &format!("job `{name}`"), &passed_over);
            self.ready.push(job);
        }
        Ok(())
    }

    fn warn(&mut self, source: Source<'_>, whose: &str, keys: &[&str]) {
        if !keys.is_empty() {
            let keys: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
            self.warnings.push(format!(
                "{}: {whose}: accepted without effect: {}",
                source.origin.name,
                keys.join(", ")
            ));
        }
    }
}

/// Reads the jobs of existing Prometheus configurations.
fn scrape_files(
    source: Source<'_>,
    ours: Global,
    our_defaults: &RawGlobal,
    pattern: &At<std::path::PathBuf>,
    jobs: &mut Jobs,
) -> Result<(), ConfigError> {
    let at = pattern.referenced;
    resolve_job::refuse_deep(source, at, &pattern.value)?;
    let path = absolute(source, &pattern.value);
    let found = glob::expand(&path)
        .map_err(|error| source.error(at, format!("`{}`: {error}", path.display())))?;
    if found.is_empty() {
        jobs.warnings.push(format!(
            "{}: `scrape_config_files`: no file matches `{}`",
            source.origin.name,
            path.display()
        ));
    }
    if found.len() > SCRAPE_FILES_MAX {
        let message = format!("{} files are more than {SCRAPE_FILES_MAX}", found.len());
        return Err(source.error(at, message));
    }
    for path in found {
        let origin = Origin::file(&path);
        // Where it is named helps more than that it cannot be read.
        let text = files::read(&origin, &path).map_err(|error| {
            source.error(at, format!("`{}`: {}", path.display(), error.message()))
        })?;
        let source = Source {
            origin: &origin,
            text: &text,
        };
        let raw: RawScrapeFile = yaml::parse(source)?;
        if raw.scrape_config_files.is_some() {
            jobs.warnings.push(format!(
                "{}: `scrape_config_files` is not followed: name its files where this one is named",
                origin.name
            ));
        }
        // The file's own `global` holds for its jobs; ours where it has none.
        match &raw.global {
            None => jobs.add(source, ours, our_defaults, raw.scrape_configs)?,
            Some(defaults) => {
                jobs.warn(source, "`global`", &defaults.passed_over());
                let said = defaults.scrape_interval.is_some() || defaults.scrape_timeout.is_some();
                let global = match said {
                    true => global(source, defaults)?,
                    false => ours,
                };
                jobs.add(source, global, defaults, raw.scrape_configs)?;
            }
        }
    }
    Ok(())
}

fn labels(raw: RawLabels) -> LabelNames {
    let names = |raw: Option<Vec<FinalLabelName>>, default: Vec<String>| match raw {
        Some(names) => names.into_iter().map(|name| name.0).collect(),
        None => default,
    };
    let default = LabelNames::default();
    LabelNames {
        service: names(raw.service, default.service),
        environment: names(raw.environment, default.environment),
        team: names(raw.team, default.team),
    }
}

fn services(
    source: Source<'_>,
    raw: BTreeMap<String, Option<RawService>>,
) -> Result<BTreeMap<String, ServiceOverride>, ConfigError> {
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
        let series = SeriesNames {
            version: series.version,
            availability: series.availability,
            latency: series.latency,
        };
        services.insert(name, ServiceOverride { aliases, series });
    }
    Ok(services)
}

/// Paths made absolute. That the files can be read is checked where they are.
pub(super) fn paths(
    source: Source<'_>,
    raw: Option<Vec<At<std::path::PathBuf>>>,
) -> Result<Vec<std::path::PathBuf>, ConfigError> {
    raw.unwrap_or_default()
        .into_iter()
        .map(|path| {
            resolve_job::refuse_deep(source, path.referenced, &path.value)?;
            Ok(absolute(source, &path.value))
        })
        .collect()
}

fn dial(raw: RawDial) -> DialConfig {
    let networks = |raw: Option<Vec<super::value::Network>>| {
        raw.unwrap_or_default()
            .into_iter()
            .map(|network| network.0)
            .collect()
    };
    DialConfig {
        allow: networks(raw.allow),
        deny: networks(raw.deny),
        ports: raw.ports.unwrap_or_default(),
        plaintext_credentials: raw.plaintext_credentials.unwrap_or(false),
    }
}

fn shrink_guard(source: Source<'_>, raw: RawShrinkGuard) -> Result<ShrinkGuard, ConfigError> {
    let default = ShrinkGuard::default();
    if let Some(ratio) = &raw.ratio
        && !(0.0..=1.0).contains(&ratio.value)
    {
        return Err(source.error(ratio.referenced, "`ratio` is not between 0 and 1"));
    }
    Ok(ShrinkGuard {
        enabled: raw.enabled.unwrap_or(default.enabled),
        ratio: raw.ratio.map_or(default.ratio, |ratio| ratio.value),
        lost_min: raw.lost_min.unwrap_or(default.lost_min),
        refreshes: raw.refreshes.unwrap_or(default.refreshes),
        grace: raw.grace.map_or(default.grace, |grace| grace.0),
    })
}
