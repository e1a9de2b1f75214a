//! Each world, step by step: ours finds what Prometheus found.

use std::time::Duration;

use super::dns::Zones;
use super::server::Server;
use super::world::{SERVED, advance, recorded, world};
use crate::compared::ours::Ours;
use crate::programs::{free_address, tell};

const PATIENCE: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread")]
async fn services_are_those_that_prometheus_found() {
    for (name, answer) in SERVED {
        let mut server = Server::start(answer).await;
        let (world, recorded) = (world(name), recorded(name));
        let jobs = world.jobs(&server.address.to_string());
        server.set(world.steps[0].clone());
        let mut ours = Ours::start(&jobs);
        let mut equal = 0;
        for (step, targets) in world.steps.iter().zip(&recorded) {
            advance(&mut server, step, Duration::from_millis(200)).await;
            let wrong = ours.until_equal(targets, PATIENCE).await;
            let errors = ours.errors();
            assert!(
                wrong.is_empty(),
                "{name}, {}: {}\n{errors:?}",
                step["name"],
                wrong.join("\n")
            );
            equal += targets.values().map(Vec::len).sum::<usize>();
        }
        tell(format_args!(
            "{equal} of {equal} targets of {} {name} jobs are those that Prometheus finds",
            jobs.len()
        ));
        ours.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_those_that_prometheus_found() {
    let (world, recorded) = (world("dns"), recorded("dns"));
    let mut zones = Zones::start(free_address(), &world.steps[0]).await;
    let jobs = with_servers(world.jobs(""), zones.address);
    let mut ours = Ours::start(&jobs);
    let mut equal = 0;
    for (index, (step, targets)) in world.steps.iter().zip(&recorded).enumerate() {
        if step["broken"].as_bool() == Some(true) {
            zones = zones.restart_broken().await;
        } else if index > 0 {
            zones.set(step).await;
        }
        let wrong = ours.until_equal(targets, PATIENCE).await;
        let errors = ours.errors();
        assert!(
            wrong.is_empty(),
            "{}: {}\n{errors:?}",
            step["name"],
            wrong.join("\n")
        );
        equal += targets.values().map(Vec::len).sum::<usize>();
    }
    tell(format_args!(
        "{equal} of {equal} targets of {} dns jobs are those that Prometheus finds",
        jobs.len()
    ));
    ours.stop().await;
}

/// Prometheus asks whom the system names; ours may be told.
pub(super) fn with_servers(
    mut jobs: Vec<serde_json::Value>,
    server: std::net::SocketAddr,
) -> Vec<serde_json::Value> {
    for job in &mut jobs {
        for config in job["dns_sd_configs"].as_array_mut().unwrap() {
            config["servers"] = serde_json::json!([server.to_string()]);
        }
    }
    jobs
}
