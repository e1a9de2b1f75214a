//! An entry of `scrape_configs` made ready.

use std::sync::Arc;
use std::time::Duration;

use super::global::{Global, RawGlobal};
use super::job::{Scheme, ScrapeJob, ScrapeLimits};
use super::raw::{RawProtocol, RawScrape, supported};
use crate::discovery::mechanism::DiscoveryConfig;
use crate::discovery::relabel::{RawRule, Rule};
use crate::document::DocumentError;
use crate::document::duration::display;
use crate::document::yaml::{At, Source};
use crate::exposition::Format;
use crate::http_client::http;

/// A scrape job with where its targets come from.
#[derive(Debug, Clone, PartialEq)]
pub struct JobConfig {
    /// How its targets are scraped.
    pub job: Arc<ScrapeJob>,
    /// Where they come from, in order: static, file, http.
    pub discovery: Vec<DiscoveryConfig>,
    /// How their labels are rewritten.
    pub relabel: Arc<[Rule]>,
    /// How many targets are taken after relabelling.
    pub target_limit: Option<usize>,
}

/// A job, and the keys of it that mean nothing here.
pub(super) fn job_config(
    source: Source<'_>,
    global: Global,
    defaults: &RawGlobal,
    raw: At<RawScrape>,
) -> Result<(JobConfig, Vec<&'static str>), DocumentError> {
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
        return Err(source.error(at, message).with_hint(supported()));
    }
    let ignored_keys = raw.ignored_keys();
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
    let discovery = DiscoveryConfig::resolve(source, raw, !relabel.is_empty())?;
    let job = JobConfig {
        job: Arc::new(job),
        discovery,
        relabel,
        target_limit: target_limit.filter(|limit| *limit > 0),
    };
    Ok((job, ignored_keys))
}

fn times(
    source: Source<'_>,
    global: Global,
    name: &str,
    raw: &RawScrape,
) -> Result<(Duration, Duration), DocumentError> {
    let interval = raw.scrape_interval.as_ref();
    let interval = interval.map_or(global.scrape_interval, |written| written.value.0);
    let Some(timeout) = &raw.scrape_timeout else {
        return Ok((interval, global.scrape_timeout.min(interval)));
    };
    if timeout.value.0 > interval {
        let message = format!(
            "job `{name}`: `scrape_timeout` {} is longer than `scrape_interval` {}",
            display(timeout.value.0),
            display(interval)
        );
        return Err(source.error(timeout.referenced, message));
    }
    Ok((interval, timeout.value.0))
}

fn metrics_path(source: Source<'_>, raw: Option<At<String>>) -> Result<String, DocumentError> {
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
) -> Result<Option<Format>, DocumentError> {
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

fn rules(source: Source<'_>, raw: Vec<At<RawRule>>) -> Result<Arc<[Rule]>, DocumentError> {
    raw.into_iter()
        .map(|raw| {
            let at = raw.referenced;
            Rule::try_from(raw.value).map_err(|message| source.error(at, message))
        })
        .collect()
}
