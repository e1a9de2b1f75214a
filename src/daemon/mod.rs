//! The daemon: wires the stages, owns tasks, reload and shutdown. The caller owns the socket and
//! the signals.

mod board;
mod probe;
pub mod rulebook;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::board::Board;
use self::rulebook::Rulebook;
use crate::catalogue::Catalogue;
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

/// The pause after a snapshot is this much longer than it took: large ones come less often.
const SNAPSHOT_PAUSE_FACTOR: u32 = 20;

/// A target that has not answered its first scrape by then keeps nobody waiting.
const READY_WAIT_MAX: Duration = Duration::from_secs(10);

/// Reloads and probes waiting at once.
const REQUESTS_MAX: usize = 16;

/// How long tasks may take to end once told.
const SHUTDOWN_MAX: Duration = Duration::from_millis(1_800);

/// What the daemon is started with.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Where a reload reads the configuration.
    pub source: ConfigSource,
    /// Whether `/-/reload` is served.
    pub enable_lifecycle: bool,
    /// `--web.config.file`, loaded.
    pub web: Option<Arc<Web>>,
    /// Under which names the server is asked for; any if `None`.
    pub hosts: Option<Hosts>,
    /// What one client may take of the server.
    pub limits: Limits,
}

/// Where a configuration comes from.
#[derive(Debug, Clone, Default)]
pub enum ConfigSource {
    /// A file, read again at each reload.
    File(PathBuf),
    /// The default that the binary carries.
    #[default]
    Embedded,
    /// Put together by the caller: it cannot be read again.
    Fixed,
}

/// Why the daemon did not start, or ended by itself.
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
    /// A task that runs until shutdown ended before: a defect of ours.
    #[error("the daemon's {task} ended: {why}")]
    TaskEnded {
        /// Which.
        task: &'static str,
        /// How.
        why: String,
    },
    /// There is nothing to read again.
    #[error("this configuration was not read from a file and cannot be reloaded")]
    Fixed,
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
    let catalogue = Catalogue::load(&config.catalogue)?;
    let rulebook = Rulebook::new(&config, catalogue)?;
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
    for warning in config.warnings.iter().chain(&rulebook.catalogue.warnings) {
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
    let empty = Snapshot::empty(&board.rulebook().law(), SystemTime::now());
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

    let mut tasks = Tasks::default();
    let discovering = discovery::run(config_receiver.clone(), shutdown.clone(), discovered_sender);
    tasks.spawn("discovery", discovering);
    let following = follow(
        discovered.clone(),
        targets_sender,
        Arc::clone(&board),
        shutdown.clone(),
    );
    tasks.spawn("target list", following);
    let scraping = scrape::run(
        targets,
        Arc::clone(&network),
        Arc::clone(&board),
        stats,
        shutdown.clone(),
    );
    tasks.spawn("scrape engine", scraping);
    let publish = Publish {
        app: Arc::clone(&app),
        board: Arc::clone(&board),
        ready: ready_sender,
        config: config_receiver,
        discovered_at: OnceLock::new(),
    };
    tasks.spawn("publisher", Arc::new(publish).run(shutdown.clone()));
    let probing = probe::answer(
        probes,
        discovered,
        Arc::clone(&board),
        Arc::clone(&network),
        shutdown.clone(),
    );
    tasks.spawn("prober", probing);
    let limits = options.limits;
    let reloading = Reloading {
        source: options.source,
        config: config_sender,
        board,
        network,
        telemetry,
    };
    tasks.spawn("reloader", reloading.run(reloads.1, shutdown.clone()));
    tasks.spawn(
        "server",
        publish::serve(listener, app, limits, shutdown.clone()),
    );
    tasks.until(shutdown).await
}

/// The tasks of the daemon, by name. Each runs until shutdown.
#[derive(Default)]
struct Tasks {
    running: JoinSet<()>,
    names: HashMap<tokio::task::Id, &'static str>,
}

impl Tasks {
    fn spawn(&mut self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let id = self.running.spawn(task).id();
        self.names.insert(id, name);
    }

    /// Waits for shutdown, then for the tasks, within a bound. A task that ends before is a defect:
    /// everything ends, so that whoever watches the process starts it anew.
    async fn until(mut self, shutdown: CancellationToken) -> Result<(), StartError> {
        let early = tokio::select! {
            () = shutdown.cancelled() => None,
            ended = self.running.join_next_with_id() => ended,
        };
        let early = early.filter(|_| !shutdown.is_cancelled()).map(|ended| {
            let (id, why) = match ended {
                Ok((id, ())) => (id, "it returned".to_owned()),
                Err(error) => (error.id(), error.to_string()),
            };
            let task = self.names.get(&id).copied().unwrap_or("task");
            StartError::TaskEnded { task, why }
        });
        shutdown.cancel();
        let ended = async { while self.running.join_next().await.is_some() {} };
        if tokio::time::timeout(SHUTDOWN_MAX, ended).await.is_err() {
            tracing::warn!(limit = ?SHUTDOWN_MAX, "tasks that did not end in time were dropped");
        }
        early.map_or(Ok(()), Err)
    }
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
    /// When discovery had answered first.
    discovered_at: OnceLock<Instant>,
}

impl Publish {
    async fn run(self: Arc<Self>, shutdown: CancellationToken) {
        loop {
            let start = Instant::now();
            // Thousands of services take their time: not on a thread that serves others.
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
        let law = self.board.rulebook().law();
        let before = Arc::clone(&self.app.published.load().snapshot);
        let mut snapshot = Snapshot::after(&before, SystemTime::now(), &law, self.board.states());
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
        self.app
            .published
            .store(Arc::new(Published::new(Arc::new(snapshot), series_max)));
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

/// Reloads on demand; whatever fails leaves everything as it was.
struct Reloading {
    source: ConfigSource,
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
            let outcome = self.reload().await;
            for wish in waiting {
                // Whoever asked may have gone.
                drop(wish.answer.send(outcome.clone()));
            }
        }
    }

    async fn reload(&self) -> Result<(), String> {
        // Files may be slow: not on a thread that serves others.
        let source = self.source.clone();
        let outcome = tokio::task::spawn_blocking(move || match source {
            ConfigSource::File(path) => load(Some(&path)),
            ConfigSource::Embedded => load(None),
            ConfigSource::Fixed => Err(StartError::Fixed),
        });
        let outcome = match outcome.await {
            Ok(outcome) => outcome,
            Err(error) => Err(StartError::TaskEnded {
                task: "reload",
                why: error.to_string(),
            }),
        };
        self.telemetry.reloaded(outcome.is_ok(), SystemTime::now());
        match outcome {
            Ok(Loaded { config, rulebook }) => {
                for warning in config.warnings.iter().chain(&rulebook.catalogue.warnings) {
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
