//! Who violates most, since when, and why.

use super::standing::standing;
use crate::history::{HistoryError, Reader};
use crate::report::collect::{Collected, RuleAt, ServiceAt};
use crate::report::model::{Offender, Violation};
use crate::snapshot::RuleStatus;

/// Services that violate something at the end, those that lose most weight first.
pub(super) fn offenders(reader: &Reader, found: &Collected) -> Result<Vec<Offender>, HistoryError> {
    let mut violating: Vec<(u64, &ServiceAt)> = found
        .end
        .iter()
        .map(|service| (lost(service), service))
        .filter(|(lost, service)| *lost > 0 || service.rules.iter().any(is_violated))
        .collect();
    let key = |service: &ServiceAt| &found.services[service.service].key;
    violating.sort_by(|(lost, a), (other, b)| other.cmp(lost).then_with(|| key(a).cmp(key(b))));
    let offenders = violating.into_iter().map(|(_, service)| {
        let mut violated: Vec<&RuleAt> = service
            .rules
            .iter()
            .filter(|rule| is_violated(rule))
            .collect();
        violated.sort_by_key(|rule| (std::cmp::Reverse(rule.outcome.weight), rule.outcome.rule));
        let violations = violated
            .into_iter()
            .map(|rule| violation(reader, found, rule));
        Ok(Offender {
            service: key(service).name.clone(),
            environment: key(service).environment.clone(),
            team: service.owner.team.clone(),
            tier: service.owner.tier.clone(),
            score: standing([service]).score,
            violations: violations.collect::<Result<_, _>>()?,
        })
    });
    offenders.collect()
}

fn is_violated(rule: &RuleAt) -> bool {
    matches!(rule.outcome.counted, RuleStatus::Fail | RuleStatus::Waived)
}

/// The weight of what a service violates without a waiver.
fn lost(service: &ServiceAt) -> u64 {
    let violated = service.rules.iter();
    let violated = violated.filter(|rule| rule.outcome.counted == RuleStatus::Fail);
    violated.map(|rule| u64::from(rule.outcome.weight)).sum()
}

fn violation(reader: &Reader, found: &Collected, rule: &RuleAt) -> Result<Violation, HistoryError> {
    let id = rule.outcome.rule.to_string();
    let in_force = found.rulesets.last();
    let mut in_force = in_force.into_iter().flat_map(|(_, ruleset)| &ruleset.rules);
    let severity = in_force.find(|known| known.id == id);
    Ok(Violation {
        severity: severity
            .map(|known| known.severity.clone())
            .unwrap_or_default(),
        rule: id,
        since: rule.state.failing.map(|failing| failing.since),
        since_is_exact: rule.state.failing.is_some_and(|failing| failing.is_exact),
        waived: rule.outcome.counted == RuleStatus::Waived,
        carried_over: !rule.outcome.status.is_measured(),
        reason: rule.state.reason.to_string(),
        message: reader.sentence(rule.state.detail)?,
    })
}
