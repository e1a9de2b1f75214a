//! What the configuration says about the manifesto's rules.

use std::collections::BTreeMap;

use jiff::civil::Date;

use crate::checks::Check;
use crate::manifesto::{Rule, RuleId, Severity};

/// `rules`. That the ids name rules was checked when it was read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RulesConfig {
    /// Rules that are not judged, each with the reason that reports give.
    pub disabled: BTreeMap<RuleId, String>,
    /// Severities other than the manifesto's.
    pub severity: BTreeMap<RuleId, Severity>,
    /// Days from which rules count.
    pub effective_from: BTreeMap<RuleId, Date>,
    /// Checks in the place of a rule's own: other thresholds, other series.
    pub checks: BTreeMap<RuleId, Vec<Check>>,
    /// Rules of the user's own.
    pub added: Vec<Rule>,
    /// The version of the rules as a whole, where the user keeps one.
    pub version: Option<String>,
    /// When they were reviewed.
    pub reviewed: Vec<Date>,
}
