//! What a mechanism is to the rest of discovery.

use crate::discovery::refresh::{RefreshSender, RunnerGone};
use crate::discovery::timing::Timing;
use crate::discovery::watch::SharedWatcher;
use crate::document::DocumentError;
use crate::document::yaml::{At, Source};
use crate::http_client::settings::HttpConfig;

/// A way to find targets, by its configuration: an entry of `<name>_sd_configs`.
pub(in crate::discovery) trait Mechanism: Sized {
    /// An entry as written.
    type Raw;

    /// Checks what is written.
    fn resolve(source: Source<'_>, raw: At<Self::Raw>) -> Result<Self, DocumentError>;

    /// How it asks a server, where it does as an `http_config` says.
    fn http(&self) -> Option<&HttpConfig> {
        None
    }

    /// Whether the list of the one would be of use to the other: the same place, asked otherwise.
    fn same_place(&self, other: &Self) -> bool;

    /// Reports what there is until the runner goes.
    fn run(self, surroundings: Surroundings) -> impl Future<Output = RunnerGone> + Send;
}

/// What a running mechanism has to do with.
pub(in crate::discovery) struct Surroundings {
    pub(super) timing: Timing,
    pub(super) watcher: SharedWatcher,
    pub(super) reports: RefreshSender,
}

impl Surroundings {
    pub(in crate::discovery) fn new(
        timing: Timing,
        watcher: SharedWatcher,
        reports: RefreshSender,
    ) -> Self {
        Self {
            timing,
            watcher,
            reports,
        }
    }
}
