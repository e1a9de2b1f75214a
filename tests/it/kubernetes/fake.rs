//! An API server of the tests' own: lists in pages, streamed lists, watches with bookmarks, selectors, 410, 403.
//! What it serves was recorded of a real one; the real Prometheus discovers from it as from that (`real.rs`).

#[path = "selectors.rs"]
mod selectors;

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Query, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use selectors::{by_fields, by_labels, text};

type Parameters = BTreeMap<String, String>;

/// A resource (`/api/v1/pods`), a namespace, a name.
type Place = (String, String, String);

/// What the server can do, and what it is made to fail at.
#[derive(Debug, Clone, Default)]
pub(crate) struct Manners {
    /// Streamed lists are refused, as before Kubernetes 1.34.
    pub(crate) no_streams: bool,
    /// Resources that nobody may list or watch, with the namespace (`""`: all).
    pub(crate) forbidden: BTreeSet<(String, String)>,
    /// Watches are answered 410, however new what they ask from.
    pub(crate) forgets_all: bool,
    /// Lists are answered 200, with what says that they failed.
    pub(crate) fails_with_200: bool,
    /// The next page is the first one.
    pub(crate) pages_in_a_circle: bool,
    /// The most objects of a page.
    pub(crate) page_max: Option<usize>,
    /// The one header `Authorization` that is taken.
    pub(crate) authorization: Option<String>,
}

#[derive(Default)]
struct Cluster {
    objects: BTreeMap<Place, Value>,
    version: u64,
    /// What happened, for watches: version, kind of event, place, object.
    events: Vec<(u64, &'static str, Place, Value)>,
    /// What happened before is not known any more.
    oldest: u64,
    manners: Manners,
    /// Requests so far, by kind and path.
    requests: Vec<String>,
}

#[derive(Clone)]
struct Shared {
    cluster: Arc<Mutex<Cluster>>,
    /// Rises with each event; watches wait for it.
    version: watch::Sender<u64>,
    /// Rises when watches are to end.
    ending: watch::Sender<u64>,
}

/// A running server.
pub(crate) struct FakeApi {
    shared: Shared,
    pub(crate) address: SocketAddr,
    serving: Option<JoinHandle<()>>,
    /// Ends the connections of the present server.
    closing: watch::Sender<bool>,
}

impl FakeApi {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut api = Self {
            shared: Shared {
                cluster: Arc::default(),
                version: watch::channel(0).0,
                ending: watch::channel(0).0,
            },
            address: listener.local_addr().unwrap(),
            serving: None,
            closing: watch::channel(false).0,
        };
        api.serve(listener);
        api
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn serve(&mut self, listener: TcpListener) {
        let (closing, closed) = watch::channel(false);
        self.closing = closing;
        let router = axum::Router::new()
            .fallback(answer)
            .with_state((self.shared.clone(), closed));
        self.serving = Some(tokio::spawn(async move {
            axum::serve(listener, router).await.unwrap();
        }));
    }

    /// Goes away: nobody listens, and every watch ends.
    pub(crate) async fn go_away(&mut self) {
        self.closing.send_replace(true);
        if let Some(serving) = self.serving.take() {
            serving.abort();
            let _aborted = serving.await;
        }
    }

    /// Is there again, at the same address; of what was before, it knows the state alone.
    pub(crate) async fn come_back(&mut self) {
        {
            let mut cluster = self.shared.cluster.lock().unwrap();
            cluster.events.clear();
            cluster.version += 1;
            cluster.oldest = cluster.version;
        }
        let listener = loop {
            match TcpListener::bind(self.address).await {
                Ok(listener) => break listener,
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        };
        self.serve(listener);
    }

    /// Forgets what happened: watches that begin from before are told 410, those that run as an event.
    pub(crate) fn forget(&self) {
        {
            let mut cluster = self.shared.cluster.lock().unwrap();
            cluster.version += 1;
            cluster.oldest = cluster.version;
            cluster.events.clear();
        }
        self.wake();
    }

    /// Takes objects out without telling anybody, but those that are wanted.
    pub(crate) fn forget_objects(&self, path: &str, wanted: impl Fn(&str) -> bool) {
        let mut cluster = self.shared.cluster.lock().unwrap();
        cluster
            .objects
            .retain(|(of, _, name), _| of != path || wanted(name));
    }

    /// Ends every watch, as a server does after a while.
    pub(crate) fn end_watches(&self) {
        self.shared.ending.send_modify(|ended| *ended += 1);
    }

    pub(crate) fn set_manners(&self, change: impl FnOnce(&mut Manners)) {
        change(&mut self.shared.cluster.lock().unwrap().manners);
    }

    /// Every request so far: `list /api/v1/pods`, `watch ...`, `stream ...`.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.shared.cluster.lock().unwrap().requests.clone()
    }

    /// Puts an object in, whatever was there.
    pub(crate) fn put(&self, path: &str, object: Value) {
        self.shared.cluster.lock().unwrap().put(path, object);
        self.wake();
    }

    /// Takes an object out.
    pub(crate) fn delete(&self, path: &str, namespace: &str, name: &str) {
        let place = (path.to_owned(), namespace.to_owned(), name.to_owned());
        self.shared.cluster.lock().unwrap().delete(&place);
        self.wake();
    }

    /// Makes the state that of these lists: what differs is told as events.
    pub(crate) fn become_lists(&self, lists: &BTreeMap<String, Vec<Value>>) {
        self.become_lists_of(lists, |_| true);
    }

    /// The same for some of the resources.
    pub(crate) fn become_lists_of(
        &self,
        lists: &BTreeMap<String, Vec<Value>>,
        is_due: impl Fn(&str) -> bool,
    ) {
        {
            let mut cluster = self.shared.cluster.lock().unwrap();
            let mut wanted = BTreeSet::new();
            for (path, items) in lists.iter().filter(|(path, _)| is_due(path)) {
                for item in items {
                    wanted.insert(place(path, item));
                    cluster.put(path, item.clone());
                }
            }
            let there: Vec<Place> = cluster.objects.keys().cloned().collect();
            let left = there.into_iter().filter(|place| is_due(&place.0));
            for place in left.filter(|place| !wanted.contains(place)) {
                cluster.delete(&place);
            }
        }
        self.wake();
    }

    fn wake(&self) {
        let version = self.shared.cluster.lock().unwrap().version;
        self.shared.version.send_replace(version);
    }
}

impl Drop for FakeApi {
    fn drop(&mut self) {
        self.closing.send_replace(true);
        if let Some(serving) = &self.serving {
            serving.abort();
        }
    }
}

fn place(path: &str, object: &Value) -> Place {
    (
        path.to_owned(),
        text(object, &["metadata", "namespace"]).to_owned(),
        text(object, &["metadata", "name"]).to_owned(),
    )
}

impl Cluster {
    fn put(&mut self, path: &str, mut object: Value) {
        let place = place(path, &object);
        let known = self.objects.get(&place);
        if let Some(known) = known {
            object["metadata"]["resourceVersion"] = known["metadata"]["resourceVersion"].clone();
            if *known == object {
                return;
            }
        }
        let kind = if known.is_some() { "MODIFIED" } else { "ADDED" };
        self.version += 1;
        object["metadata"]["resourceVersion"] = Value::from(self.version.to_string());
        self.events
            .push((self.version, kind, place.clone(), object.clone()));
        self.objects.insert(place, object);
    }

    fn delete(&mut self, place: &Place) {
        if let Some(mut object) = self.objects.remove(place) {
            self.version += 1;
            object["metadata"]["resourceVersion"] = Value::from(self.version.to_string());
            self.events
                .push((self.version, "DELETED", place.clone(), object));
        }
    }
}

/// What a request is about.
#[derive(Clone)]
struct Asked {
    path: String,
    namespace: Option<String>,
    parameters: Parameters,
}

impl Asked {
    fn of(path: &str, parameters: Parameters) -> Self {
        let parts: Vec<&str> = path.split('/').collect();
        match parts[..] {
            [ref group @ .., "namespaces", namespace, resource] => Self {
                path: format!("{}/{resource}", group.join("/")),
                namespace: Some(namespace.to_owned()),
                parameters,
            },
            _ => Self {
                path: path.to_owned(),
                namespace: None,
                parameters,
            },
        }
    }

    fn parameter(&self, name: &str) -> &str {
        self.parameters.get(name).map_or("", String::as_str)
    }

    fn selects(&self, (path, namespace, _): &Place, object: &Value) -> bool {
        *path == self.path
            && self
                .namespace
                .as_ref()
                .is_none_or(|wanted| wanted == namespace)
            && by_labels(self.parameter("labelSelector"), object)
            && by_fields(self.parameter("fieldSelector"), object)
    }
}

fn status(code: u16, message: &str) -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code})
}

fn failure(code: u16, message: &str) -> Response {
    let code_of_http = StatusCode::from_u16(code).unwrap();
    (code_of_http, axum::Json(status(code, message))).into_response()
}

async fn answer(
    State((shared, closed)): State<(Shared, watch::Receiver<bool>)>,
    Query(parameters): Query<Parameters>,
    request: Request,
) -> Response {
    let asked = Asked::of(request.uri().path(), parameters);
    let is_watch = matches!(asked.parameter("watch"), "1" | "true");
    let streams = asked.parameter("sendInitialEvents") == "true";
    let verb = match (is_watch, streams) {
        (false, _) => "list",
        (true, false) => "watch",
        (true, true) => "stream",
    };
    let manners = {
        let mut cluster = shared.cluster.lock().unwrap();
        let path = request.uri().path();
        cluster.requests.push(format!("{verb} {path}"));
        cluster.manners.clone()
    };
    let said = request.headers().get("authorization");
    let said = said.map(|said| said.to_str().unwrap().to_owned());
    if manners.authorization.is_some() && manners.authorization != said {
        return failure(401, "Unauthorized");
    }
    let namespace = asked.namespace.clone().unwrap_or_default();
    if manners
        .forbidden
        .contains(&(asked.path.clone(), namespace.clone()))
    {
        let resource = asked.path.rsplit('/').next().unwrap();
        let verb = if is_watch { "watch" } else { "list" };
        let place = match namespace.as_str() {
            "" => "at the cluster scope".to_owned(),
            name => format!("in the namespace \"{name}\""),
        };
        return failure(
            403,
            &format!(
                "{resource} is forbidden: User \"tester\" cannot {verb} resource \"{resource}\" in API group \"\" {place}"
            ),
        );
    }
    if manners.forgets_all && is_watch && !streams {
        return failure(410, "too old resource version");
    }
    if manners.fails_with_200 && !is_watch {
        return axum::Json(status(500, "etcd is away")).into_response();
    }
    if !is_watch {
        return list(&shared, &asked, &manners);
    }
    if streams && manners.no_streams {
        return failure(
            422,
            "ListOptions.meta.k8s.io \"\" is invalid: sendInitialEvents: Forbidden: sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled",
        );
    }
    follow(shared, asked, streams, closed)
}

fn list(shared: &Shared, asked: &Asked, manners: &Manners) -> Response {
    let cluster = shared.cluster.lock().unwrap();
    let objects = cluster.objects.iter();
    let selected: Vec<&Value> = objects
        .filter(|(place, object)| asked.selects(place, object))
        .map(|(_, object)| object)
        .collect();
    let (version, start) = match asked.parameter("continue").split_once(':') {
        None => (cluster.version, 0),
        Some((version, start)) => (version.parse().unwrap(), start.parse().unwrap()),
    };
    if version < cluster.oldest {
        return failure(
            410,
            "The provided continue parameter is too old to display a consistent list result.",
        );
    }
    let limit = asked.parameter("limit").parse().unwrap_or(usize::MAX);
    let limit = limit.min(manners.page_max.unwrap_or(usize::MAX));
    let end = selected.len().min(start + limit);
    let next = match (manners.pages_in_a_circle, end < selected.len()) {
        (true, _) => format!("{version}:0"),
        (false, true) => format!("{version}:{end}"),
        (false, false) => String::new(),
    };
    let (kind, api_version) = kind_of(&asked.path);
    axum::Json(json!({
        "kind": format!("{kind}List"),
        "apiVersion": api_version,
        "metadata": {"resourceVersion": version.to_string(), "continue": next},
        "items": selected[start..end],
    }))
    .into_response()
}

/// The kind of object of a resource, and its API version.
fn kind_of(path: &str) -> (&'static str, String) {
    let (group, resource) = path.rsplit_once('/').unwrap();
    let kind = match resource {
        "namespaces" => "Namespace",
        "nodes" => "Node",
        "pods" => "Pod",
        "services" => "Service",
        "endpoints" => "Endpoints",
        "endpointslices" => "EndpointSlice",
        "ingresses" => "Ingress",
        "replicasets" => "ReplicaSet",
        "jobs" => "Job",
        "servicemonitors" => "ServiceMonitor",
        "podmonitors" => "PodMonitor",
        other => panic!("{other} is not known"),
    };
    let version = group
        .trim_start_matches("/apis/")
        .trim_start_matches("/api/");
    (kind, version.to_owned())
}

/// An object as a watch tells it: with what it is, which a list says of all.
fn whole(path: &str, object: &Value) -> Value {
    let (kind, version) = kind_of(path);
    let mut object = object.clone();
    object["kind"] = Value::from(kind);
    object["apiVersion"] = Value::from(version);
    object
}

fn line(kind: &str, object: &Value) -> Bytes {
    Bytes::from(json!({"type": kind, "object": object}).to_string() + "\n")
}

fn bookmark(path: &str, version: u64, ends: bool) -> Bytes {
    let annotations = match ends {
        true => json!({"k8s.io/initial-events-end": "true"}),
        false => json!({}),
    };
    let metadata = json!({"resourceVersion": version.to_string(), "annotations": annotations});
    line("BOOKMARK", &whole(path, &json!({"metadata": metadata})))
}

/// A watch: events as they happen, and a bookmark after each of them.
fn follow(
    shared: Shared,
    asked: Asked,
    streams: bool,
    mut closed: watch::Receiver<bool>,
) -> Response {
    let mut version = shared.version.subscribe();
    version.mark_changed();
    let mut ending = shared.ending.subscribe();
    let mut at: u64 = asked.parameter("resourceVersion").parse().unwrap_or(0);
    let (sender, receiver) = mpsc::channel(64);
    {
        let cluster = shared.cluster.lock().unwrap();
        if !streams && at != 0 && at < cluster.oldest {
            return failure(
                410,
                &format!("too old resource version: {at} ({})", cluster.oldest),
            );
        }
    }
    tokio::spawn(async move {
        if streams {
            let (lines, now) = {
                let cluster = shared.cluster.lock().unwrap();
                let objects = cluster.objects.iter();
                let selected = objects.filter(|(place, object)| asked.selects(place, object));
                let lines: Vec<Bytes> = selected
                    .map(|(_, object)| line("ADDED", &whole(&asked.path, object)))
                    .collect();
                (lines, cluster.version)
            };
            for line in lines.into_iter().chain([bookmark(&asked.path, now, true)]) {
                if sender.send(line).await.is_err() {
                    return;
                }
            }
            at = now;
        }
        loop {
            tokio::select! {
                changed = version.changed() => if changed.is_err() { return },
                _ = closed.wait_for(|closed| *closed) => return,
                _ = ending.changed() => return,
                () = sender.closed() => return,
            }
            let lines = {
                let cluster = shared.cluster.lock().unwrap();
                if at < cluster.oldest {
                    vec![line("ERROR", &status(410, "too old resource version"))]
                } else {
                    // In order of version.
                    let known = cluster
                        .events
                        .partition_point(|(version, ..)| *version <= at);
                    let events = cluster.events[known..].iter();
                    let events = events.filter_map(|(_, kind, place, object)| {
                        told(&asked, kind, place, object)
                            .map(|kind| line(kind, &whole(&asked.path, object)))
                    });
                    let lines: Vec<Bytes> = events
                        .chain([bookmark(&asked.path, cluster.version, false)])
                        .collect();
                    at = cluster.version;
                    lines
                }
            };
            for line in lines {
                if sender.send(line).await.is_err() {
                    return;
                }
            }
        }
    });
    Body::new(ChannelBody(receiver)).into_response()
}

/// An event as a watch is told of it: what it selects no more was deleted for it.
fn told(asked: &Asked, kind: &'static str, place: &Place, object: &Value) -> Option<&'static str> {
    let is_near = place.0 == asked.path
        && asked
            .namespace
            .as_ref()
            .is_none_or(|wanted| *wanted == place.1);
    match (is_near, asked.selects(place, object)) {
        (false, _) => None,
        (true, true) => Some(kind),
        (true, false) => Some("DELETED"),
    }
}

/// What a channel carries, as a body.
struct ChannelBody(mpsc::Receiver<Bytes>);

impl http_body::Body for ChannelBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Infallible>>> {
        let received = self.0.poll_recv(context);
        received.map(|bytes| bytes.map(|bytes| Ok(http_body::Frame::data(bytes))))
    }
}
