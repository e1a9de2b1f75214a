//! An entry of `scrape_configs` made ready.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::global::{Global, RawGlobal, set};
use super::job::{Scheme, ScrapeJob, ScrapeLimits};
use super::passed::RawProtocol;
use super::proof::{Proof, RawProof};
use super::raw::{RawScrape, instead};
use crate::discovery::mechanism::DiscoveryConfig;
use crate::discovery::relabel::{Rule, rules};
use crate::document::DocumentError;
use crate::document::duration::display;
use crate::document::quantity::Count;
use crate::document::value::NullableText;
use crate::document::yaml::{At, Source};
use crate::exposition::Format;
use crate::http_client::http;

/// A scrape job with where its targets come from.
#[derive(Debug, Clone, PartialEq)]
pub struct JobConfig {
    /// How its targets are scraped.
    pub job: Arc<ScrapeJob>,
    /// Where they come from, mechanism by mechanism.
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
        return Err(source.unsupported(at, message).with_hint(instead()));
    }
    let ignored_keys = raw.ignored_keys();
    raw.check_passed(source)?;
    let (interval, timeout) = times(source, global, &name, &raw)?;
    let http_config = Arc::new(http(source, raw.take_http())?);
    let relabel = rules(source, raw.relabel_configs.take().unwrap_or_default())?;
    let wanted_proof = raw.proof.take();
    let job = ScrapeJob {
        scheme: scheme(source, raw.scheme.take())?,
        metrics_path: metrics_path(source, raw.metrics_path.take()),
        params: params(raw.params.take().unwrap_or_default()),
        interval,
        timeout,
        http: http_config,
        enable_compression: match raw.enable_compression.take() {
            Some(written) => source.boolean(&written)?,
            None => true,
        },
        fallback_format: fallback(source, raw.fallback_scrape_protocol.take()),
        limits: limits(source, defaults, &raw)?,
        proof: Proof::Scrape,
        name,
    };
    let target_limit = count(source, &raw.target_limit, &defaults.target_limit)?;
    let discovery = DiscoveryConfig::resolve(source, raw, !relabel.is_empty())?;
    let proof = proof(source, wanted_proof, &discovery)?;
    let job = JobConfig {
        job: Arc::new(ScrapeJob { proof, ..job }),
        discovery,
        relabel,
        target_limit: target_limit.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX)),
    };
    Ok((job, ignored_keys))
}

/// Who is asked instead of the targets, where nobody else is to be scraped.
fn proof(
    source: Source<'_>,
    written: Option<At<RawProof>>,
    discovery: &[DiscoveryConfig],
) -> Result<Proof, DocumentError> {
    let Some(written) = written.filter(|written| written.value == RawProof::Prometheus) else {
        return Ok(Proof::Scrape);
    };
    match discovery {
        [DiscoveryConfig::Prometheus(config)] => Ok(Proof::Prometheus {
            server: Arc::clone(&config.server),
            lists: config.query.is_none(),
        }),
        _ => {
            let message = "`proof: prometheus` judges by what a server has scraped, so that its job finds targets by one entry of `prometheus_sd_configs` and nothing else";
            Err(source.error(written.referenced, message))
        }
    }
}

fn times(
    source: Source<'_>,
    global: Global,
    name: &str,
    raw: &RawScrape,
) -> Result<(Duration, Duration), DocumentError> {
    let interval = set(&raw.scrape_interval);
    let interval = interval.map_or(global.scrape_interval, |written| written.value.0);
    let Some(timeout) = set(&raw.scrape_timeout) else {
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

/// Prometheus takes any text and leaves it to each scrape to fail.
fn scheme(source: Source<'_>, raw: Option<At<String>>) -> Result<Scheme, DocumentError> {
    let Some(written) = raw else {
        return Ok(Scheme::Http);
    };
    match written.value.to_ascii_lowercase().as_str() {
        "" | "http" => Ok(Scheme::Http),
        "https" => Ok(Scheme::Https),
        _ => {
            let message = format!("scheme `{}` cannot be scraped", written.value);
            let error = source.unsupported(written.referenced, message);
            Err(error.with_hint("one of `http`, `https`"))
        }
    }
}

/// A path is a path: Prometheus escapes what would begin a query or a fragment.
fn metrics_path(source: Source<'_>, raw: Option<At<String>>) -> String {
    let Some(path) = raw.filter(|path| !path.value.is_empty()) else {
        return "/metrics".to_owned();
    };
    if path.value.contains(['?', '#']) {
        source.warn(
            path.referenced,
            "`metrics_path` is a path alone, so that `?` and `#` in it are escaped: parameters go under `params`",
        );
    }
    path.value
}

fn params(raw: BTreeMap<String, Option<Vec<NullableText>>>) -> Vec<(String, Vec<String>)> {
    let texts = |values: Option<Vec<NullableText>>| {
        let values = values.unwrap_or_default().into_iter();
        values.map(|value| value.0).collect()
    };
    raw.into_iter()
        .map(|(name, values)| (name, texts(values)))
        .collect()
}

fn fallback(source: Source<'_>, raw: Option<At<RawProtocol>>) -> Option<Format> {
    let raw = raw?;
    match raw.value {
        RawProtocol::PrometheusText004 | RawProtocol::PrometheusText100 => Some(Format::Text),
        RawProtocol::OpenMetricsText001 | RawProtocol::OpenMetricsText100 => {
            Some(Format::OpenMetrics)
        }
        RawProtocol::OpenMetricsText200 => {
            source.warn(
                raw.referenced,
                "OpenMetrics 2.0 is read as 1.0: a target without a Content-Type that uses what is new in it fails",
            );
            Some(Format::OpenMetrics)
        }
        RawProtocol::PrometheusProto => {
            source.warn(
                raw.referenced,
                "protobuf expositions are not read: a target without a Content-Type fails",
            );
            None
        }
        RawProtocol::None => None,
    }
}

/// The number that a job sets, or else `global` does; 0 is none of one's own, as in Prometheus.
fn count(
    source: Source<'_>,
    job: &Option<At<Count>>,
    global: &Option<At<Count>>,
) -> Result<Option<u64>, DocumentError> {
    let mut set = None;
    for written in [global, job].into_iter().flatten() {
        match source.unquoted(written, "a number")?.0 {
            0 => {}
            number => set = Some(number),
        }
    }
    Ok(set)
}

/// Where there is no limit, ours hold.
fn limits(
    source: Source<'_>,
    defaults: &RawGlobal,
    raw: &RawScrape,
) -> Result<ScrapeLimits, DocumentError> {
    let ours = ScrapeLimits::default();
    let bytes = [raw.body_size_limit, defaults.body_size_limit];
    let bytes = bytes
        .into_iter()
        .flatten()
        .map(|size| size.0)
        .find(|size| *size > 0);
    let of = |job, global| -> Result<Option<usize>, DocumentError> {
        let set = count(source, job, global)?;
        Ok(set.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX)))
    };
    Ok(ScrapeLimits {
        body_bytes_max: bytes.unwrap_or(ours.body_bytes_max),
        samples_max: count(source, &raw.sample_limit, &defaults.sample_limit)?
            .unwrap_or(ours.samples_max),
        labels_max: of(&raw.label_limit, &defaults.label_limit)?.unwrap_or(ours.labels_max),
        label_name_bytes_max: of(
            &raw.label_name_length_limit,
            &defaults.label_name_length_limit,
        )?
        .unwrap_or(ours.label_name_bytes_max),
        label_value_bytes_max: of(
            &raw.label_value_length_limit,
            &defaults.label_value_length_limit,
        )?
        .unwrap_or(ours.label_value_bytes_max),
    })
}
