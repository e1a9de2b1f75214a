//! What is known of every target now: written by scrapes and discovery, read by snapshots.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use tokio::sync::Notify;

use super::rulebook::Rulebook;
use crate::checks::warmup::History;
use crate::checks::{FAULTS_MAX, Observation, Reason, Scraped, Verdict, all_unknown, judge_all};
use crate::discovery::target::{Target, TargetUrl};
use crate::measure::{Held, Measure, Recall};
use crate::scrape::{Down, DownReason, Handler, ScrapeResult};
use crate::snapshot::{Scrape, TargetState};

/// One entry per target of the latest discovery; nothing else.
#[derive(Debug)]
pub(super) struct Board {
    rulebook: arc_swap::ArcSwap<Rulebook>,
    entries: Mutex<BTreeMap<TargetUrl, Entry>>,
    changed: Notify,
    held: Arc<Held>,
}

#[derive(Debug)]
struct Entry {
    state: Arc<TargetState>,
    history: History,
    recall: Recall,
}

impl Board {
    pub(super) fn new(rulebook: Arc<Rulebook>) -> Self {
        Self {
            rulebook: arc_swap::ArcSwap::new(rulebook),
            entries: Mutex::default(),
            changed: Notify::new(),
            held: Arc::default(),
        }
    }

    /// The rules in force.
    pub(super) fn rulebook(&self) -> Arc<Rulebook> {
        self.rulebook.load_full()
    }

    /// Judges by other rules from the next scrape of each target on.
    pub(super) fn set_rulebook(&self, rulebook: Arc<Rulebook>) {
        self.rulebook.store(rulebook);
        self.changed.notify_one();
    }

    /// Follows discovery: new targets are pending, gone ones leave nothing behind, changed ones
    /// keep what is known of them while they are the same service's.
    pub(super) fn replace_targets(&self, targets: &[Arc<Target>], now: SystemTime) {
        let rulebook = self.rulebook();
        let mut entries = self.lock();
        let mut before = std::mem::take(&mut *entries);
        for target in targets {
            let entry = match before.remove(&target.url) {
                Some(mut known) if known.state.target.service == target.service => {
                    if known.state.target != *target {
                        let state = TargetState {
                            target: Arc::clone(target),
                            ..(*known.state).clone()
                        };
                        known.state = Arc::new(state);
                    }
                    known
                }
                _ => Entry {
                    state: Arc::new(pending(target, &rulebook)),
                    history: History::new(now),
                    recall: Recall::default(),
                },
            };
            entries.insert(target.url.clone(), entry);
        }
        drop(entries);
        self.changed.notify_one();
    }

    /// Every target's state now.
    pub(super) fn states(&self) -> Vec<Arc<TargetState>> {
        self.lock()
            .values()
            .map(|entry| Arc::clone(&entry.state))
            .collect()
    }

    /// Returns once something has changed since the last time.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// A holder that panicked left whole entries behind: each is replaced in one assignment.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<TargetUrl, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Handler for Board {
    type Sink = Measure;

    fn sink(&self, target: &Arc<Target>) -> Measure {
        let subject = self.rulebook.load().subject(&target.service.name);
        Measure::new(
            subject,
            &target.job.limits,
            target.job.fallback_format,
            FAULTS_MAX,
        )
        .recalling(
            self.lock()
                .get_mut(&target.url)
                .and_then(|entry| entry.recall.attempt(&self.held)),
        )
    }

    fn done(&self, sink: Measure, result: ScrapeResult) {
        let rulebook = self.rulebook();
        let (observation, recalled) = sink.into_parts();
        let observation = observation.as_deref();
        let now = SystemTime::now();
        let judged = judge(&rulebook, &result, observation);
        let mut entries = self.lock();
        // A target that discovery dropped while it was scraped is gone.
        let Some(entry) = entries.get_mut(&result.target.url) else {
            return;
        };
        entry.recall.ended(recalled);
        let verdicts = match judged {
            Judged::Good(verdicts, process_start) => {
                entry.history.temper(verdicts, process_start, now)
            }
            Judged::Unmeasured(verdicts) => verdicts,
        };
        entry.state = Arc::new(TargetState {
            target: Arc::clone(&entry.state.target),
            scrape: Some(figures(&result, observation)),
            // Most scrapes change nothing: what is equal is shared, so that what is made of it can be.
            verdicts: match *entry.state.verdicts == *verdicts {
                true => Arc::clone(&entry.state.verdicts),
                false => verdicts.into(),
            },
            version: observation
                .and_then(|observation| observation.version.version().map(str::to_owned))
                .or_else(|| entry.state.version.clone()),
        });
        drop(entries);
        self.changed.notify_one();
    }

    /// Discovery's own list already said so, in [`Board::replace_targets`].
    fn gone(&self, target: &Arc<Target>) {
        tracing::debug!(target = %target.url, "a target is gone");
    }
}

/// A target that was never scraped.
fn pending(target: &Arc<Target>, rulebook: &Rulebook) -> TargetState {
    let verdicts = all_unknown(
        &rulebook.manifesto,
        Reason::NotScrapedYet,
        "discovered, not scraped yet",
    );
    TargetState {
        target: Arc::clone(target),
        scrape: None,
        verdicts: verdicts.into(),
        version: None,
    }
}

/// What the rules say of one scrape, before its history is asked.
pub(super) enum Judged {
    /// Measured: verdicts and the process's start by its own word.
    Good(Vec<Verdict>, Option<f64>),
    /// Not measured.
    Unmeasured(Vec<Verdict>),
}

pub(super) fn judge(
    rulebook: &Rulebook,
    result: &ScrapeResult,
    observation: Option<&Observation>,
) -> Judged {
    let subject = rulebook.subject(&result.target.service.name);
    match (&result.outcome, observation) {
        (Ok(()), Some(observation)) => {
            let scraped = Scraped {
                observation,
                subject: &subject,
                url: Some(&result.target.url),
            };
            let verdicts = judge_all(&rulebook.manifesto, scraped);
            Judged::Good(verdicts, observation.process_start_seconds)
        }
        (Ok(()), None) => Judged::Unmeasured(down_verdicts(
            rulebook,
            &Down::new(
                DownReason::Internal,
                "the scrape ended without an observation",
            ),
        )),
        (Err(down), _) => Judged::Unmeasured(down_verdicts(rulebook, down)),
    }
}

fn down_verdicts(rulebook: &Rulebook, down: &Down) -> Vec<Verdict> {
    let reason = match down.reason {
        DownReason::Parse => Reason::BadExposition,
        _ => Reason::TargetDown,
    };
    let message = format!(
        "the last scrape failed ({}): {}",
        down.reason.as_str(),
        down.message
    );
    all_unknown(&rulebook.manifesto, reason, &message)
}

pub(super) fn figures(result: &ScrapeResult, observation: Option<&Observation>) -> Scrape {
    let first = observation.and_then(Observation::violation);
    Scrape {
        at: result.started,
        duration: result.duration,
        samples: observation.map_or(0, |observation| observation.summary.samples),
        body_bytes: result.body_bytes,
        down: result
            .outcome
            .as_ref()
            .err()
            .map(|down| (down.reason, down.message.clone())),
        violations: observation.map_or(0, |observation| observation.summary.violations),
        first_violation: first.map(|fault| {
            format!(
                "line {}, column {}: {}",
                fault.line, fault.column, fault.message
            )
        }),
    }
}
