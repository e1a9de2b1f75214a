//! The runner's state: every list with its task, and what each job makes of it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::{Id, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::feed::Feed;
use crate::discovery::mechanism::{DiscoveryConfig, Surroundings};
use crate::discovery::merge::{Merged, Resolved, TARGETS_MAX, merge, resolve};
use crate::discovery::published::{Discovered, SourceStatus};
use crate::discovery::refresh::{RefreshReport, RefreshSender, RunnerGone, SourceId};
use crate::discovery::relabel::Rule;
use crate::discovery::settings::DiscoverySettings;
use crate::discovery::settings::job_config::JobConfig;
use crate::discovery::timing::Timing;
use crate::discovery::watch::SharedWatcher;

pub(super) struct Runner {
    settings: Arc<DiscoverySettings>,
    timing: Timing,
    reports: mpsc::Sender<RefreshReport>,
    watcher: SharedWatcher,
    /// By name of the job.
    rules: Arc<BTreeMap<String, Arc<[Rule]>>>,
    feeds: Vec<Feed>,
    /// In order of configuration.
    sources: Vec<JobSource>,
    tasks: JoinSet<RunnerGone>,
    running: HashMap<Id, SourceId>,
    next_id: u64,
    dirty: bool,
    /// What the lists came to when last put together, and whether they changed since.
    merged: Merged,
    stale: bool,
    generation: u64,
}

/// A source of a job: the list that it uses, and what the job's rules make of it.
struct JobSource {
    /// `job/mechanism/index`.
    name: String,
    /// The job's place in the configuration.
    job: usize,
    feed: SourceId,
    resolved: Option<Resolved>,
    /// The version of the list that `resolved` is of.
    version: Option<u64>,
    /// Whether the rules are others than those that `resolved` is by.
    rules_changed: bool,
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
            rules: Arc::default(),
            feeds: Vec::new(),
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

    /// Takes other settings: lists that they leave as they are go on undisturbed.
    pub(super) fn reconfigure(&mut self, settings: Arc<DiscoverySettings>) {
        let before = std::mem::replace(&mut self.settings, settings.clone());
        let renamed = settings.naming != before.naming;
        let jobs = settings.jobs.iter();
        let rules = jobs.map(|job| (job.job.name.clone(), Arc::clone(&job.relabel)));
        self.rules = Arc::new(rules.collect());
        let mut old_feeds = std::mem::take(&mut self.feeds);
        let mut old_sources = std::mem::take(&mut self.sources);
        for (job_index, job) in settings.jobs.iter().enumerate() {
            let mut indexes: HashMap<&'static str, usize> = HashMap::new();
            for wanted in &job.discovery {
                let index = indexes.entry(wanted.mechanism()).or_default();
                let name = wanted.source_name(&job.job.name, *index);
                *index += 1;
                let feed = self.feed_of(&name, wanted, &mut old_feeds, &old_sources);
                let known = old_sources.iter().position(|source| {
                    source.feed == feed && before.jobs[source.job].job.name == job.job.name
                });
                let known = known.map(|at| old_sources.remove(at));
                self.sources.push(match known {
                    Some(source) => JobSource {
                        rules_changed: source.rules_changed
                            || renamed
                            || before.jobs[source.job] != *job
                            || source.name != name,
                        name,
                        job: job_index,
                        ..source
                    },
                    None => JobSource {
                        name,
                        job: job_index,
                        feed,
                        resolved: None,
                        version: None,
                        rules_changed: true,
                    },
                });
            }
        }
        (self.dirty, self.stale) = (true, true);
    }

    /// The list of a source: one that is kept already, or a new one.
    fn feed_of(
        &mut self,
        name: &str,
        wanted: &DiscoveryConfig,
        old: &mut Vec<Feed>,
        old_sources: &[JobSource],
    ) -> SourceId {
        let equal = |feed: &Feed| feed.config == *wanted;
        if let Some(shared) = self.feeds.iter().find(|feed| equal(feed)) {
            return shared.id;
        }
        if let Some(at) = old.iter().position(equal) {
            let mut feed = old.remove(at);
            name.clone_into(&mut feed.status.name);
            let id = feed.id;
            self.feeds.push(feed);
            return id;
        }
        // What the source of this name knew of the same place, asked otherwise, is of use.
        let before = old_sources.iter().find(|source| source.name == name);
        let before = before.and_then(|source| {
            let mut known = old.iter().chain(&self.feeds);
            known.find(|feed| feed.id == source.feed && feed.config.same_place(wanted))
        });
        self.next_id += 1;
        let id = SourceId(self.next_id);
        let (mut feed, token) = Feed::new(id, name.to_owned(), wanted.clone(), before);
        match wanted.fixed() {
            Some(listing) => feed.fix(listing, &self.settings.shrink_guard),
            None => self.spawn(id, wanted.clone(), token),
        }
        self.feeds.push(feed);
        id
    }

    fn spawn(&mut self, id: SourceId, config: DiscoveryConfig, token: CancellationToken) {
        let reports = RefreshSender {
            source: id,
            channel: self.reports.clone(),
        };
        let timing = self.timing;
        let watcher = self.watcher.clone();
        let task = async move {
            let source = config.run(Surroundings::new(timing, watcher, reports));
            token
                .run_until_cancelled(source)
                .await
                .unwrap_or(RunnerGone)
        };
        let handle = self.tasks.spawn(task);
        self.running.insert(handle.id(), id);
    }

    fn feed(&mut self, id: SourceId) -> Option<&mut Feed> {
        self.feeds.iter_mut().find(|feed| feed.id == id)
    }

    /// Takes a source's answer in.
    pub(super) fn take(&mut self, report: RefreshReport, now: Instant) {
        let guard = self.settings.shrink_guard;
        let spacing = self.timing.answer_spacing;
        // A source that a reload removed may have had an answer under way.
        if let Some(feed) = self.feed(report.source) {
            feed.take(report.answer, &guard, spacing, now);
            self.dirty = true;
        }
    }

    /// Does what is due.
    pub(super) fn tick(&mut self, now: Instant) {
        let guard = self.settings.shrink_guard;
        let mut restart = Vec::new();
        for feed in &mut self.feeds {
            self.dirty |= feed.expire(&guard, now);
            if feed.restart_at.is_some_and(|at| now >= at) {
                restart.push((feed.id, feed.config.clone(), feed.restart()));
            }
        }
        for (id, config, token) in restart {
            self.spawn(id, config, token);
        }
    }

    /// When something is due next.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let guard = &self.settings.shrink_guard;
        let feeds = self.feeds.iter();
        let held = feeds.filter_map(|feed| feed.guarded.held_until(guard));
        let held = held.map(Instant::from_std);
        held.chain(self.feeds.iter().filter_map(|feed| feed.restart_at))
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
        let restart_at = Instant::now() + self.timing.restart;
        if let Some(feed) = source.and_then(|source| self.feed(source)) {
            feed.crashed(&message, restart_at);
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
        let feeds: HashMap<SourceId, &Feed> =
            self.feeds.iter().map(|feed| (feed.id, feed)).collect();
        let mut statuses = Vec::with_capacity(self.sources.len());
        for source in &mut self.sources {
            let Some(feed) = feeds.get(&source.feed) else {
                continue;
            };
            statuses.push(SourceStatus {
                name: source.name.clone(),
                ..feed.status()
            });
            let fresh = source.version == Some(feed.version) && !source.rules_changed;
            if !fresh && let Some(listing) = feed.guarded.listing() {
                source.resolved = Some(resolve(
                    &self.settings.jobs[source.job],
                    listing,
                    &self.settings.naming,
                    &source.name,
                    source.resolved.take(),
                    source.rules_changed,
                ));
                (source.version, source.rules_changed) = (Some(feed.version), false);
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
            rules: Arc::clone(&self.rules),
            sources: statuses,
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
        let mut feeds = self.feeds.iter();
        let settled = feeds.all(|feed| feed.is_settled);
        let mut feeds = self.feeds.iter();
        let any = feeds.any(|feed| feed.guarded.listing().is_some());
        settled && (any || self.feeds.is_empty())
    }

    /// Ends every task and waits for them.
    pub(super) async fn stop(mut self) {
        self.feeds.clear();
        self.tasks.shutdown().await;
    }
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
        let source = runner.feeds[0].id;
        let crash = runner.tasks.spawn(async { panic!("boom") });
        runner.running.insert(crash.id(), source);
        runner.reap().await;
        let status = &runner.feeds[0].status;
        assert_eq!(status.last_error.as_deref(), Some("crashed: boom"));
        let due = runner.next_deadline().unwrap();
        let before = runner.running.len();
        runner.tick(due);
        assert_eq!(runner.running.len(), before + 1);
        assert_eq!(runner.next_deadline(), None);
        runner.stop().await;
    }
}
