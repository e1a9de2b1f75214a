//! The daemon: wires the stages, owns tasks, reload and shutdown. The caller owns the socket and
//! the signals.

pub mod board;
mod files;
mod historian;
mod load;
mod probe;
mod publisher;
mod reload;
mod scrapers;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::board::Board;
use self::historian::Historian;
use self::load::scrape_settings;
pub use self::load::{ConfigSource, Loaded, StartError, load};
use self::publisher::{History, Publish};
use self::reload::Reloading;
use self::scrapers::Scrapers;
use crate::config::Config;
use crate::discovery::target::Target;
use crate::discovery::{self, Discovered};
use crate::history::HistoryStats;
use crate::http_client::Resolver;
use crate::okr::KeyResultPasts;
use crate::publish::{self, App, Guard, Hosts, Published, Reload, ServerLimits, Telemetry, Web};
use crate::scrape::{self, EngineStats, Network};
use crate::snapshot::Snapshot;
use crate::sources::{self, SourceStats};

/// Reloads and probes waiting at once.
const REQUESTS_MAX: usize = 16;

/// How long tasks may take to end once told.
const SHUTDOWN_MAX: Duration = Duration::from_millis(1_800);

/// What the daemon is started with.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Where a reload reads the configuration.
    pub source: ConfigSource,
    /// Time between two looks at the files that the configuration is read from; `None` for never.
    pub auto_reload: Option<Duration>,
    /// Whether `/-/reload` is served.
    pub enable_lifecycle: bool,
    /// `--web.config.file`, loaded.
    pub web: Option<Arc<Web>>,
    /// Under which names the server is asked for; any if `None`.
    pub hosts: Option<Hosts>,
    /// Under which URL people reach the page; where it listens if `None`.
    pub external_url: Option<url::Url>,
    /// What one client may take of the server.
    pub limits: ServerLimits,
}

/// Under which URL people reach the page, without a slash at its end.
fn page_url(external: Option<&url::Url>, listener: &TcpListener) -> String {
    match (external, listener.local_addr()) {
        (Some(url), _) => url.as_str().trim_end_matches('/').to_owned(),
        // Whoever says nothing more tries it out on this machine.
        (None, Ok(address)) if address.ip().is_unspecified() => {
            format!("http://localhost:{}", address.port())
        }
        (None, Ok(address)) => format!("http://{address}"),
        (None, Err(_)) => String::new(),
    }
}

/// Runs until `shutdown`. `reloads` carries the caller's requests to reload (SIGHUP).
pub async fn run(
    options: Options,
    loaded: Loaded,
    listener: TcpListener,
    reloads: (mpsc::Sender<Reload>, mpsc::Receiver<Reload>),
    shutdown: CancellationToken,
) -> Result<(), StartError> {
    let Loaded {
        config,
        ruleset,
        begun,
    } = loaded;
    let scrapers = Scrapers::start(config.scrape_threads)?;
    let telemetry = Arc::new(Telemetry::new()?);
    telemetry.loaded(SystemTime::now());
    telemetry.reached_at(&page_url(options.external_url.as_ref(), &listener));
    for warning in config.warnings.iter().chain(ruleset.warnings()) {
        tracing::warn!("{warning}");
    }
    let network = Arc::new(Network::new(scrape_settings(&config), Resolver::system()));
    let stats = Arc::new(EngineStats::default());
    let plan = Arc::new(config.evidence_plan(&ruleset, None));
    let board = Arc::new(Board::new(Arc::new(ruleset)));
    let series_max = config.series_max;
    let retention = config.history.retention;
    let pasts = Arc::new(ArcSwap::from_pointee(KeyResultPasts::new()));
    let history = Arc::new(HistoryStats::default());
    let history_file = history_file(&config, &history);

    let (discovery_sender, discovery_receiver) = watch::channel(Arc::clone(&config.discovery));
    let (config_sender, config_receiver) = watch::channel(Arc::new(config));
    let (discovered_sender, discovered) = watch::channel(Arc::new(Discovered::default()));
    let (targets_sender, targets) = watch::channel(Arc::new(Vec::new()));
    let (plan_sender, plan) = watch::channel(plan);
    let (answers_sender, answers) = watch::channel(Arc::default());
    let source_stats = Arc::new(SourceStats::default());
    let (ready_sender, ready) = watch::channel(Err("starting".to_owned()));
    let (probe_sender, probes) = mpsc::channel(REQUESTS_MAX);
    let empty = Snapshot::empty(&board.ruleset(), SystemTime::now());
    let app = Arc::new(App {
        published: ArcSwap::from_pointee(Published::new(Arc::new(empty), series_max)),
        discovered: discovered.clone(),
        engine: Arc::clone(&stats),
        sources: Arc::clone(&source_stats),
        history_file: history_file.clone(),
        reports: Arc::new(Semaphore::new(publish::REPORTS_AT_ONCE_MAX)),
        history: Arc::clone(&history),
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
    let discovering = discovery::run(discovery_receiver, shutdown.clone(), discovered_sender);
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
    tasks.spawn_on("scrape engine", scraping, &scrapers.handle());
    let asking = sources::run(plan, source_stats, answers_sender, shutdown.clone());
    tasks.spawn("sources", asking);
    let (recordable_sender, recordable) = watch::channel(None);
    let (recall_sender, recall) = mpsc::channel(1);
    let (tried_sender, tried) = watch::channel(history_file.is_none());
    if let Some(file) = history_file {
        let historian = Historian {
            file,
            retention,
            pasts: Arc::clone(&pasts),
            board: Arc::clone(&board),
            stats: history,
            snapshots: recordable,
            recall: recall_sender,
            tried: tried_sender,
        };
        tasks.spawn("history", historian.run(shutdown.clone()));
    }
    let publish = Publish {
        app: Arc::clone(&app),
        history: History {
            pasts,
            tried,
            recall: Mutex::new(recall),
            snapshots: recordable_sender,
        },
        answers,
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
        every: options.auto_reload,
        config: config_sender,
        discovery: discovery_sender,
        plan: plan_sender,
        board,
        network,
        telemetry,
    };
    tasks.spawn(
        "reloader",
        reloading.run(reloads.1, begun, shutdown.clone()),
    );
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
        self.spawn_on(name, task, &Handle::current());
    }

    fn spawn_on(
        &mut self,
        name: &'static str,
        task: impl Future<Output = ()> + Send + 'static,
        runtime: &Handle,
    ) {
        let id = self.running.spawn_on(task, runtime).id();
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

/// Where history is kept. Without a place for it the exporter runs all the same, and says so.
fn history_file(config: &Config, stats: &HistoryStats) -> Option<PathBuf> {
    match config.history.file(|name| std::env::var_os(name)) {
        Ok(file) => {
            if file.is_some() {
                stats.turn_on();
            }
            file
        }
        Err(error) => {
            stats.turn_on();
            stats.failed(error.failure());
            tracing::error!("history is not kept: {error}");
            None
        }
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
