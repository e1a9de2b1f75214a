//! `/api/v1/targets`: what is scraped, what was dropped, and where it comes from.

use std::collections::BTreeMap;

use serde::Serialize;

use super::relabelled::map;
use crate::discovery::Discovered;
use crate::publish::page::time;
use crate::snapshot::Snapshot;

/// `/api/v1/targets`.
#[derive(Debug, Serialize)]
pub(in crate::publish) struct Targets<'a> {
    at: String,
    targets: Vec<Target<'a>>,
    dropped: Vec<Dropped<'a>>,
    dropped_total: usize,
    /// Jobs of referenced files that are not scraped here.
    skipped_jobs: Vec<SkippedJob<'a>>,
    sources: Vec<Source<'a>>,
}

#[derive(Debug, Serialize)]
struct SkippedJob<'a> {
    job: &'a str,
    place: &'a str,
    why: &'a str,
}

#[derive(Debug, Serialize)]
struct Target<'a> {
    target: String,
    service_name: &'a str,
    environment: &'a str,
    job: &'a str,
    sources: &'a [String],
    up: Option<bool>,
    down_reason: Option<&'static str>,
    down_message: Option<&'a str>,
    last_scrape: Option<String>,
    labels: LabelMap<'a>,
}

#[derive(Debug, Serialize)]
struct Dropped<'a> {
    job: &'a str,
    reason: &'static str,
    why: String,
    labels: BTreeMap<String, String>,
}

#[derive(Debug, Serialize)]
struct Source<'a> {
    source: &'a str,
    targets: usize,
    last_success: Option<String>,
    last_error: Option<&'a str>,
    held: bool,
    /// What the source sets that is not supported here.
    notes: &'a [String],
}

type LabelMap<'a> = BTreeMap<&'a str, &'a str>;

/// What is scraped, what was dropped and why, and where it all comes from.
pub(in crate::publish) fn targets<'a>(
    snapshot: &'a Snapshot,
    discovered: &'a Discovered,
) -> Targets<'a> {
    let targets = snapshot.targets.iter().map(|state| {
        let down = state
            .scrape
            .as_ref()
            .and_then(|scrape| scrape.outcome.failure());
        Target {
            target: state.target.url.to_string(),
            service_name: &state.target.service.name,
            environment: &state.target.service.environment,
            job: &state.target.job.name,
            sources: &state.target.sources,
            up: state.scrape.as_ref().map(|_| state.is_up()),
            down_reason: down.map(|(reason, _)| reason.as_str()),
            down_message: down.map(|(_, message)| message),
            last_scrape: state.scrape.as_ref().map(|scrape| time(scrape.at)),
            labels: state.target.labels.iter().collect(),
        }
    });
    let dropped = discovered.dropped.iter().map(|dropped| Dropped {
        job: &dropped.job.name,
        reason: dropped.reason.kind().as_str(),
        why: dropped.reason.to_string(),
        labels: map(&dropped.labels()),
    });
    let sources = discovered.sources.iter().map(|source| Source {
        source: &source.name,
        targets: source.targets,
        last_success: source.last_success.map(time),
        last_error: source.last_error.as_deref(),
        held: source.held,
        notes: &source.notes,
    });
    Targets {
        at: time(snapshot.at),
        targets: targets.collect(),
        dropped: dropped.collect(),
        dropped_total: discovered.dropped_counts.total(),
        skipped_jobs: discovered
            .skipped
            .iter()
            .map(|skipped| SkippedJob {
                job: &skipped.job,
                place: &skipped.place,
                why: &skipped.why,
            })
            .collect(),
        sources: sources.collect(),
    }
}
