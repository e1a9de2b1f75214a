//! What rules weighed when.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::calendar::Span;
use crate::history::{StoredRuleset, intersection};
use crate::rule_id::RuleId;

/// What rules weighed when.
pub(super) struct Weights(Vec<(Timestamp, HashMap<RuleId, u32>)>);

impl Weights {
    pub(super) fn of(rulesets: &[(Timestamp, StoredRuleset)]) -> Self {
        let weights = rulesets.iter().map(|(at, ruleset)| {
            let rules = ruleset.rules.iter();
            let weights = rules.filter_map(|rule| Some((rule.id.parse().ok()?, rule.weight)));
            (*at, weights.collect())
        });
        Self(weights.collect())
    }

    /// The parts of a span in which a rule weighed the same, with its weight.
    pub(super) fn parts(&self, rule: RuleId, span: Span) -> Vec<(Span, u32)> {
        let mut parts = Vec::with_capacity(1);
        for (place, (at, weights)) in self.0.iter().enumerate() {
            let next = self.0.get(place + 1).map(|(at, _)| *at);
            let in_force = Span {
                // The first counts for what was recorded together with it.
                from: if place == 0 { Timestamp::MIN } else { *at },
                to: next.unwrap_or(Timestamp::MAX),
            };
            if let Some(part) = intersection(span, in_force) {
                parts.push((part, weights.get(&rule).copied().unwrap_or(0)));
            }
        }
        parts
    }

    /// What a rule weighed just before a moment.
    pub(super) fn before(&self, rule: RuleId, moment: Timestamp) -> u32 {
        let last = self.0.iter().rev().find(|(at, _)| *at < moment);
        let weights = last.or_else(|| self.0.first());
        weights.map_or(0, |(_, weights)| weights.get(&rule).copied().unwrap_or(0))
    }
}
