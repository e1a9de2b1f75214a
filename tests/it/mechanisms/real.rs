//! The real Prometheus in each world: what it finds is recorded.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::consul;
use super::dns::Zones;
use super::equality::with_servers;
use super::server::Server;
use super::world::{SERVED, advance, placeless, record, recorded, world};
use crate::compared::ours::{Ours, compare};
use crate::compared::prometheus::{Prometheus, program, stable};
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

/// The server of the tests is a Consul server to Consul's own client.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Consul's client: ./tests/run real"]
async fn real_client_of_consul_understands_the_server_of_the_tests() {
    let server = Server::start(consul::answer).await;
    let world = world("consul");
    server.set(world.steps[0].clone());
    let place = server.address.to_string();
    let arguments = [
        &place,
        "secret-token",
        "cart",
        "metrics",
        "Service.Port == 8067",
    ];
    let mut client = tokio::process::Command::new(program("CONSUL_CLIENT"))
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(client.stderr.take().unwrap()).lines();
    let waiting = said.next_line().await.unwrap();
    assert_eq!(waiting.as_deref(), Some("waiting"));
    server.set(world.steps[1].clone());
    let answer = client.wait_with_output().await.unwrap();
    let answer: Value = serde_json::from_slice(&answer.stdout).unwrap();
    let first = "cart-1 :8067 passing";
    let second = "cart-2 10.9.0.2:8067 warning";
    let expected = json!({
        "Datacenter": "dc1",
        "Services": {"cart": ["metrics", "v2"], "ledger": ["metrics"], "data base": [], "maintained": []},
        "Instances": [first, second],
        "Tagged": [first],
        "Filtered": [first, second],
        "Moved": true,
    });
    assert_eq!(answer, expected);
    tell(format_args!(
        "Consul's own client reads what the server of the tests answers, and waits for its index"
    ));
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
