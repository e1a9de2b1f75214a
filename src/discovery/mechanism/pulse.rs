//! When a source that is followed reports: soon after something changed, not too often, and now and then in any case.

use std::time::Duration;

use tokio::time::Instant;

use crate::discovery::refresh::Effort;

/// Changes come in bursts: what follows the first so soon goes with it.
const SETTLE: Duration = Duration::from_millis(50);
/// The least time between two reports of what changes all the time.
const SPACING: Duration = Duration::from_millis(250);
/// How often it is said that nothing changed: a list that is followed is as old as the last time that we heard of it.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(30);

/// What waits to be reported, and since when.
pub(super) struct Pulse {
    pub(super) effort: Effort,
    dirty_since: Option<Instant>,
    reported_at: Option<Instant>,
}

/// Before anything was told.
const NOTHING: Effort = Effort {
    lists: 0,
    failures: 0,
    events: 0,
};

impl Pulse {
    pub(super) fn new() -> Self {
        Self {
            effort: NOTHING,
            dirty_since: None,
            reported_at: None,
        }
    }

    /// Something is to be reported.
    pub(super) fn touch(&mut self, now: Instant) {
        self.dirty_since.get_or_insert(now);
    }

    /// When to report. Until everything was heard of once (`is_settled`), what is missing may be there all the same.
    pub(super) fn due(&self, is_settled: bool, now: Instant) -> Instant {
        match self.dirty_since {
            Some(since) if is_settled => {
                let settled = since + SETTLE;
                let spaced = self.reported_at.map(|at| at + SPACING);
                spaced.map_or(settled, |spaced| spaced.max(settled))
            }
            Some(_) | None => self.reported_at.unwrap_or(now) + HEARTBEAT,
        }
    }

    /// It is reported now: says what it took.
    pub(super) fn report(&mut self, now: Instant) -> Effort {
        (self.dirty_since, self.reported_at) = (None, Some(now));
        std::mem::replace(&mut self.effort, NOTHING)
    }
}
