//! The files that a configuration is read from, looked at every so often. A look costs a call of the system for each
//! file, works on every file system, and sees a file through the links by which Kubernetes swaps a ConfigMap.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::document::glob;

/// How often such clocks tick, at the least.
const CLOCK_TICK: Duration = Duration::from_millis(10);

/// Files named where they changed.
const SHOWN_MAX: usize = 5;

/// What tells one content of a file from another: where it is, how long it is, and when it last changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    bytes: u64,
    changed: Duration,
}

/// Files as they are now, by path; `None` where one is not there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Files(BTreeMap<PathBuf, Option<Stamp>>);

impl Files {
    /// Looks at what paths and patterns name.
    pub(super) fn look(patterns: &[PathBuf]) -> Self {
        let named = patterns.iter().flat_map(|pattern| {
            // What cannot be listed is told by who reads it.
            glob::expand(pattern).unwrap_or_else(|_| vec![pattern.clone()])
        });
        Self(named.map(|path| (path.clone(), stamp(&path))).collect())
    }

    /// Those that were not touched while they were read, between a look before it and now: a link may have come to
    /// lead to another old file, and a clock that ticks slowly shows a change too late. What has no place among them
    /// is read once more.
    pub(super) fn untouched(mut self, before: &Self, begun: SystemTime) -> Self {
        let since_1970 = |moment: SystemTime| moment.duration_since(UNIX_EPOCH).unwrap_or_default();
        // A stamp of the future says that the clock of the file system is another: nothing of when it was written.
        let (from, to) = (since_1970(begun), since_1970(SystemTime::now()));
        let (from, to) = (from.saturating_sub(CLOCK_TICK), to + CLOCK_TICK);
        self.0.retain(|path, stamp| {
            let is_as_before = before.0.get(path).is_none_or(|before| before == stamp);
            let changed = stamp.map(|stamp| stamp.changed);
            let is_fresh = changed.is_some_and(|changed| (from..=to).contains(&changed));
            is_as_before && !is_fresh
        });
        self
    }

    /// Which are other than they were, as far as a log line tells.
    pub(super) fn differing_from(&self, before: &Self) -> String {
        let mut paths: Vec<&Path> = self
            .0
            .iter()
            .filter(|(path, stamp)| before.0.get(*path) != Some(stamp))
            .map(|(path, _)| path.as_path())
            .collect();
        paths.extend(
            before
                .0
                .keys()
                .filter(|path| !self.0.contains_key(*path))
                .map(PathBuf::as_path),
        );
        let shown: Vec<String> = paths
            .iter()
            .take(SHOWN_MAX)
            .map(|path| path.display().to_string())
            .collect();
        match paths.len().checked_sub(SHOWN_MAX) {
            None | Some(0) => shown.join(", "),
            Some(more) => format!("{} and {more} more", shown.join(", ")),
        }
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = std::fs::metadata(path).ok()?;
    let seconds = u64::try_from(metadata.ctime()).unwrap_or_default();
    let nanoseconds = u32::try_from(metadata.ctime_nsec()).unwrap_or_default();
    Some(Stamp {
        device: metadata.dev(),
        inode: metadata.ino(),
        bytes: metadata.size(),
        changed: Duration::new(seconds, nanoseconds),
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn every_way_to_change_a_file_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("a.yaml"), "one").unwrap();
        let patterns = [path("a.yaml"), path("more/*.yaml"), path("missing")];
        let mut known = Files::look(&patterns);
        assert_eq!(known, Files::look(&patterns));
        let mut changes = |what: &str, expected: &str, change: &dyn Fn()| {
            change();
            let now = Files::look(&patterns);
            let differing = now.differing_from(&known);
            assert!(
                differing.ends_with(expected) && now != known,
                "{what}: {differing}"
            );
            known = now;
        };
        // As many bytes as before, in the same file.
        changes("written over", "a.yaml", &|| {
            std::thread::sleep(Duration::from_millis(30));
            fs::write(path("a.yaml"), "two").unwrap();
        });
        changes("replaced", "a.yaml", &|| {
            fs::write(path("b"), "two").unwrap();
            fs::rename(path("b"), path("a.yaml")).unwrap();
        });
        changes("another one", "more/new.yaml", &|| {
            fs::create_dir(path("more")).unwrap();
            fs::write(path("more/new.yaml"), "").unwrap();
        });
        changes("removed", "more/new.yaml", &|| {
            fs::remove_file(path("more/new.yaml")).unwrap();
        });
        changes("there at last", "missing", &|| {
            fs::write(path("missing"), "").unwrap();
        });
        let minute = Duration::from_secs(60);
        let now = Files::look(&patterns);
        let untouched = |begun: SystemTime| now.clone().untouched(&now, begun);
        assert!(untouched(SystemTime::now() - minute).0.is_empty());
        assert_eq!(untouched(SystemTime::now() + minute), now);
    }

    /// As the kubelet does it: `config.yaml` -> `..data/config.yaml`, `..data` -> `..2026_1`.
    #[test]
    fn the_swap_of_a_config_map_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for (version, text) in [("..1", "one"), ("..2", "two")] {
            fs::create_dir(path(version)).unwrap();
            fs::write(path(version).join("config.yaml"), text).unwrap();
        }
        symlink("..1", path("..data")).unwrap();
        symlink("..data/config.yaml", path("config.yaml")).unwrap();
        let patterns = [path("config.yaml")];
        let before = Files::look(&patterns);
        symlink("..2", path("..data_tmp")).unwrap();
        fs::rename(path("..data_tmp"), path("..data")).unwrap();
        fs::remove_dir_all(path("..1")).unwrap();
        let after = Files::look(&patterns);
        assert_ne!(before, after);
        assert!(after.differing_from(&before).ends_with("config.yaml"));
        // Both are older than the reading during which it was swapped.
        let later = SystemTime::now() + Duration::from_secs(1);
        assert_eq!(after.clone().untouched(&before, later), Files::default());
        assert_eq!(after.clone().untouched(&after, later), after);
    }
}
