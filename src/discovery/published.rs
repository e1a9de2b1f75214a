//! What discovery publishes.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use super::relabel::Action;
use super::skipped::SkippedJob;
use super::target::Target;
use crate::labels::Labels;

/// The target set of one moment. Immutable, swapped whole.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Discovered {
    /// What is scraped, each URL once, in order of configuration.
    pub targets: Vec<Arc<Target>>,
    /// Rises when `targets` changes, and only then: source states change more often.
    pub generation: u64,
    /// What discovery found and is not scraped: the first of each job.
    pub dropped: Arc<[Dropped]>,
    /// How many there are in all.
    pub dropped_total: usize,
    /// Jobs of referenced files that are not scraped here.
    pub skipped: Vec<SkippedJob>,
    /// Every source, in order of configuration.
    pub sources: Vec<SourceStatus>,
    /// Whether the set can be relied upon: every source has answered or failed, and not all of
    /// them failed.
    pub ready: bool,
}

/// Something that discovery found and that is not scraped.
#[derive(Debug, Clone, PartialEq)]
pub struct Dropped {
    /// Its labels before relabelling.
    pub labels: Labels,
    /// The job that would scrape it.
    pub job: String,
    /// The source that named it: `job/mechanism/index`.
    pub source: String,
    /// Why not.
    pub reason: DropReason,
}

/// Why something is not scraped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DropReason {
    /// A relabelling rule dropped it.
    Relabel {
        /// Which rule, from 0.
        rule_index: usize,
        /// What the rule does.
        action: Action,
    },
    /// It is no target: what is wrong.
    Invalid(String),
    /// Another source named the same URL for another service, and came first.
    Duplicate {
        /// The source that has it.
        source: String,
    },
    /// The same URL is scraped already, under other labels of the same job.
    OtherLabels {
        /// The source that has it.
        source: String,
    },
    /// The job's `target_limit`, or the limit of all targets, was reached.
    Limit {
        /// The limit.
        limit: usize,
    },
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DropReason::Relabel { rule_index, action } => {
                write!(
                    f,
                    "dropped by relabelling rule {rule_index} ({})",
                    action.as_str()
                )
            }
            DropReason::Invalid(message) => f.write_str(message),
            DropReason::Duplicate { source } => {
                write!(f, "`{source}` names the same URL for another service")
            }
            DropReason::OtherLabels { source } => write!(
                f,
                "`{source}` names the same URL with other labels: a URL is scraped once"
            ),
            DropReason::Limit { limit } => write!(f, "past the limit of {limit} targets"),
        }
    }
}

/// How a source of targets does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceStatus {
    /// `job/mechanism/index`.
    pub name: String,
    /// `static`, `file` or `http`.
    pub mechanism: &'static str,
    /// Targets on its list in use, before relabelling.
    pub targets: usize,
    /// When it last answered.
    pub last_success: Option<SystemTime>,
    /// What failed last, while it fails.
    pub last_error: Option<String>,
    /// How often it failed.
    pub failures_total: u64,
    /// How often it was asked.
    pub refreshes_total: u64,
    /// Whether a list that shrank too much is held back, and the last one used instead.
    pub held: bool,
    /// Targets on the list that is held back.
    pub held_targets: Option<usize>,
}
