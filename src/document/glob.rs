//! Paths whose last segment may hold wildcards.

use std::io;
use std::path::{Path, PathBuf};

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
    let pattern = pattern.to_string_lossy();
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
        if matches(&pattern, &name.to_string_lossy()) {
            found.push(parent.join(name));
        }
    }
    found.sort();
    Ok(found)
}

/// Whether `name` matches: `*` stands for any characters, `?` for one.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    // Where to go on when the last star takes one character more.
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p + 1, n));
                p += 1;
            }
            Some(c) if *c == '?' || *c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match star {
                Some((after, taken)) => {
                    star = Some((after, taken + 1));
                    p = after;
                    n = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
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
        ] {
            assert_eq!(matches(pattern, name), wanted, "{pattern} {name}");
        }
    }

    #[test]
    fn only_the_last_segment_is_a_pattern() {
        assert!(is_pattern(Path::new("a/*.yml")) && !is_deep(Path::new("a/*.yml")));
        assert!(is_deep(Path::new("*/a.yml")) && !is_pattern(Path::new("*/a.yml")));
    }
}
