//! Ours beside what Prometheus found: discovered labels, final labels and URLs, step by step.

use std::time::Duration;

use serde_json::{Value, json};

use super::fake::FakeApi;
use super::world::{BY_JOBS, jobs, steps};
use crate::compared::ours::Ours;
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
            let recorded = BY_JOBS.read(index);
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
