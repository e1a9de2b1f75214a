//! Paths whose last segment may hold wildcards.

use std::io;
use std::path::{Path, PathBuf};

use regex::Regex;

/// Entries of a folder that are looked at.
const ENTRIES_MAX: usize = 100_000;

/// Whether the path's last segment holds a wildcard.
pub fn is_pattern(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|name| name.to_string_lossy().contains(['*', '?']))
}

/// Whether a segment other than the last holds a wildcard, which is not supported.
pub fn is_deep(path: &Path) -> bool {
    path.parent()
        .is_some_and(|parent| parent.to_string_lossy().contains(['*', '?']))
}

/// The files that a path or pattern names, in order of name. A path without wildcards names
/// itself, whether it exists or not; a folder that does not exist holds nothing.
pub fn expand(path: &Path) -> io::Result<Vec<PathBuf>> {
    let Some(pattern) = path.file_name().filter(|_| is_pattern(path)) else {
        return Ok(vec![path.to_path_buf()]);
    };
    let pattern = matcher(&pattern.to_string_lossy()).map_err(io::Error::other)?;
    let parent = path.parent().unwrap_or(Path::new(""));
    let folder = match parent.as_os_str().is_empty() {
        true => Path::new("."),
        false => parent,
    };
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries.take(ENTRIES_MAX) {
        let name = entry?.file_name();
        if pattern.is_match(&name.to_string_lossy()) {
            found.push(parent.join(name));
        }
    }
    found.sort();
    Ok(found)
}

/// What names must match: `*` stands for any characters, `?` for one, all else for itself.
fn matcher(pattern: &str) -> Result<Regex, regex::Error> {
    let matching = regex::escape(pattern)
        .replace(r"\*", ".*")
        .replace(r"\?", ".");
    Regex::new(&format!("(?s)^{matching}$"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards() {
        for (pattern, name, wanted) in [
            ("*.yml", "a.yml", true),
            ("*.yml", "a.yaml", false),
            ("a*b*c", "a12b3c", true),
            ("a*b*c", "a12b3", false),
            ("?.yml", "é.yml", true),
            ("*", "", true),
            ("a", "a", true),
            ("a?", "a", false),
            ("*", ".a\nb", true),
            ("a**", "ab", true),
            (r"[ab].\*", "a.b", false),
            (r"[ab].\*", r"[ab].\b", true),
        ] {
            let matches = matcher(pattern).unwrap().is_match(name);
            assert_eq!(matches, wanted, "{pattern} {name}");
        }
    }

    #[test]
    fn only_the_last_segment_is_a_pattern() {
        assert!(is_pattern(Path::new("a/*.yml")) && !is_deep(Path::new("a/*.yml")));
        assert!(is_deep(Path::new("*/a.yml")) && !is_pattern(Path::new("*/a.yml")));
    }
    #[test]
    fn a_folder_that_cannot_be_listed_is_no_empty_one() {
        let names = |path: &str| expand(Path::new(path)).map_err(|error| error.kind());
        assert_eq!(names("no such folder/*.yml"), Ok(Vec::new()));
        let through_a_file = names("Cargo.toml/*.yml");
        assert_eq!(through_a_file, Err(io::ErrorKind::NotADirectory));
    }
}
