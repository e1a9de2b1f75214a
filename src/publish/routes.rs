//! The paths of the server and what they answer.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Query, Request, State};
use axum::http::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use tokio::sync::oneshot;

use super::api::parameters::ServiceFilter;
use super::app::{App, ProbeAnswer, Reload};
use super::body::Pieces;
use super::html::html;
use super::render::Published;
use super::telemetry::HANDLERS;
use super::{api, negotiate, page, reports, runbooks, targets_page};
use crate::exposition::Format;
use crate::snapshot::Snapshot;

/// The server's paths.
pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/", get(services))
        .route("/rules", get(rules))
        .route("/targets", get(targets))
        .route("/targets/relabelling", get(relabelling))
        .route("/style.css", get(style))
        .route("/metrics", get(metrics))
        .route("/probe", get(probe))
        .route("/sd", get(sd))
        .route("/api/v1/services", get(api_services))
        .route("/api/v1/rules", get(api_rules))
        .route("/api/v1/targets", get(api_targets))
        .route("/api/v1/targets/relabelling", get(api_relabelling))
        .route("/reports", get(reports::list))
        .route("/reports/{quarter}", get(reports::page))
        .route("/api/v1/report", get(reports::api))
        .route("/runbooks", get(runbook_names))
        .route("/runbooks/{alert}", get(runbook))
        .route("/-/healthy", get(healthy))
        .route("/-/ready", get(ready))
        .route("/-/reload", post(reload).put(reload))
        .layer(middleware::from_fn_with_state(Arc::clone(&app), around))
        .with_state(app)
}

/// Around every request: limits, security headers, telemetry.
async fn around(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let start = Instant::now();
    let handler = handler_label(request.uri().path());
    let (parts, body) = request.into_parts();
    let mut response = match app.guard.refuse(&parts).await {
        Some(refusal) => refusal,
        None => next.run(Request::from_parts(parts, body)).await,
    };
    let headers = response.headers_mut();
    // A report carries its style in it, and says so.
    headers
        .entry(CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static(
            "default-src 'self'; frame-ancestors 'none'",
        ));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(
        HeaderName::from_static("referrer-policy"),
        HeaderValue::from_static("no-referrer"),
    );
    if let Some(web) = &app.guard.web {
        headers.extend(web.in_force().config.headers.iter().cloned());
    }
    app.telemetry
        .request(handler, response.status().as_u16(), start.elapsed());
    response
}

/// The label of a path: a closed set, so that nobody can make series.
fn handler_label(path: &str) -> &'static str {
    let path = match path {
        _ if path.starts_with("/api/") => "/api",
        _ if path.starts_with("/runbooks") => "/runbooks",
        _ if path.starts_with("/reports") => "/reports",
        _ if path.starts_with("/targets/") => "/targets",
        path => path,
    };
    HANDLERS
        .iter()
        .copied()
        .find(|handler| *handler == path)
        .unwrap_or("other")
}

async fn metrics(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let published = app.published.load_full();
    exposition(&app, &published, &headers).await
}

/// The exposition of a snapshot, as the request's headers want it.
async fn exposition(app: &App, published: &Published, headers: &HeaderMap) -> Response {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let format = negotiate::format(text(ACCEPT));
    let gzip = negotiate::accepts_gzip(text(ACCEPT_ENCODING));
    let discovered = app.discovered.borrow().clone();
    let end = app.telemetry.write(
        format,
        &app.engine.snapshot(),
        &discovered,
        (&published.snapshot.answers, &app.sources),
        &app.history,
    );
    let pieces = published
        .exposition(format, gzip, end, &app.telemetry)
        .await;
    let mut response = Response::new(Body::new(Pieces::new(pieces.0)));
    let answer = response.headers_mut();
    answer.insert(
        CONTENT_TYPE,
        HeaderValue::from_static(negotiate::content_type(format)),
    );
    answer.insert(VARY, HeaderValue::from_static("accept, accept-encoding"));
    if gzip {
        answer.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

#[derive(Deserialize)]
struct ProbeQuery {
    target: Option<String>,
}

/// Scrapes one discovered target now. No address from the URL is ever dialled: it only picks.
async fn probe(
    State(app): State<Arc<App>>,
    Query(query): Query<ProbeQuery>,
    headers: HeaderMap,
) -> Response {
    let Some(target) = query.target.filter(|target| !target.is_empty()) else {
        let message = "say which discovered target: /probe?target=URL or /probe?target=HOST:PORT\n";
        return (StatusCode::BAD_REQUEST, message).into_response();
    };
    let (answer, answered) = oneshot::channel();
    if app.probe.try_send((target.clone(), answer)).is_err() {
        return busy();
    }
    match answered.await {
        Ok(ProbeAnswer::Judged(snapshot)) => {
            let headers_text = |name| headers.get(name).and_then(|value| value.to_str().ok());
            let format = negotiate::format(headers_text(ACCEPT));
            probe_exposition(&snapshot, format)
        }
        Ok(ProbeAnswer::NotDiscovered) => {
            let message =
                format!("{target:?} is not among the discovered targets: /targets lists them\n");
            (StatusCode::NOT_FOUND, message).into_response()
        }
        Ok(ProbeAnswer::Several(urls)) => {
            let message = format!(
                "{target:?} is where several targets are: say which of\n{}\n",
                urls.join("\n")
            );
            (StatusCode::BAD_REQUEST, message).into_response()
        }
        Ok(ProbeAnswer::Busy) => busy(),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "shutting down\n").into_response(),
    }
}

/// The verdicts of one target, without our own telemetry.
fn probe_exposition(snapshot: &Snapshot, format: Format) -> Response {
    let body = super::compliance::write_verdicts(snapshot, format);
    ([(CONTENT_TYPE, negotiate::content_type(format))], body).into_response()
}

fn busy() -> Response {
    (
        StatusCode::SERVICE_UNAVAILABLE,
        "too many probes are under way, try again\n",
    )
        .into_response()
}

async fn services(State(app): State<Arc<App>>, Query(query): Query<Search>) -> Response {
    html(page::services(&app.published.load().snapshot, &query.q))
}

#[derive(Deserialize)]
struct Search {
    #[serde(default)]
    q: String,
}

async fn rules(State(app): State<Arc<App>>) -> Response {
    html(page::rules(&app.published.load().snapshot))
}

async fn targets(State(app): State<Arc<App>>, Query(query): Query<Search>) -> Response {
    let discovered = app.discovered.borrow().clone();
    html(targets_page::targets(
        &app.published.load().snapshot,
        &discovered,
        &query.q,
    ))
}

#[derive(Deserialize)]
struct WhichTarget {
    /// A URL, or an address as it was discovered.
    target: String,
}

async fn relabelling(State(app): State<Arc<App>>, Query(which): Query<WhichTarget>) -> Response {
    let discovered = app.discovered.borrow().clone();
    let found = api::relabelled(&discovered, &which.target);
    html(targets_page::relabelling(
        &app.published.load().snapshot,
        &which.target,
        &found,
    ))
}

async fn api_relabelling(State(app): State<Arc<App>>, parameters: Parameters) -> Response {
    match api::parameters::target(&parameters) {
        Ok(target) => {
            let discovered = app.discovered.borrow().clone();
            axum::Json(api::relabelled(&discovered, target)).into_response()
        }
        Err(error) => error.into_response(),
    }
}

async fn style() -> Response {
    (
        [(CONTENT_TYPE, "text/css; charset=utf-8")],
        include_str!("templates/style.css"),
    )
        .into_response()
}

/// Parameters of a query, in the order written.
type Parameters = Query<Vec<(String, String)>>;

async fn sd(State(app): State<Arc<App>>) -> Response {
    let discovered = app.discovered.borrow().clone();
    axum::Json(api::sd(&discovered)).into_response()
}

async fn api_services(State(app): State<Arc<App>>, parameters: Parameters) -> Response {
    match ServiceFilter::read(&parameters) {
        Ok(filter) => {
            axum::Json(api::services(&app.published.load().snapshot, &filter)).into_response()
        }
        Err(error) => error.into_response(),
    }
}

async fn api_rules(State(app): State<Arc<App>>, parameters: Parameters) -> Response {
    if let Err(error) = api::parameters::none(&parameters) {
        return error.into_response();
    }
    axum::Json(api::rules(&app.published.load().snapshot)).into_response()
}

async fn api_targets(State(app): State<Arc<App>>, parameters: Parameters) -> Response {
    if let Err(error) = api::parameters::none(&parameters) {
        return error.into_response();
    }
    let discovered = app.discovered.borrow().clone();
    axum::Json(api::targets(&app.published.load().snapshot, &discovered)).into_response()
}

async fn runbook_names() -> String {
    runbooks::names()
}

async fn runbook(Path(alert): Path<String>) -> Response {
    match runbooks::find(&alert) {
        Some(text) => text.into_response(),
        None => (
            StatusCode::NOT_FOUND,
            format!(
                "no alert of that name has a runbook here; those that have:\n{}",
                runbooks::names()
            ),
        )
            .into_response(),
    }
}

/// What `/-/ready` answers once everybody was looked at: `healthcheck` knows us by it.
pub const READY: &str = "manifesto-exporter is ready.\n";

async fn healthy() -> &'static str {
    "manifesto-exporter is healthy.\n"
}

async fn ready(State(app): State<Arc<App>>) -> Response {
    match &*app.ready.borrow() {
        Ok(()) => READY.into_response(),
        Err(why) => (
            StatusCode::SERVICE_UNAVAILABLE,
            format!("not ready: {why}\n"),
        )
            .into_response(),
    }
}

async fn reload(State(app): State<Arc<App>>) -> Response {
    let Some(reload) = &app.reload else {
        let message =
            "reloading over HTTP is off: start with --web.enable-lifecycle, or send SIGHUP\n";
        return (StatusCode::FORBIDDEN, message).into_response();
    };
    let (answer, answered) = oneshot::channel();
    if reload.send(Reload { answer }).await.is_err() {
        return (StatusCode::SERVICE_UNAVAILABLE, "shutting down\n").into_response();
    }
    match answered.await {
        Ok(Ok(())) => "reloaded\n".into_response(),
        Ok(Err(why)) => (
            StatusCode::INTERNAL_SERVER_ERROR,
            format!("the old configuration stays in force\n{why}\n"),
        )
            .into_response(),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "shutting down\n").into_response(),
    }
}
