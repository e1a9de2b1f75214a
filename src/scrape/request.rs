//! The request of a scrape.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, HOST, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Uri};
use http_body_util::Full;

use super::down::{Down, DownReason};
use crate::discovery::target::Target;

/// What Prometheus 3 asks for, so that targets answer us as they answer it.
const EXPOSITIONS: HeaderValue = HeaderValue::from_static(
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
     application/openmetrics-text;version=0.0.1;q=0.5,\
     text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
     text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
);

/// Who we are to targets and token servers.
pub(super) const AGENT: HeaderValue =
    HeaderValue::from_static(concat!("manifesto-exporter/", env!("CARGO_PKG_VERSION")));

const TIMEOUT_SECONDS: HeaderName = HeaderName::from_static("x-prometheus-scrape-timeout-seconds");

/// The headers of every request to `target`, before those of its authentication.
pub(super) fn headers(target: &Target) -> Result<HeaderMap, Down> {
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert(HOST, value("host", &host(target))?);
    headers.insert(USER_AGENT, AGENT);
    headers.insert(ACCEPT, EXPOSITIONS);
    let encoding = if target.job.enable_compression {
        "gzip"
    } else {
        "identity"
    };
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(encoding));
    headers.insert(TIMEOUT_SECONDS, value("timeout", &seconds(target.timeout))?);
    Ok(headers)
}

/// A GET with these headers, not yet addressed.
pub(super) fn get(headers: HeaderMap) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::default());
    *request.headers_mut() = headers;
    request
}

/// A request's URI, in whatever form.
pub(super) fn uri(text: &str) -> Result<Uri, Down> {
    text.parse().map_err(|error| {
        Down::new(
            DownReason::Protocol,
            format!("{text:?} cannot be asked for: {error}"),
        )
    })
}

/// A header value; `what` names it in place of the value, which may be secret.
pub(super) fn value(what: &str, text: &str) -> Result<HeaderValue, Down> {
    HeaderValue::from_str(text).map_err(|_| {
        Down::new(
            DownReason::Credentials,
            format!("{what} holds a character that a header cannot carry"),
        )
    })
}

/// The `Host` header: without the port where it is the scheme's own, as every client sends it.
fn host(target: &Target) -> String {
    let url = &target.url;
    let mut authority = url.authority();
    if url.port == url.scheme.default_port() {
        let suffix = format!(":{}", url.port);
        authority.truncate(authority.len() - suffix.len());
    }
    authority
}

/// Seconds without trailing zeros: `10`, `0.5`.
fn seconds(duration: Duration) -> String {
    duration.as_secs_f64().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_short() {
        assert_eq!(seconds(Duration::from_secs(10)), "10");
        assert_eq!(seconds(Duration::from_millis(500)), "0.5");
    }

    #[test]
    fn the_version_is_ours() {
        assert_eq!(
            AGENT.to_str().unwrap(),
            format!("manifesto-exporter/{}", env!("CARGO_PKG_VERSION"))
        );
    }
}
