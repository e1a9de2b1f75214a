//! A configured server: requests with its credentials, answers within limits.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::ACCEPT;
use reqwest::{RequestBuilder, Response, StatusCode};
use serde::de::DeserializeOwned;
use url::Url;

use super::error::{SourceError, SourceErrorKind};
use crate::document::duration::display;
use crate::http_client::{BodyError, Denied, HttpClient, Prepared, SendError, body};
use crate::kubernetes::Cluster;

/// Bytes of one answer.
const ANSWER_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Characters of an answer that an error quotes.
const QUOTED_CHARS_MAX: usize = 200;

/// Whoever is asked in one round of questions.
pub(super) enum Asked {
    /// A server of its own protocol.
    Server(Box<Server>),
    /// A cluster, by the client of its API.
    Cluster {
        cluster: Arc<Cluster>,
        timeout: Duration,
    },
}

impl Asked {
    /// Asks, and gives up at the source's timeout, whatever it takes.
    pub(super) async fn within<T>(
        &self,
        asking: impl Future<Output = Result<T, SourceError>>,
    ) -> Result<T, SourceError> {
        let timeout = match self {
            Asked::Server(server) => server.timeout,
            Asked::Cluster { timeout, .. } => *timeout,
        };
        within(timeout, asking).await
    }
}

/// A configured server, with the credentials that its requests carry: made once for each round of
/// questions, so that they rotate without a restart.
pub(super) struct Server {
    url: Option<Url>,
    timeout: Duration,
    http: Prepared,
}

impl Server {
    /// Reads the credentials.
    pub(super) async fn open(
        client: &HttpClient,
        url: Option<Url>,
        timeout: Duration,
    ) -> Result<Self, SourceError> {
        let http = within(timeout, async {
            let refused = |why| SourceError::new(SourceErrorKind::Credentials, why);
            let prepared = client.prepare(timeout + Duration::from_secs(1)).await;
            prepared.map_err(refused)
        });
        Ok(Self {
            http: http.await?,
            url,
            timeout,
        })
    }

    /// A GET request to any URL, if its host may be asked.
    pub(super) async fn get(&self, url: &Url) -> Result<RequestBuilder, SourceError> {
        let denied =
            |why: Denied| SourceError::new(SourceErrorKind::Denied, format!("{url}: {why}"));
        self.http.check(url).await.map_err(denied)?;
        Ok(self.http.get(url))
    }

    /// A path below the source's own, with parameters.
    pub(super) fn url(&self, path: &str, parameters: &[(&str, &str)]) -> Result<Url, SourceError> {
        let base = self.url.as_ref().map_or("", Url::as_str);
        let joined = format!(
            "{}/{}",
            base.trim_end_matches('/'),
            path.trim_start_matches('/')
        );
        let mut url = Url::parse(&joined).map_err(|error| {
            SourceError::new(SourceErrorKind::Connect, format!("`{path}`: {error}"))
        })?;
        if !parameters.is_empty() {
            url.query_pairs_mut().extend_pairs(parameters);
        }
        Ok(url)
    }

    /// GET, 200, JSON.
    pub(super) async fn json<T: DeserializeOwned>(
        &self,
        path: &str,
        parameters: &[(&str, &str)],
    ) -> Result<T, SourceError> {
        let request = self.http.get(&self.url(path, parameters)?);
        parse(&self.ok(request, path).await?)
    }

    /// The same by POST, for questions longer than a URL should be.
    pub(super) async fn post_json<T: DeserializeOwned>(
        &self,
        path: &str,
        form: &[(&str, &str)],
    ) -> Result<T, SourceError> {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let request = self
            .http
            .post(&self.url(path, &[])?)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body);
        parse(&self.ok(request, path).await?)
    }

    /// GET, 200, text.
    pub(super) async fn text(&self, path: &str) -> Result<String, SourceError> {
        let request = self.http.get(&self.url(path, &[])?);
        String::from_utf8(self.ok(request, path).await?)
            .map_err(|_| SourceError::new(SourceErrorKind::Answer, "the answer is not UTF-8"))
    }

    /// Whatever a path answers: the check knows what it wants of it.
    pub(super) async fn whatever(&self, path: &str) -> Result<(u16, String), SourceError> {
        let response = self.send(self.http.get(&self.url(path, &[])?)).await?;
        let status = response.status().as_u16();
        let bytes = read(response).await?;
        let text = String::from_utf8(bytes)
            .map_err(|_| SourceError::new(SourceErrorKind::Answer, "the answer is not UTF-8"))?;
        Ok((status, text))
    }

    /// Sends a request with the source's credentials.
    pub(super) async fn send(&self, request: RequestBuilder) -> Result<Response, SourceError> {
        self.http.send(request).await.map_err(|error| {
            let kind = match &error {
                SendError::Token(_) => SourceErrorKind::Credentials,
                SendError::Request(error) if Denied::behind(error).is_some() => {
                    SourceErrorKind::Denied
                }
                SendError::Request(error) if error.is_timeout() => SourceErrorKind::Timeout,
                SendError::Request(_) => SourceErrorKind::Connect,
            };
            let at = match &error {
                SendError::Request(error) if kind == SourceErrorKind::Denied => error.url(),
                _ => None,
            };
            let at = at.map_or(String::new(), |url| format!("{url}: "));
            SourceError::new(kind, format!("{at}{error}"))
        })
    }

    async fn ok(&self, request: RequestBuilder, path: &str) -> Result<Vec<u8>, SourceError> {
        let response = self
            .send(request.header(ACCEPT, "application/json, */*;q=0.1"))
            .await?;
        let status = response.status();
        let bytes = read(response).await?;
        if status == StatusCode::OK {
            return Ok(bytes);
        }
        let stated = message(&bytes);
        let stated = if stated.is_empty() {
            String::new()
        } else {
            format!(": {stated}")
        };
        let message = format!("{path} answered {status}{stated}");
        Err(SourceError {
            status: Some(status.as_u16()),
            ..SourceError::new(SourceErrorKind::Http, message)
        })
    }
}

async fn within<T>(
    timeout: Duration,
    asking: impl Future<Output = Result<T, SourceError>>,
) -> Result<T, SourceError> {
    let too_late = |_| {
        let message = format!("no complete answer within {}", display(timeout));
        SourceError::new(SourceErrorKind::Timeout, message)
    };
    let answer = tokio::time::timeout(timeout, asking).await;
    answer.map_err(too_late)?
}

async fn read(response: Response) -> Result<Vec<u8>, SourceError> {
    body(response, ANSWER_BYTES_MAX).await.map_err(|error| {
        let kind = match error {
            BodyError::TooLarge(_) => SourceErrorKind::Limit,
            BodyError::Failed(_) => SourceErrorKind::Connect,
        };
        SourceError::new(kind, error.to_string())
    })
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, SourceError> {
    serde_json::from_slice(bytes).map_err(|error| {
        SourceError::new(
            SourceErrorKind::Answer,
            format!("the answer is not what was asked for: {error}"),
        )
    })
}

/// What servers say is wrong: Prometheus and Loki in `error`, Kubernetes in `message`; else the
/// text, if it is short.
fn message(bytes: &[u8]) -> String {
    let json: Option<serde_json::Value> = serde_json::from_slice(bytes).ok();
    let named = json.as_ref().and_then(|json| {
        let words = ["error", "message", "errorMessage"];
        words.iter().find_map(|word| json.get(word)?.as_str())
    });
    let text = match (named, &json) {
        (Some(text), _) => text.to_owned(),
        (None, Some(_)) => String::new(),
        (None, None) => String::from_utf8_lossy(bytes).trim().to_owned(),
    };
    let is_page = text.starts_with('<');
    match is_page {
        true => String::new(),
        false => text.chars().take(QUOTED_CHARS_MAX).collect(),
    }
}
