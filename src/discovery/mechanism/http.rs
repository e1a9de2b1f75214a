//! `http_sd_configs`: a list from a server, asked for every so often.

use std::sync::Arc;
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use tokio::time::Instant;

use super::contract::{Mechanism, Surroundings};
use super::polled::{Polled, deadline, poll};
use super::written::refresh_interval;
use crate::discovery::groups::{LIST_BYTES_MAX, Listing};
use crate::discovery::lists::{self, Language};
use crate::discovery::refresh::{Refresh, RunnerGone};
use crate::document::DocumentError;
use crate::document::quantity::Period;
use crate::document::secret::{Secret, SecretSource};
use crate::document::value::HttpUrl;
use crate::document::yaml::{At, Source};
use crate::http_client::raw::with_http_keys;
use crate::http_client::settings::{Auth, HttpConfig};
use crate::http_client::{DialPolicy, HttpClient, Reach, body, http};

const META_URL: &str = "__meta_url";
const REFRESH_DEFAULT: Duration = Duration::from_secs(60);

with_http_keys! {
    /// An entry of `http_sd_configs`.
    struct RawHttpSd {
        url: Option<At<HttpUrl>>,
        refresh_interval: Option<Period>,
    }
}

/// `http_sd_configs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpSd {
    /// Where the list is.
    pub url: url::Url,
    /// Time between two requests, and the deadline of each.
    pub refresh_interval: Duration,
    /// How to ask.
    pub http: Arc<HttpConfig>,
}

impl Mechanism for HttpSd {
    type Raw = RawHttpSd;

    fn resolve(source: Source<'_>, raw: At<RawHttpSd>) -> Result<Self, DocumentError> {
        let (at, mut raw) = (raw.referenced, raw.value);
        let mut http = http(source, raw.take_http())?;
        let url = raw
            .url
            .take()
            .ok_or_else(|| source.error(at, "`http_sd_configs` needs `url`"))?;
        let mut url = url.value.0;
        if !url.username().is_empty() || url.password().is_some() {
            // As HTTP clients do with them; and the URL is shown without.
            let login = Auth::Basic {
                username: inline(url.username()),
                password: inline(url.password().unwrap_or_default()),
            };
            if http.auth == Auth::None {
                http.auth = login;
            }
            let cleared = url.set_username("").and_then(|()| url.set_password(None));
            cleared.map_err(|()| source.error(at, "`url` cannot be without its login"))?;
        }
        Ok(HttpSd {
            url,
            refresh_interval: refresh_interval(raw.refresh_interval, REFRESH_DEFAULT),
            http: Arc::new(http),
        })
    }

    fn http(&self) -> Option<&HttpConfig> {
        Some(&self.http)
    }

    fn same_place(&self, other: &Self) -> bool {
        self.url == other.url
    }

    async fn run(self, surroundings: Surroundings) -> RunnerGone {
        let http = Arc::clone(&self.http);
        let client = HttpClient::new(http, Reach::unlimited(), DialPolicy::default());
        let asked = Asked {
            config: self,
            client,
        };
        poll(asked, surroundings).await
    }
}

/// A part of a URL's login, its escapes undone.
fn inline(part: &str) -> SecretSource {
    let plain = percent_encoding::percent_decode_str(part).decode_utf8_lossy();
    SecretSource::Inline(Secret::new(plain))
}

struct Asked {
    config: HttpSd,
    client: HttpClient,
}

impl Polled for Asked {
    fn interval(&self) -> Duration {
        self.config.refresh_interval
    }

    async fn ask(&mut self, _until: Instant) -> Refresh {
        let deadline = deadline(self.config.refresh_interval);
        list(&self.config, &self.client, deadline).await.into()
    }
}

async fn list(config: &HttpSd, client: &HttpClient, deadline: Duration) -> Result<Listing, String> {
    let client = client.prepare(deadline * 2).await?;
    let request = client
        .get(&config.url)
        .header(ACCEPT, "application/json")
        .header(
            "X-Prometheus-Refresh-Interval-Seconds",
            config.refresh_interval.as_secs_f64().to_string(),
        );
    let response = client.send(request).await;
    let response = response.map_err(|error| error.to_string())?;
    if response.status() != StatusCode::OK {
        return Err(format!("the server answered {}", response.status()));
    }
    let content_type = response.headers().get(CONTENT_TYPE);
    let content_type = content_type.map(|value| String::from_utf8_lossy(value.as_bytes()));
    let content_type = content_type.unwrap_or_default().into_owned();
    if !is_json(&content_type) {
        return Err(format!(
            "content type `{content_type}` is not `application/json`"
        ));
    }
    let body = body(response, LIST_BYTES_MAX).await?;
    let text = std::str::from_utf8(&body).map_err(|_| "the list is not UTF-8".to_owned())?;
    let mut listing = lists::parse(text, Language::Json)?;
    listing.label(META_URL, config.url.as_str());
    Ok(listing)
}

/// `application/json`, and UTF-8 if it says a character set.
fn is_json(content_type: &str) -> bool {
    let mut parts = content_type.split(';').map(str::trim);
    let json = parts
        .next()
        .is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"));
    json && parts.all(|parameter| {
        let charset = parameter.to_ascii_lowercase().replace('"', "");
        charset.is_empty() || charset == "charset=utf-8"
    })
}
