//! ServiceMonitors and PodMonitors: what they select, beside what Prometheus finds by the configuration that
//! prometheus-operator generates of them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use manifesto_exporter::discovery::Discovered;
use serde_json::{Value, json};

use super::api::{ADMIN, Api};
use super::equality::with_access;
use super::fake::FakeApi;
use super::world::{BY_MONITORS, MONITORS, RESOURCES, Recorded, steps_with_monitors};
use crate::compared::prometheus::{Prometheus, program, stable};
use crate::compared::targets::{ELSEWHERE, Found, Jobs, ours};
use crate::discovery::rig::Rig;
use crate::programs::tell;

/// The label by which the operator keeps the job's name.
const JOB: &str = "__tmp_prometheus_job_name";

/// What is scraped, by monitor, without what discovery said of it: monitors' rules are no job's here.
fn scraped(jobs: &Jobs) -> BTreeSet<(String, Found)> {
    let found = jobs
        .iter()
        .flat_map(|(job, found)| found.iter().map(move |found| (job.clone(), found.clone())));
    let scraped =
        found.filter(|(_, found)| found.url.as_deref().is_some_and(|url| url != ELSEWHERE));
    scraped
        .map(|(job, found)| {
            let discovered = BTreeMap::new();
            (
                job,
                Found {
                    discovered,
                    ..found
                },
            )
        })
        .collect()
}

/// The same of ours, which are all of one job.
fn by_monitor(discovered: &Discovered) -> Jobs {
    let mut jobs = Jobs::new();
    for found in ours(discovered) {
        let job = found.discovered[JOB].clone();
        jobs.entry(job).or_default().push(found);
    }
    jobs
}

/// What differs: a URL is found once here, by one of the monitors that select it.
fn differences(found: &Discovered, wanted: &Jobs) -> Vec<String> {
    let (found, wanted) = (scraped(&by_monitor(found)), scraped(wanted));
    let urls = |all: &BTreeSet<(String, Found)>| -> BTreeSet<String> {
        all.iter()
            .filter_map(|(_, found)| found.url.clone())
            .collect()
    };
    let missing = &urls(&wanted) - &urls(&found);
    let missing = missing.iter().map(|url| format!("missing {url}"));
    let others = found.difference(&wanted);
    let others = others.map(|(job, found)| format!("{job}: unexpected {found:?}"));
    missing.chain(others).collect()
}

fn config(access: &Value) -> String {
    let job = json!({"job_name": "monitors", "kubernetes_sd_configs": [{"role": "monitor"}]});
    let jobs = with_access(vec![job], access);
    json!({"scrape_configs": jobs, "discovery": {"shrink_guard": {"enabled": false}}}).to_string()
}

async fn until_equal(rig: &Rig, wanted: &Jobs, patience: Duration) -> Vec<String> {
    let begun = Instant::now();
    loop {
        let differences = differences(&rig.now(), wanted);
        if differences.is_empty() || begun.elapsed() > patience {
            return differences;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn monitors_select_what_the_operator_has_prometheus_scrape() {
    let (mut equal, mut urls) = (0, 0);
    let api = FakeApi::start().await;
    let rig = Rig::start(&config(&json!({"api_server": api.url()})));
    for (index, step) in steps_with_monitors().into_iter().enumerate() {
        let recorded = BY_MONITORS.read(index);
        assert_eq!(recorded.step, step.name, "./tests/run real records anew");
        api.become_lists(&recorded.lists);
        let wrong = until_equal(&rig, &recorded.targets, Duration::from_secs(10)).await;
        assert!(wrong.is_empty(), "{}: {}", step.name, wrong.join("\n"));
        equal += scraped(&recorded.targets).len();
        urls += rig.now().targets.len();
    }
    tell(format_args!(
        "{equal} of {equal} targets of monitors, at {urls} URLs, are those of the operator's configuration"
    ));
    rig.stop().await;
}

/// A pod with a port, behind a service, and a slice that says so.
fn put_service(api: &FakeApi, name: &str, ip: &str, labels: Value) {
    let pod = json!({
        "metadata": {"namespace": "shop", "name": format!("{name}-0"), "labels": labels},
        "spec": {"containers": [{"name": "c", "ports": [{"name": "metrics", "containerPort": 8067}]}]},
        "status": {"podIP": ip, "phase": "Running"},
    });
    api.put("/api/v1/pods", pod);
    let metadata = json!({"namespace": "shop", "name": name, "labels": {"app": name}});
    api.put(
        "/api/v1/services",
        json!({"metadata": metadata, "spec": {"ports": []}}),
    );
    let slice = json!({
        "metadata": {"namespace": "shop", "name": format!("{name}-s"), "labels": {"kubernetes.io/service-name": name}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [ip], "targetRef": {"kind": "Pod", "namespace": "shop", "name": format!("{name}-0")}}],
        "ports": [{"name": "metrics", "port": 8067}],
    });
    api.put("/apis/discovery.k8s.io/v1/endpointslices", slice);
}

fn put_monitor(api: &FakeApi, name: &str, labels: Value, spec: Value) {
    let metadata = json!({"namespace": "shop", "name": name, "labels": labels});
    api.put(MONITORS[0], json!({"metadata": metadata, "spec": spec}));
}

fn kubernetes(api: &FakeApi, more: &str) -> String {
    format!("kubernetes: {{api_server: '{}', {more}}}\n", api.url())
}

fn urls_and_services(now: &Discovered) -> Vec<String> {
    let targets = now.targets.iter();
    let mut all: Vec<String> = targets
        .map(|target| {
            let job = target.labels.get("job");
            format!(
                "{} {} {job} {}",
                target.url,
                target.service,
                target.sources.len()
            )
        })
        .collect();
    all.sort();
    all
}

/// A pod that both jobs find is to be of one service.
#[test]
fn both_jobs_name_services_by_the_same_rules() {
    let naming = |file: &str| {
        let path = format!("{}/deploy/kubernetes/{file}", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).unwrap();
        let at = text.find("  # The service: the recommended label").unwrap();
        text[at..].to_owned()
    };
    assert_eq!(naming("monitors.yaml"), naming("job.yaml"));
}

#[tokio::test]
async fn the_job_for_monitors_names_services_as_the_job_for_pods_does() {
    let api = FakeApi::start().await;
    put_service(
        &api,
        "cart-svc",
        "10.0.0.1",
        json!({"app.kubernetes.io/name": "cart"}),
    );
    put_service(&api, "ledger-svc", "10.0.0.2", json!({}));
    let endpoints = json!([{"port": "metrics"}, {"port": "metrics", "path": "/admin"}]);
    let all = json!({"selector": {}, "endpoints": endpoints});
    put_monitor(&api, "all", json!({"release": "a"}), all);
    let other = json!({"selector": {}, "endpoints": [{"port": "metrics", "path": "/other"}]});
    put_monitor(&api, "other", json!({"release": "b"}), other);
    let mut rig = Rig::start(&kubernetes(
        &api,
        "monitors: true, monitor_selector: release=a",
    ));
    let now = rig
        .until("both jobs", |now| {
            now.targets.len() == 4 && now.sources.iter().all(|source| source.targets > 0)
        })
        .await;
    assert_eq!(
        urls_and_services(&now),
        [
            "http://10.0.0.1:8067/admin cart cart-svc 1",
            "http://10.0.0.1:8067/metrics cart kubernetes 2",
            "http://10.0.0.2:8067/admin ledger-svc-0 ledger-svc 1",
            "http://10.0.0.2:8067/metrics ledger-svc-0 kubernetes 2",
        ]
    );
    assert_eq!(now.dropped_counts.lost(), 0, "{:?}", now.dropped);
    // A monitor that goes takes its targets along, and leaves what others find.
    api.delete(MONITORS[0], "shop", "all");
    rig.until("2 targets", |now| now.targets.len() == 2).await;
    rig.stop().await;
}

#[tokio::test]
async fn what_is_not_supported_of_monitors_is_said_and_who_needs_credentials_is_not_asked_without()
{
    let api = FakeApi::start().await;
    put_service(&api, "cart", "10.0.0.1", json!({}));
    let nothing = json!({"port": "metrics", "path": "/nothing-set", "honorLabels": false, "bearerTokenSecret": {"key": ""},
                         "tlsConfig": {"insecureSkipVerify": true}, "enableHttp2": true});
    let unread = json!({"port": "metrics", "path": "/unread", "bearerTokenFile": "/token", "relabelings": []});
    let by_tls = json!({"port": "metrics", "path": "/tls", "scheme": "HTTPS", "tlsConfig": {"insecureSkipVerify": true}});
    let several = json!({"port": "metrics", "params": {"collect": ["a", "b"]}, "sampleLimit": 0});
    let endpoints = json!([nothing, unread, by_tls, several]);
    let one = json!({"selector": {}, "sampleLimit": 10, "endpoints": endpoints});
    put_monitor(&api, "one", json!({}), one);
    let two = json!({"selector": {}, "sampleLimit": 9, "endpoints": []});
    put_monitor(&api, "two", json!({}), two);
    let mut rig = Rig::start(&config(&json!({"api_server": api.url()})));
    let now = rig.until("2 targets", |now| now.targets.len() == 2).await;
    let targets = now.targets.iter();
    let urls: Vec<String> = targets.map(|target| target.url.to_string()).collect();
    assert_eq!(
        urls,
        [
            "http://10.0.0.1:8067/nothing-set",
            "http://10.0.0.1:8067/metrics?collect=a"
        ]
    );
    assert_eq!(
        now.sources[0].notes,
        [
            "servicemonitors have endpoints that need `bearerTokenFile`, which is not supported, and are not scraped: shop/one",
            "servicemonitors set `enableHttp2`, which is not supported: shop/one",
            "servicemonitors set `params.collect after its first value`, which is not supported: shop/one",
            "servicemonitors set `sampleLimit`, which is not supported: shop/one and 1 more",
            "servicemonitors have endpoints that need `tlsConfig`, which is not supported, and are not scraped: shop/one",
            "servicemonitors set `tlsConfig`, which is not supported: shop/one",
        ]
    );
    assert_eq!(now.dropped_counts.total(), 0);
    rig.stop().await;
}

#[tokio::test]
async fn fault_45_one_kind_of_monitors_is_of_use_without_the_other() {
    let api = FakeApi::start().await;
    put_service(&api, "cart", "10.0.0.1", json!({}));
    let all = json!({"selector": {}, "endpoints": [{"port": "metrics"}]});
    put_monitor(&api, "all", json!({}), all);
    api.set_manners(|manners| {
        manners
            .forbidden
            .insert((MONITORS[1].to_owned(), String::new()));
    });
    let mut rig = Rig::start(&config(&json!({"api_server": api.url()})));
    let now = rig.until("a target", |now| now.targets.len() == 1).await;
    let error = now.sources[0].last_error.as_deref().unwrap_or_default();
    assert!(error.contains("podmonitors"), "{error}");
    // Without either nothing is known.
    api.set_manners(|manners| {
        manners
            .forbidden
            .insert((MONITORS[0].to_owned(), String::new()));
    });
    let other = Rig::start(&config(&json!({"api_server": api.url()})));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!other.now().ready && other.now().sources[0].last_success.is_none());
    other.stop().await;
    rig.stop().await;
}

#[tokio::test]
async fn fault_37_a_monitor_that_cannot_be_read_is_skipped_alone() {
    let api = FakeApi::start().await;
    put_service(&api, "cart", "10.0.0.1", json!({}));
    let with = |relabelings: Value| {
        let endpoint = json!({"port": "metrics", "relabelings": relabelings});
        json!({"selector": {}, "endpoints": [{"port": "metrics"}, endpoint]})
    };
    put_monitor(&api, "good", json!({}), with(json!([])));
    let bad = with(json!([{"action": "keep", "regex": "("}]));
    put_monitor(&api, "bad", json!({}), bad);
    let many = json!({"endpoints": vec![json!({}); 51]});
    put_monitor(&api, "many", json!({}), many);
    let paths: Vec<Value> = (0..60)
        .map(|path| json!({"port": "metrics", "path": format!("/{path}")}))
        .collect();
    put_monitor(&api, "paths", json!({}), json!({"endpoints": paths[..40]}));
    put_monitor(
        &api,
        "paths-too",
        json!({}),
        json!({"endpoints": paths[40..]}),
    );
    let mut rig = Rig::start(&config(&json!({"api_server": api.url()})));
    let now = rig.until("50 targets", |now| now.targets.len() == 50).await;
    let dropped = now.dropped.iter();
    let reasons: Vec<String> = dropped.map(|dropped| dropped.reason.to_string()).collect();
    for part in [
        "servicemonitors shop/bad: endpoint 1: relabeling 0: `(`: not a regular expression: unclosed group",
        "servicemonitors shop/many: 51 endpoints are more than 50",
        "shop/cart-s: monitors make more than 50 URLs of one target: 11 are left out",
    ] {
        let is_said = reasons.iter().any(|reason| reason.contains(part));
        assert!(is_said, "{part}: {reasons:#?}");
    }
    assert_eq!(reasons.len(), 3);
    rig.stop().await;
}

/// The `scrape_configs` that the operator generates of the monitors of a cluster.
fn generated(lists: &BTreeMap<String, Vec<Value>>) -> Vec<Value> {
    let kinds = MONITORS.into_iter().zip(["ServiceMonitor", "PodMonitor"]);
    let monitors = kinds.flat_map(|(path, kind)| {
        lists[path].iter().map(move |monitor| {
            let mut monitor = monitor.clone();
            monitor["kind"] = kind.into();
            monitor
        })
    });
    let monitors: Vec<Value> = monitors.collect();
    let mut generator = Command::new(program("OPERATOR"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = generator.stdin.take().unwrap();
    input
        .write_all(json!(monitors).to_string().as_bytes())
        .unwrap();
    drop(input);
    let answer = generator.wait_with_output().unwrap();
    assert!(answer.status.success());
    // Which is one of one.
    let text = String::from_utf8(answer.stdout)
        .unwrap()
        .replace("$(SHARD)", "0");
    let config: Value = serde_saphyr::from_str(&text).unwrap();
    config["scrape_configs"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs an API server, Prometheus and prometheus-operator: ./tests/run real"]
async fn real_prometheus_finds_the_same_by_what_the_operator_generates_of_monitors() {
    let api = Api::start().await;
    api.know_monitors().await;
    let access = json!({
        "api_server": api.url(),
        "authorization": {"credentials": ADMIN},
        "tls_config": {"ca_file": api.ca()},
    });
    let rig = Rig::start(&config(&access));
    let (mut equal, mut wrong) = (0, Vec::new());
    for (index, step) in steps_with_monitors().into_iter().enumerate() {
        for object in &step.delete {
            api.delete(object).await;
        }
        for object in &step.apply {
            api.apply(object).await;
        }
        let lists = api.lists(&[&RESOURCES[..], &MONITORS[..]].concat()).await;
        let folder = tempfile::tempdir().unwrap();
        let jobs = with_access(generated(&lists), &access);
        let prometheus = Prometheus::start(folder.path(), &jobs);
        let mut targets = stable(&prometheus).await;
        for found in targets.values_mut() {
            found.retain(|found| found.url.is_some());
            found.iter_mut().for_each(|found| found.discovered.clear());
        }
        let differences = until_equal(&rig, &targets, Duration::from_secs(20)).await;
        wrong.extend(
            differences
                .into_iter()
                .map(|wrong| format!("{}: {wrong}", step.name)),
        );
        equal += scraped(&targets).len();
        let recorded = Recorded {
            step: step.name,
            lists,
            targets,
        };
        if std::env::var_os("UPDATE_EXPECTED").is_some() {
            recorded.write(BY_MONITORS, index);
        } else if scraped(&BY_MONITORS.read(index).targets) != scraped(&recorded.targets) {
            wrong.push(format!("{}: not as recorded", recorded.step));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    tell(format_args!(
        "{equal} targets by the operator's configuration of monitors are those that we find"
    ));
    rig.stop().await;
}
