//! The real daemon on disks that are full, fail, hang, may not be written, or belong to another.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use manifesto_exporter::history::{Ended, Reader};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::programs::{BINARY, Daemon, PATIENCE, Program, free_address, get, until};

/// A service that does not say its version, and now and then nothing at all.
struct Shop {
    address: String,
    is_silent: Arc<AtomicBool>,
}

impl Shop {
    async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let is_silent = Arc::new(AtomicBool::new(false));
        let silent = Arc::clone(&is_silent);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(answer(stream, silent.load(Relaxed)));
            }
        });
        Self { address, is_silent }
    }

    /// Changes what it says, so that there is something to write.
    fn toggle(&self) {
        self.is_silent.fetch_xor(true, Relaxed);
    }

    fn configuration(&self, history: &Path) -> String {
        format!(
            "global: {{scrape_interval: 1s, scrape_timeout: 800ms}}\nhistory: {{path: {}}}\n\
             scrape_configs:\n  - job_name: all\n    static_configs:\n      \
             - {{targets: ['{}'], labels: {{service: shop}}}}\n",
            history.display(),
            self.address
        )
    }
}

async fn answer(mut stream: TcpStream, is_silent: bool) {
    let (status, body) = match is_silent {
        true => ("404 Not Found", ""),
        false => (
            "200 OK",
            "process_start_time_seconds 1.7e+09\nshop_requests_total 5\n",
        ),
    };
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/plain; version=0.0.4\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n{body}",
        body.len()
    );
    let mut request = [0; 4096];
    if stream.read(&mut request).await.is_ok_and(|bytes| bytes > 0) {
        // Gone meanwhile.
        drop(stream.write_all(answer.as_bytes()).await);
    }
}

const UP: &str = "manifesto_exporter_history_up 1";
const DOWN: &str = "manifesto_exporter_history_up 0";

fn failed(reason: &str, times: usize) -> String {
    format!("manifesto_exporter_history_failures_total{{reason=\"{reason}\"}} {times}")
}

/// A value of `/metrics`.
async fn value(daemon: &Daemon, series: &str) -> Option<f64> {
    let body = get(&daemon.url("/metrics")).await.ok()?.1;
    let mut lines = body.lines();
    let line = lines.find_map(|line| line.strip_prefix(series))?;
    line.trim().parse().ok()
}

/// Waits until so many commits were made since `before`.
async fn until_commits(daemon: &Daemon, least: f64) {
    let began = Instant::now();
    let series = "manifesto_exporter_history_commits_total ";
    while value(daemon, series)
        .await
        .is_none_or(|commits| commits < least)
    {
        assert!(began.elapsed() < PATIENCE, "{}", daemon.program.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Something done to the system calls of a daemon, while this lives.
struct Tampering(Child);

impl Tampering {
    /// `injected`: as `strace` has it, `fsync:error=EIO`.
    fn begin(daemon: &Daemon, injected: &str, log: &Path) -> Self {
        let call = injected.split(':').next().unwrap();
        let child = Command::new("strace")
            .args(["-f", "-qq", "-e", &format!("trace={call}")])
            .args(["-e", &format!("inject={injected}"), "-p"])
            .arg(daemon.program.id().to_string())
            .arg("-o")
            .arg(log)
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("strace: {error}; tests/run installs it"));
        let tampering = Self(child);
        let status = format!("/proc/{}/status", daemon.program.id());
        let began = Instant::now();
        // Every thread is followed once the first is.
        while std::fs::read_to_string(&status)
            .unwrap()
            .contains("TracerPid:\t0")
        {
            assert!(began.elapsed() < PATIENCE);
            std::thread::sleep(Duration::from_millis(10));
        }
        std::thread::sleep(Duration::from_millis(100));
        tampering
    }
}

impl Drop for Tampering {
    fn drop(&mut self) {
        // The daemon is let go, and what was held up goes on.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// How coverage ended, interval by interval.
fn ended(file: &Path) -> Vec<Ended> {
    let intervals = Reader::open(file).unwrap().intervals().unwrap();
    intervals.iter().map(|interval| interval.ended).collect()
}

async fn stop(daemon: Daemon, limit: Duration) {
    daemon.program.signal("TERM");
    let waiting = tokio::task::spawn_blocking(move || daemon.program.wait());
    let (exit, took) = waiting.await.unwrap();
    assert_eq!(exit.code(), Some(0));
    assert!(took < limit, "{took:?}");
}

/// A shop, a daemon that watches it, and the file of its history.
async fn watched() -> (Shop, Daemon, PathBuf, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state/history.sqlite");
    let shop = Shop::open().await;
    let daemon = Daemon::start(&shop.configuration(&file), folder.path(), &[]);
    daemon.until_metric(UP).await;
    until_commits(&daemon, 1.0).await;
    (shop, daemon, file, folder)
}

/// A daemon whose folder `state` is a file system of its own, seen by it alone.
async fn on_own_file_system(options: &str) -> (Shop, Daemon, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    std::fs::create_dir(&state).unwrap();
    let shop = Shop::open().await;
    let configuration = shop.configuration(&state.join("history.sqlite"));
    std::fs::write(folder.path().join("config.yaml"), configuration).unwrap();
    let address = free_address().to_string();
    // The process that is started becomes the daemon.
    let script = format!(
        "mount -t tmpfs -o {options} none {} && exec {BINARY} --config.file=config.yaml --web.listen-address={address}",
        state.display()
    );
    let arguments = ["--mount", "sh", "-c", &script];
    let daemon = Daemon {
        program: Program::start("unshare", &arguments, folder.path()),
        base: format!("http://{address}"),
    };
    (shop, daemon, folder)
}

/// Guarantee: where history may not be written the exporter judges all the same; the gauge says that, and
/// the log says why, once.
#[tokio::test(flavor = "multi_thread")]
async fn fault_66_on_a_file_system_that_is_read_only_the_exporter_judges_all_the_same() {
    let (_shop, daemon, _folder) = on_own_file_system("ro").await;
    daemon.until_metric(&failed("read_only", 2)).await;
    let body = daemon.until_metric(DOWN).await;
    assert!(
        body.contains("manifesto_rule_compliant{service_name=\"shop\""),
        "{body}"
    );
    let log = daemon.program.log();
    assert_eq!(log.matches("history is not kept").count(), 1, "{log}");
    assert!(log.contains("Read-only file system"), "{log}");
    stop(daemon, Duration::from_secs(4)).await;
}

/// Guarantee: on a full disk the exporter goes on without history and says so; once there is room it writes
/// again, what was written is there, and the gap is the disk's.
#[tokio::test(flavor = "multi_thread")]
async fn fault_61_a_full_disk_leaves_a_gap_and_no_more() {
    let (shop, daemon, folder) = on_own_file_system("size=1m").await;
    daemon.until_metric(UP).await;
    until_commits(&daemon, 1.0).await;
    let root = PathBuf::from(format!("/proc/{}/root", daemon.program.id()));
    let state = folder.path().join("state");
    let seen = root.join(state.strip_prefix("/").unwrap());
    let filler = seen.join("filler");
    // As much as there is room for.
    std::fs::write(&filler, vec![0; 2 << 20]).unwrap_err();
    let began = Instant::now();
    while value(&daemon, "manifesto_exporter_history_up ").await != Some(0.0) {
        assert!(began.elapsed() < PATIENCE, "{}", daemon.program.log());
        shop.toggle();
        tokio::time::sleep(Duration::from_millis(1_500)).await;
    }
    daemon.until_metric(&failed("full", 1)).await;
    std::fs::remove_file(&filler).unwrap();
    daemon.until_metric(UP).await;
    let log = daemon.program.log();
    assert_eq!(log.matches("history is not kept").count(), 1, "{log}");
    daemon.program.until_log("history is kept again").await;
    // The file system goes with the daemon.
    let copy = folder.path().join("history.sqlite");
    for suffix in ["", "-wal"] {
        let name = format!("history.sqlite{suffix}");
        std::fs::copy(seen.join(&name), folder.path().join(&name)).unwrap();
    }
    assert_eq!(ended(&copy), [Ended::Disk, Ended::Running]);
    stop(daemon, Duration::from_secs(4)).await;
}

/// Guarantee: the same of a disk that fails where what was written should be made to last.
#[tokio::test(flavor = "multi_thread")]
async fn fault_62_a_disk_that_fails_leaves_a_gap_and_no_more() {
    let (shop, daemon, file, folder) = watched().await;
    let log = folder.path().join("strace.log");
    let tampering = Tampering::begin(&daemon, "fsync:error=EIO", &log);
    shop.toggle();
    daemon.until_metric(DOWN).await;
    daemon.until_metric(&failed("io", 1)).await;
    drop(tampering);
    daemon.until_metric(UP).await;
    stop(daemon, Duration::from_secs(4)).await;
    let ended = ended(&file);
    assert_eq!(ended.last(), Some(&Ended::Stop), "{ended:?}");
    assert!(
        ended[..ended.len() - 1].iter().all(|e| *e == Ended::Disk),
        "{ended:?}"
    );
    assert!(ended.len() > 1, "{ended:?}");
}

/// Guarantee: told to stop while it writes, the exporter writes what it knows and that it stopped.
#[tokio::test(flavor = "multi_thread")]
async fn fault_70_sigterm_while_history_is_written_ends_it_well() {
    let (shop, daemon, file, folder) = watched().await;
    let log = folder.path().join("strace.log");
    let tampering = Tampering::begin(&daemon, "fsync:delay_enter=200000", &log);
    shop.toggle();
    let began = Instant::now();
    while std::fs::read_to_string(&log).unwrap_or_default().is_empty() {
        assert!(began.elapsed() < PATIENCE, "nothing is written");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    stop(daemon, Duration::from_secs(4)).await;
    drop(tampering);
    assert_eq!(ended(&file), [Ended::Stop]);
}

/// Guarantee: a disk that does not answer holds up neither metrics nor the end, and history is not said to
/// be kept meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn fault_77_a_disk_that_does_not_answer_holds_up_nothing() {
    let (shop, daemon, file, folder) = watched().await;
    let log = folder.path().join("strace.log");
    let tampering = Tampering::begin(&daemon, "fsync:delay_enter=60000000", &log);
    shop.toggle();
    let began = Instant::now();
    while value(&daemon, "manifesto_exporter_history_up ").await != Some(0.0) {
        assert!(began.elapsed() < PATIENCE, "{}", daemon.program.log());
        let asked = Instant::now();
        get(&daemon.url("/metrics")).await.unwrap();
        assert!(
            asked.elapsed() < Duration::from_secs(2),
            "{:?}",
            asked.elapsed()
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(daemon.program.log().contains("does not answer"));
    daemon.program.signal("TERM");
    let told = Instant::now();
    // It has ended; the thread that strace holds up keeps its parent from being told.
    let status = format!("/proc/{}/status", daemon.program.id());
    while !std::fs::read_to_string(&status)
        .unwrap()
        .contains("State:\tZ")
    {
        assert!(
            told.elapsed() < Duration::from_secs(4),
            "{}",
            daemon.program.log()
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    drop(tampering);
    assert_eq!(daemon.program.wait().0.code(), Some(0));
    assert_eq!(ended(&file), [Ended::Running]);
}

/// Since when the API says that the shop does not say its version.
async fn failing_since(daemon: &Daemon) -> String {
    let since = |body: &str| {
        let services: serde_json::Value = serde_json::from_str(body).ok()?;
        let verdicts = services["services"][0]["verdicts"].as_array()?;
        let version = verdicts.iter().find(|verdict| verdict["rule"] == "O-8")?;
        version["failing_since"].as_str().map(str::to_owned)
    };
    let body = until(&daemon.url("/api/v1/services"), |body| {
        since(body).is_some()
    })
    .await;
    since(&body).unwrap()
}

/// Guarantee: since when a rule has been violated outlives the process, whether it is stopped or killed.
#[tokio::test(flavor = "multi_thread")]
async fn since_when_a_rule_is_violated_outlives_the_process() {
    let (shop, daemon, file, folder) = watched().await;
    let since = failing_since(&daemon).await;
    let written = value(&daemon, "manifesto_exporter_history_commits_total ")
        .await
        .unwrap();
    shop.toggle();
    shop.toggle();
    // Whatever was seen by now is written with the next commit, at the latest with the next minute's.
    let began = Instant::now();
    while violated(&file) == 0 {
        assert!(
            began.elapsed() < PATIENCE,
            "{written}: {}",
            daemon.program.log()
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let mut daemon = daemon;
    for signal in ["TERM", "KILL", "TERM"] {
        daemon.program.signal(signal);
        daemon.program.wait();
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        daemon = Daemon::start(&shop.configuration(&file), folder.path(), &[]);
        assert_eq!(failing_since(&daemon).await, since, "{signal}");
    }
}

/// How often history says that a rule about versions is violated.
fn violated(file: &Path) -> usize {
    let rows = super::kill_states::judged(file);
    let violations = rows
        .iter()
        .filter(|row| row.contains("O-8") && row.contains("Integer(2), Integer(2)"));
    violations.count()
}

/// Guarantee: a second exporter on the same file runs without history, names the first, and takes over once
/// that has ended.
#[tokio::test(flavor = "multi_thread")]
async fn fault_67_a_second_exporter_waits_for_the_first_to_end() {
    let (shop, first, file, folder) = watched().await;
    let beside = folder.path().join("second");
    std::fs::create_dir(&beside).unwrap();
    let second = Daemon::start(&shop.configuration(&file), &beside, &[]);
    second.until_metric(DOWN).await;
    second.until_metric(&failed("locked", 1)).await;
    let named = format!(
        "another manifesto-exporter (process {})",
        first.program.id()
    );
    assert!(
        second.program.log().contains(&named),
        "{}",
        second.program.log()
    );
    assert!(get(&first.url("/metrics")).await.unwrap().1.contains(UP));
    first.program.signal("KILL");
    first.program.wait();
    second.until_metric(UP).await;
    stop(second, Duration::from_secs(4)).await;
    assert_eq!(ended(&file), [Ended::Crash, Ended::Stop]);
}
