//! One question to one server, within its deadline.

use std::time::Duration;

use reqwest::header::ACCEPT;
use reqwest::{RequestBuilder, Response, StatusCode};
use serde::de::DeserializeOwned;
use url::Url;

use super::answer::{Answer, Refusal, RefusalReason};
use super::query::Query;
use super::{incidents, kubernetes, links, loki, prometheus};
use crate::config::SourceConfig;
use crate::config::duration::display;
use crate::http_client::{Prepared, body, reason};
use crate::scrape::DialPolicy;

/// Bytes of one answer.
const ANSWER_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Characters of an answer that a refusal quotes.
const QUOTED_CHARS_MAX: usize = 200;

/// Asks, and gives up at the source's timeout, whatever it takes.
pub(super) async fn ask(
    source: &SourceConfig,
    query: &Query,
    dial: &DialPolicy,
) -> Result<Answer, Refusal> {
    match tokio::time::timeout(source.timeout, answer(source, query, dial)).await {
        Ok(answer) => answer,
        Err(_) => Err(Refusal::new(
            RefusalReason::Timeout,
            format!("no complete answer within {}", display(source.timeout)),
        )),
    }
}

async fn answer(
    source: &SourceConfig,
    query: &Query,
    dial: &DialPolicy,
) -> Result<Answer, Refusal> {
    if let Query::Link(url) = query {
        return links::answers(source, url, dial).await;
    }
    let server = Server::open(source).await?;
    match query {
        Query::Promql(text) => prometheus::query(&server, "/api/v1/query", text).await,
        Query::PromqlRange {
            expression,
            range_seconds,
            step_seconds,
        } => prometheus::range(&server, expression, *range_seconds, *step_seconds).await,
        Query::MetricRetention => prometheus::retention(&server).await,
        Query::Logql(text) => prometheus::query(&server, "/loki/api/v1/query", text).await,
        Query::LogStreams(selector) => loki::streams(&server, selector).await,
        Query::LogRetention => loki::retention(&server).await,
        Query::Cluster => kubernetes::cluster(&server).await,
        Query::Runs => incidents::runs(&server).await,
        Query::Incidents => incidents::incidents(&server).await,
        Query::Http { path, .. } => text(&server, path).await,
        Query::Link(url) => links::answers(source, url, dial).await,
    }
}

/// Whatever a path answers: the check knows what it wants of it.
async fn text(server: &Server<'_>, path: &str) -> Result<Answer, Refusal> {
    let response = send(server.http.get(&server.url(path, &[])?)).await?;
    let status = response.status().as_u16();
    let bytes = read(response).await?;
    let text = String::from_utf8(bytes)
        .map_err(|_| Refusal::new(RefusalReason::Answer, "the answer is not UTF-8"))?;
    Ok(Answer::Body { status, text })
}

/// A configured server, with the credentials that its requests carry.
pub(super) struct Server<'a> {
    pub(super) source: &'a SourceConfig,
    http: Prepared,
}

impl<'a> Server<'a> {
    async fn open(source: &'a SourceConfig) -> Result<Self, Refusal> {
        let deadline = source.timeout + Duration::from_secs(1);
        let prepared = Prepared::new(source.http.clone(), deadline).await;
        Ok(Self {
            source,
            http: prepared.map_err(|why| Refusal::new(RefusalReason::Credentials, why))?,
        })
    }

    /// A path below the source's own, with parameters.
    pub(super) fn url(&self, path: &str, parameters: &[(&str, &str)]) -> Result<Url, Refusal> {
        let base = self.source.url.as_ref().map_or("", Url::as_str);
        let joined = format!(
            "{}/{}",
            base.trim_end_matches('/'),
            path.trim_start_matches('/')
        );
        let mut url = Url::parse(&joined)
            .map_err(|error| Refusal::new(RefusalReason::Connect, format!("`{path}`: {error}")))?;
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
    ) -> Result<T, Refusal> {
        let request = self.http.get(&self.url(path, parameters)?);
        parse(&self.ok(request, path).await?)
    }

    /// The same by POST, for questions longer than a URL should be.
    pub(super) async fn post_json<T: DeserializeOwned>(
        &self,
        path: &str,
        form: &[(&str, &str)],
    ) -> Result<T, Refusal> {
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
    pub(super) async fn text(&self, path: &str) -> Result<String, Refusal> {
        let request = self.http.get(&self.url(path, &[])?);
        String::from_utf8(self.ok(request, path).await?)
            .map_err(|_| Refusal::new(RefusalReason::Answer, "the answer is not UTF-8"))
    }

    async fn ok(&self, request: RequestBuilder, path: &str) -> Result<Vec<u8>, Refusal> {
        let response = send(request.header(ACCEPT, "application/json, */*;q=0.1")).await?;
        let status = response.status();
        let bytes = read(response).await?;
        if status == StatusCode::OK {
            return Ok(bytes);
        }
        let said = message(&bytes);
        let said = if said.is_empty() {
            String::new()
        } else {
            format!(": {said}")
        };
        let message = format!("{path} answered {status}{said}");
        Err(Refusal {
            status: Some(status.as_u16()),
            ..Refusal::new(RefusalReason::Http, message)
        })
    }
}

pub(super) async fn send(request: RequestBuilder) -> Result<Response, Refusal> {
    request.send().await.map_err(|error| {
        let kind = match error.is_timeout() {
            true => RefusalReason::Timeout,
            false => RefusalReason::Connect,
        };
        Refusal::new(kind, reason(&error))
    })
}

async fn read(response: Response) -> Result<Vec<u8>, Refusal> {
    let limit = |why: String| Refusal::new(RefusalReason::Limit, why);
    body(response, ANSWER_BYTES_MAX).await.map_err(limit)
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(bytes).map_err(|error| {
        Refusal::new(
            RefusalReason::Answer,
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
