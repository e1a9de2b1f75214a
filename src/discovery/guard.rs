//! The last good list of a source, and when a shrunken one takes its place. Pure.

use std::time::{Duration, Instant};

use serde::Deserialize;

use super::groups::Listing;
use crate::document::DocumentError;
use crate::document::value::Interval;
use crate::document::yaml::{At, Source};

/// When a list that shrank is not believed at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShrinkGuard {
    /// Whether lists are guarded at all.
    pub enabled: bool,
    /// A list is held if it has fewer than this share of the last one's targets ...
    pub ratio: f64,
    /// ... and lost at least this many: small lists come and go.
    pub lost_min: usize,
    /// It is believed after this many answers in a row that say the same or less ...
    pub refreshes: u32,
    /// ... or after this time, whichever comes first.
    pub grace: Duration,
}

impl Default for ShrinkGuard {
    fn default() -> Self {
        Self {
            enabled: true,
            ratio: 0.5,
            lost_min: 3,
            refreshes: 3,
            grace: Duration::from_secs(5 * 60),
        }
    }
}

/// `shrink_guard` as written.
#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawShrinkGuard {
    enabled: Option<bool>,
    ratio: Option<At<f64>>,
    lost_min: Option<usize>,
    refreshes: Option<u32>,
    grace: Option<Interval>,
}

impl RawShrinkGuard {
    /// Makes it ready.
    pub(crate) fn resolve(self, source: Source<'_>) -> Result<ShrinkGuard, DocumentError> {
        let default = ShrinkGuard::default();
        if let Some(ratio) = &self.ratio
            && !(0.0..=1.0).contains(&ratio.value)
        {
            return Err(source.error(ratio.referenced, "`ratio` is not between 0 and 1"));
        }
        Ok(ShrinkGuard {
            enabled: self.enabled.unwrap_or(default.enabled),
            ratio: self.ratio.map_or(default.ratio, |ratio| ratio.value),
            lost_min: self.lost_min.unwrap_or(default.lost_min),
            refreshes: self.refreshes.unwrap_or(default.refreshes),
            grace: self.grace.map_or(default.grace, |grace| grace.0),
        })
    }
}

/// The list in use, and the one that is held back.
#[derive(Debug, Clone, Default)]
pub(super) struct Guarded {
    good: Option<Good>,
    held: Option<Held>,
}

#[derive(Debug, Clone)]
struct Good {
    listing: Listing,
    /// What a new list is compared with: the targets, less those withdrawn on purpose since.
    baseline: usize,
}

#[derive(Debug, Clone)]
struct Held {
    listing: Listing,
    since: Instant,
    counted: Instant,
    answers: u32,
}

/// Whether the list in use changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Same,
    Changed,
}

impl Guarded {
    /// The list in use.
    pub(super) fn listing(&self) -> Option<&Listing> {
        self.good.as_ref().map(|good| &good.listing)
    }

    /// How many targets the list that is held back has.
    pub(super) fn held_targets(&self) -> Option<usize> {
        self.held.as_ref().map(|held| held.listing.targets())
    }

    /// When the list that is held back is believed whatever comes.
    pub(super) fn held_until(&self, guard: &ShrinkGuard) -> Option<Instant> {
        self.held.as_ref().map(|held| match guard.enabled {
            true => held.since + guard.grace,
            // Turned off by a reload: the operator believes the list.
            false => held.since,
        })
    }

    /// Takes an answer in. `withdrawn` targets went on purpose (their file was deleted) and do
    /// not count as lost. Answers count at most once in `spacing`, so that a file written three
    /// times in a second is not believed for that; and only those that `confirm` what they say,
    /// where others tell a change to what was said before.
    pub(super) fn offer(
        &mut self,
        mut listing: Listing,
        withdrawn: usize,
        confirm: bool,
        guard: &ShrinkGuard,
        spacing: Duration,
        now: Instant,
    ) -> Change {
        let Some(good) = &mut self.good else {
            return self.accept(listing);
        };
        good.baseline = good.baseline.saturating_sub(withdrawn);
        // Whoever tells changes keeps what did not change.
        if confirm {
            listing.reuse(&good.listing);
        }
        if !shrank(guard, good.baseline, listing.targets()) {
            return self.accept(listing);
        }
        let (since, counted, answers) = match &self.held {
            None => (now, now, 1),
            Some(held) if confirm && now.duration_since(held.counted) >= spacing => {
                (held.since, now, held.answers + 1)
            }
            Some(held) => (held.since, held.counted, held.answers),
        };
        if answers >= guard.refreshes || now.duration_since(since) >= guard.grace {
            return self.accept(listing);
        }
        self.held = Some(Held {
            listing,
            since,
            counted,
            answers,
        });
        Change::Same
    }

    /// Believes the list that is held back once its grace is over.
    pub(super) fn expire(&mut self, guard: &ShrinkGuard, now: Instant) -> Change {
        match self.held_until(guard) {
            Some(until) if now >= until => match self.held.take() {
                Some(held) => self.accept(held.listing),
                None => Change::Same,
            },
            _ => Change::Same,
        }
    }

    fn accept(&mut self, listing: Listing) -> Change {
        self.held = None;
        let same = self.listing() == Some(&listing);
        self.good = Some(Good {
            baseline: listing.targets(),
            listing,
        });
        match same {
            true => Change::Same,
            false => Change::Changed,
        }
    }
}

fn shrank(guard: &ShrinkGuard, before: usize, after: usize) -> bool {
    let lost = before.saturating_sub(after);
    guard.enabled && lost >= guard.lost_min.max(1) && (after as f64) < guard.ratio * before as f64
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::discovery::groups::{Layers, TargetGroup};
    use crate::labels::Labels;

    const SPACING: Duration = Duration::from_secs(10);

    fn list(count: usize) -> Listing {
        let target = |n| Layers::from(Labels::from_iter([("__address__", format!("h{n}:1"))]));
        Listing {
            groups: vec![Arc::new(TargetGroup {
                targets: (0..count).map(target).collect(),
                common: Layers::default(),
            })],
            ..Listing::default()
        }
    }

    /// Offers lists of these sizes, so many seconds after the start; says the sizes in use.
    fn sizes(guard: &ShrinkGuard, offers: &[(u64, usize)]) -> Vec<usize> {
        let start = Instant::now();
        let mut guarded = Guarded::default();
        let offer = |(seconds, count): &(u64, usize)| {
            let now = start + Duration::from_secs(*seconds);
            guarded.expire(guard, now);
            guarded.offer(list(*count), 0, true, guard, SPACING, now);
            guarded.listing().map_or(0, Listing::targets)
        };
        offers.iter().map(offer).collect()
    }

    #[test]
    fn fault_36_an_emptied_list_is_held_for_three_answers() {
        let guard = ShrinkGuard::default();
        let offers = [(0, 10), (60, 0), (120, 0), (180, 0)];
        assert_eq!(sizes(&guard, &offers), [10, 10, 10, 0]);
    }

    #[test]
    fn fault_36_a_list_half_gone_is_held_and_forgotten_when_it_comes_back() {
        let guard = ShrinkGuard::default();
        let offers = [
            (0, 10),
            (60, 4),
            (120, 4),
            (180, 9),
            (240, 4),
            (300, 4),
            (360, 4),
        ];
        assert_eq!(sizes(&guard, &offers), [10, 10, 10, 9, 9, 9, 4]);
    }

    #[test]
    fn fault_36_the_grace_ends_the_hold() {
        let guard = ShrinkGuard {
            refreshes: 100,
            ..ShrinkGuard::default()
        };
        assert_eq!(
            sizes(&guard, &[(0, 10), (60, 0), (359, 0), (360, 0)]),
            [10, 10, 10, 0]
        );
    }

    #[test]
    fn answers_in_quick_succession_count_once() {
        let guard = ShrinkGuard::default();
        assert_eq!(
            sizes(&guard, &[(0, 10), (60, 0), (61, 0), (62, 0)]),
            [10, 10, 10, 10]
        );
    }

    #[test]
    fn small_lists_and_small_losses_pass() {
        let guard = ShrinkGuard::default();
        assert_eq!(sizes(&guard, &[(0, 2), (60, 0)]), [2, 0]);
        assert_eq!(sizes(&guard, &[(0, 10), (60, 5)]), [10, 5]);
    }

    #[test]
    fn the_guard_can_be_turned_off() {
        let guard = ShrinkGuard {
            enabled: false,
            ..ShrinkGuard::default()
        };
        assert_eq!(sizes(&guard, &[(0, 10), (60, 0)]), [10, 0]);
    }

    #[test]
    fn what_was_withdrawn_is_not_lost() {
        let (guard, now) = (ShrinkGuard::default(), Instant::now());
        let mut guarded = Guarded::default();
        guarded.offer(list(10), 0, true, &guard, SPACING, now);
        assert_eq!(
            guarded.offer(list(2), 8, true, &guard, SPACING, now),
            Change::Changed
        );
        assert_eq!(guarded.held_targets(), None);
    }
}
