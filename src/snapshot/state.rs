//! What a snapshot holds of each target, each service and the estate.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;

use super::score::{RuleStatus, Score};
use crate::catalogue::{Entry, Waiver};
use crate::checks::scraped::instrumentation::{Instrumentation, Resource};
use crate::checks::{Finding, Reason, Series, SeriesFindings, Verdict};
use crate::discovery::target::{ServiceKey, Target};
use crate::rule_id::RuleId;
use crate::scrape::{ScrapeError, ScrapeErrorKind};

/// What is known of one target.
#[derive(Debug, Clone)]
pub struct TargetState {
    /// The target.
    pub target: Arc<Target>,
    /// Its last scrape, `None` before the first.
    pub scrape: Option<Scrape>,
    /// One verdict per rule in force, in the manifesto's order.
    pub verdicts: Arc<[Verdict]>,
    /// What was found of each series.
    pub series: Arc<SeriesFindings>,
    /// The version that O-8's pass rests on.
    pub version: Option<Arc<str>>,
    /// The resource that OpenTelemetry describes, where it does.
    pub resource: Option<Arc<Resource>>,
}

impl TargetState {
    /// A target so judged, of which no scrape is known.
    pub fn new(
        target: Arc<Target>,
        verdicts: impl Into<Arc<[Verdict]>>,
        series: impl Into<Arc<SeriesFindings>>,
    ) -> Self {
        Self {
            target,
            scrape: None,
            verdicts: verdicts.into(),
            series: series.into(),
            version: None,
            resource: None,
        }
    }

    /// Whether the target answered the last scrape: with metrics, or with word that it has none.
    pub fn is_up(&self) -> bool {
        self.scrape
            .as_ref()
            .is_some_and(|scrape| scrape.outcome.failure().is_none())
    }

    /// Whether the last scrape brought metrics.
    pub fn has_metrics(&self) -> bool {
        self.scrape
            .as_ref()
            .is_some_and(|scrape| scrape.outcome == ScrapeOutcome::Measured)
    }
}

/// How a scrape ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScrapeOutcome {
    /// With metrics.
    Measured,
    /// The target answered that it has none there.
    NoMetrics(ScrapeErrorKind, String),
    /// Nothing is known of the target now.
    Failed(ScrapeErrorKind, String),
}

impl ScrapeOutcome {
    /// Of the scrape's own error, if it has one.
    pub fn of(error: Option<&ScrapeError>) -> Self {
        match error {
            None => ScrapeOutcome::Measured,
            Some(error) if error.reason.says_no_metrics() => {
                ScrapeOutcome::NoMetrics(error.reason, error.message.clone())
            }
            Some(error) => ScrapeOutcome::Failed(error.reason, error.message.clone()),
        }
    }

    /// Why the target is down.
    pub fn failure(&self) -> Option<(ScrapeErrorKind, &str)> {
        match self {
            ScrapeOutcome::Measured | ScrapeOutcome::NoMetrics(..) => None,
            ScrapeOutcome::Failed(kind, message) => Some((*kind, message)),
        }
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
    /// How it ended.
    pub outcome: ScrapeOutcome,
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
    /// The outcome that stands in for it in the score while it cannot be measured.
    pub carried: Option<Carried>,
}

impl ServiceVerdict {
    /// The outcome that counts: as measured now, or as carried over.
    pub fn counted(&self) -> RuleStatus {
        self.carried.map_or(self.status, |carried| carried.status)
    }

    /// Whether it is unknown because nobody configured what would tell.
    pub fn is_not_configured(&self) -> bool {
        self.status == RuleStatus::Unknown && self.finding.reason == Reason::NotConfigured
    }
}

/// The last measured outcome of a rule that cannot be measured now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Carried {
    /// [`RuleStatus::Pass`], [`RuleStatus::Fail`] or [`RuleStatus::Waived`].
    pub status: RuleStatus,
    /// Since when it cannot be measured.
    pub since: Timestamp,
    /// Until when its last outcome counts.
    pub until: Timestamp,
}

/// What was found of one series of a service.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceSeries {
    /// Which.
    pub series: Series,
    /// What was found at the deciding instance: the worst that was measured.
    pub finding: Arc<Finding>,
    /// That instance.
    pub target: Arc<Target>,
}

impl ServiceSeries {
    /// Whether it is there; `None` where nobody could tell.
    pub fn is_present(&self) -> Option<bool> {
        self.finding.status.is_proven()
    }
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
    /// What was found of version, availability, latency and identity.
    pub series: Vec<ServiceSeries>,
    /// How far it complies.
    pub score: Score,
    /// The level that it holds, where levels are configured.
    pub level: Option<HeldLevel>,
    /// Its Instrumentation Score, where its metrics are OpenTelemetry's.
    pub instrumentation: Option<Instrumentation>,
    /// Its instances' places in [`Snapshot::targets`](super::Snapshot::targets).
    pub targets: Vec<usize>,
    /// When it was first seen by this process.
    pub first_seen: Timestamp,
}

/// The level that a service holds, and what keeps it from the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldLevel {
    /// Its place among the levels, `None` where it holds none.
    pub held: Option<usize>,
    /// The rules of the next level that it is not measured to comply with, or is waived.
    pub withheld: Vec<(RuleId, RuleStatus)>,
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

/// How many of these verdicts are unknown because nobody configured what would tell.
pub fn count_not_configured(verdicts: &[ServiceVerdict]) -> usize {
    let unconfigured = verdicts
        .iter()
        .filter(|verdict| verdict.is_not_configured());
    unconfigured.count()
}
