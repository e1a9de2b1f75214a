//! Two hosts with a cable between them: network namespaces, made and taken away by the test.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::programs::{BINARY, Program};

/// Set to 1 where no network namespaces can be made, to do without these tests.
const WITHOUT: &str = "MANIFESTO_TESTS_WITHOUT_NETNS";

/// How long anything that a test waits for may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where the daemon listens, on the loopback of its own host.
const DAEMON: &str = "127.0.0.1:8067";

/// A host of its own: interfaces, routes, neighbours and resolver are its alone.
pub(super) struct Host {
    name: String,
}

impl Host {
    fn new(what: &str) -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let (pid, nth) = (std::process::id(), MADE.fetch_add(1, Relaxed));
        let name = format!("manifesto-{pid}-{nth}-{what}");
        let made = Command::new("ip").args(["netns", "add", &name]).output();
        let made = made.unwrap_or_else(|error| panic!("ip: {error}; tests/run installs it"));
        assert!(
            made.status.success(),
            "no network namespace can be made here: {}\nrun the tests as root (CAP_SYS_ADMIN), or do \
             without those of whole hosts: {WITHOUT}=1",
            String::from_utf8_lossy(&made.stderr)
        );
        let host = Self { name };
        host.ip("link set lo up");
        host
    }

    /// Runs `ip` on this host.
    pub(super) fn ip(&self, arguments: &str) {
        let arguments = ["-n", &self.name].into_iter().chain(arguments.split(' '));
        let done = Command::new("ip").args(arguments).output().unwrap();
        assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
    }

    /// Gives it a file of its own in `/etc`.
    pub(super) fn write_etc(&self, file: &str, text: &str) {
        let folder = format!("/etc/netns/{}", self.name);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(format!("{folder}/{file}"), text).unwrap();
    }

    /// Does something on this host; a socket made there stays there, whoever uses it later.
    fn on<T: Send>(&self, act: impl FnOnce() -> T + Send) -> T {
        let namespace = std::fs::File::open(format!("/run/netns/{}", self.name)).unwrap();
        // The namespace is the thread's, which ends with what it did.
        let there = move || {
            move_into_link_name_space(
                std::os::fd::AsFd::as_fd(&namespace),
                Some(LinkNameSpaceType::Network),
            )
            .unwrap();
            act()
        };
        std::thread::scope(|scope| scope.spawn(there).join().unwrap())
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // Best effort: a test may fail before any of it is there.
        drop(
            Command::new("ip")
                .args(["netns", "del", &self.name])
                .output(),
        );
        drop(std::fs::remove_dir_all(format!("/etc/netns/{}", self.name)));
    }
}

/// The daemon's host and another: `out` here is one end of a cable, `in` there the other.
pub(super) struct Lab {
    pub(super) us: Host,
    pub(super) them: Host,
}

impl Lab {
    /// 10.77.0.1 and 10.77.0.2; nothing where the environment says to do without.
    pub(super) fn new() -> Option<Self> {
        if std::env::var_os(WITHOUT).is_some_and(|value| value == "1") {
            let test = std::thread::current();
            let test = test.name().unwrap_or("a test");
            // Past the harness, which would show it of failed tests only.
            let mut stderr = std::io::stderr();
            writeln!(stderr, "SKIPPED, as {WITHOUT}=1 asks: {test}").unwrap();
            return None;
        }
        let (us, them) = (Host::new("us"), Host::new("them"));
        us.ip(&format!(
            "link add out type veth peer name in netns {}",
            them.name
        ));
        us.ip("addr add 10.77.0.1/24 dev out");
        them.ip("addr add 10.77.0.2/24 dev in");
        us.ip("link set out up");
        them.ip("link set in up");
        Some(Self { us, them })
    }

    /// Makes packets to an address leave by the cable and vanish: no host has that hardware address.
    pub(super) fn lose_packets_to(&self, address: &str) {
        let neighbour = format!("neigh add {address} lladdr 02:00:00:00:00:66 dev out");
        self.us.ip(&neighbour);
    }

    /// The real daemon, on our host.
    pub(super) fn watch(&self, targets: &[&str]) -> Daemon<'_> {
        let folder = tempfile::tempdir().unwrap();
        let groups = targets.iter().map(|target| {
            let service = target.split(':').next().unwrap();
            format!("      - {{targets: ['{target}'], labels: {{service: {service}}}}}\n")
        });
        let text = format!(
            "global: {{scrape_interval: 1s, scrape_timeout: 800ms}}\nscrape_configs:\n  \
             - job_name: all\n    static_configs:\n{}",
            groups.collect::<String>()
        );
        std::fs::write(folder.path().join("config.yaml"), text).unwrap();
        let listen = format!("--web.listen-address={DAEMON}");
        let arguments = ["netns", "exec", &self.us.name, BINARY];
        let arguments = [&arguments[..], &["--config.file=config.yaml", &listen]].concat();
        Daemon {
            program: Program::start("ip", &arguments, folder.path()),
            host: &self.us,
            _folder: folder,
        }
    }
}

/// The daemon on its host.
pub(super) struct Daemon<'a> {
    program: Program,
    host: &'a Host,
    _folder: tempfile::TempDir,
}

impl Daemon<'_> {
    /// What it answers; empty where it does not.
    pub(super) fn get(&self, path: &str) -> String {
        let ask = || -> std::io::Result<String> {
            let mut stream = TcpStream::connect(DAEMON)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            write!(stream, "GET {path} HTTP/1.0\r\nhost: localhost\r\n\r\n")?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            Ok(answer)
        };
        // Not listening yet.
        self.host.on(ask).unwrap_or_default()
    }

    /// Waits until `/metrics` holds a series of this service that begins and ends so.
    pub(super) async fn until(&self, family: &str, service: &str, end: &str) -> String {
        let start = Instant::now();
        let begin = format!("{family}{{service_name=\"{service}\"");
        loop {
            let body = self.get("/metrics");
            let found = |line: &&str| line.starts_with(&begin) && line.ends_with(end);
            if let Some(line) = body.lines().find(found) {
                return line.to_owned();
            }
            let log = || self.program.log();
            assert!(
                start.elapsed() < PATIENCE,
                "no {begin}...{end}: {body}\n{}",
                log()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until a target is down for a reason.
    pub(super) async fn until_down(&self, service: &str, reason: &str) {
        let end = format!("reason=\"{reason}\"}} 1");
        self.until("manifesto_target_down", service, &end).await;
    }

    /// Waits until a target is up.
    pub(super) async fn until_up(&self, service: &str) {
        self.until("manifesto_target_up", service, "} 1").await;
    }
}

/// When somebody was asked.
#[derive(Clone, Default)]
pub(super) struct Asked(Arc<Mutex<Vec<Instant>>>);

impl Asked {
    fn note(&self) {
        self.0.lock().unwrap().push(Instant::now());
    }

    pub(super) fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    /// Waits for more requests, and says how long none came at most.
    pub(super) async fn longest_gap_of(&self, more: usize) -> Duration {
        let (before, start) = (self.count(), Instant::now());
        while self.count() < before + more {
            assert!(start.elapsed() < PATIENCE, "{} more", self.count() - before);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let asked = self.0.lock().unwrap();
        let gaps = asked[before..].windows(2).map(|two| two[1] - two[0]);
        gaps.max().unwrap_or_default()
    }
}

/// A healthy service on a host, which keeps connections or closes each.
pub(super) fn serve(host: &Host, address: &str, keep: bool) -> Asked {
    let address: SocketAddr = address.parse().unwrap();
    let listener = host.on(|| TcpListener::bind(address)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    let asked = Asked::default();
    let noted = asked.clone();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(answer(stream, keep, noted.clone()));
        }
    });
    asked
}

async fn answer(mut stream: tokio::net::TcpStream, keep: bool, asked: Asked) {
    let close = if keep { "" } else { "connection: close\r\n" };
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 5\r\n{close}\r\nup 1\n"
    );
    let mut request = [0; 4096];
    while stream.read(&mut request).await.is_ok_and(|bytes| bytes > 0) {
        asked.note();
        // Gone meanwhile.
        if stream.write_all(answer.as_bytes()).await.is_err() || !keep {
            return;
        }
    }
}

/// A name server on a host that takes every question and answers none.
pub(super) fn silent_name_server(host: &Host, address: &str) -> Asked {
    let address: SocketAddr = address.parse().unwrap();
    let socket = host.on(|| UdpSocket::bind(address)).unwrap();
    socket.set_nonblocking(true).unwrap();
    let socket = tokio::net::UdpSocket::from_std(socket).unwrap();
    let asked = Asked::default();
    let noted = asked.clone();
    tokio::spawn(async move {
        while socket.recv(&mut [0; 512]).await.is_ok() {
            noted.note();
        }
    });
    asked
}
