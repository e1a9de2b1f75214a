//! An HTTP client for lists, tokens and evidence, as an `http_config` wants it: for what is not hot.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder};
use url::form_urlencoded::{Serializer, byte_serialize};

use super::proxy::Routes;
use super::reach::{Denied, Reach};
use super::settings::{Auth, FollowRedirects, HttpConfig, OAuth2};
use super::transport::{body, client, headers, reason, value};
use crate::document::secret::{Secret, SecretSource};

/// Redirects that are followed.
const REDIRECTS_MAX: usize = 10;
/// Bytes of a token answer.
const TOKEN_BYTES_MAX: usize = 64 * 1024;

/// What asks with one `http_config`, again and again.
pub(crate) struct HttpClient {
    http: Arc<HttpConfig>,
    routes: Arc<Routes>,
    reach: Reach,
}

impl HttpClient {
    /// Where the servers are chosen by others than the operator, `reach` says which may be asked.
    pub(crate) fn new(http: Arc<HttpConfig>, reach: Reach) -> Self {
        Self {
            routes: Arc::new(Routes::of(&http.proxy)),
            http,
            reach,
        }
    }

    /// Reads what the configuration names. A file that cannot be read is an error: nothing is
    /// ever asked for without the credentials that it should carry.
    pub(crate) async fn prepare(&self, deadline: Duration) -> Result<Prepared, String> {
        let (http, routes) = (Arc::clone(&self.http), Arc::clone(&self.routes));
        let reach = self.reach.clone();
        // Files are read where waiting for them holds nobody up.
        let read = tokio::task::spawn_blocking(move || read(&http, &routes, deadline, reach)).await;
        let (client, mut headers, credentials) = read.map_err(|error| error.to_string())??;
        let authorization = match credentials {
            Credentials::None => None,
            Credentials::Text(text) => Some(text),
            Credentials::Token(request) => Some(format!("Bearer {}", request.token().await?)),
        };
        if let Some(text) = authorization {
            headers.insert(AUTHORIZATION, value("header `authorization`", &text)?);
        }
        Ok(Prepared {
            client,
            headers,
            reach: self.reach.clone(),
        })
    }
}

/// A client with the headers of each request: made for each refresh, so that credentials and
/// certificates rotate without a restart.
pub(crate) struct Prepared {
    client: Client,
    headers: HeaderMap,
    reach: Reach,
}

impl Prepared {
    /// Whether the host of a URL may be asked, where that is limited.
    pub(crate) fn check(&self, url: &url::Url) -> Result<(), Denied> {
        self.reach.check_url(url)
    }

    /// A POST request with the configured headers.
    pub(crate) fn post(&self, url: &url::Url) -> RequestBuilder {
        self.client.post(url.clone()).headers(self.headers.clone())
    }

    /// A GET request with the configured headers.
    pub(crate) fn get(&self, url: &url::Url) -> RequestBuilder {
        self.client.get(url.clone()).headers(self.headers.clone())
    }
}

/// The value of the `Authorization` header, or how to get it.
enum Credentials {
    None,
    Text(String),
    Token(Box<TokenRequest>),
}

fn read(
    http: &HttpConfig,
    routes: &Arc<Routes>,
    deadline: Duration,
    reach: Reach,
) -> Result<(Client, HeaderMap, Credentials), String> {
    let resolver = reach.resolver.clone();
    let client = client(&http.tls, routes, reach)?
        .timeout(deadline)
        .redirect(redirects(http.follow_redirects))
        .build()
        .map_err(|error| reason(&error))?;
    let of_token = Reach {
        resolver,
        dial: None,
    };
    Ok((
        client,
        headers(&http.headers)?,
        credentials(&http.auth, deadline, of_token)?,
    ))
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

fn credentials(auth: &Auth, deadline: Duration, reach: Reach) -> Result<Credentials, String> {
    let secret = |source: &SecretSource| source.secret().map_err(|error| error.to_string());
    Ok(match auth {
        Auth::None => Credentials::None,
        Auth::Basic { username, password } => {
            let (username, password) = (secret(username)?, secret(password)?);
            let pair = format!("{}:{}", username.expose(), password.expose());
            Credentials::Text(format!("Basic {}", BASE64_STANDARD.encode(pair)))
        }
        Auth::Authorization {
            scheme,
            credentials,
        } => Credentials::Text(format!("{scheme} {}", secret(credentials)?.expose())),
        Auth::OAuth2(oauth2) => Credentials::Token(Box::new(TokenRequest {
            client: client(&oauth2.tls, &Arc::new(Routes::of(&oauth2.proxy)), reach)?
                .timeout(deadline)
                .redirect(Policy::none())
                .build()
                .map_err(|error| reason(&error))?,
            secret: secret(&oauth2.client_secret)?,
            oauth2: OAuth2::clone(oauth2),
        })),
    })
}

/// A request for a token with the client credentials grant.
struct TokenRequest {
    client: Client,
    secret: Secret,
    oauth2: OAuth2,
}

impl TokenRequest {
    /// Asks with the credentials in the header first, in the form where that is refused:
    /// servers differ.
    async fn token(&self) -> Result<String, String> {
        let failed = |what: String| format!("oauth2 token: {what}");
        let request = |form: String| {
            self.client
                .post(self.oauth2.token_url.clone())
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(form)
        };
        let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        let secret = Some(encoded(self.secret.expose()));
        let header_first = request(token_form(&self.oauth2, None))
            .basic_auth(encoded(&self.oauth2.client_id), secret)
            .send()
            .await
            .map_err(|error| failed(reason(&error)))?;
        let response = match header_first.status().is_client_error() {
            true => request(token_form(&self.oauth2, Some(&self.secret)))
                .send()
                .await
                .map_err(|error| failed(reason(&error)))?,
            false => header_first,
        };
        if !response.status().is_success() {
            return Err(failed(format!("the server answered {}", response.status())));
        }
        let body = body(response, TOKEN_BYTES_MAX).await.map_err(failed)?;
        // Not the parser's words: they may quote the token.
        serde_json::from_slice::<Token>(&body)
            .map(|token| token.access_token)
            .map_err(|_| failed("the answer holds no `access_token`".to_owned()))
    }
}

#[derive(serde::Deserialize)]
struct Token {
    access_token: String,
}

/// The form of a token request, with the client's credentials where the header has none.
fn token_form(oauth2: &OAuth2, secret: Option<&Secret>) -> String {
    let mut form = Serializer::new(String::new());
    form.append_pair("grant_type", "client_credentials");
    if !oauth2.scopes.is_empty() {
        form.append_pair("scope", &oauth2.scopes.join(" "));
    }
    form.extend_pairs(&oauth2.endpoint_params);
    if let Some(secret) = secret {
        form.append_pair("client_id", &oauth2.client_id);
        form.append_pair("client_secret", secret.expose());
    }
    form.finish()
}
