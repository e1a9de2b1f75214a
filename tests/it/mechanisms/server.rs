//! A server of one step of a world, which can go away and come back.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What a server serves.
pub(super) struct Served {
    /// The step as it is written in the world.
    pub(super) step: Mutex<Value>,
    /// Rises with each change; a server that comes back counts anew.
    pub(super) index: watch::Sender<u64>,
    /// Answers instead of those to be given, by a part of the path: status and body.
    pub(super) faults: Mutex<Vec<(String, u16, String)>>,
    /// Path and query of each request so far.
    pub(super) requests: Mutex<Vec<String>>,
}

/// Answers a request.
pub(super) type Answer =
    fn(Arc<Served>, Request) -> std::pin::Pin<Box<dyn Future<Output = Response> + Send>>;

/// A running server.
pub(super) struct Server {
    pub(super) served: Arc<Served>,
    pub(super) address: SocketAddr,
    answer: Answer,
    serving: Option<JoinHandle<()>>,
}

impl Server {
    pub(super) async fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut server = Self {
            served: Arc::new(Served {
                step: Mutex::default(),
                index: watch::channel(1).0,
                faults: Mutex::default(),
                requests: Mutex::default(),
            }),
            address: listener.local_addr().unwrap(),
            answer,
            serving: None,
        };
        server.serve(listener);
        server
    }

    fn serve(&mut self, listener: TcpListener) {
        let (served, answer) = (Arc::clone(&self.served), self.answer);
        let handler = move |request: Request| {
            let served = Arc::clone(&served);
            async move {
                let path = request.uri().to_string();
                served.requests.lock().unwrap().push(path.clone());
                let faults = served.faults.lock().unwrap().clone();
                match faults.into_iter().find(|(part, ..)| path.contains(part)) {
                    // It hangs.
                    Some((_, 0, _)) => std::future::pending().await,
                    Some((_, status, body)) => {
                        (StatusCode::from_u16(status).unwrap(), body).into_response()
                    }
                    None => answer(served, request).await,
                }
            }
        };
        let router = Router::new().fallback(handler);
        self.serving = Some(tokio::spawn(async move {
            axum::serve(listener, router).await.unwrap();
        }));
    }

    pub(super) fn set(&self, step: Value) {
        *self.served.step.lock().unwrap() = step;
        self.served.index.send_modify(|index| *index += 1);
    }

    /// Answers with a status and a body what has a part in its path, or never where the status is 0, until
    /// [`Server::mend`].
    pub(super) fn fail(&self, part: &str, status: u16, body: &str) {
        let fault = (part.to_owned(), status, body.to_owned());
        self.served.faults.lock().unwrap().push(fault);
        self.served.index.send_modify(|index| *index += 1);
    }

    pub(super) fn mend(&self) {
        self.served.faults.lock().unwrap().clear();
    }

    /// Goes away: nobody listens, and what is waited for is not answered.
    pub(super) async fn go_away(&mut self) {
        let serving = self.serving.take().unwrap();
        serving.abort();
        let _aborted = serving.await;
        // Connections are served by tasks of their own: they end with a change.
        self.served.index.send_modify(|index| *index += 1);
    }

    /// Is there again, at the same address, and counts from the start.
    pub(super) async fn come_back(&mut self) {
        self.served.index.send_replace(1);
        let listener = loop {
            match TcpListener::bind(self.address).await {
                Ok(listener) => break listener,
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        };
        self.serve(listener);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(serving) = &self.serving {
            serving.abort();
        }
    }
}

/// The parameters of a request, in order.
pub(super) fn parameters(request: &Request) -> Vec<(String, String)> {
    let query = request.uri().query().unwrap_or_default();
    url::form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect()
}

/// The segments of a request's path, their escapes undone.
pub(super) fn segments(request: &Request) -> Vec<String> {
    let path = request.uri().path().trim_start_matches('/');
    let decoded = |part: &str| {
        let decoded = percent_encoding::percent_decode_str(part);
        decoded.decode_utf8().unwrap().into_owned()
    };
    path.split('/').map(decoded).collect()
}
