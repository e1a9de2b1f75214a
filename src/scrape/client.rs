//! One scrape: everything between a target and the decompressed bytes of its body.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::StatusCode;
use http::header::AUTHORIZATION;
use tokio::time::Instant;

use super::asked::Asked;
use super::auth::{self, Files};
use super::connector::{Connector, Destination};
use super::error::{ScrapeError, ScrapeErrorKind};
use super::exchange::{self, Ended};
use super::network::Network;
use super::progress::{Phase, Progress};
use super::redirect::RedirectChain;
use super::request::{self, Headers};
use super::response::{ResponseKind, ResponseReceiver};
use super::result::{BodySink, ScrapeResult};
use super::settings::ScrapeSettings;
use super::stream::Stream;
use crate::discovery::settings::Proof;
use crate::discovery::target::Target;
use crate::document::secret::Secret;
use crate::http_client::oauth2::Tokens;
use crate::http_client::settings::{Auth, HttpConfig};
use crate::http_client::{Reach, Resolver};

/// Past this interval a connection is closed after its scrape: the peer would close it anyway.
const KEPT_INTERVAL_MAX: Duration = Duration::from_secs(5 * 60);

/// A connection kept for the target's next scrape; dropped, it is closed.
#[derive(Debug)]
pub struct IdleConnection(pub(super) Stream);

/// The client of one `http_config`.
#[derive(Debug)]
pub struct Client {
    network: Arc<Network>,
    http: Arc<HttpConfig>,
    connector: Connector,
    files: Files,
    tokens: Option<Tokens>,
    /// Who is asked in place of the targets.
    asked: Option<Asked>,
}

impl Client {
    /// A client for the targets that share `http` and `proof`.
    pub fn new(http: Arc<HttpConfig>, proof: &Proof, network: Arc<Network>) -> Self {
        let tokens = match &http.auth {
            Auth::OAuth2(oauth2) => Some(Tokens::new(oauth2)),
            Auth::None | Auth::Basic { .. } | Auth::Authorization { .. } => None,
        };
        Self {
            connector: Connector::new(&http.tls, &http.proxy, network.clone()),
            files: Files::default(),
            tokens,
            network,
            http,
            asked: match proof {
                Proof::Scrape => None,
                Proof::Prometheus { server, lists } => Some(Asked::new(Arc::clone(server), *lists)),
            },
        }
    }

    /// Whether it was made for these settings.
    pub(super) fn is_for(&self, http: &HttpConfig, proof: &Proof) -> bool {
        let same_server = match (&self.asked, proof) {
            (None, Proof::Scrape) => true,
            (Some(asked), Proof::Prometheus { server, lists }) => asked.is_for(server, *lists),
            (None, Proof::Prometheus { .. }) | (Some(_), Proof::Scrape) => false,
        };
        *self.http == *http && same_server
    }

    /// Whether another server is asked about the targets.
    pub(super) fn asks_another(&self) -> bool {
        self.asked.is_some()
    }

    /// Scrapes `target` within its timeout, over the connection in `kept` where there is one,
    /// and leaves the connection there where it can be used again.
    pub async fn scrape<S: BodySink>(
        &self,
        target: &Arc<Target>,
        kept: &mut Option<IdleConnection>,
        sink: &mut S,
    ) -> ScrapeResult {
        let started = SystemTime::now();
        let start = Instant::now();
        let progress = Progress::default();
        let attempt = self.attempt(target, kept, sink, &progress);
        let outcome = match (
            tokio::time::timeout(target.timeout, attempt).await,
            &self.asked,
        ) {
            (Ok(outcome), _) => outcome,
            (Err(_), Some(asked)) => Err(asked.too_late(target.timeout)),
            (Err(_), None) => Err(ScrapeError::new(
                ScrapeErrorKind::Timeout,
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
        kept: &mut Option<IdleConnection>,
        sink: &mut S,
        progress: &Progress,
    ) -> Result<(), ScrapeError> {
        if let Some(asked) = &self.asked {
            let bytes = Box::pin(asked.scrape(target, sink)).await?;
            progress.delivered(usize::try_from(bytes).unwrap_or(usize::MAX));
            return Ok(());
        }
        let mut chain = RedirectChain::new(&target.url);
        let mut renewed = false;
        loop {
            progress.enter(Phase::Preparing);
            let mut headers = Headers::of(target)?;
            if auth::adds_anything(&self.http) {
                Box::pin(auth::add(&mut headers, &self.http, &self.files)).await?;
            }
            let token = match &self.tokens {
                // Boxed, as is all that few scrapes do: a scrape in flight is as large as its largest wait.
                Some(tokens) => Some(Box::pin(self.token(tokens, progress)).await?),
                None => None,
            };
            if let Some(token) = &token {
                headers.insert(AUTHORIZATION, auth::secret_value("token", token.expose())?);
            }
            let path = chain.here().to_owned();
            let settings = self.network.settings();
            let follow = self.http.follow_redirects.0;
            let chain = follow.then_some((&mut chain, &settings.dial));
            let mut answer = ResponseReceiver::new(target, chain, &mut *sink, progress);
            let ended = self
                .ask(target, &path, headers, kept, &mut answer, progress)
                .await?;
            match answer.kind {
                ResponseKind::Exposition(decoder) => {
                    decoder.finish(ended.framed)?;
                    *kept = ended
                        .idle
                        .filter(|_| target.interval <= KEPT_INTERVAL_MAX)
                        .map(IdleConnection);
                    return Ok(());
                }
                ResponseKind::Redirect => *kept = ended.idle.map(IdleConnection),
                ResponseKind::Other(status) => {
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
        }
    }

    /// The value of `Authorization` that a token server grants.
    async fn token(&self, tokens: &Tokens, progress: &Progress) -> Result<Secret, ScrapeError> {
        progress.enter(Phase::Token);
        let settings = self.network.settings();
        let reach = Reach {
            resolver: self.network.resolver.clone(),
            dial: Some(settings.dial.clone()),
            allow_plaintext: settings.allow_plaintext_credentials,
        };
        let granted = tokens.authorization(&reach).await;
        granted.map_err(|why| ScrapeError::new(ScrapeErrorKind::Credentials, why))
    }

    /// Sends a GET of `path` and hands the response to `answer`. A kept connection may have died
    /// unseen: then, and only if nothing of a response came, the request is made once more on a
    /// fresh one.
    async fn ask<S: BodySink>(
        &self,
        target: &Target,
        path: &str,
        headers: Headers,
        kept: &mut Option<IdleConnection>,
        answer: &mut ResponseReceiver<'_, '_, S>,
        progress: &Progress,
    ) -> Result<Ended, ScrapeError> {
        let url = &target.url;
        let authority = url.authority();
        let destination = Destination {
            scheme: url.scheme,
            host: &url.host,
            port: url.port,
            authority: &authority,
        };
        let request = |stream: &Stream, mut headers| {
            if auth::carries_credentials(&self.http) {
                self.connector.check_plaintext(destination, stream)?;
            }
            let uri = self
                .connector
                .address(stream, destination, path, &mut headers)?;
            Ok(request::render(&uri, &headers))
        };
        if let Some(IdleConnection(mut stream)) = kept.take()
            && stream.is_idle()
            && self.connector.allows(&stream)
        {
            let request = request(&stream, headers.clone())?;
            progress.begin_exchange(true);
            match exchange::run(stream, &request, answer, progress).await {
                Err(_) if progress.response_bytes() == 0 => progress.set_retried(),
                ended => return ended,
            }
        }
        let stream = Box::pin(self.connector.open(destination, &self.files, progress)).await?;
        let request = request(&stream, headers)?;
        progress.begin_exchange(false);
        exchange::run(stream, &request, answer, progress).await
    }
}

/// Scrapes once, with a client of its own: for `check URL`.
pub async fn scrape_once<S: BodySink>(
    target: &Arc<Target>,
    settings: &ScrapeSettings,
    sink: &mut S,
) -> ScrapeResult {
    let network = Network::new(settings.clone(), Resolver::system());
    let job = &target.job;
    let client = Client::new(job.http.clone(), &job.proof, Arc::new(network));
    client.scrape(target, &mut None, sink).await
}

fn unexpected(status: StatusCode) -> ScrapeError {
    let kind = match status {
        StatusCode::NOT_FOUND => ScrapeErrorKind::NotFound,
        StatusCode::GONE => ScrapeErrorKind::Gone,
        _ => ScrapeErrorKind::Http,
    };
    ScrapeError::new(kind, format!("status {status}, expected 200 OK"))
}
