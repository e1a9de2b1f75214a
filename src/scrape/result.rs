//! What one scrape hands to its caller.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::error::{ScrapeError, ScrapeErrorKind};
use crate::discovery::target::Target;

/// Receives one response as it arrives; nothing here holds the whole body.
///
/// Called in order: `begin` once, `chunk` any number of times, `end` once. Any `Err` ends the
/// scrape with that [`ScrapeError`]; the connection is then closed.
pub trait BodySink {
    /// Status 200 arrived with this Content-Type.
    fn begin(&mut self, content_type: Option<&str>) -> Result<(), ScrapeError>;

    /// Decompressed bytes, at most a few tens of kilobytes at a time.
    fn chunk(&mut self, bytes: &[u8]) -> Result<(), ScrapeError>;

    /// The body is complete. `framed` says that Content-Length or chunked coding told its end;
    /// false where only the closing of the connection did, so that a crash looks the same.
    fn end(&mut self, framed: bool) -> Result<(), ScrapeError>;
}

/// One scrape, successful or not.
#[derive(Debug, Clone)]
pub struct ScrapeResult {
    /// What was scraped, as it was known when the scrape began.
    pub target: Arc<Target>,
    /// When it began, by the wall clock: for showing, never for scheduling.
    pub started: SystemTime,
    /// From the start to the last byte or the failure.
    pub duration: Duration,
    /// Decompressed bytes of the body.
    pub body_bytes: u64,
    /// Bytes of HTTP received, headers and compressed body, inside TLS.
    pub wire_bytes: u64,
    /// The status of the last response, where one arrived.
    pub status: Option<u16>,
    /// Whether the response came over a connection of an earlier scrape.
    pub reused_connection: bool,
    /// Whether a kept connection proved stale and the request was made once more.
    pub retried: bool,
    /// Complete and accepted by the sink, or why not.
    pub outcome: Result<(), ScrapeError>,
}

impl ScrapeResult {
    /// Whether nothing is known of the target, not even that it is down.
    pub fn says_nothing(&self) -> bool {
        let failure = self.outcome.as_ref().err();
        failure.is_some_and(|error| error.reason == ScrapeErrorKind::NoAnswer)
    }
}
