//! A list of targets that a task keeps up to date, whoever uses it.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::discovery::groups::Listing;
use crate::discovery::guard::{Change, Guarded, ShrinkGuard};
use crate::discovery::mechanism::DiscoveryConfig;
use crate::discovery::published::SourceStatus;
use crate::discovery::refresh::{Refresh, SourceId};

/// Characters of an error that a status keeps.
const ERROR_CHARS_MAX: usize = 500;

/// One mechanism with its last good list: jobs that are configured equally have it in common, so that a server is
/// asked once, as in Prometheus.
pub(super) struct Feed {
    pub(super) id: SourceId,
    pub(super) config: DiscoveryConfig,
    pub(super) guarded: Guarded,
    /// Rises when the list in use changes.
    pub(super) version: u64,
    /// Whether it has answered or failed.
    pub(super) is_settled: bool,
    /// With the name of the first source that uses it.
    pub(super) status: SourceStatus,
    /// Ends the task. Dropping it does as well.
    stop: DropGuard,
    pub(super) restart_at: Option<Instant>,
}

impl Feed {
    /// One that takes over what another knew of the same place.
    pub(super) fn new(
        id: SourceId,
        name: String,
        config: DiscoveryConfig,
        before: Option<&Feed>,
    ) -> (Self, CancellationToken) {
        let token = CancellationToken::new();
        let last = before.map(|feed| &feed.status);
        let feed = Self {
            id,
            guarded: before.map(|feed| feed.guarded.clone()).unwrap_or_default(),
            version: 0,
            is_settled: false,
            status: SourceStatus {
                name,
                mechanism: config.mechanism(),
                targets: 0,
                last_success: last.and_then(|last| last.last_success),
                last_error: None,
                failures_total: last.map_or(0, |last| last.failures_total),
                refreshes_total: last.map_or(0, |last| last.refreshes_total),
                events_total: last.map_or(0, |last| last.events_total),
                held: false,
                held_targets: None,
                notes: Vec::new(),
            },
            config,
            stop: token.clone().drop_guard(),
            restart_at: None,
        };
        (feed, token)
    }

    /// Takes a list that is fixed: what the operator wrote is never held.
    pub(super) fn fix(&mut self, listing: Listing, guard: &ShrinkGuard) {
        self.guarded = Guarded::default();
        let now = std::time::Instant::now();
        self.guarded
            .offer(listing, 0, true, guard, Duration::ZERO, now);
        self.is_settled = true;
        self.status.last_success = Some(SystemTime::now());
        self.status.refreshes_total += 1;
    }

    /// Takes an answer in.
    pub(super) fn take(
        &mut self,
        answer: Refresh,
        guard: &ShrinkGuard,
        spacing: Duration,
        now: Instant,
    ) {
        let effort = answer.effort;
        self.is_settled = true;
        self.status.refreshes_total += effort.lists;
        self.status.failures_total += effort.failures;
        self.status.events_total += effort.events;
        if let Some(listing) = answer.listing {
            let was_held = self.status.held;
            let offered = listing.targets();
            let now = now.into_std();
            let confirm = effort.lists > 0;
            let change =
                self.guarded
                    .offer(listing, answer.withdrawn, confirm, guard, spacing, now);
            if change == Change::Changed {
                self.version += 1;
            }
            self.status.held = self.guarded.held_targets().is_some();
            if self.status.held && !was_held {
                tracing::warn!(
                    source = self.status.name,
                    listed = offered,
                    kept = self.guarded.listing().map_or(0, Listing::targets),
                    "list shrank too much to be believed at once: held"
                );
            }
            if answer.error.is_none() {
                self.status.last_success = Some(SystemTime::now());
            }
        }
        self.note_error(answer.error);
    }

    /// Believes a list that is held once its grace is over; says whether it did.
    pub(super) fn expire(&mut self, guard: &ShrinkGuard, now: Instant) -> bool {
        let expired = self.guarded.expire(guard, now.into_std()) == Change::Changed;
        if expired {
            tracing::warn!(
                source = self.status.name,
                "held list believed: grace is over"
            );
            self.status.held = false;
            self.version += 1;
        }
        expired
    }

    /// The token of a task that takes the place of the one before.
    pub(super) fn restart(&mut self) -> CancellationToken {
        let token = CancellationToken::new();
        self.restart_at = None;
        self.stop = token.clone().drop_guard();
        token
    }

    /// How it does now.
    pub(super) fn status(&self) -> SourceStatus {
        let held_targets = self.guarded.held_targets();
        SourceStatus {
            targets: self.guarded.listing().map_or(0, Listing::targets),
            held: held_targets.is_some(),
            held_targets,
            notes: self
                .guarded
                .listing()
                .map(|listing| listing.notes.clone())
                .unwrap_or_default(),
            ..self.status.clone()
        }
    }

    /// Notes that its task crashed.
    pub(super) fn crashed(&mut self, message: &str, restart_at: Instant) {
        self.restart_at = Some(restart_at);
        self.status.failures_total += 1;
        self.note_error(Some(format!("crashed: {message}")));
    }

    /// Keeps the error in the status; says so where it changes.
    fn note_error(&mut self, error: Option<String>) {
        let status = &mut self.status;
        let error = error.map(|error| error.chars().take(ERROR_CHARS_MAX).collect::<String>());
        match &error {
            Some(error) if status.last_error.as_ref() != Some(error) => {
                let is_any = self.guarded.listing().is_some();
                let kept = match is_any {
                    true => "discovery fails: last list kept",
                    false => "discovery fails: there was no list yet",
                };
                tracing::warn!(source = status.name, error, "{kept}");
            }
            Some(_) => {}
            None if status.last_error.is_some() => {
                tracing::info!(source = status.name, "discovery works again");
            }
            None => {}
        }
        status.last_error = error;
    }
}
