//! What the configuration says about the manifesto's rules.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

/// `rules`. Ids are checked against the manifesto by the stage that loads it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RulesConfig {
    /// Rules that are not judged, each with the reason that reports give.
    pub disabled: BTreeMap<String, String>,
    /// Severities other than the manifesto's.
    pub severity: BTreeMap<String, Severity>,
    /// More rules, in files like the manifesto's own.
    pub files: Vec<PathBuf>,
}

/// How much a rule weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Weight 10.
    Low,
    /// Weight 20.
    Medium,
    /// Weight 30.
    High,
    /// Weight 40.
    Critical,
}
