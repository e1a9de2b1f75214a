//! `rate_limit`: a bucket that fills with time and gives one token to each request.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::web_config::RateLimit;

/// Told when it was last full enough; everything else follows from the limit.
#[derive(Debug, Default)]
pub(super) struct Bucket {
    /// The moment at which the bucket is (or was) full again.
    full_at: Mutex<Option<Instant>>,
}

impl Bucket {
    /// Takes a token if there is one.
    pub(super) fn take(&self, limit: RateLimit, now: Instant) -> bool {
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let full = full_at.map_or(now, |at| at.max(now)) + limit.interval;
        let fits = full - now <= limit.interval * limit.burst;
        if fits {
            *full_at = Some(full);
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_burst_passes_then_one_for_each_interval() {
        let limit = RateLimit {
            interval: Duration::from_secs(1),
            burst: 3,
        };
        let (bucket, start) = (Bucket::default(), Instant::now());
        let taken = |ms| bucket.take(limit, start + Duration::from_millis(ms));
        assert_eq!(
            [0, 0, 0, 0, 999].map(taken),
            [true, true, true, false, false]
        );
        assert_eq!([1_000, 1_000, 60_000].map(taken), [true, false, true]);
    }
}
