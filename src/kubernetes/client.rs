//! Asking an API server.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::ACCEPT;
use reqwest::{Response, StatusCode};
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

use super::access::{Access, SERVICE_ACCOUNT};
use super::exec::{ExecPlugin, Granted};
use super::failure::{Failure, FailureKind};
use crate::document::secret;
use crate::http_client::settings::HttpConfig;
use crate::http_client::{DialPolicy, HttpClient, Prepared, Reach, SharedClient, below, body};

/// How long an answer to one request may take.
pub(super) const REQUEST_DEADLINE: Duration = Duration::from_secs(60);
/// How long an answer may take to begin.
const BEGIN_DEADLINE: Duration = Duration::from_secs(30);
/// How long a credential plugin that failed is not run again.
const PLUGIN_REST: Duration = Duration::from_secs(5);
/// Bytes of an error's body.
const ERROR_BYTES_MAX: usize = 64 * 1024;

/// An API server, and what is known of how to ask it.
pub(crate) struct Cluster {
    access: Access,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    granted: Option<(ExecPlugin, Granted)>,
    /// When a plugin failed last, and how: watches that ask together do not run it one after the other.
    failed: Option<(Instant, String)>,
    /// Kept while the settings stay as they are, with the tokens that it was granted.
    client: Option<(HttpConfig, Arc<SharedClient>)>,
}

impl Cluster {
    pub(crate) fn new(access: Access) -> Self {
        Self {
            access,
            state: Mutex::default(),
        }
    }

    /// Reads what there is to read: files change, and credentials expire. `doing` is what for.
    pub(crate) async fn session(&self, doing: &str) -> Result<Session, Failure> {
        let failed = |why: String| Failure::new(FailureKind::Access, doing, why);
        let access = self.access.clone();
        // Files are read where waiting for them holds nobody up.
        let read = tokio::task::spawn_blocking(move || access.endpoint()).await;
        let mut endpoint = read
            .map_err(|error| failed(error.to_string()))?
            .map_err(failed)?;
        let mut state = self.state.lock().await;
        if let Some(plugin) = &endpoint.exec {
            let known = state.granted.take();
            let known = known.filter(|(of, granted)| of == plugin && granted.is_valid());
            let granted = match (known, &state.failed) {
                (Some((_, granted)), _) => granted,
                (None, Some((at, why))) if at.elapsed() < PLUGIN_REST => {
                    return Err(failed(why.clone()));
                }
                (None, _) => match plugin.run().await {
                    Ok(granted) => granted,
                    Err(why) => {
                        state.failed = Some((Instant::now(), why.clone()));
                        return Err(failed(why));
                    }
                },
            };
            state.failed = None;
            granted.apply(&mut endpoint.http);
            state.granted = Some((plugin.clone(), granted));
        }
        let client = match &state.client {
            Some((http, client)) if *http == endpoint.http => Arc::clone(client),
            _ => {
                let http = Arc::new(endpoint.http.clone());
                let client = HttpClient::new(http, Reach::unlimited(), DialPolicy::default());
                let client = Arc::new(SharedClient::new(client, REQUEST_DEADLINE));
                state.client = Some((endpoint.http, Arc::clone(&client)));
                client
            }
        };
        drop(state);
        let prepared = client.prepare().await.map_err(failed)?;
        Ok(Session {
            base: endpoint.url,
            prepared,
        })
    }

    /// Forgets credentials that a plugin granted or a file held, after the server refused them.
    pub(crate) async fn forget_credentials(&self) {
        let mut state = self.state.lock().await;
        state.granted = None;
        if let Some((_, client)) = &state.client {
            client.forget().await;
        }
    }
}

/// The credentials of one moment: for one list or watch.
pub(crate) struct Session {
    base: Url,
    prepared: Arc<Prepared>,
}

impl Session {
    /// Asks for a path of the API. Anything but 200 is a failure; the whole answer is to come within `deadline`.
    pub(crate) async fn get(
        &self,
        doing: &str,
        path: &str,
        query: &[(&str, &str)],
        deadline: Duration,
    ) -> Result<Response, Failure> {
        let mut url = below(&self.base, path);
        url.query_pairs_mut().clear().extend_pairs(query);
        let request = self
            .prepared
            .get(&url)
            .timeout(deadline)
            .header(ACCEPT, "application/json");
        let sent = tokio::time::timeout(BEGIN_DEADLINE, self.prepared.send(request)).await;
        let host = self.base.host_str().unwrap_or_default();
        let port = self.base.port_or_known_default().unwrap_or_default();
        let unreachable = |why: String| {
            let why = format!("{host}:{port}: {why}");
            Failure::new(FailureKind::Unreachable, doing, why)
        };
        let response = match sent {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(unreachable(error.to_string())),
            Err(_) => return Err(unreachable(format!("no answer within {BEGIN_DEADLINE:?}"))),
        };
        match response.status() {
            StatusCode::OK => Ok(response),
            status => {
                // Without its body, the status alone is said.
                let said = tokio::time::timeout(BEGIN_DEADLINE, body(response, ERROR_BYTES_MAX));
                let said = said.await.ok().and_then(Result::ok).unwrap_or_default();
                Err(Failure::answered(doing, status.as_u16(), &said))
            }
        }
    }
}

/// The namespace of the pod that we run in.
pub(crate) fn own_namespace() -> Result<String, String> {
    let path = std::path::Path::new(SERVICE_ACCOUNT).join("namespace");
    let read = secret::read(&path).map_err(|error| error.to_string())?;
    match read.expose() {
        "" => Err(format!("`{}` is empty", path.display())),
        name => Ok(name.to_owned()),
    }
}
