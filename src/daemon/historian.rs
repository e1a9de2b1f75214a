//! Keeps history: what snapshots say is written as they come, by one thread at a time. Where it cannot be
//! written the exporter goes on without it, says so, and tries again.

mod chores;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use self::chores::Chores;
use super::board::Board;
use crate::checks::Reason;
use crate::checks::warmup::TargetPast;
use crate::history::{
    Found, HistoryError, HistoryStats, Moment, Pace, Recorded, Recorder, Unclean,
};
use crate::okr::KeyResultPasts;
use crate::snapshot::{Memory, Snapshot};

/// After a failure, history is tried again so much later.
const RETRY: Duration = Duration::from_secs(10);

/// Two commits are at least this far apart: a disk takes some milliseconds for each.
const COMMIT_INTERVAL_MIN: Duration = Duration::from_secs(2);

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
        let mut complaint = String::new();
        while !shutdown.is_cancelled() {
            let outcome = match self.open(unclean, &mut complaint).await {
                Some(recorder) => {
                    complaint.clear();
                    self.keep(recorder, start, &shutdown).await
                }
                None => Outcome::Failed,
            };
            match outcome {
                Outcome::Stopped => return,
                Outcome::Failed => {}
            }
            unclean = Unclean::Disk;
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(RETRY) => {}
            }
        }
    }

    /// Opens the file and hands on what it remembers. What fails is said once, not at each try.
    async fn open(&self, unclean: Unclean, complaint: &mut String) -> Option<Recorder> {
        let file = self.file.clone();
        let now = Timestamp::now();
        let opened =
            spawn_blocking(move || Recorder::open(&file, now, unclean, Pace::default())).await;
        let (recorder, found) = match opened {
            Ok(Ok(opened)) => opened,
            Ok(Err(error)) => {
                self.stats.failed(error.failure());
                let error = error.to_string();
                if *complaint != error {
                    tracing::error!("history is not kept, trying again every {RETRY:?}: {error}");
                    *complaint = error;
                }
                self.tried.send_replace(true);
                return None;
            }
            Err(panic) => {
                tracing::error!(%panic, "history could not be opened");
                self.tried.send_replace(true);
                return None;
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
        }
        let services = memory.services.len();
        tracing::info!(services, "history is kept in {file}");
        self.stats.opened(recorder.bytes(), set_aside.is_some());
        self.board.recall(targets);
        let (taken, was_taken) = oneshot::channel();
        let is_sent = self.recall.try_send((memory, taken)).is_ok();
        self.tried.send_replace(true);
        if is_sent && timeout(RECALL_MAX, was_taken).await.is_err() {
            tracing::warn!(limit = ?RECALL_MAX, "what history remembers was not taken in time");
        }
        Some(recorder)
    }

    /// Records snapshots until it fails or the exporter stops.
    async fn keep(
        &mut self,
        mut recorder: Recorder,
        start: Instant,
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
                    let written = match record(recorder, snapshot, new_targets, moment).await {
                        Ok((again, recorded)) => {
                            self.stats.recorded(recorded, moment.wall, again.bytes());
                            match is_last {
                                true => Ok(again),
                                false => chores.run(again, &latest.snapshot, moment.wall).await,
                            }
                        }
                        Err(error) => Err(error),
                    };
                    match written {
                        Ok(again) => recorder = again,
                        Err(error) => {
                            self.stats.failed(error.failure());
                            tracing::error!("history could not be written: {error}");
                            return Outcome::Failed;
                        }
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
    Failed,
}

async fn record(
    mut recorder: Recorder,
    snapshot: Arc<Snapshot>,
    targets: Vec<TargetPast>,
    moment: Moment,
) -> Result<(Recorder, Recorded), HistoryError> {
    let written = spawn_blocking(move || {
        let recorded = recorder.record(&snapshot, &targets, moment)?;
        Ok((recorder, recorded))
    });
    match written.await {
        Ok(outcome) => outcome,
        Err(panic) => Err(HistoryError::Defect(panic.to_string())),
    }
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
    written: Vec<TargetPast>,
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
            let place = self
                .written
                .binary_search_by(|known| known.url.cmp(&target.url));
            let known = place.ok().map(|place| &self.written[place]);
            at_last || known.is_none_or(|known| is_news(known, target))
        });
        let changed: Vec<TargetPast> = changed.cloned().collect();
        for target in &changed {
            match self
                .written
                .binary_search_by(|known| known.url.cmp(&target.url))
            {
                Ok(place) => self.written[place] = target.clone(),
                Err(place) => self.written.insert(place, target.clone()),
            }
        }
        self.written
            .retain(|known| now.iter().any(|target| target.url == known.url));
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
