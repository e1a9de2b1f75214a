//! A thousand targets, half of which never answer.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use super::programs::{Daemon, get};

/// Targets of either kind.
const HALF: u16 = 500;

const INTERVAL: Duration = Duration::from_secs(2);

/// Scrapes of each healthy target that are looked at.
const ROUNDS: usize = 3;

const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: text/plain; version=0.0.4\r\ncontent-length: 5\r\n\
    connection: close\r\n\r\nup 1\n";

/// Each target has an address of its own in 127.0.0.0/8.
fn address(healthy: bool, nth: u16) -> Ipv4Addr {
    let [high, low] = nth.to_be_bytes();
    Ipv4Addr::new(127, if healthy { 78 } else { 79 }, high, low)
}

/// When each target was asked.
type Asked = Arc<Mutex<HashMap<IpAddr, Vec<Instant>>>>;

/// Serves every target from one socket, as one each would be more than a process may have open:
/// which one is meant is the address that was dialled. Returns the port.
async fn serve(asked: Asked) -> u16 {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::UNSPECIFIED, 0).into()).unwrap();
    let listener = socket.listen(4096).unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(answer(stream, Arc::clone(&asked)));
        }
    });
    port
}

fn note(asked: &Asked, target: Ipv4Addr) {
    let now = Instant::now();
    let mut asked = asked.lock().unwrap();
    asked.entry(target.into()).or_default().push(now);
}

async fn answer(mut stream: TcpStream, asked: Asked) {
    let IpAddr::V4(target) = stream.local_addr().unwrap().ip() else {
        return;
    };
    let mut request = [0; 4096];
    // Gone before it asked, at the end of the test.
    if !stream.read(&mut request).await.is_ok_and(|bytes| bytes > 0) {
        return;
    }
    note(&asked, target);
    if target.octets()[1] == address(true, 0).octets()[1] {
        drop(stream.write_all(ANSWER).await);
    } else {
        // Nothing, until the other side has had enough.
        drop(stream.read(&mut request).await);
    }
}

fn configuration(port: u16) -> String {
    let targets = |healthy| {
        let addresses = (0..HALF).map(|nth| format!("'{}:{port}'", address(healthy, nth)));
        addresses.collect::<Vec<_>>().join(", ")
    };
    // Fewer places than there are targets that hang.
    format!(
        "scrape_concurrency: 400\nglobal: {{scrape_interval: {}s, scrape_timeout: 1s}}\n\
         scrape_configs:\n  - job_name: all\n    static_configs:\n      - {{targets: [{}]}}\n      \
         - {{targets: [{}]}}\n    relabel_configs:\n      \
         - {{source_labels: [__address__], target_label: service}}\n",
        INTERVAL.as_secs(),
        targets(true),
        targets(false),
    )
}

/// Waits until each target of a kind was asked so often since `start`.
async fn until_asked(asked: &Asked, healthy: bool, times: usize, start: Instant) {
    let patience = Instant::now() + Duration::from_secs(60);
    let missing = || {
        let asked = asked.lock().unwrap();
        let since = |target: Ipv4Addr| {
            let times = asked.get(&target.into()).map_or(&[][..], Vec::as_slice);
            times.iter().filter(|at| **at >= start).count()
        };
        (0..HALF)
            .filter(|nth| since(address(healthy, *nth)) < times)
            .count()
    };
    while missing() > 0 {
        assert!(Instant::now() < patience, "{} were not asked", missing());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// How late each scrape of one target was, beside the most punctual of them.
fn lateness(asked: &[Instant]) -> Vec<f64> {
    let interval = INTERVAL.as_secs_f64();
    let off_beat = asked.iter().map(|at| {
        let since = at.duration_since(asked[0]).as_secs_f64();
        since - (since / interval).round() * interval
    });
    let off_beat: Vec<f64> = off_beat.collect();
    let punctual = off_beat.iter().copied().fold(f64::INFINITY, f64::min);
    off_beat.iter().map(|off| off - punctual).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_78_of_a_thousand_targets_those_that_answer_are_not_late() {
    let asked = Asked::default();
    let port = serve(Arc::clone(&asked)).await;
    let folder = tempfile::tempdir().unwrap();
    let began = Instant::now();
    let daemon = Daemon::start(&configuration(port), folder.path(), &[]);
    // Which ones are silent shows at their first turn; the first scrapes have a rhythm of their own.
    until_asked(&asked, false, 1, began).await;
    until_asked(&asked, true, 2, began).await;
    let start = Instant::now();
    until_asked(&asked, true, ROUNDS, start).await;
    let body = get(&daemon.url("/metrics")).await.unwrap().1;

    let asked = asked.lock().unwrap();
    let of_healthy = (0..HALF).map(|nth| {
        let times = &asked[&address(true, nth).into()];
        times.iter().copied().filter(|at| *at >= start).collect()
    });
    let of_healthy: Vec<Vec<Instant>> = of_healthy.collect();
    let mut late: Vec<f64> = of_healthy
        .iter()
        .flat_map(|times| lateness(times))
        .collect();
    late.sort_by(f64::total_cmp);
    let quantile = |share: f64| late[((late.len() - 1) as f64 * share) as usize];
    let longest = of_healthy
        .iter()
        .flat_map(|times| times.windows(2).map(|two| two[1] - two[0]))
        .max()
        .unwrap();
    println!(
        "{} scrapes of {HALF} healthy targets beside {HALF} silent ones: late by {:.3} s (median), {:.3} s (p99), \
         {:.3} s (most); {:.3} s between two at most",
        late.len(),
        quantile(0.5),
        quantile(0.99),
        quantile(1.0),
        longest.as_secs_f64(),
    );
    // None was left out for an interval.
    assert!(longest < 2 * INTERVAL, "{longest:?}");
    assert!(quantile(0.99) < INTERVAL.as_secs_f64() / 2.0);
    let timeouts = "manifesto_exporter_scrapes_total{result=\"timeout\"} ";
    let timeouts = body.lines().find_map(|line| line.strip_prefix(timeouts));
    let timeouts: u16 = timeouts.unwrap().parse().unwrap();
    assert!(timeouts >= HALF, "{timeouts}");
    let up = body
        .lines()
        .filter(|line| line.starts_with("manifesto_target_up{") && line.ends_with(" 1"));
    assert_eq!(up.count(), usize::from(HALF));
}
