//! Runs the sources and publishes what they come to.

mod feed;
mod state;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use self::state::Runner;
use super::published::Discovered;
use super::settings::DiscoverySettings;
use super::timing::Timing;

/// Answers that may wait for the runner.
const REPORTS_MAX: usize = 64;
/// A wait without an end, which a timer cannot express.
const LONG: Duration = Duration::from_secs(3600);

/// Discovers until `shutdown`. New settings restart only the sources that they change.
pub async fn run(
    configs: watch::Receiver<Arc<DiscoverySettings>>,
    shutdown: CancellationToken,
    publish: watch::Sender<Arc<Discovered>>,
) {
    run_with(configs, Timing::default(), shutdown, publish).await;
}

/// [`run`] with other timing.
pub async fn run_with(
    mut configs: watch::Receiver<Arc<DiscoverySettings>>,
    timing: Timing,
    shutdown: CancellationToken,
    publish: watch::Sender<Arc<Discovered>>,
) {
    let (sender, mut reports) = mpsc::channel(REPORTS_MAX);
    let settings = configs.borrow_and_update().clone();
    let mut runner = Runner::new(settings, timing, sender);
    let mut configs_open = true;
    let mut published_at: Option<Instant> = None;
    loop {
        let now = Instant::now();
        runner.tick(now);
        let publish_at = published_at.map_or(now, |at| at + timing.publish_every);
        if runner.is_dirty() && now >= publish_at {
            publish.send_replace(Arc::new(runner.publish()));
            published_at = Some(now);
        }
        let mut wake_at = runner.next_deadline().unwrap_or(now + LONG);
        if runner.is_dirty() {
            wake_at = wake_at.min(publish_at);
        }
        tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            changed = configs.changed(), if configs_open => match changed {
                Ok(()) => {
                    let settings = configs.borrow_and_update().clone();
                    runner.reconfigure(settings);
                }
                Err(_) => configs_open = false,
            },
            // The runner holds a sender: this never ends.
            Some(report) = reports.recv() => runner.take(report, Instant::now()),
            () = runner.reap() => {}
            () = sleep_until(wake_at) => {}
        }
    }
    runner.stop().await;
}
