//! What our discovery finds, beside what Prometheus did.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use manifesto_exporter::discovery::Timing;
use serde_json::{Value, json};

use super::targets::{ELSEWHERE, Found, Jobs, ours};
use crate::discovery::rig::{QUICK, Rig};

/// Our discovery, running for each job by itself: here a URL that two jobs name is one target.
pub(crate) struct Ours(Vec<(String, Rig)>);

impl Ours {
    pub(crate) fn start(jobs: &[Value]) -> Self {
        let timing = Timing {
            retry: Duration::from_millis(100),
            ..QUICK
        };
        let rigs = jobs.iter().map(|job| {
            let config =
                json!({"scrape_configs": [job], "discovery": {"shrink_guard": {"enabled": false}}});
            let name = job["job_name"].as_str().unwrap().to_owned();
            (name, Rig::with_timing(&config.to_string(), timing))
        });
        Self(rigs.collect())
    }

    /// What is found now.
    pub(crate) fn now(&self) -> Jobs {
        let found = self
            .0
            .iter()
            .map(|(name, rig)| (name.clone(), ours(&rig.now())));
        found.filter(|(_, found)| !found.is_empty()).collect()
    }

    /// Waits until they are as wanted; says what still differs when patience ends.
    pub(crate) async fn until_equal(&mut self, wanted: &Jobs, patience: Duration) -> Vec<String> {
        let begun = Instant::now();
        loop {
            let differences = compare(&self.now(), wanted);
            if differences.is_empty() || begun.elapsed() > patience {
                return differences;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until a source fails with such an error.
    pub(crate) async fn until_error(&self, part: &str, patience: Duration) {
        let begun = Instant::now();
        while !self.errors().iter().any(|error| error.contains(part)) {
            assert!(begun.elapsed() < patience, "{:?}", self.errors());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// The errors of the sources, by job.
    pub(crate) fn errors(&self) -> Vec<String> {
        let sources = self.0.iter().flat_map(|(_, rig)| rig.now().sources.clone());
        sources.filter_map(|source| source.last_error).collect()
    }

    pub(crate) async fn stop(self) {
        for (_, rig) in self.0 {
            rig.stop().await;
        }
    }
}

/// What one has and the other has not. Of several discovered label sets that come to one target, Prometheus shows
/// any.
pub(crate) fn compare(found: &Jobs, expected: &Jobs) -> Vec<String> {
    let names: BTreeSet<&String> = found.keys().chain(expected.keys()).collect();
    let mut differences = Vec::new();
    for name in names {
        let set = |jobs: &Jobs| -> BTreeSet<Found> {
            let found = jobs.get(name).cloned().unwrap_or_default();
            found.into_iter().collect()
        };
        let (found, expected) = (set(found), set(expected));
        let is_same = |one: &Found, other: &Found| {
            let is_elsewhere = one.url.as_deref() == Some(ELSEWHERE) && other.url.is_some();
            match is_elsewhere {
                true => one.discovered == other.discovered,
                false => one.url.is_some() && one.url == other.url && one.labels == other.labels,
            }
        };
        let shown = |found: &Found| serde_json::to_string(found).unwrap();
        for missing in expected.difference(&found) {
            if !found.iter().any(|found| is_same(found, missing)) {
                differences.push(format!("{name}: missing {}", shown(missing)));
            }
        }
        for unexpected in found.difference(&expected) {
            if !expected
                .iter()
                .any(|expected| is_same(unexpected, expected))
            {
                differences.push(format!("{name}: unexpected {}", shown(unexpected)));
            }
        }
    }
    differences
}
