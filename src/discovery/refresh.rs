//! What a source's task tells the runner.

use tokio::sync::mpsc;

use super::groups::{LIST_TARGETS_MAX, Listing};

/// Identifies a source while it runs; never used again for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct SourceId(pub(super) u64);

/// One answer.
#[derive(Debug)]
pub(super) struct RefreshReport {
    pub(super) source: SourceId,
    pub(super) answer: Refresh,
}

/// What came of asking a source.
#[derive(Debug, Default)]
pub(super) struct Refresh {
    /// The list, unless the source failed altogether.
    pub(super) listing: Option<Listing>,
    /// What failed, in whole or in part.
    pub(super) error: Option<String>,
    /// Targets that are gone on purpose since the last answer.
    pub(super) withdrawn: usize,
    /// What it took.
    pub(super) effort: Effort,
}

/// What an answer took.
#[derive(Debug, Clone, Copy)]
pub(super) struct Effort {
    /// Lists that were asked for. Without one, an answer says nothing new of a list that is held back.
    pub(super) lists: u64,
    /// How many of them failed, or of what was asked instead.
    pub(super) failures: u64,
    /// Changes that were told without being asked for.
    pub(super) events: u64,
}

/// A source that is asked for its list each time.
impl Default for Effort {
    fn default() -> Self {
        Self {
            lists: 1,
            failures: 0,
            events: 0,
        }
    }
}

impl Refresh {
    pub(super) fn failed(error: impl Into<String>) -> Self {
        Self {
            error: Some(error.into()),
            effort: Effort {
                failures: 1,
                ..Effort::default()
            },
            ..Self::default()
        }
    }
}

impl Refresh {
    /// A list that was put together of parts, some of which failed and are as they were.
    pub(super) fn of_parts(listing: Option<Listing>, errors: Vec<String>) -> Self {
        let targets = listing.as_ref().map_or(0, Listing::targets);
        if targets > LIST_TARGETS_MAX {
            return Self::failed(format!(
                "{targets} targets are more than {LIST_TARGETS_MAX}"
            ));
        }
        Self {
            listing,
            effort: Effort {
                failures: u64::from(!errors.is_empty()),
                ..Effort::default()
            },
            error: summary(&errors),
            withdrawn: 0,
        }
    }
}

/// The first error, and how many more there are.
pub(super) fn summary(errors: &[String]) -> Option<String> {
    match errors {
        [] => None,
        [only] => Some(only.clone()),
        [first, more @ ..] => Some(format!("{first} (and {} more)", more.len())),
    }
}

impl From<Result<Listing, String>> for Refresh {
    fn from(result: Result<Listing, String>) -> Self {
        match result {
            Ok(listing) => Self {
                listing: Some(listing),
                ..Self::default()
            },
            Err(error) => Self::failed(error),
        }
    }
}

/// Where a source's task reports to. The channel is bounded: a source that is faster than the
/// runner waits.
#[derive(Debug, Clone)]
pub(super) struct RefreshSender {
    pub(super) source: SourceId,
    pub(super) channel: mpsc::Sender<RefreshReport>,
}

/// The runner has gone.
#[derive(Debug)]
pub(super) struct RunnerGone;

impl RefreshSender {
    pub(super) async fn send(&self, answer: Refresh) -> Result<(), RunnerGone> {
        let report = RefreshReport {
            source: self.source,
            answer,
        };
        self.channel.send(report).await.map_err(|_| RunnerGone)
    }
}
