//! What is known of every target now: written by scrapes and discovery, read by snapshots.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use foldhash::fast::RandomState;
use tokio::sync::Notify;

use crate::checks::scraped::instrumentation::Resource;
use crate::checks::warmup::{History, TargetPast};
use crate::checks::{
    FAULTS_MAX, Finding, Observation, Place, Reason, SeriesFindings, Subject, Verdict,
};
use crate::discovery::target::{ByUrl, Target, TargetUrl};
use crate::ingest::{BodyCache, BodyReader, BufferPool, CacheOutcome};
use crate::interner::Interner;
use crate::manifesto::judge_all;
use crate::scrape::{BodySink, Handler, ScrapeError, ScrapeResult};
use crate::snapshot::{Ruleset, Scrape, ScrapeOutcome, TargetState, figures};

/// One entry per target of the latest discovery; nothing else.
#[derive(Debug)]
pub struct Board {
    ruleset: arc_swap::ArcSwap<Ruleset>,
    entries: Mutex<Entries>,
    changed: Notify,
    held: Arc<BufferPool>,
    findings: Interner<Finding>,
    /// What an earlier process knew of targets that were not discovered since, by URL.
    past: Mutex<HashMap<String, TargetPast>>,
}

/// Entries in the order of their URLs, and the place of each.
#[derive(Debug, Default)]
struct Entries {
    list: Vec<Entry>,
    places: HashMap<ByUrl, usize, RandomState>,
}

impl Entries {
    fn new(mut list: Vec<Entry>) -> Self {
        list.sort_by(|a, b| a.url().cmp(b.url()));
        list.dedup_by(|a, b| a.url() == b.url());
        let target = |entry: &Entry| ByUrl(Arc::clone(&entry.state.target));
        let places = list.iter().map(target).zip(0..).collect();
        Self { list, places }
    }

    fn get_mut(&mut self, url: &TargetUrl) -> Option<&mut Entry> {
        let place = *self.places.get(url)?;
        self.list.get_mut(place)
    }
}

#[derive(Debug)]
struct Entry {
    state: Arc<TargetState>,
    subject: Arc<Subject>,
    history: History,
    cache: BodyCache,
    /// What the body that `cache` remembers judged.
    judged: Option<Arc<JudgedBody>>,
}

impl Entry {
    fn url(&self) -> &TargetUrl {
        &self.state.target.url
    }
}

/// What one body taught.
#[derive(Debug)]
struct JudgedBody {
    ruleset: Arc<Ruleset>,
    /// Before the target's history applies grace to them.
    series: Arc<SeriesFindings>,
    verdicts: Arc<[Verdict]>,
    process_start_seconds: Option<f64>,
    samples: u64,
    violations: u64,
    first_violation: Option<Arc<str>>,
    version: Option<Arc<str>>,
    resource: Option<Arc<Resource>>,
}

impl Board {
    /// Knows nobody yet, and judges by these rules.
    pub fn new(ruleset: Arc<Ruleset>) -> Self {
        Self {
            ruleset: arc_swap::ArcSwap::new(ruleset),
            entries: Mutex::default(),
            changed: Notify::new(),
            held: Arc::default(),
            findings: Interner::default(),
            past: Mutex::default(),
        }
    }

    /// The rules in force.
    pub fn ruleset(&self) -> Arc<Ruleset> {
        self.ruleset.load_full()
    }

    /// Judges by other rules from the next scrape of each target on. Where other series are named for a
    /// service, what was seen counts no more: a mistyped name must not hide for a day.
    pub fn set_ruleset(&self, ruleset: Arc<Ruleset>) {
        let mut entries = self.lock();
        self.ruleset.store(Arc::clone(&ruleset));
        for entry in &mut entries.list {
            let subject = ruleset.subject(&entry.state.target.service.name);
            if subject != entry.subject {
                entry.history.forget();
                entry.subject = subject;
            }
        }
        drop(entries);
        self.changed.notify_one();
    }

    /// Follows discovery: new targets are pending, gone ones leave nothing behind, changed ones
    /// keep what is known of them while they are the same service's.
    pub fn replace_targets(&self, targets: &[Arc<Target>], now: SystemTime) {
        // The rules change with the lock held: new targets are never given those of before.
        let mut entries = self.lock();
        let ruleset = self.ruleset();
        let unjudged = ruleset.all(&Finding::unknown(
            Reason::NotScrapedYet,
            "discovered, not scraped yet",
        ));
        let verdicts: Arc<[Verdict]> = unjudged.verdicts.into();
        let mut subjects: HashMap<&str, Arc<Subject>> = HashMap::new();
        let mut before: HashMap<ByUrl, Entry> = std::mem::take(&mut entries.list)
            .into_iter()
            .map(|entry| (ByUrl(Arc::clone(&entry.state.target)), entry))
            .collect();
        let list = targets
            .iter()
            .map(|target| match before.remove(&target.url) {
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
                _ => {
                    let name = target.service.name.as_str();
                    let subject = subjects
                        .entry(name)
                        .or_insert_with(|| ruleset.subject(name));
                    Entry {
                        state: Arc::new(TargetState::new(
                            Arc::clone(target),
                            Arc::clone(&verdicts),
                            Arc::clone(&unjudged.series),
                        )),
                        subject: Arc::clone(subject),
                        history: self.first_history(target, now),
                        cache: BodyCache::default(),
                        judged: None,
                    }
                }
            });
        *entries = Entries::new(list.collect());
        drop(entries);
        self.changed.notify_one();
    }

    /// Every target's state now, in the order of their URLs.
    pub fn states(&self) -> Vec<Arc<TargetState>> {
        self.lock()
            .list
            .iter()
            .map(|entry| Arc::clone(&entry.state))
            .collect()
    }

    /// Reads whatever a target answers.
    pub fn reader(&self, target: &Target) -> BodyReader {
        let subject = self.ruleset.load().subject(&target.service.name);
        reader(subject, target)
    }

    /// Returns once something has changed since the last time.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Puts a scrape's outcome in the place of the last one's.
    fn replace(
        &self,
        entry: &mut Entry,
        scrape: Option<Scrape>,
        series: Arc<SeriesFindings>,
        verdicts: Arc<[Verdict]>,
        judged: Option<&JudgedBody>,
    ) {
        let before = &entry.state;
        if let Some(scrape) = &scrape {
            log_change(before, scrape);
        }
        // Most scrapes change nothing: what is equal is shared, so that what is made of it can be.
        let same = Arc::ptr_eq(&before.verdicts, &verdicts) || before.verdicts == verdicts;
        let same_series = Arc::ptr_eq(&before.series, &series) || before.series == series;
        entry.state = Arc::new(TargetState {
            target: Arc::clone(&before.target),
            scrape,
            verdicts: if same {
                Arc::clone(&before.verdicts)
            } else {
                verdicts
            },
            series: if same_series {
                Arc::clone(&before.series)
            } else {
                series
            },
            version: judged
                .and_then(|judged| judged.version.clone())
                .or_else(|| before.version.clone()),
            resource: match judged {
                Some(judged) => judged.resource.clone(),
                None => before.resource.clone(),
            },
        });
        self.changed.notify_one();
    }

    /// A holder that panicked left whole entries behind: each is replaced in one assignment.
    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads one response, by the rules that were in force when it was asked for.
#[derive(Debug)]
pub struct Sink {
    measure: BodyReader,
    ruleset: Arc<Ruleset>,
}

impl BodySink for Sink {
    fn begin(&mut self, content_type: Option<&str>) -> Result<(), ScrapeError> {
        self.measure.begin(content_type)
    }

    fn chunk(&mut self, bytes: &[u8]) -> Result<(), ScrapeError> {
        self.measure.chunk(bytes)
    }

    fn end(&mut self, framed: bool) -> Result<(), ScrapeError> {
        self.measure.end(framed)
    }
}

impl Handler for Board {
    type Sink = Sink;

    fn sink(&self, target: &Arc<Target>) -> Sink {
        let mut entries = self.lock();
        let ruleset = self.ruleset();
        let Some(entry) = entries.get_mut(&target.url) else {
            drop(entries);
            let measure = self.reader(target);
            return Sink { measure, ruleset };
        };
        let by_these_rules = |judged: &Arc<JudgedBody>| Arc::ptr_eq(&judged.ruleset, &ruleset);
        if !entry.judged.as_ref().is_none_or(by_these_rules) {
            entry.cache.forget();
            entry.judged = None;
        }
        let attempt = entry.cache.attempt(&self.held);
        let subject = Arc::clone(&entry.subject);
        drop(entries);
        let measure = reader(subject, target).with_cache(attempt);
        Sink { measure, ruleset }
    }

    fn done(&self, sink: Sink, result: ScrapeResult) {
        let Sink { measure, ruleset } = sink;
        let (observation, cache_outcome) = measure.into_parts();
        let cache_outcome = match &result.outcome {
            Ok(()) => cache_outcome,
            // It may have failed behind the end of its body.
            Err(_) => CacheOutcome::Nothing,
        };
        log_scrape(&result);
        // What a body like the last teaches is known.
        let judged = match cache_outcome {
            CacheOutcome::Again => None,
            CacheOutcome::Anew(_) | CacheOutcome::Nothing => {
                Some(self.judge(&ruleset, &result, observation.as_ref()))
            }
        };
        let now = result.started + result.duration;
        let mut scrape = figures(&result, observation.as_ref());
        let mut entries = self.lock();
        if !Arc::ptr_eq(&ruleset, &self.ruleset.load()) {
            // A reload came in between: the next scrape is judged by the rules in force.
            return;
        }
        // A target that discovery dropped while it was scraped, or gave to another service, is gone.
        let Some(entry) = entries
            .get_mut(&result.target.url)
            .filter(|entry| entry.state.target.service == result.target.service)
        else {
            return;
        };
        let judged = match judged {
            // Nothing was measured: there is no history to ask.
            Some(BodyOutcome::Unmeasured { series, verdicts }) => {
                let scrape = (!result.says_nothing()).then_some(scrape);
                return self.replace(entry, scrape, series, verdicts, None);
            }
            Some(BodyOutcome::Measured(judged)) => {
                // Kept only beside the memory of the same body: the next one like it teaches this.
                if matches!(cache_outcome, CacheOutcome::Anew(_)) {
                    entry.judged = Some(Arc::clone(&judged));
                }
                judged
            }
            None => match &entry.judged {
                Some(judged) => Arc::clone(judged),
                None => return,
            },
        };
        entry.cache.ended(cache_outcome);
        scrape.samples = judged.samples;
        scrape.violations = judged.violations;
        scrape.first_violation = judged.first_violation.clone();
        let series = entry
            .history
            .apply_grace(&judged.series, judged.process_start_seconds, now);
        let verdicts = match Arc::ptr_eq(&series, &judged.series) {
            true => Arc::clone(&judged.verdicts),
            false => judge_all(&ruleset.manifesto, &series, Place::of(&result.target)).into(),
        };
        self.replace(entry, Some(scrape), series, verdicts, Some(&judged));
    }

    /// Discovery's own list already said so, in [`Board::replace_targets`].
    fn gone(&self, target: &Arc<Target>) {
        tracing::debug!(target = %target.url, "a target is gone");
    }
}

/// What came of a body that was read.
enum BodyOutcome {
    Measured(Arc<JudgedBody>),
    Unmeasured {
        series: Arc<SeriesFindings>,
        verdicts: Arc<[Verdict]>,
    },
}

impl Board {
    fn judge(
        &self,
        ruleset: &Arc<Ruleset>,
        result: &ScrapeResult,
        observation: Option<&Observation>,
    ) -> BodyOutcome {
        let judged = ruleset.judge(
            &result.target.service.name,
            Place::of(&result.target),
            result.outcome.as_ref().err(),
            observation,
        );
        let (mut verdicts, series) = (judged.verdicts, judged.series);
        // Thousands of targets earn the same findings.
        let series = Arc::new(series.map(|_, finding| self.findings.of(Arc::clone(finding))));
        for verdict in &mut verdicts {
            verdict.finding = self.findings.of(Arc::clone(&verdict.finding));
        }
        let verdicts = verdicts.into();
        let Some(observation) = observation.filter(|_| result.outcome.is_ok()) else {
            return BodyOutcome::Unmeasured { series, verdicts };
        };
        let figures = figures(result, Some(observation));
        BodyOutcome::Measured(Arc::new(JudgedBody {
            ruleset: Arc::clone(ruleset),
            series,
            verdicts,
            process_start_seconds: observation.process_start_seconds,
            samples: figures.samples,
            violations: figures.violations,
            first_violation: figures.first_violation,
            version: observation.version().map(Arc::from),
            resource: observation.resource.clone(),
        }))
    }
}

fn reader(subject: Arc<Subject>, target: &Target) -> BodyReader {
    BodyReader::new(
        subject,
        &target.job.limits,
        target.job.fallback_format,
        FAULTS_MAX,
    )
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

/// A target that goes down, loses its metrics or comes back: once, not at each scrape.
fn log_change(before: &TargetState, now: &Scrape) {
    let (url, service_name) = (&before.target.url, &before.target.service.name);
    let before = before.scrape.as_ref().map(|scrape| &scrape.outcome);
    let kind = |outcome: &ScrapeOutcome| match outcome {
        ScrapeOutcome::Measured => None,
        ScrapeOutcome::NoMetrics(kind, _) | ScrapeOutcome::Failed(kind, _) => Some(*kind),
    };
    if before.map(kind) == Some(kind(&now.outcome)) {
        return;
    }
    match (&now.outcome, before) {
        (ScrapeOutcome::Failed(kind, message), _) => {
            tracing::info!(target_url = %url, service_name, reason = kind.as_str(), why = message, "target down");
        }
        (ScrapeOutcome::NoMetrics(kind, message), _) => {
            tracing::info!(target_url = %url, service_name, reason = kind.as_str(), why = message, "target without metrics");
        }
        (ScrapeOutcome::Measured, Some(_)) => {
            tracing::info!(target_url = %url, service_name, "target up again");
        }
        (ScrapeOutcome::Measured, None) => {}
    }
}

mod past;
#[cfg(test)]
mod tests;
