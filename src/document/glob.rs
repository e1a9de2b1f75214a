//! Paths that may hold wildcards, as Go's `filepath.Glob` reads them: `*`, `?` and `[a-z]` within a
//! segment, `\*` for the character itself. A folder that cannot be read is an error, unlike there.

use std::io;
use std::path::{Component, Path, PathBuf};

use regex::Regex;

/// Entries of a folder that are looked at.
const ENTRIES_MAX: usize = 100_000;

/// Paths that one pattern may name.
const PATHS_MAX: usize = 100_000;

fn is_wild(segment: &str) -> bool {
    segment.contains(['*', '?', '[', '\\'])
}

/// Whether a segment other than the last holds a `*`, which Prometheus does not take.
pub fn is_deep(path: &Path) -> bool {
    path.parent()
        .is_some_and(|parent| parent.to_string_lossy().contains('*'))
}

/// The files that a path or pattern names, in order of name. A path without wildcards names
/// itself, whether it exists or not; a folder that does not exist holds nothing.
pub fn expand(path: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = vec![PathBuf::new()];
    let mut expanded = false;
    for component in path.components() {
        let segment = component.as_os_str().to_string_lossy();
        if !matches!(component, Component::Normal(_)) || !is_wild(&segment) {
            for path in &mut found {
                path.push(component);
            }
            continue;
        }
        // What stands behind a wildcard must be there, else it is named by nothing.
        let was_expanded = std::mem::replace(&mut expanded, true);
        let pattern = matcher(&segment).map_err(io::Error::other)?;
        let mut deeper = Vec::new();
        // Files that a wildcard named are no folders, and nothing is in them.
        found.retain(|path| !was_expanded || path.is_dir());
        for folder in found {
            deeper.extend(entries(&folder, &pattern)?);
            if deeper.len() > PATHS_MAX {
                let message = format!("names more than {PATHS_MAX} paths");
                return Err(io::Error::other(message));
            }
        }
        found = deeper;
    }
    if expanded {
        found.retain(|path| path.symlink_metadata().is_ok());
        found.sort();
    }
    Ok(found)
}

/// The entries of a folder whose names match.
fn entries(folder: &Path, pattern: &Regex) -> io::Result<Vec<PathBuf>> {
    let place = match folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => folder,
    };
    let entries = match std::fs::read_dir(place) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries.take(ENTRIES_MAX) {
        let name = entry?.file_name();
        if pattern.is_match(&name.to_string_lossy()) {
            found.push(folder.join(name));
        }
    }
    Ok(found)
}

/// What names must match: `*` stands for any characters, `?` for one, `[ab]` and `[^a-c]` for one of a class, all else
/// for itself.
fn matcher(pattern: &str) -> Result<Regex, regex::Error> {
    let mut matching = String::from("(?s)^");
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        let class = rest
            .strip_prefix('[')
            .and_then(|class| class.split_once(']'));
        match (c, class) {
            ('*', _) => matching.push_str(".*"),
            ('?', _) => matching.push('.'),
            ('\\', _) if rest.len() > 1 => {
                rest = &rest[1..];
                let literal: String = rest.chars().take(1).collect();
                matching.push_str(&regex::escape(&literal));
                rest = &rest[literal.len()..];
                continue;
            }
            ('[', Some((class, behind))) if !class.is_empty() => {
                matching.push('[');
                // Nothing but a range and a leading `^` means anything in it.
                let escaped = class.replace('\\', r"\\").replace('[', r"\[");
                matching.push_str(&escaped.replace('&', r"\&").replace('~', r"\~"));
                matching.push(']');
                rest = behind;
                continue;
            }
            _ => matching.push_str(&regex::escape(&c.to_string())),
        }
        rest = &rest[c.len_utf8()..];
    }
    matching.push('$');
    Regex::new(&matching)
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
            ("[ab].yml", "a.yml", true),
            ("[ab].yml", "c.yml", false),
            ("[^a-c].yml", "d.yml", true),
            ("[a.yml", "[a.yml", true),
            ("a.yml", "aXyml", false),
            (r"\*.yml", "*.yml", true),
            (r"\*.yml", "a.yml", false),
        ] {
            let matches = matcher(pattern).unwrap().is_match(name);
            assert_eq!(matches, wanted, "{pattern} {name}");
        }
    }

    #[test]
    fn folders_may_hold_wildcards_too() {
        let root = tempfile::tempdir().unwrap();
        for file in [
            "a/x/m.json",
            "a/y/m.json",
            "a/y/other.json",
            "a/long/m.json",
            "a/f",
        ] {
            let path = root.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "[]").unwrap();
        }
        let found = expand(&root.path().join("a/?/m.json")).unwrap();
        let found: Vec<_> = found
            .iter()
            .map(|path| path.strip_prefix(root.path()).unwrap())
            .collect();
        assert_eq!(found, [Path::new("a/x/m.json"), Path::new("a/y/m.json")]);
        assert!(is_deep(Path::new("*/a.yml")) && !is_deep(Path::new("?/a.yml")));
    }

    #[test]
    fn a_folder_that_cannot_be_listed_is_no_empty_one() {
        let names = |path: &str| expand(Path::new(path)).map_err(|error| error.kind());
        assert_eq!(names("no such folder/*.yml"), Ok(Vec::new()));
        let through_a_file = names("Cargo.toml/*.yml");
        assert_eq!(through_a_file, Err(io::ErrorKind::NotADirectory));
    }
}
