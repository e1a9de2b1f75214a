//! What a key result measures.

use super::standing::{Outcome, ServiceStanding};
use crate::catalogue::{KeyResult, Measure};
use crate::rule_id::RuleId;
use crate::snapshot::RuleStatus;
use crate::sources::{Answer, Answers, Lookup, Query};

/// What was measured. What is not known is in neither value, and widens the range.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// The value of what is known; `None` where nothing is.
    pub value: Option<f64>,
    /// How much is known, 0 to 1.
    pub measured: f64,
    /// The value if everything unknown were bad, and if everything were good.
    pub range: Option<(f64, f64)>,
    /// Why it is not measured, in words; `""` where it is.
    pub why: String,
}

impl Measured {
    /// Nothing is known.
    pub fn nothing(why: impl Into<String>) -> Self {
        Self {
            value: None,
            measured: 0.0,
            range: None,
            why: why.into(),
        }
    }

    /// Everything is known.
    pub fn all(value: f64) -> Self {
        Self {
            value: Some(value),
            measured: 1.0,
            range: Some((value, value)),
            why: String::new(),
        }
    }

    /// A share of what counts for `good` among what counts at all and what should: `good` and `known` of
    /// `all`, `now` of which are measured at this moment.
    fn share(good: u64, known: u64, now: u64, all: u64, nobody: &str) -> Self {
        let ratio = |part: u64, whole: u64| part as f64 / whole as f64;
        match (all, known) {
            (0, _) => Self::nothing(nobody),
            (_, 0) => Self::nothing("nothing of it could be measured"),
            _ => Self {
                value: Some(ratio(good, known)),
                measured: ratio(now, all),
                range: Some((ratio(good, all), ratio(good + (all - known), all))),
                why: String::new(),
            },
        }
    }
}

/// What a key result measures of services.
pub fn measure_services(result: &KeyResult, services: &[ServiceStanding<'_>]) -> Measured {
    let concerned = services.iter().filter(|service| {
        let key = service.key;
        let filter = &result.services;
        filter.concerns(&key.name, &key.environment, service.team, service.tier)
    });
    match &result.measure {
        Measure::Compliance(rules) => compliance(rules, concerned),
        Measure::Score => score(concerned),
        Measure::Coverage => coverage(concerned),
        Measure::Promql(_) => Measured::nothing("a query is answered by a source"),
    }
}

/// How a service stands with a set of rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Together {
    /// None of them applies.
    NotApplicable,
    /// It complies with every one that applies.
    Compliant,
    /// It violates one.
    Violated,
    /// It violates none that is known, and not every one is.
    Unknown,
}

/// How a service stands with a set of rules, by `status` of each.
pub(super) fn together(
    rules: &[RuleId],
    outcomes: &[Outcome],
    status: impl Fn(&Outcome) -> RuleStatus,
) -> Together {
    let mut standing = Together::NotApplicable;
    for rule in rules {
        let outcome = outcomes.iter().find(|outcome| outcome.rule == *rule);
        // What nobody judges is not complied with.
        let status = outcome.map_or(RuleStatus::Unknown, &status);
        standing = match (status, standing) {
            (RuleStatus::Fail | RuleStatus::Waived, _) => return Together::Violated,
            (RuleStatus::Unknown, _) => Together::Unknown,
            (RuleStatus::Pass, Together::NotApplicable) => Together::Compliant,
            (RuleStatus::Pass | RuleStatus::NotApplicable, before) => before,
        };
    }
    standing
}

fn compliance<'a>(
    rules: &[RuleId],
    services: impl Iterator<Item = &'a ServiceStanding<'a>>,
) -> Measured {
    let (mut good, mut known, mut now, mut all) = (0, 0, 0, 0);
    for service in services {
        let counted = together(rules, &service.outcomes, |outcome| outcome.counted);
        let measured = together(rules, &service.outcomes, |outcome| outcome.status);
        if counted == Together::NotApplicable {
            continue;
        }
        all += 1;
        good += u64::from(counted == Together::Compliant);
        known += u64::from(counted != Together::Unknown);
        now += u64::from(matches!(measured, Together::Compliant | Together::Violated));
    }
    Measured::share(
        good,
        known,
        now,
        all,
        "these rules apply to none of the services",
    )
}

/// Passed weight over counted weight, as a service's score, of all services together.
fn score<'a>(services: impl Iterator<Item = &'a ServiceStanding<'a>>) -> Measured {
    let (mut good, mut known, mut now, mut all) = (0, 0, 0, 0);
    for outcome in services.flat_map(|service| &service.outcomes) {
        let weight = u64::from(outcome.weight);
        if outcome.status == RuleStatus::NotApplicable {
            continue;
        }
        all += weight;
        now += match outcome.status.is_measured() {
            true => weight,
            false => 0,
        };
        match outcome.counted {
            RuleStatus::Pass => {
                good += weight;
                known += weight;
            }
            RuleStatus::Fail | RuleStatus::Waived => known += weight,
            RuleStatus::Unknown | RuleStatus::NotApplicable => {}
        }
    }
    Measured::share(good, known, now, all, "there are no services")
}

fn coverage<'a>(services: impl Iterator<Item = &'a ServiceStanding<'a>>) -> Measured {
    let (mut now, mut all) = (0, 0);
    for outcome in services.flat_map(|service| &service.outcomes) {
        let weight = u64::from(outcome.weight);
        match outcome.status {
            RuleStatus::NotApplicable => continue,
            RuleStatus::Pass | RuleStatus::Fail | RuleStatus::Waived => now += weight,
            RuleStatus::Unknown => {}
        }
        all += weight;
    }
    match all {
        0 => Measured::nothing("there are no services"),
        _ => Measured::all(now as f64 / all as f64),
    }
}

/// What a query of a key result yields now: one number, of the one source that has any.
pub fn measure_query(query: &str, answers: &Answers) -> Measured {
    let query = Query::Promql(query.into());
    let mut values = Vec::new();
    let mut why = String::new();
    for (source, lookup) in answers.all(&query) {
        let name = &source.name;
        match lookup {
            Lookup::Answer(_, Answer::Vector(vector)) => {
                values.extend(vector.samples().iter().map(|sample| sample.value));
            }
            Lookup::Answer(_, _) => why = format!("`{name}` gives no numbers"),
            Lookup::NobodyToAsk(_) => {}
            Lookup::NotAskedYet(_) => why = format!("`{name}` was not asked yet"),
            Lookup::Refused(_, error) => why = format!("`{name}`: {}", error.message),
        }
    }
    match values.as_slice() {
        [value] if value.is_finite() => Measured::all(*value),
        [value] => Measured::nothing(format!("the query yields {value}")),
        [] if why.is_empty() => Measured::nothing("the query yields nothing"),
        [] => Measured::nothing(why),
        several => Measured::nothing(format!(
            "the query yields {} values where one is measured",
            several.len()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_that_nobody_judges_is_not_complied_with() {
        let rule = |id: &str| id.parse::<RuleId>().unwrap();
        let outcome = |id: &str, status| Outcome {
            rule: rule(id),
            status,
            counted: status,
            weight: 1,
        };
        let outcomes = [
            outcome("O-8", RuleStatus::Pass),
            outcome("O-9", RuleStatus::Fail),
        ];
        let standing = |rules: &[RuleId]| together(rules, &outcomes, |outcome| outcome.counted);
        assert_eq!(standing(&[rule("O-8")]), Together::Compliant);
        assert_eq!(standing(&[rule("O-8"), rule("X-1")]), Together::Unknown);
        assert_eq!(standing(&[rule("O-9"), rule("X-1")]), Together::Violated);
    }
}
