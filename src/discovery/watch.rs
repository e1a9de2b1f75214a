//! Notifications about files. They only save time: lists are re-read periodically as well.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;

/// Whom to wake for each folder.
type Wakers = Arc<Mutex<BTreeMap<PathBuf, Vec<mpsc::Sender<()>>>>>;

/// The one watcher of the process: systems grant few (128 a user on many a Linux).
#[derive(Clone)]
pub(super) struct SharedWatcher {
    /// None where the system grants none: the periodic re-read remains.
    watcher: Option<Arc<Mutex<RecommendedWatcher>>>,
    wakers: Wakers,
}

impl SharedWatcher {
    pub(super) fn new() -> Self {
        let wakers = Wakers::default();
        let woken = wakers.clone();
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            wake(&woken, event);
        });
        let watcher = match watcher {
            Ok(watcher) => Some(Arc::new(Mutex::new(watcher))),
            Err(error) => {
                tracing::warn!(%error, "no file notifications: lists are re-read periodically only");
                None
            }
        };
        Self { watcher, wakers }
    }

    /// Prepares to watch the folders of these files; [`FolderWatch::rearm`] starts it.
    pub(super) fn folders_of(&self, files: &[PathBuf]) -> FolderWatch {
        // One pending wake-up is enough: a read sees everything that happened before it.
        let (sender, events) = mpsc::channel(1);
        let folders: BTreeSet<PathBuf> = files.iter().filter_map(|file| folder(file)).collect();
        let mut wakers = lock(&self.wakers);
        for folder in &folders {
            let waiting = wakers.entry(folder.clone()).or_default();
            waiting.push(sender.clone());
        }
        drop(wakers);
        FolderWatch {
            all: self.clone(),
            events,
            folders,
        }
    }
}

/// Wakes those who wait for the folders of an event.
fn wake(wakers: &Wakers, event: notify::Result<notify::Event>) {
    let wakers = lock(wakers);
    match event {
        // Our own reading is an access.
        Ok(event) if event.kind.is_access() => {}
        Ok(event) if !event.need_rescan() => {
            // Of a folder itself, its own path is named.
            let folders = event
                .paths
                .iter()
                .flat_map(|path| [folder(path), Some(path.clone())]);
            for waiting in folders.flatten().filter_map(|folder| wakers.get(&folder)) {
                waiting.iter().for_each(nudge);
            }
        }
        // Events were lost, or may have been.
        Ok(_) | Err(_) => wakers.values().flatten().for_each(nudge),
    }
}

fn nudge(waiting: &mpsc::Sender<()>) {
    match waiting.try_send(()) {
        // Full: woken already. Closed: going away, and removed when it has gone.
        Ok(()) | Err(_) => {}
    }
}

/// The folder of a file, absolute: events name absolute paths, whatever was asked for.
fn folder(file: &Path) -> Option<PathBuf> {
    let absolute = std::path::absolute(file).ok()?;
    absolute.parent().map(Path::to_path_buf)
}

/// A panic while the lock was held leaves nothing half done here.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One source's part of what is watched.
pub(super) struct FolderWatch {
    all: SharedWatcher,
    events: mpsc::Receiver<()>,
    folders: BTreeSet<PathBuf>,
}

impl FolderWatch {
    /// Watches the folders, again those that were replaced or have come to exist since.
    pub(super) fn rearm(&self) {
        let Some(watcher) = &self.all.watcher else {
            return;
        };
        for folder in &self.folders {
            if let Err(error) = lock(watcher).watch(folder, RecursiveMode::NonRecursive) {
                tracing::debug!(folder = %folder.display(), %error, "folder not watched");
            }
        }
    }

    /// Waits until something happens.
    pub(super) async fn changed(&mut self) {
        if self.events.recv().await.is_none() {
            // Nobody is left to wake us: the periodic re-read remains.
            std::future::pending::<()>().await;
        }
    }
}

/// A reload may remove a source: its folders are watched no longer than somebody waits.
impl Drop for FolderWatch {
    fn drop(&mut self) {
        self.events.close();
        let mut wakers = lock(&self.all.wakers);
        let mut unused = Vec::new();
        for folder in &self.folders {
            if let Some(waiting) = wakers.get_mut(folder) {
                waiting.retain(|sender| !sender.is_closed());
                if waiting.is_empty() {
                    wakers.remove(folder);
                    unused.push(folder);
                }
            }
        }
        drop(wakers);
        let Some(watcher) = &self.all.watcher else {
            return;
        };
        for folder in unused {
            if let Err(error) = lock(watcher).unwatch(folder) {
                tracing::trace!(folder = %folder.display(), %error, "folder was not watched");
            }
        }
    }
}
