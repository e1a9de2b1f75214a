//! An entry of `scrape_configs` made ready.

use std::sync::Arc;
use std::time::Duration;

use serde_saphyr::Location;

use super::discovery::{DiscoveryConfig, FileSd, HttpSd, TargetGroup};
use super::error::ConfigError;
use super::glob;
use super::job::{Scheme, ScrapeJob, ScrapeLimits};
use super::raw::RawGlobal;
use super::raw::scrape::{RawProtocol, RawScrape};
use super::raw::sd::{RawFileSd, RawGroup, RawHttpSd};
use super::resolve_http::{absolute, http};
use super::yaml::{At, Source};
use super::{Global, JobConfig};
use crate::discovery::relabel::{RawRule, Rule};
use crate::exposition::Format;
use crate::labels::Labels;

const FILE_REFRESH_DEFAULT: Duration = Duration::from_secs(5 * 60);
const HTTP_REFRESH_DEFAULT: Duration = Duration::from_secs(60);
const SUPPORTED: &str = "supported are `static_configs`, `file_sd_configs` and `http_sd_configs`";

/// A job, and the keys of it that mean nothing here.
pub(super) fn job(
    source: Source<'_>,
    global: Global,
    defaults: &RawGlobal,
    raw: At<RawScrape>,
) -> Result<(JobConfig, Vec<&'static str>), ConfigError> {
    let (at, mut raw) = (raw.referenced, raw.value);
    let name = match &raw.job_name {
        None => return Err(source.error(at, "`job_name` is missing")),
        Some(name) if name.value.is_empty() => {
            return Err(source.error(name.referenced, "`job_name` is empty"));
        }
        Some(name) => name.value.clone(),
    };
    if let Some((mechanism, at)) = raw.unsupported() {
        let message =
            format!("job `{name}`: discovery by `{mechanism}_sd_configs` is not supported");
        return Err(source.error(at, message).with_hint(SUPPORTED));
    }
    let passed_over = raw.passed_over();
    let (interval, timeout) = times(source, global, &name, &raw)?;
    let http_config = Arc::new(http(source, raw.take_http())?);
    let relabel = rules(source, raw.relabel_configs.take().unwrap_or_default())?;
    let job = ScrapeJob {
        scheme: raw.scheme.map_or(Scheme::Http, Scheme::from),
        metrics_path: metrics_path(source, raw.metrics_path.take())?,
        params: raw.params.take().unwrap_or_default().into_iter().collect(),
        interval,
        timeout,
        http: http_config,
        enable_compression: raw.enable_compression.unwrap_or(true),
        fallback_format: fallback(source, raw.fallback_scrape_protocol.take())?,
        limits: limits(defaults, &raw),
        name,
    };
    let target_limit = raw.target_limit.or(defaults.target_limit);
    let discovery = discovery(source, raw, relabel.is_empty())?;
    let job = JobConfig {
        job: Arc::new(job),
        discovery,
        relabel,
        target_limit: target_limit.filter(|limit| *limit > 0),
    };
    Ok((job, passed_over))
}

fn times(
    source: Source<'_>,
    global: Global,
    name: &str,
    raw: &RawScrape,
) -> Result<(Duration, Duration), ConfigError> {
    let interval = raw.scrape_interval.as_ref();
    let interval = interval.map_or(global.scrape_interval, |written| written.value.0);
    let Some(timeout) = &raw.scrape_timeout else {
        return Ok((interval, global.scrape_timeout.min(interval)));
    };
    if timeout.value.0 > interval {
        let message = format!(
            "job `{name}`: `scrape_timeout` {} is longer than `scrape_interval` {}",
            super::duration::display(timeout.value.0),
            super::duration::display(interval)
        );
        return Err(source.error(timeout.referenced, message));
    }
    Ok((interval, timeout.value.0))
}

fn metrics_path(source: Source<'_>, raw: Option<At<String>>) -> Result<String, ConfigError> {
    match raw {
        None => Ok("/metrics".to_owned()),
        Some(path) if path.value.is_empty() => Ok("/metrics".to_owned()),
        Some(path) if path.value.contains(['?', '#']) => Err(source
            .error(
                path.referenced,
                "`metrics_path` holds a query or a fragment",
            )
            .with_hint("parameters go under `params`")),
        Some(path) => Ok(path.value),
    }
}

fn fallback(
    source: Source<'_>,
    raw: Option<At<RawProtocol>>,
) -> Result<Option<Format>, ConfigError> {
    let Some(raw) = raw else {
        return Ok(None);
    };
    match raw.value {
        RawProtocol::PrometheusText004 | RawProtocol::PrometheusText100 => Ok(Some(Format::Text)),
        RawProtocol::OpenMetricsText001 | RawProtocol::OpenMetricsText100 => {
            Ok(Some(Format::OpenMetrics))
        }
        RawProtocol::PrometheusProto => {
            Err(source.error(raw.referenced, "protobuf expositions are not read"))
        }
    }
}

/// `0` means no limit of one's own, as in Prometheus: ours hold then.
fn limits(defaults: &RawGlobal, raw: &RawScrape) -> ScrapeLimits {
    fn pick<T: PartialEq + Default>(job: Option<T>, global: Option<T>, ours: T) -> T {
        let set = |value: &T| *value != T::default();
        job.filter(set).or(global.filter(set)).unwrap_or(ours)
    }
    let ours = ScrapeLimits::default();
    ScrapeLimits {
        body_bytes_max: pick(
            raw.body_size_limit.map(|size| size.0),
            defaults.body_size_limit.map(|size| size.0),
            ours.body_bytes_max,
        ),
        samples_max: pick(raw.sample_limit, defaults.sample_limit, ours.samples_max),
        labels_max: pick(raw.label_limit, defaults.label_limit, ours.labels_max),
        label_name_bytes_max: pick(
            raw.label_name_length_limit,
            defaults.label_name_length_limit,
            ours.label_name_bytes_max,
        ),
        label_value_bytes_max: pick(
            raw.label_value_length_limit,
            defaults.label_value_length_limit,
            ours.label_value_bytes_max,
        ),
    }
}

fn rules(source: Source<'_>, raw: Vec<At<RawRule>>) -> Result<Arc<[Rule]>, ConfigError> {
    raw.into_iter()
        .map(|raw| {
            let at = raw.referenced;
            Rule::try_from(raw.value).map_err(|message| source.error(at, message))
        })
        .collect()
}

fn discovery(
    source: Source<'_>,
    raw: RawScrape,
    unrelabelled: bool,
) -> Result<Vec<DiscoveryConfig>, ConfigError> {
    let mut sources = Vec::new();
    let groups = raw.static_configs.unwrap_or_default();
    if !groups.is_empty() {
        let groups = groups
            .into_iter()
            .map(|group| static_group(source, group, unrelabelled))
            .collect::<Result<_, _>>()?;
        sources.push(DiscoveryConfig::Static(groups));
    }
    for raw in raw.file_sd_configs.unwrap_or_default() {
        sources.push(DiscoveryConfig::File(file_sd(source, raw)?));
    }
    for raw in raw.http_sd_configs.unwrap_or_default() {
        sources.push(DiscoveryConfig::Http(Box::new(http_sd(source, raw)?)));
    }
    Ok(sources)
}

fn static_group(
    source: Source<'_>,
    raw: RawGroup,
    unrelabelled: bool,
) -> Result<TargetGroup, ConfigError> {
    let mut targets = Vec::new();
    for target in raw.targets.unwrap_or_default() {
        // With relabelling, an address may be anything: rules may make a target of it.
        if target.value.contains('/') && unrelabelled {
            let message = format!("`{}` is not a `host:port`", target.value);
            return Err(source
                .error(target.referenced, message)
                .with_hint("scheme and path go under `scheme` and `metrics_path`"));
        }
        targets.push(Labels::from_iter([("__address__", target.value)]));
    }
    let labels = raw.labels.unwrap_or_default();
    Ok(TargetGroup {
        targets,
        labels: labels
            .into_iter()
            .map(|(name, value)| (name.0, value))
            .collect(),
    })
}

fn file_sd(source: Source<'_>, raw: At<RawFileSd>) -> Result<FileSd, ConfigError> {
    let at = raw.referenced;
    let mut files = Vec::new();
    for file in raw.value.files.unwrap_or_default() {
        let path = &file.value;
        let known = path.extension().is_some_and(|e| {
            ["json", "yml", "yaml"]
                .iter()
                .any(|k| e.eq_ignore_ascii_case(k))
        });
        if !known {
            let message = format!(
                "`{}` ends in none of `.json`, `.yml`, `.yaml`",
                path.display()
            );
            return Err(source.error(file.referenced, message));
        }
        refuse_deep(source, file.referenced, path)?;
        files.push(absolute(source, path));
    }
    if files.is_empty() {
        return Err(source.error(at, "`file_sd_configs` needs at least one path in `files`"));
    }
    Ok(FileSd {
        files,
        refresh_interval: raw
            .value
            .refresh_interval
            .map_or(FILE_REFRESH_DEFAULT, |interval| interval.0),
    })
}

/// Only the last segment of a path may hold wildcards.
pub(super) fn refuse_deep(
    source: Source<'_>,
    at: Location,
    path: &std::path::Path,
) -> Result<(), ConfigError> {
    match glob::is_deep(path) {
        true => {
            let message = format!("`{}`: only the last segment may hold `*`", path.display());
            Err(source.error(at, message))
        }
        false => Ok(()),
    }
}

fn http_sd(source: Source<'_>, raw: At<RawHttpSd>) -> Result<HttpSd, ConfigError> {
    let (at, mut raw) = (raw.referenced, raw.value);
    let http = Arc::new(http(source, raw.take_http())?);
    let url = raw
        .url
        .ok_or_else(|| source.error(at, "`http_sd_configs` needs `url`"))?;
    Ok(HttpSd {
        url: url.value.0,
        refresh_interval: raw
            .refresh_interval
            .map_or(HTTP_REFRESH_DEFAULT, |interval| interval.0),
        http,
    })
}
