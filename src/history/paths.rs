//! Names of the file and of what lies beside it.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::HistoryError;

/// Links that are followed, as Linux does it.
const LINKS_MAX: usize = 40;

/// The file itself, not a link to it: two processes that go by two names are on one file, and what is put in its place
/// is put there. An absolute name is no URI either.
pub(super) fn resolved(path: &Path) -> Result<PathBuf, HistoryError> {
    let mut resolved = std::path::absolute(path).map_err(HistoryError::io(path))?;
    for _ in 0..LINKS_MAX {
        let Ok(target) = fs::read_link(&resolved) else {
            // No link, or nothing: its folder may be one.
            let parent = fs::canonicalize(folder(&resolved));
            return Ok(match (parent, resolved.file_name()) {
                (Ok(parent), Some(name)) => parent.join(name),
                _ => resolved,
            });
        };
        // An absolute target takes the place of all.
        resolved = folder(&resolved).join(target);
    }
    let error = std::io::Error::other(format!("more than {LINKS_MAX} symbolic links"));
    Err(HistoryError::io(path)(error))
}

pub(super) fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
        Some(folder) => folder,
        None => Path::new("/"),
    }
}

/// `history.sqlite` and `lock`: `history.sqlite.lock`.
pub(super) fn beside(path: &Path, extension: &str) -> PathBuf {
    with_suffix(path, &format!(".{extension}"))
}

pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_in_the_working_folder_lies_in_it() {
        assert_eq!(folder(Path::new("history.sqlite")), Path::new("."));
        assert_eq!(folder(Path::new("a/history.sqlite")), Path::new("a"));
        assert_eq!(folder(Path::new("/")), Path::new("/"));
    }
}
