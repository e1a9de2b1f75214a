//! What the engine counts about itself.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use strum::VariantArray as _;

use super::error::ScrapeErrorKind;
use super::result::ScrapeResult;

/// Upper bounds of the lateness histogram, in seconds; one more bucket holds the rest.
pub const LATENESS_BUCKETS: [f64; 10] = [0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0, 60.0];

/// Counters of one engine, shared with whoever publishes them.
#[derive(Debug, Default)]
pub struct EngineStats {
    pub(super) succeeded: AtomicU64,
    pub(super) down: [AtomicU64; ScrapeErrorKind::VARIANTS.len()],
    pub(super) skipped: AtomicU64,
    pub(super) retries: AtomicU64,
    pub(super) panics: AtomicU64,
    pub(super) targets: AtomicU64,
    pub(super) in_flight: AtomicU64,
    pub(super) waiting: AtomicU64,
    pub(super) open_connections: AtomicU64,
    pub(super) lateness: [AtomicU64; LATENESS_BUCKETS.len() + 1],
    pub(super) lateness_sum_ms: AtomicU64,
    pub(super) lateness_max_ms: AtomicU64,
}

/// The counters at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct EngineSnapshot {
    /// Scrapes that ended well.
    pub succeeded: u64,
    /// Scrapes that failed, by reason.
    pub down: [(ScrapeErrorKind, u64); ScrapeErrorKind::VARIANTS.len()],
    /// Due moments without a scrape: the last one was still waiting or in flight.
    pub skipped: u64,
    /// Requests made once more because a kept connection proved stale.
    pub retries: u64,
    /// Scrapes that ended in a panic.
    pub panics: u64,
    /// Targets scheduled now.
    pub targets: u64,
    /// Scrapes in flight now.
    pub in_flight: u64,
    /// Due targets that wait for a place in flight now.
    pub waiting: u64,
    /// Connections open now.
    pub open_connections: u64,
    /// Started scrapes by lateness: counts per bucket of [`LATENESS_BUCKETS`], then the rest.
    /// Late is past the tick on which the target was due.
    pub lateness: [u64; LATENESS_BUCKETS.len() + 1],
    /// Sum of all lateness.
    pub lateness_sum: Duration,
    /// The greatest lateness since the start.
    pub lateness_max: Duration,
}

impl EngineStats {
    /// The counters now.
    pub fn snapshot(&self) -> EngineSnapshot {
        EngineSnapshot {
            succeeded: self.succeeded.load(Relaxed),
            down: std::array::from_fn(|at| {
                (ScrapeErrorKind::VARIANTS[at], self.down[at].load(Relaxed))
            }),
            skipped: self.skipped.load(Relaxed),
            retries: self.retries.load(Relaxed),
            panics: self.panics.load(Relaxed),
            targets: self.targets.load(Relaxed),
            in_flight: self.in_flight.load(Relaxed),
            waiting: self.waiting.load(Relaxed),
            open_connections: self.open_connections.load(Relaxed),
            lateness: std::array::from_fn(|i| self.lateness[i].load(Relaxed)),
            lateness_sum: Duration::from_millis(self.lateness_sum_ms.load(Relaxed)),
            lateness_max: Duration::from_millis(self.lateness_max_ms.load(Relaxed)),
        }
    }

    pub(super) fn started(&self, late_ms: u64) {
        let late_seconds = late_ms as f64 / 1000.0;
        let bucket = LATENESS_BUCKETS.partition_point(|bound| *bound < late_seconds);
        self.lateness[bucket].fetch_add(1, Relaxed);
        self.lateness_sum_ms.fetch_add(late_ms, Relaxed);
        self.lateness_max_ms.fetch_max(late_ms, Relaxed);
    }

    pub(super) fn ended(&self, result: &ScrapeResult) {
        match &result.outcome {
            Ok(()) => self.succeeded.fetch_add(1, Relaxed),
            Err(down) => self.down[down.reason as usize].fetch_add(1, Relaxed),
        };
        if result.retried {
            self.retries.fetch_add(1, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_late_are_counted_in_the_bucket_that_bounds_them() {
        let stats = EngineStats::default();
        for late_ms in [0, 0, 5, 2_000, 5_000, 120_000] {
            stats.started(late_ms);
        }
        let snapshot = stats.snapshot();
        assert_eq!(snapshot.lateness, [3, 0, 0, 0, 0, 0, 0, 2, 0, 0, 1]);
        assert_eq!(snapshot.lateness_max, Duration::from_secs(120));
    }
}
