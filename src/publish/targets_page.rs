//! The page of targets: what is scraped, what was dropped and why, where it all comes from.

use askama::Template;

use super::api::{Relabelled, RelabelledTarget};
use super::page::{ROWS_MAX, time};
use super::telemetry::VERSION;
use crate::discovery::skipped::SkippedJob;
use crate::discovery::{Discovered, Dropped};
use crate::snapshot::{ScrapeOutcome, Snapshot, TargetState};

#[derive(Template)]
#[template(path = "targets.html")]
struct Targets<'a> {
    version: &'a str,
    at: String,
    query: &'a str,
    targets: Vec<TargetRow>,
    targets_total: usize,
    targets_hidden: usize,
    dropped: Vec<DroppedRow>,
    dropped_total: usize,
    skipped: &'a [SkippedJob],
    sources: Vec<SourceRow>,
}

#[derive(Template)]
#[template(path = "relabelling.html")]
struct Relabelling<'a> {
    version: &'a str,
    at: String,
    wanted: &'a str,
    targets: &'a [RelabelledTarget],
}

/// `/targets/relabelling`: how a target came to its labels, rule by rule.
pub(super) fn relabelling(
    snapshot: &Snapshot,
    wanted: &str,
    found: &Relabelled,
) -> Result<String, askama::Error> {
    Relabelling {
        version: VERSION,
        at: time(snapshot.at),
        wanted,
        targets: &found.targets,
    }
    .render()
}

struct TargetRow {
    url: String,
    service: String,
    state: &'static str,
    class: &'static str,
    why: String,
    last: String,
    took: String,
    samples: String,
    sources: String,
}

struct DroppedRow {
    address: String,
    job: String,
    why: String,
    labels: String,
}

struct SourceRow {
    name: String,
    targets: usize,
    last: String,
    failures: u64,
    class: &'static str,
    state: String,
    notes: Vec<String>,
}

/// `/targets`: what is scraped, what was dropped and by which rule, and where it all comes from.
pub(super) fn targets(
    snapshot: &Snapshot,
    discovered: &Discovered,
    query: &str,
) -> Result<String, askama::Error> {
    let mut matching: Vec<TargetRow> = snapshot
        .targets
        .iter()
        .map(|state| target_row(state))
        .filter(|row| row.contains(query))
        .collect();
    let targets_hidden = matching.len().saturating_sub(ROWS_MAX);
    matching.truncate(ROWS_MAX);
    Targets {
        version: VERSION,
        at: time(snapshot.at),
        query,
        targets: matching,
        targets_total: snapshot.targets.len(),
        targets_hidden,
        dropped: discovered
            .dropped
            .iter()
            .map(|dropped| dropped_row(dropped))
            .filter(|row| row.contains(query))
            .take(ROWS_MAX)
            .collect(),
        dropped_total: discovered.dropped_counts.total(),
        skipped: &discovered.skipped,
        sources: discovered.sources.iter().map(source_row).collect(),
    }
    .render()
}

impl TargetRow {
    fn contains(&self, query: &str) -> bool {
        [&self.url, &self.service, &self.why, &self.sources]
            .iter()
            .any(|text| text.contains(query))
            || self.state.contains(query)
    }
}

impl DroppedRow {
    fn contains(&self, query: &str) -> bool {
        [&self.address, &self.job, &self.why, &self.labels]
            .iter()
            .any(|text| text.contains(query))
    }
}

fn target_row(state: &TargetState) -> TargetRow {
    let (shown, class, why) = match &state.scrape {
        // Why nothing is known is said of each rule.
        None => {
            let why = state.verdicts.first();
            let why = why.map_or_else(String::new, |verdict| verdict.finding.message.clone());
            ("pending", "unknown", why)
        }
        Some(scrape) => match (&scrape.outcome, &scrape.first_violation) {
            (ScrapeOutcome::Failed(kind, message), _) => {
                ("down", "fail", format!("{}: {message}", kind.as_str()))
            }
            (ScrapeOutcome::NoMetrics(kind, message), _) => (
                "up, no metrics",
                "fail",
                format!("{}: {message}", kind.as_str()),
            ),
            (ScrapeOutcome::Measured, Some(violation)) => (
                "up",
                "pass",
                format!(
                    "{} violations of the format, first {violation}",
                    scrape.violations
                ),
            ),
            (ScrapeOutcome::Measured, None) => ("up", "pass", String::new()),
        },
    };
    let figure = |show: fn(&crate::snapshot::Scrape) -> String| {
        state.scrape.as_ref().map(show).unwrap_or_default()
    };
    TargetRow {
        url: state.target.url.to_string(),
        service: state.target.service.to_string(),
        state: shown,
        class,
        why,
        last: figure(|scrape| time(scrape.at)),
        took: figure(|scrape| format!("{:.1} ms", scrape.duration.as_secs_f64() * 1000.0)),
        samples: figure(|scrape| scrape.samples.to_string()),
        sources: state.target.sources.join(", "),
    }
}

fn dropped_row(dropped: &Dropped) -> DroppedRow {
    let labels = dropped.labels();
    DroppedRow {
        address: labels.get("__address__").to_owned(),
        job: dropped.job.name.clone(),
        why: dropped.reason.to_string(),
        labels: labels
            .iter()
            .map(|(name, value)| format!("{name}={value:?} "))
            .collect(),
    }
}

fn source_row(source: &crate::discovery::SourceStatus) -> SourceRow {
    let (class, state) = match (&source.last_error, source.held) {
        (_, true) => (
            "unknown",
            "held: the list shrank suspiciously, the last good one is kept".to_owned(),
        ),
        (Some(error), false) => ("fail", error.clone()),
        (None, false) if source.last_success.is_none() => {
            ("unknown", "not answered yet".to_owned())
        }
        (None, false) => ("pass", "ok".to_owned()),
    };
    SourceRow {
        name: source.name.clone(),
        targets: source.targets,
        last: source.last_success.map(time).unwrap_or_default(),
        failures: source.failures_total,
        class,
        state,
        notes: source.notes.clone(),
    }
}
