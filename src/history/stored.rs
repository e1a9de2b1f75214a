//! Objectives and initiatives, as they are stored, and back: a report of a quarter long past measures what
//! was written then.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::calendar::Quarter;
use crate::catalogue::{
    Better, Commitment, Initiative, KeyResult, Measure, Objective, OneOrMore, ServiceFilter,
};
use crate::rule_id::RuleId;

/// Whom something concerns: by `service`, `environment`, `team`, `tier`, one of the texts each.
type StoredFilter = BTreeMap<String, Vec<String>>;

/// An objective, as stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredObjective {
    team: String,
    quarter: String,
    first: Date,
    last: Date,
    id: String,
    title: String,
    owner: String,
    key_results: Vec<StoredKeyResult>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct StoredKeyResult {
    id: String,
    title: String,
    owner: String,
    kind: String,
    measure: StoredMeasure,
    services: StoredFilter,
    baseline: Option<f64>,
    target: f64,
    better: String,
    unit: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredMeasure {
    Compliance(Vec<String>),
    Score,
    Coverage,
    Promql(String),
}

impl StoredObjective {
    pub(super) fn of(objective: &Objective) -> Self {
        let results = objective.key_results.iter();
        Self {
            team: objective.team.clone(),
            quarter: objective.quarter.name.clone(),
            first: objective.quarter.first,
            last: objective.quarter.last,
            id: objective.id.clone(),
            title: objective.title.clone(),
            owner: objective.owner.clone(),
            key_results: results.map(StoredKeyResult::of).collect(),
        }
    }

    /// The objective that was written.
    pub fn objective(&self) -> Objective {
        let results = self.key_results.iter();
        Objective {
            team: self.team.clone(),
            quarter: Quarter {
                name: self.quarter.clone(),
                first: self.first,
                last: self.last,
            },
            id: self.id.clone(),
            title: self.title.clone(),
            owner: self.owner.clone(),
            key_results: results.map(StoredKeyResult::key_result).collect(),
            place: String::new(),
        }
    }
}

impl StoredKeyResult {
    fn of(result: &KeyResult) -> Self {
        Self {
            id: result.id.clone(),
            title: result.title.clone(),
            owner: result.owner.clone(),
            kind: result.commitment.as_str().to_owned(),
            measure: match &result.measure {
                Measure::Compliance(rules) => StoredMeasure::Compliance(named(rules)),
                Measure::Score => StoredMeasure::Score,
                Measure::Coverage => StoredMeasure::Coverage,
                Measure::Promql(query) => StoredMeasure::Promql(query.clone()),
            },
            services: stored_filter(&result.services),
            baseline: result.baseline,
            target: result.target,
            better: result.better.as_str().to_owned(),
            unit: result.unit.clone(),
        }
    }

    fn key_result(&self) -> KeyResult {
        KeyResult {
            id: self.id.clone(),
            title: self.title.clone(),
            owner: self.owner.clone(),
            commitment: match self.kind == Commitment::Aspirational.as_str() {
                true => Commitment::Aspirational,
                false => Commitment::Committed,
            },
            measure: match &self.measure {
                StoredMeasure::Compliance(rules) => Measure::Compliance(parsed(rules)),
                StoredMeasure::Score => Measure::Score,
                StoredMeasure::Coverage => Measure::Coverage,
                StoredMeasure::Promql(query) => Measure::Promql(query.clone()),
            },
            services: filter(&self.services),
            baseline: self.baseline,
            target: self.target,
            better: match self.better == Better::Lower.as_str() {
                true => Better::Lower,
                false => Better::Higher,
            },
            unit: self.unit.clone(),
        }
    }
}

/// An initiative, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredInitiative {
    title: String,
    owner: String,
    reason: String,
    rules: Vec<String>,
    services: StoredFilter,
    started: Date,
    due: Date,
    archived: Option<Date>,
}

impl StoredInitiative {
    pub(super) fn of(initiative: &Initiative) -> Self {
        Self {
            title: initiative.title.clone(),
            owner: initiative.owner.clone(),
            reason: initiative.reason.clone(),
            rules: named(&initiative.rules),
            services: stored_filter(&initiative.services),
            started: initiative.started,
            due: initiative.due,
            archived: initiative.archived,
        }
    }

    /// The initiative that was written.
    pub fn initiative(&self) -> Initiative {
        Initiative {
            title: self.title.clone(),
            owner: self.owner.clone(),
            reason: self.reason.clone(),
            rules: parsed(&self.rules),
            services: filter(&self.services),
            started: self.started,
            due: self.due,
            archived: self.archived,
            place: String::new(),
        }
    }
}

fn named(rules: &[RuleId]) -> Vec<String> {
    rules.iter().map(RuleId::to_string).collect()
}

/// A rule whose letter is not known any more is asked for still: left out, what asks for it would be easier. This
/// one is judged for nobody.
const UNKNOWN_RULE: &str = "X-255";

fn parsed(rules: &[String]) -> Vec<RuleId> {
    let rules = rules.iter();
    let rules = rules.filter_map(|rule| rule.parse().or_else(|_| UNKNOWN_RULE.parse()).ok());
    rules.collect()
}

fn stored_filter(filter: &ServiceFilter) -> StoredFilter {
    let said = [
        ("service", &filter.service),
        ("environment", &filter.environment),
        ("team", &filter.team),
        ("tier", &filter.tier),
    ];
    let said = said.into_iter();
    let said = said.filter_map(|(key, any)| Some((key.to_owned(), any.as_ref()?.all().to_vec())));
    said.collect()
}

fn filter(stored: &StoredFilter) -> ServiceFilter {
    let said = |key: &str| stored.get(key).cloned().map(OneOrMore::More);
    ServiceFilter {
        service: said("service"),
        environment: said("environment"),
        team: said("team"),
        tier: said("tier"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_that_is_not_known_any_more_is_asked_for_still() {
        let rules = parsed(&["Z-1".to_owned(), "O-8".to_owned()]);
        let rules: Vec<String> = rules.iter().map(RuleId::to_string).collect();
        assert_eq!(rules, [UNKNOWN_RULE, "O-8"]);
    }
}
