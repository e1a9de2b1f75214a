//! An HTTP client for lists, tokens and evidence, as an `http_config` wants it: for what is not hot.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, NoProxy, RequestBuilder, Response};
use url::form_urlencoded::{Serializer, byte_serialize};

use super::dial::{CheckedResolver, DialPolicy};
use super::settings::{Auth, FollowRedirects, Header, HttpConfig, OAuth2, Proxy, TlsConfig};
use super::tls;
use crate::document::secret::{self, Secret, SecretSource};

/// Redirects that are followed.
const REDIRECTS_MAX: usize = 10;
/// Bytes of a token answer.
const TOKEN_BYTES_MAX: usize = 64 * 1024;

/// A client, and the headers of each request. Files are read now: a client is made for each
/// refresh, so that credentials and certificates rotate without a restart.
pub(crate) struct Prepared {
    client: Client,
    headers: HeaderMap,
    dial: Option<DialPolicy>,
}

impl Prepared {
    /// Reads what the configuration names. A file that cannot be read is an error: nothing is
    /// ever asked for without the credentials that it should carry. Where the addresses are chosen
    /// by others than the operator, `dial` says which may be dialled.
    pub(crate) async fn new(
        http: Arc<HttpConfig>,
        deadline: Duration,
        dial: Option<DialPolicy>,
    ) -> Result<Self, String> {
        let allowed = dial.clone();
        // Files are read where waiting for them holds nobody up.
        let read = tokio::task::spawn_blocking(move || read(&http, deadline, dial)).await;
        let (client, mut headers, credentials) = read.map_err(|error| error.to_string())??;
        let authorization = match credentials {
            Credentials::None => None,
            Credentials::Text(text) => Some(text),
            Credentials::Token(request) => Some(format!("Bearer {}", request.token().await?)),
        };
        if let Some(text) = authorization {
            let mut value = HeaderValue::try_from(text)
                .map_err(|_| "the credentials hold characters that no header may".to_owned())?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        Ok(Self {
            client,
            headers,
            dial: allowed,
        })
    }

    /// Whether the host of a URL may be asked, where that is limited; if not, why.
    pub(crate) fn check(&self, url: &url::Url) -> Result<(), String> {
        match &self.dial {
            Some(dial) => dial.check_url(url),
            None => Ok(()),
        }
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

fn client(tls: &TlsConfig, proxy: &Proxy, deadline: Duration) -> Result<ClientBuilder, String> {
    let tls = tls::client_config(tls).map_err(|error| error.to_string())?;
    let builder = Client::builder()
        .tls_backend_preconfigured(tls)
        .timeout(deadline)
        .connect_timeout(deadline)
        .user_agent(concat!("manifesto-exporter/", env!("CARGO_PKG_VERSION")));
    match proxy {
        Proxy::None => Ok(builder.no_proxy()),
        // reqwest reads the environment unless told otherwise.
        Proxy::FromEnvironment { .. } => Ok(builder),
        Proxy::Url {
            url,
            no_proxy,
            connect_headers,
        } => {
            let mut headers = HeaderMap::new();
            for header in connect_headers {
                append(&mut headers, header)?;
            }
            let proxy = reqwest::Proxy::all(url.clone())
                .map_err(|error| reason(&error))?
                .no_proxy(NoProxy::from_string(&no_proxy.join(",")))
                .headers(headers);
            Ok(builder.no_proxy().proxy(proxy))
        }
    }
}

fn append(headers: &mut HeaderMap, header: &Header) -> Result<(), String> {
    let name = HeaderName::try_from(&header.name)
        .map_err(|_| format!("`{}` is not a header name", header.name))?;
    let value = |text: &str| {
        HeaderValue::try_from(text).map_err(|_| format!("header `{name}`: not a header value"))
    };
    for text in &header.values {
        headers.append(&name, value(text)?);
    }
    let read = header.files.iter().map(|path| secret::read(path));
    let read = read
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| error.to_string())?;
    for secret in header.secrets.iter().chain(&read) {
        let mut value = value(secret.expose())?;
        value.set_sensitive(true);
        headers.append(&name, value);
    }
    Ok(())
}

/// The value of the `Authorization` header, or how to get it.
enum Credentials {
    None,
    Text(String),
    Token(Box<TokenRequest>),
}

fn read(
    http: &HttpConfig,
    deadline: Duration,
    dial: Option<DialPolicy>,
) -> Result<(Client, HeaderMap, Credentials), String> {
    let mut client =
        client(&http.tls, &http.proxy, deadline)?.redirect(redirects(http.follow_redirects));
    if let Some(dial) = dial {
        client = client.dns_resolver(Arc::new(CheckedResolver(dial)));
    }
    let client = client.build().map_err(|error| reason(&error))?;
    let mut headers = HeaderMap::new();
    for header in &http.headers {
        append(&mut headers, header)?;
    }
    Ok((client, headers, credentials(&http.auth, deadline)?))
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

fn credentials(auth: &Auth, deadline: Duration) -> Result<Credentials, String> {
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
            client: client(&oauth2.tls, &oauth2.proxy, deadline)?
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

/// The body, if it is not too large.
pub(crate) async fn body(mut response: Response, bytes_max: usize) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| reason(&error))? {
        if body.len() + chunk.len() > bytes_max {
            return Err(format!("the body is larger than {bytes_max} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// An error with its causes, without the URL (which the source's name stands for).
pub(crate) fn reason(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer within the deadline".to_owned();
    }
    let mut words: Vec<String> = Vec::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !words.contains(&text) {
            words.push(text);
        }
        cause = error.source();
    }
    match words.is_empty() {
        true => "the request failed".to_owned(),
        false => words.join(": "),
    }
}
