//! `/probe`: scrapes one discovered target now and judges that scrape alone.

use std::sync::Arc;
use std::time::SystemTime;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::board::Board;
use crate::discovery::Discovered;
use crate::discovery::target::Target;
use crate::publish::ProbeAnswer;
use crate::scrape::{Client, Network};
use crate::snapshot::Snapshot;

/// Probes under way at once.
const PROBES_MAX: usize = 8;

/// Answers probes until `shutdown`.
pub(super) async fn answer(
    mut probes: mpsc::Receiver<(String, oneshot::Sender<ProbeAnswer>)>,
    discovered: watch::Receiver<Arc<Discovered>>,
    board: Arc<Board>,
    network: Arc<Network>,
    shutdown: CancellationToken,
) {
    let mut running = JoinSet::new();
    loop {
        let (wanted, answer) = tokio::select! {
            () = shutdown.cancelled() => return,
            Some(_) = running.join_next() => continue,
            probe = probes.recv() => match probe {
                Some(probe) => probe,
                None => return,
            },
        };
        let found = find(&discovered.borrow(), &wanted);
        let (board, network) = (Arc::clone(&board), Arc::clone(&network));
        let busy = running.len() >= PROBES_MAX;
        running.spawn(async move {
            let found = match found {
                _ if busy => ProbeAnswer::Busy,
                found => match &found[..] {
                    [] => ProbeAnswer::NotDiscovered,
                    [target] => ProbeAnswer::Judged(probe(target, &board, network).await),
                    several => {
                        ProbeAnswer::Several(several.iter().map(|t| t.url.to_string()).collect())
                    }
                },
            };
            // Whoever asked may have gone.
            drop(answer.send(found));
        });
    }
}

/// The target that a URL names, or all of a host and port: one port serves many plugins.
fn find(discovered: &Discovered, wanted: &str) -> Vec<Arc<Target>> {
    let named = |target: &&Arc<Target>| target.url.to_string() == wanted;
    if let Some(target) = discovered.targets.iter().find(named) {
        return vec![Arc::clone(target)];
    }
    let there = discovered
        .targets
        .iter()
        .filter(|target| target.url.authority() == wanted);
    there.cloned().collect()
}

async fn probe(target: &Arc<Target>, board: &Board, network: Arc<Network>) -> Arc<Snapshot> {
    let ruleset = board.ruleset();
    let mut sink = board.reader(target);
    let client = Client::new(Arc::clone(&target.job.http), &target.job.proof, network);
    let result = client.scrape(target, &mut None, &mut sink).await;
    let observation = sink.into_observation();
    let state = ruleset.state(&result, observation.as_ref());
    Arc::new(Snapshot::build(
        SystemTime::now(),
        &ruleset,
        vec![Arc::new(state)],
    ))
}
