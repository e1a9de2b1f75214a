//! An HTTP client for lists and evidence, as an `http_config` wants it: for what is not hot.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use reqwest::header::{AUTHORIZATION, HeaderMap};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response, StatusCode};

use super::dial::DialPolicy;
use super::oauth2::Tokens;
use super::proxy::Routes;
use super::reach::{Denied, Reach};
use super::settings::{Auth, FollowRedirects, HttpConfig};
use super::transport::{client, headers, reason, value};
use crate::document::secret::SecretSource;

/// Redirects that are followed.
const REDIRECTS_MAX: usize = 10;

/// What asks with one `http_config`, again and again.
pub(crate) struct HttpClient {
    http: Arc<HttpConfig>,
    routes: Arc<Routes>,
    reach: Reach,
    tokens: Option<Arc<(Tokens, Reach)>>,
    /// The socket that is asked, whatever a URL names.
    socket: Option<PathBuf>,
}

impl HttpClient {
    /// Where the servers are chosen by others than the operator, `reach` says which may be asked;
    /// `dial` holds for a token server.
    pub(crate) fn new(http: Arc<HttpConfig>, reach: Reach, dial: DialPolicy) -> Self {
        let of_tokens = Reach {
            dial: Some(dial),
            ..reach.clone()
        };
        let tokens = match &http.auth {
            Auth::OAuth2(oauth2) => Some(Arc::new((Tokens::new(oauth2), of_tokens))),
            Auth::None | Auth::Basic { .. } | Auth::Authorization { .. } => None,
        };
        Self {
            routes: Arc::new(Routes::of(&http.proxy)),
            http,
            reach,
            tokens,
            socket: None,
        }
    }

    /// Asks a Unix socket.
    pub(crate) fn over_socket(path: PathBuf) -> Self {
        Self {
            socket: Some(path),
            ..Self::new(Arc::default(), Reach::unlimited(), DialPolicy::default())
        }
    }

    /// Reads what the configuration names. A file that cannot be read is an error: nothing is
    /// ever asked for without the credentials that it should carry.
    pub(crate) async fn prepare(&self, deadline: Duration) -> Result<Prepared, String> {
        let (http, routes) = (Arc::clone(&self.http), Arc::clone(&self.routes));
        let (reach, socket) = (self.reach.clone(), self.socket.clone());
        // Files are read where waiting for them holds nobody up.
        let read =
            tokio::task::spawn_blocking(move || read(&http, &routes, deadline, reach, socket))
                .await;
        let (client, headers) = read.map_err(|error| error.to_string())??;
        if let Some((tokens, reach)) = self.tokens.as_deref() {
            tokens.authorization(reach).await?;
        }
        Ok(Prepared {
            client,
            headers,
            routes: Arc::clone(&self.routes),
            reach: self.reach.clone(),
            tokens: self.tokens.clone(),
        })
    }
}

/// A client with the headers of each request: made for each refresh, so that credentials and
/// certificates rotate without a restart.
pub(crate) struct Prepared {
    client: Client,
    headers: HeaderMap,
    routes: Arc<Routes>,
    reach: Reach,
    tokens: Option<Arc<(Tokens, Reach)>>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    #[error("{0}")]
    Token(String),
    #[error("{}", reason(.0))]
    Request(#[from] reqwest::Error),
}

impl Prepared {
    /// Whether the host of a URL may be asked, where that is limited.
    pub(crate) async fn check(&self, url: &url::Url) -> Result<(), Denied> {
        self.reach.check_url(url)?;
        match self.routes.proxy_for_url(url) {
            None => Ok(()),
            // The proxy looks the name up itself: what it may find is checked here.
            Some(_) => self.reach.check_addresses(url).await,
        }
    }

    /// Sends a request. One whose token is refused is sent once more, with another token.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Response, SendError> {
        let Some((tokens, reach)) = self.tokens.as_deref() else {
            return Ok(request.send().await?);
        };
        let mut again = request.try_clone();
        let mut request = request;
        loop {
            let token = tokens.authorization(reach).await;
            let token = token.map_err(SendError::Token)?;
            let header = value("the token", token.expose()).map_err(SendError::Token)?;
            let response = request.header(AUTHORIZATION, header).send().await?;
            request = match again.take() {
                Some(again)
                    if response.status() == StatusCode::UNAUTHORIZED
                        && tokens.refused(&token).await =>
                {
                    again
                }
                _ => return Ok(response),
            };
        }
    }

    /// A POST request with the configured headers.
    pub(crate) fn post(&self, url: &url::Url) -> RequestBuilder {
        self.client.post(url.clone()).headers(self.headers.clone())
    }

    /// A PUT request with the configured headers.
    pub(crate) fn put(&self, url: &url::Url) -> RequestBuilder {
        self.client.put(url.clone()).headers(self.headers.clone())
    }

    /// A GET request with the configured headers.
    pub(crate) fn get(&self, url: &url::Url) -> RequestBuilder {
        self.client.get(url.clone()).headers(self.headers.clone())
    }
}

fn read(
    http: &HttpConfig,
    routes: &Arc<Routes>,
    deadline: Duration,
    reach: Reach,
    socket: Option<PathBuf>,
) -> Result<(Client, HeaderMap), String> {
    let mut client = client(&http.tls, routes, reach)?;
    if let Some(path) = socket {
        client = client.unix_socket(path);
    }
    let client = client
        .timeout(deadline)
        .redirect(redirects(http.follow_redirects))
        .build()
        .map_err(|error| reason(&error))?;
    let mut headers = headers(&http.headers)?;
    if let Some(text) = credentials(&http.auth)? {
        headers.insert(AUTHORIZATION, value("header `authorization`", &text)?);
    }
    Ok((client, headers))
}

fn redirects(follow: FollowRedirects) -> Policy {
    if !follow.0 {
        return Policy::none();
    }
    Policy::custom(|attempt| {
        let first = attempt.previous().first();
        if attempt.previous().len() > REDIRECTS_MAX {
            attempt.error(format!("more than {REDIRECTS_MAX} redirects"))
        } else if first.is_some_and(|first| first.origin() == attempt.url().origin()) {
            attempt.follow()
        } else {
            // Credentials never travel to another origin.
            attempt.error("redirected to another origin")
        }
    })
}

/// The value of `Authorization`, where no token server grants it.
fn credentials(auth: &Auth) -> Result<Option<String>, String> {
    let secret = |source: &SecretSource| source.secret().map_err(|error| error.to_string());
    Ok(match auth {
        Auth::None | Auth::OAuth2(_) => None,
        Auth::Basic { username, password } => {
            let (username, password) = (secret(username)?, secret(password)?);
            let pair = format!("{}:{}", username.expose(), password.expose());
            Some(format!("Basic {}", BASE64_STANDARD.encode(pair)))
        }
        Auth::Authorization {
            scheme,
            credentials,
        } => Some(format!("{scheme} {}", secret(credentials)?.expose())),
    })
}
