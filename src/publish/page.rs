//! The page: complete without JavaScript, every figure from the snapshot.

use std::time::SystemTime;

use askama::Template;

use super::telemetry::VERSION;
use crate::checks::Reason;
use crate::discovery::{Discovered, Dropped};
use crate::snapshot::{RuleStatus, ServiceState, Snapshot, TargetState};

/// Rows of one table at the most; a search narrows them down.
const ROWS_MAX: usize = 500;

#[derive(Template)]
#[template(path = "services.html")]
struct Services<'a> {
    version: &'a str,
    at: String,
    query: &'a str,
    total: usize,
    hidden: usize,
    rules: Vec<RuleHead<'a>>,
    services: Vec<ServiceRow<'a>>,
    missing: Vec<MissingRow<'a>>,
    missing_total: usize,
}

/// A catalogued service that no discovery finds.
struct MissingRow<'a> {
    name: &'a str,
    environment: &'a str,
    team: &'a str,
    tier: &'a str,
    place: &'a str,
}

struct RuleHead<'a> {
    id: String,
    title: &'a str,
}

struct ServiceRow<'a> {
    anchor: String,
    name: &'a str,
    environment: &'a str,
    team: &'a str,
    tier: &'a str,
    is_catalogued: bool,
    version: &'a str,
    score: String,
    coverage: String,
    verdicts: Vec<VerdictCell<'a>>,
    has_findings: bool,
}

struct VerdictCell<'a> {
    rule: String,
    title: &'a str,
    status: &'static str,
    /// The status for people: a pass with a warning says so.
    shown: &'static str,
    mark: char,
    reason: &'static str,
    message: &'a str,
    evidence: &'a [String],
    remediation: &'a str,
    target: String,
    is_finding: bool,
}

/// `/`: every service, worst first, and what is wrong with it.
pub(super) fn services(snapshot: &Snapshot, query: &str) -> Result<String, askama::Error> {
    let matches = |service: &&ServiceState| {
        let key = &service.key;
        [&key.name, &key.environment, &service.team]
            .iter()
            .any(|text| text.contains(query))
    };
    let mut worst_first: Vec<&ServiceState> = snapshot
        .services
        .iter()
        .map(AsRef::as_ref)
        .filter(matches)
        .collect();
    worst_first.sort_by_key(|service| {
        std::cmp::Reverse((
            service.count(RuleStatus::Fail),
            service.count(RuleStatus::Unknown),
        ))
    });
    let hidden = worst_first.len().saturating_sub(ROWS_MAX);
    worst_first.truncate(ROWS_MAX);
    Services {
        version: VERSION,
        at: time(snapshot.at),
        query,
        total: snapshot.services.len(),
        hidden,
        rules: snapshot
            .manifesto()
            .rules()
            .iter()
            .map(|rule| RuleHead {
                id: rule.id.to_string(),
                title: &rule.title,
            })
            .collect(),
        services: worst_first
            .into_iter()
            .map(|service| row(snapshot, service))
            .collect(),
        missing: snapshot
            .missing
            .iter()
            .take(ROWS_MAX)
            .map(|missing| MissingRow {
                name: &missing.entry.name,
                environment: &missing.environment,
                team: &missing.entry.team,
                tier: &missing.entry.tier,
                place: &missing.entry.place,
            })
            .collect(),
        missing_total: snapshot.missing.len(),
    }
    .render()
}

fn row<'a>(snapshot: &'a Snapshot, service: &'a ServiceState) -> ServiceRow<'a> {
    let verdicts: Vec<VerdictCell<'_>> = service
        .verdicts
        .iter()
        .map(|verdict| {
            let rule = snapshot.rule(verdict);
            let weak = verdict.finding.reason == Reason::ProvenWeakly;
            VerdictCell {
                rule: rule.id.to_string(),
                title: &rule.title,
                status: verdict.status.as_str(),
                shown: if weak {
                    "pass (weak)"
                } else {
                    verdict.status.as_str()
                },
                mark: mark(verdict.status),
                reason: verdict.finding.reason.as_str(),
                message: &verdict.finding.message,
                evidence: &verdict.finding.evidence,
                remediation: &rule.remediation,
                target: verdict.target.url.to_string(),
                is_finding: weak
                    || matches!(
                        verdict.status,
                        RuleStatus::Fail | RuleStatus::Waived | RuleStatus::Unknown
                    ),
            }
        })
        .collect();
    ServiceRow {
        anchor: anchor(&service.key),
        name: &service.key.name,
        environment: &service.key.environment,
        team: &service.team,
        tier: service.entry.as_ref().map_or("", |entry| &entry.tier),
        is_catalogued: service.entry.is_some() || !snapshot.law.catalogue.is_kept,
        version: &service.version,
        score: service
            .score
            .ratio()
            .map_or_else(|| "–".to_owned(), percent),
        coverage: percent(service.score.coverage()),
        has_findings: verdicts.iter().any(|verdict| verdict.is_finding),
        verdicts,
    }
}

/// A fragment that needs no escaping, whatever the service is called.
fn anchor(key: &crate::discovery::target::ServiceKey) -> String {
    let plain = |text: &str| -> String {
        text.chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .collect()
    };
    format!("{}--{}", plain(&key.name), plain(&key.environment))
}

/// Status is never told by colour alone.
fn mark(status: RuleStatus) -> char {
    match status {
        RuleStatus::Pass => '✓',
        RuleStatus::Fail => '✗',
        RuleStatus::Waived => '~',
        RuleStatus::Unknown => '?',
        RuleStatus::NotApplicable => '–',
    }
}

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
    sources: Vec<SourceRow>,
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
            .map(dropped_row)
            .filter(|row| row.contains(query))
            .take(ROWS_MAX)
            .collect(),
        dropped_total: discovered.dropped_total,
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
        None => ("pending", "unknown", String::new()),
        Some(scrape) => match (&scrape.down, &scrape.first_violation) {
            (Some((reason, message)), _) => {
                ("down", "fail", format!("{}: {message}", reason.as_str()))
            }
            (None, Some(violation)) => (
                "up",
                "pass",
                format!(
                    "{} violations of the format, first {violation}",
                    scrape.violations
                ),
            ),
            (None, None) => ("up", "pass", String::new()),
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
    DroppedRow {
        address: dropped.labels.get("__address__").to_owned(),
        job: dropped.job.clone(),
        why: dropped.reason.to_string(),
        labels: dropped
            .labels
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
    }
}

/// A ratio as whole per cent, shown to people only. Rounded down: 100 % is nothing less.
pub fn percent(ratio: f64) -> String {
    // 0.29 * 100 is a hair below 29.
    format!("{:.0} %", (ratio * 100.0 + 1e-9).floor())
}

/// RFC 3339 in UTC, to the second.
pub(super) fn time(at: SystemTime) -> String {
    jiff::Timestamp::try_from(at)
        .map(|at| format!("{at:.0}"))
        .unwrap_or_else(|_| "an unknown time".to_owned())
}
