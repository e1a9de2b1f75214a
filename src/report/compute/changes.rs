//! What changed from the beginning to the end.

use std::collections::BTreeMap;

use crate::calendar::Span;
use crate::history::{HistoryError, Owner, Reader};
use crate::report::collect::{Collected, RuleAt, ServiceAt};
use crate::report::model::{ChangeKind, ChangeOf, Movement, MovementKind};
use crate::rule_id::RuleId;
use crate::snapshot::RuleStatus;

/// Verdicts that are other at the end than at the beginning, of services that were there at both. What is
/// not known at the end is no change, nor that something is compliant that was not known.
pub(super) fn changes(reader: &Reader, found: &Collected) -> Result<Vec<ChangeOf>, HistoryError> {
    let starts: BTreeMap<usize, &ServiceAt> = found
        .start
        .iter()
        .map(|service| (service.service, service))
        .collect();
    let mut changes = Vec::new();
    for service in &found.end {
        let Some(start) = starts.get(&service.service) else {
            continue;
        };
        let before: BTreeMap<RuleId, &RuleAt> = start
            .rules
            .iter()
            .map(|rule| (rule.outcome.rule, rule))
            .collect();
        for rule in &service.rules {
            let Some(before) = before.get(&rule.outcome.rule) else {
                continue;
            };
            let Some(kind) = kind(before.outcome.counted, rule.outcome.counted) else {
                continue;
            };
            let key = &found.services[service.service].key;
            changes.push(ChangeOf {
                service: key.name.clone(),
                environment: key.environment.clone(),
                team: service.owner.team.clone(),
                rule: rule.outcome.rule.to_string(),
                kind,
                at: rule.same_since,
                message: reader.sentence(rule.state.detail)?,
            });
        }
    }
    changes.sort_by(|a, b| {
        let order = |c: &ChangeOf| {
            (
                c.kind,
                c.team.clone(),
                c.service.clone(),
                c.environment.clone(),
            )
        };
        order(a).cmp(&order(b)).then(a.at.cmp(&b.at))
    });
    Ok(changes)
}

fn kind(before: RuleStatus, now: RuleStatus) -> Option<ChangeKind> {
    match (before, now) {
        (RuleStatus::Fail | RuleStatus::Waived, RuleStatus::Pass) => {
            Some(ChangeKind::NewlyCompliant)
        }
        (RuleStatus::Pass, RuleStatus::Fail) => Some(ChangeKind::NewlyViolating),
        (RuleStatus::Waived, RuleStatus::Fail) => Some(ChangeKind::WaiverEnded),
        (RuleStatus::Unknown, RuleStatus::Fail) => Some(ChangeKind::FoundViolating),
        (RuleStatus::Pass | RuleStatus::Fail, RuleStatus::Waived) => Some(ChangeKind::NewlyWaived),
        (RuleStatus::Pass, RuleStatus::Pass)
        | (RuleStatus::Fail, RuleStatus::Fail)
        | (RuleStatus::Waived, RuleStatus::Waived)
        | (RuleStatus::NotApplicable, _)
        | (RuleStatus::Unknown, RuleStatus::Pass | RuleStatus::Waived)
        | (_, RuleStatus::Unknown | RuleStatus::NotApplicable) => None,
    }
}

/// Services that came, went, or changed hands, in order of time.
pub(super) fn movements(found: &Collected) -> Vec<Movement> {
    let Some((first, last)) = found.through else {
        return Vec::new();
    };
    let mut movements = Vec::new();
    for (place, owners) in &found.owners {
        let key = &found.services[*place].key;
        if key.name.is_empty() {
            continue;
        }
        let mut moved = |at, what, from_team: &str, to_team: &str| {
            movements.push(Movement {
                at,
                service: key.name.clone(),
                environment: key.environment.clone(),
                what,
                from_team: from_team.to_owned(),
                to_team: to_team.to_owned(),
            });
        };
        let mut before: Option<&(Span, Owner)> = None;
        for piece in owners {
            let (span, owner) = piece;
            match before {
                None if span.from > first => moved(span.from, MovementKind::Came, "", &owner.team),
                None => {}
                Some((earlier, was)) => {
                    let gap = Span {
                        from: earlier.to,
                        to: span.from,
                    };
                    // A gap in what was measured is no absence.
                    if found.timeline.covered.milliseconds(gap) > 0 {
                        moved(earlier.to, MovementKind::Went, &was.team, "");
                        moved(span.from, MovementKind::Came, "", &owner.team);
                    } else if was.team != owner.team {
                        moved(
                            span.from,
                            MovementKind::ChangedHands,
                            &was.team,
                            &owner.team,
                        );
                    }
                }
            }
            before = Some(piece);
        }
        if let Some((span, owner)) = before.filter(|(span, _)| span.to < last) {
            moved(span.to, MovementKind::Went, &owner.team, "");
        }
    }
    movements.sort_by(|a, b| {
        let order = |m: &Movement| (m.at, m.service.clone(), m.environment.clone());
        order(a).cmp(&order(b))
    });
    movements
}
