//! `kubernetes: {}`: what it finds in a cluster, and what nobody's annotations can make of it.

use serde_json::{Value, json};

use super::fake::FakeApi;
use crate::discovery::rig::Rig;

const PODS: &str = "/api/v1/pods";
const NAMESPACES: &str = "/api/v1/namespaces";

/// A pod in the namespace `shop`, by what matters of it.
fn pod(name: &str, ip: &str, ports: Value, annotations: Value, labels: Value) -> Value {
    json!({
        "metadata": {"namespace": "shop", "name": name, "annotations": annotations, "labels": labels,
                     "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "cart-7d4b9c", "controller": true}]},
        "spec": {"containers": [{"name": "c", "ports": ports}]},
        "status": {"podIP": ip, "phase": "Running"},
    })
}

fn config(api: &FakeApi, more: &str) -> String {
    format!("kubernetes: {{api_server: '{}'{more}}}\n", api.url())
}

/// URL, service, environment, and other labels of each target, in order.
fn found(rig: &Rig) -> Vec<String> {
    let now = rig.now();
    let targets = now.targets.iter().map(|target| {
        let more = ["team", "version", "pod", "namespace"];
        let more = more.map(|name| target.labels.get(name).to_owned());
        format!("{} {} {}", target.url, target.service, more.join(","))
    });
    let mut targets: Vec<String> = targets.collect();
    targets.sort();
    targets
}

async fn until(rig: &mut Rig, wanted: &[&str]) {
    rig.until(&format!("{wanted:#?}"), |now| {
        now.targets.len() == wanted.len()
    })
    .await;
    assert_eq!(found(rig), wanted);
}

#[tokio::test]
async fn pods_are_found_by_port_and_annotations_and_named_by_labels() {
    let api = FakeApi::start().await;
    let namespace = json!({"metadata": {"name": "shop", "labels": {"environment": "production", "team": "payments"}}});
    api.put(NAMESPACES, namespace);
    let recommended = json!({"app.kubernetes.io/name": "cart", "app.kubernetes.io/version": "1.2.3",
                             "app.kubernetes.io/part-of": "checkout", "environment": "dev", "app": "old-name"});
    let web = json!({"name": "http", "containerPort": 8080});
    for one in [
        pod(
            "named",
            "10.0.0.1",
            json!([web, {"name": "metrics", "containerPort": 9102}]),
            json!({}),
            recommended,
        ),
        pod(
            "numbered",
            "10.0.0.2",
            json!([web, {"containerPort": 8067}]),
            json!({}),
            json!({"app": "ledger", "team": "ledgers"}),
        ),
        pod(
            "annotated",
            "10.0.0.3",
            json!([web, {"containerPort": 8067}]),
            json!({"prometheus.io/port": "9000", "prometheus.io/path": "internal/metrics", "prometheus.io/scrape": "True"}),
            json!({}),
        ),
        pod(
            "without-ports",
            "fd00::4",
            json!([]),
            json!({"prometheus.io/scrape": "true"}),
            json!({}),
        ),
        // Not meant.
        pod(
            "web-alone",
            "10.0.0.5",
            json!([web]),
            json!({"prometheus.io/scrape": "true"}),
            json!({}),
        ),
        pod(
            "unwilling",
            "10.0.0.6",
            json!([{"containerPort": 8067}]),
            json!({"prometheus.io/scrape": "False"}),
            json!({}),
        ),
    ] {
        api.put(PODS, one);
    }
    let mut ended = pod(
        "ended",
        "10.0.0.7",
        json!([{"containerPort": 8067}]),
        json!({}),
        json!({}),
    );
    ended["status"]["phase"] = "Succeeded".into();
    api.put(PODS, ended);
    let mut prepares = pod("prepares", "10.0.0.8", json!([]), json!({}), json!({}));
    prepares["spec"]["initContainers"] = json!([{"name": "i", "ports": [{"containerPort": 8067}]}]);
    api.put(PODS, prepares);
    let mut rig = Rig::start(&config(&api, ""));
    until(
        &mut rig,
        &[
            "http://10.0.0.1:9102/metrics cart (production) payments,1.2.3,named,shop",
            "http://10.0.0.2:8067/metrics ledger (production) ledgers,,numbered,shop",
            "http://10.0.0.3:8067/internal/metrics cart (production) payments,,annotated,shop",
            "http://10.0.0.3:9000/internal/metrics cart (production) payments,,annotated,shop",
            "http://[fd00::4]:8067/metrics cart (production) payments,,without-ports,shop",
        ],
    )
    .await;
    // What its namespace is said to be is so at once.
    api.put(
        NAMESPACES,
        json!({"metadata": {"name": "shop", "labels": {"env": "staging"}}}),
    );
    rig.until("staging", |now| {
        now.targets
            .iter()
            .all(|target| target.service.environment == "staging")
    })
    .await;
    assert!(found(&rig)[0].ends_with("cart (staging) checkout,1.2.3,named,shop"));
    rig.stop().await;
}

/// Every plugin of a service is a target of its own, by its own name, on the same watch.
#[tokio::test]
async fn plugins_are_targets_of_their_own() {
    let api = FakeApi::start().await;
    api.put(NAMESPACES, json!({"metadata": {"name": "shop"}}));
    let port = json!([{"name": "metrics", "containerPort": 8067}]);
    let labels =
        |name: &str| json!({"app.kubernetes.io/name": name, "app.kubernetes.io/version": "10.1"});
    api.put(
        PODS,
        pod(
            "a",
            "10.0.0.1",
            port.clone(),
            json!({"prometheus.io/path": "/other"}),
            labels("mattermost-team-edition"),
        ),
    );
    api.put(PODS, pod("b", "10.0.0.2", port, json!({}), labels("cart")));
    let all = [
        "http://10.0.0.1:8067/other mattermost-team-edition 10.1",
        "http://10.0.0.1:8067/plugins/com.mattermost.calls/metrics com.mattermost.calls ",
        "http://10.0.0.1:8067/plugins/playbooks/metrics playbooks ",
        "http://10.0.0.2:8067/metrics cart 10.1",
    ];
    let all = all.map(|line| {
        let pod = if line.contains("10.0.0.1") { "a" } else { "b" };
        let (target, version) = line.rsplit_once(' ').unwrap();
        format!("{target} ,{version},{pod},shop")
    });
    let wanted: Vec<&str> = all.iter().map(String::as_str).collect();
    let mut rig = Rig::start(&config(
        &api,
        ", plugins: [com.mattermost.calls, playbooks]",
    ));
    until(&mut rig, &wanted).await;
    let requests = api.requests();
    let lists = requests.iter().filter(|request| request.ends_with(PODS));
    assert_eq!(
        lists
            .filter(|request| !request.starts_with("watch"))
            .count(),
        1,
        "{requests:?}"
    );
    rig.stop().await;
    let mut rig = Rig::start(&config(
        &api,
        ", plugins: [x], plugins_of: c.*t, relabel_configs: [{target_label: environment, replacement: test}]",
    ));
    until(
        &mut rig,
        &[
            "http://10.0.0.1:8067/other mattermost-team-edition (test) ,10.1,a,shop",
            "http://10.0.0.2:8067/metrics cart (test) ,10.1,b,shop",
            "http://10.0.0.2:8067/plugins/x/metrics x (test) ,,b,shop",
        ],
    )
    .await;
    rig.stop().await;
}

#[tokio::test]
async fn fault_50_annotations_set_neither_hosts_nor_schemes_nor_credentials() {
    let api = FakeApi::start().await;
    api.put(NAMESPACES, json!({"metadata": {"name": "shop"}}));
    let port = json!([{"name": "metrics", "containerPort": 8067}]);
    for (index, annotations) in [
        json!({"prometheus.io/port": "80@evil.example", "prometheus.io/scheme": "https"}),
        json!({"prometheus.io/port": "evil.example:80", "prometheus.io/address": "evil.example"}),
        json!({"prometheus.io/path": "//evil.example/x"}),
        json!({"prometheus.io/path": "@evil.example/x"}),
        json!({"prometheus.io/path": "http://evil.example/x"}),
        json!({"prometheus.io/path": "../../x?y#z", "prometheus.io/param-x": "y", "prometheus.io/host": "evil.example"}),
        json!({"prometheus.io/port": "", "prometheus.io/path": ""}),
        json!({"prometheus.io/path": "a\nb: c\r\nHost: evil.example"}),
    ]
    .into_iter()
    .enumerate()
    {
        let (name, ip) = (format!("p{index}"), format!("10.0.0.{index}"));
        api.put(PODS, pod(&name, &ip, port.clone(), annotations, json!({})));
    }
    // One that is none.
    api.put(
        PODS,
        pod(
            "p8",
            "10.0.0.8",
            json!([{"name": "http", "containerPort": 80}]),
            json!({"prometheus.io/port": "99999"}),
            json!({}),
        ),
    );
    let mut rig = Rig::start(&config(&api, ""));
    let now = rig
        .until("eight targets", |now| now.targets.len() == 8)
        .await;
    for target in now.targets.iter() {
        let url = url::Url::parse(&target.url.to_string()).unwrap();
        let host = url.host_str().unwrap();
        assert!(
            host.starts_with("10.0.0.") && url.port() == Some(8067) && url.scheme() == "http",
            "{url}"
        );
        assert!(url.query().is_none() && url.username().is_empty(), "{url}");
    }
    // What cannot be is said.
    let invalid: Vec<String> = now
        .dropped
        .iter()
        .map(|dropped| dropped.reason.to_string())
        .collect();
    assert!(
        invalid.iter().any(|why| why.contains("99999")),
        "{invalid:?}"
    );
    rig.stop().await;
}
