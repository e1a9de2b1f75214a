//! How services stand at one moment.

use crate::discovery::target::ServiceKey;
use crate::rule_id::RuleId;
use crate::snapshot::{RuleStatus, Snapshot};

/// One rule of one service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// The rule.
    pub rule: RuleId,
    /// Its status.
    pub status: RuleStatus,
    /// The status that counts: the last measured one, while that is carried over.
    pub counted: RuleStatus,
    /// The rule's weight.
    pub weight: u32,
}

/// One service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceStanding<'a> {
    /// Name and environment.
    pub key: &'a ServiceKey,
    /// Who owns it.
    pub team: &'a str,
    /// Its tier.
    pub tier: &'a str,
    /// Its rules.
    pub outcomes: Vec<Outcome>,
}

/// How services stand in a snapshot.
pub fn of_snapshot(snapshot: &Snapshot) -> Vec<ServiceStanding<'_>> {
    let rules = snapshot.manifesto().rules();
    let services = snapshot.services.iter().map(|service| {
        let outcomes = service.verdicts.iter().map(|verdict| Outcome {
            rule: rules[verdict.rule].id,
            status: verdict.status,
            counted: verdict.counted(),
            weight: rules[verdict.rule].severity.weight(),
        });
        ServiceStanding {
            key: &service.key,
            team: &service.team,
            tier: service.entry.as_ref().map_or("", |entry| &entry.tier),
            outcomes: outcomes.collect(),
        }
    });
    services.collect()
}
