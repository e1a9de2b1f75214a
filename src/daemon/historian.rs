//! Keeps history: what snapshots say is written as they come, by one thread at a time. Where it cannot be
//! written the exporter goes on without it, says so, and tries again.

mod chores;

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinError, spawn_blocking};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use self::chores::Chores;
use super::board::Board;
use crate::checks::Reason;
use crate::checks::warmup::TargetPast;
use crate::history::{
    Found, HistoryError, HistoryFailure, HistoryStats, Moment, Pace, Recorder, Unclean,
};
use crate::okr::KeyResultPasts;
use crate::snapshot::{Memory, Snapshot};

/// After a failure, history is tried again so much later.
const RETRY: Duration = Duration::from_secs(10);

/// Two commits are at least this far apart: a disk takes some milliseconds for each.
const COMMIT_INTERVAL_MIN: Duration = Duration::from_secs(2);

/// A commit that takes longer is waited for, and history is not up meanwhile.
const COMMIT_MAX: Duration = Duration::from_secs(5);

/// What is known of targets is looked through so often.
const TARGETS_INTERVAL: Duration = Duration::from_secs(60);

/// When a target's series were seen last is written anew when it is this old.
const SEEN_REFRESH_SECONDS: i64 = 3_600;

/// A first snapshot in which somebody was not asked yet waits this long for a better one.
const SETTLE_MAX: Duration = Duration::from_secs(60);

/// Until the publisher took what is remembered.
const RECALL_MAX: Duration = Duration::from_secs(30);

/// A snapshot to record.
#[derive(Debug, Clone)]
pub(super) struct Recordable {
    pub(super) snapshot: Arc<Snapshot>,
    /// By a clock that nobody sets.
    pub(super) at: Instant,
}

/// What an earlier process knew; answered once a snapshot was made with it.
pub(super) type Recall = (Memory, oneshot::Sender<()>);

/// Keeps the history in one file.
pub(super) struct Historian {
    pub(super) file: PathBuf,
    /// What lies further back is forgotten, once its quarters are frozen.
    pub(super) retention: SignedDuration,
    /// What key results measured before, for who shows them.
    pub(super) pasts: Arc<ArcSwap<KeyResultPasts>>,
    pub(super) board: Arc<Board>,
    pub(super) stats: Arc<HistoryStats>,
    pub(super) snapshots: watch::Receiver<Option<Recordable>>,
    pub(super) recall: mpsc::Sender<Recall>,
    /// Told once the file was opened, or could not be.
    pub(super) tried: watch::Sender<bool>,
}

impl Historian {
    pub(super) async fn run(mut self, shutdown: CancellationToken) {
        let start = Instant::now();
        let mut unclean = Unclean::Crash;
        let mut complaint = Complaint::default();
        while !shutdown.is_cancelled() {
            let outcome = match self.open(unclean, &mut complaint).await {
                Ok(recorder) => self.keep(recorder, start, &mut complaint, &shutdown).await,
                Err(failure) => Outcome::NotOpened(failure),
            };
            unclean = match outcome {
                Outcome::Stopped => return,
                Outcome::Failed(HistoryFailure::Damaged) => Unclean::Damage,
                Outcome::Failed(_) => Unclean::Disk,
                // What is left open in the file is another process's.
                Outcome::NotOpened(HistoryFailure::Locked) => Unclean::Crash,
                Outcome::NotOpened(_) => unclean,
            };
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(RETRY) => {}
            }
        }
    }

    /// Opens the file and hands on what it remembers.
    async fn open(
        &self,
        unclean: Unclean,
        complaint: &mut Complaint,
    ) -> Result<Recorder, HistoryFailure> {
        let file = self.file.clone();
        let now = Timestamp::now();
        let open = spawn_blocking(move || {
            let (recorder, found) = Recorder::open(&file, now, unclean, Pace::default())?;
            let bytes = recorder.bytes();
            Ok((recorder, found, bytes))
        });
        let (recorder, found, bytes) = match flat(open.await) {
            Ok(opened) => opened,
            Err(error) => {
                self.failed(&error, complaint);
                self.tried.send_replace(true);
                return Err(error.failure());
            }
        };
        let Found {
            memory,
            targets,
            set_aside,
        } = found;
        let file = self.file.display();
        if let Some((aside, what)) = &set_aside {
            let aside = aside.display();
            tracing::error!("{file} was damaged ({what}): it is now {aside}, history begins anew");
            self.stats.was_set_aside();
        }
        if complaint.is_empty() {
            let services = memory.services.len();
            tracing::info!(services, "history is kept in {file}");
            self.stats.opened(bytes);
        }
        self.board.recall(targets);
        let (taken, was_taken) = oneshot::channel();
        let is_sent = self.recall.try_send((memory, taken)).is_ok();
        self.tried.send_replace(true);
        if is_sent && timeout(RECALL_MAX, was_taken).await.is_err() {
            tracing::warn!(limit = ?RECALL_MAX, "what history remembers was not taken in time");
        }
        Ok(recorder)
    }

    /// Counts a failure, and says it where it is not the last one again.
    fn failed(&self, error: &HistoryError, complaint: &mut Complaint) {
        self.stats.failed(error.failure());
        if complaint.is_news(error) {
            tracing::error!("history is not kept, trying again every {RETRY:?}: {error}");
        }
    }

    /// Records snapshots until it fails or the exporter stops.
    async fn keep(
        &mut self,
        mut recorder: Recorder,
        start: Instant,
        complaint: &mut Complaint,
        shutdown: &CancellationToken,
    ) -> Outcome {
        self.snapshots.mark_unchanged();
        let mut targets = Targets::default();
        let mut chores = Chores::new(&self.file, Arc::clone(&self.pasts), self.retention);
        let mut is_settled = false;
        let opened = Instant::now();
        loop {
            let is_last = tokio::select! {
                () = shutdown.cancelled() => true,
                changed = self.snapshots.changed() => changed.is_err(),
            };
            let latest = self.snapshots.borrow_and_update().clone();
            if let Some(latest) = latest {
                is_settled = is_settled
                    || opened.elapsed() > SETTLE_MAX
                    || everybody_was_asked(&latest.snapshot);
                if is_settled {
                    let new_targets = targets.changed(&self.board, is_last);
                    let moment = Moment {
                        wall: Timestamp::try_from(latest.snapshot.at)
                            .unwrap_or(Timestamp::UNIX_EPOCH),
                        monotonic: latest.at.duration_since(start),
                    };
                    let snapshot = Arc::clone(&latest.snapshot);
                    let written = self.record(recorder, snapshot, new_targets, moment).await;
                    let written = match written {
                        Ok(again) if !is_last => {
                            chores.run(again, &latest.snapshot, moment.wall).await
                        }
                        other => other,
                    };
                    match written {
                        Ok(again) => recorder = again,
                        Err(error) => {
                            self.failed(&error, complaint);
                            return Outcome::Failed(error.failure());
                        }
                    }
                    if complaint.settle() {
                        tracing::info!("history is kept again in {}", self.file.display());
                    }
                }
            }
            if is_last {
                return self.stop(recorder).await;
            }
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = tokio::time::sleep(COMMIT_INTERVAL_MIN) => {}
            }
        }
    }

    /// Records a snapshot. While the disk takes its time history is not up, whatever comes of it.
    async fn record(
        &self,
        mut recorder: Recorder,
        snapshot: Arc<Snapshot>,
        targets: Vec<TargetPast>,
        moment: Moment,
    ) -> Result<Recorder, HistoryError> {
        let mut write = spawn_blocking(move || {
            let recorded = recorder.record(&snapshot, &targets, moment)?;
            let bytes = recorder.bytes();
            Ok((recorder, recorded, bytes))
        });
        let written = match timeout(COMMIT_MAX, &mut write).await {
            Ok(written) => written,
            Err(_) => {
                self.stats.failed(HistoryFailure::Io);
                tracing::warn!(limit = ?COMMIT_MAX, "the disk of history does not answer, waiting for it");
                write.await
            }
        };
        let (recorder, recorded, bytes) = flat(written)?;
        self.stats.opened(bytes);
        self.stats.recorded(recorded, moment.wall, bytes);
        Ok(recorder)
    }

    async fn stop(&self, recorder: Recorder) -> Outcome {
        match spawn_blocking(move || recorder.stop()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                self.stats.failed(error.failure());
                tracing::error!("history could not be closed: {error}");
            }
            Err(panic) => tracing::error!(%panic, "history could not be closed"),
        }
        Outcome::Stopped
    }
}

enum Outcome {
    Stopped,
    NotOpened(HistoryFailure),
    Failed(HistoryFailure),
}

/// What was complained of last: said once, not at each try, until history is written again.
#[derive(Default)]
struct Complaint(String);

impl Complaint {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn is_news(&mut self, error: &HistoryError) -> bool {
        let error = error.to_string();
        let is_news = self.0 != error;
        self.0 = error;
        is_news
    }

    /// All is well again; whether there was anything to complain of.
    fn settle(&mut self) -> bool {
        let was_wrong = !self.is_empty();
        self.0.clear();
        was_wrong
    }
}

/// What came of work on another thread; where that panicked, it is a defect of ours.
fn flat<T>(done: Result<Result<T, HistoryError>, JoinError>) -> Result<T, HistoryError> {
    done.unwrap_or_else(|panic| Err(HistoryError::Defect(panic.to_string())))
}

/// Whether nothing in a snapshot is unknown only because nobody was asked yet: what an earlier process
/// recorded goes on, and is not interrupted by our start.
fn everybody_was_asked(snapshot: &Snapshot) -> bool {
    let mut verdicts = snapshot.verdicts();
    !verdicts.any(|verdict| {
        matches!(
            verdict.finding.reason,
            Reason::NotAskedYet | Reason::NotScrapedYet
        )
    })
}

/// What was written last of targets.
#[derive(Default)]
struct Targets {
    /// By URL.
    written: HashMap<String, TargetPast>,
    looked: Option<Instant>,
}

impl Targets {
    /// What is worth writing of targets now: looked for now and then, and `at_last`.
    fn changed(&mut self, board: &Board, at_last: bool) -> Vec<TargetPast> {
        let is_due = self
            .looked
            .is_none_or(|last| last.elapsed() >= TARGETS_INTERVAL);
        if !is_due && !at_last {
            return Vec::new();
        }
        self.looked = Some(Instant::now());
        let now = board.pasts();
        let changed = now.iter().filter(|target| {
            let known = self.written.get(&target.url);
            at_last || known.is_none_or(|known| is_news(known, target))
        });
        let changed: Vec<TargetPast> = changed.cloned().collect();
        let there: HashSet<&str> = now.iter().map(|target| target.url.as_str()).collect();
        self.written.retain(|url, _| there.contains(url.as_str()));
        let written = changed
            .iter()
            .map(|target| (target.url.clone(), target.clone()));
        self.written.extend(written);
        changed
    }
}

/// Whether more changed than when series were seen last, or that is long ago.
fn is_news(known: &TargetPast, now: &TargetPast) -> bool {
    let seen = |target: &TargetPast| {
        target
            .seen
            .iter()
            .map(|(series, _, _)| *series)
            .collect::<Vec<_>>()
    };
    let newest = |target: &TargetPast| target.seen.iter().map(|(_, at, _)| at.as_second()).max();
    known.service != now.service
        || known.first_seen != now.first_seen
        || known.good_scrapes != now.good_scrapes
        || seen(known) != seen(now)
        || newest(now) > newest(known).map(|at| at + SEEN_REFRESH_SECONDS)
}
