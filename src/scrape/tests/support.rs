//! Targets, sinks and one scrape.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::discovery::target::{Target, TargetUrl};
use crate::http_client::Resolver;
use crate::http_client::settings::HttpConfig;
pub(super) use crate::http_client::tests::support::pass;
use crate::scrape::{
    BodySink, Client, IdleConnection, Network, ScrapeError, ScrapeErrorKind, ScrapeResult,
    ScrapeSettings,
};

/// Long enough never to strike where it should not.
pub(super) const PATIENT: Duration = Duration::from_secs(10);

/// Short enough to wait for.
pub(super) const SHORT: Duration = Duration::from_millis(200);

/// Scraped twice a minute, by a job that takes no more than a megabyte.
pub(crate) fn target_at(host: &str, port: u16) -> Target {
    let mut target = Target::direct(TargetUrl::http(host, port), "payments", PATIENT);
    Arc::make_mut(&mut target.job).limits.body_bytes_max = 1_000_000;
    target.interval = Duration::from_secs(30);
    target
}

pub(super) fn target(address: SocketAddr) -> Target {
    target_at(&address.ip().to_string(), address.port())
}

/// The same target with other HTTP settings.
pub(super) fn with_http(mut target: Target, http: HttpConfig) -> Target {
    Arc::make_mut(&mut target.job).http = Arc::new(http);
    target
}

pub(super) fn within(mut target: Target, timeout: Duration) -> Target {
    target.timeout = timeout;
    target
}

/// Waits for `what`, as long as patience lasts.
pub(super) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENT, "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Keeps everything.
#[derive(Debug, Default)]
pub(super) struct Collect {
    pub(super) content_type: Option<String>,
    pub(super) body: Vec<u8>,
    pub(super) largest_chunk: usize,
    pub(super) framed: Option<bool>,
}

impl BodySink for Collect {
    fn begin(&mut self, content_type: Option<&str>) -> Result<(), ScrapeError> {
        self.content_type = content_type.map(str::to_owned);
        Ok(())
    }

    fn chunk(&mut self, bytes: &[u8]) -> Result<(), ScrapeError> {
        self.largest_chunk = self.largest_chunk.max(bytes.len());
        self.body.extend_from_slice(bytes);
        Ok(())
    }

    fn end(&mut self, framed: bool) -> Result<(), ScrapeError> {
        self.framed = Some(framed);
        Ok(())
    }
}

/// One target with its client and connection, scraped any number of times.
pub(super) struct Scraper {
    client: Client,
    target: Arc<Target>,
    kept: Option<IdleConnection>,
    pub(super) network: Arc<Network>,
}

impl Scraper {
    pub(super) fn new(target: Target) -> Self {
        Self::with(target, ScrapeSettings::default(), Resolver::system())
    }

    pub(super) fn with(target: Target, settings: ScrapeSettings, resolver: Resolver) -> Self {
        let network = Arc::new(Network::new(settings, resolver));
        Self {
            client: Client::new(target.job.http.clone(), &target.job.proof, network.clone()),
            target: Arc::new(target),
            kept: None,
            network,
        }
    }

    pub(super) async fn scrape(&mut self) -> (ScrapeResult, Collect) {
        let mut sink = Collect::default();
        let result = self
            .client
            .scrape(&self.target, &mut self.kept, &mut sink)
            .await;
        (result, sink)
    }

    /// Scrapes and expects success.
    pub(super) async fn body(&mut self) -> String {
        let (result, sink) = self.scrape().await;
        result.outcome.unwrap();
        String::from_utf8(sink.body).unwrap()
    }

    pub(super) fn keeps_a_connection(&self) -> bool {
        self.kept.is_some()
    }

    /// Waits until the server has closed the connection that is kept.
    pub(super) async fn until_closed(&mut self) {
        let kept = &mut self.kept.as_mut().unwrap().0;
        until("closed", || !kept.is_idle()).await;
    }
}

/// Scrapes once and expects success.
pub(super) async fn body_of(target: Target) -> Collect {
    let (result, sink) = Scraper::new(target).scrape().await;
    result.outcome.unwrap();
    sink
}

/// Scrapes once and expects this reason; the message.
pub(super) async fn fails(target: Target, reason: ScrapeErrorKind) -> String {
    fails_with(Scraper::new(target), reason).await
}

pub(super) async fn fails_with(mut scraper: Scraper, reason: ScrapeErrorKind) -> String {
    let (result, _) = scraper.scrape().await;
    let down = result.outcome.unwrap_err();
    assert_eq!(down.reason, reason, "{down}");
    assert!(!scraper.keeps_a_connection(), "kept after {down}");
    down.message
}
