//! Targets and what is known of them, for tests and for `benches/publish.rs`.

use std::time::{Duration, SystemTime};

use manifesto_exporter::discovery::target::{Target, TargetUrl};
use manifesto_exporter::scrape::{ScrapeError, ScrapeErrorKind};
use manifesto_exporter::snapshot::{Scrape, ScrapeOutcome};

/// A service's target at port 8067 of a host.
pub(crate) fn target(host: &str, service: &str, environment: &str) -> Target {
    let url = TargetUrl::http(host, 8067);
    let mut target = Target::direct(url, service, Duration::from_secs(10));
    environment.clone_into(&mut target.service.environment);
    target
}

/// A scrape that ended well, or why it did not.
pub(crate) fn scrape(down: Option<ScrapeErrorKind>) -> Scrape {
    Scrape {
        at: SystemTime::UNIX_EPOCH,
        duration: Duration::from_millis(3),
        samples: 700,
        body_bytes: 60_000,
        outcome: ScrapeOutcome::of(
            down.map(|kind| ScrapeError::new(kind, "a sentence"))
                .as_ref(),
        ),
        violations: 0,
        first_violation: None,
    }
}
