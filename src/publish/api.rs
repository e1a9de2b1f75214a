//! JSON answers: serialised types live here, at the edge.

use std::collections::BTreeMap;

use serde::Serialize;
use url::Url;

use super::page::time;
use crate::catalogue::{self, Openness};
use crate::checks::scraped::instrumentation::RULES_TOTAL;
use crate::discovery::Discovered;
use crate::discovery::target::TargetUrl;
use crate::snapshot::{
    RuleStatus, ServiceSeries, ServiceVerdict, Snapshot, advice, count_not_configured,
};

/// `/api/v1/services`.
#[derive(Debug, Serialize)]
pub(super) struct Services<'a> {
    at: String,
    /// The version of the rules judged by.
    ruleset: &'a str,
    estate: Estate<'a>,
    services: Vec<Service<'a>>,
    /// Catalogued services that no discovery finds.
    missing: Vec<Missing<'a>>,
}

#[derive(Debug, Serialize)]
struct Missing<'a> {
    environment: &'a str,
    #[serde(flatten)]
    catalogue: Entry<'a>,
}

/// What is written down of a service.
#[derive(Debug, Serialize)]
struct Entry<'a> {
    name: &'a str,
    aliases: &'a [String],
    team: &'a str,
    tier: &'a str,
    owners: &'a [String],
    external_slo_ratio: Option<f64>,
    docs_url: Option<&'a str>,
    diagram_url: Option<&'a str>,
    repository: Option<&'a str>,
    open_source: Option<bool>,
    private_reason: Option<&'a str>,
    created: Option<String>,
    place: &'a str,
}

impl<'a> From<&'a catalogue::Entry> for Entry<'a> {
    fn from(entry: &'a catalogue::Entry) -> Self {
        let links = &entry.links;
        let (open_source, private_reason) = match &entry.openness {
            None => (None, None),
            Some(Openness::OpenSource) => (Some(true), None),
            Some(Openness::Private(reason)) => (Some(false), Some(reason.as_str())),
        };
        Self {
            name: &entry.name,
            aliases: &entry.aliases,
            team: &entry.team,
            tier: &entry.tier,
            owners: &entry.owners,
            external_slo_ratio: entry.external_slo,
            docs_url: links.docs.as_ref().map(Url::as_str),
            diagram_url: links.diagram.as_ref().map(Url::as_str),
            repository: links.repository.as_ref().map(Url::as_str),
            open_source,
            private_reason,
            created: entry.created.map(|day| day.to_string()),
            place: &entry.place,
        }
    }
}

#[derive(Debug, Serialize)]
struct Service<'a> {
    service_name: &'a str,
    environment: &'a str,
    team: &'a str,
    version: &'a str,
    score_ratio: Option<f64>,
    coverage_ratio: f64,
    /// How many of its unknown rules are so because nobody configured what would tell.
    rules_not_configured: usize,
    /// Version, availability, latency and identity, each by itself.
    series: BTreeMap<&'static str, Series<'a>>,
    /// Absent where its metrics are not OpenTelemetry's.
    #[serde(skip_serializing_if = "Option::is_none")]
    instrumentation: Option<Instrumentation<'a>>,
    /// Absent where the catalogue does not know it.
    #[serde(skip_serializing_if = "Option::is_none")]
    catalogue: Option<Entry<'a>>,
    verdicts: Vec<Verdict<'a>>,
}

/// What was found of one series.
#[derive(Debug, Serialize)]
struct Series<'a> {
    /// Null where nobody could tell.
    present: Option<bool>,
    reason: &'static str,
    message: &'a str,
    evidence: &'a [String],
    /// The deciding instance.
    target: String,
}

impl<'a> From<&'a ServiceSeries> for Series<'a> {
    fn from(found: &'a ServiceSeries) -> Self {
        Self {
            present: found.is_present(),
            reason: found.finding.reason.as_str(),
            message: &found.finding.message,
            evidence: &found.finding.evidence,
            target: found.target.url.to_string(),
        }
    }
}

/// The last measured outcome, while it stands in for one that cannot be measured.
#[derive(Debug, Serialize)]
struct Carried {
    status: &'static str,
    since: String,
    until: String,
}

#[derive(Debug, Serialize)]
struct Verdict<'a> {
    rule: String,
    status: &'static str,
    reason: &'static str,
    /// What it rests on.
    basis: &'static str,
    message: &'a str,
    evidence: &'a [String],
    /// The deciding instance, where scrapes decide.
    target: Option<String>,
    /// Since when it is violated, as far as is known.
    failing_since: Option<String>,
    /// What the score rests on while the rule cannot be measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    carried: Option<Carried>,
    /// What to do about it, where there is something to do.
    #[serde(skip_serializing_if = "str::is_empty")]
    advice: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    waiver: Option<Waiver<'a>>,
}

#[derive(Debug, Serialize)]
struct Waiver<'a> {
    reason: &'a str,
    discussion: &'a str,
    owner: &'a str,
    approver: &'a str,
    expires_at: String,
    place: &'a str,
}

fn verdict<'a>(snapshot: &'a Snapshot, verdict: &'a ServiceVerdict) -> Verdict<'a> {
    let finding = &verdict.finding;
    Verdict {
        rule: snapshot.rule(verdict).id.to_string(),
        status: verdict.status.as_str(),
        reason: finding.reason.as_str(),
        basis: finding.basis.as_str(),
        message: &finding.message,
        evidence: &finding.evidence,
        target: verdict.target.as_ref().map(|target| target.url.to_string()),
        failing_since: verdict
            .failing
            .map(|failing| format!("{:.0}", failing.since)),
        carried: verdict.carried.map(|carried| Carried {
            status: carried.status.as_str(),
            since: format!("{:.0}", carried.since),
            until: format!("{:.0}", carried.until),
        }),
        advice: advice(snapshot.rule(verdict), verdict.status, finding.reason),
        waiver: verdict.waiver.as_deref().map(|waiver| Waiver {
            reason: &waiver.reason,
            discussion: waiver.discussion.as_str(),
            owner: &waiver.owner,
            approver: &waiver.approver,
            expires_at: waiver.expires_at.to_string(),
            place: &waiver.place,
        }),
    }
}

/// The Instrumentation Score, of as many rules of the specification as metrics can prove.
#[derive(Debug, Serialize)]
struct Instrumentation<'a> {
    score_ratio: f64,
    rules_judged: usize,
    rules_specified: usize,
    rules_failed: &'a [&'static str],
}

/// The estate's own verdicts.
#[derive(Debug, Serialize)]
struct Estate<'a> {
    score_ratio: Option<f64>,
    coverage_ratio: f64,
    rules_not_configured: usize,
    verdicts: Vec<Verdict<'a>>,
}

/// `/api/v1/rules`.
#[derive(Debug, Serialize)]
pub(super) struct Rules<'a> {
    at: String,
    version: &'a str,
    reviewed: Option<String>,
    rules: Vec<Rule<'a>>,
    /// Rules that are not judged, with the reasons.
    disabled: BTreeMap<String, &'a str>,
}

#[derive(Debug, Serialize)]
struct Rule<'a> {
    rule: String,
    title: &'a str,
    category: &'static str,
    severity: &'static str,
    scope: &'static str,
    evidence: Vec<&'static str>,
    effective_from: Option<String>,
    asks: &'a str,
    proof: &'a str,
    remediation: &'a str,
    /// How many services, or whether the estate, have each status.
    counts: BTreeMap<&'static str, usize>,
}

/// Every rule in force, and how many comply with it.
pub(super) fn rules(snapshot: &Snapshot) -> Rules<'_> {
    let manifesto = snapshot.manifesto();
    let counts = snapshot.rule_counts();
    let rules = manifesto
        .rules()
        .iter()
        .zip(counts)
        .map(|(rule, counts)| Rule {
            rule: rule.id.to_string(),
            title: &rule.title,
            category: rule.id.category().as_str(),
            severity: rule.severity.as_str(),
            scope: rule.scope.as_str(),
            evidence: rule.checks.kinds(),
            effective_from: rule.effective_from.map(|day| day.0.to_string()),
            asks: &rule.asks,
            proof: &rule.proof,
            remediation: &rule.remediation,
            counts: RuleStatus::ALL
                .into_iter()
                .map(|status| (status.as_str(), counts[status as usize]))
                .collect(),
        });
    let disabled = manifesto.disabled().iter();
    Rules {
        at: time(snapshot.at),
        version: manifesto.version(),
        reviewed: manifesto.last_reviewed().map(|day| day.to_string()),
        rules: rules.collect(),
        disabled: disabled
            .map(|(id, why)| (id.to_string(), why.as_str()))
            .collect(),
    }
}

/// Every service with its verdicts.
pub(super) fn services(snapshot: &Snapshot) -> Services<'_> {
    let services = snapshot
        .services
        .iter()
        .map(|service| Service {
            service_name: &service.key.name,
            environment: &service.key.environment,
            team: &service.team,
            version: &service.version,
            score_ratio: service.score.ratio(),
            coverage_ratio: service.score.coverage(),
            rules_not_configured: count_not_configured(&service.verdicts),
            series: service
                .series
                .iter()
                .map(|found| (found.series.as_str(), Series::from(found)))
                .collect(),
            instrumentation: service
                .instrumentation
                .as_ref()
                .map(|score| Instrumentation {
                    score_ratio: score.ratio(),
                    rules_judged: score.judged,
                    rules_specified: RULES_TOTAL,
                    rules_failed: &score.failed,
                }),
            catalogue: service.entry.as_deref().map(Entry::from),
            verdicts: service
                .verdicts
                .iter()
                .map(|one| verdict(snapshot, one))
                .collect(),
        })
        .collect();
    let missing = snapshot.missing.iter().map(|missing| Missing {
        environment: &missing.environment,
        catalogue: Entry::from(&*missing.entry),
    });
    let estate = &snapshot.estate;
    Services {
        at: time(snapshot.at),
        ruleset: snapshot.manifesto().version(),
        estate: Estate {
            score_ratio: estate.score.ratio(),
            coverage_ratio: estate.score.coverage(),
            rules_not_configured: count_not_configured(&estate.verdicts),
            verdicts: estate
                .verdicts
                .iter()
                .map(|one| verdict(snapshot, one))
                .collect(),
        },
        services,
        missing: missing.collect(),
    }
}

/// `/api/v1/targets`.
#[derive(Debug, Serialize)]
pub(super) struct Targets<'a> {
    at: String,
    targets: Vec<Target<'a>>,
    dropped: Vec<Dropped<'a>>,
    dropped_total: usize,
    sources: Vec<Source<'a>>,
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
    why: String,
    labels: LabelMap<'a>,
}

#[derive(Debug, Serialize)]
struct Source<'a> {
    source: &'a str,
    targets: usize,
    last_success: Option<String>,
    last_error: Option<&'a str>,
    held: bool,
}

type LabelMap<'a> = BTreeMap<&'a str, &'a str>;

/// What is scraped, what was dropped and why, and where it all comes from.
pub(super) fn targets<'a>(snapshot: &'a Snapshot, discovered: &'a Discovered) -> Targets<'a> {
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
        job: &dropped.job,
        why: dropped.reason.to_string(),
        labels: dropped.labels.iter().collect(),
    });
    let sources = discovered.sources.iter().map(|source| Source {
        source: &source.name,
        targets: source.targets,
        last_success: source.last_success.map(time),
        last_error: source.last_error.as_deref(),
        held: source.held,
    });
    Targets {
        at: time(snapshot.at),
        targets: targets.collect(),
        dropped: dropped.collect(),
        dropped_total: discovered.dropped_total,
        sources: sources.collect(),
    }
}

/// One group of `/sd`, as Prometheus's HTTP service discovery reads it.
#[derive(Debug, Serialize)]
pub(super) struct SdGroup {
    targets: [String; 1],
    labels: BTreeMap<String, String>,
}

/// What was discovered, for another Prometheus to scrape: scheme, path and parameters as the
/// labels that it understands before relabelling.
pub(super) fn sd(discovered: &Discovered) -> Vec<SdGroup> {
    discovered
        .targets
        .iter()
        .map(|target| {
            let mut labels: BTreeMap<String, String> = target
                .labels
                .iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect();
            labels.insert(
                "__scheme__".to_owned(),
                target.url.scheme.as_str().to_owned(),
            );
            labels.insert("__metrics_path__".to_owned(), target.url.path().to_owned());
            labels.extend(parameters(&target.url));
            SdGroup {
                targets: [target.url.authority()],
                labels,
            }
        })
        .collect()
}

/// `__param_*`: Prometheus keeps the first value of each.
fn parameters(url: &TargetUrl) -> Vec<(String, String)> {
    let query = url
        .path_and_query
        .split_once('?')
        .map_or("", |(_, query)| query);
    let mut parameters: Vec<(String, String)> = Vec::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let name = format!("__param_{name}");
        if parameters.iter().all(|(known, _)| *known != name) {
            parameters.push((name, value.into_owned()));
        }
    }
    parameters
}
