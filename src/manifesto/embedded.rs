//! The rules that the binary carries: one YAML file per category.

use super::rule::Rule;
use crate::rule_id::RuleId;

/// The files, in the manifesto's order.
const FILES: &[(&str, &str)] = &[
    ("foundation.yaml", include_str!("foundation.yaml")),
    (
        "continuous_improvement.yaml",
        include_str!("continuous_improvement.yaml"),
    ),
    ("design.yaml", include_str!("design.yaml")),
    ("observability.yaml", include_str!("observability.yaml")),
    ("performance.yaml", include_str!("performance.yaml")),
    ("resilience.yaml", include_str!("resilience.yaml")),
    ("security.yaml", include_str!("security.yaml")),
];

/// Rules that do not read, or do not fit together.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {message}")]
pub struct ManifestoError {
    /// The file, or the key of the configuration.
    file: String,
    /// What is wrong.
    message: String,
}

impl ManifestoError {
    pub(super) fn new(what: &str, message: String) -> Self {
        Self {
            file: what.to_owned(),
            message,
        }
    }
}

/// Every embedded rule, in the manifesto's order.
pub(super) fn rules() -> Result<Vec<Rule>, ManifestoError> {
    let mut rules = Vec::new();
    for (file, text) in FILES {
        let of_file: Vec<Rule> = serde_saphyr::from_str(text).map_err(|error| ManifestoError {
            file: (*file).to_owned(),
            message: error.to_string(),
        })?;
        rules.extend(of_file);
    }
    Ok(rules)
}

/// The ids of the embedded rules; none where they do not read, which a test excludes.
pub fn ids() -> Vec<RuleId> {
    let rules = rules().unwrap_or_default();
    rules.iter().map(|rule| rule.id).collect()
}
