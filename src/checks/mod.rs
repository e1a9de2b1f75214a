//! Checks: evidence in, findings out. One kind of check, one file: what it looks for, what it keeps
//! of a scrape, how it judges. Pure: no I/O, no clock.
//!
//! Checks of scrapes judge each target ([`judge_all`]); checks of other evidence judge a service or
//! the estate ([`judge_facts`]) and say what they want to know ([`queries`]).
//!
//! To add one: a file here, an arm in [`Check`] and in `judge` or `judge_evidence`, and (where it
//! reads scrapes) a field in [`Observation`]; the compiler points at the rest.

mod attestation;
pub mod availability;
mod bypass;
mod cluster;
pub mod endpoint;
mod facts;
pub mod family;
pub mod identity;
mod incidents;
pub mod instrumentation;
pub mod latency;
mod log_labels;
mod measured;
mod objectives;
mod observer;
mod retention;
mod slo;
mod subject;
mod verdict;
pub mod version;
pub mod warmup;
mod web;
mod words;
mod written;

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Deserialize;

pub use facts::{Facts, Failure, Whom};
pub use observer::{FAULTS_MAX, Observation, Observer};
pub use subject::{SeriesOverrides, Subject, Subjects};
pub use verdict::{Basis, Finding, Reason, Status};
use verdict::{EVIDENCE_MAX, sentence};

use crate::catalogue::{Catalogue, Records};
use crate::discovery::target::TargetUrl;
use crate::manifesto::{Manifesto, Rule, RuleId};
use crate::sources::Query;

/// A kind of judgement with its settings, as a rule names it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Check {
    /// The exposition names the service.
    Identity,
    /// The exposition is served on this port.
    Endpoint {
        /// The port asked for.
        port: u16,
    },
    /// The exposition carries the application's version.
    Version,
    /// The exposition carries availability.
    Availability,
    /// The exposition carries latency.
    Latency,
    /// A figure of a Prometheus-compatible server.
    Promql(measured::Measured),
    /// A figure of Loki.
    Logql(measured::Measured),
    /// A share of lines, where no other format is declared.
    LogFormat(measured::Measured),
    /// Log streams name the service.
    LogLabels(log_labels::LogLabels),
    /// How long metrics are kept.
    MetricRetention(retention::Metrics),
    /// How long log lines are kept.
    LogRetention(retention::Logs),
    /// An SLO stricter than the promise to customers.
    Slo(slo::Slo),
    /// What is open to the public.
    Exposure(cluster::Public),
    /// Network policies limit every pod.
    NetworkPolicies,
    /// Roles instead of keys.
    WorkloadIdentity(cluster::Identity),
    /// Incidents have a run and are on the status page.
    Incidents(incidents::Tracked),
    /// Post-mortems follow incidents.
    Retrospectives(incidents::Retrospectives),
    /// Gamedays are run.
    Gamedays(incidents::Gamedays),
    /// Enough people own the service.
    Owners(written::Owners),
    /// Documentation answers.
    Pages(written::Pages),
    /// The source is open, or there is a reason.
    Openness,
    /// Teams have objectives.
    Objectives,
    /// Nothing is broken for long without a waiver.
    Bypass(bypass::Bypass),
    /// What a server answers.
    Http(web::Http),
    /// Somebody signs for it.
    Attestation(attestation::Attested),
    /// The first of these that can tell decides: in order of precedence.
    FirstOf {
        /// The kinds of evidence, the best first.
        checks: Vec<Check>,
    },
}

impl Check {
    /// As written in a rule.
    pub fn as_str(&self) -> &'static str {
        match self {
            Check::Identity => "identity",
            Check::Endpoint { .. } => "endpoint",
            Check::Version => "version",
            Check::Availability => "availability",
            Check::Latency => "latency",
            Check::Promql(_) => "promql",
            Check::Logql(_) => "logql",
            Check::LogFormat(_) => "log_format",
            Check::LogLabels(_) => "log_labels",
            Check::MetricRetention(_) => "metric_retention",
            Check::LogRetention(_) => "log_retention",
            Check::Slo(_) => "slo",
            Check::Exposure(_) => "exposure",
            Check::NetworkPolicies => "network_policies",
            Check::WorkloadIdentity(_) => "workload_identity",
            Check::Incidents(_) => "incidents",
            Check::Retrospectives(_) => "retrospectives",
            Check::Gamedays(_) => "gamedays",
            Check::Owners(_) => "owners",
            Check::Pages(_) => "pages",
            Check::Openness => "openness",
            Check::Objectives => "objectives",
            Check::Bypass(_) => "bypass",
            Check::Http(_) => "http",
            Check::Attestation(_) => "attestation",
            Check::FirstOf { .. } => "first_of",
        }
    }

    /// Whether it judges scrapes, target by target.
    pub fn is_of_scrapes(&self) -> bool {
        match self {
            Check::Identity
            | Check::Endpoint { .. }
            | Check::Version
            | Check::Availability
            | Check::Latency => true,
            Check::FirstOf { checks } => checks.iter().any(Check::is_of_scrapes),
            _ => false,
        }
    }

    /// The check itself, or those of which the first decides.
    pub fn alternatives(&self) -> &[Check] {
        match self {
            Check::FirstOf { checks } => checks,
            check => std::slice::from_ref(check),
        }
    }

    /// What it wants to know of servers.
    fn queries(&self, catalogue: &Catalogue, records: &Records) -> Vec<Query> {
        match self {
            Check::Promql(measured) => vec![measured.promql()],
            Check::Logql(measured) | Check::LogFormat(measured) => {
                vec![Query::Logql(Arc::clone(&measured.expression))]
            }
            Check::LogLabels(labels) => vec![Query::LogStreams(Arc::clone(&labels.selector))],
            Check::MetricRetention(_) => vec![Query::MetricRetention],
            Check::LogRetention(_) => vec![Query::LogRetention],
            Check::Slo(slo) => slo.queries().collect(),
            Check::Exposure(_) | Check::NetworkPolicies | Check::WorkloadIdentity(_) => {
                vec![Query::Cluster]
            }
            Check::Incidents(_) => vec![Query::Runs, Query::Incidents],
            Check::Retrospectives(_) | Check::Gamedays(_) => vec![Query::Runs],
            Check::Pages(pages) => {
                let entries = catalogue.entries();
                entries.flat_map(|entry| pages.queries(entry)).collect()
            }
            Check::Openness => catalogue
                .entries()
                .filter_map(|entry| written::repository(entry))
                .collect(),
            Check::Objectives => objectives::queries(records).collect(),
            Check::Http(http) => vec![http.query()],
            Check::FirstOf { checks } => {
                let all = checks.iter();
                all.flat_map(|check| check.queries(catalogue, records))
                    .collect()
            }
            Check::Identity
            | Check::Endpoint { .. }
            | Check::Version
            | Check::Availability
            | Check::Latency
            | Check::Owners(_)
            | Check::Bypass(_)
            | Check::Attestation(_) => Vec::new(),
        }
    }
}

/// What the rules in force want to know of servers, each question once.
pub fn queries(manifesto: &Manifesto, catalogue: &Catalogue, records: &Records) -> BTreeSet<Query> {
    let checks = manifesto.rules().iter().flat_map(|rule| &rule.checks);
    checks
        .flat_map(|check| check.queries(catalogue, records))
        .collect()
}

/// Whether these checks can prove a rule together; if not, why.
pub fn fit(checks: &[Check]) -> Result<(), String> {
    if checks.is_empty() {
        return Err("a rule needs a check".to_owned());
    }
    let scraped = checks.iter().filter(|check| check.is_of_scrapes()).count();
    if scraped != 0 && scraped != checks.len() {
        return Err("a rule is proved by scrapes or by other evidence, not by both".to_owned());
    }
    for check in checks {
        if let Check::FirstOf { checks } = check {
            if scraped != 0 {
                return Err("`first_of` holds no checks of scrapes".to_owned());
            }
            if checks
                .iter()
                .any(|check| matches!(check, Check::FirstOf { .. }))
            {
                return Err("`first_of` within `first_of`".to_owned());
            }
            if checks.is_empty() {
                return Err("`first_of` needs `checks`".to_owned());
            }
        }
        for check in check.alternatives() {
            if let Check::Promql(measured) | Check::Logql(measured) | Check::LogFormat(measured) =
                check
            {
                measured.fit()?;
                if measured.over.is_some() && !matches!(check, Check::Promql(_)) {
                    return Err("only `promql` looks `over` a time".to_owned());
                }
            }
        }
    }
    Ok(())
}

/// One judged rule.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Verdict {
    /// The rule.
    pub rule: RuleId,
    /// What was found, shared by those of whom the same was found.
    pub finding: Arc<Finding>,
}

/// One good scrape, with what its judgement depends on.
#[derive(Debug, Clone, Copy)]
pub struct Scraped<'a> {
    /// What the scrape taught.
    pub observation: &'a Observation,
    /// Whom it concerns.
    pub subject: &'a Subject,
    /// Where it was scraped; `None` for a file.
    pub url: Option<&'a TargetUrl>,
}

/// Judges every rule on one scrape.
pub fn judge_all(manifesto: &Manifesto, scraped: Scraped<'_>) -> Vec<Verdict> {
    of_scrapes(manifesto)
        .map(|rule| judge_rule(rule, scraped))
        .collect()
}

/// The same finding for every rule: the scrape failed, or has not happened yet.
pub fn all_unknown(manifesto: &Manifesto, reason: Reason, message: &str) -> Vec<Verdict> {
    let finding = Arc::new(Finding::unknown(reason, message));
    of_scrapes(manifesto)
        .map(|rule| Verdict {
            rule: rule.id,
            finding: Arc::clone(&finding),
        })
        .collect()
}

/// The rules that scrapes prove.
fn of_scrapes(manifesto: &Manifesto) -> impl Iterator<Item = &Rule> {
    manifesto.rules().iter().filter(|rule| rule.is_scraped())
}

/// Judges a rule on other evidence than scrapes: the worst of its checks, with the sentences of all.
pub fn judge_facts(rule: &Rule, facts: &Facts<'_>) -> Finding {
    let findings = rule.checks.iter().map(|check| judge_evidence(check, facts));
    findings
        .reduce(worst)
        .unwrap_or_else(|| Finding::not_applicable(Reason::Missing, "the rule names no check"))
}

fn judge_evidence(check: &Check, facts: &Facts<'_>) -> Finding {
    match check {
        Check::Promql(measured) => measured.judge(facts, &measured.promql()),
        Check::Logql(measured) => {
            measured.judge(facts, &Query::Logql(Arc::clone(&measured.expression)))
        }
        Check::LogFormat(measured) => log_labels::judge_format(measured, facts),
        Check::LogLabels(labels) => labels.judge(facts),
        Check::MetricRetention(metrics) => metrics.judge(facts),
        Check::LogRetention(logs) => logs.judge(facts),
        Check::Slo(slo) => slo.judge(facts),
        Check::Exposure(public) => public.judge(facts),
        Check::NetworkPolicies => cluster::judge_policies(facts),
        Check::WorkloadIdentity(identity) => identity.judge(facts),
        Check::Incidents(tracked) => tracked.judge(facts),
        Check::Retrospectives(retrospectives) => retrospectives.judge(facts),
        Check::Gamedays(gamedays) => gamedays.judge(facts),
        Check::Owners(owners) => owners.judge(facts),
        Check::Pages(pages) => pages.judge(facts),
        Check::Openness => written::judge_openness(facts),
        Check::Objectives => objectives::judge(facts),
        Check::Bypass(bypass) => bypass.judge(facts),
        Check::Http(http) => http.judge(facts),
        Check::Attestation(attested) => attested.judge(facts),
        Check::FirstOf { checks } => first_of(checks, facts),
        // `fit` keeps these out of rules that are judged on facts.
        Check::Identity
        | Check::Endpoint { .. }
        | Check::Version
        | Check::Availability
        | Check::Latency => Finding::unknown(Reason::NotScrapedYet, "proved by scrapes alone"),
    }
}

/// The first finding that decides. Where none does, nothing is known, and all say why.
fn first_of(checks: &[Check], facts: &Facts<'_>) -> Finding {
    let mut open: Option<Finding> = None;
    for check in checks {
        let finding = judge_evidence(check, facts);
        let is_open = finding.status == Status::Unknown && finding.reason.leaves_it_open();
        if !is_open {
            return finding;
        }
        open = Some(match open {
            None => finding,
            Some(before) => Finding {
                // That something is configured and knows nothing says more.
                reason: before.reason.max(finding.reason),
                message: format!("{}; {}", before.message, finding.message),
                ..before
            },
        });
    }
    open.unwrap_or_else(|| Finding::not_applicable(Reason::Missing, "the rule names no check"))
}

/// Judges one rule: the worst of its checks, with the sentences of all.
fn judge_rule(rule: &Rule, scraped: Scraped<'_>) -> Verdict {
    if let Some(fault) = scraped.observation.error() {
        let message = format!(
            "nothing was measured: Prometheus would fail this scrape at line {}, column {}: {}",
            fault.line, fault.column, fault.message
        );
        return Verdict {
            rule: rule.id,
            finding: Arc::new(Finding::unknown(Reason::BadExposition, message)),
        };
    }
    let finding = rule
        .checks
        .iter()
        .map(|check| judge(check, scraped))
        .reduce(worst)
        .unwrap_or_else(|| Finding::not_applicable(Reason::Missing, "the rule names no check"));
    Verdict {
        rule: rule.id,
        finding: Arc::new(finding),
    }
}

/// Judges one check.
fn judge(check: &Check, scraped: Scraped<'_>) -> Finding {
    let Scraped {
        observation,
        subject,
        url,
    } = scraped;
    match check {
        Check::Identity => observation
            .identity
            .judge(subject, url.map(TargetUrl::path)),
        Check::Endpoint { port } => endpoint::judge(url, *port),
        Check::Version => observation.version.judge(subject),
        Check::Availability => observation.availability.judge(subject),
        Check::Latency => observation.latency.judge(subject),
        // `fit` keeps other checks out of rules that scrapes prove.
        _ => Finding::not_applicable(Reason::Missing, "not proved by scrapes"),
    }
}

/// The worse finding decides status and reason; both sentences are kept, the deciding one first.
fn worst(first: Finding, second: Finding) -> Finding {
    let badness = |finding: &Finding| (finding.status, finding.reason == Reason::ProvenWeakly);
    let (decides, other) = match badness(&second) > badness(&first) {
        true => (second, first),
        false => (first, second),
    };
    let mut evidence = decides.evidence;
    evidence.extend(other.evidence);
    evidence.truncate(EVIDENCE_MAX);
    Finding {
        message: sentence(format!("{}; {}", decides.message, other.message)),
        // The weaker ground.
        basis: decides.basis.max(other.basis),
        status: decides.status,
        reason: decides.reason,
        evidence,
    }
}
