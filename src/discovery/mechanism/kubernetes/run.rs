//! Watching, until the runner goes.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::kind::Kind;
use super::settings::KubernetesSd;
use super::store::Round;
use super::watched::{Entry, watches};
use super::world::World;
use crate::discovery::mechanism::pulse::{HEARTBEAT, Pulse};
use crate::discovery::refresh::{Refresh, RefreshSender, RunnerGone, summary};
use crate::discovery::timing::Timing;
use crate::kubernetes::{Change, Cluster, FailureKind, Pace, own_namespace, reflect};

/// Changes that may wait for us.
const CHANGES_MAX: usize = 1024;

/// Watches until the runner goes.
pub(super) async fn run(
    config: KubernetesSd,
    timing: Timing,
    reports: RefreshSender,
) -> RunnerGone {
    let namespaces = match namespaces(&config, timing, &reports).await {
        Ok(namespaces) => namespaces,
        Err(gone) => return gone,
    };
    let cluster = Arc::new(Cluster::new(config.access.clone()));
    let (sender, mut changes) = mpsc::channel(CHANGES_MAX);
    let mut tasks = JoinSet::new();
    let mut follower = Follower::new(&config);
    let pace = Pace::new(timing.retry);
    for (index, watched) in watches(&config, &namespaces).into_iter().enumerate() {
        follower.watches.push(WatchState {
            kind: watched.kind,
            namespace: watched.watch.list.namespace.clone(),
            round: 0,
            is_listed: false,
            error: None,
        });
        let (cluster, sender) = (Arc::clone(&cluster), sender.clone());
        tasks.spawn(async move { reflect(&cluster, &watched.watch, pace, index, &sender).await });
    }
    loop {
        let due = follower.due();
        tokio::select! {
            // We hold a sender: this never ends.
            Some((index, change)) = changes.recv() => follower.take(index, change, Instant::now()),
            Some(ended) = tasks.join_next() => {
                // The runner sees the panic of this task and starts it again.
                if let Err(error) = ended && error.is_panic() {
                    std::panic::resume_unwind(error.into_panic());
                }
            }
            () = sleep_until(due) => {
                if reports.send(follower.report(Instant::now())).await.is_err() {
                    return RunnerGone;
                }
            }
        }
    }
}

/// The namespaces to watch; `None` is all of them.
async fn namespaces(
    config: &KubernetesSd,
    timing: Timing,
    reports: &RefreshSender,
) -> Result<Vec<Option<String>>, RunnerGone> {
    let mut names = config.namespaces.clone();
    if config.own_namespace {
        loop {
            match own_namespace() {
                Ok(own) => {
                    names.push(own);
                    break;
                }
                Err(error) => {
                    let message = format!("the pod's own namespace is not known: {error}");
                    reports.send(Refresh::failed(message)).await?;
                    sleep(timing.retry.max(HEARTBEAT)).await;
                }
            }
        }
        names.sort();
        names.dedup();
    }
    Ok(match names.is_empty() {
        true => vec![None],
        false => names.into_iter().map(Some).collect(),
    })
}

/// One watch.
struct WatchState {
    kind: Kind,
    namespace: Option<String>,
    /// The number of its latest list.
    round: Round,
    /// Whether a list was complete, once.
    is_listed: bool,
    error: Option<String>,
}

/// What the watches told, and what of it was reported.
struct Follower {
    world: World,
    watches: Vec<WatchState>,
    rounds: Round,
    pulse: Pulse,
    /// Why not everything can be kept, until everything is listed anew.
    limit: Option<String>,
}

impl Follower {
    fn new(config: &KubernetesSd) -> Self {
        Self {
            world: World::new(config.role, config.attach),
            watches: Vec::new(),
            rounds: 0,
            pulse: Pulse::new(),
            limit: None,
        }
    }

    fn take(&mut self, index: usize, change: Change<Entry>, now: Instant) {
        let watch = &mut self.watches[index];
        let (kind, round) = (watch.kind, watch.round);
        match change {
            Change::Begin => {
                self.rounds += 1;
                watch.round = self.rounds;
                self.limit = None;
                return;
            }
            Change::Put(key, entry) => {
                self.pulse.effort.events += u64::from(watch.is_listed);
                if let Err(limit) = self.world.put(key, entry, round) {
                    self.limit = Some(limit);
                }
            }
            Change::Unreadable(key, why) => {
                self.pulse.effort.events += u64::from(watch.is_listed);
                self.world.put_unreadable(kind, key, why, round);
            }
            Change::Gone(key) => {
                self.pulse.effort.events += 1;
                self.world.remove(kind, &key);
            }
            Change::Complete => {
                self.world.sweep(kind, watch.namespace.as_deref(), round);
                (watch.is_listed, watch.error) = (true, None);
                self.pulse.effort.lists += 1;
            }
            Change::Alive => match watch.error.take() {
                Some(_) => {}
                None => return,
            },
            Change::Failed(failure) => {
                self.pulse.effort.failures += 1;
                // Namespaces are in none: who may look at one alone cannot be granted this.
                let hint = match (kind, failure.kind) {
                    (Kind::Namespace, FailureKind::Forbidden) => {
                        "; without it: `attach_metadata: {}`"
                    }
                    _ => "",
                };
                watch.error = Some(format!("{failure}{hint}"));
            }
        }
        self.pulse.touch(now);
    }

    /// Whether the others go on without a watch that fails: one of the two kinds of monitors is of use alone.
    fn is_spared(&self, watch: &WatchState) -> bool {
        let is_other = |other: &&WatchState| {
            other.kind.is_monitor()
                && other.kind != watch.kind
                && other.namespace == watch.namespace
        };
        let mut others = self.watches.iter().filter(is_other);
        watch.kind.is_monitor() && watch.error.is_some() && others.any(|other| other.is_listed)
    }

    /// When to report.
    fn due(&self) -> Instant {
        let mut watches = self.watches.iter();
        let is_settled = watches.all(|watch| watch.is_listed || watch.error.is_some());
        self.pulse.due(is_settled, Instant::now())
    }

    /// What there is now.
    fn report(&mut self, now: Instant) -> Refresh {
        let effort = self.pulse.report(now);
        let withdrawn = self.world.settle();
        let limit = self.limit.clone();
        let failed = |error: String| Refresh {
            error: Some(error),
            effort,
            ..Refresh::default()
        };
        let errors = self.watches.iter().filter_map(|watch| watch.error.clone());
        let error = limit.or_else(|| summary(&errors.collect::<Vec<_>>()));
        // What is of the whole cluster counts for every namespace.
        let mut ready = BTreeMap::new();
        for watch in &self.watches {
            let namespace = watch.namespace.as_deref();
            *ready.entry(namespace).or_insert(true) &= watch.is_listed || self.is_spared(watch);
        }
        let of_cluster = ready.get(&None).copied().unwrap_or(true);
        if !of_cluster || !ready.values().any(|ready| *ready) {
            return failed(error.unwrap_or_else(|| "no list is complete yet".to_owned()));
        }
        let is_ready = |namespace: &str| {
            let of_namespace = ready.get(&Some(namespace)).copied().unwrap_or(true);
            of_cluster && of_namespace
        };
        match self.world.listing(is_ready) {
            Ok(listing) => Refresh {
                listing: Some(listing),
                error,
                withdrawn,
                effort,
            },
            Err(limit) => failed(limit),
        }
    }
}
