//! The fleet: small servers on loopback, as `fleet.yaml` describes them.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::Deserialize;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::rule_id::RuleId;

/// The manifesto's port, and where the fleet goes if it is taken on loopback.
pub(super) const PORTS: [u16; 4] = [8067, 18_067, 28_067, 38_067];

/// What `port: other` adds: 9464 is where OpenTelemetry serves metrics unless told otherwise, and
/// nothing that one tries the demo with listens there.
const OTHER_PORT_OFFSET: u16 = 1_397;

/// Series of a Go runtime: real services expose them beside their own.
const RUNTIME: &str = include_str!("runtime.prom");

/// A service of the fleet.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Service {
    /// Its name.
    pub(super) service: String,
    /// What it shows.
    pub(super) about: String,
    /// Who owns it.
    pub(super) team: String,
    /// Status and reason by rule.
    pub(super) expect: BTreeMap<RuleId, String>,
    instances: Vec<Instance>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Instance {
    #[serde(rename = "about")]
    _about: Option<String>,
    port: Port,
    format: Format,
    runtime: Runtime,
    body: String,
    misbehaves: Option<Misbehaviour>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Port {
    #[default]
    Wanted,
    Other,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Format {
    #[default]
    Text,
    Openmetrics,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Runtime {
    #[default]
    None,
    Go,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Misbehaviour {
    Refuses,
    Hangs,
    LoginPage,
    ServerError,
    RedirectsToMetadata,
}

/// What a server sends to everyone.
#[derive(Debug)]
struct ScriptedAnswer {
    status: u16,
    header: (&'static str, &'static str),
    body: Bytes,
}

/// The running fleet: dropped, it stops.
#[derive(Debug)]
pub(super) struct Fleet {
    /// The services, as described.
    pub(super) services: Vec<Service>,
    /// Where each instance listens, with its service's place in `services`.
    pub(super) instances: Vec<(usize, SocketAddr)>,
    /// The port that O-7 asks for here.
    pub(super) port: u16,
    _servers: JoinSet<()>,
}

/// The services of the embedded description.
pub(super) fn services() -> Result<Vec<Service>, String> {
    serde_saphyr::from_str(include_str!("fleet.yaml")).map_err(|error| error.to_string())
}

impl Fleet {
    /// Starts every instance on an address of its own in 127.0.67.0/24, on the manifesto's port
    /// where that is free.
    pub(super) async fn start() -> Result<Self, String> {
        let services = services()?;
        let mut taken = String::new();
        for port in PORTS {
            match listen(&services, port).await {
                Ok((instances, servers)) => {
                    return Ok(Self {
                        services,
                        instances,
                        port,
                        _servers: servers,
                    });
                }
                Err(error) => taken = error,
            }
        }
        Err(format!("no port of {PORTS:?} is free on loopback: {taken}"))
    }
}

type Listening = (Vec<(usize, SocketAddr)>, JoinSet<()>);

async fn listen(services: &[Service], port: u16) -> Result<Listening, String> {
    let mut instances = Vec::new();
    let mut servers = JoinSet::new();
    let mut host = 0;
    for (place, service) in services.iter().enumerate() {
        for instance in &service.instances {
            host += 1;
            let port = match instance.port {
                Port::Wanted => port,
                Port::Other => port + OTHER_PORT_OFFSET,
            };
            let address = SocketAddr::from((Ipv4Addr::new(127, 0, 67, host), port));
            instances.push((place, address));
            if instance.misbehaves == Some(Misbehaviour::Refuses) {
                continue;
            }
            let listener = TcpListener::bind(address)
                .await
                .map_err(|error| format!("{address}: {error}"))?;
            servers.spawn(serve(listener, answer(instance)));
        }
    }
    Ok((instances, servers))
}

/// What an instance sends; `None` where it says nothing.
fn answer(instance: &Instance) -> Option<Arc<ScriptedAnswer>> {
    let answer = |status, header, body: &str| {
        Some(Arc::new(ScriptedAnswer {
            status,
            header,
            body: Bytes::copy_from_slice(body.as_bytes()),
        }))
    };
    let html = ("content-type", "text/html; charset=utf-8");
    match instance.misbehaves {
        Some(Misbehaviour::Refuses | Misbehaviour::Hangs) => None,
        Some(Misbehaviour::LoginPage) => answer(
            200,
            html,
            "<!doctype html><title>Log in</title><p>version 1.0</p>\n",
        ),
        Some(Misbehaviour::ServerError) => answer(
            500,
            ("content-type", "text/plain"),
            "the database is gone\n",
        ),
        Some(Misbehaviour::RedirectsToMetadata) => answer(
            302,
            ("location", "http://169.254.169.254/latest/meta-data/"),
            "",
        ),
        None => {
            let runtime = if instance.runtime == Runtime::Go {
                RUNTIME
            } else {
                START_TIME
            };
            let (content_type, body) = match instance.format {
                Format::Text => (
                    "text/plain; version=0.0.4",
                    format!("{runtime}{}", instance.body),
                ),
                Format::Openmetrics => (
                    "application/openmetrics-text; version=1.0.0",
                    instance.body.clone(),
                ),
            };
            answer(200, ("content-type", content_type), &body)
        }
    }
}

/// Every text exposition says when its process began, so that the daemon need not wait for warm-up.
const START_TIME: &str =
    "# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds 1.7e+09\n";

/// Accepts until dropped. The demo's only client is the demo.
async fn serve(listener: TcpListener, answer: Option<Arc<ScriptedAnswer>>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, answer.clone()));
                }
                Err(error) => {
                    tracing::debug!(%error, "a demo service could not accept");
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, answer: Option<Arc<ScriptedAnswer>>) {
    let Some(answer) = answer else {
        // Holds the connection open and says nothing, for as long as any client would wait.
        tokio::time::sleep(std::time::Duration::from_secs(3600)).await;
        return drop(stream);
    };
    let respond = service_fn(move |_| {
        let answer = Arc::clone(&answer);
        async move {
            let response = http::Response::builder()
                .status(answer.status)
                .header(answer.header.0, answer.header.1)
                .body(Full::new(answer.body.clone()));
            Ok::<_, Infallible>(response.unwrap_or_default())
        }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), respond)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection of a demo service ended early");
    }
}
