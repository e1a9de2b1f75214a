//! One scrape: everything between a target and the decompressed bytes of its body.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderMap, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Body as _, Incoming};
use tokio::time::Instant;

use super::auth::{self, Files};
use super::connect::ChosenBy;
use super::down::{Down, DownReason};
use super::encoding::{self, Coding, Decoder};
use super::exchange::{self, Exchange};
use super::network::Network;
use super::progress::{Phase, Progress};
use super::redirect::{self, Trail};
use super::request;
use super::resolve::Resolver;
use super::result::{BodySink, ScrapeResult};
use super::settings::ScrapeSettings;
use super::stream::Stream;
use super::tokens::Tokens;
use super::way::{Destination, Way};
use crate::config::http::{Auth, HttpConfig};
use crate::discovery::target::Target;

/// Past this interval a connection is closed after its scrape: the peer would close it anyway.
const KEPT_INTERVAL_MAX: Duration = Duration::from_secs(5 * 60);

/// Bytes of a redirect's body that are read for the sake of its connection.
const REDIRECT_BODY_BYTES_MAX: usize = 16 * 1024;

/// A connection kept for the target's next scrape; dropped, it is closed.
#[derive(Debug)]
pub struct Kept(Stream);

/// The client of one `http_config`.
#[derive(Debug)]
pub struct Client {
    network: Arc<Network>,
    http: Arc<HttpConfig>,
    way: Way,
    files: Files,
    tokens: Option<Tokens>,
}

impl Client {
    /// A client for the targets that share `http`.
    pub fn new(http: Arc<HttpConfig>, network: Arc<Network>) -> Self {
        let tokens = match &http.auth {
            Auth::OAuth2(oauth2) => Some(Tokens::new(oauth2, network.clone())),
            Auth::None | Auth::Basic { .. } | Auth::Authorization { .. } => None,
        };
        Self {
            way: Way::new(&http.tls, &http.proxy, ChosenBy::Discovery, network.clone()),
            files: Files::default(),
            tokens,
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
        let outcome = match tokio::time::timeout(target.timeout, attempt).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Down::new(
                DownReason::Timeout,
                format!(
                    "timed out after {:?} {}",
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
        let mut renewed = false;
        loop {
            progress.enter(Phase::Preparing);
            let mut headers = request::headers(target)?;
            auth::add(&mut headers, &self.http, &self.files).await?;
            let token = match &self.tokens {
                Some(tokens) => Some(tokens.authorization(&self.files, progress).await?),
                None => None,
            };
            if let Some(token) = &token {
                headers.insert(AUTHORIZATION, auth::secret_value("token", token.expose())?);
            }
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
                let policy = &self.network.settings().dial;
                trail.follow(status, response.headers(), policy)?;
                if drain(&mut exchange, response.into_body()).await {
                    *kept = exchange.into_idle().await.map(Kept);
                }
                continue;
            }
            if let (StatusCode::UNAUTHORIZED, false) = (status, renewed)
                && let (Some(tokens), Some(token)) = (&self.tokens, &token)
                && tokens.refused(token).await
            {
                renewed = true;
                continue;
            }
            return Err(unexpected(status));
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
        let url = &target.url;
        let authority = url.authority();
        let destination = Destination {
            scheme: url.scheme,
            host: &url.host,
            port: url.port,
            authority: &authority,
        };
        let prepare = |stream: &Stream, headers| {
            if auth::carries_credentials(&self.http) {
                self.way.check_plaintext(destination, stream)?;
            }
            self.way
                .address(stream, destination, path, request::get(headers))
        };
        if let Some(Kept(mut stream)) = kept.take()
            && stream.is_idle().await
            && self.way.allows(&stream)
        {
            let request = prepare(&stream, headers.clone())?;
            match send(stream, request, true, progress).await {
                Ok(answer) => return Ok(answer),
                Err(Failed { stale: false, down }) => return Err(down),
                Err(Failed { stale: true, .. }) => progress.set_retried(),
            }
        }
        let stream = self.way.open(destination, &self.files, progress).await?;
        let request = prepare(&stream, headers)?;
        send(stream, request, false, progress)
            .await
            .map_err(|failed| failed.down)
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
    let chunked = encoding::is_chunked(&head.headers)?;
    let content_type = head.headers.get(http::header::CONTENT_TYPE);
    let content_type = content_type.map(|value| String::from_utf8_lossy(value.as_bytes()));
    sink.begin(content_type.as_deref())?;
    // hyper knows the length beforehand or reads chunks; else the end is the connection's.
    let framed = chunked || body.size_hint().exact().is_some();
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
async fn drain(exchange: &mut Exchange<'_>, mut body: Incoming) -> bool {
    let mut left = REDIRECT_BODY_BYTES_MAX;
    while let Some(bytes) = exchange.next(&mut body).await {
        match bytes {
            Ok(bytes) if bytes.len() <= left => left -= bytes.len(),
            _ => return false,
        }
    }
    true
}

fn unexpected(status: StatusCode) -> Down {
    Down::new(
        DownReason::Http,
        format!("status {status}, expected 200 OK"),
    )
}
