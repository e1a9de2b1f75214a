//! The target sets of one configuration: ours beside the real Prometheus's.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use manifesto_exporter::labels::Labels;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::root;
use crate::discovery::rig::Rig;
use crate::programs::{Program, free_address, tell, until};

type Map = BTreeMap<String, String>;

/// A target as `/api/v1/targets` shows it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Found {
    url: String,
    labels: Map,
    discovered: Map,
}

/// Targets by job.
type Jobs = BTreeMap<String, Vec<Found>>;

/// Labels of Prometheus 3 that tell it how to scrape, and us nothing.
const INTERNAL: [&str; 3] = [
    "__convert_classic_histograms_to_nhcb__",
    "__always_scrape_classic_histograms__",
    "__scrape_native_histograms__",
];

fn recorded() -> PathBuf {
    root().join("tests/recorded/prometheus_targets.json")
}

/// A default port is not part of a URL; who is dialled without a host is this machine.
fn plain(url: &str) -> String {
    let named = url.replacen("://:", "://localhost:", 1);
    let url = named.as_str();
    url::Url::parse(url).map_or_else(|_| url.to_owned(), |url| url.to_string())
}

fn sorted(mut jobs: Jobs) -> Jobs {
    jobs.values_mut().for_each(|found| found.sort());
    jobs
}

/// Where a list was read is told apart by its name alone; a scheme is one in either case.
fn compared(mut labels: Map) -> Map {
    if let Some(scheme) = labels.get_mut("__scheme__") {
        scheme.make_ascii_lowercase();
    }
    if let Some(path) = labels.get_mut("__meta_filepath") {
        let name = path.rsplit('/').next().unwrap_or_default().to_owned();
        *path = name;
    }
    labels
}

fn map(labels: &Labels) -> Map {
    labels
        .iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[tokio::test]
async fn targets_are_those_that_prometheus_finds() {
    let kept: Jobs = serde_json::from_str(&std::fs::read_to_string(recorded()).unwrap()).unwrap();
    let file = root().join("tests/promconfig/targets.yml");
    let mut rig = Rig::start(&format!("scrape_config_files: ['{}']\n", file.display()));
    let total: usize = kept.values().map(Vec::len).sum();
    let found = rig
        .until("every list", |now| {
            now.ready
                && now
                    .sources
                    .iter()
                    .all(|source| source.last_success.is_some())
        })
        .await;
    let mut ours: Jobs = BTreeMap::new();
    for target in &found.targets {
        ours.entry(target.job.name.clone())
            .or_default()
            .push(Found {
                url: plain(&target.url.to_string()),
                labels: map(&target.labels),
                discovered: compared(map(&target.found.labels())),
            });
    }
    let ours = sorted(ours);
    let differs = |(job, expected): (&String, &Vec<Found>)| {
        let found = ours.get(job).cloned().unwrap_or_default();
        let expected = expected.iter().cloned().map(|target| Found {
            url: plain(&target.url),
            discovered: compared(target.discovered),
            ..target
        });
        let expected: Vec<Found> = expected.collect();
        (found != expected).then(|| format!("{job}: found {found:?}, Prometheus {expected:?}"))
    };
    let wrong: Vec<String> = kept.iter().filter_map(differs).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let count: usize = ours.values().map(Vec::len).sum();
    assert_eq!(count, total);
    tell(format_args!(
        "{total} targets of {} jobs are those that Prometheus finds",
        kept.len()
    ));
}

/// Asks the real Prometheus; the path to it is in `PROMETHEUS`.
#[tokio::test]
#[ignore = "needs a current Prometheus: ./tests/run real"]
async fn real_prometheus_finds_the_targets_that_are_recorded() {
    let prometheus =
        std::env::var("PROMETHEUS").expect("PROMETHEUS names the program: ./tests/run real");
    let data = tempfile::tempdir().unwrap();
    let address = free_address();
    let _program = Program::start(
        &prometheus,
        &[
            &format!(
                "--config.file={}",
                root().join("tests/promconfig/targets.yml").display()
            ),
            &format!("--storage.tsdb.path={}", data.path().display()),
            &format!("--web.listen-address={address}"),
        ],
        data.path(),
    );
    let url = format!("http://{address}/api/v1/targets?state=active");
    let is_there =
        |body: &str| body.contains("files by a folder") && body.contains("a second static list");
    until(&url, is_there).await;
    // Lists of files come a few seconds after static ones.
    tokio::time::sleep(Duration::from_secs(7)).await;
    let answer: Value = serde_json::from_str(&until(&url, is_there).await).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let labels = |value: &Value| -> Map {
        let pairs = value.as_object().unwrap().iter();
        pairs
            .map(|(name, value)| (name.clone(), text(value)))
            .collect()
    };
    let mut jobs: Jobs = BTreeMap::new();
    for target in answer["data"]["activeTargets"].as_array().unwrap() {
        let mut discovered = compared(labels(&target["discoveredLabels"]));
        discovered.retain(|name, _| !INTERNAL.contains(&name.as_str()));
        jobs.entry(text(&target["scrapePool"]))
            .or_default()
            .push(Found {
                url: plain(&text(&target["scrapeUrl"])),
                labels: labels(&target["labels"]),
                discovered,
            });
    }
    let jobs = sorted(jobs);
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        let text = serde_json::to_string_pretty(&jobs).unwrap() + "\n";
        std::fs::write(recorded(), text).unwrap();
        return;
    }
    let kept: Jobs = serde_json::from_str(&std::fs::read_to_string(recorded()).unwrap()).unwrap();
    assert_eq!(jobs, kept);
}
