//! `file_sd_configs`: lists in files, read at each change and every so often.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::contract::{Mechanism, Surroundings};
use super::written::refresh_interval;
use crate::discovery::groups::{LIST_BYTES_MAX, Listing};
use crate::discovery::lists::{self, Language};
use crate::discovery::refresh::{Effort, Refresh, RefreshSender, RunnerGone, summary};
use crate::discovery::watch::FolderWatch;
use crate::document::paths::pattern;
use crate::document::quantity::Period;
use crate::document::yaml::{At, Source};
use crate::document::{DocumentError, glob};

const META_FILEPATH: &str = "__meta_filepath";
/// Files of one source.
const FILES_MAX: usize = 10_000;
/// A write is often several events: reading waits for the rest of them.
const SETTLE: Duration = Duration::from_millis(50);
const REFRESH_DEFAULT: Duration = Duration::from_secs(5 * 60);
/// How long reading may take before it is said to hang.
const READ_DEADLINE: Duration = Duration::from_secs(10);

/// An entry of `file_sd_configs`.
#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawFileSd {
    files: Option<Vec<At<PathBuf>>>,
    refresh_interval: Option<Period>,
}

/// `file_sd_configs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSd {
    /// Files, absolute or relative to the working directory; `*` and `?` in the last segment.
    pub files: Vec<PathBuf>,
    /// Time between two reads where no notification comes.
    pub refresh_interval: Duration,
}

impl Mechanism for FileSd {
    type Raw = RawFileSd;

    fn resolve(source: Source<'_>, raw: At<RawFileSd>) -> Result<Self, DocumentError> {
        let mut files = Vec::new();
        for file in raw.value.files.unwrap_or_default() {
            let path = &file.value;
            let known = path.extension().is_some_and(|e| {
                ["json", "yml", "yaml"]
                    .iter()
                    .any(|k| e.eq_ignore_ascii_case(k))
            });
            if !known {
                let message = format!(
                    "`{}` ends in none of `.json`, `.yml`, `.yaml`",
                    path.display()
                );
                return Err(source.error(file.referenced, message));
            }
            files.push(pattern(source, &file)?);
        }
        if files.is_empty() {
            let message = "`file_sd_configs` needs at least one path in `files`";
            return Err(source.error(raw.referenced, message));
        }
        Ok(FileSd {
            files,
            refresh_interval: refresh_interval(raw.value.refresh_interval, REFRESH_DEFAULT),
        })
    }

    fn same_place(&self, other: &Self) -> bool {
        self.files == other.files
    }

    async fn run(self, surroundings: Surroundings) -> RunnerGone {
        let watch = surroundings.watcher.folders_of(&self.files);
        let grace = surroundings.timing.deleted_grace;
        run(self, grace, watch, surroundings.reports).await
    }
}

/// Reads the files until the runner goes.
async fn run(
    config: FileSd,
    deleted_grace: Duration,
    mut watch: FolderWatch,
    reports: RefreshSender,
) -> RunnerGone {
    let mut files = Files::new(config.files, deleted_grace);
    loop {
        // Watching starts before reading: a change in between is seen by one of them.
        watch.rearm();
        let now = Instant::now();
        let mut reading = tokio::task::spawn_blocking(move || {
            let answer = files.read(now);
            (files, answer)
        });
        let read = loop {
            match timeout_at(Instant::now() + READ_DEADLINE, &mut reading).await {
                Ok(read) => break read,
                // No second read is started beside one that hangs.
                Err(_) => {
                    let message = format!("reading takes longer than {READ_DEADLINE:?}");
                    if reports.send(Refresh::failed(message)).await.is_err() {
                        return RunnerGone;
                    }
                }
            }
        };
        let answer = match read {
            Ok((read, answer)) => {
                files = read;
                answer
            }
            Err(error) => match error.try_into_panic() {
                // The runner sees the panic of this task and starts it again.
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => return RunnerGone,
            },
        };
        if reports.send(answer).await.is_err() {
            return RunnerGone;
        }
        let refresh_at = now + config.refresh_interval;
        let wake_at = files
            .grace_ends()
            .map_or(refresh_at, |at| at.min(refresh_at));
        tokio::select! {
            () = watch.changed() => tokio::time::sleep(SETTLE).await,
            () = sleep_until(wake_at) => {}
        }
    }
}

/// The files of a source with the last good list of each.
struct Files {
    patterns: Vec<PathBuf>,
    deleted_grace: Duration,
    known: BTreeMap<PathBuf, Known>,
    /// Before any file could be read, there is no list: an empty one would be a claim.
    ever_listed: bool,
}

#[derive(Default)]
struct Known {
    /// Hash of the text that `good` or `error` came from: unchanged files are not parsed again.
    hash: Option<u64>,
    good: Option<Listing>,
    error: Option<String>,
    missing_since: Option<Instant>,
}

impl Files {
    fn new(patterns: Vec<PathBuf>, deleted_grace: Duration) -> Self {
        Self {
            patterns,
            deleted_grace,
            known: BTreeMap::new(),
            ever_listed: false,
        }
    }

    /// When the next deleted file is forgotten.
    fn grace_ends(&self) -> Option<Instant> {
        let listed = self.known.values().filter(|known| known.good.is_some());
        let missing = listed.filter_map(|known| known.missing_since);
        missing.min().map(|since| since + self.deleted_grace)
    }

    /// Reads everything once. Each file that fails keeps its last good list.
    fn read(&mut self, now: Instant) -> Refresh {
        let mut errors = Vec::new();
        let mut present = BTreeSet::new();
        let mut unlisted = false;
        for pattern in &self.patterns {
            match glob::expand(pattern) {
                Ok(paths) => present.extend(paths),
                Err(error) => {
                    unlisted = true;
                    errors.push(format!("`{}`: {error}", pattern.display()));
                }
            }
        }
        if present.len() > FILES_MAX {
            let message = format!("{} files are more than {FILES_MAX}", present.len());
            return Refresh::failed(message);
        }
        for path in &present {
            self.known.entry(path.clone()).or_default();
        }
        let mut withdrawn = 0;
        let grace = self.deleted_grace;
        self.known.retain(|path, known| {
            let wanted = present.contains(path);
            // Where the folder cannot be listed, nothing is known to be deleted.
            let read = match unlisted || wanted {
                true => read(path),
                false => Err(io::Error::new(io::ErrorKind::NotFound, "the file is gone")),
            };
            known.take(path, read, now);
            let gone = known
                .missing_since
                .is_some_and(|since| now.duration_since(since) >= grace);
            if gone {
                withdrawn += known.good.take().map_or(0, |good| good.targets());
            }
            // A file that only a pattern named, and that is gone, was deleted on purpose.
            let forgotten = gone && !wanted;
            match &known.error {
                Some(error) if !forgotten => errors.push(format!("`{}`: {error}", path.display())),
                _ => {}
            }
            !forgotten
        });
        let mut whole = Listing::default();
        for good in self.known.values().filter_map(|known| known.good.as_ref()) {
            self.ever_listed = true;
            whole.append(good);
        }
        let listing = (self.ever_listed || errors.is_empty()).then_some(whole);
        Refresh {
            listing,
            withdrawn,
            effort: Effort {
                failures: u64::from(!errors.is_empty()),
                ..Effort::default()
            },
            error: summary(&errors),
        }
    }
}

impl Known {
    fn take(&mut self, path: &Path, read: io::Result<String>, now: Instant) {
        let text = match read {
            Ok(text) => text,
            Err(error) => {
                self.missing_since = match error.kind() {
                    io::ErrorKind::NotFound => Some(self.missing_since.unwrap_or(now)),
                    _ => None,
                };
                self.hash = None;
                self.error = Some(error.to_string());
                return;
            }
        };
        self.missing_since = None;
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        let hash = Some(hasher.finish());
        if self.hash == hash {
            return;
        }
        self.hash = hash;
        let json = path
            .extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("json"));
        let language = if json { Language::Json } else { Language::Yaml };
        match lists::parse(&text, language) {
            Ok(mut listing) => {
                listing.label(META_FILEPATH, &path.to_string_lossy());
                self.good = Some(listing);
                self.error = None;
            }
            Err(error) => self.error = Some(error),
        }
    }
}

/// The text of a file of bounded size.
fn read(path: &Path) -> io::Result<String> {
    let file = std::fs::File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("not a file"));
    }
    let mut text = String::new();
    file.take(LIST_BYTES_MAX as u64 + 1)
        .read_to_string(&mut text)?;
    match text.len() > LIST_BYTES_MAX {
        true => Err(io::Error::other(format!(
            "the list is larger than {LIST_BYTES_MAX} bytes"
        ))),
        false => Ok(text),
    }
}
