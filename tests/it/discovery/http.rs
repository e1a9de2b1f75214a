//! `http_sd_configs` with real servers.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::rig::{Rig, addresses, source};

/// Serves until the test's runtime ends.
async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

/// Serves what `answer` says, and keeps the last request's headers.
#[derive(Clone)]
struct Lists {
    answer: Arc<Mutex<(StatusCode, &'static str, String)>>,
    headers: Arc<Mutex<HeaderMap>>,
}

impl Lists {
    fn new(body: &str) -> Self {
        let answer = (StatusCode::OK, "application/json", body.to_owned());
        Self {
            answer: Arc::new(Mutex::new(answer)),
            headers: Arc::default(),
        }
    }

    fn say(&self, status: StatusCode, content_type: &'static str, body: &str) {
        *self.answer.lock().unwrap() = (status, content_type, body.to_owned());
    }

    fn router(&self) -> Router {
        let lists = self.clone();
        let handler = move |headers: HeaderMap| async move {
            *lists.headers.lock().unwrap() = headers;
            let (status, content_type, body) = lists.answer.lock().unwrap().clone();
            (status, [(header::CONTENT_TYPE, content_type)], body)
        };
        Router::new().route("/", get(handler))
    }
}

fn config(url: &str, more: &str) -> String {
    format!(
        "scrape_configs:
  - job_name: h
    http_sd_configs:
      - {{url: '{url}', refresh_interval: 50ms{more}}}
"
    )
}

const TWO: &str = r#"[{"targets": ["a:1", "b:2"], "labels": {"__meta_rack": "7"}}]"#;

#[tokio::test]
async fn a_list_is_asked_for_as_prometheus_does() {
    let lists = Lists::new(TWO);
    let address = serve(lists.router()).await;
    let url = format!("http://{address}/");
    let mut rig = Rig::start(&config(&url, ", basic_auth: {username: u, password: p}"));
    let now = rig.until_targets(&["a:1", "b:2"]).await;
    assert_eq!(now.targets[0].found.labels().get("__meta_url"), url);
    assert_eq!(now.targets[0].found.labels().get("__meta_rack"), "7");
    assert_eq!(now.targets[0].sources, ["h/http/0"]);
    let headers = lists.headers.lock().unwrap().clone();
    assert_eq!(headers["accept"], "application/json");
    assert_eq!(headers["x-prometheus-refresh-interval-seconds"], "0.05");
    assert_eq!(headers["authorization"], "Basic dTpw");
    assert!(
        headers["user-agent"]
            .to_str()
            .unwrap()
            .starts_with("manifesto-exporter/")
    );
    rig.stop().await;
}

/// As Go's client does; what is configured beside it goes before. Nothing of it is shown.
#[tokio::test]
async fn a_login_in_the_url_is_used_and_not_shown() {
    for (more, expected) in [
        ("", "Basic dTpwQHM="),
        (", authorization: {credentials: t0k}", "Bearer t0k"),
    ] {
        let lists = Lists::new(TWO);
        let address = serve(lists.router()).await;
        let mut rig = Rig::start(&config(&format!("http://u:p%40s@{address}/"), more));
        let now = rig.until_targets(&["a:1", "b:2"]).await;
        let labels = now.targets[0].found.labels();
        assert_eq!(labels.get("__meta_url"), format!("http://{address}/"));
        assert_eq!(lists.headers.lock().unwrap()["authorization"], expected);
        rig.stop().await;
    }
}

#[tokio::test]
async fn fault_34_35_bad_answers_keep_the_last_good_list() {
    let lists = Lists::new(TWO);
    let address = serve(lists.router()).await;
    let mut rig = Rig::start(&config(&format!("http://{address}/"), ""));
    rig.until_targets(&["a:1", "b:2"]).await;
    for (status, content_type, body, error) in [
        (
            500,
            "application/json",
            TWO,
            "the server answered 500 Internal Server Error",
        ),
        (
            204,
            "application/json",
            "",
            "the server answered 204 No Content",
        ),
        (
            200,
            "text/html",
            TWO,
            "content type `text/html` is not `application/json`",
        ),
        (
            200,
            "application/json; charset=latin1",
            TWO,
            "content type `application/json; charset=latin1` is not `application/json`",
        ),
        (
            200,
            "application/json",
            "",
            "the list is empty (0 bytes): not even `[]`",
        ),
        (
            200,
            "application/json",
            "[{]",
            "key must be a string at line 1 column 3",
        ),
        (
            200,
            "application/json",
            "null",
            "expected a list of groups, found null",
        ),
    ] {
        let status = StatusCode::from_u16(status).unwrap();
        lists.say(status, content_type, body);
        let now = rig
            .until(error, |now| {
                source(now, "h/http/0").last_error.as_deref() == Some(error)
            })
            .await;
        assert_eq!(addresses(&now), ["a:1", "b:2"], "{error}");
        assert!(now.ready && source(&now, "h/http/0").failures_total > 0);
    }
    lists.say(
        StatusCode::OK,
        "Application/JSON; charset=\"UTF-8\"",
        r#"[{"targets": ["c:3"]}]"#,
    );
    rig.until_targets(&["c:3"]).await;
    rig.stop().await;
}

#[tokio::test]
async fn fault_36_an_emptied_list_is_held_then_believed() {
    let lists = Lists::new(r#"[{"targets": ["a:1", "a:2", "a:3", "a:4"]}]"#);
    let address = serve(lists.router()).await;
    let mut rig = Rig::start(&config(&format!("http://{address}/"), ""));
    rig.until("four", |now| now.targets.len() == 4).await;
    lists.say(StatusCode::OK, "application/json", "[]");
    let now = rig.until("held", |now| source(now, "h/http/0").held).await;
    assert_eq!(now.targets.len(), 4);
    let now = rig.until("believed", |now| now.targets.is_empty()).await;
    assert!(!source(&now, "h/http/0").held);
    rig.stop().await;
}

#[tokio::test]
async fn fault_41_a_hung_server_fails_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = [0; 1024];
            let _read = socket.read(&mut request).await;
            kept.push(socket);
        }
    });
    let mut rig = Rig::start(&config(&format!("http://{address}/"), ""));
    let now = rig
        .until("failed", |now| source(now, "h/http/0").failures_total > 1)
        .await;
    assert_eq!(
        source(&now, "h/http/0").last_error.as_deref(),
        Some("no complete answer within 50ms")
    );
    assert!(!now.ready);
    rig.stop().await;
}

#[tokio::test]
async fn fault_42_a_body_without_end_is_cut() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n";
        let mut sent = socket.write_all(head.as_bytes()).await;
        while sent.is_ok() {
            sent = socket.write_all(&[b' '; 1 << 16]).await;
        }
    });
    let config = config(&format!("http://{address}/"), "").replace("50ms", "10s");
    let mut rig = Rig::start(&config);
    let now = rig
        .until("failed", |now| source(now, "h/http/0").last_error.is_some())
        .await;
    assert_eq!(
        source(&now, "h/http/0").last_error.as_deref(),
        Some("the body is larger than 16777216 bytes")
    );
    rig.stop().await;
}

#[tokio::test]
async fn redirects_stay_within_the_origin() {
    let seen = Arc::new(AtomicUsize::new(0));
    let other = {
        let seen = seen.clone();
        serve(Router::new().fallback(move || async move {
            seen.fetch_add(1, Ordering::SeqCst);
            StatusCode::OK
        }))
        .await
    };
    let lists = Lists::new(TWO);
    let router = lists
        .router()
        .route("/here", get(|| async { Redirect::temporary("/") }))
        .route(
            "/there",
            get(move || async move { Redirect::temporary(&format!("http://{other}/")) }),
        )
        .route("/loop", get(|| async { Redirect::temporary("/loop") }));
    let address = serve(router).await;
    let mut rig = Rig::start(&config(&format!("http://{address}/here"), ""));
    rig.until_targets(&["a:1", "b:2"]).await;
    for (path, more, error) in [
        ("there", "", "redirected to another origin"),
        ("loop", "", "more than 10 redirects"),
        (
            "here",
            ", follow_redirects: false",
            "the server answered 307 Temporary Redirect",
        ),
    ] {
        rig.reload(&config(&format!("http://{address}/{path}"), more));
        rig.until(error, |now| {
            source(now, "h/http/0").last_error.as_deref() == Some(error)
        })
        .await;
    }
    assert_eq!(seen.load(Ordering::SeqCst), 0);
    rig.stop().await;
}

#[tokio::test]
async fn fault_56_without_its_credentials_nothing_is_asked() {
    let lists = Lists::new(TWO);
    let address = serve(lists.router()).await;
    let more = ", authorization: {credentials_file: /nowhere/token}";
    let mut rig = Rig::start(&config(&format!("http://{address}/"), more));
    let now = rig
        .until("failed", |now| source(now, "h/http/0").last_error.is_some())
        .await;
    let error = source(&now, "h/http/0").last_error.clone().unwrap();
    assert!(
        error.starts_with("cannot read secret file `/nowhere/token`"),
        "{error}"
    );
    assert!(lists.headers.lock().unwrap().is_empty());
    rig.stop().await;
}

#[tokio::test]
async fn a_token_is_fetched_first_and_once_for_many_refreshes() {
    let granted = Arc::new(AtomicUsize::new(0));
    let grants = granted.clone();
    let token = |request: Request| async move {
        let authorization = request.headers().get("authorization").cloned();
        let form = axum::body::to_bytes(request.into_body(), 1_000)
            .await
            .unwrap();
        let form = String::from_utf8(form.to_vec()).unwrap();
        // Only the form is taken by this server: the header alone is refused.
        if !form.contains("client_secret=s%26") {
            assert_eq!(authorization.unwrap(), "Basic aWQ6cyUyNg==");
            return StatusCode::UNAUTHORIZED.into_response();
        }
        assert_eq!(
            form,
            "grant_type=client_credentials&scope=read+list&audience=x&client_id=id&client_secret=s%26"
        );
        grants.fetch_add(1, Ordering::SeqCst);
        r#"{"access_token": "t0k", "token_type": "bearer"}"#.into_response()
    };
    let lists = Lists::new(TWO);
    let address = serve(lists.router().route("/token", post(token))).await;
    let more = format!(
        ", oauth2: {{client_id: id, client_secret: s&, token_url: 'http://{address}/token', \
         scopes: [read, list], endpoint_params: {{audience: x}}}}"
    );
    let mut rig = Rig::start(&config(&format!("http://{address}/"), &more));
    rig.until_targets(&["a:1", "b:2"]).await;
    assert_eq!(lists.headers.lock().unwrap()["authorization"], "Bearer t0k");
    lists.say(
        StatusCode::OK,
        "application/json",
        r#"[{"targets": ["c:3"]}]"#,
    );
    rig.until_targets(&["c:3"]).await;
    assert_eq!(granted.load(Ordering::SeqCst), 1);
    rig.stop().await;
}

#[tokio::test]
async fn fault_51_all_sources_down_at_start_is_not_ready_and_said() {
    // A port that nobody listens on any more.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let mut rig = Rig::start(&config(&format!("http://{address}/"), ""));
    let now = rig
        .until("failed", |now| source(now, "h/http/0").last_error.is_some())
        .await;
    assert!(!now.ready);
    let error = source(&now, "h/http/0").last_error.clone().unwrap();
    assert!(
        error.to_lowercase().contains("connection refused"),
        "{error}"
    );
    // It recovers by itself, soon.
    let listener = TcpListener::bind(address).await.unwrap();
    let router = Lists::new(TWO).router();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let now = rig.until_targets(&["a:1", "b:2"]).await;
    assert!(now.ready);
    rig.stop().await;
}

#[tokio::test]
async fn fault_49_a_flapping_source_is_throttled() {
    let flips = Arc::new(AtomicUsize::new(0));
    let flip = {
        let flips = flips.clone();
        move || async move {
            let n = flips.fetch_add(1, Ordering::SeqCst) % 2;
            let body = format!(r#"[{{"targets": ["a{n}:1"]}}]"#);
            ([(header::CONTENT_TYPE, "application/json")], body).into_response() as Response
        }
    };
    let address = serve(Router::new().route("/", get(flip))).await;
    let config = config(&format!("http://{address}/"), "").replace("50ms", "10ms");
    let timing = manifesto_exporter::discovery::Timing {
        publish_every: Duration::from_millis(300),
        ..super::rig::QUICK
    };
    let mut rig = Rig::with_timing(&config, timing);
    let mut published = 0;
    let started = tokio::time::Instant::now();
    while flips.load(Ordering::SeqCst) < 50 {
        if let Ok(changed) =
            tokio::time::timeout(Duration::from_millis(50), rig.discovered.changed()).await
        {
            changed.unwrap();
            published += 1;
        }
    }
    let most = started.elapsed().as_millis() / 300 + 2;
    assert!(
        (2..=most).contains(&published),
        "{published} publications, {most} allowed"
    );
    assert!(rig.now().targets.len() <= 1);
    rig.stop().await;
}

/// As in Prometheus: jobs that are configured equally have one list, and each its own targets of it.
#[tokio::test]
async fn equal_configurations_are_asked_for_once() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let handler = move || async move {
        count.fetch_add(1, Ordering::Relaxed);
        ([(header::CONTENT_TYPE, "application/json")], TWO)
    };
    let address = serve(Router::new().route("/", get(handler))).await;
    let entry = format!("http_sd_configs: [{{url: 'http://{address}/', refresh_interval: 1h}}]");
    let other = format!("http_sd_configs: [{{url: 'http://{address}/', refresh_interval: 2h}}]");
    let rules = "relabel_configs: [{source_labels: [__address__], regex: 'a:1', action: drop}]";
    let jobs = format!(
        "scrape_configs:
  - {{job_name: one, {entry}}}
  - {{job_name: two, metrics_path: /other, {entry}, {rules}}}
"
    );
    let mut rig = Rig::start(&jobs);
    let now = rig.until_targets(&["a:1", "b:2", "b:2"]).await;
    assert_eq!(now.sources.len(), 2);
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    // A third job that is configured otherwise asks for itself; the two go on with what they have.
    rig.reload(&format!(
        "{jobs}  - {{job_name: three, metrics_path: /3, {other}}}\n"
    ));
    let now = rig
        .until_targets(&["a:1", "a:1", "b:2", "b:2", "b:2"])
        .await;
    let refreshes = now.sources.iter().map(|source| source.refreshes_total);
    assert_eq!(refreshes.collect::<Vec<_>>(), [1, 1, 1]);
    assert_eq!(asked.load(Ordering::Relaxed), 2);
    rig.stop().await;
}
