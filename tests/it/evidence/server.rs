//! A server that speaks the APIs of every kind of source: Prometheus's and Loki's queries, Loki's
//! series and configuration, Kubernetes's lists, Playbooks's runs, Statuspage's incidents, pages.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::case::timed;

/// Serves what a case says until the test's runtime ends.
pub(crate) async fn serve(case: Value) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = router(case);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

/// Every API, by what a case says.
pub(super) fn router(case: Value) -> Router {
    Router::new().fallback(answer).with_state(Arc::new(case))
}

async fn answer(State(case): State<Arc<Value>>, method: Method, uri: Uri, body: Bytes) -> Response {
    let case = timed(&case, Timestamp::now(), "");
    let list = |kind: &str| json!({"metadata": {}, "items": case["cluster"].get(kind).cloned().unwrap_or(json!([]))});
    match uri.path() {
        "/api/v1/query" | "/loki/api/v1/query" => {
            let form = match method {
                Method::POST => body.to_vec(),
                _ => uri.query().unwrap_or("").as_bytes().to_vec(),
            };
            let mut pairs = url::form_urlencoded::parse(&form);
            let (_, query) = pairs.find(|(name, _)| name == "query").unwrap();
            json_answer(&vector(&case["queries"], &query))
        }
        "/loki/api/v1/series" => {
            json_answer(&json!({"status": "success", "data": case["streams"]}))
        }
        "/config" => case["loki_config"].to_string().into_response(),
        "/api/v1/services" => json_answer(&list("services")),
        "/apis/networking.k8s.io/v1/ingresses" => json_answer(&list("ingresses")),
        "/apis/networking.k8s.io/v1/networkpolicies" => json_answer(&list("networkpolicies")),
        "/apis/gateway.networking.k8s.io/v1/httproutes" => {
            match case["cluster"].get("httproutes") {
                Some(_) => json_answer(&list("httproutes")),
                None => StatusCode::NOT_FOUND.into_response(),
            }
        }
        "/api/v1/pods" => json_answer(&list("pods")),
        "/api/v1/serviceaccounts" => json_answer(&list("serviceaccounts")),
        "/plugins/playbooks/api/v0/runs" => json_answer(&runs(&case["runs"])),
        "/incidents" => json_answer(&case["incidents"]),
        path => match case["bodies"].get(path) {
            Some(body) => body.as_str().unwrap().to_owned().into_response(),
            None => page(&case["pages"], path),
        },
    }
}

fn json_answer(value: &Value) -> Response {
    (
        [(header::CONTENT_TYPE, "application/json")],
        value.to_string(),
    )
        .into_response()
}

/// The first series whose text the query holds.
fn vector(queries: &Value, query: &str) -> Value {
    let known = queries.as_array().into_iter().flatten();
    let mut known = known.filter(|known| query.contains(known["holds"].as_str().unwrap()));
    let series = known
        .next()
        .map_or(json!([]), |known| known["series"].clone());
    let result: Vec<Value> = series
        .as_array()
        .unwrap()
        .iter()
        .map(|series| json!({"metric": series[0], "value": [0.0, figure(&series[1])]}))
        .collect();
    json!({"status": "success", "data": {"resultType": "vector", "result": result}})
}

/// As Prometheus writes it: `NaN` too, which JSON has not.
fn figure(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn runs(runs: &Value) -> Value {
    let items = runs.as_array().into_iter().flatten().map(|run| {
        let mut whole = json!({
            "id": "r", "end_at": 0, "retrospective": "", "retrospective_published_at": 0,
            "retrospective_was_canceled": false, "checklists": [],
        });
        for (key, value) in run.as_object().unwrap() {
            whole[key] = value.clone();
        }
        whole
    });
    json!({"total_count": 1, "page_count": 1, "has_more": false, "items": items.collect::<Vec<_>>()})
}

fn page(pages: &Value, path: &str) -> Response {
    let Some(page) = pages.get(path) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let status = StatusCode::from_u16(page["status"].as_u64().unwrap() as u16).unwrap();
    match page.get("modified").and_then(Value::as_str) {
        Some(modified) => (status, [(header::LAST_MODIFIED, modified)]).into_response(),
        None => status.into_response(),
    }
}
