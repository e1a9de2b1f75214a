//! `/api/v1/rules`: the rules in force, and how many comply with them.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::publish::page::time;
use crate::snapshot::{RuleStatus, Snapshot};

/// `/api/v1/rules`.
#[derive(Debug, Serialize)]
pub(in crate::publish) struct Rules<'a> {
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
pub(in crate::publish) fn rules(snapshot: &Snapshot) -> Rules<'_> {
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
