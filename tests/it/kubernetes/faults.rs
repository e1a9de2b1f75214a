//! What goes wrong between us and an API server.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use manifesto_exporter::discovery::Timing;
use serde_json::{Value, json};

use super::fake::FakeApi;
use crate::discovery::rig::{QUICK, Rig, addresses, source};

const PODS: &str = "/api/v1/pods";

fn pod(namespace: &str, name: &str, ip: &str) -> Value {
    json!({
        "metadata": {"namespace": namespace, "name": name},
        "spec": {"containers": [{"name": "c", "ports": [{"containerPort": 8067}]}]},
        "status": {"podIP": ip, "phase": "Running"},
    })
}

/// A server with so many pods in a namespace, and the configuration that finds them.
async fn with_pods(count: usize) -> (FakeApi, String) {
    let api = FakeApi::start().await;
    for index in 0..count {
        api.put(
            PODS,
            pod("shop", &format!("p{index}"), &format!("10.0.0.{index}")),
        );
    }
    let config = config(&api, "role: pod");
    (api, config)
}

fn config(api: &FakeApi, entry: &str) -> String {
    let url = api.url();
    format!(
        "scrape_configs: [{{job_name: k, kubernetes_sd_configs: [{{api_server: '{url}', {entry}}}]}}]\n"
    )
}

fn error_is(now: &manifesto_exporter::discovery::Discovered, part: &str) -> bool {
    let status = source(now, "k/kubernetes/0");
    status
        .last_error
        .as_ref()
        .is_some_and(|error| error.contains(part))
}

#[tokio::test]
async fn pods_appear_and_vanish_at_once() {
    let (api, config) = with_pods(1).await;
    // The daemon's own times.
    let mut rig = Rig::with_timing(&config, Timing::default());
    rig.until_targets(&["10.0.0.0:8067"]).await;
    for round in 0..3 {
        let begun = Instant::now();
        api.put(PODS, pod("shop", "new", "10.0.0.9"));
        rig.until_targets(&["10.0.0.0:8067", "10.0.0.9:8067"]).await;
        api.delete(PODS, "shop", "new");
        rig.until_targets(&["10.0.0.0:8067"]).await;
        assert!(
            begun.elapsed() < Duration::from_secs(4),
            "round {round}: {:?}",
            begun.elapsed()
        );
    }
    let status = source(&rig.now(), "k/kubernetes/0").clone();
    assert_eq!((status.refreshes_total, status.failures_total), (1, 0));
    assert_eq!(status.events_total, 6);
    rig.stop().await;
}

#[tokio::test]
async fn fault_34_an_api_server_that_is_away_loses_nothing() {
    let (mut api, config) = with_pods(6).await;
    let mut rig = Rig::start(&config);
    rig.until("six", |now| now.targets.len() == 6).await;
    api.go_away().await;
    let now = rig
        .until("an error", |now| error_is(now, "watch pods: "))
        .await;
    assert!(now.targets.len() == 6 && now.ready);
    // It comes back, and does not know what happened meanwhile: a pod went, and another came.
    api.delete(PODS, "shop", "p0");
    api.put(PODS, pod("shop", "p9", "10.0.0.9"));
    api.come_back().await;
    let now = rig
        .until("the new pod", |now| {
            addresses(now).contains(&"10.0.0.9:8067".to_owned())
        })
        .await;
    assert_eq!(now.targets.len(), 6);
    assert_eq!(source(&now, "k/kubernetes/0").last_error, None);
    rig.stop().await;
}

/// What is deleted is believed; what a new list does not hold any more may be the server's fault.
#[tokio::test]
async fn fault_36_a_new_list_that_lost_most_is_held_and_deletions_are_believed() {
    let (api, config) = with_pods(8).await;
    let mut rig = Rig::start(&config);
    rig.until("eight", |now| now.targets.len() == 8).await;
    for index in 0..4 {
        api.delete(PODS, "shop", &format!("p{index}"));
    }
    rig.until("four", |now| now.targets.len() == 4).await;
    // All but one vanish without a word.
    api.forget_objects(PODS, |name| name == "p7");
    api.forget();
    let now = rig
        .until("a held list", |now| source(now, "k/kubernetes/0").held)
        .await;
    assert_eq!(now.targets.len(), 4);
    assert_eq!(source(&now, "k/kubernetes/0").held_targets, Some(1));
    rig.stop().await;
}

#[tokio::test]
async fn fault_37_an_object_that_cannot_be_read_is_skipped_alone() {
    let (api, config) = with_pods(2).await;
    let mut rig = Rig::start(&config);
    rig.until("two", |now| now.targets.len() == 2).await;
    let mut broken = pod("shop", "p1", "10.0.0.1");
    broken["spec"]["containers"] = Value::from("none");
    api.put(PODS, broken);
    let now = rig.until_targets(&["10.0.0.0:8067"]).await;
    let why = now.dropped[0].reason.to_string();
    assert!(
        why.starts_with("pods shop/p1: invalid type: string \"none\", expected a sequence"),
        "{why}"
    );
    api.put(PODS, pod("shop", "p1", "10.0.0.1"));
    let now = rig.until("two", |now| now.targets.len() == 2).await;
    assert!(now.dropped.is_empty());
    rig.stop().await;
}

#[tokio::test]
async fn fault_45_what_is_forbidden_is_named_and_other_namespaces_go_on() {
    let api = FakeApi::start().await;
    api.put(PODS, pod("shop", "a", "10.0.0.1"));
    api.put(PODS, pod("billing", "b", "10.0.0.2"));
    let forbid = (PODS.to_owned(), "billing".to_owned());
    api.set_manners(|manners| {
        manners.forbidden.insert(forbid.clone());
    });
    let mut rig = Rig::start(&config(
        &api,
        "role: pod, namespaces: {names: [shop, billing]}",
    ));
    let now = rig.until_targets(&["10.0.0.1:8067"]).await;
    let error = source(&now, "k/kubernetes/0").last_error.clone().unwrap();
    assert_eq!(
        error,
        "watch pods in namespace billing: the server answered 403: pods is forbidden: User \"tester\" cannot watch \
         resource \"pods\" in API group \"\" in the namespace \"billing\""
    );
    // It is granted: nothing needs to be done here.
    api.set_manners(|manners| manners.forbidden.clear());
    let now = rig.until_targets(&["10.0.0.1:8067", "10.0.0.2:8067"]).await;
    assert_eq!(source(&now, "k/kubernetes/0").last_error, None);
    rig.stop().await;
}

/// Who may look at one namespace alone says that nothing of namespaces is wanted.
#[tokio::test]
async fn fault_45_a_tenant_who_may_not_list_namespaces_finds_his_pods() {
    let (api, _) = with_pods(1).await;
    api.set_manners(|manners| {
        manners
            .forbidden
            .insert(("/api/v1/namespaces".to_owned(), String::new()));
    });
    let block = |more: &str| {
        let url = api.url();
        format!("kubernetes: {{api_server: '{url}', namespaces: {{names: [shop]}}{more}}}\n")
    };
    let mut rig = Rig::start(&block(""));
    rig.until("it is said", |now| {
        let error = source(now, "kubernetes/kubernetes/0").last_error.as_ref();
        error.is_some_and(|error| error.contains("cannot watch resource \"namespaces\""))
    })
    .await;
    assert!(rig.now().targets.is_empty());
    rig.stop().await;
    let mut rig = Rig::start(&block(", attach_metadata: {}"));
    rig.until_targets(&["10.0.0.0:8067"]).await;
    rig.stop().await;
}

#[tokio::test]
async fn fault_46_what_is_forgotten_is_listed_anew_without_a_gap() {
    for no_streams in [false, true] {
        let (api, config) = with_pods(5).await;
        api.set_manners(|manners| {
            manners.no_streams = no_streams;
            manners.page_max = Some(2);
        });
        let mut rig = Rig::start(&config);
        rig.until("five", |now| now.targets.len() == 5).await;
        for round in 0..3 {
            api.forget();
            let name = format!("after-{round}");
            api.put(PODS, pod("shop", &name, &format!("10.0.1.{round}")));
            let wanted = 6 + round;
            let now = rig
                .until("one more", |now| {
                    assert!(
                        now.targets.len() >= 5 + round,
                        "a gap: {:?}",
                        addresses(now)
                    );
                    now.targets.len() == wanted
                })
                .await;
            assert_eq!(source(&now, "k/kubernetes/0").last_error, None);
        }
        assert!(source(&rig.now(), "k/kubernetes/0").refreshes_total >= 4);
        rig.stop().await;
    }
}

#[tokio::test]
async fn fault_46_a_server_that_forgets_at_once_is_not_asked_without_end() {
    let (api, config) = with_pods(3).await;
    api.set_manners(|manners| {
        manners.no_streams = true;
        manners.forgets_all = true;
    });
    let mut rig = Rig::start(&config);
    rig.until("it is said", |now| {
        error_is(now, "too old resource version")
    })
    .await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let lists = api.requests();
    let lists = lists.iter().filter(|asked| asked.starts_with("list"));
    assert!(lists.count() < 40, "{:?}", api.requests());
    assert_eq!(rig.now().targets.len(), 3);
    api.set_manners(|manners| manners.forgets_all = false);
    rig.until("it works", |now| {
        source(now, "k/kubernetes/0").last_error.is_none()
    })
    .await;
    rig.stop().await;
}

#[tokio::test]
async fn fault_35_what_is_no_list_of_objects_is_no_empty_one() {
    let (mut api, config) = with_pods(3).await;
    api.set_manners(|manners| manners.no_streams = true);
    let mut rig = Rig::start(&config);
    rig.until("three", |now| now.targets.len() == 3).await;
    for (fails, says) in [
        (true, "the server answered 500: etcd is away"),
        (false, "names itself as the next page"),
    ] {
        api.set_manners(|manners| {
            manners.fails_with_200 = fails;
            manners.pages_in_a_circle = !fails;
        });
        api.go_away().await;
        api.forget();
        api.come_back().await;
        rig.until(says, |now| error_is(now, says)).await;
        assert_eq!(rig.now().targets.len(), 3);
    }
    api.set_manners(|manners| manners.pages_in_a_circle = false);
    rig.until("it works", |now| {
        source(now, "k/kubernetes/0").last_error.is_none()
    })
    .await;
    assert_eq!(rig.now().targets.len(), 3);
    rig.stop().await;
}

#[tokio::test]
async fn fault_44_an_object_with_too_many_targets_is_skipped_alone() {
    for (role, path) in [
        ("endpointslice", "/apis/discovery.k8s.io/v1/endpointslices"),
        ("endpoints", "/api/v1/endpoints"),
    ] {
        let api = FakeApi::start().await;
        let put = |name: &str, addresses: usize, ports: usize| {
            let ips = (0..addresses).map(|nth| format!("10.0.{}.{}", nth / 250, nth % 250));
            let ports: Vec<Value> = (0..ports).map(|port| json!({"port": port + 1})).collect();
            let object = match role {
                "endpoints" => {
                    let addresses: Vec<Value> = ips.map(|ip| json!({"ip": ip})).collect();
                    // None of its parts has too many.
                    let parts = ports.chunks(ports.len().div_ceil(2));
                    let parts = parts.map(|ports| json!({"addresses": addresses, "ports": ports}));
                    json!({"subsets": parts.collect::<Vec<_>>()})
                }
                _ => {
                    let endpoints: Vec<Value> = ips.map(|ip| json!({"addresses": [ip]})).collect();
                    json!({"addressType": "IPv4", "endpoints": endpoints, "ports": ports})
                }
            };
            let mut object = object;
            object["metadata"] = json!({"namespace": "shop", "name": name});
            api.put(path, object);
        };
        put("huge", 100, 200);
        put("usual", 2, 2);
        let mut rig = Rig::start(&config(&api, &format!("role: {role}")));
        let now = rig.until("4 targets", |now| now.targets.len() == 4).await;
        let reason = now.dropped[0].reason.to_string();
        let expected = "shop/huge: its addresses and ports make 20000 targets, more than 10000";
        assert!(reason.contains(expected), "{reason}");
        rig.stop().await;
    }
}

#[tokio::test]
async fn fault_49_a_flapping_pod_is_throttled() {
    let (api, config) = with_pods(1).await;
    let timing = Timing {
        publish_every: Duration::from_millis(500),
        ..QUICK
    };
    let mut rig = Rig::with_timing(&config, timing);
    rig.until_targets(&["10.0.0.0:8067"]).await;
    let (begun, mut seen) = (Instant::now(), 0);
    while begun.elapsed() < Duration::from_secs(2) {
        api.put(PODS, pod("shop", "flap", "10.0.0.9"));
        api.delete(PODS, "shop", "flap");
        tokio::time::sleep(Duration::from_millis(1)).await;
        seen += usize::from(rig.discovered.has_changed().unwrap());
        rig.discovered.borrow_and_update();
    }
    assert!(seen <= 6, "{seen} publications");
    rig.until_targets(&["10.0.0.0:8067"]).await;
    rig.stop().await;
}

#[tokio::test]
async fn fault_51_without_any_list_it_is_not_ready_and_says_why() {
    let (mut api, config) = with_pods(1).await;
    api.go_away().await;
    let mut rig = Rig::start(&config);
    let now = rig
        .until("an error", |now| error_is(now, "watch pods: "))
        .await;
    assert!(!now.ready && now.targets.is_empty());
    api.come_back().await;
    let now = rig.until_targets(&["10.0.0.0:8067"]).await;
    assert!(now.ready);
    rig.stop().await;
}

/// Outside a pod there is no service account.
#[tokio::test]
async fn outside_a_cluster_it_is_said_what_to_set() {
    let config = "scrape_configs: [{job_name: k, kubernetes_sd_configs: [{role: pod}]}]\n";
    let mut rig = Rig::start(config);
    let hint = "elsewhere, set `kubeconfig_file` or `api_server`";
    let now = rig.until(hint, |now| error_is(now, hint)).await;
    assert!(!now.ready);
    rig.stop().await;
}

fn kubeconfig(url: &str, user: &str) -> String {
    format!(
        "apiVersion: v1
kind: Config
current-context: here
contexts:
- {{name: there, context: {{cluster: nowhere, user: nobody}}}}
- {{name: here, context: {{cluster: local, user: me, namespace: shop}}}}
clusters:
- {{name: local, cluster: {{server: '{url}'}}}}
users:
- {{name: me, user: {user}}}
preferences: {{}}
"
    )
}

/// A plugin is run when its credentials are about to expire or are refused, and not for each request.
#[tokio::test]
async fn a_kubeconfig_says_who_asks() {
    let folder = tempfile::tempdir().unwrap();
    let plugin = folder.path().join("plugin.sh");
    let script = r#"#!/bin/sh
echo run >> "$(dirname "$0")/runs"
echo "$KUBERNETES_EXEC_INFO" > "$(dirname "$0")/info"
token="$(cat "$(dirname "$0")/token")"
echo '{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "'"$token$1$SUFFIX"'"}}'
"#;
    std::fs::write(&plugin, script).unwrap();
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&plugin, executable).unwrap();
    std::fs::write(folder.path().join("token"), "plug").unwrap();
    std::fs::write(folder.path().join("file.token"), "filed\n").unwrap();
    let exec = "{exec: {apiVersion: client.authentication.k8s.io/v1, command: ./plugin.sh, args: [-a], env: [{name: SUFFIX, value: -z}], provideClusterInfo: true}}";
    for (user, token) in [
        ("{token: given}", "Bearer given"),
        ("{tokenFile: file.token, token: not-this}", "Bearer filed"),
        ("{username: u, password: p}", "Basic dTpw"),
        (exec, "Bearer plug-a-z"),
    ] {
        let (api, _) = with_pods(1).await;
        api.set_manners(|manners| manners.authorization = Some(token.to_owned()));
        let file = folder.path().join("config");
        std::fs::write(&file, kubeconfig(&api.url(), user)).unwrap();
        let config = format!(
            "scrape_configs: [{{job_name: k, kubernetes_sd_configs: [{{role: pod, attach_metadata: {{node: false, namespace: true}}, kubeconfig_file: '{}'}}]}}]\n",
            file.display()
        );
        let mut rig = Rig::start(&config);
        rig.until_targets(&["10.0.0.0:8067"]).await;
        if user == exec {
            let runs = || {
                std::fs::read_to_string(folder.path().join("runs"))
                    .unwrap()
                    .lines()
                    .count()
            };
            assert_eq!(runs(), 1, "two watches, one run");
            let info = std::fs::read_to_string(folder.path().join("info")).unwrap();
            let info: Value = serde_json::from_str(&info).unwrap();
            assert_eq!(info["spec"]["cluster"]["server"], api.url());
            assert_eq!(info["spec"]["interactive"], false);
            // What it granted is refused from now on: it is run again.
            std::fs::write(folder.path().join("token"), "new").unwrap();
            api.set_manners(|manners| manners.authorization = Some("Bearer new-a-z".to_owned()));
            api.end_watches();
            api.put(PODS, pod("shop", "new", "10.0.0.9"));
            rig.until_targets(&["10.0.0.0:8067", "10.0.0.9:8067"]).await;
            assert!(runs() >= 2);
        }
        rig.stop().await;
    }
}

#[tokio::test]
async fn a_kubeconfig_that_cannot_be_used_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config");
    let good = |user: &str| kubeconfig("http://127.0.0.1:1", user);
    let exec =
        |more: &str| format!("{{exec: {{apiVersion: client.authentication.k8s.io/v1, {more}}}}}");
    let mut wrong = String::new();
    for (text, expected) in [
        ("a: [".to_owned(), "line 1"),
        ("{}".to_owned(), "`current-context` is not set"),
        (
            good("{}").replace("current-context: here", "current-context: away"),
            "it has no context `away`",
        ),
        (
            good("{}").replace("user: me,", "user: them,"),
            "it has no user `them`",
        ),
        (
            good("{}").replace("http://127.0.0.1:1", "ftp://x"),
            "`server` `ftp://x` is no http or https URL",
        ),
        (
            good("{client-certificate-data: '!'}"),
            "`client-certificate-data` is not base64",
        ),
        (
            good("{auth-provider: {name: gcp}}"),
            "the auth provider `gcp` is not supported",
        ),
        (good("{tokenFile: none.token}"), "none.token`: No such file"),
        (
            good("{exec: {apiVersion: v1alpha1, command: x}}"),
            "`exec` has the version `v1alpha1`",
        ),
        (
            good(&exec("command: no-such-program, installHint: install it")),
            "no-such-program`: No such file or directory (os error 2): install it",
        ),
        (
            good(&exec(
                "command: sh, args: [-c, 'echo secret-token; echo no login >&2; exit 3']",
            )),
            "credential plugin `sh` failed (exit status: 3): no login",
        ),
        (
            good(&exec("command: echo, args: [secret-token]")),
            "its output is no ExecCredential",
        ),
        (
            good(&exec(
                "command: echo, args: ['{\"apiVersion\": \"client.authentication.k8s.io/v1\", \"status\": {}}']",
            )),
            "it granted neither a token nor a certificate",
        ),
        (
            good(&exec("command: x, interactiveMode: Always")),
            "there is nobody",
        ),
    ] {
        std::fs::write(&file, text).unwrap();
        let config = format!(
            "scrape_configs: [{{job_name: k, kubernetes_sd_configs: [{{role: pod, kubeconfig_file: '{}'}}]}}]\n",
            file.display()
        );
        let mut rig = Rig::start(&config);
        let now = rig
            .until("an error", |now| {
                source(now, "k/kubernetes/0").last_error.is_some()
            })
            .await;
        let error = source(&now, "k/kubernetes/0").last_error.clone().unwrap();
        if !error.contains(expected)
            || error.contains("secret-token")
            || !error.starts_with("watch pods: ")
        {
            writeln!(wrong, "expected {expected}, found {error}").unwrap();
        }
        rig.stop().await;
    }
    assert!(wrong.is_empty(), "{wrong}");
}
