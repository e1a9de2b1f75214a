//! The worlds of the tests, and what Prometheus found in them.

use std::path::PathBuf;

use serde::Deserialize;
use serde_json::Value;

use super::server::{Answer, Server};
use super::{consul, docker, ec2, nomad};
use crate::compared::targets::Jobs;

/// Jobs, and what there is step by step.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct World {
    jobs: Vec<Value>,
    pub(super) steps: Vec<Value>,
}

/// Those that a server of ours serves.
pub(super) const SERVED: [(&str, Answer); 4] = [
    ("consul", consul::answer),
    ("nomad", nomad::answer),
    ("docker", docker::answer),
    ("ec2", ec2::answer),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

pub(super) fn world(name: &str) -> World {
    let path = root().join(format!("tests/mechanisms/{name}.yaml"));
    serde_saphyr::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

impl World {
    /// The jobs, with where the server is.
    pub(super) fn jobs(&self, server: &str) -> Vec<Value> {
        let text = serde_json::to_string(&self.jobs).unwrap();
        serde_json::from_str(&text.replace("SERVER", server)).unwrap()
    }
}

fn recorded_path(name: &str) -> PathBuf {
    root().join(format!("tests/recorded/mechanisms/{name}.json"))
}

/// What Prometheus found, step by step.
pub(super) fn recorded(name: &str) -> Vec<Jobs> {
    let text = std::fs::read_to_string(recorded_path(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// A target a line, so that what changes can be seen.
pub(super) fn record(name: &str, steps: &[Jobs]) {
    let steps = steps.iter().map(|jobs| {
        let jobs = jobs.iter().map(|(job, found)| {
            let found = found
                .iter()
                .map(|found| serde_json::to_string(found).unwrap());
            let found: Vec<String> = found.collect();
            let job = serde_json::to_string(job).unwrap();
            format!("{job}: [\n{}\n]", found.join(",\n"))
        });
        format!("{{\n{}\n}}", jobs.collect::<Vec<_>>().join(",\n"))
    });
    let text = format!("[{}]\n", steps.collect::<Vec<_>>().join(",\n"));
    std::fs::write(recorded_path(name), text).unwrap();
}

/// Makes the server serve a step.
pub(super) async fn advance(server: &mut Server, step: &Value, away: std::time::Duration) {
    if step["restart"].as_bool() == Some(true) {
        server.go_away().await;
        tokio::time::sleep(away).await;
        server.set(step.clone());
        server.come_back().await;
    } else {
        server.set(step.clone());
    }
}

/// Without where the server is, which differs from run to run.
pub(super) fn placeless(jobs: Jobs, server: &str) -> Jobs {
    let text = serde_json::to_string(&jobs).unwrap();
    serde_json::from_str(&text.replace(server, "SERVER")).unwrap()
}
