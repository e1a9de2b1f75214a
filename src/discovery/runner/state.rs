//! The runner's state: every source with its task, its last good list and its status.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

use tokio::sync::mpsc;
use tokio::task::{Id, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::discovery::groups::Listing;
use crate::discovery::guard::{Change, Guarded};
use crate::discovery::mechanism::DiscoveryConfig;
use crate::discovery::merge::{Merged, Resolved, TARGETS_MAX, merge, resolve};
use crate::discovery::published::{Discovered, SourceStatus};
use crate::discovery::refresh::{RefreshReport, RefreshSender, RunnerGone, SourceId};
use crate::discovery::settings::DiscoverySettings;
use crate::discovery::settings::job_config::JobConfig;
use crate::discovery::timing::Timing;
use crate::discovery::watch::SharedWatcher;

/// Characters of an error that a status keeps.
const ERROR_CHARS_MAX: usize = 500;

pub(super) struct Runner {
    settings: Arc<DiscoverySettings>,
    timing: Timing,
    reports: mpsc::Sender<RefreshReport>,
    watcher: SharedWatcher,
    sources: Vec<RunningSource>,
    tasks: JoinSet<RunnerGone>,
    running: HashMap<Id, SourceId>,
    next_id: u64,
    dirty: bool,
    /// What the lists came to when last put together, and whether they changed since.
    merged: Merged,
    stale: bool,
    generation: u64,
}

struct RunningSource {
    id: SourceId,
    /// The job's place in the configuration.
    job: usize,
    /// Which of the job's sources of this mechanism.
    index: usize,
    config: DiscoveryConfig,
    guarded: Guarded,
    /// What the list last came to, and whether that is still what it comes to.
    resolved: Option<Resolved>,
    is_resolved: bool,
    status: SourceStatus,
    /// Ends the task. Dropping it does as well.
    stop: tokio_util::sync::DropGuard,
    restart_at: Option<Instant>,
}

impl RunningSource {
    /// Whether this source's list would be of use to the other: the same place, asked otherwise.
    fn same_place(&self, name: &str, config: &DiscoveryConfig) -> bool {
        self.status.name == name && self.config.same_place(config)
    }
}

impl Runner {
    pub(super) fn new(
        settings: Arc<DiscoverySettings>,
        timing: Timing,
        reports: mpsc::Sender<RefreshReport>,
    ) -> Self {
        let mut runner = Self {
            settings: settings.clone(),
            timing,
            reports,
            watcher: SharedWatcher::new(),
            sources: Vec::new(),
            tasks: JoinSet::new(),
            running: HashMap::new(),
            next_id: 0,
            dirty: true,
            merged: Merged::default(),
            stale: true,
            generation: 0,
        };
        runner.reconfigure(settings);
        runner
    }

    /// Takes other settings: sources that they leave as they are go on undisturbed.
    pub(super) fn reconfigure(&mut self, settings: Arc<DiscoverySettings>) {
        let before = std::mem::replace(&mut self.settings, settings.clone());
        let renamed = settings.naming != before.naming;
        let mut old = std::mem::take(&mut self.sources);
        for (job_index, job) in settings.jobs.iter().enumerate() {
            let mut indexes: HashMap<&'static str, usize> = HashMap::new();
            for wanted in &job.discovery {
                let index = indexes.entry(wanted.mechanism()).or_default();
                let name = wanted.source_name(&job.job.name, *index);
                let found = old.iter().position(|source| {
                    source.config == *wanted && before.jobs[source.job].job.name == job.job.name
                });
                let source = match found {
                    Some(at) => {
                        let mut source = old.remove(at);
                        if renamed || before.jobs[source.job] != *job || source.index != *index {
                            source.is_resolved = false;
                        }
                        (source.job, source.index, source.status.name) = (job_index, *index, name);
                        source
                    }
                    None => {
                        let at = old
                            .iter()
                            .position(|source| source.same_place(&name, wanted));
                        let old = at.map(|at| old.remove(at));
                        self.start(job_index, *index, name, wanted.clone(), old)
                    }
                };
                self.sources.push(source);
                *index += 1;
            }
        }
        (self.dirty, self.stale) = (true, true);
    }

    fn start(
        &mut self,
        job: usize,
        index: usize,
        name: String,
        config: DiscoveryConfig,
        old: Option<RunningSource>,
    ) -> RunningSource {
        let (guarded, last) = match old {
            Some(old) => (old.guarded, Some(old.status)),
            None => (Guarded::default(), None),
        };
        self.next_id += 1;
        let token = CancellationToken::new();
        let mut source = RunningSource {
            id: SourceId(self.next_id),
            job,
            index,
            guarded,
            resolved: None,
            is_resolved: false,
            status: SourceStatus {
                name,
                mechanism: config.mechanism(),
                targets: 0,
                last_success: last.as_ref().and_then(|last| last.last_success),
                last_error: None,
                failures_total: last.as_ref().map_or(0, |last| last.failures_total),
                refreshes_total: last.as_ref().map_or(0, |last| last.refreshes_total),
                held: false,
                held_targets: None,
            },
            config,
            stop: token.clone().drop_guard(),
            restart_at: None,
        };
        if let Some(listing) = source.config.fixed() {
            // A static list is what the operator wrote: it is never held.
            source.guarded = Guarded::default();
            let now = std::time::Instant::now();
            let spacing = self.timing.answer_spacing;
            source
                .guarded
                .offer(listing, 0, &self.settings.shrink_guard, spacing, now);
            source.status.last_success = Some(SystemTime::now());
            source.status.refreshes_total += 1;
        } else {
            self.spawn(&source, token);
        }
        source
    }

    fn spawn(&mut self, source: &RunningSource, token: CancellationToken) {
        let reports = RefreshSender {
            source: source.id,
            channel: self.reports.clone(),
        };
        let timing = self.timing;
        let config = source.config.clone();
        let watcher = self.watcher.clone();
        let task = async move {
            let source = config.run(timing, watcher, reports);
            token
                .run_until_cancelled(source)
                .await
                .unwrap_or(RunnerGone)
        };
        let handle = self.tasks.spawn(task);
        self.running.insert(handle.id(), source.id);
    }

    /// Takes a source's answer in.
    pub(super) fn take(&mut self, report: RefreshReport, now: Instant) {
        let guard = self.settings.shrink_guard;
        let spacing = self.timing.answer_spacing;
        // A source that a reload removed may have had an answer under way.
        let Some(source) = self.sources.iter_mut().find(|s| s.id == report.source) else {
            return;
        };
        let answer = report.answer;
        let status = &mut source.status;
        status.refreshes_total += 1;
        if let Some(listing) = answer.listing {
            let was_held = status.held;
            let offered = listing.targets();
            let change =
                source
                    .guarded
                    .offer(listing, answer.withdrawn, &guard, spacing, now.into_std());
            if change == Change::Changed {
                source.is_resolved = false;
            }
            status.held = source.guarded.held_targets().is_some();
            if status.held && !was_held {
                tracing::warn!(
                    source = status.name,
                    listed = offered,
                    kept = source.guarded.listing().map_or(0, Listing::targets),
                    "list shrank too much to be believed at once: held"
                );
            }
            if answer.error.is_none() {
                status.last_success = Some(SystemTime::now());
            }
        }
        note_error(status, answer.error);
        self.dirty = true;
    }

    /// Does what is due.
    pub(super) fn tick(&mut self, now: Instant) {
        let guard = self.settings.shrink_guard;
        let mut restart = Vec::new();
        for source in &mut self.sources {
            if source.guarded.expire(&guard, now.into_std()) == Change::Changed {
                tracing::warn!(
                    source = source.status.name,
                    "held list believed: grace is over"
                );
                source.status.held = false;
                source.is_resolved = false;
                self.dirty = true;
            }
            if source.restart_at.is_some_and(|at| now >= at) {
                source.restart_at = None;
                restart.push(source.id);
            }
        }
        for id in restart {
            let Some(at) = self.sources.iter().position(|source| source.id == id) else {
                continue;
            };
            let mut source = self.sources.remove(at);
            let token = CancellationToken::new();
            source.stop = token.clone().drop_guard();
            self.spawn(&source, token);
            self.sources.insert(at, source);
        }
    }

    /// When something is due next.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let guard = &self.settings.shrink_guard;
        let held = self
            .sources
            .iter()
            .filter_map(|source| source.guarded.held_until(guard));
        let held = held.map(Instant::from_std);
        held.chain(self.sources.iter().filter_map(|source| source.restart_at))
            .min()
    }

    /// Waits for a task to end. One that crashed starts again after a rest.
    pub(super) async fn reap(&mut self) {
        let (id, crashed) = match self.tasks.join_next_with_id().await {
            None => return std::future::pending().await,
            Some(Ok((id, RunnerGone))) => (id, None),
            Some(Err(error)) => (error.id(), error.is_panic().then(|| panic_message(error))),
        };
        let source = self.running.remove(&id);
        let Some(message) = crashed else { return };
        if let Some(source) = self.sources.iter_mut().find(|s| Some(s.id) == source) {
            source.restart_at = Some(Instant::now() + self.timing.restart);
            note_error(&mut source.status, Some(format!("crashed: {message}")));
            self.dirty = true;
        }
    }

    /// Whether something has changed since the last publication.
    pub(super) fn is_dirty(&self) -> bool {
        self.dirty
    }

    /// What there is now.
    pub(super) fn publish(&mut self) -> Discovered {
        self.dirty = false;
        for source in &mut self.sources {
            let listing = source.guarded.listing();
            source.status.targets = listing.map_or(0, Listing::targets);
            source.status.held_targets = source.guarded.held_targets();
            source.status.held = source.status.held_targets.is_some();
            if !source.is_resolved
                && let Some(listing) = listing
            {
                let job = &self.settings.jobs[source.job];
                let before = source.resolved.take();
                let name = &source.status.name;
                source.resolved = Some(resolve(
                    job,
                    listing,
                    &self.settings.naming,
                    name,
                    before.as_ref(),
                ));
                source.is_resolved = true;
                self.stale = true;
            }
        }
        if std::mem::take(&mut self.stale) {
            self.merge();
        }
        Discovered {
            targets: self.merged.targets.clone(),
            generation: self.generation,
            dropped: self.merged.dropped.clone(),
            dropped_counts: self.merged.dropped_counts,
            skipped: self.settings.skipped.clone(),
            sources: self
                .sources
                .iter()
                .map(|source| source.status.clone())
                .collect(),
            ready: self.is_ready(),
        }
    }

    fn merge(&mut self) {
        let jobs = self.settings.jobs.iter().enumerate();
        let jobs = jobs.map(|(index, job): (usize, &JobConfig)| {
            let sources = self.sources.iter().filter(|source| source.job == index);
            (
                job,
                sources
                    .filter_map(|source| source.resolved.as_ref())
                    .collect(),
            )
        });
        let merged = merge(jobs, TARGETS_MAX);
        if merged.targets != self.merged.targets {
            self.generation += 1;
        }
        let lost = merged.dropped_counts.lost();
        if lost != self.merged.dropped_counts.lost() && lost > 0 {
            let mut dropped = merged.dropped.iter();
            let first = dropped.find(|dropped| dropped.reason.kind().is_loss());
            tracing::warn!(
                lost,
                first = first.map(ToString::to_string),
                "targets are found and not scraped: /targets lists them"
            );
        }
        self.merged = merged;
    }

    /// Every source has answered or failed, and not all of them failed: then a target that is
    /// missing is missing, and not only not yet found.
    fn is_ready(&self) -> bool {
        let settled = self
            .sources
            .iter()
            .all(|source| source.status.refreshes_total > 0);
        let any = self
            .sources
            .iter()
            .any(|source| source.guarded.listing().is_some());
        settled && (any || self.sources.is_empty())
    }

    /// Ends every task and waits for them.
    pub(super) async fn stop(mut self) {
        self.sources.clear();
        self.tasks.shutdown().await;
    }
}

/// Keeps the error in the status; says so where it changes from good to bad or back.
fn note_error(status: &mut SourceStatus, error: Option<String>) {
    let error = error.map(|error| error.chars().take(ERROR_CHARS_MAX).collect::<String>());
    match &error {
        Some(error) => {
            status.failures_total += 1;
            if status.last_error.is_none() {
                tracing::warn!(
                    source = status.name,
                    error,
                    "discovery fails: last list kept"
                );
            }
        }
        None if status.last_error.is_some() => {
            tracing::info!(source = status.name, "discovery works again");
        }
        None => {}
    }
    status.last_error = error;
}

fn panic_message(error: tokio::task::JoinError) -> String {
    let payload = error.into_panic();
    let text = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned());
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "panic".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::document::Origin;

    #[tokio::test]
    async fn fault_74_a_crashed_source_is_said_and_started_again() {
        let text = "
scrape_configs: [{job_name: f, file_sd_configs: [{files: [/nowhere/f.json]}]}]
";
        let settings = Config::parse(text, &Origin::embedded()).unwrap().discovery;
        let (reports, _kept) = mpsc::channel(1);
        let mut runner = Runner::new(settings, Timing::default(), reports);
        let source = runner.sources[0].id;
        let crash = runner.tasks.spawn(async { panic!("boom") });
        runner.running.insert(crash.id(), source);
        runner.reap().await;
        let status = &runner.sources[0].status;
        assert_eq!(status.last_error.as_deref(), Some("crashed: boom"));
        let due = runner.next_deadline().unwrap();
        let before = runner.running.len();
        runner.tick(due);
        assert_eq!(runner.running.len(), before + 1);
        assert_eq!(runner.next_deadline(), None);
        runner.stop().await;
    }
}
