//! Why a server could not scrape a target, where it says so.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

use crate::discovery::target::Target;
use crate::prometheus_api::{PrometheusClient, Targets};
use crate::scrape::error::ScrapeErrorKind;

/// How long an answer holds.
const AGE_MAX: Duration = Duration::from_secs(15);
/// Characters kept of a complaint.
const COMPLAINT_CHARS_MAX: usize = 300;

type ByUrl = HashMap<String, String>;

/// Last errors by URL, asked for now and then.
#[derive(Default)]
pub(super) struct Complaints(Mutex<Option<(Instant, Arc<ByUrl>)>>);

impl Complaints {
    /// The target's.
    pub(super) async fn of(&self, target: &Target, server: &PrometheusClient) -> Option<String> {
        let mut known = self.0.lock().await;
        let fresh = known
            .as_ref()
            .filter(|(at, _)| at.elapsed() < AGE_MAX)
            .map(|(_, complaints)| Arc::clone(complaints));
        let complaints = match fresh {
            Some(complaints) => complaints,
            None => {
                // A server that lists no targets is not asked for each of them.
                let active = server.get("/api/v1/targets", &[("state", "active")]);
                let found = active.await.map(by_url).unwrap_or_default();
                let found = Arc::new(found);
                *known = Some((Instant::now(), Arc::clone(&found)));
                found
            }
        };
        drop(known);
        complaints.get(&plain(&target.url.to_string())).cloned()
    }
}

fn by_url(targets: Targets) -> ByUrl {
    let complaining = targets
        .active_targets
        .into_iter()
        .filter(|active| !active.last_error.is_empty());
    complaining
        .map(|active| {
            let why = active.last_error.chars().take(COMPLAINT_CHARS_MAX);
            (plain(&active.scrape_url), why.collect())
        })
        .collect()
}

/// However a URL is written.
fn plain(url: &str) -> String {
    Url::parse(url).map_or_else(|_| url.to_owned(), |url| url.to_string())
}

/// What the server's complaint means: of the target's answers those that say that there are no metrics.
pub(super) fn kind(complaint: &str) -> ScrapeErrorKind {
    // `server returned HTTP status 404 Not Found`, in Prometheus, and vmagent's `unexpected status code returned ... 404`.
    let says = |code: &str| {
        let words = complaint.split(|c: char| !c.is_ascii_alphanumeric());
        complaint.contains("status") && words.into_iter().any(|word| word == code)
    };
    match (says("404"), says("410")) {
        (true, _) => ScrapeErrorKind::NotFound,
        (false, true) => ScrapeErrorKind::Gone,
        (false, false) => ScrapeErrorKind::SaidDown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_without_metrics_is_told_from_one_that_is_down() {
        for (complaint, expected) in [
            (
                "server returned HTTP status 404 Not Found",
                ScrapeErrorKind::NotFound,
            ),
            (
                "server returned HTTP status 410 Gone",
                ScrapeErrorKind::Gone,
            ),
            (
                "server returned HTTP status 500 Internal Server Error",
                ScrapeErrorKind::SaidDown,
            ),
            (
                "Get \"http://10.0.0.1:404/metrics\": connect: connection refused",
                ScrapeErrorKind::SaidDown,
            ),
        ] {
            assert_eq!(kind(complaint), expected, "{complaint}");
        }
    }
}
