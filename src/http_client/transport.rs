//! What requests that are not hot are made of: clients with their TLS and proxy, headers, bodies, errors.

use std::error::Error;
use std::sync::Arc;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, ClientBuilder, Response};
use url::Url;

use super::proxy::Routes;
use super::reach::{Denied, Reach};
use super::settings::{Header, TlsConfig};
use super::tls;
use crate::document::secret;

/// A client that does not say who asks. Files are read now.
pub(super) fn client(
    tls: &TlsConfig,
    routes: &Arc<Routes>,
    reach: Reach,
) -> Result<ClientBuilder, String> {
    let tls = tls::client_config(tls).map_err(|error| error.to_string())?;
    let [plain, tunnelled] = routes.proxies(headers(&routes.connect_headers)?)?;
    Ok(Client::builder()
        .tls_backend_preconfigured(tls)
        .dns_resolver(Arc::new(reach))
        // These alone: reqwest would look into the environment.
        .no_proxy()
        .proxy(plain)
        .proxy(tunnelled)
        .user_agent(concat!("manifesto-exporter/", env!("CARGO_PKG_VERSION"))))
}

/// Configured headers, values in the order plain, secret, file. Files are read now.
pub(super) fn headers(configured: &[Header]) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for header in configured {
        let name = HeaderName::try_from(&header.name)
            .map_err(|_| format!("`{}` is not a header name", header.name))?;
        let what = format!("header `{name}`");
        for text in &header.values {
            let mut plain = value(&what, text)?;
            plain.set_sensitive(false);
            headers.append(&name, plain);
        }
        for secret in &header.secrets {
            headers.append(&name, value(&what, secret.expose())?);
        }
        for path in &header.files {
            let secret = secret::read(path).map_err(|error| error.to_string())?;
            headers.append(&name, value(&what, secret.expose())?);
        }
    }
    Ok(headers)
}

/// A header's value, which is not shown; `what` names it.
pub(super) fn value(what: &str, text: &str) -> Result<HeaderValue, String> {
    let mut value = HeaderValue::try_from(text)
        .map_err(|_| format!("{what} holds a character that a header cannot carry"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// What a segment of a path does not carry as it is.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A text as one segment of a path.
pub(crate) fn segment(text: &str) -> PercentEncode<'_> {
    utf8_percent_encode(text, SEGMENT)
}

/// Why something with such a name is not asked for.
pub(crate) const NOT_IN_A_URL: &str = "its name cannot be part of a URL";

/// Whether a text can be one segment of a path: these are folded away, however they are written.
pub(crate) fn is_segment(text: &str) -> bool {
    !matches!(text, "" | "." | "..")
}

/// A URL below another: with its path in front.
pub(crate) fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    let prefix = base.path().trim_end_matches('/');
    url.set_path(&format!("{prefix}{path}"));
    url
}

/// Why there is no body.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    #[error("the body is larger than {0} bytes")]
    TooLarge(usize),
    #[error("{}", reason(.0))]
    Failed(#[from] reqwest::Error),
}

impl From<BodyError> for String {
    fn from(error: BodyError) -> Self {
        error.to_string()
    }
}

/// The body, if it is not too large.
pub(crate) async fn body(mut response: Response, bytes_max: usize) -> Result<Vec<u8>, BodyError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > bytes_max {
            return Err(BodyError::TooLarge(bytes_max));
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
    if let Some(denied) = Denied::behind(error) {
        return denied.to_string();
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
