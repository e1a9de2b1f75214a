//! Ours beside what Prometheus found: discovered labels, final labels and URLs, step by step.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use manifesto_exporter::discovery::Timing;
use serde_json::{Value, json};

use super::fake::FakeApi;
use super::targets::{ELSEWHERE, Found, Jobs, ours};
use super::world::{Recorded, jobs, steps};
use crate::discovery::rig::{QUICK, Rig};
use crate::programs::tell;

/// Puts where the API server is into every `kubernetes_sd_configs`.
pub(super) fn with_access(mut jobs: Vec<Value>, access: &Value) -> Vec<Value> {
    for job in &mut jobs {
        for config in job["kubernetes_sd_configs"].as_array_mut().unwrap() {
            let config = config.as_object_mut().unwrap();
            config.extend(access.as_object().unwrap().clone());
        }
    }
    jobs
}

/// Our discovery, running for each job by itself: here a URL that two jobs name is one target.
pub(super) struct Ours(Vec<(String, Rig)>);

impl Ours {
    pub(super) fn start(jobs: &[Value]) -> Self {
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

    fn now(&self) -> Jobs {
        let found = self
            .0
            .iter()
            .map(|(name, rig)| (name.clone(), ours(&rig.now())));
        found.filter(|(_, found)| !found.is_empty()).collect()
    }

    /// Waits until they are as wanted; says what still differs when patience ends.
    pub(super) async fn until_equal(&mut self, wanted: &Jobs, patience: Duration) -> Vec<String> {
        let begun = Instant::now();
        loop {
            let differences = compare(&self.now(), wanted);
            if differences.is_empty() || begun.elapsed() > patience {
                return differences;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The errors of the sources, by job.
    pub(super) fn errors(&self) -> Vec<String> {
        let sources = self.0.iter().flat_map(|(_, rig)| rig.now().sources.clone());
        sources.filter_map(|source| source.last_error).collect()
    }

    pub(super) async fn stop(self) {
        for (_, rig) in self.0 {
            rig.stop().await;
        }
    }
}

/// What one has and the other has not. Of several discovered label sets that come to one target, Prometheus shows
/// any.
pub(super) fn compare(found: &Jobs, expected: &Jobs) -> Vec<String> {
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

/// Each step of the recorded cluster, on a server that streams lists and on one that does not.
#[tokio::test(flavor = "multi_thread")]
async fn targets_are_those_that_prometheus_found_in_a_real_cluster() {
    let mut equal = 0;
    for streams in [true, false] {
        let mut api = FakeApi::start().await;
        api.set_manners(|manners| {
            manners.no_streams = !streams;
            manners.page_max = Some(3);
        });
        let jobs = with_access(jobs(), &json!({"api_server": api.url()}));
        let mut ours = Ours::start(&jobs);
        for (index, step) in steps().into_iter().enumerate() {
            let recorded = Recorded::read(index);
            assert_eq!(recorded.step, step.name, "./tests/run real records anew");
            if step.restart {
                api.go_away().await;
                api.become_lists(&recorded.lists);
                tokio::time::sleep(Duration::from_millis(300)).await;
                api.come_back().await;
            } else {
                api.become_lists(&recorded.lists);
            }
            let wrong = ours
                .until_equal(&recorded.targets, Duration::from_secs(10))
                .await;
            assert!(
                wrong.is_empty(),
                "{}: {}\n{:?}",
                step.name,
                wrong.join("\n"),
                ours.errors()
            );
            equal += recorded.targets.values().map(Vec::len).sum::<usize>();
        }
        let requests = api.requests();
        let streamed = requests
            .iter()
            .filter(|request| request.starts_with("stream"));
        let listed = requests
            .iter()
            .filter(|request| request.starts_with("list"));
        assert_eq!(listed.count() == 0, streams);
        assert!(streamed.count() > 0);
        ours.stop().await;
    }
    let jobs = jobs().len();
    tell(format_args!(
        "{equal} of {equal} targets of {jobs} Kubernetes jobs are those that Prometheus finds"
    ));
}
