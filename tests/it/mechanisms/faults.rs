//! What goes wrong between us and the servers that are asked for services.

use std::time::Duration;

use manifesto_exporter::discovery::Discovered;
use serde_json::{Value, json};

use super::dns::Zones;
use super::server::{Answer, Server};
use super::{consul, docker, ec2, nomad};
use crate::discovery::rig::{Rig, addresses, source};
use crate::programs::free_address;

/// A mechanism: who answers, an entry of its configuration, and a step with so many targets.
struct Case {
    name: &'static str,
    answer: Answer,
    entry: &'static str,
    step: fn(usize) -> Value,
    /// A part of the path of a request without which there is no list.
    list: &'static str,
}

const CASES: [Case; 3] = [
    Case {
        name: "consul",
        answer: consul::answer,
        entry: "server: SERVER",
        step: |count| {
            let instance = |index| {
                json!({"Node": {"Node": "n", "Address": format!("10.0.0.{index}")},
                       "Service": {"ID": format!("s{index}"), "Service": format!("service-{index}"), "Port": 8067}})
            };
            json!({"instances": (0..count).map(instance).collect::<Vec<_>>()})
        },
        list: "/v1/catalog/services",
    },
    Case {
        name: "nomad",
        answer: nomad::answer,
        entry: "server: 'http://SERVER'",
        step: |count| {
            let instance = |index| {
                json!({"ID": format!("s{index}"), "ServiceName": format!("service-{index}"), "Namespace": "default",
                       "Address": format!("10.0.0.{index}"), "Port": 8067})
            };
            json!({"instances": (0..count).map(instance).collect::<Vec<_>>()})
        },
        list: "/v1/services",
    },
    Case {
        name: "docker",
        answer: docker::answer,
        entry: "host: 'tcp://SERVER'",
        step: |count| {
            let container = |index| {
                json!({"Id": format!("c{index}"), "Names": [format!("/c{index}")], "HostConfig": {"NetworkMode": "bridge"},
                       "Ports": [{"PrivatePort": 8067, "Type": "tcp"}],
                       "NetworkSettings": {"Networks": {"bridge": {"NetworkID": "n", "IPAddress": format!("10.0.0.{index}")}}}})
            };
            json!({"containers": (0..count).map(container).collect::<Vec<_>>(), "networks": []})
        },
        list: "/containers/json",
    },
];

impl Case {
    async fn start(&self, targets: usize) -> (Server, Rig) {
        let server = Server::start(self.answer).await;
        server.set((self.step)(targets));
        let rig = Rig::start(&self.config(&server));
        (server, rig)
    }

    fn config(&self, server: &Server) -> String {
        let entry = self.entry.replace("SERVER", &server.address.to_string());
        let name = self.name;
        format!(
            "scrape_configs: [{{job_name: j, {name}_sd_configs: [{{{entry}, refresh_interval: 200ms}}]}}]\n"
        )
    }

    fn error<'a>(&self, now: &'a Discovered) -> Option<&'a str> {
        let name = format!("j/{}/0", self.name);
        source(now, &name).last_error.as_deref()
    }
}

async fn until_count(rig: &mut Rig, count: usize) {
    rig.until(&format!("{count} targets"), |now| {
        now.targets.len() == count
    })
    .await;
}

#[tokio::test]
async fn fault_34_35_what_is_no_list_keeps_the_last_one() {
    for case in CASES {
        let (server, mut rig) = case.start(5).await;
        until_count(&mut rig, 5).await;
        for (status, body, expected) in [
            (
                500,
                "rpc error: No cluster leader",
                "the server answered 500 Internal Server Error: rpc error: No cluster leader",
            ),
            (
                403,
                "Permission denied",
                "the server answered 403 Forbidden: Permission denied",
            ),
            (502, "<html>", "the server answered 502 Bad Gateway"),
            (200, "{", "the answer is not what was asked for: "),
            (200, "7", "the answer is not what was asked for: "),
        ] {
            server.fail(case.list, status, body);
            let name = case.name;
            let now = rig
                .until(&format!("{name}: {expected}"), |now| {
                    case.error(now)
                        .is_some_and(|error| error.contains(expected))
                })
                .await;
            assert!(
                now.targets.len() == 5 && now.ready,
                "{name}: {:?}",
                addresses(&now)
            );
            server.mend();
            server.set((case.step)(5));
            rig.until("no error", |now| case.error(now).is_none()).await;
        }
        rig.stop().await;
    }
}

#[tokio::test]
async fn fault_51_services_without_any_answer_are_no_empty_list() {
    for (case, of_services) in [
        (&CASES[0], "/v1/health/service/"),
        (&CASES[1], "/v1/service/"),
    ] {
        let server = Server::start(case.answer).await;
        server.set((case.step)(3));
        server.fail(of_services, 500, "no");
        let mut rig = Rig::start(&case.config(&server));
        rig.until("an error", |now| case.error(now).is_some()).await;
        let now = rig.now();
        let name = format!("j/{}/0", case.name);
        let has_answered = source(&now, &name).last_success.is_some();
        assert!(!now.ready && !has_answered, "{name}");
        server.mend();
        server.set((case.step)(3));
        until_count(&mut rig, 3).await;
        assert!(rig.now().ready);
        rig.stop().await;
    }
}

/// In a path such a name is folded away: the request would ask for something else, with the token.
#[tokio::test]
async fn fault_37_a_service_whose_name_is_no_part_of_a_path_is_said_alone() {
    for case in [&CASES[0], &CASES[1]] {
        let server = Server::start(case.answer).await;
        let text = (case.step)(2).to_string().replace("service-1", "..");
        server.set(serde_json::from_str(&text).unwrap());
        let mut rig = Rig::start(&case.config(&server));
        let expected = "service `..`: its name cannot be part of a URL";
        rig.until(expected, |now| {
            let is_said = case
                .error(now)
                .is_some_and(|error| error.contains(expected));
            is_said && now.targets.len() == 1
        })
        .await;
        rig.stop().await;
    }
}

#[tokio::test]
async fn fault_44_a_container_with_too_many_targets_is_skipped_alone() {
    let server = Server::start(docker::answer).await;
    let container = |name: &str, ports: usize, networks: usize| {
        let ports = (0..ports).map(|port| json!({"PrivatePort": port + 1, "Type": "tcp"}));
        let networks = (0..networks).map(|nth| {
            let place =
                json!({"NetworkID": format!("n{nth}"), "IPAddress": format!("10.0.{nth}.1")});
            (format!("net{nth}"), place)
        });
        json!({"Id": name, "Names": [format!("/{name}")], "HostConfig": {"NetworkMode": "bridge"},
               "Ports": ports.collect::<Vec<_>>(),
               "NetworkSettings": {"Networks": networks.collect::<serde_json::Map<_, _>>()}})
    };
    let containers = [container("huge", 200, 60), container("usual", 2, 2)];
    server.set(json!({"containers": containers, "networks": []}));
    let config = format!(
        "scrape_configs: [{{job_name: j, docker_sd_configs: [{{host: 'tcp://{}', match_first_network: false}}]}}]\n",
        server.address
    );
    let mut rig = Rig::start(&config);
    let now = rig.until("4 targets", |now| now.targets.len() == 4).await;
    let reason = now.dropped[0].reason.to_string();
    assert_eq!(
        reason,
        "container /huge: 200 ports in 60 networks are 12000 targets, more than 10000"
    );
    rig.stop().await;
}

#[tokio::test]
async fn fault_36_a_server_that_comes_back_with_less_is_not_believed_at_once() {
    for case in CASES {
        let (mut server, mut rig) = case.start(8).await;
        until_count(&mut rig, 8).await;
        server.go_away().await;
        rig.until("an error", |now| case.error(now).is_some()).await;
        assert_eq!(rig.now().targets.len(), 8);
        server.set((case.step)(1));
        server.come_back().await;
        let name = format!("j/{}/0", case.name);
        rig.until("a held list", |now| {
            let status = source(now, &name);
            status.held && status.last_error.is_none()
        })
        .await;
        rig.stop().await;
    }
}

/// One service that cannot be asked for keeps what it was; the others go on.
#[tokio::test]
async fn fault_37_one_service_that_fails_holds_no_other_up() {
    for (case, part) in [
        (&CASES[0], "/v1/health/service/service-1"),
        (&CASES[1], "/v1/service/service-1"),
    ] {
        let (server, mut rig) = case.start(2).await;
        until_count(&mut rig, 2).await;
        server.fail(part, 500, "no");
        server.set((case.step)(4));
        let now = rig
            .until("four targets and an error", |now| {
                now.targets.len() == 4 && case.error(now).is_some()
            })
            .await;
        let error = case.error(&now).unwrap();
        assert_eq!(
            error,
            "service `service-1`: the server answered 500 Internal Server Error: no"
        );
        rig.stop().await;
    }
}

/// Of many answers some never come: the others count, and those that there was no time for come first the next time.
#[tokio::test]
async fn fault_41_a_service_that_hangs_holds_no_other_up() {
    let case = &CASES[1];
    let server = Server::start(case.answer).await;
    server.set((case.step)(30));
    for hanging in 10..20 {
        server.fail(&format!("/v1/service/service-{hanging}?"), 0, "");
    }
    let mut rig = Rig::start(&case.config(&server));
    let now = rig
        .until("twenty targets", |now| now.targets.len() == 20)
        .await;
    assert!(case.error(&now).is_some());
    server.mend();
    rig.until("all targets", |now| now.targets.len() == 30)
        .await;
    rig.stop().await;
}

#[tokio::test]
async fn fault_47_an_index_that_goes_backwards_is_asked_for_anew() {
    let case = &CASES[0];
    let (mut server, mut rig) = case.start(3).await;
    for _ in 0..20 {
        server.set((case.step)(3));
    }
    until_count(&mut rig, 3).await;
    server.go_away().await;
    server.set((case.step)(4));
    server.come_back().await;
    until_count(&mut rig, 4).await;
    // And from there it goes on.
    server.set((case.step)(5));
    until_count(&mut rig, 5).await;
    assert_eq!(case.error(&rig.now()), None);
    rig.stop().await;
}

/// What is waited for costs nothing while nothing changes.
#[tokio::test]
async fn a_quiet_catalogue_is_hardly_asked_for() {
    let case = &CASES[0];
    let (server, mut rig) = case.start(3).await;
    until_count(&mut rig, 3).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let before = server.served.requests.lock().unwrap().len();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let after = server.served.requests.lock().unwrap().len();
    assert_eq!(
        before,
        after,
        "{:?}",
        server.served.requests.lock().unwrap()
    );
    let first = server.served.requests.lock().unwrap()[1].clone();
    assert_eq!(first, "/v1/catalog/services?stale=&wait=120000ms");
    rig.stop().await;
}

/// What EC2 refuses is said with its code; what is no list keeps the last one.
#[tokio::test]
async fn fault_34_45_an_api_that_refuses_is_told_with_its_reason() {
    let instance = |index| json!({"instanceId": format!("i-{index}"), "privateIpAddress": format!("10.0.0.{index}")});
    let step = json!({"instances": (0..5).map(instance).collect::<Vec<_>>(), "page": 2});
    let server = Server::start(ec2::answer).await;
    server.set(step.clone());
    let config = format!(
        "scrape_configs: [{{job_name: j, ec2_sd_configs: [{{endpoint: 'http://{}', region: eu-test-1, access_key: k, secret_key: s, refresh_interval: 200ms}}]}}]\n",
        server.address
    );
    let mut rig = Rig::start(&config);
    until_count(&mut rig, 5).await;
    let error = |now: &Discovered| source(now, "j/ec2/0").last_error.clone();
    let cut = "<DescribeInstancesResponse><reservationSet><item><instancesSet><item><privateIpAddress>10.0.0.1";
    let circle = "<DescribeInstancesResponse><reservationSet/><nextToken>again</nextToken></DescribeInstancesResponse>";
    for (status, body, expected) in [
        (
            403,
            "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>You are not authorized to perform this operation.</Message></Error></Errors></Response>",
            "ec2:DescribeInstances: the server answered 403 Forbidden: UnauthorizedOperation: You are not authorized to perform this operation.",
        ),
        (
            503,
            "<Response><Errors><Error><Code>RequestLimitExceeded</Code></Error></Errors></Response>",
            "ec2:DescribeInstances: the server answered 503 Service Unavailable: RequestLimitExceeded",
        ),
        (
            500,
            "no",
            "ec2:DescribeInstances: the server answered 500 Internal Server Error",
        ),
        (200, "", "the answer is not what was asked for"),
        (200, cut, "the answer is not what was asked for"),
        (
            200,
            "<DescribeInstancesResponse/>",
            "missing field `reservationSet`",
        ),
        (200, circle, "the pages of the list go in a circle"),
    ] {
        server.fail("DescribeInstances", status, body);
        let now = rig
            .until(expected, |now| {
                error(now).is_some_and(|error| error.contains(expected))
            })
            .await;
        assert!(now.targets.len() == 5 && now.ready);
        server.mend();
        rig.until("no error", |now| error(now).is_none()).await;
    }
    rig.stop().await;
}

/// A Prometheus of the tests' own lists the targets of its step.
fn lists(
    served: std::sync::Arc<super::server::Served>,
    request: axum::extract::Request,
) -> std::pin::Pin<Box<dyn Future<Output = axum::response::Response> + Send>> {
    use axum::response::IntoResponse as _;
    Box::pin(async move {
        let step = served.step.lock().unwrap().clone();
        let wanted = super::server::parameters(&request);
        let pool = wanted.iter().find(|(name, _)| name == "scrapePool");
        let all = step["targets"].as_array().unwrap().iter();
        let active =
            all.filter(|target| pool.is_none_or(|(_, pool)| target["scrapePool"] == **pool));
        let active: Vec<&Value> = active.collect();
        axum::Json(json!({"status": "success", "data": {"activeTargets": active}})).into_response()
    })
}

#[tokio::test]
async fn fault_34_35_37_a_prometheus_that_fails_keeps_its_targets() {
    let target = |pool: &str, url: &str| json!({"scrapePool": pool, "scrapeUrl": url, "labels": {"job": pool, "instance": url}, "discoveredLabels": {}});
    let server = Server::start(lists).await;
    server.set(json!({"targets": [
        target("a", "http://10.0.0.1:8067/metrics"), target("b", "https://10.0.0.2:9000/x"),
        target("b", "nowhere"), target("c", "http://10.0.0.3:8067/metrics"),
    ]}));
    let config = format!(
        "scrape_configs: [{{job_name: j, prometheus_sd_configs: [{{url: 'http://{}', scrape_pools: [a, b], refresh_interval: 200ms}}]}}]\n",
        server.address
    );
    let mut rig = Rig::start(&config);
    let now = rig.until_targets(&["10.0.0.1:8067", "10.0.0.2:9000"]).await;
    assert_eq!(now.targets[1].service.name, "b");
    // What is nowhere is no target, and is told of.
    assert_eq!(now.dropped.len(), 1);
    let why = now.dropped[0].reason.to_string();
    assert!(why.contains("target `nowhere`: "), "{why}");
    let error = |now: &Discovered| source(now, "j/prometheus/0").last_error.clone();
    for (status, body, expected) in [
        (500, "", "the server answered 500 Internal Server Error"),
        (404, "no", "the server answered 404 Not Found"),
        (200, "{}", "the answer is not what was asked for"),
        (
            400,
            r#"{"status":"error","error":"no such pool"}"#,
            "the server refused: no such pool",
        ),
        (
            200,
            r#"{"status":"success","data":{"activeTargets":[]},"warnings":["store x"]}"#,
            "the answer may not be whole: store x",
        ),
    ] {
        server.fail("/api/v1/targets", status, body);
        let now = rig
            .until(expected, |now| {
                error(now).is_some_and(|error| error.contains(expected))
            })
            .await;
        assert_eq!(now.targets.len(), 2);
        server.mend();
        rig.until("no error", |now| error(now).is_none()).await;
    }
    rig.stop().await;
}

#[tokio::test]
async fn a_docker_socket_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("docker.sock");
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    let served = Server::start(docker::answer).await;
    served.set((CASES[2].step)(2));
    let state = std::sync::Arc::clone(&served.served);
    let router =
        axum::Router::new().fallback(move |request| docker::answer(state.clone(), request));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let config = format!(
        "scrape_configs: [{{job_name: j, docker_sd_configs: [{{host: 'unix://{}', refresh_interval: 200ms}}]}}]\n",
        path.display()
    );
    let mut rig = Rig::start(&config);
    until_count(&mut rig, 2).await;
    rig.stop().await;
}

#[tokio::test]
async fn fault_43_a_name_that_is_gone_is_held_and_one_that_cannot_be_asked_for_stays() {
    let hosts = |count: usize| {
        let records = (0..count).map(|index| format!("cart A 10.0.0.{index}\n"));
        json!({"records": records.collect::<String>() + "other A 10.0.1.1\n"})
    };
    let mut zones = Zones::start(free_address(), &hosts(8)).await;
    let server = zones.address;
    let config = format!(
        "scrape_configs: [{{job_name: j, dns_sd_configs: [{{names: [cart.shop.test.], type: A, port: 8067, servers: ['{server}'], refresh_interval: 200ms}}]}}]\n"
    );
    let mut rig = Rig::start(&config);
    until_count(&mut rig, 8).await;
    // NXDOMAIN: believed after a while, as any list that shrank.
    zones.set(&hosts(0)).await;
    let status = |now: &Discovered| source(now, "j/dns/0").clone();
    rig.until("a held list", |now| {
        status(now).held && now.targets.len() == 8
    })
    .await;
    zones.set(&hosts(8)).await;
    rig.until("nothing held", |now| !status(now).held).await;
    // SERVFAIL: nothing is known.
    let _zones = zones.restart_broken().await;
    let now = rig
        .until("an error", |now| status(now).last_error.is_some())
        .await;
    let error = status(&now).last_error.unwrap();
    assert!(error.starts_with("`cart.shop.test.`: "), "{error}");
    assert_eq!(now.targets.len(), 8);
    let now = rig
        .until("server failure", |now| {
            status(now)
                .last_error
                .is_some_and(|error| error.contains("Server Failure"))
        })
        .await;
    assert!(now.targets.len() == 8 && !status(&now).held);
    rig.stop().await;
}
