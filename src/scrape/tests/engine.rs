//! The engine over many targets: spread, isolation, removal, panics, shutdown.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::support::{Collect, target, until, with_http};
use crate::discovery::target::Target;
use crate::http_client::Resolver;
use crate::http_client::settings::HttpConfig;
use crate::http_client::tests::server::{Server, hang, ok, request, send};
use crate::scrape::{
    Capacity, EngineStats, Handler, Network, ScrapeErrorKind, ScrapeResult, ScrapeSettings, run,
};

/// Notes what it hears, by path; panics where a path says so.
#[derive(Default)]
struct Notes {
    done: Mutex<HashMap<String, Vec<(Instant, ScrapeResult)>>>,
    gone: Mutex<Vec<String>>,
}

impl Handler for Notes {
    type Sink = Collect;

    fn sink(&self, target: &Arc<Target>) -> Collect {
        assert!(target.labels.get("behaviour") != "panic", "as told");
        Collect::default()
    }

    fn done(&self, _sink: Collect, result: ScrapeResult) {
        let path = result.target.url.path_and_query.clone();
        let now = Instant::now();
        let mut done = self.done.lock().unwrap();
        done.entry(path).or_default().push((now, result));
    }

    fn gone(&self, target: &Arc<Target>) {
        let mut gone = self.gone.lock().unwrap();
        gone.push(target.url.path_and_query.clone());
    }
}

impl Notes {
    fn count(&self, path: &str) -> usize {
        self.done.lock().unwrap().get(path).map_or(0, Vec::len)
    }

    /// The time from each scrape's end to the next one's.
    fn gaps(&self, path: &str) -> Vec<Duration> {
        let ended = &self.done.lock().unwrap()[path];
        let pairs = ended.iter().zip(&ended[1..]);
        pairs.map(|(one, next)| next.0 - one.0).collect()
    }

    fn reasons(&self, path: &str) -> Vec<Option<ScrapeErrorKind>> {
        let done = self.done.lock().unwrap();
        let of_path = done.get(path).into_iter().flatten();
        of_path
            .map(|(_, result)| result.outcome.as_ref().err().map(|down| down.reason))
            .collect()
    }
}

struct Running {
    notes: Arc<Notes>,
    stats: Arc<EngineStats>,
    network: Arc<Network>,
    targets: watch::Sender<Arc<Vec<Arc<Target>>>>,
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

impl Running {
    fn start(targets: Vec<Target>, capacity: Capacity) -> Self {
        let (sender, receiver) = watch::channel(Arc::new(Vec::new()));
        let settings = ScrapeSettings {
            capacity,
            ..ScrapeSettings::default()
        };
        let network = Arc::new(Network::new(settings, Resolver::system()));
        let (notes, stats) = (Arc::<Notes>::default(), Arc::<EngineStats>::default());
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(run(
            receiver,
            network.clone(),
            notes.clone(),
            stats.clone(),
            shutdown.clone(),
        ));
        let running = Self {
            notes,
            stats,
            network,
            targets: sender,
            shutdown,
            task,
        };
        running.set(targets);
        running
    }

    fn set(&self, targets: Vec<Target>) {
        let targets = targets.into_iter().map(Arc::new).collect();
        self.targets.send_replace(Arc::new(targets));
    }

    async fn stop(self) {
        self.shutdown.cancel();
        tokio::time::timeout(Duration::from_secs(2), self.task)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(self.network.open_connections(), 0);
    }
}

const ROOMY: Capacity = Capacity {
    in_flight_max: 100,
    suspects_max: 50,
    kept_max: 1000,
};

fn every(mut target: Target, path: &str, interval_ms: u64) -> Target {
    target.url.path_and_query = path.to_owned();
    target.interval = Duration::from_millis(interval_ms);
    target.timeout = target.interval;
    target
}

fn healthy() -> impl Future<Output = Server> {
    Server::answering(ok("", b"up 1\n"))
}

fn hanging() -> impl Future<Output = Server> {
    Server::start(async |_stream, _| hang().await)
}

#[tokio::test]
async fn targets_are_scraped_at_once_and_then_on_their_rhythm() {
    let server = healthy().await;
    let start = Instant::now();
    let engine = Running::start(vec![every(target(server.address), "/a", 300)], ROOMY);
    until("a first scrape", || engine.notes.count("/a") > 0).await;
    assert!(start.elapsed() < Duration::from_millis(1000));
    until("more scrapes", || engine.notes.count("/a") >= 4).await;
    {
        let gap = engine.notes.gaps("/a")[2].as_millis();
        assert!((100..700).contains(&gap), "{gap} ms");
        let done = engine.notes.done.lock().unwrap();
        assert!(done["/a"][1].1.reused_connection);
    }
    assert_eq!(server.connections(), 1);
    until("the count", || {
        engine.stats.snapshot().open_connections == 1
    })
    .await;
    assert_eq!(engine.stats.snapshot().targets, 1);
    assert!(engine.stats.snapshot().succeeded >= 4);
    engine.stop().await;
}

#[tokio::test]
async fn fault_78_hanging_targets_do_not_delay_healthy_ones() {
    let (well, ill) = (healthy().await, hanging().await);
    // Ten places and twenty that hang for the whole of their interval.
    let capacity = Capacity {
        in_flight_max: 10,
        suspects_max: 5,
        kept_max: 1000,
    };
    let mut targets = vec![every(target(well.address), "/well", 300)];
    for n in 0..20 {
        targets.push(every(target(ill.address), &format!("/ill{n}"), 300));
    }
    let engine = Running::start(targets, capacity);
    // Once every ill one has timed out, the well one keeps its schedule.
    until("all suspect", || {
        (0..20).all(|n| engine.notes.count(&format!("/ill{n}")) > 0)
    })
    .await;
    let before = engine.notes.count("/well");
    until("five more scrapes", || {
        engine.notes.count("/well") > before + 5
    })
    .await;
    let gaps = &engine.notes.gaps("/well")[before..];
    let five: Duration = gaps.iter().take(5).sum();
    assert!((1_200..1_900).contains(&five.as_millis()), "{gaps:?}");
    assert!(engine.stats.snapshot().in_flight <= 6);
    assert!(engine.stats.snapshot().skipped > 0);
    engine.stop().await;
}

#[tokio::test]
async fn a_scrape_in_flight_when_next_due_is_skipped_and_counted() {
    let server = hanging().await;
    let mut slow = every(target(server.address), "/slow", 200);
    slow.timeout = Duration::from_millis(900);
    let engine = Running::start(vec![slow], ROOMY);
    until("a timeout", || engine.notes.count("/slow") == 1).await;
    let skipped = engine.stats.snapshot().skipped;
    assert!((2..=6).contains(&skipped), "{skipped}");
    assert_eq!(
        engine.notes.reasons("/slow"),
        [Some(ScrapeErrorKind::Timeout)]
    );
    engine.stop().await;
}

#[tokio::test]
async fn fault_76_a_removed_target_is_gone_once_and_heard_of_no_more() {
    let (server, ill) = (healthy().await, hanging().await);
    let stays = every(target(server.address), "/stays", 200);
    let idle = every(target(server.address), "/idle", 200);
    let mut busy = every(target(ill.address), "/busy", 10_000);
    busy.timeout = Duration::from_secs(10);
    let engine = Running::start(vec![stays.clone(), idle, busy], ROOMY);
    until("scrapes", || {
        engine.notes.count("/idle") > 0 && engine.stats.snapshot().in_flight > 0
    })
    .await;
    engine.set(vec![stays.clone()]);
    until("both gone", || engine.notes.gone.lock().unwrap().len() == 2).await;
    let (idle, busy) = (engine.notes.count("/idle"), engine.notes.count("/busy"));
    let stayed = engine.notes.count("/stays");
    until("three more scrapes of the other", || {
        engine.notes.count("/stays") >= stayed + 3
    })
    .await;
    assert_eq!(engine.notes.count("/idle"), idle);
    assert_eq!((busy, engine.notes.count("/busy")), (0, 0));
    assert_eq!(engine.notes.gone.lock().unwrap().len(), 2);
    assert_eq!(engine.network.open_connections(), 1);
    engine.stop().await;
}

#[tokio::test]
async fn a_changed_target_is_updated_in_place() {
    let server = healthy().await;
    let mut changed = every(target(server.address), "/a", 200);
    let engine = Running::start(vec![changed.clone()], ROOMY);
    until("scrapes", || engine.notes.count("/a") > 1).await;
    changed.labels.set("team", "ledger");
    engine.set(vec![changed.clone(), changed.clone()]);
    let latest = |engine: &Running| {
        let done = engine.notes.done.lock().unwrap();
        done["/a"].last().unwrap().1.clone()
    };
    until("the new label", || {
        latest(&engine).target.labels.get("team") == "ledger"
    })
    .await;
    assert!(latest(&engine).reused_connection);
    // Other settings need another connection.
    let http = HttpConfig {
        headers: vec![crate::http_client::settings::Header {
            name: "x-tenant".to_owned(),
            values: vec!["a".to_owned()],
            secrets: Vec::new(),
            files: Vec::new(),
        }],
        ..HttpConfig::default()
    };
    engine.set(vec![with_http(changed, http)]);
    until("another connection", || server.connections() == 2).await;
    assert!(engine.notes.gone.lock().unwrap().is_empty());
    engine.stop().await;
}

#[tokio::test]
async fn fault_74_a_panic_is_counted_and_the_engine_goes_on() {
    let server = healthy().await;
    let mut bad = every(target(server.address), "/bad", 200);
    bad.labels.set("behaviour", "panic");
    let good = every(target(server.address), "/good", 200);
    let engine = Running::start(vec![bad, good], ROOMY);
    until("panics and scrapes", || {
        engine.stats.snapshot().panics >= 2 && engine.notes.count("/good") >= 2
    })
    .await;
    let snapshot = engine.stats.snapshot();
    let internal = snapshot.down[ScrapeErrorKind::Internal as usize];
    assert_eq!(internal.0, ScrapeErrorKind::Internal);
    assert!(internal.1 > 0);
    engine.stop().await;
}

#[tokio::test]
async fn connections_past_the_cap_are_not_kept() {
    let server = healthy().await;
    let paths: Vec<String> = (0..4).map(|n| format!("/{n}")).collect();
    let of_path = |path: &String| every(target(server.address), path, 500);
    let capacity = Capacity {
        kept_max: 1,
        ..ROOMY
    };
    let engine = Running::start(paths.iter().map(of_path).collect(), capacity);
    until("two scrapes of each", || {
        paths.iter().all(|path| engine.notes.count(path) > 1)
    })
    .await;
    let is_reused = |path: &&String| {
        engine.notes.done.lock().unwrap()[*path][1]
            .1
            .reused_connection
    };
    assert_eq!(paths.iter().filter(is_reused).count(), 1);
    engine.stop().await;
}

#[tokio::test]
async fn shutdown_drops_what_is_in_flight() {
    let server = Server::start(async |mut stream, _| {
        request(&mut stream).await;
        send(&mut stream, b"HTTP/1.1 200 OK\r\n\r\n").await;
        hang().await;
    })
    .await;
    let engine = Running::start(vec![every(target(server.address), "/a", 60_000)], ROOMY);
    until("a scrape in flight", || server.connections() == 1).await;
    let notes = engine.notes.clone();
    engine.stop().await;
    assert_eq!(notes.count("/a"), 0);
}
