//! One scrape: everything between a target and the decompressed bytes of its body.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Body as _, Incoming};
use tokio::time::Instant;

use super::auth::{self, Files};
use super::connect::{Peer, connect};
use super::down::{Down, DownReason};
use super::encoding::{Coding, Decoder};
use super::exchange::{self, Exchange};
use super::progress::{Phase, Progress};
use super::redirect::{self, Trail};
use super::request;
use super::resolve::Resolver;
use super::result::{BodySink, ScrapeResult};
use super::settings::ScrapeSettings;
use super::stream::Stream;
use super::tls::Tls;
use crate::config::http::HttpConfig;
use crate::config::job::Scheme;
use crate::discovery::target::Target;

/// Past this interval a connection is closed after its scrape: the peer would close it anyway.
const KEPT_INTERVAL_MAX: Duration = Duration::from_secs(5 * 60);

/// Bytes of a redirect's body that are read for the sake of its connection.
const REDIRECT_BODY_BYTES_MAX: usize = 16 * 1024;

/// What all clients share: what may be dialled, names, the count of open connections.
#[derive(Debug)]
pub struct Network {
    settings: ArcSwap<ScrapeSettings>,
    resolver: Resolver,
    open: Arc<AtomicUsize>,
}

impl Network {
    /// The network as the settings allow it, names resolved by `resolver`.
    pub fn new(settings: ScrapeSettings, resolver: Resolver) -> Self {
        Self {
            settings: ArcSwap::from_pointee(settings),
            resolver,
            open: Arc::default(),
        }
    }

    /// The settings in force.
    pub fn settings(&self) -> Arc<ScrapeSettings> {
        self.settings.load_full()
    }

    /// Puts other settings in force, from the next request on, kept connections included.
    pub fn reload(&self, settings: ScrapeSettings) {
        self.settings.store(Arc::new(settings));
    }

    /// Connections open now, in flight and kept.
    pub fn open_connections(&self) -> usize {
        self.open.load(Relaxed)
    }
}

/// A connection kept for the target's next scrape; dropped, it is closed.
#[derive(Debug)]
pub struct Kept(Stream);

/// The client of one `http_config`.
#[derive(Debug)]
pub struct Client {
    network: Arc<Network>,
    http: Arc<HttpConfig>,
    tls: Tls,
    files: Files,
}

impl Client {
    /// A client for the targets that share `http`.
    pub fn new(http: Arc<HttpConfig>, network: Arc<Network>) -> Self {
        Self {
            tls: Tls::new(&http.tls),
            files: Files::default(),
            network,
            http,
        }
    }

    /// The settings it was made for.
    pub fn http(&self) -> &Arc<HttpConfig> {
        &self.http
    }

    /// Scrapes `target` within its timeout, over the connection in `kept` where there is one,
    /// and leaves the connection there where it can be used again.
    pub async fn scrape<S: BodySink>(
        &self,
        target: &Arc<Target>,
        kept: &mut Option<Kept>,
        sink: &mut S,
    ) -> ScrapeResult {
        let started = SystemTime::now();
        let start = Instant::now();
        let progress = Progress::default();
        let attempt = self.attempt(target, kept, sink, &progress);
        let outcome = match tokio::time::timeout_at(start + target.timeout, attempt).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Down::new(
                DownReason::Timeout,
                format!(
                    "no complete answer within {:?}: it passed {}",
                    target.timeout,
                    progress.phase().doing()
                ),
            )),
        };
        ScrapeResult {
            target: target.clone(),
            started,
            duration: start.elapsed(),
            body_bytes: progress.body_bytes(),
            wire_bytes: progress.wire_bytes(),
            status: progress.status(),
            reused_connection: progress.reused(),
            retried: progress.retried(),
            outcome,
        }
    }

    async fn attempt<S: BodySink>(
        &self,
        target: &Target,
        kept: &mut Option<Kept>,
        sink: &mut S,
        progress: &Progress,
    ) -> Result<(), Down> {
        let mut trail = Trail::new(&target.url);
        loop {
            progress.enter(Phase::Preparing);
            let mut headers = request::headers(target)?;
            auth::add(&mut headers, &self.http, &self.files).await?;
            let (mut exchange, response) = self
                .ask(target, trail.here(), headers, kept, progress)
                .await?;
            let status = response.status();
            progress.answered(status.as_u16());
            if status == StatusCode::OK {
                let idle = read_body(exchange, response, target, sink, progress).await?;
                *kept = idle
                    .filter(|_| target.interval <= KEPT_INTERVAL_MAX)
                    .map(Kept);
                return Ok(());
            }
            if redirect::is_redirect(status) && self.http.follow_redirects.0 {
                trail.follow(status, response.headers(), &self.network.settings().dial)?;
                let mut body = response.into_body();
                let drained = drain(&mut exchange, &mut body).await;
                *kept = match drained {
                    true => exchange.into_idle().await.map(Kept),
                    false => None,
                };
                continue;
            }
            return Err(unexpected(&response));
        }
    }

    /// Sends a GET of `path` and waits for the response's headers. A kept connection may have
    /// died unseen: then, and only if nothing of a response came, the request is made once more
    /// on a fresh one.
    async fn ask<'p>(
        &self,
        target: &Target,
        path: &str,
        headers: HeaderMap,
        kept: &mut Option<Kept>,
        progress: &'p Progress,
    ) -> Result<(Exchange<'p>, Response<Incoming>), Down> {
        if let Some(Kept(mut stream)) = kept.take()
            && stream.is_idle().await
            && self.may_reuse(&stream)
        {
            self.check_plaintext(target, &stream)?;
            let request = request::get(path, headers.clone())?;
            match send(stream, request, true, progress).await {
                Ok(answer) => return Ok(answer),
                Err(Failed { stale: false, down }) => return Err(down),
                Err(Failed { stale: true, .. }) => progress.set_retried(),
            }
        }
        let stream = self.open(target, progress).await?;
        self.check_plaintext(target, &stream)?;
        let request = request::get(path, headers)?;
        send(stream, request, false, progress)
            .await
            .map_err(|failed| failed.down)
    }

    /// The policy may have changed since the connection was made.
    fn may_reuse(&self, stream: &Stream) -> bool {
        let settings = self.network.settings();
        settings.dial.check_address(stream.peer.ip()).is_ok()
    }

    /// A fresh connection to the target.
    async fn open(&self, target: &Target, progress: &Progress) -> Result<Stream, Down> {
        let network = &self.network;
        let url = &target.url;
        let settings = network.settings();
        let dialler = (&settings.dial, &network.resolver, &network.open);
        let stream = connect(&url.host, url.port, Peer::Target, dialler, progress).await?;
        match url.scheme {
            Scheme::Http => Ok(stream),
            Scheme::Https => {
                progress.enter(Phase::Handshake);
                self.tls.wrap(stream, &url.host).await
            }
        }
    }

    /// Credentials do not cross a network in the clear.
    fn check_plaintext(&self, target: &Target, stream: &Stream) -> Result<(), Down> {
        let clear = target.url.scheme == Scheme::Http && !stream.peer.ip().is_loopback();
        if clear
            && auth::carries_credentials(&self.http)
            && !self.network.settings().allow_plaintext_credentials
        {
            return Err(Down::new(
                DownReason::Credentials,
                format!(
                    "credentials are not sent over plain http to {}: use https, or allow plaintext credentials",
                    stream.peer
                ),
            ));
        }
        Ok(())
    }
}

/// Scrapes once, with a client of its own: for `check URL`.
pub async fn scrape_once<S: BodySink>(
    target: &Arc<Target>,
    settings: &ScrapeSettings,
    sink: &mut S,
) -> ScrapeResult {
    let network = Network::new(settings.clone(), Resolver::system());
    let client = Client::new(target.job.http.clone(), Arc::new(network));
    client.scrape(target, &mut None, sink).await
}

/// A request that got no response.
struct Failed {
    /// The connection was a kept one and died before the first byte of a response.
    stale: bool,
    down: Down,
}

async fn send<'p>(
    stream: Stream,
    request: http::Request<Full<Bytes>>,
    reused: bool,
    progress: &'p Progress,
) -> Result<(Exchange<'p>, Response<Incoming>), Failed> {
    progress.begin_exchange(reused);
    let failed = |error: hyper::Error| Failed {
        stale: reused && progress.response_bytes() == 0,
        down: exchange::down(&error, progress),
    };
    let mut exchange = Exchange::open(stream, progress).await.map_err(failed)?;
    let response = exchange.send(request).await.map_err(failed)?;
    Ok((exchange, response))
}

/// Streams the body into the sink; the connection, if it can be used again.
async fn read_body<S: BodySink>(
    mut exchange: Exchange<'_>,
    response: Response<Incoming>,
    target: &Target,
    sink: &mut S,
    progress: &Progress,
) -> Result<Option<Stream>, Down> {
    progress.enter(Phase::Body);
    let (head, mut body) = response.into_parts();
    let coding = Coding::of(&head.headers)?;
    let content_type = head.headers.get(http::header::CONTENT_TYPE);
    sink.begin(content_type.and_then(|value| value.to_str().ok()))?;
    // hyper knows the length beforehand or reads chunks; else the end is the connection's.
    let framed = body.size_hint().exact().is_some()
        || head.headers.contains_key(http::header::TRANSFER_ENCODING);
    let mut decoder = Decoder::new(coding, target.job.limits.body_bytes_max, sink, progress);
    while let Some(bytes) = exchange.next(&mut body).await {
        let bytes = bytes.map_err(|error| exchange::down(&error, progress))?;
        decoder.write(&bytes)?;
    }
    decoder.finish(framed)?;
    drop(body);
    Ok(exchange.into_idle().await)
}

/// Reads the rest of a small body, so that its connection can be used again.
async fn drain(exchange: &mut Exchange<'_>, body: &mut Incoming) -> bool {
    let mut left = REDIRECT_BODY_BYTES_MAX;
    while let Some(bytes) = exchange.next(body).await {
        match bytes {
            Ok(bytes) if bytes.len() <= left => left -= bytes.len(),
            _ => return false,
        }
    }
    true
}

fn unexpected<B>(response: &Response<B>) -> Down {
    Down::new(
        DownReason::Http,
        format!("status {}, expected 200 OK", response.status()),
    )
}
