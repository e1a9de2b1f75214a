//! What is wrong with an exposition, and where.

use std::fmt::{self, Write as _};

/// How bad a [`Fault`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[derive(strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Severity {
    /// The format's specification forbids it, Prometheus tolerates it: verdicts stand.
    Violation,
    /// Prometheus 3 itself would fail the scrape: nothing was measured.
    Error,
}

impl Severity {
    /// The word that outputs use.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// One thing wrong with an exposition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Whether Prometheus would fail the scrape.
    pub severity: Severity,
    /// Line, from 1; 0 where the fault concerns the whole body.
    pub line: u64,
    /// Column in bytes, from 1; 0 where the fault concerns the whole line.
    pub column: u64,
    /// The same in code units of UTF-16, as SARIF and editors count.
    pub column_utf16: u64,
    /// What was expected and what was seen, without location.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            severity,
            line,
            column,
            column_utf16: _,
            message,
        } = self;
        write!(f, "{} {line}:{column} {message}", severity.as_str())
    }
}

/// The faults of one body: all counted, the first `max` of them worded.
#[derive(Debug)]
pub(super) struct Faults {
    max: usize,
    pub(super) errors: u64,
    pub(super) violations: u64,
    /// Worded and not yet handed out.
    pub(super) pending: Vec<Fault>,
}

impl Faults {
    pub(super) fn new(max: usize) -> Self {
        Self {
            max,
            errors: 0,
            violations: 0,
            pending: Vec::new(),
        }
    }

    /// Every fault so far, worded or not.
    #[inline(always)]
    pub(super) fn tally(&self) -> Tally {
        Tally {
            errors: self.errors,
            violations: self.violations,
        }
    }

    #[cold]
    pub(super) fn push(
        &mut self,
        severity: Severity,
        place: Place,
        message: impl FnOnce() -> String,
    ) {
        if self.errors + self.violations < self.max as u64 {
            self.pending.push(Fault {
                severity,
                line: place.line,
                column: place.column,
                column_utf16: place.column_utf16,
                message: message(),
            });
        }
        match severity {
            Severity::Error => self.errors += 1,
            Severity::Violation => self.violations += 1,
        }
    }
}

/// How many faults there were at some point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) errors: u64,
    pub(super) violations: u64,
}

/// Where a fault is, from 1; column 0 where it concerns the whole line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    line: u64,
    /// In bytes.
    column: u64,
    /// In code units of UTF-16.
    column_utf16: u64,
}

impl Place {
    /// A column in front of which there is nothing but ASCII.
    pub(super) fn new(line: u64, column: u64) -> Self {
        Self {
            line,
            column,
            column_utf16: column,
        }
    }
}

/// One line (or several, joined by raw newlines inside quotes) and its number.
#[derive(Clone, Copy)]
pub(super) struct Line<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) number: u64,
}

impl Line<'_> {
    /// The byte at `offset`; a newline at and past the end, as every line has one there.
    #[inline(always)]
    pub(super) fn at(&self, offset: usize) -> u8 {
        self.bytes.get(offset).copied().unwrap_or(b'\n')
    }

    /// Where `offset` is.
    pub(super) fn place(&self, offset: usize) -> Place {
        let before = &self.bytes[..offset.min(self.bytes.len())];
        let newlines = memchr::memchr_iter(b'\n', before).count() as u64;
        let start = memchr::memrchr(b'\n', before).map_or(0, |newline| newline + 1);
        let units = before[start..].utf8_chunks().map(|chunk| {
            // What is no character is shown as one each.
            let invalid = usize::from(!chunk.invalid().is_empty());
            chunk.valid().chars().map(char::len_utf16).sum::<usize>() + invalid
        });
        Place {
            line: self.number + newlines,
            column: (offset - start) as u64 + 1,
            column_utf16: units.sum::<usize>() as u64 + 1,
        }
    }

    /// What stands at `offset`, for a message: one character, or the end of the line.
    pub(super) fn seen(&self, offset: usize) -> String {
        match self.at(offset) {
            b'\n' => "the end of the line".to_owned(),
            b' ' => "a space".to_owned(),
            b'\t' => "a tab".to_owned(),
            b'\r' => "a carriage return".to_owned(),
            0 => "a NUL byte".to_owned(),
            _ => {
                let window = &self.bytes[offset..self.bytes.len().min(offset + 4)];
                let first = window.utf8_chunks().next();
                let character = first.and_then(|chunk| chunk.valid().chars().next());
                let bytes = character.map_or(1, char::len_utf8);
                Excerpt(&window[..bytes]).to_string()
            }
        }
    }

    /// The space-delimited word at `offset`, for a message.
    pub(super) fn seen_word(&self, offset: usize) -> String {
        let rest = &self.bytes[offset.min(self.bytes.len())..];
        let length = rest
            .iter()
            .position(|b| matches!(b, b' ' | b'\n'))
            .unwrap_or(rest.len());
        if length == 0 {
            self.seen(offset)
        } else {
            Excerpt(&rest[..length]).to_string()
        }
    }
}

/// Bytes of a body, quoted for a message: bounded, and inert in a terminal.
pub(super) struct Excerpt<'a>(pub(super) &'a [u8]);

/// A number for a message: short whatever its size.
pub(super) struct Number(pub(super) f64);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.0;
        if value.is_infinite() {
            f.write_str(if value > 0.0 { "+Inf" } else { "-Inf" })
        } else if value.is_finite() && value != 0.0 && !(1e-5..1e15).contains(&value.abs()) {
            write!(f, "{value:e}")
        } else {
            write!(f, "{value}")
        }
    }
}

const EXCERPT_CHARS_MAX: usize = 60;

impl fmt::Display for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Four bytes a character at most: no more than this need be looked at.
        let bounded = &self.0[..self.0.len().min(4 * EXCERPT_CHARS_MAX)];
        let mut left = EXCERPT_CHARS_MAX;
        f.write_char('`')?;
        for chunk in bounded.utf8_chunks() {
            for character in chunk.valid().chars() {
                if left == 0 {
                    return f.write_str("...`");
                }
                left -= 1;
                match character {
                    '"' | '\'' | '\\' => f.write_char(character)?,
                    _ => write!(f, "{}", character.escape_debug())?,
                }
            }
            for byte in chunk.invalid() {
                if left == 0 {
                    return f.write_str("...`");
                }
                left -= 1;
                write!(f, "\\x{byte:02x}")?;
            }
        }
        f.write_str(if bounded.len() < self.0.len() {
            "...`"
        } else {
            "`"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_counted_in_bytes_and_in_utf_16() {
        let line = Line {
            bytes: "a{b=\"\u{e9}\u{1f600}\"x".as_bytes(),
            number: 7,
        };
        let place = line.place(12);
        assert_eq!((place.line, place.column, place.column_utf16), (7, 13, 10));
    }

    #[test]
    fn excerpts_are_bounded_and_inert() {
        let cases: [(&[u8], &str); 4] = [
            (b"plain \"x\"", "`plain \"x\"`"),
            (b"\x1b[31mred\x07", "`\\u{1b}[31mred\\u{7}`"),
            (b"a\xffb", "`a\\xffb`"),
            ("caf\u{e9}\u{202e}".as_bytes(), "`caf\u{e9}\\u{202e}`"),
        ];
        for (bytes, expected) in cases {
            assert_eq!(Excerpt(bytes).to_string(), expected);
        }
        let long = Excerpt(&[b'x'; 10_000]).to_string();
        assert_eq!(long.len(), EXCERPT_CHARS_MAX + "`...`".len());
    }
}
