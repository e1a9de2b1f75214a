//! The real Prometheus in each world: what it finds is recorded.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::dns::Zones;
use super::equality::with_servers;
use super::server::Server;
use super::world::{SERVED, advance, placeless, record, recorded, world};
use crate::compared::ours::{Ours, compare};
use crate::compared::prometheus::{Prometheus, stable};
use crate::compared::targets::Jobs;
use crate::compared::vmagent::{Opinion, Vmagent, keep as keep_opinions};
use crate::programs::tell;

/// Records what was found, or holds it to what was recorded.
fn keep(name: &str, found: &[Jobs]) -> Vec<String> {
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        record(name, found);
        return Vec::new();
    }
    let known = recorded(name);
    assert_eq!(known.len(), found.len());
    let both = found.iter().zip(&known);
    both.flat_map(|(found, known)| compare(found, known))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a current Prometheus: ./tests/run real"]
async fn real_prometheus_finds_the_services_that_are_recorded() {
    let mut wrong = Vec::new();
    for (name, answer) in SERVED {
        let mut server = Server::start(answer).await;
        let world = world(name);
        let place = server.address.to_string();
        let jobs = world.jobs(&place);
        server.set(world.steps[0].clone());
        let folder = tempfile::tempdir().unwrap();
        let prometheus = Prometheus::start(folder.path(), &jobs);
        let mut ours = Ours::start(&jobs);
        let mut found = Vec::new();
        for step in &world.steps {
            advance(&mut server, step, Duration::from_secs(2)).await;
            if step["restart"].as_bool() == Some(true) {
                // Prometheus asks Consul again after 15 seconds.
                tokio::time::sleep(Duration::from_secs(16)).await;
            }
            let targets = stable(&prometheus).await;
            let differs = ours.until_equal(&targets, Duration::from_secs(10)).await;
            wrong.extend(
                differs
                    .into_iter()
                    .map(|wrong| format!("{name}, {}: {wrong}", step["name"])),
            );
            found.push(placeless(targets, &place));
        }
        wrong.extend(keep(name, &found));
        if !wrong.is_empty() {
            let log = prometheus.log();
            let complaints = log.lines().filter(|line| line.contains("level=ERROR"));
            wrong.extend(complaints.take(5).map(str::to_owned));
        }
        ours.stop().await;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A second opinion: vmagent, which reads the same jobs by code of its own.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a vmagent: ./tests/run real"]
async fn real_vmagent_finds_the_services_that_prometheus_finds() {
    let mut opinions = BTreeMap::new();
    // It wants more of EC2 than a server of the tests says.
    for (name, answer) in SERVED.into_iter().filter(|(name, _)| *name != "ec2") {
        let server = Server::start(answer).await;
        let world = world(name);
        let place = server.address.to_string();
        server.set(world.steps[0].clone());
        let folder = tempfile::tempdir().unwrap();
        let vmagent = Vmagent::start(folder.path(), &world.jobs(&place));
        let found = placeless(vmagent.stable().await, &place);
        opinions.insert(name, Opinion::of(&found, &recorded(name)[0]));
    }
    keep_opinions("services", &opinions);
}

/// Prometheus reads `/etc/resolv.conf`, which names port 53: it runs where that file is another.
fn start_with_resolv_conf(folder: &Path, jobs: &[Value], server: SocketAddr) -> Prometheus {
    let resolv_conf = folder.join("resolv.conf");
    std::fs::write(&resolv_conf, format!("nameserver {}\n", server.ip())).unwrap();
    let mount = format!(
        "mount --bind {} /etc/resolv.conf && exec \"$0\" \"$@\"",
        resolv_conf.display()
    );
    Prometheus::start_by(&["unshare", "--mount", "sh", "-c", &mount], folder, jobs)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a current Prometheus: ./tests/run real"]
async fn real_prometheus_finds_the_names_that_are_recorded() {
    let world = world("dns");
    let address: SocketAddr = "127.0.0.1:53".parse().unwrap();
    let mut zones = Zones::start(address, &world.steps[0]).await;
    let jobs = world.jobs("");
    let folder = tempfile::tempdir().unwrap();
    let prometheus = start_with_resolv_conf(folder.path(), &jobs, address);
    let mut ours = Ours::start(&with_servers(jobs, address));
    let (mut found, mut wrong) = (Vec::new(), Vec::new());
    for (index, step) in world.steps.iter().enumerate() {
        if step["broken"].as_bool() == Some(true) {
            zones = zones.restart_broken().await;
        } else if index > 0 {
            zones.set(step).await;
        }
        let targets = stable(&prometheus).await;
        let differs = ours.until_equal(&targets, Duration::from_secs(10)).await;
        wrong.extend(
            differs
                .into_iter()
                .map(|wrong| format!("{}: {wrong}", step["name"])),
        );
        found.push(targets);
    }
    wrong.extend(keep("dns", &found));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    tell(format_args!("{} steps of dns", found.len()));
    ours.stop().await;
}
