//! Sources of evidence, ready to use.

use std::sync::Arc;
use std::time::Duration;

use super::http::HttpConfig;
use crate::sources::SourceKind;

/// A server that is asked for evidence.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceConfig {
    /// Its name, unique among them.
    pub name: String,
    /// What it is.
    pub kind: SourceKind,
    /// Where it is; `None` for links, which say so themselves.
    pub url: Option<url::Url>,
    /// The environments that it knows of; every one if empty.
    pub environments: Vec<String>,
    /// Time between two rounds of questions.
    pub interval: Duration,
    /// Deadline of each answer.
    pub timeout: Duration,
    /// How to ask.
    pub http: Arc<HttpConfig>,
}
