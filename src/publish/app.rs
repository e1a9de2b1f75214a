//! What the server's handlers read and ask.

use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};

use super::guard::Guard;
use super::render::Published;
use super::telemetry::Telemetry;
use crate::discovery::Discovered;
use crate::history::HistoryStats;
use crate::scrape::EngineStats;
use crate::snapshot::Snapshot;
use crate::sources::SourceStats;

/// Reports that are computed at the same time: each may take a second of a core.
pub const REPORTS_AT_ONCE_MAX: usize = 2;

/// A wish to reload the configuration; the answer is the error to show.
#[derive(Debug)]
pub struct Reload {
    /// Told how it ended.
    pub answer: oneshot::Sender<Result<(), String>>,
}

/// What a probe of one discovered target found.
#[derive(Debug)]
pub enum ProbeAnswer {
    /// Discovery does not know the target: nothing was dialled.
    NotDiscovered,
    /// A host and port where several targets are: their URLs.
    Several(Vec<String>),
    /// Too many probes run already.
    Busy,
    /// The target's verdicts alone.
    Judged(Arc<Snapshot>),
}

/// A wish to scrape one target now.
pub type Probe = (String, oneshot::Sender<ProbeAnswer>);

/// Everything that the handlers read.
#[derive(Debug)]
pub struct App {
    /// The latest snapshot.
    pub published: ArcSwap<Published>,
    /// What discovery found.
    pub discovered: watch::Receiver<Arc<Discovered>>,
    /// The scrape engine's counters.
    pub engine: Arc<EngineStats>,
    /// What is counted of sources of evidence.
    pub sources: Arc<SourceStats>,
    /// Where history is kept, if it is.
    pub history_file: Option<PathBuf>,
    /// Turns at computing reports, [`REPORTS_AT_ONCE_MAX`] of them.
    pub reports: Arc<Semaphore>,
    /// What is counted of history.
    pub history: Arc<HistoryStats>,
    /// Our own telemetry.
    pub telemetry: Arc<Telemetry>,
    /// Whether the service is ready.
    pub ready: watch::Receiver<Result<(), String>>,
    /// Where reloads are asked for; `None` unless `--web.enable-lifecycle`.
    pub reload: Option<mpsc::Sender<Reload>>,
    /// Which requests are served.
    pub guard: Guard,
    /// Where probes are asked for.
    pub probe: mpsc::Sender<Probe>,
}
