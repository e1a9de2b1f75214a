//! The token of an oauth2 client: fetched once for all its targets, kept until it expires.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderValue, Method, StatusCode};
use tokio::sync::Mutex;
use url::form_urlencoded::byte_serialize;

use super::auth::{self, Files};
use super::connect::AddressOrigin;
use super::connector::{Connector, Destination};
use super::error::{ScrapeError, ScrapeErrorKind};
use super::exchange::{self, BodyUse, Receiver};
use super::head::Head;
use super::network::Network;
use super::oauth2::{self, ANSWER_BYTES_MAX, Token};
use super::progress::{Phase, Progress};
use super::request::{self, AGENT, Headers};
use crate::discovery::settings::Scheme;
use crate::document::secret::Secret;
use crate::http_client::settings::OAuth2;

/// A refused token younger than this is not renewed: ten thousand targets that refuse us must not
/// become ten thousand token requests.
const RENEWED_AFTER: Duration = Duration::from_millis(500);

/// The token server of one `http_config`.
#[derive(Debug)]
pub(super) struct Tokens {
    settings: OAuth2,
    way: Connector,
    /// Held while a token is fetched, so that one fetch serves all who wait.
    token: Mutex<Option<(Token, Instant)>>,
}

/// Where the client's secret is put: servers are free to know only one of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Header,
    Form,
}

impl Tokens {
    pub(super) fn new(settings: &OAuth2, network: Arc<Network>) -> Self {
        Self {
            settings: settings.clone(),
            way: Connector::new(
                &settings.tls,
                &settings.proxy,
                AddressOrigin::Operator,
                network,
            ),
            token: Mutex::new(None),
        }
    }

    /// The value of `Authorization`. The caller's deadline bounds the wait.
    pub(super) async fn authorization(
        &self,
        files: &Files,
        progress: &Progress,
    ) -> Result<Secret, ScrapeError> {
        progress.enter(Phase::Token);
        let mut held = self.token.lock().await;
        let now = Instant::now();
        if let Some((token, _)) = &*held
            && token.is_fresh(now)
        {
            return Ok(token.authorization.clone());
        }
        // What is received here is no part of the scrape's answer.
        let apart = Progress::default();
        let (status, body) = self.fetch(Style::Header, files, &apart).await?;
        let (status, body) = match status {
            StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED => {
                self.fetch(Style::Form, files, &apart).await?
            }
            _ => (status, body),
        };
        if status != StatusCode::OK {
            return Err(self.failed(&format!("it answered with status {status}")));
        }
        let token = oauth2::token(&self.name(), &body, now)?;
        let authorization = token.authorization.clone();
        *held = Some((token, now));
        Ok(authorization)
    }

    /// The server refused `used`; whether another one may do better.
    pub(super) async fn refused(&self, used: &Secret) -> bool {
        let mut held = self.token.lock().await;
        match &*held {
            Some((token, fetched)) if token.authorization == *used => {
                let renew = fetched.elapsed() >= RENEWED_AFTER;
                if renew {
                    *held = None;
                }
                renew
            }
            // Somebody else has renewed it already.
            _ => true,
        }
    }

    async fn fetch(
        &self,
        style: Style,
        files: &Files,
        progress: &Progress,
    ) -> Result<(StatusCode, Vec<u8>), ScrapeError> {
        let OAuth2 {
            client_id,
            client_secret,
            token_url,
            scopes,
            endpoint_params,
            ..
        } = &self.settings;
        let scheme = match token_url.scheme() {
            "https" => Scheme::Https,
            "http" => Scheme::Http,
            other => return Err(self.failed(&format!("scheme {other:?} is not http or https"))),
        };
        let host = token_url.host_str().unwrap_or_default();
        let port = token_url
            .port_or_known_default()
            .unwrap_or(scheme.default_port());
        let authority = format!("{host}:{port}");
        let destination = Destination {
            scheme,
            host: host.trim_start_matches('[').trim_end_matches(']'),
            port,
            authority: &authority,
        };
        let secret = files.text("client_secret", client_secret).await?;

        let mut form = oauth2::form(scopes, endpoint_params);
        let mut headers = Headers::default();
        let shown = token_url[url::Position::BeforeHost..url::Position::AfterPort].to_owned();
        headers.insert(HOST, request::value("host", &shown)?);
        headers.insert(USER_AGENT, AGENT);
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/x-www-form-urlencoded"),
        );
        match style {
            Style::Header => {
                // RFC 6749, 2.3.1: both are form-encoded first.
                let encode = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
                let basic = auth::basic(&encode(client_id), &encode(secret.expose()))?;
                headers.insert(AUTHORIZATION, basic);
            }
            Style::Form => {
                let pairs = [
                    ("client_id", client_id.as_str()),
                    ("client_secret", secret.expose()),
                ];
                form = url::form_urlencoded::Serializer::new(form)
                    .extend_pairs(pairs)
                    .finish();
            }
        }
        let stream = self
            .way
            .open(destination, files, progress)
            .await
            .map_err(|down| self.failed(&down.message))?;
        self.way.check_plaintext(destination, &stream)?;
        let path = &token_url[url::Position::BeforePath..url::Position::AfterQuery];
        let uri = self.way.address(&stream, destination, path, &mut headers)?;
        let request = request::render(&Method::POST, &uri, headers, form.as_bytes());
        let mut answer = Answer::default();
        progress.begin_exchange(false);
        exchange::run(stream, &request, &mut answer, progress)
            .await
            .map_err(|down| self.failed(&down.message))?;
        Ok((answer.status, answer.body))
    }

    /// The server without its query, which may hold a key.
    fn name(&self) -> String {
        let url = &self.settings.token_url;
        format!(
            "oauth2 token server {}://{}",
            url.scheme(),
            &url[url::Position::BeforeHost..url::Position::AfterPath]
        )
    }

    fn failed(&self, why: &str) -> ScrapeError {
        ScrapeError::new(
            ScrapeErrorKind::Credentials,
            format!("{}: {why}", self.name()),
        )
    }
}

/// A token server's answer, whole.
#[derive(Debug, Default)]
struct Answer {
    status: StatusCode,
    body: Vec<u8>,
}

impl Receiver for Answer {
    fn head(&mut self, head: &Head<'_>) -> Result<BodyUse, ScrapeError> {
        self.status = head.status;
        Ok(BodyUse::Body)
    }

    fn data(&mut self, bytes: &[u8]) -> Result<(), ScrapeError> {
        self.body.extend_from_slice(bytes);
        if self.body.len() > ANSWER_BYTES_MAX {
            let why = format!("its answer is larger than {ANSWER_BYTES_MAX} bytes");
            return Err(ScrapeError::new(ScrapeErrorKind::Credentials, why));
        }
        Ok(())
    }
}
