//! Files of records that paths and patterns name.

use std::path::PathBuf;

use crate::document::yaml::Source;
use crate::document::{DocumentError, Origin, files, glob};

/// Files that one kind of record may consist of.
const FILES_MAX: usize = 20_000;

/// Reads each file of a kind of record; one that does not read is an error, a pattern that matches
/// nothing a warning.
pub(super) fn each_file(
    kind: &str,
    paths: &[PathBuf],
    warnings: &mut Vec<String>,
    mut read: impl FnMut(Source<'_>) -> Result<(), DocumentError>,
) -> Result<(), DocumentError> {
    let mut count = 0;
    for pattern in paths {
        let origin = Origin::file(pattern);
        let found = glob::expand(pattern)
            .map_err(|error| DocumentError::of_file(&origin, error.to_string()))?;
        if found.is_empty() {
            warnings.push(format!("{kind}: no file matches `{}`", pattern.display()));
        }
        count += found.len();
        if count > FILES_MAX {
            let message = format!("{kind}: more than {FILES_MAX} files");
            return Err(DocumentError::of_file(&origin, message));
        }
        for path in found {
            let origin = Origin::file(&path);
            let text = files::read(&origin, &path)?;
            read(Source::new(&origin, &text))?;
        }
    }
    Ok(())
}
