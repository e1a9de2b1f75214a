//! `promql` and `logql`: a figure on the right side of a threshold.

use std::sync::Arc;

use serde::Deserialize;

use super::facts::{Entity, Facts, unexpected_answer};
use crate::checks::verdict::{Basis, Finding, Reason};
use crate::document::value::Interval;
use crate::sources::{Answer, KnownSource, Query, Sample, Vector};

/// A query and what its figures must be.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// An instant query. For rules of services it yields a series a service; one query tells of all.
    pub expression: Arc<str>,
    /// The labels of which one names the service.
    #[serde(default)]
    pub by: Vec<String>,
    /// The label that names the environment, where one source knows several.
    #[serde(default)]
    pub environment: Option<String>,
    /// The figure must be so all the time, not only now. Of PromQL alone.
    #[serde(default)]
    pub over: Option<Over>,
    /// What the figure is, in words.
    pub what: String,
    /// It must not be less.
    #[serde(default)]
    pub at_least: Option<Bound>,
    /// It must not be more.
    #[serde(default)]
    pub at_most: Option<Bound>,
    /// It must be less.
    #[serde(default)]
    pub below: Option<Bound>,
    /// What it means that there is no series.
    #[serde(default)]
    pub absent: Absent,
}

/// A time over which a figure is looked at.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Over {
    /// How far back.
    pub range: Interval,
    /// Between two looks.
    pub step: Interval,
}

/// Values of one series that a range query may ask for: what Prometheus answers at most.
const STEPS_MAX: u64 = 11_000;

/// A threshold.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Bound {
    /// A number.
    Number(f64),
    /// One that the catalogue says of the service.
    Catalogued(Catalogued),
}

/// A figure of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Catalogued {
    /// The availability promised to customers.
    ExternalSlo,
}

/// What it means that a query yields nothing of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Absent {
    /// Nothing is known.
    #[default]
    Unknown,
    /// There is nothing to judge: no connection pool, no autoscaler.
    NotApplicable,
}

impl Measured {
    /// Whether it compares at all.
    pub(super) fn validate(&self) -> Result<(), String> {
        match (self.at_least, self.at_most, self.below) {
            (None, None, None) => Err("a query needs `at_least`, `at_most` or `below`".to_owned()),
            _ => match &self.over {
                Some(over) if over.range.0.as_secs() / over.step.0.as_secs().max(1) > STEPS_MAX => {
                    Err(format!(
                        "`over` asks for more than {STEPS_MAX} values of a series"
                    ))
                }
                _ => Ok(()),
            },
        }
    }

    /// The question, to a server that speaks PromQL.
    pub(super) fn promql(&self) -> Query {
        let expression = Arc::clone(&self.expression);
        match &self.over {
            None => Query::Promql(expression),
            Some(over) => Query::PromqlRange {
                expression,
                range_seconds: over.range.0.as_secs(),
                step_seconds: over.step.0.as_secs().max(1),
            },
        }
    }

    /// Judges what the query yielded of whom it is about.
    pub(super) fn judge(&self, facts: &Facts<'_>, query: &Query) -> Finding {
        let answers = match facts.ask(query) {
            Ok(answers) => answers,
            Err(finding) => return finding,
        };
        let mut figures = Vec::new();
        for (source, answer) in answers {
            let Answer::Vector(vector) = answer else {
                return unexpected_answer(source);
            };
            let own = self.own(facts, vector).into_iter();
            figures.extend(own.map(|sample| (source, sample)));
        }
        if figures.is_empty() {
            return self.nothing(facts, query);
        }
        let limits = match self.limits(facts) {
            Ok(limits) => limits,
            Err(finding) => return finding,
        };
        let cited = figures
            .iter()
            .map(|(source, sample)| cite(source, query, sample));
        let cited: Vec<String> = cited.collect();
        let numbers = figures.iter().filter(|(_, sample)| !sample.value.is_nan());
        let breach = numbers.into_iter().find_map(|(_, sample)| {
            let breached = limits.iter().find(|limit| !limit.holds(sample.value))?;
            Some((sample.value, breached))
        });
        match breach {
            Some((value, limit)) => {
                let message = format!("{}: {}, asked is {limit}", self.what, figure(value));
                Finding::fail(Reason::Threshold, message, Vec::new())
            }
            None if figures.iter().any(|(_, sample)| sample.value.is_nan()) => {
                Finding::unknown(Reason::NoData, format!("{}: no number (NaN)", self.what))
            }
            None => {
                let values: Vec<String> = figures.iter().map(|(_, s)| figure(s.value)).collect();
                let asked: Vec<String> = limits.iter().map(Limit::to_string).collect();
                let (values, asked) = (values.join(", "), asked.join(" and "));
                Finding::pass(format!("{}: {values}, asked is {asked}", self.what), "")
            }
        }
        .on(Basis::Measured)
        .citing(cited)
    }

    /// The series about whom is judged: of the estate all, of a service those that name it.
    fn own<'a>(&self, facts: &Facts<'_>, vector: &'a Vector) -> Vec<&'a Sample> {
        let Entity::Service { key, subject, .. } = facts.entity else {
            return vector.samples().iter().collect();
        };
        let is_own = |sample: &&Sample| {
            let mut named = self.by.iter().map(|label| sample.labels.get(label));
            let there = self.environment.as_ref().is_none_or(|label| {
                let environment = sample.labels.get(label);
                environment.is_empty() || environment == key.environment
            });
            there && named.any(|name| !name.is_empty() && subject.is(name))
        };
        vector.naming(subject.names()).filter(is_own).collect()
    }

    fn nothing(&self, facts: &Facts<'_>, query: &Query) -> Finding {
        let of = match facts.entity {
            Entity::Estate => String::new(),
            Entity::Service { key, .. } => {
                format!(" that names `{}` by {}", key.name, self.by.join(" or "))
            }
        };
        let message = format!("{}: {query} yields no series{of}", self.what);
        match self.absent {
            Absent::Unknown => Finding::unknown(Reason::NoData, message),
            Absent::NotApplicable => Finding::not_applicable(Reason::NoData, message),
        }
        .on(Basis::Measured)
    }

    fn limits(&self, facts: &Facts<'_>) -> Result<Vec<Limit>, Finding> {
        let written = [
            (Side::AtLeast, self.at_least),
            (Side::AtMost, self.at_most),
            (Side::Below, self.below),
        ];
        let limits = written
            .into_iter()
            .filter_map(|(side, bound)| Some((side, bound?)));
        limits
            .map(|(side, bound)| match bound {
                Bound::Number(value) => Ok(Limit { side, value }),
                Bound::Catalogued(Catalogued::ExternalSlo) => {
                    let promised = facts.entry().and_then(|entry| entry.external_slo);
                    let value = promised.ok_or_else(no_external_slo)?;
                    Ok(Limit { side, value })
                }
            })
            .collect()
    }
}

/// Nobody wrote down what customers were promised.
pub(super) fn no_external_slo() -> Finding {
    let message = "the catalogue does not say what customers were promised (`external_slo`)";
    Finding::unknown(Reason::NotDocumented, message).on(Basis::Declared)
}

#[derive(Debug, Clone, Copy)]
enum Side {
    AtLeast,
    AtMost,
    Below,
}

#[derive(Debug, Clone, Copy)]
struct Limit {
    side: Side,
    value: f64,
}

impl Limit {
    fn holds(&self, figure: f64) -> bool {
        match self.side {
            // Sums and quotients are a hair off: equal is enough.
            Side::AtLeast => figure >= self.value - 1e-12,
            Side::AtMost => figure <= self.value + 1e-12,
            Side::Below => figure < self.value,
        }
    }
}

impl std::fmt::Display for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let side = match self.side {
            Side::AtLeast => "at least",
            Side::AtMost => "at most",
            Side::Below => "below",
        };
        write!(f, "{side} {}", figure(self.value))
    }
}

/// A figure for people: as many digits as tell, no noise of binary fractions behind them.
pub(super) fn figure(value: f64) -> String {
    let rounded = format!("{value:.6}");
    let short = rounded.trim_end_matches('0').trim_end_matches('.');
    match short {
        // Too small for six digits.
        "0" | "-0" if value != 0.0 => format!("{value:e}"),
        short => short.to_owned(),
    }
}

/// Source, question and figure, so that anybody can ask again.
fn cite(source: &KnownSource, query: &Query, sample: &Sample) -> String {
    let labels: Vec<String> = sample
        .labels
        .iter()
        .map(|(name, value)| format!("{name}={value:?}"))
        .collect();
    format!(
        "{}: {query} = {{{}}} {}",
        source.name,
        labels.join(","),
        sample.value
    )
}
