//! What the configuration says about the manifesto's rules.

use std::collections::BTreeMap;

use crate::manifesto::{RuleId, Severity};

/// `rules`. That the ids name rules is checked where the manifesto is loaded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RulesConfig {
    /// Rules that are not judged, each with the reason that reports give.
    pub disabled: BTreeMap<RuleId, String>,
    /// Severities other than the manifesto's.
    pub severity: BTreeMap<RuleId, Severity>,
}
