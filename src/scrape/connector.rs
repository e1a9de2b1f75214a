//! The way to a server: directly, through a proxy, encrypted or not.

use std::sync::Arc;

use http::header::{HOST, PROXY_AUTHORIZATION, USER_AGENT};
use http::{HeaderValue, Uri};
use url::Url;

use super::auth::{self, Files};
use super::connect::{AddressOrigin, connect};
use super::error::{ScrapeError, ScrapeErrorKind};
use super::network::Network;
use super::progress::{Phase, Progress};
use super::request::{self, AGENT, Headers};
use super::stream::Stream;
use super::tls::Tls;
use super::tunnel;
use crate::http_client::proxy::{Routes, userinfo};
use crate::http_client::settings::{Proxy, Scheme, TlsConfig};

/// A target's server.
#[derive(Debug, Clone, Copy)]
pub(super) struct Destination<'a> {
    pub(super) scheme: Scheme,
    pub(super) host: &'a str,
    pub(super) port: u16,
    /// `host:port`, with brackets around an IPv6 address.
    pub(super) authority: &'a str,
}

/// How connections of one `http_config` are made.
#[derive(Debug)]
pub(super) struct Connector {
    tls: Tls,
    routes: Routes,
    network: Arc<Network>,
}

impl Connector {
    pub(super) fn new(tls: &TlsConfig, proxy: &Proxy, network: Arc<Network>) -> Self {
        Self {
            tls: Tls::new(tls),
            routes: Routes::of(proxy),
            network,
        }
    }

    /// A fresh connection on which `destination` can be asked.
    pub(super) async fn open(
        &self,
        destination: Destination<'_>,
        files: &Files,
        progress: &Progress,
    ) -> Result<Stream, ScrapeError> {
        let Destination {
            scheme, host, port, ..
        } = destination;
        let stream = match self.routes.proxy_for(scheme, host, port) {
            None => {
                self.dial(host, port, AddressOrigin::Discovery, progress)
                    .await?
            }
            Some(proxy) => self.through(proxy, destination, files, progress).await?,
        };
        match scheme {
            Scheme::Http => Ok(stream),
            Scheme::Https => {
                progress.enter(Phase::Handshake);
                self.tls.wrap(stream, host).await
            }
        }
    }

    async fn dial(
        &self,
        host: &str,
        port: u16,
        address_origin: AddressOrigin,
        progress: &Progress,
    ) -> Result<Stream, ScrapeError> {
        let network = &self.network;
        let settings = network.settings();
        connect(
            (host, port, address_origin),
            &settings.dial,
            (&network.resolver, &network.open),
            progress,
        )
        .await
    }

    /// A connection to the proxy, tunnelled on for TLS. The proxy resolves the host, so that only
    /// what is evident from its name can be checked here.
    async fn through(
        &self,
        proxy: &Url,
        destination: Destination<'_>,
        files: &Files,
        progress: &Progress,
    ) -> Result<Stream, ScrapeError> {
        let dial = &self.network.settings().dial;
        dial.check_port(destination.port)
            .and_then(|()| dial.check_host(destination.host))
            .map_err(|why| {
                ScrapeError::new(ScrapeErrorKind::Blocked, format!("dial policy: {why}"))
            })?;
        let (host, port) = address(proxy)?;
        let mut stream = self
            .dial(&host, port, AddressOrigin::Operator, progress)
            .await
            .map_err(|down| ScrapeError {
                reason: match down.reason {
                    ScrapeErrorKind::Dns | ScrapeErrorKind::Connect => ScrapeErrorKind::Proxy,
                    other => other,
                },
                message: format!("proxy: {}", down.message),
            })?;
        stream.proxied = true;
        if destination.scheme == Scheme::Https {
            progress.enter(Phase::Proxy);
            let mut headers = Headers::default();
            headers.insert(HOST, request::value("host", destination.authority)?);
            headers.insert(USER_AGENT, AGENT);
            if let Some(credentials) = credentials(proxy)? {
                headers.insert(PROXY_AUTHORIZATION, credentials);
            }
            auth::add_headers(&mut headers, &self.routes.connect_headers, files).await?;
            tunnel::open(&mut stream, destination.authority, &headers).await?;
        }
        Ok(stream)
    }

    /// What a request for `path` asks for on `stream`: a proxy that forwards plain HTTP wants the
    /// whole URL and, among the headers, its own credentials.
    pub(super) fn address(
        &self,
        stream: &Stream,
        destination: Destination<'_>,
        path: &str,
        headers: &mut Headers,
    ) -> Result<Uri, ScrapeError> {
        let Destination {
            scheme, host, port, ..
        } = destination;
        if !stream.proxied || scheme != Scheme::Http {
            return request::uri(path);
        }
        if let Some(proxy) = self.routes.proxy_for(scheme, host, port)
            && let Some(credentials) = credentials(proxy)?
        {
            headers.insert(PROXY_AUTHORIZATION, credentials);
        }
        request::uri(&format!("http://{}{path}", destination.authority))
    }

    /// Whether a kept connection may still be used: the policy may have changed since.
    pub(super) fn allows(&self, stream: &Stream) -> bool {
        let settings = self.network.settings();
        let address = stream.peer.ip();
        let checked = match stream.proxied {
            true => settings.dial.check_not_denied(address),
            false => settings.dial.check_address(address),
        };
        checked.is_ok()
    }

    /// Credentials do not cross a network in the clear.
    pub(super) fn check_plaintext(
        &self,
        destination: Destination<'_>,
        stream: &Stream,
    ) -> Result<(), ScrapeError> {
        let local = stream.peer.ip().is_loopback() && !stream.proxied;
        if destination.scheme == Scheme::Https
            || local
            || self.network.settings().allow_plaintext_credentials
        {
            return Ok(());
        }
        Err(ScrapeError::new(
            ScrapeErrorKind::Credentials,
            format!(
                "credentials are not sent to {} over plain http: use https, or allow plaintext credentials",
                destination.authority
            ),
        ))
    }
}

/// Host and port of a proxy that we can speak to.
fn address(proxy: &Url) -> Result<(String, u16), ScrapeError> {
    let refused = |why: String| Err(ScrapeError::new(ScrapeErrorKind::Proxy, why));
    if proxy.scheme() != "http" {
        return refused(format!(
            "proxy scheme {:?} is not supported, only \"http\"",
            proxy.scheme()
        ));
    }
    match (proxy.host(), proxy.port_or_known_default()) {
        (Some(url::Host::Ipv6(address)), Some(port)) => Ok((address.to_string(), port)),
        (Some(host), Some(port)) => Ok((host.to_string(), port)),
        _ => refused("the proxy URL names no host".to_owned()),
    }
}

fn credentials(proxy: &Url) -> Result<Option<HeaderValue>, ScrapeError> {
    userinfo(proxy)
        .map(|(username, password)| auth::basic(&username, &password))
        .transpose()
}
