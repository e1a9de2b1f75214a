//! What other evidence than scrapes proves: the checks, what they ask, and how they judge.

mod attestation;
mod bypass;
mod cluster;
mod documentation;
mod facts;
mod incidents;
mod log_labels;
mod measured;
mod objectives;
mod retention;
mod selectors;
mod slo;
mod web;

pub use self::facts::{Entity, Facts, Failure};

use std::sync::Arc;

use serde::Deserialize;

use super::verdict::{Finding, Reason, Status, neither};
use crate::catalogue::{Catalogue, Records};
use crate::sources::Query;

/// A check of evidence with its settings, as a rule names it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[derive(strum::IntoStaticStr, strum::VariantNames)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[strum(serialize_all = "snake_case")]
pub enum EvidenceCheck {
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
    Owners(documentation::Owners),
    /// Documentation answers.
    Pages(documentation::Pages),
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
        checks: Vec<EvidenceCheck>,
    },
}

impl EvidenceCheck {
    /// As written in a rule.
    pub fn as_str(&self) -> &'static str {
        self.into()
    }

    /// What it wants to know of servers.
    pub(super) fn queries(&self, catalogue: &Catalogue, records: &Records) -> Vec<Query> {
        match self {
            EvidenceCheck::Promql(measured) => vec![measured.promql()],
            EvidenceCheck::Logql(measured) | EvidenceCheck::LogFormat(measured) => {
                vec![Query::Logql(Arc::clone(&measured.expression))]
            }
            EvidenceCheck::LogLabels(labels) => {
                vec![Query::LogStreams(Arc::clone(&labels.selector))]
            }
            EvidenceCheck::MetricRetention(_) => vec![Query::MetricRetention],
            EvidenceCheck::LogRetention(_) => vec![Query::LogRetention],
            EvidenceCheck::Slo(slo) => slo.queries().collect(),
            EvidenceCheck::Exposure(_)
            | EvidenceCheck::NetworkPolicies
            | EvidenceCheck::WorkloadIdentity(_) => {
                vec![Query::Cluster]
            }
            EvidenceCheck::Incidents(_) => vec![Query::Runs, Query::Incidents],
            EvidenceCheck::Retrospectives(_) | EvidenceCheck::Gamedays(_) => vec![Query::Runs],
            EvidenceCheck::Pages(pages) => {
                let entries = catalogue.entries();
                entries.flat_map(|entry| pages.queries(entry)).collect()
            }
            EvidenceCheck::Openness => catalogue
                .entries()
                .filter_map(|entry| documentation::repository(entry))
                .collect(),
            EvidenceCheck::Objectives => objectives::queries(records).collect(),
            EvidenceCheck::Http(http) => vec![http.query()],
            EvidenceCheck::FirstOf { checks } => {
                let all = checks.iter();
                all.flat_map(|check| check.queries(catalogue, records))
                    .collect()
            }
            EvidenceCheck::Owners(_) | EvidenceCheck::Bypass(_) | EvidenceCheck::Attestation(_) => {
                Vec::new()
            }
        }
    }

    /// The check itself, or those of which the first decides.
    pub fn alternatives(&self) -> &[EvidenceCheck] {
        match self {
            EvidenceCheck::FirstOf { checks } => checks,
            check => std::slice::from_ref(check),
        }
    }

    /// Whether its settings make sense together; if not, why.
    pub(super) fn validate(&self) -> Result<(), String> {
        match self {
            EvidenceCheck::FirstOf { checks } if checks.is_empty() => {
                Err("`first_of` needs `checks`".to_owned())
            }
            EvidenceCheck::FirstOf { checks } => {
                let nested = |check: &EvidenceCheck| matches!(check, EvidenceCheck::FirstOf { .. });
                match checks.iter().any(nested) {
                    true => Err("`first_of` within `first_of`".to_owned()),
                    false => checks.iter().try_for_each(EvidenceCheck::validate),
                }
            }
            EvidenceCheck::Promql(measured) => measured.validate(),
            EvidenceCheck::Logql(measured) | EvidenceCheck::LogFormat(measured) => {
                measured.validate()?;
                match measured.over {
                    Some(_) => Err("only `promql` looks `over` a time".to_owned()),
                    None => Ok(()),
                }
            }
            EvidenceCheck::LogLabels(_)
            | EvidenceCheck::MetricRetention(_)
            | EvidenceCheck::LogRetention(_)
            | EvidenceCheck::Slo(_)
            | EvidenceCheck::Exposure(_)
            | EvidenceCheck::NetworkPolicies
            | EvidenceCheck::WorkloadIdentity(_)
            | EvidenceCheck::Incidents(_)
            | EvidenceCheck::Retrospectives(_)
            | EvidenceCheck::Gamedays(_)
            | EvidenceCheck::Owners(_)
            | EvidenceCheck::Pages(_)
            | EvidenceCheck::Openness
            | EvidenceCheck::Objectives
            | EvidenceCheck::Bypass(_)
            | EvidenceCheck::Http(_)
            | EvidenceCheck::Attestation(_) => Ok(()),
        }
    }

    /// Judges what is known of a service, or of the estate.
    pub(super) fn judge(&self, facts: &Facts<'_>) -> Finding {
        match self {
            EvidenceCheck::Promql(measured) => measured.judge(facts, &measured.promql()),
            EvidenceCheck::Logql(measured) => {
                measured.judge(facts, &Query::Logql(Arc::clone(&measured.expression)))
            }
            EvidenceCheck::LogFormat(measured) => log_labels::judge_format(measured, facts),
            EvidenceCheck::LogLabels(labels) => labels.judge(facts),
            EvidenceCheck::MetricRetention(metrics) => metrics.judge(facts),
            EvidenceCheck::LogRetention(logs) => logs.judge(facts),
            EvidenceCheck::Slo(slo) => slo.judge(facts),
            EvidenceCheck::Exposure(public) => public.judge(facts),
            EvidenceCheck::NetworkPolicies => cluster::judge_policies(facts),
            EvidenceCheck::WorkloadIdentity(identity) => identity.judge(facts),
            EvidenceCheck::Incidents(tracked) => tracked.judge(facts),
            EvidenceCheck::Retrospectives(retrospectives) => retrospectives.judge(facts),
            EvidenceCheck::Gamedays(gamedays) => gamedays.judge(facts),
            EvidenceCheck::Owners(owners) => owners.judge(facts),
            EvidenceCheck::Pages(pages) => pages.judge(facts),
            EvidenceCheck::Openness => documentation::judge_openness(facts),
            EvidenceCheck::Objectives => objectives::judge(facts),
            EvidenceCheck::Bypass(bypass) => bypass.judge(facts),
            EvidenceCheck::Http(http) => http.judge(facts),
            EvidenceCheck::Attestation(attested) => attested.judge(facts),
            EvidenceCheck::FirstOf { checks } => first_of(checks, facts),
        }
    }
}

/// The first finding that decides. Where none does, nothing is known, and all say why.
fn first_of(checks: &[EvidenceCheck], facts: &Facts<'_>) -> Finding {
    let mut open: Option<Finding> = None;
    for check in checks {
        let finding = check.judge(facts);
        let is_open = finding.status == Status::Unknown && finding.reason.leaves_it_open();
        if !is_open {
            return finding;
        }
        open = Some(match open {
            None => finding,
            Some(before) => neither(before, finding),
        });
    }
    open.unwrap_or_else(|| Finding::not_applicable(Reason::Missing, "the rule names no check"))
}
