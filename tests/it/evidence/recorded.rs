//! Answers of real servers that cannot be started here: recorded, served again, judged.
//!
//! `tests/recorded/kubernetes`: the five lists of a kube-apiserver 1.36.3 with etcd 3.4, `managedFields`
//! left out (docs/decisions/evidence.md says how).

use axum::Router;
use axum::http::{StatusCode, Uri, header};
use axum::response::IntoResponse as _;
use tokio::net::TcpListener;

use super::case::{Judge, shown, verdict};

#[tokio::test]
async fn a_real_clusters_answers_are_judged() {
    let answer = async |uri: Uri| {
        let list = uri.path().rsplit('/').next().unwrap();
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/recorded/kubernetes");
        match std::fs::read_to_string(format!("{root}/{list}.json")) {
            Ok(text) => ([(header::CONTENT_TYPE, "application/json")], text).into_response(),
            Err(_) => StatusCode::NOT_FOUND.into_response(),
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().fallback(answer);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });

    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = format!(
        "{{current-context: here, contexts: [{{name: here, context: {{cluster: c, user: u}}}}], \
         clusters: [{{name: c, cluster: {{server: 'http://{address}'}}}}], users: [{{name: u, user: {{token: t}}}}]}}"
    );
    std::fs::write(folder.path().join("kubeconfig"), kubeconfig).unwrap();
    let file = folder.path().join("kubeconfig").display().to_string();
    for place in [
        format!("url: 'http://{address}'"),
        format!("kubeconfig_file: '{file}'"),
    ] {
        let config = format!("scrape_configs: []\nsources: [{{kind: kubernetes, {place}}}]\n");
        judged(folder.path(), &config).await;
    }
    // Who may not look knows nothing.
    let refuses = Router::new().fallback(async || {
        let status = r#"{"kind":"Status","message":"services is forbidden: User \"x\" cannot list resource \"services\""}"#;
        (StatusCode::FORBIDDEN, status)
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, refuses).await.unwrap() });
    let config =
        format!("scrape_configs: []\nsources: [{{kind: kubernetes, url: 'http://{address}'}}]\n");
    let snapshot = Judge::new(folder.path(), &config).judge(&["ledger"]).await;
    assert_eq!(
        shown(verdict(&snapshot, "ledger", "S-2")),
        "unknown source_down"
    );
    let message = &verdict(&snapshot, "ledger", "S-2").finding.message;
    assert!(
        message.contains("list services: the server answered 403: services is forbidden"),
        "{message}"
    );
}

async fn judged(folder: &std::path::Path, config: &str) {
    let services = ["checkout", "mailer", "ledger", "stranger"];
    let snapshot = Judge::new(folder, config).judge(&services).await;
    for (service, rule, expected) in [
        // A public load balancer; an Ingress through a Service of another name to the metrics port; an
        // internal load balancer; nothing of that name.
        ("checkout", "S-2", "fail exposed"),
        ("mailer", "S-2", "fail exposed"),
        ("ledger", "S-2", "pass proven"),
        ("stranger", "S-2", "unknown no_data"),
        ("checkout", "S-4", "pass proven"),
        ("mailer", "S-4", "fail unprotected"),
        ("ledger", "S-4", "pass proven"),
        // A role, and a key that is a reference to a secret.
        ("", "S-5", "pass proven"),
    ] {
        let found = shown(verdict(&snapshot, service, rule));
        assert_eq!(found, expected, "{service} {rule}");
    }
    let message = &verdict(&snapshot, "mailer", "S-2").finding.message;
    assert_eq!(
        message,
        "the metrics port metrics is public through Ingress shop/door"
    );
}
