//! `/api/v1/services`: services, the estate, and their verdicts.

use std::collections::BTreeMap;

use serde::Serialize;
use url::Url;

use super::parameters::ServiceFilter;
use crate::catalogue::{self, Openness};
use crate::checks::scraped::instrumentation::RULES_TOTAL;
use crate::publish::page::time;
use crate::snapshot::{ServiceSeries, ServiceVerdict, Snapshot, advice, count_not_configured};

/// `/api/v1/services`.
#[derive(Debug, Serialize)]
pub(in crate::publish) struct Services<'a> {
    at: String,
    /// The version of the rules judged by.
    ruleset: &'a str,
    estate: Estate<'a>,
    services: Vec<Service<'a>>,
    /// Catalogued services that no discovery finds.
    missing: Vec<Missing<'a>>,
    /// What to configure next, for the whole estate: what proves the most first.
    next_steps: Vec<NextStep>,
}

/// Something that nobody configured.
#[derive(Debug, Serialize)]
struct NextStep {
    /// The key of the configuration.
    configure: &'static str,
    /// Of which kind, where the key has kinds.
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    /// The rules that it would prove.
    rules: Vec<String>,
    /// Verdicts that are unknown for want of it.
    verdicts: usize,
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

/// The services asked for, with their verdicts.
pub(in crate::publish) fn services<'a>(
    snapshot: &'a Snapshot,
    filter: &ServiceFilter,
) -> Services<'a> {
    let services = snapshot
        .services
        .iter()
        .filter(|service| filter.admits(service))
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
    let rule_id = |place: &usize| snapshot.manifesto().rules()[*place].id.to_string();
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
        next_steps: snapshot
            .next_steps()
            .into_iter()
            .map(|step| NextStep {
                configure: step.setup.key(),
                kind: step.setup.kind(),
                rules: step.rules.iter().map(rule_id).collect(),
                verdicts: step.verdicts,
            })
            .collect(),
    }
}
