//! Target sets that can be compared.

use std::collections::BTreeMap;

use manifesto_exporter::discovery::{Discovered, DropKind};
use manifesto_exporter::labels::Labels;
use serde::{Deserialize, Serialize};
use serde_json::Value;

type Map = BTreeMap<String, String>;

/// A target, or what relabelling dropped.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Found {
    /// `None` of what was dropped; [`ELSEWHERE`] of what is not scraped because another target has its URL.
    pub(crate) url: Option<String>,
    pub(crate) labels: Map,
    pub(crate) discovered: Map,
}

/// Prometheus scrapes a URL once for each set of labels, we do once.
pub(crate) const ELSEWHERE: &str = "another target has the URL";

/// What was found, by job.
pub(crate) type Jobs = BTreeMap<String, Vec<Found>>;

/// Labels of Prometheus 3 that tell it how to scrape, and us nothing.
const INTERNAL: [&str; 3] = [
    "__convert_classic_histograms_to_nhcb__",
    "__always_scrape_classic_histograms__",
    "__scrape_native_histograms__",
];

fn map(labels: &Labels) -> Map {
    let pairs = labels.iter();
    pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// A default port is not part of a URL.
fn plain(url: &str) -> String {
    url::Url::parse(url).map_or_else(|_| url.to_owned(), |url| url.to_string())
}

/// What Prometheus says in `/api/v1/targets`, by job.
pub(crate) fn of_prometheus(answer: &Value) -> Jobs {
    let labels = |value: &Value| -> Map {
        let pairs = value.as_object().unwrap().iter();
        let pairs = pairs.filter(|(name, _)| !INTERNAL.contains(&name.as_str()));
        pairs
            .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
            .collect()
    };
    let pool = |target: &Value| target["scrapePool"].as_str().unwrap().to_owned();
    let mut jobs = Jobs::new();
    for target in answer["data"]["activeTargets"].as_array().unwrap() {
        jobs.entry(pool(target)).or_default().push(Found {
            url: Some(plain(target["scrapeUrl"].as_str().unwrap())),
            labels: labels(&target["labels"]),
            discovered: labels(&target["discoveredLabels"]),
        });
    }
    for target in answer["data"]["droppedTargets"].as_array().unwrap() {
        jobs.entry(pool(target)).or_default().push(Found {
            url: None,
            labels: Map::new(),
            discovered: labels(&target["discoveredLabels"]),
        });
    }
    jobs.values_mut().for_each(|found| {
        found.sort();
        found.dedup();
    });
    jobs
}

/// What we found, of one job.
pub(crate) fn ours(discovered: &Discovered) -> Vec<Found> {
    let kept = discovered.targets.iter().map(|target| Found {
        url: Some(plain(&target.url.to_string())),
        labels: map(&target.labels),
        discovered: map(&target.found.labels()),
    });
    let dropped = discovered.dropped.iter().filter_map(|dropped| {
        let url = match dropped.reason.kind() {
            DropKind::Relabel => None,
            DropKind::OtherLabels => Some(ELSEWHERE.to_owned()),
            DropKind::Invalid | DropKind::Duplicate | DropKind::Limit => return None,
        };
        Some(Found {
            url,
            labels: Map::new(),
            discovered: map(&dropped.labels()),
        })
    });
    let mut found: Vec<Found> = kept.chain(dropped).collect();
    found.sort();
    found.dedup();
    found
}
