//! Discovery running for a test: with short times, stopped at the end.

use std::sync::Arc;
use std::time::Duration;

use manifesto_exporter::config::Config;
use manifesto_exporter::discovery::settings::DiscoverySettings;
use manifesto_exporter::discovery::{Discovered, SourceStatus, Timing, run_with};
use manifesto_exporter::document::Origin;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(10);

/// Times short enough for tests.
pub(crate) const QUICK: Timing = Timing {
    publish_every: Duration::from_millis(10),
    deleted_grace: Duration::from_millis(200),
    retry: Duration::from_millis(20),
    answer_spacing: Duration::ZERO,
    restart: Duration::from_millis(10),
};

pub(crate) struct Rig {
    settings: watch::Sender<Arc<DiscoverySettings>>,
    /// What is there before anything was published.
    nothing: Arc<Discovered>,
    pub(crate) discovered: watch::Receiver<Arc<Discovered>>,
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

impl Rig {
    pub(crate) fn start(config: &str) -> Self {
        Self::with_timing(config, QUICK)
    }

    pub(crate) fn with_timing(config: &str, timing: Timing) -> Self {
        let (settings, settings_seen) = watch::channel(parse(config).discovery);
        let nothing = Arc::default();
        let (publish, discovered) = watch::channel(Arc::clone(&nothing));
        let shutdown = CancellationToken::new();
        let task = run_with(settings_seen, timing, shutdown.clone(), publish);
        Self {
            settings,
            nothing,
            discovered,
            shutdown,
            task: tokio::spawn(task),
        }
    }

    /// Takes another configuration into use.
    pub(crate) fn reload(&self, config: &str) {
        self.settings.send_replace(parse(config).discovery);
    }

    /// Waits until what is published is as wanted.
    pub(crate) async fn until(
        &mut self,
        what: &str,
        mut wanted: impl FnMut(&Discovered) -> bool,
    ) -> Arc<Discovered> {
        let nothing = self.nothing.clone();
        let wanted = |now: &Arc<Discovered>| !Arc::ptr_eq(now, &nothing) && wanted(now);
        let found = async { self.discovered.wait_for(wanted).await.unwrap().clone() };
        let found = tokio::time::timeout(PATIENCE, found);
        match found.await {
            Ok(found) => found,
            Err(_) => panic!("never {what}: {:?}", self.now()),
        }
    }

    /// Waits until exactly these addresses are targets.
    pub(crate) async fn until_targets(&mut self, wanted: &[&str]) -> Arc<Discovered> {
        self.until(&format!("{wanted:?}"), |now| addresses(now) == wanted)
            .await
    }

    pub(crate) fn now(&self) -> Arc<Discovered> {
        self.discovered.borrow().clone()
    }

    /// Ends it, and sees that it ends in time.
    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        tokio::time::timeout(PATIENCE, self.task)
            .await
            .unwrap()
            .unwrap();
    }
}

fn parse(config: &str) -> Config {
    Config::parse(config, &Origin::embedded()).unwrap_or_else(|error| panic!("{error}"))
}

/// `host:port` of each target, in order of name.
pub(crate) fn addresses(discovered: &Discovered) -> Vec<String> {
    let targets = discovered.targets.iter();
    let mut addresses: Vec<String> = targets.map(|target| target.url.authority()).collect();
    addresses.sort();
    addresses
}

pub(crate) fn source<'a>(discovered: &'a Discovered, name: &str) -> &'a SourceStatus {
    let mut sources = discovered.sources.iter();
    sources.find(|source| source.name == name).unwrap()
}
