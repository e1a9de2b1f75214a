//! Asking, again and again.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{RequestBuilder, StatusCode};
use serde::de::{DeserializeOwned, IgnoredAny};
use url::form_urlencoded::Serializer;

use super::answer::Envelope;
use super::server::PrometheusServer;
use crate::http_client::{DialPolicy, HttpClient, Prepared, Reach, SharedClient, below, body};

/// Bytes of an answer: of targets, each takes two or three thousand.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A server that is asked.
pub(crate) struct PrometheusClient {
    server: Arc<PrometheusServer>,
    http: SharedClient,
}

impl PrometheusClient {
    /// `deadline` is of each request.
    pub(crate) fn new(server: Arc<PrometheusServer>, deadline: Duration) -> Self {
        let http = Arc::clone(&server.http);
        let client = HttpClient::new(http, Reach::unlimited(), DialPolicy::default());
        Self {
            server,
            http: SharedClient::new(client, deadline),
        }
    }

    /// Who is asked.
    pub(crate) fn server(&self) -> &Arc<PrometheusServer> {
        &self.server
    }

    /// Asks for what a path names.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        parameters: &[(&str, &str)],
    ) -> Result<T, String> {
        let found = self.get_if_there(path, parameters).await?;
        found.ok_or_else(|| format!("the server answered {}", StatusCode::NOT_FOUND))
    }

    /// The same where not every server has the path.
    pub(crate) async fn get_if_there<T: DeserializeOwned>(
        &self,
        path: &str,
        parameters: &[(&str, &str)],
    ) -> Result<Option<T>, String> {
        let http = self.http.prepare().await?;
        let mut url = below(&self.server.url, path);
        if !parameters.is_empty() {
            url.query_pairs_mut().extend_pairs(parameters);
        }
        let answer = self.answer(&http, http.get(&url), ANSWER_BYTES_MAX).await?;
        answer.as_deref().map(read).transpose()
    }

    /// Asks for what a query finds now.
    pub(crate) async fn query<T: DeserializeOwned>(&self, query: &str) -> Result<T, String> {
        read(&self.query_bytes(query, ANSWER_BYTES_MAX).await?)
    }

    /// The same, to be read by [`read`].
    pub(crate) async fn query_bytes(
        &self,
        query: &str,
        bytes_max: usize,
    ) -> Result<Vec<u8>, String> {
        let http = self.http.prepare().await?;
        let url = below(&self.server.url, "/api/v1/query");
        // Thanos and VictoriaMetrics would leave out stores that are down, and call it an answer.
        let form = Serializer::new(String::new())
            .append_pair("query", query)
            .append_pair("partial_response", "false")
            .append_pair("deny_partial_response", "1")
            .finish();
        let request = http
            .post(&url)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        let found = self.answer(&http, request.body(form), bytes_max).await?;
        found.ok_or_else(|| format!("the server answered {}", StatusCode::NOT_FOUND))
    }

    /// The body of an answer, or none where there is nothing at the path.
    async fn answer(
        &self,
        http: &Prepared,
        request: RequestBuilder,
        bytes_max: usize,
    ) -> Result<Option<Vec<u8>>, String> {
        let response = http.send(request.header(ACCEPT, "application/json")).await;
        let response = response.map_err(|error| error.to_string())?;
        let status = response.status();
        if status == StatusCode::UNAUTHORIZED {
            // Credentials may have changed since they were read.
            self.http.forget().await;
        }
        let body = body(response, bytes_max)
            .await
            .map_err(|error| format!("the answer: {error}"))?;
        match status {
            StatusCode::OK => Ok(Some(body)),
            // Errors have the same envelope, and say more than a status.
            status => match serde_json::from_slice::<Envelope<IgnoredAny>>(&body) {
                Ok(answer) => Err(match answer.data() {
                    Ok(_) => format!("the server answered {status}"),
                    Err(why) => why,
                }),
                Err(_) if status == StatusCode::NOT_FOUND => Ok(None),
                Err(_) => Err(format!("the server answered {status}")),
            },
        }
    }
}

/// Reads an answer.
pub(crate) fn read<T: DeserializeOwned>(answer: &[u8]) -> Result<T, String> {
    match serde_json::from_slice::<Envelope<T>>(answer) {
        Ok(answer) => answer.data(),
        Err(error) => Err(format!("the answer is not what was asked for: {error}")),
    }
}
