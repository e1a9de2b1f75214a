//! Notifications about files. They only save time: lists are re-read periodically as well.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;

/// Watches the folders that hold a source's files.
pub(super) struct FolderWatch {
    /// None where the system grants no watcher: the periodic re-read remains.
    watcher: Option<RecommendedWatcher>,
    events: mpsc::Receiver<()>,
    folders: BTreeSet<PathBuf>,
}

impl FolderWatch {
    /// Prepares to watch the folders of these paths; [`rearm`](Self::rearm) starts it.
    pub(super) fn new(files: &[PathBuf]) -> Self {
        // One pending wake-up is enough: a read sees everything that happened before it.
        let (sender, events) = mpsc::channel(1);
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // Our own reading is an access; an error may hide a change.
            let matters = event.map_or(true, |event| !event.kind.is_access());
            if matters && let Err(mpsc::error::TrySendError::Closed(())) = sender.try_send(()) {
                tracing::trace!("file event after the watch ended");
            }
        });
        if let Err(error) = &watcher {
            tracing::warn!(%error, "no file notifications: lists are re-read periodically only");
        }
        let folders = files.iter().filter_map(|file| {
            let parent = file.parent()?;
            Some(match parent.as_os_str().is_empty() {
                true => Path::new(".").to_path_buf(),
                false => parent.to_path_buf(),
            })
        });
        Self {
            watcher: watcher.ok(),
            events,
            folders: folders.collect(),
        }
    }

    /// Watches the folders, again those that were replaced or have come to exist since.
    pub(super) fn rearm(&mut self) {
        let Some(watcher) = &mut self.watcher else {
            return;
        };
        for folder in &self.folders {
            if let Err(error) = watcher.watch(folder, RecursiveMode::NonRecursive) {
                tracing::debug!(folder = %folder.display(), %error, "folder not watched");
            }
        }
    }

    /// Waits until something happens; forever where nothing can be watched.
    pub(super) async fn changed(&mut self) {
        if self.events.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
    }
}
