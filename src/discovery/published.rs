//! What discovery publishes.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use strum::VariantArray as _;

use super::found::Found;
use super::relabel::{Action, RelabelStep, Rule, explain};
use super::settings::job::ScrapeJob;
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
    pub dropped: Arc<[Arc<Dropped>]>,
    /// How many there are in all, by why.
    pub dropped_counts: DropCounts,
    /// Jobs of referenced files that are not scraped here.
    pub skipped: Vec<SkippedJob>,
    /// The relabelling rules of each job, by its name.
    pub rules: Arc<BTreeMap<String, Arc<[Rule]>>>,
    /// Every source, in order of configuration.
    pub sources: Vec<SourceStatus>,
    /// Whether the set can be relied upon: every source has answered or failed, and not all of
    /// them failed.
    pub ready: bool,
}

impl Discovered {
    /// What the relabelling rules of a job make of a target, one after the other.
    pub fn relabelled(&self, job: &str, found: &Found) -> Vec<RelabelStep> {
        let rules = self.rules.get(job);
        rules.map_or_else(Vec::new, |rules| explain(rules, &found.labels()))
    }
}

/// Something that discovery found and that is not scraped.
#[derive(Debug, Clone, PartialEq)]
pub struct Dropped {
    /// What discovery said of it; `None` of an entry that could not be read.
    pub found: Option<Found>,
    /// The job that would scrape it.
    pub job: Arc<ScrapeJob>,
    /// The source that named it: `job/mechanism/index`.
    pub source: String,
    /// Why not.
    pub reason: DropReason,
}

impl Dropped {
    /// Its labels before relabelling.
    pub fn labels(&self) -> Labels {
        self.found.as_ref().map(Found::labels).unwrap_or_default()
    }
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

/// Why something is not scraped, without the circumstances: the `reason` of
/// `manifesto_exporter_discovery_dropped_targets`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[derive(strum::IntoStaticStr, strum::VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum DropKind {
    /// As the configuration wants.
    Relabel,
    /// It is no target.
    Invalid,
    /// Another service has its URL.
    Duplicate,
    /// The same job has its URL under other labels.
    OtherLabels,
    /// Past a limit.
    Limit,
}

impl DropKind {
    /// As in JSON and labels.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Whether nobody asked for it: somebody expects to see a service that is not scraped.
    pub fn is_loss(self) -> bool {
        match self {
            DropKind::Relabel => false,
            DropKind::Invalid | DropKind::Duplicate | DropKind::OtherLabels | DropKind::Limit => {
                true
            }
        }
    }
}

/// How many were dropped, by why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DropCounts([usize; DropKind::VARIANTS.len()]);

impl DropCounts {
    /// Counts one more.
    pub(super) fn add(&mut self, kind: DropKind) {
        self.0[kind as usize] += 1;
    }

    /// Each kind with its count.
    pub fn iter(self) -> impl Iterator<Item = (DropKind, usize)> {
        DropKind::VARIANTS.iter().copied().zip(self.0)
    }

    /// All of them.
    pub fn total(self) -> usize {
        self.0.iter().sum()
    }

    /// Those that nobody asked for.
    pub fn lost(self) -> usize {
        let lost = self.iter().filter(|(kind, _)| kind.is_loss());
        lost.map(|(_, count)| count).sum()
    }
}

impl DropReason {
    /// The reason without its circumstances.
    pub fn kind(&self) -> DropKind {
        match self {
            DropReason::Relabel { .. } => DropKind::Relabel,
            DropReason::Invalid(_) => DropKind::Invalid,
            DropReason::Duplicate { .. } => DropKind::Duplicate,
            DropReason::OtherLabels { .. } => DropKind::OtherLabels,
            DropReason::Limit { .. } => DropKind::Limit,
        }
    }
}

/// `\`shop/static/0\`: \`a:8067\`: another service has the URL`.
impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Dropped { source, reason, .. } = self;
        match self.labels().get("__address__") {
            "" => write!(f, "`{source}`: {reason}"),
            address => write!(f, "`{source}`: target `{address}` is not scraped: {reason}"),
        }
    }
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
    /// As in `<mechanism>_sd_configs`.
    pub mechanism: &'static str,
    /// Targets on its list in use, before relabelling.
    pub targets: usize,
    /// When it last answered.
    pub last_success: Option<SystemTime>,
    /// What failed last, while it fails.
    pub last_error: Option<String>,
    /// How often it failed.
    pub failures_total: u64,
    /// How often it was asked for its list.
    pub refreshes_total: u64,
    /// Changes that it told without being asked for.
    pub events_total: u64,
    /// Whether a list that shrank too much is held back, and the last one used instead.
    pub held: bool,
    /// Targets on the list that is held back.
    pub held_targets: Option<usize>,
    /// What the source sets that is not supported here, bounded.
    pub notes: Vec<String>,
}
