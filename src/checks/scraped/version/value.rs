//! What a version looks like.

use crate::checks::naming::words::Words;

/// Values that stand where a version should, in lower case.
const PLACEHOLDERS: Words = Words(
    "unknown dev devel (devel) development _ - none null nil n/a undefined latest snapshot unset local unspecified \
     unversioned unreleased head main master no-version not-set todo changeme ${version}",
);

/// What the number of a build begins with.
const BUILD_PREFIXES: [&str; 8] = ["build-", "build_", "build.", "build", "v", "r", "b", "#"];

/// Whether a value stands where a version should, and is none. `0.0.0` is none unless a revision follows, as in Go's
/// pseudo-versions.
pub(super) fn is_placeholder(value: &str) -> bool {
    let value = value.trim().to_ascii_lowercase();
    let plain = value.strip_prefix('v').unwrap_or(&value);
    let is_zero = plain.bytes().any(|b| b == b'0') && plain.bytes().all(|b| b == b'0');
    let is_nought = plain.starts_with("0.0.0") && !tokens(plain).any(is_revision_part);
    value.is_empty() || PLACEHOLDERS.has(&value) || is_zero || is_nought
}

/// Whether a value reads as a version: `v1.2`, `1.2.3-rc1+x`, a date, `RELEASE.<date>`, a revision, the number of a build.
pub(super) fn looks_like_version(value: &str) -> bool {
    let value = value.trim();
    is_revision(value)
        || tokens(value).any(|token| is_dotted(token) || is_revision_part(token))
        || is_date(value)
        || is_build_number(value)
}

/// The parts of a value that may be a version each.
fn tokens(value: &str) -> impl Iterator<Item = &str> {
    value.split([' ', '-', '_', '/', '@', '+', '(', ')', ':'])
}

/// 7 to 40 hex digits, as git abbreviates and prints them, or the 64 of a digest.
fn is_revision(value: &str) -> bool {
    let length = value.len();
    ((7..=40).contains(&length) || length == 64) && value.bytes().all(|b| b.is_ascii_hexdigit())
}

/// The same in a longer value: `sha-3f2a9c1`, `main-g3f2a9c1`. There words are commoner, so a digit is asked for, and not
/// nothing but `0`.
fn is_revision_part(token: &str) -> bool {
    let token = token.strip_prefix('g').unwrap_or(token);
    let has_letter = token.bytes().any(|b| b.is_ascii_alphabetic());
    let has_digit = token.bytes().any(|b| (b'1'..=b'9').contains(&b));
    is_revision(token) && has_letter && has_digit
}

/// `1234`, `v42`, `build-1234`: two digits at least, as `v1` is an API's.
fn is_build_number(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    let number = BUILD_PREFIXES
        .iter()
        .find_map(|prefix| lower.strip_prefix(prefix))
        .unwrap_or(&lower);
    number.len() >= 2 && number.bytes().all(|b| b.is_ascii_digit())
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
    use super::*;

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
            "sha-3f2a9c1",
            "main-3f2a9c1",
            "main-g3f2a9c1",
            "git-3f2a9c1d",
            "3f2a9c1d-dirty",
            "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
            "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
            "1234",
            "172",
            "v42",
            "build-1234",
            "v0.0.0-20240102030405-3f2a9c1d0e1f",
        ] {
            assert!(looks_like_version(version), "{version}");
        }
        for word in [
            "v1",
            "go1.19.1",
            "main",
            "",
            "stable",
            "1",
            "beta",
            "x.y",
            "facade-defaced",
            "main-0000000",
            "vx",
            "2024x01-02",
            "2024-xx-02",
            "2024-01x02",
            "2024-01-xx",
            "1824-01-02",
        ] {
            assert!(!looks_like_version(word), "{word}");
        }
    }

    #[test]
    fn placeholders_are_told_from_versions() {
        for value in [
            "dev",
            "",
            "0.0.0",
            "v0.0.0-unset",
            "0.0.0-SNAPSHOT",
            "v0.0.0-00010101000000-000000000000",
            "0000000",
            "0000000000000000000000000000000000000000",
        ] {
            assert!(is_placeholder(value), "{value}");
        }
        for value in [
            "v0.0.0-20240102030405-3f2a9c1d0e1f",
            "0.0.0+3f2a9c1",
            "0.0.1",
            "1000000",
        ] {
            assert!(!is_placeholder(value), "{value}");
        }
    }
}
