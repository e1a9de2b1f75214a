//! Discovery from Kubernetes under change: our daemon, and Prometheus where `PROMETHEUS` names it, in turn on the same
//! server of the tests.
//!
//! ```text
//! cargo bench --bench kubernetes -- --pods 5000 --changes 500 --seconds 60
//! PROMETHEUS=target/real/.../prometheus cargo bench --bench kubernetes -- ...
//! ```
//!
//! Of the changes six in ten touch labels of a pod, two an annotation, one its readiness, and one deletes it and creates
//! it anew under another name. CPU is utime and stime of the process while changes come, memory its VmHWM; lag is from the creation of a pod of a
//! second job to the moment at which the program says that it is there, and the same for its deletion. Targets are not scraped: the interval is a day.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a command line program that ends at the first thing that goes wrong"
)]

#[path = "../tests/it/kubernetes/fake.rs"]
#[expect(dead_code, reason = "the tests use the rest")]
mod fake;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use clap::Parser;
use serde_json::{Value, json};

use fake::FakeApi;

const PODS: &str = "/api/v1/pods";
/// Linux counts CPU time in hundredths.
const TICKS_PER_SECOND: f64 = 100.0;

#[derive(Debug, Parser)]
struct Args {
    #[arg(long, default_value_t = 0)]
    pods: usize,
    /// A second
    #[arg(long, default_value_t = 500)]
    changes: usize,
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// What cargo says to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

/// A program that discovers.
enum Program {
    Ours,
    Prometheus(String),
}

struct Running {
    child: Child,
    url: String,
    is_ours: bool,
    _folder: tempfile::TempDir,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}

/// A pod as they are: owners, labels, annotations, two containers, conditions.
fn pod(index: usize, generation: usize) -> Value {
    let name = format!("service-{}-7d9f8b6c5-{index:05}", index % 100);
    json!({
        "metadata": {
            "name": name, "namespace": format!("team-{}", index % 20), "uid": format!("00000000-0000-4000-8000-{index:012}"),
            "labels": {
                "app.kubernetes.io/name": format!("service-{}", index % 100), "app.kubernetes.io/part-of": "shop",
                "app.kubernetes.io/version": format!("1.{generation}.0"), "pod-template-hash": "7d9f8b6c5", "tier": "backend", "team": format!("team-{}", index % 20),
            },
            "annotations": {
                "prometheus.io/scrape": "true", "prometheus.io/port": "8067", "checksum/config": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                "kubectl.kubernetes.io/restartedAt": "2026-11-01T00:00:00Z",
            },
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": format!("service-{}-7d9f8b6c5", index % 100), "uid": "r", "controller": true}],
        },
        "spec": {
            "nodeName": format!("node-{}", index % 50), "serviceAccountName": "default",
            "containers": [
                {"name": "app", "image": format!("registry.example/service-{}:1.{generation}.0", index % 100),
                 "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}, {"name": "metrics", "containerPort": 8067, "protocol": "TCP"}],
                 "env": (0..20).map(|n| json!({"name": format!("VARIABLE_{n}"), "value": "some value of some length"})).collect::<Vec<_>>()},
            ],
        },
        "status": {
            "phase": "Running", "podIP": format!("10.{}.{}.{}", index / 62_500, index / 250 % 250, index % 250 + 1), "hostIP": "10.0.0.1",
            "conditions": [{"type": "Ready", "status": "True"}, {"type": "PodScheduled", "status": "True"}],
            "containerStatuses": [{"name": "app", "containerID": format!("containerd://{index:064}"), "ready": true}],
        },
    })
}

fn start(program: &Program, api: &FakeApi) -> Running {
    let folder = tempfile::tempdir().unwrap();
    let entry = |namespace: &str| json!({"api_server": api.url(), "role": "pod", "namespaces": {"names": [namespace]}});
    let all = json!({"api_server": api.url(), "role": "pod"});
    let keep = json!([{"source_labels": ["__meta_kubernetes_pod_container_port_name"], "regex": "metrics", "action": "keep"},
                      {"source_labels": ["__meta_kubernetes_namespace"], "regex": "marker", "action": "drop"},
                      {"action": "labelmap", "regex": "__meta_kubernetes_pod_label_(app_kubernetes_io_.+)"},
                      {"source_labels": ["__meta_kubernetes_pod_name"], "target_label": "pod"}]);
    let config = json!({"scrape_configs": [
        {"job_name": "pods", "scrape_interval": "1d", "kubernetes_sd_configs": [all], "relabel_configs": keep},
        {"job_name": "marker", "scrape_interval": "1d", "kubernetes_sd_configs": [entry("marker")]},
    ]});
    let file = folder.path().join("config.yaml");
    fs::write(&file, config.to_string()).unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let listen = format!("--web.listen-address=127.0.0.1:{port}");
    let file = format!("--config.file={}", file.display());
    let data = format!(
        "--storage.tsdb.path={}",
        folder.path().join("data").display()
    );
    let (path, arguments) = match program {
        Program::Ours => (
            env!("CARGO_BIN_EXE_manifesto-exporter"),
            vec![file, listen, "--log.level=error".to_owned()],
        ),
        Program::Prometheus(path) => (
            path.as_str(),
            vec![file, listen, data, "--log.level=error".to_owned()],
        ),
    };
    let child = Command::new(path)
        .args(arguments)
        .env("XDG_STATE_HOME", folder.path())
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    Running {
        child,
        url: format!("http://127.0.0.1:{port}"),
        is_ours: matches!(program, Program::Ours),
        _folder: folder,
    }
}

impl Running {
    /// How many targets a job has, as the program says.
    async fn targets(&self, client: &reqwest::Client, job: &str) -> Option<usize> {
        let line = match self.is_ours {
            true => {
                format!("manifesto_exporter_discovery_targets{{source=\"{job}/kubernetes/0\"}} ")
            }
            false => {
                format!("prometheus_sd_discovered_targets{{config=\"{job}\",name=\"scrape\"}} ")
            }
        };
        let answer = client
            .get(format!("{}/metrics", self.url))
            .send()
            .await
            .ok()?;
        let text = answer.text().await.ok()?;
        text.lines()
            .find_map(|found| found.strip_prefix(&line)?.parse().ok())
    }

    async fn until(&self, client: &reqwest::Client, job: &str, count: usize) -> Duration {
        let begun = Instant::now();
        while self.targets(client, job).await != Some(count) {
            assert!(
                begun.elapsed() < Duration::from_secs(120),
                "never {count} targets of {job}"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        begun.elapsed()
    }

    fn cpu(&self) -> Duration {
        let stat = fs::read_to_string(
            Path::new("/proc")
                .join(self.child.id().to_string())
                .join("stat"),
        )
        .unwrap();
        // Behind the name, which may hold anything: state is field 3, utime 14, stime 15.
        let fields: Vec<&str> = stat
            .rsplit(')')
            .next()
            .unwrap()
            .split_whitespace()
            .collect();
        let ticks = |at: usize| fields[at].parse::<f64>().unwrap();
        Duration::from_secs_f64((ticks(11) + ticks(12)) / TICKS_PER_SECOND)
    }

    fn peak_mb(&self) -> f64 {
        let status = fs::read_to_string(
            Path::new("/proc")
                .join(self.child.id().to_string())
                .join("status"),
        )
        .unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .unwrap();
        line.split_whitespace()
            .next()
            .unwrap()
            .parse::<f64>()
            .unwrap()
            / 1000.0
    }
}

/// Changes pods, so many a second, until the time is over.
async fn change(api: &FakeApi, args: &Args) {
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    let each = (args.changes / 50).max(1);
    let mut nth = 0;
    let end = Instant::now() + Duration::from_secs(args.seconds);
    while Instant::now() < end {
        ticks.tick().await;
        for _ in 0..each {
            let index = nth * 7919 % args.pods;
            let mut object = pod(index, nth / args.pods + 2);
            match nth % 10 {
                0..=5 => {}
                6 | 7 => {
                    object["metadata"]["annotations"]["changed"] = Value::from(nth.to_string())
                }
                8 => {
                    object["status"]["conditions"][0]["status"] =
                        Value::from(if nth % 20 == 8 { "True" } else { "False" })
                }
                _ => {
                    let of = |name: &str| object["metadata"][name].as_str().unwrap().to_owned();
                    api.delete(PODS, &of("namespace"), &of("name"));
                }
            }
            api.put(PODS, object);
            nth += 1;
        }
    }
}

async fn measure(name: &str, program: &Program, args: &Args) {
    let api = FakeApi::start().await;
    for index in 0..args.pods {
        api.put(PODS, pod(index, 1));
    }
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let running = start(program, &api);
    let listed = running.until(&client, "pods", args.pods * 2).await;
    let (cpu_listed, quiet_peak) = (running.cpu(), running.peak_mb());
    let lags = async {
        let (mut appeared, mut vanished) = (Vec::new(), Vec::new());
        let end = Instant::now() + Duration::from_secs(args.seconds);
        while Instant::now() + Duration::from_secs(10) < end {
            let mut marker = pod(args.pods, 1);
            marker["metadata"]["namespace"] = Value::from("marker");
            api.put(PODS, marker.clone());
            appeared.push(running.until(&client, "marker", 2).await);
            api.delete(PODS, "marker", marker["metadata"]["name"].as_str().unwrap());
            vanished.push(running.until(&client, "marker", 0).await);
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        (appeared, vanished)
    };
    let begun = Instant::now();
    let (((mut appeared, mut vanished), ()), cpu) =
        (tokio::join!(lags, change(&api, args)), running.cpu());
    let took = begun.elapsed();
    appeared.sort();
    vanished.sort();
    let of = |lags: &[Duration]| match lags {
        [] => "-".to_owned(),
        lags => format!(
            "{:.2} s, at most {:.2} s",
            lags[lags.len() / 2].as_secs_f64(),
            lags[lags.len() - 1].as_secs_f64()
        ),
    };
    println!(
        "| {name} | {:.2} s | {:.2} s | {:.1} % | {quiet_peak:.0} MB | {:.0} MB | {} | {} |",
        listed.as_secs_f64(),
        cpu_listed.as_secs_f64(),
        (cpu - cpu_listed).as_secs_f64() / took.as_secs_f64() * 100.0,
        running.peak_mb(),
        of(&appeared),
        of(&vanished),
    );
}

#[tokio::main]
async fn main() {
    let args = Args::parse();
    let _installed = rustls::crypto::ring::default_provider().install_default();
    // A bare `cargo bench` stays short.
    if args.pods == 0 {
        return;
    }
    println!(
        "{} pods, {} changes a second for {} s\n",
        args.pods, args.changes, args.seconds
    );
    println!(
        "| program | until all are known | CPU until then | CPU of a core under change | memory before | memory at most | appears after (median) | vanishes after |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    measure("manifesto-exporter", &Program::Ours, &args).await;
    if let Ok(path) = std::env::var("PROMETHEUS") {
        measure("Prometheus", &Program::Prometheus(path), &args).await;
    }
}
