//! The daemon: wires the stages, owns tasks, reload and shutdown. The caller owns the socket and
//! the signals.

mod board;
mod probe;
pub mod rulebook;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::board::Board;
use self::rulebook::Rulebook;
use crate::config::{self, Config, ConfigError};
use crate::discovery::target::Target;
use crate::discovery::{self, Discovered};
use crate::manifesto::ManifestoError;
use crate::publish::{self, App, Guard, Hosts, Limits, Published, Reload, Telemetry, Web};
use crate::scrape::{self, Capacity, DialPolicy, EngineStats, Network, Resolver, ScrapeSettings};
use crate::snapshot::Snapshot;

/// A burst of scrapes makes one snapshot: two are at least this far apart.
const SNAPSHOT_INTERVAL_MIN: Duration = Duration::from_secs(1);

/// Without any change a snapshot is made all the same, so that its age tells that we live.
const SNAPSHOT_INTERVAL_MAX: Duration = Duration::from_secs(15);

/// A snapshot may take this share of the time: building a large one slows the next down.
const SNAPSHOT_SHARE: u32 = 20;

/// Reloads and probes waiting at once.
const REQUESTS_MAX: usize = 16;

/// How long tasks may take to end once told.
const SHUTDOWN_MAX: Duration = Duration::from_millis(1_800);

/// What the daemon is started with.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The configuration file, read again at each reload; `None` for the embedded one.
    pub config_file: Option<PathBuf>,
    /// Whether `/-/reload` is served.
    pub enable_lifecycle: bool,
    /// `--web.config.file`, loaded.
    pub web: Option<Arc<Web>>,
    /// Under which names the server is asked for; any if `None`.
    pub hosts: Option<Hosts>,
    /// What one client may take of the server.
    pub limits: Limits,
}

/// Why the daemon did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration cannot be used.
    #[error("{0}")]
    Config(#[from] ConfigError),
    /// Its changes of the rules cannot.
    #[error("{0}")]
    Manifesto(#[from] ManifestoError),
    /// Two of our own metrics have the same name.
    #[error("own telemetry: {0}")]
    Telemetry(#[from] prometheus::Error),
}

/// A configuration with the rules that it makes.
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// The rules.
    pub rulebook: Rulebook,
}

/// Reads the configuration file, or the embedded default.
pub fn load(config_file: Option<&std::path::Path>) -> Result<Loaded, StartError> {
    let config = match config_file {
        Some(path) => config::load(path)?,
        None => config::embedded()?,
    };
    let rulebook = Rulebook::new(&config)?;
    Ok(Loaded { config, rulebook })
}

/// Runs until `shutdown`. `reloads` carries the caller's wishes to reload (SIGHUP).
pub async fn run(
    options: Options,
    loaded: Loaded,
    listener: TcpListener,
    reloads: (mpsc::Sender<Reload>, mpsc::Receiver<Reload>),
    shutdown: CancellationToken,
) -> Result<(), StartError> {
    let Loaded { config, rulebook } = loaded;
    let telemetry = Arc::new(Telemetry::new()?);
    telemetry.loaded(SystemTime::now());
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    let network = Arc::new(Network::new(scrape_settings(&config), Resolver::system()));
    let stats = Arc::new(EngineStats::default());
    let board = Arc::new(Board::new(Arc::new(rulebook)));
    let series_max = config.series_max;

    let (config_sender, config_receiver) = watch::channel(Arc::new(config));
    let (discovered_sender, discovered) = watch::channel(Arc::new(Discovered::default()));
    let (targets_sender, targets) = watch::channel(Arc::new(Vec::new()));
    let (ready_sender, ready) = watch::channel(Err("starting".to_owned()));
    let (probe_sender, probes) = mpsc::channel(REQUESTS_MAX);
    let empty = Snapshot::empty(Arc::clone(&board.rulebook().manifesto), SystemTime::now());
    let app = Arc::new(App {
        published: ArcSwap::from_pointee(Published::new(Arc::new(empty), series_max)),
        discovered: discovered.clone(),
        engine: Arc::clone(&stats),
        telemetry: Arc::clone(&telemetry),
        ready,
        reload: options.enable_lifecycle.then(|| reloads.0.clone()),
        guard: Guard {
            web: options.web.clone(),
            hosts: options.hosts.clone(),
        },
        probe: probe_sender,
    });

    let mut tasks = JoinSet::new();
    tasks.spawn(discovery::run(
        config_receiver.clone(),
        shutdown.clone(),
        discovered_sender,
    ));
    tasks.spawn(follow(
        discovered.clone(),
        targets_sender,
        Arc::clone(&board),
        shutdown.clone(),
    ));
    tasks.spawn(scrape::run(
        targets,
        Arc::clone(&network),
        Arc::clone(&board),
        stats,
        shutdown.clone(),
    ));
    let publish = Publish {
        app: Arc::clone(&app),
        board: Arc::clone(&board),
        ready: ready_sender,
        config: config_receiver,
    };
    tasks.spawn(publish.run(shutdown.clone()));
    tasks.spawn(probe::answer(
        probes,
        discovered,
        Arc::clone(&board),
        Arc::clone(&network),
        shutdown.clone(),
    ));
    let limits = options.limits;
    let reloading = Reloading {
        options,
        config: config_sender,
        board,
        network,
        telemetry,
    };
    tasks.spawn(reloading.run(reloads.1, shutdown.clone()));
    tasks.spawn(publish::serve(listener, app, limits, shutdown.clone()));

    // Every task runs until shutdown: one that ends before is a defect, and ends the process too.
    while let Some(ended) = tokio::select! {
        ended = tasks.join_next() => ended,
        () = shutdown.cancelled() => None,
    } {
        if !shutdown.is_cancelled() {
            match ended {
                Ok(()) => tracing::error!("a task of the daemon ended early, shutting down"),
                Err(error) => tracing::error!(%error, "a task of the daemon failed, shutting down"),
            }
            shutdown.cancel();
        }
    }
    let ended = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(SHUTDOWN_MAX, ended).await.is_err() {
        tracing::warn!(limit = ?SHUTDOWN_MAX, "tasks that did not end in time were dropped");
    }
    Ok(())
}

/// How the configuration wants scraping done.
fn scrape_settings(config: &Config) -> ScrapeSettings {
    let mut capacity = Capacity::of_this_process();
    if let Some(wanted) = config.scrape_concurrency {
        capacity.in_flight_max = wanted;
        capacity.suspects_max = wanted.div_ceil(2);
    }
    ScrapeSettings {
        dial: DialPolicy::from(&config.dial),
        capacity,
        allow_plaintext_credentials: config.dial.plaintext_credentials,
    }
}

/// Hands what discovery found to the scrape engine and the board.
async fn follow(
    mut discovered: watch::Receiver<Arc<Discovered>>,
    targets: watch::Sender<Arc<Vec<Arc<Target>>>>,
    board: Arc<Board>,
    shutdown: CancellationToken,
) {
    loop {
        let found = Arc::clone(&discovered.borrow_and_update());
        board.replace_targets(&found.targets, SystemTime::now());
        targets.send_replace(Arc::new(found.targets.clone()));
        tokio::select! {
            () = shutdown.cancelled() => return,
            changed = discovered.changed() => if changed.is_err() { return },
        }
    }
}

/// Puts snapshots together and swaps them in.
struct Publish {
    app: Arc<App>,
    board: Arc<Board>,
    ready: watch::Sender<Result<(), String>>,
    config: watch::Receiver<Arc<Config>>,
}

impl Publish {
    async fn run(self, shutdown: CancellationToken) {
        loop {
            let start = Instant::now();
            self.publish();
            let took = start.elapsed();
            self.app.telemetry.snapshot_built(took);
            let pause = SNAPSHOT_INTERVAL_MIN.max(took * SNAPSHOT_SHARE);
            let next = async {
                tokio::time::sleep(pause).await;
                let _changed_or_old =
                    tokio::time::timeout(SNAPSHOT_INTERVAL_MAX, self.board.changed()).await;
            };
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = next => {}
            }
        }
    }

    fn publish(&self) {
        let manifesto = Arc::clone(&self.board.rulebook().manifesto);
        let before = Arc::clone(&self.app.published.load().snapshot);
        let snapshot = Arc::new(Snapshot::after(
            &before,
            SystemTime::now(),
            manifesto,
            self.board.states(),
        ));
        if self.ready.borrow().is_err() {
            let ready = readiness(&self.app.discovered.borrow(), &snapshot);
            self.app.telemetry.set_ready(ready.is_ok());
            if ready.is_ok() {
                tracing::info!(
                    targets = snapshot.targets.len(),
                    services = snapshot.services.len(),
                    "ready"
                );
            }
            drop(self.ready.send_replace(ready));
        }
        let series_max = self.config.borrow().series_max;
        self.app
            .published
            .store(Arc::new(Published::new(snapshot, series_max)));
    }
}

/// Ready once discovery has answered and every target that it found was scraped once; from then
/// on for good, since a new target does not make what is published wrong.
fn readiness(discovered: &Discovered, snapshot: &Snapshot) -> Result<(), String> {
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
        pending => Err(format!(
            "{pending} of {} targets were not scraped yet",
            discovered.targets.len()
        )),
    }
}

/// Reloads on demand; whatever fails leaves everything as it was.
struct Reloading {
    options: Options,
    config: watch::Sender<Arc<Config>>,
    board: Arc<Board>,
    network: Arc<Network>,
    telemetry: Arc<Telemetry>,
}

impl Reloading {
    async fn run(self, mut wishes: mpsc::Receiver<Reload>, shutdown: CancellationToken) {
        loop {
            let wish = tokio::select! {
                () = shutdown.cancelled() => return,
                wish = wishes.recv() => wish,
            };
            let Some(wish) = wish else { return };
            // A storm of wishes is one reload: all that wait are answered by it.
            let mut waiting = vec![wish];
            while let Ok(another) = wishes.try_recv() {
                waiting.push(another);
            }
            let outcome = self.reload();
            for wish in waiting {
                // Whoever asked may have gone.
                drop(wish.answer.send(outcome.clone()));
            }
        }
    }

    fn reload(&self) -> Result<(), String> {
        let outcome = load(self.options.config_file.as_deref());
        self.telemetry.reloaded(outcome.is_ok(), SystemTime::now());
        match outcome {
            Ok(Loaded { config, rulebook }) => {
                for warning in &config.warnings {
                    tracing::warn!("{warning}");
                }
                self.network.reload(scrape_settings(&config));
                self.board.set_rulebook(Arc::new(rulebook));
                self.config.send_replace(Arc::new(config));
                tracing::info!("configuration reloaded");
                Ok(())
            }
            Err(error) => {
                tracing::error!("configuration not reloaded, the old one stays in force: {error}");
                Err(error.to_string())
            }
        }
    }
}
