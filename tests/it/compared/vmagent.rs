//! A second opinion: vmagent, which reads `scrape_configs` of Prometheus by code of its own, on the servers of the tests.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::prometheus::program;
use super::targets::{Jobs, of_prometheus};
use crate::programs::{Program, free_address, get, tell};

/// How long nothing may change before it is believed to be all.
const QUIET: Duration = Duration::from_secs(6);

/// A running vmagent.
pub(crate) struct Vmagent {
    program: Program,
    address: SocketAddr,
}

impl Vmagent {
    pub(crate) fn start(folder: &Path, jobs: &[Value]) -> Self {
        let file = folder.join("vmagent.json");
        std::fs::write(&file, json!({"scrape_configs": jobs}).to_string()).unwrap();
        let address = free_address();
        let options = [
            format!("-promscrape.config={}", file.display()),
            format!("-httpListenAddr={address}"),
            // It keeps what it scrapes nowhere.
            "-remoteWrite.url=http://127.0.0.1:1/".to_owned(),
            format!("-remoteWrite.tmpDataPath={}", folder.join("data").display()),
            // What it does not know of Prometheus's it passes over.
            "-promscrape.config.strictParse=false".to_owned(),
        ];
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let program = Program::start(&program("VMAGENT"), &options, folder);
        Self { program, address }
    }

    /// Its targets, once they stay as they are.
    pub(crate) async fn stable(&self) -> Jobs {
        let (mut last, mut since) = (Jobs::new(), Instant::now());
        let begun = Instant::now();
        loop {
            tokio::time::sleep(Duration::from_millis(500)).await;
            let url = format!("http://{}/api/v1/targets", self.address);
            let answer = get(&url).await.ok();
            let answer = answer.and_then(|(_, text)| serde_json::from_str::<Value>(&text).ok());
            let now = answer.filter(|answer| answer["data"]["activeTargets"].is_array());
            let now = now.map(|mut answer| {
                // It does not say of which job they were.
                answer["data"]["droppedTargets"] = json!([]);
                of_prometheus(&answer)
            });
            let now = now.unwrap_or_default();
            if now != last {
                (last, since) = (now, Instant::now());
            } else if since.elapsed() > QUIET && !last.is_empty() {
                return last;
            }
            assert!(
                begun.elapsed() < Duration::from_secs(60),
                "never quiet: {}",
                self.program.log()
            );
        }
    }
}

/// What is scraped, by job: URLs alone. Of discovery's labels vmagent has others, which jobs turn into labels of targets.
fn urls(jobs: &Jobs) -> BTreeSet<(&str, &str)> {
    let found = jobs
        .iter()
        .flat_map(|(job, found)| found.iter().map(move |found| (job.as_str(), found)));
    found
        .filter_map(|(job, found)| Some((job, found.url.as_deref()?)))
        .collect()
}

/// What both scrape, and what one of them scrapes alone.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Opinion {
    equal: usize,
    differences: BTreeSet<String>,
}

impl Opinion {
    pub(crate) fn of(vmagent: &Jobs, prometheus: &Jobs) -> Self {
        let (own, others) = (urls(vmagent), urls(prometheus));
        let shown = |who: &str, (job, url): &(&str, &str)| format!("{job}: {who} alone: {url}");
        let alone = own.difference(&others).map(|one| shown("vmagent", one));
        let missing = others.difference(&own).map(|one| shown("Prometheus", one));
        Self {
            equal: own.intersection(&others).count(),
            differences: alone.chain(missing).collect(),
        }
    }
}

/// Holds opinions to those that are recorded, in which every difference is one of vmagent's from Prometheus.
pub(crate) fn keep(file: &str, opinions: &BTreeMap<&str, Opinion>) {
    let path = format!(
        "{}/tests/recorded/vmagent/{file}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let found = serde_json::to_string_pretty(opinions).unwrap() + "\n";
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        std::fs::write(&path, &found).unwrap();
    }
    assert_eq!(found, std::fs::read_to_string(path).unwrap());
    let equal: usize = opinions.values().map(|opinion| opinion.equal).sum();
    let differ = opinions.values().map(|opinion| opinion.differences.len());
    tell(format_args!(
        "{file}: {equal} URLs are those that vmagent scrapes too, {} are its own differences from Prometheus",
        differ.sum::<usize>()
    ));
}
