//! Asking a server what it scraped of a target, instead of scraping the target: what it keeps is written down as an
//! exposition again, so that all the rest is as with a scrape of our own.

mod answer;
mod complaints;
mod exposition;
mod families;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::error::{ScrapeError, ScrapeErrorKind};
use super::result::BodySink;
use crate::discovery::target::Target;
use crate::prometheus_api::{PrometheusClient, PrometheusServer};
use answer::{Up, Vector};
use complaints::Complaints;
use families::Families;

/// Net below the deadline of each target.
const DEADLINE: Duration = Duration::from_secs(60);
/// Bytes handed on in one go.
const CHUNK_BYTES: usize = 32 * 1024;
/// Names may be any text.
const CONTENT_TYPE_OF_BODY: &str = "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8";

/// Targets that a server is asked for at the same time: it has others to answer, and an answer takes more room than what it
/// is made of. The rest wait, within their timeouts.
const AT_ONCE_MAX: usize = 8;

/// A server that scrapes already.
pub(super) struct Asked {
    client: PrometheusClient,
    places: Semaphore,
    families: Families,
    complaints: Complaints,
}

impl std::fmt::Debug for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Asked")
            .field("url", &self.server().url.as_str())
            .finish_non_exhaustive()
    }
}

impl Asked {
    pub(super) fn new(server: Arc<PrometheusServer>) -> Self {
        Self {
            client: PrometheusClient::new(server, DEADLINE),
            places: Semaphore::new(AT_ONCE_MAX),
            families: Families::default(),
            complaints: Complaints::default(),
        }
    }

    pub(super) fn server(&self) -> &Arc<PrometheusServer> {
        self.client.server()
    }

    /// What the server says of itself where it does not answer in time.
    pub(super) fn too_late(&self, timeout: Duration) -> ScrapeError {
        self.silent(&format!("no answer within {timeout:?}"))
    }

    /// Hands what the server has of a target to `sink`; says how many bytes that was.
    pub(super) async fn scrape(
        &self,
        target: &Target,
        sink: &mut impl BodySink,
    ) -> Result<u64, ScrapeError> {
        // Never closed.
        let _place = self.places.acquire().await;
        let labels = target.found.labels();
        let own: Vec<(&str, &str)> = labels
            .iter()
            .filter(|(name, _)| !name.starts_with("__"))
            .collect();
        let vector = self.client.query(&answer::selector(&own)).await;
        let vector: Vector = vector.map_err(|why| self.silent(&why))?;
        match vector.up() {
            Up::Yes => {}
            Up::No => return Err(self.down(target).await),
            Up::NotSaid => {
                return Err(self.silent("it has scraped nothing of the target in the last minutes"));
            }
            Up::Of(targets) => {
                return Err(self.silent(&format!("{targets} targets have these labels")));
            }
        }
        let families = self.families.of(&self.client).await;
        let families = families.map_err(|why| self.silent(&why))?;
        let text = exposition::of(vector, &own, &families);
        sink.begin(Some(CONTENT_TYPE_OF_BODY))?;
        let limit = target.job.limits.body_bytes_max;
        if text.len() as u64 > limit {
            let message = format!("the body is larger than {limit} bytes");
            return Err(ScrapeError::new(ScrapeErrorKind::BodyLimit, message));
        }
        for chunk in text.as_bytes().chunks(CHUNK_BYTES) {
            sink.chunk(chunk)?;
        }
        sink.end(true)?;
        Ok(text.len() as u64)
    }

    /// Why a target is down, as far as the server says.
    async fn down(&self, target: &Target) -> ScrapeError {
        let server = &self.server().url;
        match self.complaints.of(target, &self.client).await {
            None => ScrapeError::new(
                ScrapeErrorKind::SaidDown,
                format!("`{server}` could not scrape it, and does not say why"),
            ),
            Some(why) => ScrapeError::new(
                complaints::kind(&why),
                format!("`{server}` could not scrape it: {why}"),
            ),
        }
    }

    /// Nothing is known of the target, for want of whom to ask.
    fn silent(&self, why: &str) -> ScrapeError {
        let message = format!("`{}`: {why}", self.server().url);
        ScrapeError::new(ScrapeErrorKind::NoAnswer, message)
    }
}
