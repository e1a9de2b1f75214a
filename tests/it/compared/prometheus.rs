//! The real Prometheus, as what it finds is recorded.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::targets::{Jobs, of_prometheus};
use crate::programs::{Program, free_address};

/// The path to a program, from the environment.
pub(crate) fn program(variable: &str) -> String {
    std::env::var(variable)
        .unwrap_or_else(|_| panic!("{variable} names a program: ./tests/run real"))
}

/// A running Prometheus with a configuration.
pub(crate) struct Prometheus {
    program: Program,
    address: SocketAddr,
}

impl Prometheus {
    pub(crate) fn start(folder: &Path, jobs: &[Value]) -> Self {
        Self::start_by(&[], folder, jobs)
    }

    /// Starts it by another program, which gets its command line.
    pub(crate) fn start_by(by: &[&str], folder: &Path, jobs: &[Value]) -> Self {
        let file = folder.join("prometheus.json");
        std::fs::write(&file, json!({"scrape_configs": jobs}).to_string()).unwrap();
        let address = free_address();
        let (prometheus, config) = (
            program("PROMETHEUS"),
            format!("--config.file={}", file.display()),
        );
        let storage = format!("--storage.tsdb.path={}", folder.join("tsdb").display());
        let listen = format!("--web.listen-address={address}");
        let own = [prometheus.as_str(), &config, &storage, &listen];
        let command: Vec<&str> = by.iter().copied().chain(own).collect();
        let program = Program::start(command[0], &command[1..], folder);
        Self { program, address }
    }

    pub(crate) fn log(&self) -> String {
        self.program.log()
    }

    /// What `/api/v1/targets` says.
    pub(crate) async fn targets(&self) -> Option<Value> {
        let url = format!("http://{}/api/v1/targets", self.address);
        let (_, text) = crate::programs::get(&url).await.ok()?;
        let answer: Value = serde_json::from_str(&text).ok()?;
        answer["data"]["activeTargets"].is_array().then_some(answer)
    }
}

/// How long Prometheus is given: it tells changes up to five seconds late.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long nothing may change before it is believed to be all.
const QUIET: Duration = Duration::from_secs(12);

/// Waits until Prometheus's targets stay as they are.
pub(crate) async fn stable(prometheus: &Prometheus) -> Jobs {
    let (mut last, mut since) = (Jobs::new(), Instant::now());
    let begun = Instant::now();
    loop {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let now = prometheus.targets().await;
        let now = now.map(|answer| of_prometheus(&answer)).unwrap_or_default();
        if now != last {
            (last, since) = (now, Instant::now());
        } else if since.elapsed() > QUIET && !last.is_empty() {
            return last;
        }
        assert!(
            begun.elapsed() < PATIENCE,
            "never quiet: {}",
            prometheus.log()
        );
    }
}
