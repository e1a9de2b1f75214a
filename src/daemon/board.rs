//! What is known of every target now: written by scrapes and discovery, read by snapshots.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use tokio::sync::Notify;

use super::rulebook::{Rulebook, figures};
use crate::checks::warmup::History;
use crate::checks::{FAULTS_MAX, Reason, Verdict, all_unknown};
use crate::discovery::target::{Target, TargetUrl};
use crate::measure::{Held, Measure, Recall, Recalled};
use crate::scrape::{Handler, ScrapeResult};
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
    /// What the body that `recall` remembers taught.
    taught: Option<Taught>,
}

/// What one body taught.
#[derive(Debug, Clone)]
struct Taught {
    rulebook: Arc<Rulebook>,
    /// Before the target's history tempers them.
    verdicts: Arc<[Verdict]>,
    process_start_seconds: Option<f64>,
    samples: u64,
    violations: u64,
    first_violation: Option<String>,
    version: Option<String>,
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

    /// Judges by other rules from the next scrape of each target on. What was seen under the old
    /// ones counts no more where they have changed: a mistyped override must not hide for a day.
    pub(super) fn set_rulebook(&self, rulebook: Arc<Rulebook>) {
        let before = self.rulebook.swap(Arc::clone(&rulebook));
        for entry in self.lock().values_mut() {
            let service = &entry.state.target.service.name;
            if before.manifesto != rulebook.manifesto
                || before.subject(service) != rulebook.subject(service)
            {
                entry.history.forget();
            }
        }
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
                    taught: None,
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

    /// Reads whatever a target answers.
    pub(super) fn reader(&self, target: &Target) -> Measure {
        let subject = self.rulebook.load().subject(&target.service.name);
        Measure::new(
            subject,
            &target.job.limits,
            target.job.fallback_format,
            FAULTS_MAX,
        )
    }

    /// Returns once something has changed since the last time.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Puts a scrape's outcome in the place of the last one's.
    fn replace(
        &self,
        entry: &mut Entry,
        scrape: Scrape,
        verdicts: Arc<[Verdict]>,
        version: Option<String>,
    ) {
        let before = &entry.state;
        log_change(before, &scrape);
        // Most scrapes change nothing: what is equal is shared, so that what is made of it can be.
        let same = before.verdicts == verdicts;
        entry.state = Arc::new(TargetState {
            target: Arc::clone(&before.target),
            scrape: Some(scrape),
            verdicts: if same {
                Arc::clone(&before.verdicts)
            } else {
                verdicts
            },
            version: version.or_else(|| before.version.clone()),
        });
        self.changed.notify_one();
    }

    /// A holder that panicked left whole entries behind: each is replaced in one assignment.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<TargetUrl, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Handler for Board {
    type Sink = Measure;

    fn sink(&self, target: &Arc<Target>) -> Measure {
        let rulebook = self.rulebook();
        let attempt = self.lock().get_mut(&target.url).and_then(|entry| {
            let by_these_rules = |taught: &Taught| Arc::ptr_eq(&taught.rulebook, &rulebook);
            if !entry.taught.as_ref().is_none_or(by_these_rules) {
                entry.recall.forget();
                entry.taught = None;
            }
            entry.recall.attempt(&self.held)
        });
        self.reader(target).recalling(attempt)
    }

    fn done(&self, sink: Measure, result: ScrapeResult) {
        let rulebook = self.rulebook();
        let (observation, recalled) = sink.into_parts();
        let recalled = match &result.outcome {
            Ok(()) => recalled,
            // It may have failed behind the end of its body.
            Err(_) => Recalled::Nothing,
        };
        let now = SystemTime::now();
        // What a body like the last teaches is known.
        let judged = match recalled {
            Recalled::Again => None,
            _ => Some(rulebook.judge(
                &result.target.service.name,
                Some(&result.target.url),
                result.outcome.as_ref().err(),
                observation.as_ref(),
            )),
        };
        let mut scrape = figures(&result, observation.as_ref());
        log_scrape(&result);
        let mut entries = self.lock();
        // A target that discovery dropped while it was scraped is gone.
        let Some(entry) = entries.get_mut(&result.target.url) else {
            return;
        };
        let taught = match (judged, &observation) {
            (None, _) => entry.taught.clone(),
            (Some(verdicts), Some(observation)) if result.outcome.is_ok() => Some(Taught {
                rulebook,
                verdicts: verdicts.into(),
                process_start_seconds: observation.process_start_seconds,
                samples: scrape.samples,
                violations: scrape.violations,
                first_violation: scrape.first_violation.clone(),
                version: observation.version.version().map(str::to_owned),
            }),
            // Nothing was measured: there is no history to ask.
            (Some(verdicts), _) => return self.replace(entry, scrape, verdicts.into(), None),
        };
        let Some(taught) = taught else {
            return;
        };
        if matches!(recalled, Recalled::Anew(_)) {
            entry.taught = Some(taught.clone());
        }
        entry.recall.ended(recalled);
        scrape.samples = taught.samples;
        scrape.violations = taught.violations;
        scrape.first_violation = taught.first_violation;
        let verdicts = entry
            .history
            .temper(&taught.verdicts, taught.process_start_seconds, now);
        self.replace(entry, scrape, verdicts, taught.version);
    }

    /// Discovery's own list already said so, in [`Board::replace_targets`].
    fn gone(&self, target: &Arc<Target>) {
        tracing::debug!(target = %target.url, "a target is gone");
    }
}

/// Every scrape, for who looks closely.
fn log_scrape(result: &ScrapeResult) {
    let outcome = result
        .outcome
        .as_ref()
        .map_or_else(|down| down.reason.as_str(), |()| "ok");
    tracing::debug!(
        target_url = %result.target.url,
        service_name = %result.target.service.name,
        outcome,
        duration_seconds = result.duration.as_secs_f64(),
        body_bytes = result.body_bytes,
        "scraped"
    );
}

/// A target that goes down or comes back: once, not at each scrape.
fn log_change(before: &TargetState, now: &Scrape) {
    let (url, service_name) = (&before.target.url, &before.target.service.name);
    let reason_before = before
        .scrape
        .as_ref()
        .map(|scrape| scrape.down.as_ref().map(|d| d.0));
    match (reason_before, &now.down) {
        (Some(Some(known)), Some((reason, _))) if known == *reason => {}
        (_, Some((reason, message))) => {
            tracing::info!(target_url = %url, service_name, reason = reason.as_str(), why = message, "target down");
        }
        (Some(Some(_)), None) => tracing::info!(target_url = %url, service_name, "target up again"),
        (_, None) => {}
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
