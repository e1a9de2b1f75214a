//! Where in the repository a finding is: code hosts take paths below its root alone, and refuse or misplace others.

use std::path::{Component, Path, PathBuf};

use percent_encoding::percent_decode_str;

/// What stands for an input without a path.
const NAMELESS: &str = "metrics";

/// What a finding points at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// A file of the repository, by its path from the root.
    File(PathBuf),
    /// Something else: the segments of its path, and what it is called.
    Elsewhere {
        segments: Vec<String>,
        address: String,
    },
}

impl Place {
    /// Where an input is, as seen from the repository that the command runs in.
    pub(super) fn of(input: &str) -> Self {
        let here = std::env::current_dir().unwrap_or_default();
        let workspace = std::env::var_os("GITHUB_WORKSPACE").map(PathBuf::from);
        Self::below(input, &here, &root(&here, workspace))
    }

    /// `here` is what a relative path begins from.
    fn below(input: &str, here: &Path, root: &Path) -> Self {
        if let Some((_, rest)) = input.split_once("://") {
            let path = rest.split_once('/').map_or("", |(_, path)| path);
            let path = path.split(['?', '#']).next().unwrap_or_default();
            let segments = path
                .split('/')
                .map(|segment| percent_decode_str(segment).decode_utf8_lossy())
                // No segment may lead out of the repository, or to its root.
                .filter(|segment| !matches!(&**segment, "" | "." | ".."))
                .map(|segment| segment.into_owned());
            return Self::elsewhere(segments.collect(), input);
        }
        let whole = plain(&here.join(input));
        match whole.strip_prefix(root) {
            Ok(path) if !path.as_os_str().is_empty() => Place::File(path.to_path_buf()),
            Ok(_) | Err(_) => {
                let parts = whole.components();
                let segments = parts.filter_map(|part| match part {
                    Component::Normal(name) => Some(name.to_string_lossy().into_owned()),
                    Component::Prefix(_)
                    | Component::RootDir
                    | Component::CurDir
                    | Component::ParentDir => None,
                });
                Self::elsewhere(segments.collect(), &whole.to_string_lossy())
            }
        }
    }

    fn elsewhere(mut segments: Vec<String>, address: &str) -> Self {
        if segments.is_empty() {
            segments.push(NAMELESS.to_owned());
        }
        Place::Elsewhere {
            segments,
            address: address.to_owned(),
        }
    }

    /// A relative reference (RFC 3986): what a path may hold and a URI may not is escaped, a colon too, which would make
    /// a scheme of what stands before it. Of what is elsewhere, the whole path, which hardly names a file of the
    /// repository.
    pub(super) fn uri(&self) -> String {
        match self {
            Place::File(path) => escape(&path.to_string_lossy(), b"/"),
            Place::Elsewhere { segments, .. } => {
                let escaped: Vec<String> = segments.iter().map(|part| escape(part, b"")).collect();
                escaped.join("/")
            }
        }
    }

    /// What was judged, where that is no file of the repository.
    pub(super) fn address(&self) -> Option<&str> {
        match self {
            Place::File(_) => None,
            Place::Elsewhere { address, .. } => Some(address),
        }
    }

    /// The path from the root, of a file of the repository.
    pub(super) fn file(&self) -> Option<&Path> {
        match self {
            Place::File(path) => Some(path),
            Place::Elsewhere { .. } => None,
        }
    }
}

/// The root of the repository: what the workflow says where the command runs in it, else the next folder upwards that
/// git keeps, else where the command runs.
fn root(here: &Path, workspace: Option<PathBuf>) -> PathBuf {
    let workspace = workspace.filter(|root| root.is_absolute() && here.starts_with(root));
    let kept = || here.ancestors().find(|folder| folder.join(".git").exists());
    workspace.unwrap_or_else(|| kept().unwrap_or(here).to_path_buf())
}

/// A path without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => plain.push(part),
        }
    }
    plain
}

fn escape(text: &str, kept: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || kept.contains(&byte) {
            out.push(char::from(byte));
        } else {
            out += &format!("%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_point_at_paths_in_the_repository() {
        let (here, root) = (Path::new("/repo/services/shop"), Path::new("/repo"));
        for (input, uri, file, address) in [
            (
                "metrics.txt",
                "services/shop/metrics.txt",
                Some("services/shop/metrics.txt"),
                None,
            ),
            (
                "./out/a b.txt",
                "services/shop/out/a%20b.txt",
                Some("services/shop/out/a b.txt"),
                None,
            ),
            ("../../m.txt", "m.txt", Some("m.txt"), None),
            (
                "/repo/build/m.txt",
                "build/m.txt",
                Some("build/m.txt"),
                None,
            ),
            ("../../c:d.txt", "c%3Ad.txt", Some("c:d.txt"), None),
            (
                "/tmp/c:d/m.txt",
                "tmp/c%3Ad/m.txt",
                None,
                Some("/tmp/c:d/m.txt"),
            ),
            (
                "../../../other/m.txt",
                "other/m.txt",
                None,
                Some("/other/m.txt"),
            ),
            (
                "http://shop:8067/metrics?a=b",
                "metrics",
                None,
                Some("http://shop:8067/metrics?a=b"),
            ),
            (
                "http://shop:8067/plugins/x/metrics",
                "plugins/x/metrics",
                None,
                Some("http://shop:8067/plugins/x/metrics"),
            ),
            (
                "http://shop:8067/",
                "metrics",
                None,
                Some("http://shop:8067/"),
            ),
            (
                "http://shop:8067/a/../../m",
                "a/m",
                None,
                Some("http://shop:8067/a/../../m"),
            ),
            (
                "http://shop:8067/%2e%2e/a%20b/c%2F..%2Fd",
                "a%20b/c%2F..%2Fd",
                None,
                Some("http://shop:8067/%2e%2e/a%20b/c%2F..%2Fd"),
            ),
        ] {
            let place = Place::below(input, here, root);
            assert_eq!(place.uri(), uri, "{input}");
            assert_eq!(place.file(), file.map(Path::new), "{input}");
            assert_eq!(place.address(), address, "{input}");
        }
    }

    #[test]
    fn the_root_is_the_repositorys() {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path().join("a/b");
        std::fs::create_dir_all(&here).unwrap();
        assert_eq!(root(&here, None), here);
        std::fs::write(folder.path().join("a/.git"), "gitdir: elsewhere").unwrap();
        assert_eq!(root(&here, None), folder.path().join("a"));
        let workspace = folder.path().to_path_buf();
        assert_eq!(root(&here, Some(workspace.clone())), workspace);
        assert_eq!(
            root(&here, Some("/somewhere".into())),
            folder.path().join("a")
        );
        assert_eq!(root(&here, Some("".into())), folder.path().join("a"));
    }
}
