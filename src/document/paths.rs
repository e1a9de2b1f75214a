//! Paths and patterns of paths that a document names.

use std::path::{Path, PathBuf};

use super::error::DocumentError;
use super::glob;
use super::yaml::{At, Source};

/// A path as written, seen from the folder of the document.
pub(crate) fn absolute(source: Source<'_>, path: &Path) -> PathBuf {
    source.origin.folder.join(path)
}

/// A path or pattern made absolute. Only its last segment may hold wildcards; whether a file can be
/// read is checked where it is read.
pub(crate) fn pattern(source: Source<'_>, path: &At<PathBuf>) -> Result<PathBuf, DocumentError> {
    match glob::is_deep(&path.value) {
        true => {
            let path_shown = path.value.display();
            let message = format!("`{path_shown}`: only the last segment may hold `*`");
            Err(source.error(path.referenced, message))
        }
        false => Ok(absolute(source, &path.value)),
    }
}

/// The same for the list of a key, empty where it is not written.
pub(crate) fn patterns(
    source: Source<'_>,
    paths: Option<Vec<At<PathBuf>>>,
) -> Result<Vec<PathBuf>, DocumentError> {
    let paths = paths.unwrap_or_default();
    paths.iter().map(|path| pattern(source, path)).collect()
}
