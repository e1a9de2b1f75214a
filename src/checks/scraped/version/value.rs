//! What a version looks like.

use crate::checks::naming::words::Words;

/// Values that stand where a version should, in lower case.
const PLACEHOLDERS: Words = Words(
    "unknown dev devel (devel) development _ - none null nil n/a undefined latest snapshot unset local unspecified \
     unversioned unreleased head main master no-version not-set todo changeme ${version}",
);

/// Whether a value stands where a version should, and is none.
pub(super) fn is_placeholder(value: &str) -> bool {
    let value = value.trim().to_ascii_lowercase();
    let plain = value.strip_prefix('v').unwrap_or(&value);
    value.is_empty() || PLACEHOLDERS.has(&value) || plain.starts_with("0.0.0")
}

/// Whether a value reads as a version: `v1.2`, `1.2.3-rc1+x`, a date, `RELEASE.<date>`, a revision.
pub(super) fn looks_like_version(value: &str) -> bool {
    let value = value.trim();
    if is_revision(value) {
        return true;
    }
    value
        .split([' ', '-', '_', '/', '@', '+', '(', ')'])
        .any(is_dotted)
        || is_date(value)
}

/// 7 to 40 hex digits, as git abbreviates and prints them.
fn is_revision(value: &str) -> bool {
    (7..=40).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_hexdigit())
}

/// `v1.2`, `1.2.3rc1`, `RELEASE.2024-01-02...` is left to [`is_date`].
fn is_dotted(token: &str) -> bool {
    let token = token.strip_prefix(['v', 'V']).unwrap_or(token);
    let Some((major, rest)) = token.split_once('.') else {
        return false;
    };
    !major.is_empty()
        && major.bytes().all(|b| b.is_ascii_digit())
        && rest.bytes().next().is_some_and(|b| b.is_ascii_digit())
}

/// Holds `YYYY-MM-DD` or `YYYYMMDD`, as in `RELEASE.2023-05-04T21-44-30Z`.
fn is_date(value: &str) -> bool {
    let bytes = value.as_bytes();
    let digits = |from: usize, count: usize| {
        bytes
            .get(from..from + count)
            .is_some_and(|part| part.iter().all(u8::is_ascii_digit))
    };
    (0..bytes.len()).any(|at| {
        let century = bytes[at..].starts_with(b"19") || bytes[at..].starts_with(b"20");
        let dashed = digits(at, 4)
            && bytes.get(at + 4) == Some(&b'-')
            && digits(at + 5, 2)
            && bytes.get(at + 7) == Some(&b'-')
            && digits(at + 8, 2);
        century && (dashed || digits(at, 8))
    })
}

#[cfg(test)]
mod tests {
    use super::looks_like_version;

    #[test]
    fn versions_are_told_from_words() {
        for version in [
            "v1.2",
            "1.2.3-rc1+x",
            "1.9.0",
            "release-1.4.0",
            "2024-01-02",
            "20240102",
            "RELEASE.2023-05-04T21-44-30Z",
            "ef176e5",
            "0123456789abcdef0123456789abcdef01234567",
            "15.3 (Debian 15.3-1)",
            "v0.16.0rc1",
            "nightly-20240102-ef176e5",
        ] {
            assert!(looks_like_version(version), "{version}");
        }
        for word in ["v1", "go1.19.1", "main", "", "stable", "172", "beta", "x.y"] {
            assert!(!looks_like_version(word), "{word}");
        }
    }
}
