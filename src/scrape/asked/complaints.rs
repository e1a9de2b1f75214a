//! Why a server could not scrape a target, where it says so.

use std::collections::HashMap;

use url::Url;

use crate::prometheus_api::{PrometheusClient, Targets};
use crate::scrape::error::ScrapeErrorKind;

/// Characters kept of a complaint.
const COMPLAINT_CHARS_MAX: usize = 300;

/// Last errors by URL.
pub(super) struct Complaints(HashMap<String, String>);

impl Complaints {
    /// What the server says: nothing, where it lists no targets.
    pub(super) async fn ask(server: &PrometheusClient) -> Result<Self, String> {
        let active = server.get_if_there("/api/v1/targets", &[("state", "active")]);
        Ok(Self(active.await?.map(by_url).unwrap_or_default()))
    }

    /// That of the target at a URL.
    pub(super) fn of(&self, url: &str) -> Option<&str> {
        self.0.get(&plain(url)).map(String::as_str)
    }
}

fn by_url(targets: Targets) -> HashMap<String, String> {
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
    match status(complaint) {
        Some("404") => ScrapeErrorKind::NotFound,
        Some("410") => ScrapeErrorKind::Gone,
        Some(_) | None => ScrapeErrorKind::SaidDown,
    }
}

/// The status with which the target answered, where that is the complaint: of Prometheus
/// `server returned HTTP status 404 Not Found`, of vmagent `unexpected status code returned when scraping "URL": 404; ...`.
fn status(complaint: &str) -> Option<&str> {
    let of_prometheus = complaint.strip_prefix("server returned HTTP status ");
    let of_vmagent = || {
        let rest = complaint.strip_prefix("unexpected status code returned when scraping \"")?;
        Some(rest.split_once("\": ")?.1)
    };
    of_prometheus.or_else(of_vmagent)?.get(..3)
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
            (
                "Get \"http://h/status/404\": connect: connection refused",
                ScrapeErrorKind::SaidDown,
            ),
            (
                "unexpected status code returned when scraping \"http://h:1/m\": 404; expecting 200; response body: \"\"",
                ScrapeErrorKind::NotFound,
            ),
            (
                "unexpected status code returned when scraping \"http://h:1/m\": 503; expecting 200; response body: \"status 404.html\"",
                ScrapeErrorKind::SaidDown,
            ),
        ] {
            assert_eq!(kind(complaint), expected, "{complaint}");
        }
    }
}
