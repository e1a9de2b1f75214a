//! Blocking queries: an answer comes when it differs from the one that is known, or after a while.
//! <https://developer.hashicorp.com/consul/api-docs/features/blocking>

use std::sync::Arc;
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::HeaderValue;
use serde::de::DeserializeOwned;
use url::Url;

use super::settings::ConsulSd;
use crate::discovery::mechanism::json::refused;
use crate::http_client::{DialPolicy, HttpClient, Reach, SharedClient, below, body, segment};

/// How long the server is asked to wait for a change.
const WAIT: Duration = Duration::from_secs(120);
/// The server adds up to a sixteenth of it; then an answer is overdue.
const DEADLINE: Duration = Duration::from_secs(120 + 8 + 15);
/// Bytes of an answer.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Asks one agent.
pub(super) struct Client {
    config: ConsulSd,
    http: SharedClient,
}

/// The version of an answer; 0 where none is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Index(u64);

/// What came of asking.
pub(super) enum Answer<T> {
    /// Another answer than was known.
    Changed(T, Index),
    /// The same.
    Unchanged,
}

impl Client {
    pub(super) fn new(config: ConsulSd) -> Self {
        let http = Arc::clone(&config.http);
        let client = HttpClient::new(http, Reach::unlimited(), DialPolicy::default());
        Self {
            config,
            http: SharedClient::new(client, DEADLINE),
        }
    }

    /// Asks for what does not change.
    pub(super) async fn once<T: DeserializeOwned>(&self, path: &[&str]) -> Result<T, String> {
        let url = self.url(path);
        self.ask(url).await.map(|(answer, _)| answer)
    }

    /// Waits for another answer than the one of `index`.
    pub(super) async fn query<T: DeserializeOwned>(
        &self,
        path: &[&str],
        tags: &[String],
        filter: &str,
        index: Index,
    ) -> Result<Answer<T>, String> {
        let config = &self.config;
        let mut url = self.url(path);
        {
            let mut query = url.query_pairs_mut();
            for (name, value) in [
                ("dc", &config.datacenter),
                ("ns", &config.namespace),
                ("partition", &config.partition),
                ("filter", &filter.to_owned()),
            ] {
                if !value.is_empty() {
                    query.append_pair(name, value);
                }
            }
            if config.allow_stale {
                query.append_pair("stale", "");
            }
            for (key, value) in &config.node_meta {
                query.append_pair("node-meta", &format!("{key}:{value}"));
            }
            for tag in tags {
                query.append_pair("tag", tag);
            }
            if index.0 > 0 {
                query.append_pair("index", &index.0.to_string());
            }
            query.append_pair("wait", &format!("{}ms", WAIT.as_millis()));
        }
        let (answer, said) = self.ask(url).await?;
        let said = said.ok_or("the answer has no `X-Consul-Index`")?;
        Ok(match said {
            said if said == index => Answer::Unchanged,
            // It went backwards: another server, or one restored. What comes next is asked for from the start.
            said if said.0 < index.0 => Answer::Changed(answer, Index(0)),
            said => Answer::Changed(answer, said),
        })
    }

    fn url(&self, path: &[&str]) -> Url {
        let path: String = path
            .iter()
            .map(|part| format!("/{}", segment(part)))
            .collect();
        below(&self.config.url, &format!("/v1{path}"))
    }

    async fn ask<T: DeserializeOwned>(&self, url: Url) -> Result<(T, Option<Index>), String> {
        let prepared = self.http.prepare().await?;
        let mut request = prepared.get(&url);
        if let Some(token) = &self.config.token {
            let mut token = HeaderValue::try_from(token.expose())
                .map_err(|_| "`token` holds a character that a header cannot carry".to_owned())?;
            token.set_sensitive(true);
            request = request.header("X-Consul-Token", token);
        }
        let response = prepared.send(request).await;
        let response = response.map_err(|error| error.to_string())?;
        let status = response.status();
        let index = response.headers().get("X-Consul-Index");
        let index = index.and_then(|index| index.to_str().ok()?.parse().ok());
        let body = body(response, ANSWER_BYTES_MAX).await?;
        if status != StatusCode::OK {
            if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
                self.http.forget().await;
            }
            return Err(refused(status, &body));
        }
        let answer = serde_json::from_slice(&body)
            .map_err(|error| format!("the answer is not what was asked for: {error}"))?;
        // An index of 0 would be no blocking query the next time: the documentation wants 1 at least.
        Ok((answer, index.map(|index: u64| Index(index.max(1)))))
    }
}
