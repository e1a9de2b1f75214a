//! A rule of the manifesto, as data.

use serde::Deserialize;

use crate::checks::Checks;
use crate::document::value::Day;
use crate::rule_id::RuleId;

/// How much a rule weighs, with the weights of the Instrumentation Score specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[derive(strum::IntoStaticStr)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "snake_case")]
pub enum Severity {
    /// 40.
    Critical,
    /// 30.
    High,
    /// 20.
    Medium,
    /// 10.
    Low,
}

impl Severity {
    /// The rule's weight in a score.
    pub fn weight(self) -> u32 {
        match self {
            Severity::Critical => 40,
            Severity::High => 30,
            Severity::Medium => 20,
            Severity::Low => 10,
        }
    }

    /// As in labels.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// What a rule is judged for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[derive(strum::IntoStaticStr)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "snake_case")]
pub enum Scope {
    /// One verdict per service and environment.
    Service,
    /// One verdict per environment, or one in all.
    Estate,
}

impl Scope {
    /// As in labels.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// One line of the manifesto.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// `O-8`.
    pub id: RuleId,
    /// A few words.
    pub title: String,
    /// Its weight.
    pub severity: Severity,
    /// Whom it is judged for.
    pub scope: Scope,
    /// What must hold: all of them.
    pub checks: Checks,
    /// The day from which it counts: before, its verdict is shown and weighs nothing.
    #[serde(default)]
    pub effective_from: Option<Day>,
    /// What it asks.
    pub asks: String,
    /// How it is proved, where its checks' own words do not say enough.
    #[serde(default)]
    pub proof: String,
    /// How to fix it.
    pub remediation: String,
}

impl Rule {
    /// Whether scrapes prove it, target by target; else other evidence does, for a service or the
    /// estate as a whole.
    pub fn is_scraped(&self) -> bool {
        matches!(self.checks, Checks::Scraped(_))
    }
}
