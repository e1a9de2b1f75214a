//! The request of a scrape.

use std::time::Duration;

use http::header::{ACCEPT, ACCEPT_ENCODING, HOST, USER_AGENT};
use http::{HeaderName, HeaderValue, Uri};

use super::error::{ScrapeError, ScrapeErrorKind};
use crate::discovery::target::Target;

/// What Prometheus 3 asks for, so that targets answer us as they answer it.
const EXPOSITIONS: HeaderValue = HeaderValue::from_static(
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
     application/openmetrics-text;version=0.0.1;q=0.5,\
     text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
     text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
);

/// Who we are to targets and proxies.
pub(super) const AGENT: HeaderValue =
    HeaderValue::from_static(concat!("manifesto-exporter/", env!("CARGO_PKG_VERSION")));

const TIMEOUT_SECONDS: HeaderName = HeaderName::from_static("x-prometheus-scrape-timeout-seconds");

/// Header lines, in order: a handful, made anew for each request.
#[derive(Debug, Clone, Default)]
pub(super) struct Headers(Vec<(HeaderName, HeaderValue)>);

impl Headers {
    /// The headers of every request to `target`, before those of its authentication.
    pub(super) fn of(target: &Target) -> Result<Self, ScrapeError> {
        let encoding = if target.job.enable_compression {
            "gzip"
        } else {
            "identity"
        };
        let mut lines = Vec::with_capacity(8);
        lines.push((HOST, value("host", &host(target))?));
        lines.push((USER_AGENT, AGENT));
        lines.push((ACCEPT, EXPOSITIONS));
        lines.push((ACCEPT_ENCODING, HeaderValue::from_static(encoding)));
        lines.push((TIMEOUT_SECONDS, value("timeout", &seconds(target.timeout))?));
        Ok(Self(lines))
    }

    /// Puts one line in the place of those of its name.
    pub(super) fn insert(&mut self, name: HeaderName, value: HeaderValue) {
        self.remove(&name);
        self.append(name, value);
    }

    /// Adds a line beside those of its name.
    pub(super) fn append(&mut self, name: HeaderName, value: HeaderValue) {
        self.0.push((name, value));
    }

    /// Removes the lines of a name.
    pub(super) fn remove(&mut self, name: &HeaderName) {
        self.0.retain(|(known, _)| known != name);
    }

    /// Writes the lines and the empty one that ends them.
    pub(super) fn write(&self, request: &mut Vec<u8>) {
        for (name, value) in &self.0 {
            request.extend_from_slice(name.as_str().as_bytes());
            request.extend_from_slice(b": ");
            request.extend_from_slice(value.as_bytes());
            request.extend_from_slice(b"\r\n");
        }
        request.extend_from_slice(b"\r\n");
    }
}

/// A request as it is sent. Every byte of it has been checked to be a URI's or a header's.
pub(super) fn render(uri: &Uri, headers: &Headers) -> Vec<u8> {
    let mut request = Vec::with_capacity(1024);
    request.extend_from_slice(b"GET ");
    match uri.path_and_query() {
        // A proxy is told the whole.
        Some(path) if uri.authority().is_none() => {
            request.extend_from_slice(path.as_str().as_bytes());
        }
        _ => request.extend_from_slice(uri.to_string().as_bytes()),
    }
    request.extend_from_slice(b" HTTP/1.1\r\n");
    headers.write(&mut request);
    request
}

/// A request's URI, in whatever form.
pub(super) fn uri(text: &str) -> Result<Uri, ScrapeError> {
    text.parse().map_err(|error| {
        ScrapeError::new(
            ScrapeErrorKind::Protocol,
            format!("{text:?} cannot be asked for: {error}"),
        )
    })
}

/// A header value; `what` names it in place of the value, which may be secret.
pub(super) fn value(what: &str, text: &str) -> Result<HeaderValue, ScrapeError> {
    HeaderValue::from_str(text).map_err(|_| {
        ScrapeError::new(
            ScrapeErrorKind::Credentials,
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

    #[test]
    fn a_request_is_written_as_http_has_it() {
        let mut headers = Headers::default();
        headers.insert(HOST, HeaderValue::from_static("a:1"));
        headers.append(ACCEPT, HeaderValue::from_static("x"));
        headers.insert(ACCEPT, HeaderValue::from_static("y"));
        let written = |uri: &str| {
            let uri = self::uri(uri).unwrap();
            String::from_utf8(render(&uri, &headers)).unwrap()
        };
        assert_eq!(
            written("/p?q#f"),
            "GET /p?q HTTP/1.1\r\nhost: a:1\r\naccept: y\r\n\r\n"
        );
        assert_eq!(
            written("http://h:2/p"),
            "GET http://h:2/p HTTP/1.1\r\nhost: a:1\r\naccept: y\r\n\r\n"
        );
        for bad in ["/a b", "/a\r\nx: y", "/a\u{0}"] {
            assert!(uri(bad).is_err(), "{bad:?}");
        }
    }
}
