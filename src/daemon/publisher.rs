//! Puts snapshots together, as often as something changes and as rarely as it can.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::board::Board;
use super::historian::{Recall, Recordable};
use crate::config::Config;
use crate::discovery::Discovered;
use crate::okr::{KeyResultPasts, progress};
use crate::publish::{App, Published};
use crate::snapshot::Snapshot;
use crate::sources::Answers;

/// A burst of scrapes makes one snapshot: two are at least this far apart.
const SNAPSHOT_INTERVAL_MIN: Duration = Duration::from_secs(1);

/// Without any change a snapshot is made all the same, so that its age tells that we live.
const SNAPSHOT_INTERVAL_MAX: Duration = Duration::from_secs(15);

/// The pause after a snapshot is this much longer than it took: large ones come less often.
const SNAPSHOT_PAUSE_FACTOR: u32 = 20;

/// A target that has not answered its first scrape by then keeps nobody waiting.
const READY_WAIT_MAX: Duration = Duration::from_secs(10);

/// History has this long to be opened before the first snapshot is made without it.
const HISTORY_WAIT_MAX: Duration = Duration::from_secs(5);

/// What the publisher shares with who keeps history.
pub(super) struct History {
    /// What key results measured before.
    pub(super) pasts: Arc<ArcSwap<KeyResultPasts>>,
    /// Whether it was opened, or could not be.
    pub(super) tried: watch::Receiver<bool>,
    /// What an earlier process knew.
    pub(super) recall: Mutex<mpsc::Receiver<Recall>>,
    /// Where snapshots are recorded.
    pub(super) snapshots: watch::Sender<Option<Recordable>>,
}

/// Puts snapshots together and swaps them in.
pub(super) struct Publish {
    pub(super) app: Arc<App>,
    pub(super) board: Arc<Board>,
    pub(super) history: History,
    pub(super) answers: watch::Receiver<Arc<Answers>>,
    pub(super) ready: watch::Sender<Result<(), String>>,
    pub(super) config: watch::Receiver<Arc<Config>>,
    /// When discovery had answered first.
    pub(super) discovered_at: OnceLock<Instant>,
}

impl Publish {
    pub(super) async fn run(self: Arc<Self>, shutdown: CancellationToken) {
        let mut tried = self.history.tried.clone();
        let tried = async { tried.wait_for(|tried| *tried).await.is_ok() };
        let _opened_or_late = tokio::time::timeout(HISTORY_WAIT_MAX, tried).await;
        loop {
            let start = Instant::now();
            let mut answers = self.answers.clone();
            answers.mark_unchanged();
            // Thousands of services take their time: not on a thread that serves others.
            let begun = jiff::Timestamp::now();
            let publish = Arc::clone(&self);
            let built = tokio::task::spawn_blocking(move || publish.publish()).await;
            if let Err(error) = built {
                tracing::error!(%error, "a snapshot could not be put together, the last one stays");
            }
            let took = start.elapsed();
            self.app.telemetry.snapshot_built(took);
            let pause =
                (took * SNAPSHOT_PAUSE_FACTOR).clamp(SNAPSHOT_INTERVAL_MIN, SNAPSHOT_INTERVAL_MAX);
            let next = async {
                tokio::time::sleep(pause).await;
                let news = async {
                    tokio::select! {
                        () = self.board.changed() => {}
                        Ok(()) = answers.changed() => {}
                    }
                };
                let _changed_or_old = tokio::time::timeout(SNAPSHOT_INTERVAL_MAX, news).await;
            };
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = next => {}
                // What ends at a second counts no more from that second on.
                () = self.next_change(begun) => {}
            }
        }
    }

    /// Waits until time alone changes a verdict of a snapshot that was begun at a moment: what ended
    /// while it was put together too.
    async fn next_change(&self, begun: jiff::Timestamp) {
        match self.board.ruleset().next_change(begun) {
            Some(at) => {
                let now = jiff::Timestamp::now();
                let wait = Duration::try_from(at.duration_since(now)).unwrap_or_default();
                tokio::time::sleep(wait).await;
            }
            None => std::future::pending().await,
        }
    }

    fn publish(&self) {
        let ruleset = self.board.ruleset();
        let mut before = Arc::clone(&self.app.published.load().snapshot);
        let recall = self.history.recall.lock();
        let recall = recall.unwrap_or_else(PoisonError::into_inner).try_recv();
        let recalled = recall.ok().map(|(memory, recalled)| {
            before = Arc::new(before.recalling(memory));
            recalled
        });
        let answers = Arc::clone(&self.answers.borrow());
        let at = SystemTime::now();
        let mut snapshot = Snapshot::after(&before, at, &ruleset, &answers, self.board.states());
        if self.ready.borrow().is_err() {
            let discovered = Arc::clone(&self.app.discovered.borrow());
            let waited = match discovered.ready {
                true => self.discovered_at.get_or_init(Instant::now).elapsed(),
                false => Duration::ZERO,
            };
            let ready = readiness(&discovered, &snapshot, waited);
            self.app.telemetry.set_ready(ready.is_ok());
            if ready.is_ok() {
                tracing::info!(
                    targets = snapshot.targets.len(),
                    services = snapshot.services.len(),
                    "ready"
                );
            }
            if ready.is_err() {
                // Nobody can be missed before everybody was looked for.
                snapshot.missing.clear();
            }
            drop(self.ready.send_replace(ready));
        }
        let series_max = self.config.borrow().series_max;
        let snapshot = Arc::new(snapshot);
        if self.ready.borrow().is_ok() {
            let at = Instant::now();
            let snapshot = Arc::clone(&snapshot);
            self.history
                .snapshots
                .send_replace(Some(Recordable { snapshot, at }));
        }
        let progress = progress(&snapshot, &self.history.pasts.load());
        let published = Published::new(snapshot, series_max).with_progress(progress);
        self.app.published.store(Arc::new(published));
        if let Some(recalled) = recalled {
            // Whoever waited may have given up.
            let _gone = recalled.send(());
        }
    }
}

/// Ready once discovery has answered and every target that it found was scraped once, or has had
/// [`READY_WAIT_MAX`] to be; from then on for good, since a new target does not make what is published
/// wrong.
fn readiness(discovered: &Discovered, snapshot: &Snapshot, waited: Duration) -> Result<(), String> {
    if !discovered.ready {
        let silent: Vec<String> = discovered
            .sources
            .iter()
            .filter(|source| source.last_success.is_none())
            .map(|source| match &source.last_error {
                Some(error) => format!("{}: {error}", source.name),
                None => format!("{}: no answer yet", source.name),
            })
            .collect();
        return Err(format!("discovery has not answered: {}", silent.join("; ")));
    }
    let pending = snapshot
        .targets
        .iter()
        .filter(|target| target.scrape.is_none())
        .count();
    let missing = discovered
        .targets
        .len()
        .saturating_sub(snapshot.targets.len());
    match pending + missing {
        0 => Ok(()),
        _ if waited >= READY_WAIT_MAX => Ok(()),
        pending => Err(format!(
            "{pending} of {} targets were not scraped yet",
            discovered.targets.len()
        )),
    }
}
