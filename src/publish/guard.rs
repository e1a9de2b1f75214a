//! What every request must pass before any handler sees it: limits, host, rate, login, origin.

use std::net::IpAddr;
use std::sync::Arc;

use axum::http::header::{
    AUTHORIZATION, CONTENT_LENGTH, HOST, ORIGIN, RETRY_AFTER, WWW_AUTHENTICATE,
};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};

use super::auth::Login;
use super::web::Web;

/// Bytes of a request's path and query.
const URI_BYTES_MAX: usize = 4 * 1024;

/// Bytes of a request's body: nothing here reads one.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// Which requests are served.
#[derive(Debug, Default)]
pub struct Guard {
    /// `--web.config.file`: TLS, users, rate.
    pub web: Option<Arc<Web>>,
    /// Under which names the server is asked for; any if `None`.
    pub hosts: Option<Hosts>,
}

/// The names under which the server may be asked for, besides those that no stranger can point
/// at it: addresses, names without a dot, and the domains kept for private use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hosts(Vec<String>);

/// Domains that nobody can register: a page of a stranger is never served under them.
const PRIVATE_SUFFIXES: [&str; 4] = [".localhost", ".local", ".internal", ".svc"];

impl Hosts {
    /// Names are compared without regard to case.
    pub fn new(names: impl IntoIterator<Item = String>) -> Self {
        Self(names.into_iter().map(|name| host_name(&name)).collect())
    }

    fn allow(&self, host: &str) -> bool {
        let name = host_name(host);
        let address = name.trim_start_matches('[').trim_end_matches(']');
        address.parse::<IpAddr>().is_ok()
            || !name.contains('.')
            || PRIVATE_SUFFIXES.iter().any(|suffix| name.ends_with(suffix))
            || self.0.contains(&name)
    }
}

/// Small letters, without the dot of the root.
fn host_name(host: &str) -> String {
    host.trim_end_matches('.').to_ascii_lowercase()
}

impl Guard {
    /// The answer to a request that is not to be served.
    pub(super) async fn refuse(&self, request: &Parts) -> Option<Response> {
        if let Some(response) = oversized(request).or_else(|| self.forged_host(request)) {
            return Some(response);
        }
        if let Some(web) = &self.web
            && let Some(response) = refuse_by(web, request).await
        {
            return Some(response);
        }
        cross_origin(request)
    }

    /// A page of another site whose name was pointed at this server asks with that name.
    fn forged_host(&self, request: &Parts) -> Option<Response> {
        let authority = match authority(request) {
            Ok(authority) => authority,
            Err(message) => return Some((StatusCode::BAD_REQUEST, message).into_response()),
        };
        let (hosts, authority) = (self.hosts.as_ref()?, authority?);
        let host = authority.host();
        (!hosts.allow(host)).then(|| {
            let message = format!(
                "{host:?} is no name of this server: --web.external-url and --web.allowed-host say which are\n"
            );
            (StatusCode::MISDIRECTED_REQUEST, message).into_response()
        })
    }
}

/// Whom the request is addressed to; HTTP/1.0 need not say.
fn authority(request: &Parts) -> Result<Option<Authority>, &'static str> {
    let mut hosts = request.headers.get_all(HOST).iter();
    let host = hosts.next();
    if hosts.next().is_some() {
        return Err("more than one host header\n");
    }
    if let Some(authority) = request.uri.authority() {
        return Ok(Some(authority.clone()));
    }
    host.map(|host| {
        let text = host.to_str().ok().filter(|text| !text.contains('@'));
        text.and_then(|text| text.parse().ok())
            .ok_or("the host header names no host\n")
    })
    .transpose()
}

fn oversized(request: &Parts) -> Option<Response> {
    let uri_bytes = request
        .uri
        .path_and_query()
        .map_or(0, |uri| uri.as_str().len());
    if uri_bytes > URI_BYTES_MAX {
        let message = format!("the URL has {uri_bytes} bytes, at most {URI_BYTES_MAX} are read\n");
        return Some((StatusCode::URI_TOO_LONG, message).into_response());
    }
    let length: Option<usize> = request
        .headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse().ok());
    length.filter(|bytes| *bytes > BODY_BYTES_MAX).map(|bytes| {
        let message = format!("the body has {bytes} bytes, at most {BODY_BYTES_MAX} are read\n");
        (StatusCode::PAYLOAD_TOO_LARGE, message).into_response()
    })
}

/// Rate and login.
async fn refuse_by(web: &Web, request: &Parts) -> Option<Response> {
    let in_force = web.in_force();
    if !web.within_rate(&in_force) {
        return Some((StatusCode::TOO_MANY_REQUESTS, "too many requests\n").into_response());
    }
    let users = &in_force.config.users;
    if users.is_empty() {
        return None;
    }
    let authorization = request.headers.get(AUTHORIZATION);
    match web.logins.verify(users, authorization).await {
        Login::Welcome => None,
        Login::Refused => {
            let challenge = HeaderValue::from_static("Basic realm=\"manifesto-exporter\"");
            let headers = [(WWW_AUTHENTICATE, challenge)];
            Some((StatusCode::UNAUTHORIZED, headers, "unauthorized\n").into_response())
        }
        Login::Busy => {
            let headers = [(RETRY_AFTER, HeaderValue::from_static("1"))];
            let message = "too many logins are being verified, try again\n";
            Some((StatusCode::SERVICE_UNAVAILABLE, headers, message).into_response())
        }
    }
}

/// A browser says from whose page a write comes; what is no browser sends neither header.
fn cross_origin(request: &Parts) -> Option<Response> {
    if matches!(request.method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return None;
    }
    let headers = &request.headers;
    let foreign = !same_site(headers) || !same_origin(headers, request);
    foreign.then(|| {
        let message = "a page of another origin may not do this\n";
        (StatusCode::FORBIDDEN, message).into_response()
    })
}

fn same_site(headers: &HeaderMap) -> bool {
    headers
        .get("sec-fetch-site")
        .is_none_or(|site| site == "same-origin" || site == "none")
}

/// The scheme is not compared: TLS may end before us.
fn same_origin(headers: &HeaderMap, request: &Parts) -> bool {
    let Some(origin) = headers.get(ORIGIN) else {
        return true;
    };
    let asked = authority(request).ok().flatten();
    let from = origin
        .to_str()
        .ok()
        .and_then(|origin| origin.split_once("://"))
        .and_then(|(_, authority)| authority.parse::<Authority>().ok());
    from.is_some() && from == asked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_strangers_cannot_register_are_always_allowed() {
        let hosts = Hosts::new(["Reliability.Example.com".to_owned()]);
        for host in [
            "reliability.example.com",
            "RELIABILITY.example.com.",
            "127.0.0.1",
            "[::1]",
            "localhost",
            "exporter",
            "exporter.monitoring.svc",
            "exporter.monitoring.svc.cluster.local",
        ] {
            assert!(hosts.allow(host), "{host}");
        }
        for host in [
            "evil.example",
            "example.com",
            "reliability.example.com.evil.example",
        ] {
            assert!(!hosts.allow(host), "{host}");
        }
    }
}
