//! The same on real servers: what they say is recorded, and held to what was.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::api::{ADMIN, Api};
use super::equality::with_access;
use super::fake::FakeApi;
use super::world::{BY_JOBS, RESOURCES, Recorded, jobs, rbac, steps, steps_with_monitors};
use crate::compared::ours::{Ours, compare};
use crate::compared::prometheus::{Prometheus, program, stable};
use crate::compared::targets::Jobs;
use crate::compared::vmagent::{Opinion, Vmagent, keep};
use crate::programs::{free_address, tell};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a current Prometheus and API server: ./tests/run real"]
async fn real_api_server_and_prometheus_say_what_is_recorded() {
    let mut api = Api::start().await;
    let folder = tempfile::tempdir().unwrap();
    let access = json!({
        "api_server": api.url(),
        "authorization": {"credentials": ADMIN},
        "tls_config": {"ca_file": api.ca()},
    });
    let jobs = with_access(jobs(), &access);
    let mut prometheus: Option<Prometheus> = None;
    let mut ours = Ours::start(&jobs);
    let (mut equal, mut wrong) = (0, Vec::new());
    for (index, step) in steps().into_iter().enumerate() {
        let home = api.address;
        if step.restart {
            // Nobody watches where it is meanwhile: what happens is found when it is back.
            api.stop_server();
            api.address = free_address();
            api.start_server().await;
        }
        for object in &step.delete {
            api.delete(object).await;
        }
        for object in &step.apply {
            api.apply(object).await;
        }
        if step.restart {
            api.stop_server();
            api.address = home;
            api.start_server().await;
        }
        let prometheus = prometheus.get_or_insert_with(|| Prometheus::start(folder.path(), &jobs));
        let targets = stable(prometheus).await;
        let differences = ours.until_equal(&targets, Duration::from_secs(20)).await;
        equal += targets.values().map(Vec::len).sum::<usize>();
        wrong.extend(
            differences
                .into_iter()
                .map(|wrong| format!("{}: {wrong}", step.name)),
        );
        let recorded = Recorded {
            step: step.name,
            lists: api.lists(&RESOURCES).await,
            targets,
        };
        if std::env::var_os("UPDATE_EXPECTED").is_some() {
            recorded.write(BY_JOBS, index);
        } else {
            let known = BY_JOBS.read(index);
            let differs = compare(&anonymous(recorded.targets), &anonymous(known.targets));
            wrong.extend(
                differs
                    .into_iter()
                    .map(|wrong| format!("recorded: {wrong}")),
            );
        }
    }
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    tell(format_args!(
        "{equal} targets of {} jobs on a real API server are those that Prometheus finds",
        jobs.len()
    ));
}

/// Without what differs from run to run.
fn anonymous(mut jobs: Jobs) -> Jobs {
    for found in jobs.values_mut().flatten() {
        found.discovered.remove("__meta_kubernetes_pod_uid");
        found.labels.remove("pod_uid");
    }
    jobs
}

/// Prometheus's own example for Kubernetes, as it is shipped; then a minute without an API server.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a current Prometheus and API server: ./tests/run real"]
async fn real_example_of_prometheus_finds_the_same_and_a_minute_without_a_server_loses_nothing() {
    let mut api = Api::start().await;
    let folder = tempfile::tempdir().unwrap();
    let steps = steps();
    for object in &steps[0].apply {
        api.apply(object).await;
    }
    let token = folder.path().join("token");
    std::fs::write(&token, ADMIN).unwrap();
    let account = "/var/run/secrets/kubernetes.io/serviceaccount";
    let text = std::fs::read_to_string(program("PROMETHEUS_EXAMPLE")).unwrap();
    let text = text.replace(&format!("{account}/ca.crt"), api.ca().to_str().unwrap());
    let text = text.replace(&format!("{account}/token"), token.to_str().unwrap());
    let example: Value = serde_saphyr::from_str(&text).unwrap();
    let access = json!({
        "api_server": api.url(),
        "authorization": {"credentials": ADMIN},
        "tls_config": {"ca_file": api.ca()},
    });
    let jobs = with_access(
        example["scrape_configs"].as_array().unwrap().clone(),
        &access,
    );
    let prometheus = Prometheus::start(folder.path(), &jobs);
    let mut ours = Ours::start(&jobs);
    let targets = stable(&prometheus).await;
    let wrong = ours.until_equal(&targets, Duration::from_secs(20)).await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let count = targets.values().map(Vec::len).sum::<usize>();
    tell(format_args!(
        "{count} targets of the {} jobs of Prometheus's own example are those that Prometheus finds",
        jobs.len()
    ));
    api.stop_server();
    let away = Instant::now();
    while away.elapsed() < Duration::from_secs(60) {
        assert_eq!(compare(&ours.now(), &targets), Vec::<String>::new());
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    assert!(!ours.errors().is_empty());
    api.start_server().await;
    let mut pod = steps[0]
        .apply
        .iter()
        .find(|object| object["kind"] == "Pod")
        .unwrap()
        .clone();
    pod["metadata"]["name"] = "came-later".into();
    api.apply(&pod).await;
    let targets = stable(&prometheus).await;
    let wrong = ours.until_equal(&targets, Duration::from_secs(60)).await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    ours.stop().await;
}

/// Our own server of the tests is held to the real Prometheus: it finds there what it found at the real API server.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a current Prometheus: ./tests/run real"]
async fn real_prometheus_discovers_from_the_server_of_the_tests() {
    let mut api = FakeApi::start().await;
    let folder = tempfile::tempdir().unwrap();
    let jobs = with_access(jobs(), &json!({"api_server": api.url()}));
    let mut prometheus: Option<Prometheus> = None;
    let mut wrong = Vec::new();
    for (index, step) in steps().into_iter().enumerate() {
        let recorded = BY_JOBS.read(index);
        if step.restart {
            api.go_away().await;
            api.become_lists(&recorded.lists);
            tokio::time::sleep(Duration::from_secs(2)).await;
            api.come_back().await;
        } else {
            // What Prometheus makes of an endpoint it does not make anew when the pod changes later.
            let is_endpoints = |path: &str| path.contains("endpoint");
            api.become_lists_of(&recorded.lists, |path| !is_endpoints(path));
            tokio::time::sleep(Duration::from_secs(1)).await;
            api.become_lists_of(&recorded.lists, is_endpoints);
        }
        let prometheus = prometheus.get_or_insert_with(|| Prometheus::start(folder.path(), &jobs));
        let targets = stable(prometheus).await;
        let differs = compare(&targets, &recorded.targets);
        wrong.extend(
            differs
                .into_iter()
                .map(|wrong| format!("{}: {wrong}", step.name)),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A second opinion: vmagent, which reads the same jobs by code of its own.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a vmagent: ./tests/run real"]
async fn real_vmagent_finds_what_prometheus_finds_in_a_cluster() {
    let api = FakeApi::start().await;
    let jobs = with_access(jobs(), &json!({"api_server": api.url()}));
    let recorded = BY_JOBS.read(0);
    api.become_lists(&recorded.lists);
    let folder = tempfile::tempdir().unwrap();
    let vmagent = Vmagent::start(folder.path(), &jobs);
    let opinion = Opinion::of(&vmagent.stable().await, &recorded.targets);
    keep("kubernetes", &BTreeMap::from([("kubernetes", opinion)]));
}

/// The manifest of deploy/ is enough for every job, and each resource in it is needed by one.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Kubernetes API server: ./tests/run real"]
async fn real_api_server_grants_what_the_manifest_asks_for_and_no_less() {
    let api = Api::start().await;
    api.apply(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "manifesto"}}))
        .await;
    for object in rbac() {
        api.apply(&object).await;
    }
    api.know_monitors().await;
    for object in &steps_with_monitors()[0].apply {
        api.apply(object).await;
    }
    let token = api.token_of("manifesto", "manifesto-exporter").await;
    let as_whom = |token: &str| {
        let access = json!({
            "api_server": api.url(),
            "authorization": {"credentials": token},
            "tls_config": {"ca_file": api.ca()},
        });
        let monitors =
            json!({"job_name": "monitors", "kubernetes_sd_configs": [{"role": "monitor"}]});
        with_access([jobs(), vec![monitors]].concat(), &access)
    };
    // Who may do everything finds the same.
    let admin = Ours::start(&as_whom(ADMIN));
    let jobs = as_whom(&token);
    let mut ours = Ours::start(&jobs);
    tokio::time::sleep(Duration::from_secs(3)).await;
    let wrong = ours
        .until_equal(&admin.now(), Duration::from_secs(20))
        .await;
    assert!(
        wrong.is_empty() && ours.errors().is_empty(),
        "{wrong:?} {:?}",
        ours.errors()
    );
    ours.stop().await;
    admin.stop().await;

    let role = rbac().into_iter().find(|object| {
        object["kind"] == "ClusterRole"
            && object["metadata"]["name"] == "manifesto-exporter-discovery"
    });
    let role = role.unwrap();
    let mut tried = 0;
    for rule in 0..role["rules"].as_array().unwrap().len() {
        let resources = role["rules"][rule]["resources"].as_array().unwrap().clone();
        for resource in &resources {
            let mut less = role.clone();
            let left: Vec<_> = resources
                .iter()
                .filter(|one| *one != resource)
                .cloned()
                .collect();
            match left.is_empty() {
                true => drop(less["rules"].as_array_mut().unwrap().remove(rule)),
                false => less["rules"][rule]["resources"] = json!(left),
            }
            api.apply(&less).await;
            let name = resource.as_str().unwrap();
            let ours = Ours::start(&jobs);
            let forbidden = format!("cannot watch resource \"{name}\"");
            ours.until_error(&forbidden, Duration::from_secs(20)).await;
            ours.stop().await;
            tried += 1;
        }
    }
    tell(format_args!(
        "{} jobs under the manifest; {tried} resources, each of which is needed",
        jobs.len()
    ));
}
