//! Sources that are asked with the token of an oauth2 server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use manifesto_exporter::daemon;
use manifesto_exporter::sources::{EvidencePlan, Lookup, Query, SourceErrorKind, ask_once, run};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// What is asked in each round.
const PATHS: [&str; 4] = ["/a", "/b", "/c", "/d"];

fn query(path: &str) -> Query {
    Query::Http {
        source: "h".into(),
        path: path.into(),
    }
}

/// Grants `t0`, `t1`, ...; `t0` is good for three rounds.
async fn serve(granted: Arc<AtomicUsize>, asked: Arc<AtomicUsize>) -> SocketAddr {
    let token = move || async move {
        let number = granted.fetch_add(1, SeqCst);
        format!(r#"{{"access_token": "t{number}", "expires_in": 3600}}"#)
    };
    let answer = move |headers: HeaderMap| async move {
        let number = asked.fetch_add(1, SeqCst);
        match headers["authorization"].to_str().unwrap() {
            "Bearer t0" if number >= 12 => (StatusCode::UNAUTHORIZED, ""),
            _ => (StatusCode::OK, "kept"),
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new()
        .route("/token", post(token))
        .fallback(get(answer));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

/// Those questions to an HTTP source at `address`.
fn plan(address: SocketAddr, more: &str) -> EvidencePlan {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.yaml");
    let config = format!(
        "scrape_configs: []
sources:
- {{kind: http, name: h, url: 'http://{address}', interval: 200ms,
   oauth2: {{client_id: id, client_secret: s, token_url: 'http://{address}/token'}}}}
{more}"
    );
    std::fs::write(&file, config).unwrap();
    let config = daemon::load(Some(&file)).unwrap().config;
    EvidencePlan {
        sources: config.sources.clone(),
        queries: PATHS.map(query).into(),
        dial: config.dial.clone(),
    }
}

#[tokio::test]
async fn one_token_serves_rounds_until_it_is_refused() {
    let (granted, asked) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
    let address = serve(granted.clone(), asked.clone()).await;
    let (_wanted, wanted) = watch::channel(Arc::new(plan(address, "")));
    let (publish, answers) = watch::channel(Arc::default());
    let shutdown = CancellationToken::new();
    let asking = tokio::spawn(run(wanted, Arc::default(), publish, shutdown.clone()));
    let until = async |count| {
        while asked.load(SeqCst) < count {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    until(12).await;
    assert_eq!(granted.load(SeqCst), 1);
    until(24).await;
    assert_eq!(granted.load(SeqCst), 2);
    let answers = answers.borrow().clone();
    for path in PATHS {
        let said = answers.get("", &query(path));
        assert!(matches!(said, Lookup::Answer(..)), "{path}: {said:?}");
    }
    shutdown.cancel();
    asking.await.unwrap();
}

#[tokio::test]
async fn a_denied_token_server_is_not_asked() {
    let (granted, asked) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
    let address = serve(granted.clone(), asked.clone()).await;
    let denied = plan(address, "dial: {deny: [127.0.0.0/8]}\n");
    let answers = ask_once(&denied).await;
    for path in PATHS {
        let Lookup::Refused(_, error) = answers.get("", &query(path)) else {
            panic!("{path} was answered");
        };
        assert_eq!(error.reason, SourceErrorKind::Credentials);
        let why = format!(
            "oauth2 token server http://{address}/token: dial policy: 127.0.0.1 is in the denied range 127.0.0.0/8"
        );
        assert_eq!(error.message, why);
    }
    assert_eq!((granted.load(SeqCst), asked.load(SeqCst)), (0, 0));
}
