//! An HTTP client for lists and tokens, as an `http_config` wants it.

use std::error::Error;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, NoProxy, RequestBuilder, Response};
use url::form_urlencoded::{Serializer, byte_serialize};

use crate::config::http::{Auth, Header, HttpConfig, OAuth2, Proxy, TlsConfig};
use crate::config::secret::{self, Secret};
use crate::config::tls;

/// Redirects that are followed.
const REDIRECTS_MAX: usize = 10;
/// Bytes of a token answer.
const TOKEN_BYTES_MAX: usize = 64 * 1024;

/// A client, and the headers of each request. Files are read now: a client is made for each
/// refresh, so that credentials and certificates rotate without a restart.
pub(super) struct Prepared {
    client: Client,
    headers: HeaderMap,
}

impl Prepared {
    /// Reads what the configuration names. A file that cannot be read is an error: nothing is
    /// ever asked for without the credentials that it should carry.
    pub(super) async fn new(http: &HttpConfig, deadline: Duration) -> Result<Self, String> {
        let redirects = match http.follow_redirects.0 {
            true => Policy::custom(|attempt| {
                let first = attempt.previous().first();
                if attempt.previous().len() > REDIRECTS_MAX {
                    attempt.error(format!("more than {REDIRECTS_MAX} redirects"))
                } else if first.is_some_and(|first| first.origin() == attempt.url().origin()) {
                    attempt.follow()
                } else {
                    attempt.error("redirected to another origin")
                }
            }),
            false => Policy::none(),
        };
        let client = client(&http.tls, &http.proxy, deadline)?
            .redirect(redirects)
            .build()
            .map_err(|error| reason(&error))?;
        let mut headers = HeaderMap::new();
        for header in &http.headers {
            append(&mut headers, header)?;
        }
        if let Some(value) = authorization(&http.auth, deadline).await? {
            headers.insert(AUTHORIZATION, value);
        }
        Ok(Self { client, headers })
    }

    /// A GET request with the configured headers.
    pub(super) fn get(&self, url: &url::Url) -> RequestBuilder {
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

async fn authorization(auth: &Auth, deadline: Duration) -> Result<Option<HeaderValue>, String> {
    use base64::Engine;
    let text = match auth {
        Auth::None => return Ok(None),
        Auth::Basic { username, password } => {
            let username = username.secret().map_err(|error| error.to_string())?;
            let password = password.secret().map_err(|error| error.to_string())?;
            let pair = format!("{}:{}", username.expose(), password.expose());
            format!(
                "Basic {}",
                base64::engine::general_purpose::STANDARD.encode(pair)
            )
        }
        Auth::Authorization {
            scheme,
            credentials,
        } => {
            let credentials = credentials.secret().map_err(|error| error.to_string())?;
            format!("{scheme} {}", credentials.expose())
        }
        Auth::OAuth2(oauth2) => format!("Bearer {}", token(oauth2, deadline).await?),
    };
    let mut value = HeaderValue::try_from(text)
        .map_err(|_| "the credentials hold characters that no header may".to_owned())?;
    value.set_sensitive(true);
    Ok(Some(value))
}

/// Asks for a token with the client credentials grant: credentials in the header first, in the
/// form where that is refused (servers differ).
async fn token(oauth2: &OAuth2, deadline: Duration) -> Result<String, String> {
    let failed = |what: String| format!("oauth2 token: {what}");
    let secret = oauth2
        .client_secret
        .secret()
        .map_err(|error| error.to_string())?;
    let client = client(&oauth2.tls, &oauth2.proxy, deadline)?
        .redirect(Policy::none())
        .build()
        .map_err(|error| failed(reason(&error)))?;
    let request = |form: String| {
        client
            .post(oauth2.token_url.clone())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form)
    };
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let header_first = request(token_form(oauth2, None))
        .basic_auth(encoded(&oauth2.client_id), Some(encoded(secret.expose())))
        .send()
        .await
        .map_err(|error| failed(reason(&error)))?;
    let response = match header_first.status().is_client_error() {
        true => request(token_form(oauth2, Some(&secret)))
            .send()
            .await
            .map_err(|error| failed(reason(&error)))?,
        false => header_first,
    };
    if !response.status().is_success() {
        return Err(failed(format!("the server answered {}", response.status())));
    }
    let body = body(response, TOKEN_BYTES_MAX).await.map_err(failed)?;
    #[derive(serde::Deserialize)]
    struct Token {
        access_token: String,
    }
    // Not the parser's words: they may quote the token.
    let token: Token = serde_json::from_slice(&body)
        .map_err(|_| failed("the answer holds no `access_token`".to_owned()))?;
    Ok(token.access_token)
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
pub(super) async fn body(mut response: Response, bytes_max: usize) -> Result<Vec<u8>, String> {
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
pub(super) fn reason(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
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
