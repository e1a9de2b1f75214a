//! The oauth2 client credentials grant: a token is fetched once for all who ask with it, and kept until
//! it expires.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, StatusCode};
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Position;
use url::form_urlencoded::{Serializer, byte_serialize};

use super::proxy::Routes;
use super::reach::{Denied, Reach};
use super::settings::OAuth2;
use super::transport::{body, client, reason};
use crate::document::secret::Secret;

/// Bytes of a token server's answer.
const ANSWER_BYTES_MAX: usize = 256 * 1024;

/// A token is renewed this long before it expires, so that it does not expire on its way.
const EARLY: Duration = Duration::from_secs(10);

/// A token of which nothing says when it expires.
const LIFETIME_UNSAID: Duration = Duration::from_secs(60 * 60);

/// A refused token younger than this is not renewed: ten thousand targets that refuse us must not
/// become ten thousand token requests.
const RENEWED_AFTER: Duration = Duration::from_millis(500);

/// How a server says that it does not read the client's secret in the header: 400 and 401 are those
/// of RFC 6749, section 5.2.
const REFUSED: [StatusCode; 3] = [
    StatusCode::BAD_REQUEST,
    StatusCode::UNAUTHORIZED,
    StatusCode::FORBIDDEN,
];

/// The token server of one `http_config`.
#[derive(Debug)]
pub(crate) struct Tokens {
    settings: Arc<OAuth2>,
    routes: Arc<Routes>,
    /// Held while a token is fetched, so that one fetch serves all who wait.
    token: Mutex<Option<Token>>,
}

/// A token, since when it is ours and until when it is used.
#[derive(Debug)]
struct Token {
    /// `Bearer` and the token: the header's value.
    authorization: Secret,
    since: Instant,
    until: Instant,
}

/// Where the client's secret is put: servers are free to know only one of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Header,
    Form,
}

impl Tokens {
    pub(crate) fn new(settings: &OAuth2) -> Self {
        Self {
            settings: Arc::new(settings.clone()),
            routes: Arc::new(Routes::of(&settings.proxy)),
            token: Mutex::new(None),
        }
    }

    /// The value of `Authorization`. The caller's deadline bounds the wait.
    pub(crate) async fn authorization(&self, reach: &Reach) -> Result<Secret, String> {
        let mut held = self.token.lock().await;
        let fresh = held.take().filter(|token| Instant::now() < token.until);
        let token = match fresh {
            Some(token) => token,
            None => {
                let fetched = self.fetch(reach).await;
                fetched.map_err(|why| format!("{}: {why}", self.name()))?
            }
        };
        Ok(held.insert(token).authorization.clone())
    }

    /// The server refused `used`; whether another one may do better.
    pub(crate) async fn refused(&self, used: &Secret) -> bool {
        let mut held = self.token.lock().await;
        match &*held {
            Some(token) if token.authorization == *used => {
                let renew = token.since.elapsed() >= RENEWED_AFTER;
                if renew {
                    *held = None;
                }
                renew
            }
            // Somebody else has renewed it already.
            _ => true,
        }
    }

    /// Files are read for each token, so that they rotate without a restart.
    async fn fetch(&self, reach: &Reach) -> Result<Token, String> {
        let since = Instant::now();
        let reach = self.limited(reach).map_err(|denied| denied.to_string())?;
        let (settings, routes) = (Arc::clone(&self.settings), Arc::clone(&self.routes));
        // Where waiting for them holds nobody up.
        let read = tokio::task::spawn_blocking(move || {
            let client = client(&settings.tls, &routes, reach)?.redirect(Policy::none());
            let client = client.build().map_err(|error| reason(&error))?;
            let secret = settings.client_secret.secret();
            Ok::<_, String>((client, secret.map_err(|error| error.to_string())?))
        });
        let (client, secret) = read.await.map_err(|error| error.to_string())??;
        let ask = async |style| {
            let request = self.request(&client, &secret, style);
            request.send().await.map_err(|error| reason(&error))
        };
        let mut response = ask(Style::Header).await?;
        if REFUSED.contains(&response.status()) {
            response = ask(Style::Form).await?;
        }
        if !response.status().is_success() {
            return Err(format!("it answered with status {}", response.status()));
        }
        token(&body(response, ANSWER_BYTES_MAX).await?, since)
    }

    /// How far a request may reach that carries the client's secret.
    fn limited(&self, reach: &Reach) -> Result<Reach, Denied> {
        let url = &self.settings.token_url;
        let reach = Reach {
            allow_plaintext: reach.allow_plaintext || url.scheme() == "https",
            ..reach.clone()
        };
        reach.check_url(url)?;
        if let Some(proxy) = self.routes.proxy_for_url(url) {
            // However near the proxy is, what it forwards crosses a network.
            reach.check_plaintext(url.authority())?;
            reach.check_url(proxy)?;
        }
        Ok(reach)
    }

    fn request(&self, client: &Client, secret: &Secret, style: Style) -> RequestBuilder {
        let id = self.settings.client_id.as_str();
        let mut form = form(&self.settings.scopes, &self.settings.endpoint_params);
        let mut request = client
            .post(self.settings.token_url.clone())
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        match style {
            Style::Header => {
                // RFC 6749, 2.3.1: both are form-encoded first.
                let encode = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
                request = request.basic_auth(encode(id), Some(encode(secret.expose())));
            }
            Style::Form => {
                form.append_pair("client_id", id);
                form.append_pair("client_secret", secret.expose());
            }
        }
        request.body(form.finish())
    }

    /// The server without its query, which may hold a key.
    fn name(&self) -> String {
        let url = &self.settings.token_url;
        let shown = &url[Position::BeforeHost..Position::AfterPath];
        format!("oauth2 token server {}://{shown}", url.scheme())
    }
}

/// The form of a token request, as far as every server wants it.
fn form(scopes: &[String], extra: &[(String, String)]) -> Serializer<'static, String> {
    let mut form = Serializer::new(String::new());
    form.append_pair("grant_type", "client_credentials");
    if !scopes.is_empty() {
        form.append_pair("scope", &scopes.join(" "));
    }
    form.extend_pairs(extra);
    form
}

#[derive(Deserialize)]
struct Answer {
    access_token: Secret,
    token_type: Option<String>,
    /// Seconds; some servers write them as a string.
    #[serde(default)]
    expires_in: serde_json::Value,
}

/// Reads a token server's answer. What it holds is never shown: it may be a token after all.
fn token(body: &[u8], since: Instant) -> Result<Token, String> {
    let answer: Answer = serde_json::from_slice(body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        format!("it answered without a token: line {line} column {column}")
    })?;
    let scheme = match answer.token_type.as_deref() {
        None | Some("") => "Bearer",
        Some(bearer) if bearer.eq_ignore_ascii_case("bearer") => "Bearer",
        Some(other) => other,
    };
    let written = answer
        .expires_in
        .as_str()
        .and_then(|text| text.parse().ok());
    let lifetime = written
        .or_else(|| answer.expires_in.as_f64())
        .filter(|seconds| *seconds > 0.0)
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .unwrap_or(LIFETIME_UNSAID);
    let used = lifetime.saturating_sub(EARLY.min(lifetime / 2));
    Ok(Token {
        authorization: Secret::new(format!("{scheme} {}", answer.access_token.expose())),
        since,
        until: since.checked_add(used).unwrap_or(since + LIFETIME_UNSAID),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_encoded() {
        let form = form(
            &["a".to_owned(), "b c".to_owned()],
            &[("audience".to_owned(), "x&y".to_owned())],
        )
        .finish();
        assert_eq!(
            form,
            "grant_type=client_credentials&scope=a+b+c&audience=x%26y"
        );
    }

    #[test]
    fn tokens_are_renewed_before_they_expire() {
        let now = Instant::now();
        let read = |json: &str| token(json.as_bytes(), now).unwrap();
        let is_fresh = |token: &Token, seconds| now + Duration::from_secs(seconds) < token.until;
        let token = read(r#"{"access_token": "t", "token_type": "bearer", "expires_in": 3600}"#);
        assert_eq!(token.authorization.expose(), "Bearer t");
        assert!(is_fresh(&token, 3589));
        assert!(!is_fresh(&token, 3590));
        let short = read(r#"{"access_token": "t", "expires_in": "4"}"#);
        assert!(is_fresh(&short, 1));
        assert!(!is_fresh(&short, 2));
        for unsaid in ["0", "-1", "1e300", "null", "\"soon\"", "[]"] {
            let json = format!(r#"{{"access_token": "t", "expires_in": {unsaid}}}"#);
            assert!(is_fresh(&read(&json), 3000), "{unsaid}");
        }
    }

    #[test]
    fn an_answer_without_a_token_is_not_shown() {
        let why = token(br#"{"secret": "hush"}"#, Instant::now()).unwrap_err();
        assert!(!why.contains("hush"), "{why}");
    }
}
