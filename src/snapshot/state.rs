//! What a snapshot holds of each target, each service and the estate.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;

use super::score::{RuleStatus, Score};
use crate::catalogue::{Entry, Waiver};
use crate::checks::scraped::instrumentation::{Instrumentation, Resource};
use crate::checks::{Finding, Verdict};
use crate::discovery::target::{ServiceKey, Target};
use crate::scrape::ScrapeErrorKind;

/// What is known of one target.
#[derive(Debug, Clone)]
pub struct TargetState {
    /// The target.
    pub target: Arc<Target>,
    /// Its last scrape, `None` before the first.
    pub scrape: Option<Scrape>,
    /// One verdict per rule in force, in the manifesto's order.
    pub verdicts: Arc<[Verdict]>,
    /// The version that O-8's pass rests on.
    pub version: Option<Arc<str>>,
    /// The resource that OpenTelemetry describes, where it does.
    pub resource: Option<Arc<Resource>>,
}

impl TargetState {
    /// A target so judged, of which no scrape is known.
    pub fn new(target: Arc<Target>, verdicts: impl Into<Arc<[Verdict]>>) -> Self {
        Self {
            target,
            scrape: None,
            verdicts: verdicts.into(),
            version: None,
            resource: None,
        }
    }

    /// Whether the last scrape was measured.
    pub fn is_up(&self) -> bool {
        self.scrape
            .as_ref()
            .is_some_and(|scrape| scrape.down.is_none())
    }
}

/// The figures of one scrape.
#[derive(Debug, Clone, PartialEq)]
pub struct Scrape {
    /// When it began.
    pub at: SystemTime,
    /// From DNS to the last byte.
    pub duration: Duration,
    /// Samples read.
    pub samples: u64,
    /// Decompressed body.
    pub body_bytes: u64,
    /// Why the target is down, with the sentence; `None` while it is up.
    pub down: Option<(ScrapeErrorKind, String)>,
    /// Violations of the format that Prometheus tolerates.
    pub violations: u64,
    /// The first of them, with line and column.
    pub first_violation: Option<Arc<str>>,
}

/// Since when a rule is violated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failing {
    /// Since this moment.
    pub since: Timestamp,
    /// Whether it was seen to begin then; else it was so at the first look already.
    pub is_exact: bool,
}

/// One rule's verdict for one service, or for the estate.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceVerdict {
    /// The rule's place in [`Manifesto::rules`](crate::manifesto::Manifesto::rules).
    pub rule: usize,
    /// The outcome.
    pub status: RuleStatus,
    /// What was found; of several instances, of the one that decides: the worst that was measured.
    pub finding: Arc<Finding>,
    /// The deciding instance, where scrapes decide.
    pub target: Option<Arc<Target>>,
    /// The waiver that it rests on, where it is waived.
    pub waiver: Option<Arc<Waiver>>,
    /// Since when it is violated, waived or not; kept while it cannot be measured.
    pub failing: Option<Failing>,
}

/// One service in one environment.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceState {
    /// Name and environment.
    pub key: ServiceKey,
    /// What the catalogue says of it, if it does.
    pub entry: Option<Arc<Entry>>,
    /// The owning team by the catalogue, else by discovery; `""` where nobody says.
    pub team: String,
    /// The version most of its instances run, `""` where none is known.
    pub version: String,
    /// One verdict per rule of scope `service`.
    pub verdicts: Vec<ServiceVerdict>,
    /// How far it complies.
    pub score: Score,
    /// Its Instrumentation Score, where its metrics are OpenTelemetry's.
    pub instrumentation: Option<Instrumentation>,
    /// Its instances' places in [`Snapshot::targets`](super::Snapshot::targets).
    pub targets: Vec<usize>,
    /// When it was first seen by this process.
    pub first_seen: Timestamp,
}

/// The estate as a whole.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EstateState {
    /// One verdict per rule of scope `estate`.
    pub verdicts: Vec<ServiceVerdict>,
    /// How far it complies.
    pub score: Score,
    /// When it was first judged by this process.
    pub first_seen: Option<Timestamp>,
}

impl ServiceState {
    /// How many rules have this status.
    pub fn count(&self, status: RuleStatus) -> usize {
        self.verdicts
            .iter()
            .filter(|verdict| verdict.status == status)
            .count()
    }
}
