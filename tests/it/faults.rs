//! Faults of the whole process: memory, churn, hanging targets, storms.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::programs::{BINARY, Daemon, Program, client, free_address, get, until};

/// Serves one body on every path of an address, until the test ends.
async fn serve(address: &str, body: String) -> String {
    let listener = TcpListener::bind(address).await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let answer = Arc::new(format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/plain; version=0.0.4\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n{body}",
        body.len()
    ));
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let answer = Arc::clone(&answer);
            tokio::spawn(async move {
                let mut request = [0; 4096];
                if stream.read(&mut request).await.is_ok_and(|bytes| bytes > 0) {
                    drop(stream.write_all(answer.as_bytes()).await);
                }
            });
        }
    });
    address
}

/// Accepts, and says nothing for ever.
async fn hang(address: &str) -> String {
    let listener = TcpListener::bind(address).await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let mut held = Vec::new();
        loop {
            held.push(listener.accept().await.unwrap());
        }
    });
    address
}

const SMALL: &str = "# TYPE shop_requests_total counter\nshop_requests_total 5\n";

/// Targets at one address, each with a path and a service of its own.
fn groups(address: &str, name: &str, count: usize) -> String {
    (0..count).fold(String::new(), |mut text, n| {
        let labels = format!("{{__metrics_path__: /{name}/{n}, service: {name}-{n}}}");
        writeln!(text, "      - {{targets: ['{address}'], labels: {labels}}}").unwrap();
        text
    })
}

fn config(interval: &str, timeout: &str, groups: &str) -> String {
    format!(
        "global: {{scrape_interval: {interval}, scrape_timeout: {timeout}}}\nscrape_configs:\n  \
         - job_name: all\n    static_configs:\n{groups}"
    )
}

/// A figure of `/proc/PID/status`, in kB.
fn status_kb(program: &Program, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", program.id())).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .unwrap();
    line.trim_start_matches(':')
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap()
}

fn open_files(program: &Program) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", program.id()))
        .unwrap()
        .count()
}

/// The sum over every series of a name.
fn total(body: &str, name: &str) -> f64 {
    let values = body.lines().filter_map(|line| {
        let rest = line.strip_prefix(name)?;
        let value = match rest.strip_prefix('{') {
            Some(labels) => labels.rsplit_once("} ")?.1,
            None => rest.strip_prefix(' ')?,
        };
        value.parse::<f64>().ok()
    });
    values.sum()
}

async fn metrics(daemon: &Daemon) -> String {
    get(&daemon.url("/metrics")).await.unwrap().1
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_72_large_bodies_at_once_stay_within_a_memory_bound() {
    let folder = tempfile::tempdir().unwrap();
    let padding = format!("# {}\n", "x".repeat(998));
    let body = format!("{SMALL}{}", padding.repeat(3_000));
    let bytes = body.len();
    let address = serve("127.0.71.20:0", body).await;
    let all = groups(&address, "large", 50);
    let daemon = Daemon::start(&config("2s", "2s", &all), folder.path(), &[]);
    let ok = "manifesto_exporter_scrapes_total{result=\"ok\"}";
    until(&daemon.url("/metrics"), |body| total(body, ok) >= 100.0).await;
    let peak = status_kb(&daemon.program, "VmHWM");
    // Kept whole, the bodies of one round alone would be more.
    let round = 50 * bytes as u64 / 1024;
    println!("peak {peak} kB, a round of bodies {round} kB");
    assert!(
        peak < 90_000 && round > 140_000,
        "peak {peak} kB, a round {round} kB"
    );
}

fn write_round(folder: &Path, address: &str, round: usize) {
    let groups: Vec<serde_json::Value> = (0..40)
        .map(|n| {
            let labels = serde_json::json!({
                "service": format!("s{round}-{n}"), "__metrics_path__": format!("/{round}/{n}")
            });
            serde_json::json!({"targets": [address], "labels": labels})
        })
        .collect();
    let aside = folder.join("targets.json.new");
    std::fs::write(&aside, serde_json::to_vec(&groups).unwrap()).unwrap();
    std::fs::rename(aside, folder.join("targets.json")).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_75_targets_that_come_and_go_leave_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let address = serve("127.0.71.21:0", SMALL.to_owned()).await;
    write_round(folder.path(), &address, 0);
    let daemon = Daemon::start(
        "global: {scrape_interval: 1s, scrape_timeout: 500ms}\nscrape_configs:\n  \
         - job_name: all\n    file_sd_configs: [{files: [targets.json]}]\n",
        folder.path(),
        &[],
    );
    let mut seen = Vec::new();
    for round in 0..9 {
        write_round(folder.path(), &address, round);
        let last = format!("manifesto_target_up{{service_name=\"s{round}-39\"");
        let before = format!("service_name=\"s{}-", round as isize - 1);
        let body = until(&daemon.url("/metrics"), |body| {
            body.contains(&last) && !body.contains(&before)
        })
        .await;
        let series = body
            .lines()
            .filter(|line| line.starts_with("manifesto_"))
            .count();
        let (memory, files) = (
            status_kb(&daemon.program, "VmRSS"),
            open_files(&daemon.program),
        );
        println!("round {round}: {series} series, {memory} kB, {files} files");
        seen.push((series, memory, files));
    }
    let ((series, memory, files), last) = (seen[3], seen[8]);
    assert!(last.0.abs_diff(series) <= 60, "{seen:?}");
    assert!(last.1 < memory + 6_000, "{seen:?}");
    assert!(last.2 < files + 40, "{seen:?}");
}

/// The upper bound of the bucket that holds the quantile.
fn quantile(body: &str, histogram: &str, q: f64) -> f64 {
    let bucket = format!("{histogram}_bucket{{le=\"");
    let buckets: Vec<(f64, f64)> = body
        .lines()
        .filter_map(|line| line.strip_prefix(&bucket)?.split_once("\"} "))
        .map(|(le, count)| (le.parse().unwrap_or(f64::INFINITY), count.parse().unwrap()))
        .collect();
    let wanted = buckets.last().unwrap().1 * q;
    buckets
        .iter()
        .find(|(_, count)| *count >= wanted)
        .unwrap()
        .0
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_78_half_of_the_targets_hanging_does_not_delay_the_others() {
    let (healthy, silent) = (
        serve("127.0.71.22:0", SMALL.to_owned()).await,
        hang("127.0.71.23:0").await,
    );
    let all = groups(&healthy, "healthy", 100) + &groups(&silent, "silent", 100);
    // Places for everybody, and fewer places than there are hanging targets.
    let figures = tokio::join!(
        healthy_targets_are_on_time(&all, ""),
        healthy_targets_are_on_time(&all, "scrape_concurrency: 50\n"),
    );
    println!("{figures:?}");
}

/// What was measured, in words.
async fn healthy_targets_are_on_time(all: &str, more: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let text = config("2s", "1s", all) + more;
    let daemon = Daemon::start(&text, folder.path(), &[]);
    let up = |body: &str| total(body, "manifesto_target_up");
    until(&daemon.url("/metrics"), |body| up(body) == 100.0).await;
    let start = Instant::now();
    let ok = "manifesto_exporter_scrapes_total{result=\"ok\"}";
    let before = total(&metrics(&daemon).await, ok);
    let body = until(&daemon.url("/metrics"), |body| {
        total(body, ok) >= before + 300.0
    })
    .await;
    let expected = 50.0 * start.elapsed().as_secs_f64();
    let done = total(&body, ok) - before;
    let late = quantile(&body, "manifesto_exporter_scrape_lateness_seconds", 0.99);
    assert!(done > 0.9 * expected, "{done} of {expected}");
    assert_eq!(up(&body), 100.0);
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_secs_f64();
    let family = "manifesto_target_last_scrape_timestamp_seconds{service_name=\"healthy";
    let oldest = body
        .lines()
        .filter(|line| line.starts_with(family))
        .map(|line| line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap())
        .fold(now, f64::min);
    assert!(now - oldest < 5.0, "{} s old", now - oldest);
    if more.is_empty() {
        assert!(late <= 0.5, "{late}");
    }
    format!("{more}{done} of {expected:.0} scrapes, p99 lateness at most {late} s")
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_71_the_server_recovers_from_running_out_of_file_descriptors() {
    let folder = tempfile::tempdir().unwrap();
    let address = free_address().to_string();
    std::fs::write(folder.path().join("config.yaml"), "scrape_configs: []\n").unwrap();
    let command = format!(
        "ulimit -n 64; exec {BINARY} --config.file=config.yaml --web.listen-address={address}"
    );
    let program = Program::start("sh", &["-c", &command], folder.path());
    let url = format!("http://{address}/-/healthy");
    until(&url, |_| true).await;
    let mut held = Vec::new();
    for _ in 0..100 {
        held.push(TcpStream::connect(&address).await.unwrap());
    }
    program
        .until_log("a connection could not be accepted")
        .await;
    drop(held);
    until(&url, |_| true).await;
    program.signal("TERM");
    assert_eq!(program.wait().0.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_57_a_storm_of_reloads_is_a_few_and_disturbs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let address = serve("127.0.71.24:0", SMALL.to_owned()).await;
    let text = config("1s", "500ms", &groups(&address, "healthy", 500));
    let daemon = Daemon::start(&text, folder.path(), &["--web.enable-lifecycle"]);
    let up = |body: &str| total(body, "manifesto_target_up");
    until(&daemon.url("/metrics"), |body| up(body) == 500.0).await;
    let reloads = "manifesto_exporter_config_reloads_total{result=\"success\"}";
    for _ in 0..100 {
        daemon.program.signal("HUP");
    }
    let asking: Vec<_> = (0..100)
        .map(|_| tokio::spawn(client().post(daemon.url("/-/reload")).send()))
        .collect();
    for asked in asking {
        assert_eq!(asked.await.unwrap().unwrap().status().as_u16(), 200);
    }
    let body = metrics(&daemon).await;
    let done = total(&body, reloads);
    println!("{done} reloads of 200 asked for");
    assert!((1.0..200.0).contains(&done), "{done}");
    assert_eq!(
        total(
            &body,
            "manifesto_exporter_config_reloads_total{result=\"failure\"}"
        ),
        0.0
    );
    assert_eq!(up(&body), 500.0);
    let panics = total(&body, "manifesto_exporter_scrape_panics_total");
    assert_eq!(panics, 0.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_52_a_bad_reload_keeps_every_target_and_every_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let address = serve("127.0.71.25:0", SMALL.to_owned()).await;
    let text = config("1s", "500ms", &groups(&address, "healthy", 20));
    let daemon = Daemon::start(&text, folder.path(), &[]);
    let up = |body: &str| total(body, "manifesto_target_up");
    until(&daemon.url("/metrics"), |body| up(body) == 20.0).await;
    let failures = "manifesto_exporter_config_reloads_total{result=\"failure\"}";
    let bad = [
        "",
        "scrape_configs: [\n",
        "scrape_configs: [{job_name: a, scrape_interval: -1s}]\n",
    ];
    for (count, bad) in bad.into_iter().enumerate() {
        std::fs::write(folder.path().join("config.yaml"), bad).unwrap();
        daemon.program.signal("HUP");
        let line = format!("{failures} {}", count + 1);
        let body = daemon.until_metric(&line).await;
        assert_eq!(up(&body), 20.0, "{bad}");
        assert!(body.contains("manifesto_exporter_config_last_reload_successful 0\n"));
    }
    std::fs::remove_file(folder.path().join("config.yaml")).unwrap();
    daemon.program.signal("HUP");
    let body = daemon.until_metric(&format!("{failures} 4")).await;
    assert_eq!(up(&body), 20.0);
    daemon.program.until_log("config.yaml:1:").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_84_proxies_of_the_environment_are_ignored() {
    let folder = tempfile::tempdir().unwrap();
    let service = serve("127.0.71.26:0", SMALL.to_owned()).await;
    let text = config("1s", "500ms", &groups(&service, "direct", 1));
    std::fs::write(folder.path().join("config.yaml"), text).unwrap();
    let address = free_address().to_string();
    let listen = format!("--web.listen-address={address}");
    let proxy = "http://127.0.71.26:1";
    let variables = [
        "http_proxy",
        "HTTP_PROXY",
        "https_proxy",
        "HTTPS_PROXY",
        "ALL_PROXY",
    ];
    let variables = variables.map(|name| format!("{name}={proxy}"));
    let mut arguments: Vec<&str> = variables.iter().map(String::as_str).collect();
    arguments.extend([BINARY, "--config.file=config.yaml", &listen]);
    let _program = Program::start("env", &arguments, folder.path());
    let url = format!("http://{address}/metrics");
    until(&url, |body| total(body, "manifesto_target_up") == 1.0).await;
}

/// Stderr is a pipe that nobody reads: a log line of thirty kilobytes for each reload.
#[tokio::test(flavor = "multi_thread")]
async fn fault_77_a_log_that_nobody_reads_stops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.yaml");
    std::fs::write(&file, "scrape_configs: []\n").unwrap();
    let address = free_address().to_string();
    let mut child = std::process::Command::new(BINARY)
        .args([
            "--config.file=config.yaml",
            "--web.listen-address",
            &address,
        ])
        .current_dir(folder.path())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let url = format!("http://{address}/metrics");
    until(&url, |_| true).await;
    std::fs::write(&file, format!("{}: 1\n", "x".repeat(30_000))).unwrap();
    let kill = |signal: &str| {
        let command = format!("kill -{signal} {}", child.id());
        let status = std::process::Command::new("sh")
            .args(["-c", &command])
            .status();
        assert!(status.unwrap().success());
    };
    let failures = "manifesto_exporter_config_reloads_total{result=\"failure\"}";
    for count in 1..=8 {
        kill("HUP");
        until(&url, |body| total(body, failures) >= f64::from(count)).await;
    }
    kill("TERM");
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if start.elapsed() > Duration::from_secs(5) {
            child.kill().unwrap();
            panic!("it does not end");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(status.code(), Some(0));
}
