//! Asking a server what it scraped of a target, instead of scraping the target: what it keeps is written down as an
//! exposition again, so that all the rest is as with a scrape of our own.

mod answer;
mod exposition;
mod families;
mod listed;
mod remembered;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::Semaphore;

use super::error::{ScrapeError, ScrapeErrorKind};
use super::result::BodySink;
use crate::discovery::target::Target;
use crate::prometheus_api::{self, PrometheusClient, PrometheusServer};
use answer::{Up, Vector};
use families::ByFamily;
use listed::{Labels, Listed};
use remembered::Remembered;

/// Net below the deadline of each target.
const DEADLINE: Duration = Duration::from_secs(60);
/// How long what the server says of types and help holds.
const FAMILIES_AGE_MAX: Duration = Duration::from_secs(60);
/// How long its list of targets holds, to say which of them have the same labels, and why one is down.
const LISTED_AGE_MAX: Duration = Duration::from_secs(60);
const COMPLAINTS_AGE_MAX: Duration = Duration::from_secs(15);
/// Bytes of the answer about one target, in which every series repeats its labels.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Bytes handed on in one go.
const CHUNK_BYTES: usize = 32 * 1024;
/// Names may be any text.
const CONTENT_TYPE_OF_BODY: &str = "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8";

/// Targets that a server is asked for at the same time: it has others to answer, and an answer takes more room than what it
/// is made of. The rest wait, within their timeouts.
const AT_ONCE_MAX: usize = 8;

/// A server that scrapes already.
pub(super) struct Asked {
    client: Arc<PrometheusClient>,
    /// Whether it lists its targets.
    lists: bool,
    places: Semaphore,
    families: Remembered<ByFamily>,
    listed: Remembered<Listed>,
}

impl std::fmt::Debug for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Asked")
            .field("url", &self.server().url.as_str())
            .finish_non_exhaustive()
    }
}

impl Asked {
    pub(super) fn new(server: Arc<PrometheusServer>, lists: bool) -> Self {
        Self {
            lists,
            client: Arc::new(PrometheusClient::new(server, DEADLINE)),
            places: Semaphore::new(AT_ONCE_MAX),
            families: Remembered::default(),
            listed: Remembered::default(),
        }
    }

    pub(super) fn is_for(&self, server: &Arc<PrometheusServer>, lists: bool) -> bool {
        self.server() == server && self.lists == lists
    }

    fn server(&self) -> &Arc<PrometheusServer> {
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
        let labels = target.found.discovered();
        let own = labels.iter().filter(|(name, _)| !name.starts_with("__"));
        let own: Labels = own
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let listed = self.listed(LISTED_AGE_MAX).await;
        let listed = listed.map_err(|why| self.silent(&why))?;
        if listed.are_shared(&own) {
            let why = "several targets have these labels: their series cannot be told apart";
            return Err(self.silent(why));
        }
        let families = self.families().await;
        let families = families.map_err(|why| self.silent(&why))?;
        // Never closed.
        let place = self.places.acquire().await;
        let query = answer::selector(&borrowed(&own));
        let answer = self.client.query_bytes(&query, ANSWER_BYTES_MAX).await;
        let answer = answer.map_err(|why| self.silent(&why))?;
        // It may be long, and others are waiting for this thread.
        let read = tokio::task::spawn_blocking(move || read(&answer, &own, &families)).await;
        drop(place);
        let read = read.map_err(|error| self.silent(&error.to_string()))?;
        let text = match read.map_err(|why| self.silent(&why))? {
            (Up::Yes, text) if text.is_empty() => {
                return Err(self.silent("it keeps no series of the target: the target serves none, or they are dropped there"));
            }
            (Up::Yes, text) => text,
            (Up::No, _) => return Err(self.down(target).await),
            (Up::NotSaid, _) => {
                return Err(self.silent("it has scraped nothing of the target in the last minutes"));
            }
            (Up::Others(other), _) => {
                let why = format!(
                    "others have the labels of the target, and more: their series cannot be told apart: {other}"
                );
                return Err(self.silent(&why));
            }
        };
        sink.begin(Some(CONTENT_TYPE_OF_BODY))?;
        let limit = target.job.limits.body_bytes_max;
        if text.len() as u64 > limit {
            let message = format!("the body is larger than {limit} bytes");
            return Err(ScrapeError::new(ScrapeErrorKind::BodyLimit, message));
        }
        let mut chunks = text.as_bytes().chunks(CHUNK_BYTES);
        let handed = chunks.try_for_each(|chunk| sink.chunk(chunk));
        match handed.and_then(|()| sink.end(true)) {
            Ok(()) => Ok(text.len() as u64),
            // The text is ours: what cannot be read of it the target never wrote.
            Err(error) if error.reason == ScrapeErrorKind::Parse => {
                let why = format!(
                    "its answer cannot be read as an exposition: {}",
                    error.message
                );
                Err(self.silent(&why))
            }
            Err(error) => Err(error),
        }
    }

    /// What the server knows of the types and the help of metrics.
    async fn families(&self) -> Result<Arc<ByFamily>, String> {
        let client = Arc::clone(&self.client);
        let ask = || async move { families::ask(&client).await };
        self.families.get(FAMILIES_AGE_MAX, ask).await
    }

    /// The targets of the server, as it listed them that time ago at most. One that lists none is not asked: each
    /// product refuses that otherwise.
    async fn listed(&self, age_max: Duration) -> Result<Arc<Listed>, String> {
        if !self.lists {
            return Ok(Arc::default());
        }
        let client = Arc::clone(&self.client);
        let ask = || async move { Listed::ask(&client).await };
        self.listed.get(age_max, ask).await
    }

    /// Why a target is down, as far as the server says.
    async fn down(&self, target: &Target) -> ScrapeError {
        let server = &self.server().url;
        let listed = self.listed(COMPLAINTS_AGE_MAX).await;
        let url = target.found.scraped_at();
        let why = listed.as_ref().ok().and_then(|said| said.complaint(&url));
        match why {
            None => ScrapeError::new(
                ScrapeErrorKind::SaidDown,
                format!("`{server}` could not scrape it, and does not say why"),
            ),
            Some(why) => ScrapeError::new(
                listed::kind(why),
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

fn borrowed(labels: &Labels) -> Vec<(&str, &str)> {
    let labels = labels.iter();
    labels
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect()
}

/// What `up` says, and the exposition.
fn read(answer: &[u8], own: &Labels, families: &ByFamily) -> Result<(Up, String), String> {
    let own = borrowed(own);
    let vector: Vector = prometheus_api::read(answer)?;
    let now = SystemTime::UNIX_EPOCH.elapsed();
    vector.check(&own, now.map_or(0.0, |now| now.as_secs_f64()))?;
    let up = vector.up(&own);
    let text = match up {
        Up::Yes => exposition::of(vector, &own, families),
        Up::No | Up::NotSaid | Up::Others(_) => String::new(),
    };
    Ok((up, text))
}
