//! What a source's task tells the runner.

use tokio::sync::mpsc;

use super::groups::Listing;

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
}

impl Refresh {
    pub(super) fn failed(error: impl Into<String>) -> Self {
        Self {
            error: Some(error.into()),
            ..Self::default()
        }
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
