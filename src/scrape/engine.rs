//! The engine: follows the target set, starts what is due, bounds what runs.
//!
//! One task decides; each scrape in flight is a task of its own, held in a `JoinSet`; an idle
//! target is a slot and perhaps a socket. The engine wakes on ticks of 100 ms, and only where
//! something is due or in flight.

use std::any::Any;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, SystemTime};

use foldhash::fast::RandomState;
use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::client::{Client, IdleConnection};
use super::error::{ScrapeError, ScrapeErrorKind};
use super::network::Network;
use super::result::{BodySink, ScrapeResult};
use super::schedule::{TICK_MS, tick_of};
use super::slots::{SlotId, Slots, Start};
use super::stats::EngineStats;
use crate::discovery::settings::ScrapeJob;
use crate::discovery::target::Target;

/// How long the end of aborted scrapes is awaited at shutdown.
const SHUTDOWN_MAX: Duration = Duration::from_secs(5);

/// Receives what scrapes teach. Called from the scrapes' own tasks, several at once.
pub trait Handler: Send + Sync + 'static {
    /// What receives one response.
    type Sink: BodySink + Send;

    /// A sink for a scrape of `target` that begins now.
    fn sink(&self, target: &Arc<Target>) -> Self::Sink;

    /// A scrape has ended.
    fn done(&self, sink: Self::Sink, result: ScrapeResult);

    /// The target has left the set: called once, after its last `done`.
    fn gone(&self, target: &Arc<Target>);
}

/// Scrapes the targets of the latest set, each on its schedule, until `shutdown`; then drops the
/// scrapes in flight and returns.
pub async fn run<H: Handler>(
    mut targets: watch::Receiver<Arc<Vec<Arc<Target>>>>,
    network: Arc<Network>,
    handler: Arc<H>,
    stats: Arc<EngineStats>,
    shutdown: CancellationToken,
) {
    let mut engine = Engine {
        clock: Clock::set(),
        network,
        handler,
        stats,
        slots: Slots::default(),
        clients: Vec::new(),
        scrapes: JoinSet::new(),
        running: HashMap::default(),
        suspects: 0,
    };
    let first = targets.borrow_and_update().clone();
    engine.replace_targets(&first);
    let mut followed = true;
    loop {
        let tick = engine.next_tick();
        let join_now = engine.slots.awaits_an_end() && !engine.scrapes.is_empty();
        tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            changed = targets.changed(), if followed => {
                followed = changed.is_ok();
                let latest = targets.borrow_and_update().clone();
                engine.replace_targets(&latest);
            }
            Some(ended) = engine.scrapes.join_next_with_id(), if join_now => {
                engine.ended(ended);
            }
            () = sleep_until(tick) => {}
        }
        engine.collect_ended();
        engine.start_due();
        engine.publish();
    }
    engine.scrapes.abort_all();
    let drained = async { while engine.scrapes.join_next().await.is_some() {} };
    if tokio::time::timeout(SHUTDOWN_MAX, drained).await.is_err() {
        tracing::warn!("scrapes in flight did not end within {SHUTDOWN_MAX:?}, leaving them");
    }
}

async fn sleep_until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

struct Engine<H: Handler> {
    clock: Clock,
    network: Arc<Network>,
    handler: Arc<H>,
    stats: Arc<EngineStats>,
    slots: Slots,
    clients: Vec<Arc<Client>>,
    scrapes: JoinSet<Ended>,
    running: HashMap<Id, Running, RandomState>,
    suspects: usize,
}

/// What a scrape's task returns to its slot.
struct Ended {
    kept: Option<IdleConnection>,
    timed_out: bool,
}

/// A scrape in flight, should its task end without a word.
struct Running {
    id: SlotId,
    suspect: bool,
    client: Arc<Client>,
    target: Arc<Target>,
    started: SystemTime,
}

impl<H: Handler> Engine<H> {
    fn replace_targets(&mut self, targets: &[Arc<Target>]) {
        let now = self.clock.now_ms();
        let (clients, network) = (&mut self.clients, &self.network);
        // Jobs share their settings: one comparison for each, not for each target.
        let mut known: HashMap<*const ScrapeJob, Arc<Client>> = HashMap::new();
        let gone = self.slots.replace(targets, now, |target| {
            let job = &target.job;
            let client = known
                .entry(Arc::as_ptr(job))
                .or_insert_with(|| client_for(clients, job, network));
            client.clone()
        });
        drop(known);
        self.clients.retain(|client| Arc::strong_count(client) > 1);
        for target in &gone {
            self.report_gone(target);
        }
    }

    fn start_due(&mut self) {
        let now = self.clock.now_ms();
        let skipped = self.slots.queue_due(now);
        self.stats.skipped.fetch_add(skipped, Relaxed);
        let capacity = self.network.settings().capacity;
        while let Some(start) =
            self.slots
                .next_start(now, capacity, self.scrapes.len(), self.suspects)
        {
            self.start(start);
        }
    }

    fn start(&mut self, start: Start) {
        let Some(slot) = self.slots.get_mut(start.id) else {
            return;
        };
        let mut kept = slot.kept.take();
        let (target, client) = (slot.target.clone(), slot.client.clone());
        let running = Running {
            id: start.id,
            suspect: start.suspect,
            client: client.clone(),
            target: target.clone(),
            started: SystemTime::now(),
        };
        let (handler, stats) = (self.handler.clone(), self.stats.clone());
        let task = self.scrapes.spawn(async move {
            let mut sink = handler.sink(&target);
            let result = client.scrape(&target, &mut kept, &mut sink).await;
            stats.ended(&result);
            let timed_out =
                matches!(&result.outcome, Err(down) if down.reason == ScrapeErrorKind::Timeout);
            handler.done(sink, result);
            Ended { kept, timed_out }
        });
        self.suspects += usize::from(start.suspect);
        self.running.insert(task.id(), running);
        self.slots.started(start.id, task);
        self.stats.started(start.late_ms);
    }

    fn collect_ended(&mut self) {
        while let Some(ended) = self.scrapes.try_join_next_with_id() {
            self.ended(ended);
        }
    }

    fn ended(&mut self, ended: Result<(Id, Ended), JoinError>) {
        let id = match &ended {
            Ok((id, _)) => *id,
            Err(error) => error.id(),
        };
        let Some(running) = self.running.remove(&id) else {
            return;
        };
        self.suspects -= usize::from(running.suspect);
        match ended {
            Ok((_, ended)) => self.take_back(&running, ended),
            Err(error) => {
                if let Ok(panic) = error.try_into_panic() {
                    self.report_panic(&running, &*panic);
                }
            }
        }
        if let Some(target) = self.slots.ended(running.id) {
            self.report_gone(&target);
        }
    }

    fn take_back(&mut self, running: &Running, ended: Ended) {
        let room = self.network.open_connections() <= self.network.settings().capacity.kept_max;
        let Some(slot) = self.slots.get_mut(running.id) else {
            return;
        };
        // Those that another server is asked about wait for it together.
        slot.suspect = ended.timed_out || slot.client.asks_another();
        if room && Arc::ptr_eq(&slot.client, &running.client) {
            slot.kept = ended.kept;
        }
    }

    /// A panic is a failed scrape like any other, and counted.
    fn report_panic(&self, running: &Running, panic: &(dyn Any + Send)) {
        self.stats.panics.fetch_add(1, Relaxed);
        let what = panic
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
            .unwrap_or("no message");
        let result = ScrapeResult {
            target: running.target.clone(),
            started: running.started,
            duration: running.started.elapsed().unwrap_or_default(),
            body_bytes: 0,
            wire_bytes: 0,
            status: None,
            reused_connection: false,
            retried: false,
            outcome: Err(ScrapeError::new(
                ScrapeErrorKind::Internal,
                format!("the scrape panicked: {what}"),
            )),
        };
        self.stats.ended(&result);
        self.guarded(|handler| handler.done(handler.sink(&running.target), result));
    }

    fn report_gone(&self, target: &Arc<Target>) {
        self.guarded(|handler| handler.gone(target));
    }

    /// Calls the handler from the engine's own task, which a panic must not end.
    fn guarded(&self, call: impl FnOnce(&H)) {
        if catch_unwind(AssertUnwindSafe(|| call(&self.handler))).is_err() {
            self.stats.panics.fetch_add(1, Relaxed);
        }
    }

    /// When to wake: at the next due tick, or at the very next one to see what has ended.
    fn next_tick(&self) -> Option<Instant> {
        let due = self.slots.next_tick();
        let soon = (!self.scrapes.is_empty()).then(|| tick_of(self.clock.now_ms() + 1));
        let tick = [due, soon].into_iter().flatten().min()?;
        Some(self.clock.instant_of(tick * TICK_MS))
    }

    fn publish(&self) {
        let stats = &self.stats;
        stats.targets.store(self.slots.len() as u64, Relaxed);
        stats.in_flight.store(self.scrapes.len() as u64, Relaxed);
        stats.waiting.store(self.slots.waiting() as u64, Relaxed);
        stats
            .open_connections
            .store(self.network.open_connections() as u64, Relaxed);
    }
}

/// The client for `http`: the one there is for equal settings (a reload makes new values of
/// unchanged jobs), or a new one.
fn client_for(
    clients: &mut Vec<Arc<Client>>,
    job: &ScrapeJob,
    network: &Arc<Network>,
) -> Arc<Client> {
    let (http, proof) = (&job.http, &job.proof);
    if let Some(client) = clients.iter().find(|client| client.is_for(http, proof)) {
        return client.clone();
    }
    let client = Arc::new(Client::new(http.clone(), proof, network.clone()));
    clients.push(client.clone());
    client
}

/// Milliseconds since the Unix epoch, set once and monotonic from then on.
#[derive(Debug, Clone, Copy)]
struct Clock {
    start: Instant,
    start_ms: u64,
}

impl Clock {
    fn set() -> Self {
        let since_epoch = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        Self {
            start: Instant::now(),
            start_ms: since_epoch.as_millis() as u64,
        }
    }

    fn now_ms(self) -> u64 {
        self.start_ms + self.start.elapsed().as_millis() as u64
    }

    fn instant_of(self, ms: u64) -> Instant {
        self.start + Duration::from_millis(ms.saturating_sub(self.start_ms))
    }
}
