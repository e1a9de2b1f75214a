//! What a server says of the targets that it lists.

use std::collections::{BTreeMap, HashMap, HashSet};

use url::Url;

use crate::prometheus_api::{Active, PrometheusClient, Targets};
use crate::scrape::error::ScrapeErrorKind;

/// Characters kept of a complaint.
const COMPLAINT_CHARS_MAX: usize = 300;

/// Labels of a target.
pub(super) type Labels = BTreeMap<String, String>;

/// Its targets, as far as they are of use.
#[derive(Default)]
pub(super) struct Listed {
    /// Last errors by URL.
    complaints: HashMap<String, String>,
    /// Labels that several targets have.
    shared: HashSet<Labels>,
}

impl Listed {
    pub(super) async fn ask(server: &PrometheusClient) -> Result<Self, String> {
        let active = server.get("/api/v1/targets", &[("state", "active")]);
        let targets: Targets = active.await?;
        Ok(Self::of(targets.active_targets))
    }

    fn of(targets: Vec<Active>) -> Self {
        let (mut listed, mut seen) = (Self::default(), HashSet::new());
        for active in targets {
            if !active.last_error.is_empty() {
                let why = active.last_error.chars().take(COMPLAINT_CHARS_MAX);
                let url = plain(&active.scrape_url);
                listed.complaints.insert(url, why.collect());
            }
            let labels: Labels = active.labels.into_iter().filter(is_own).collect();
            if let Some(again) = seen.replace(labels) {
                listed.shared.insert(again);
            }
        }
        listed
    }

    /// Why it could not scrape the target at a URL.
    pub(super) fn complaint(&self, url: &str) -> Option<&str> {
        self.complaints.get(&plain(url)).map(String::as_str)
    }

    /// Whether several targets have these labels: their series are one and the same.
    pub(super) fn are_shared(&self, labels: &Labels) -> bool {
        self.shared.contains(labels)
    }
}

fn is_own((name, _): &(String, String)) -> bool {
    !name.starts_with("__")
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
    fn targets_with_the_same_labels_are_known() {
        let active = |service: &str, url: &str, error: &str| Active {
            labels: [("service", service), ("__x", url)]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            scrape_url: url.to_owned(),
            last_error: error.to_owned(),
            ..Active::default()
        };
        let listed = Listed::of(vec![
            active("two", "http://a:80/m?x=1&x=2", "no"),
            active("two", "http://b/m", ""),
            active("one", "http://c/m", ""),
        ]);
        let labels = |service: &str| Labels::from([("service".to_owned(), service.to_owned())]);
        assert!(listed.are_shared(&labels("two")) && !listed.are_shared(&labels("one")));
        assert_eq!(listed.complaint("http://a/m?x=1&x=2"), Some("no"));
        assert_eq!(listed.complaint("http://b/m"), None);
    }

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
