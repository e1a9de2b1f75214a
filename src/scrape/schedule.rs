//! When a target is due. Pure: time is an argument.
//!
//! Time is milliseconds since the Unix epoch, by a clock that was set once, at start, and has run
//! monotonically since: a wall clock that jumps moves nothing.

use std::time::Duration;

use crate::discovery::target::TargetUrl;

/// Due scrapes start together on ticks: wake-ups cost as much as bytes.
pub(super) const TICK_MS: u64 = 100;

/// The longest that a new target waits for its first scrape.
const FIRST_WINDOW_MS_MAX: u64 = 5_000;

/// What one more new target adds to the window in which all of them start.
const FIRST_WINDOW_MS_PER_TARGET: u64 = 5;

/// A stable hash of a URL: FNV-1a, 64 bits, over the URL as text. It decides the moments at which
/// a target is scraped, so it must be the same in every process, for ever.
pub(super) fn url_hash(url: &TargetUrl) -> u64 {
    const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    url.to_string().bytes().fold(OFFSET_BASIS, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(PRIME)
    })
}

/// The schedule of one target: due at `offset`, and every `interval` before and after, counted from
/// the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Schedule {
    interval_ms: u64,
    offset_ms: u64,
}

impl Schedule {
    pub(super) fn new(hash: u64, interval: Duration) -> Self {
        // Below a tick there is nothing to tell apart.
        let interval_ms = u64::try_from(interval.as_millis())
            .unwrap_or(u64::MAX / 4)
            .clamp(TICK_MS, u64::MAX / 4);
        Self {
            interval_ms,
            offset_ms: hash % interval_ms,
        }
    }

    /// The first due moment after `now_ms`.
    pub(super) fn after(self, now_ms: u64) -> u64 {
        let into =
            (now_ms % self.interval_ms + self.interval_ms - self.offset_ms) % self.interval_ms;
        now_ms + (self.interval_ms - into)
    }

    /// When a target that is one of `new` new ones is first scraped. Few start at once, thousands
    /// within five seconds, in the order of their hashes.
    pub(super) fn first(self, hash: u64, now_ms: u64, new: usize) -> u64 {
        let window = (new as u64)
            .saturating_mul(FIRST_WINDOW_MS_PER_TARGET)
            .min(FIRST_WINDOW_MS_MAX)
            .min(self.interval_ms);
        // The high half: the low bits decide the offset.
        now_ms + (hash >> 32) % window.max(1)
    }

    /// When a target first scraped at `first_ms` is due again: at its own moment, unless that
    /// comes within a quarter of the interval.
    pub(super) fn settle(self, first_ms: u64) -> u64 {
        self.after(first_ms + self.interval_ms / 4)
    }

    /// How many due moments lie in `(from_ms, to_ms]`.
    pub(super) fn missed(self, from_ms: u64, to_ms: u64) -> u64 {
        let index = |ms: u64| (ms + self.interval_ms - self.offset_ms) / self.interval_ms;
        index(to_ms).saturating_sub(index(from_ms))
    }
}

/// The tick on which something due at `due_ms` starts.
pub(super) fn tick_of(due_ms: u64) -> u64 {
    due_ms.div_ceil(TICK_MS)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn url(host: &str) -> TargetUrl {
        TargetUrl::http(host, 8067)
    }

    proptest! {
        #[test]
        fn due_moments_are_one_interval_apart(hash: u64, secs in 1u64..100_000, now in 0u64..4_000_000_000_000) {
            let schedule = Schedule::new(hash, Duration::from_secs(secs));
            let due = schedule.after(now);
            prop_assert!(due > now && due <= now + secs * 1000);
            prop_assert_eq!(due % (secs * 1000), hash % (secs * 1000));
            prop_assert_eq!(schedule.after(due), due + secs * 1000);
            prop_assert_eq!(schedule.after(due - 1), due);
        }

        #[test]
        fn a_new_target_starts_soon_and_then_settles(hash: u64, secs in 1u64..100_000, now in 0u64..4_000_000_000_000, new in 1usize..200_000) {
            let schedule = Schedule::new(hash, Duration::from_secs(secs));
            let first = schedule.first(hash, now, new);
            prop_assert!(first >= now && first < now + 5_000.min(secs * 1000));
            let next = schedule.settle(first);
            prop_assert_eq!(next % (secs * 1000), hash % (secs * 1000));
            prop_assert!(next - first > secs * 250 && next - first <= secs * 1250);
        }

        #[test]
        fn missed_moments_are_counted(hash: u64, secs in 1u64..1000, now in 0u64..4_000_000_000_000, n in 0u64..50) {
            let schedule = Schedule::new(hash, Duration::from_secs(secs));
            let due = schedule.after(now);
            prop_assert_eq!(schedule.missed(now, due - 1), 0);
            prop_assert_eq!(schedule.missed(due, due + n * secs * 1000), n);
        }
    }

    #[test]
    fn the_hash_never_changes() {
        assert_eq!(url_hash(&url("a")), 5_914_318_693_082_954_809);
    }

    /// 10,000 targets named in sequence, every 30 s: no tick holds much more than its share (33).
    #[test]
    fn fault_73_ten_thousand_targets_are_spread() {
        let interval = Duration::from_secs(30);
        let (mut settled, mut first) = (vec![0; 300], vec![0; 51]);
        for n in 0..10_000 {
            let hash = url_hash(&url(&format!("10.0.{}.{}", n / 256, n % 256)));
            let schedule = Schedule::new(hash, interval);
            settled[(schedule.after(0) / TICK_MS) as usize % 300] += 1;
            first[tick_of(schedule.first(hash, 0, 10_000)) as usize] += 1;
        }
        assert!(*settled.iter().max().unwrap() < 70, "{settled:?}");
        assert!(*first.iter().max().unwrap() < 300, "{first:?}");
    }

    #[test]
    fn one_new_target_starts_at_once() {
        let schedule = Schedule::new(7 << 40, Duration::from_secs(30));
        assert!(schedule.first(7 << 40, 1_000, 1) < 1_000 + TICK_MS);
    }

    #[test]
    fn absurd_intervals_do_not_overflow() {
        let schedule = Schedule::new(u64::MAX, Duration::MAX);
        assert!(schedule.after(2_000_000_000_000) > 2_000_000_000_000);
        assert_eq!(Schedule::new(3, Duration::ZERO).after(0), 3);
    }
}
