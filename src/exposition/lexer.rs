//! What lexers of lines share: names, quoted strings, and how an error is told.

use std::hash::{BuildHasher, Hasher};

use super::event::Span;
use super::fault::{Faults, Line, Severity};
use super::format::Format;
use super::limits::Limits;

/// Why a line was left before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Halt {
    /// An error was found at this offset and told; nothing more can be made of the line.
    Bad(usize),
    /// A quote opened at this offset is still open where the line ends, and may go on in the next one.
    Open(usize),
    /// Prometheus takes what stands here for the end of the body.
    End,
}

/// What the lexer needs to know of its surroundings.
pub(super) struct Lexer<'a> {
    pub(super) format: Format,
    pub(super) limits: &'a Limits,
    pub(super) hasher: &'a foldhash::fast::RandomState,
    pub(super) faults: &'a mut Faults,
    /// The line is known to be UTF-8.
    pub(super) utf8: bool,
    /// The line has raw newlines in it.
    pub(super) multiline: bool,
}

impl Lexer<'_> {
    #[inline(always)]
    pub(super) fn hash(&self, bytes: &[u8]) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(bytes);
        hasher.finish()
    }

    #[cold]
    pub(super) fn error(&mut self, line: Line<'_>, at: usize, message: impl FnOnce() -> String) {
        self.faults.push(Severity::Error, line.place(at), message);
    }

    #[cold]
    pub(super) fn violation(
        &mut self,
        line: Line<'_>,
        at: usize,
        message: impl FnOnce() -> String,
    ) {
        self.faults
            .push(Severity::Violation, line.place(at), message);
    }

    /// Tells an error that ends the reading of this line.
    #[cold]
    pub(super) fn bad<T>(
        &mut self,
        line: Line<'_>,
        at: usize,
        message: impl FnOnce() -> String,
    ) -> Result<T, Halt> {
        self.error(line, at, message);
        Err(Halt::Bad(at))
    }
}

const NAME_START: u8 = 1;
const NAME: u8 = 2;
const LABEL_START: u8 = 4;
const LABEL: u8 = 8;

/// What each byte may be part of.
static CLASS: [u8; 256] = {
    let mut class = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        class[byte] = match byte as u8 {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => NAME_START | NAME | LABEL_START | LABEL,
            b'0'..=b'9' => NAME | LABEL,
            b':' => NAME_START | NAME,
            _ => 0,
        };
        byte += 1;
    }
    class
};

/// The end of the unquoted label name at `at`; `at` itself if none is there.
#[inline(always)]
pub(super) fn label_name_end(line: &[u8], at: usize) -> usize {
    word_end(line, at, LABEL_START, LABEL)
}

/// The end of the metric name whose bytes up to `at` are known to be of one.
#[inline(always)]
pub(super) fn rest_of_metric_name(line: &[u8], mut at: usize) -> usize {
    while line.get(at).is_some_and(|&b| CLASS[b as usize] & NAME != 0) {
        at += 1;
    }
    at
}

/// The end of the unquoted metric name at `at`; `at` itself if none is there.
#[inline(always)]
pub(super) fn metric_name_end(line: &[u8], at: usize) -> usize {
    word_end(line, at, NAME_START, NAME)
}

#[inline(always)]
fn word_end(line: &[u8], at: usize, start: u8, rest: u8) -> usize {
    if line.get(at).is_none_or(|&b| CLASS[b as usize] & start == 0) {
        return at;
    }
    let mut end = at + 1;
    while line
        .get(end)
        .is_some_and(|&b| CLASS[b as usize] & rest != 0)
    {
        end += 1;
    }
    end
}

#[inline(always)]
pub(super) fn skip_blanks(line: &[u8], mut at: usize) -> usize {
    while line.get(at).is_some_and(|b| matches!(b, b' ' | b'\t')) {
        at += 1;
    }
    at
}

/// The offset of the first quote or backslash at or after `at`, or the line's length.
#[inline(always)]
pub(super) fn quote_or_backslash(line: &[u8], mut at: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    // Eight bytes at a time: values are short, so that setting up a wider search costs more than it saves.
    while let Some(word) = line
        .get(at..at + 8)
        .and_then(|bytes| bytes.try_into().ok())
        .map(u64::from_le_bytes)
    {
        let quote = word ^ (ONES * b'"' as u64);
        let slash = word ^ (ONES * b'\\' as u64);
        let hits = (quote.wrapping_sub(ONES) & !quote | slash.wrapping_sub(ONES) & !slash) & HIGHS;
        if hits != 0 {
            return at + (hits.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while line.get(at).is_some_and(|&b| b != b'"' && b != b'\\') {
        at += 1;
    }
    at
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Newlines {
    Allowed,
    Forbidden,
}

/// The offset behind the string quoted at `at`.
#[cold]
pub(super) fn quoted_end(
    line: Line<'_>,
    open: usize,
    newlines: Newlines,
    lexer: &mut Lexer<'_>,
    what: &str,
) -> Result<usize, Halt> {
    let in_value = what == "label value";
    let mut newline = None;
    let mut at = open + 1;
    while let Some(&byte) = line.bytes.get(at) {
        match byte {
            b'"' => {
                if let Some(newline) = newline {
                    lexer.violation(line, newline, || {
                        format!("expected `\\n` in the {what}, saw a raw newline")
                    });
                }
                return Ok(at + 1);
            }
            b'\\' => {
                // Prometheus looks past NUL bytes in a value, even for the character that a backslash escapes.
                at += 1;
                while in_value && line.bytes.get(at) == Some(&0) {
                    at += 1;
                }
                if matches!(line.at(at), b'\n' | 0) {
                    return lexer.bad(line, at, || {
                        format!(
                            "expected a character after the backslash, saw {}",
                            line.seen(at)
                        )
                    });
                }
                check_escape(line, at, what, lexer);
            }
            b'\n' if newlines == Newlines::Forbidden => break,
            b'\n' => newline = newline.or(Some(at)),
            0 if !in_value => {
                return lexer.bad(line, at, || {
                    format!("expected no NUL byte in a quoted {what}")
                });
            }
            _ => {}
        }
        at += 1;
    }
    if newlines == Newlines::Allowed {
        return Err(Halt::Open(open));
    }
    lexer.bad(line, at, || {
        format!("expected a closing quote after the {what}, saw the end of the line")
    })
}

/// The text format knows three escapes; Prometheus takes any other backslash for itself, and OpenMetrics lets
/// one stand before any character. `at` is behind the backslash.
#[cold]
pub(super) fn check_escape(line: Line<'_>, at: usize, what: &str, lexer: &mut Lexer<'_>) {
    if lexer.format == Format::Text && !matches!(line.at(at), b'\\' | b'"' | b'n') {
        lexer.violation(line, at, || {
            format!(
                "expected `\\\\`, `\\\"` or `\\n` in the {what}, saw a backslash before {}",
                line.seen(at)
            )
        });
    }
}

/// A quoted name, which Prometheus takes for any UTF-8 but nothing; OpenMetrics 1.0 knows none.
#[cold]
pub(super) fn check_quoted_name(
    line: Line<'_>,
    at: usize,
    name: Span,
    what: &str,
    lexer: &mut Lexer<'_>,
) -> Result<(), Halt> {
    if name.start == name.end {
        return lexer.bad(line, at, || format!("expected a {what}, saw an empty one"));
    }
    check_utf8(line, name, what, lexer)?;
    if lexer.format == Format::OpenMetrics {
        lexer.violation(line, at, || {
            format!("expected a {what} without quotes, which OpenMetrics 1.0 does not know")
        });
    }
    Ok(())
}

pub(super) fn check_utf8(
    line: Line<'_>,
    span: Span,
    what: &str,
    lexer: &mut Lexer<'_>,
) -> Result<(), Halt> {
    match std::str::from_utf8(span.of(line.bytes)) {
        Ok(_) => Ok(()),
        Err(error) => {
            let at = span.start as usize + error.valid_up_to();
            lexer.bad(line, at, || {
                format!("expected UTF-8 in the {what}, saw {}", line.seen(at))
            })
        }
    }
}
