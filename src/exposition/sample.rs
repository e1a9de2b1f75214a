//! The lexer of a sample's line behind its series: value, time, exemplar.

use super::event::Span;
use super::fault::{Line, Place, Severity};
use super::format::Format;
use super::lexer::{Halt, Lexer, skip_blanks};
use super::limits::Limits;
use super::number::{self, NumberError};
use super::series::Series;

/// What follows a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Tail {
    pub(super) value: f64,
    pub(super) value_at: usize,
    pub(super) time: Option<Time>,
    pub(super) exemplar: Option<ExemplarTail>,
}

/// A time as written and in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Time {
    /// In the unit of the format: finer than milliseconds in OpenMetrics, where order counts.
    pub(super) written: f64,
    pub(super) ms: i64,
    pub(super) at: usize,
}

/// An exemplar without its labels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct ExemplarTail {
    pub(super) value: f64,
    pub(super) timestamp: Option<i64>,
    /// Where its labels open.
    pub(super) at: usize,
    pub(super) value_at: usize,
}

/// Reads the tail of a text line: blanks, value, and maybe a whole number of milliseconds.
#[inline]
pub(super) fn read_text(line: Line<'_>, at: usize, lexer: &mut Lexer<'_>) -> Result<Tail, Halt> {
    let value_at = skip_blanks(line.bytes, at);
    let mut end = value_at;
    while line
        .bytes
        .get(end)
        .is_some_and(|&b| b > b' ' && b != b'{' || !matches!(b, b' ' | b'\t' | b'\n' | b'{' | 0))
    {
        end += 1;
    }
    let value = value(line, value_at, end, lexer)?;
    let mut at = skip_blanks(line.bytes, end);
    let mut time = None;
    if line.at(at) != b'\n' {
        (time, at) = text_time(line, at, lexer)?;
    }
    if line.at(at) != b'\n' {
        let what = if time.is_some() { "timestamp" } else { "value" };
        return lexer.bad(line, at, || {
            format!(
                "expected the end of the line after the {what}, saw {}",
                line.seen_word(at)
            )
        });
    }
    Ok(Tail {
        value,
        value_at,
        time,
        exemplar: None,
    })
}

#[cold]
fn text_time(
    line: Line<'_>,
    at: usize,
    lexer: &mut Lexer<'_>,
) -> Result<(Option<Time>, usize), Halt> {
    let digits = line.bytes[at..]
        .iter()
        .take_while(|b| b.is_ascii_digit())
        .count();
    if digits == 0 {
        return lexer.bad(line, at, || {
            format!(
                "expected a timestamp in whole milliseconds or the end of the line, saw {}",
                line.seen_word(at)
            )
        });
    }
    let end = at + digits;
    let mut ms: i64 = 0;
    for &digit in &line.bytes[at..end] {
        let next = ms
            .checked_mul(10)
            .and_then(|ms| ms.checked_add(i64::from(digit - b'0')));
        match next {
            Some(next) => ms = next,
            None => {
                return lexer.bad(line, at, || {
                    format!(
                        "expected a timestamp within 64 bits, saw {}",
                        line.seen_word(at)
                    )
                });
            }
        }
    }
    Ok((
        Some(Time {
            written: ms as f64,
            ms,
            at,
        }),
        skip_blanks(line.bytes, end),
    ))
}

/// Reads the tail of an OpenMetrics line: exactly one space before each part.
#[inline]
pub(super) fn read_openmetrics(
    line: Line<'_>,
    at: usize,
    exemplar: &mut Series,
    lexer: &mut Lexer<'_>,
) -> Result<Tail, Halt> {
    if line.at(at) != b' ' {
        let what = if line.at(at) == b'\n' {
            "a value after the series"
        } else {
            "a space before the value"
        };
        return lexer.bad(line, at, || {
            format!("expected {what}, saw {}", line.seen(at))
        });
    }
    let value_at = at + 1;
    let mut at = word_end(line, value_at);
    let value = value(line, value_at, at, lexer)?;
    let mut tail = Tail {
        value,
        value_at,
        time: None,
        exemplar: None,
    };
    if line.at(at) == b'\n' {
        return Ok(tail);
    }
    if line.at(at) == b' ' && !opens_exemplar(line, at) {
        let (time, end) = seconds(line, at + 1, "a timestamp", lexer)?;
        tail.time = Some(time);
        at = end;
    }
    if opens_exemplar(line, at) {
        tail.exemplar = Some(read_exemplar(line, at + 3, exemplar, lexer)?);
        return Ok(tail);
    }
    if line.at(at) != b'\n' {
        return lexer.bad(line, at, || {
            format!(
                "expected an exemplar or the end of the line, saw {}",
                line.seen(at)
            )
        });
    }
    Ok(tail)
}

#[inline(always)]
fn opens_exemplar(line: Line<'_>, at: usize) -> bool {
    line.bytes[at.min(line.bytes.len())..].starts_with(b" # {")
}

#[cold]
fn read_exemplar(
    line: Line<'_>,
    at: usize,
    series: &mut Series,
    lexer: &mut Lexer<'_>,
) -> Result<ExemplarTail, Halt> {
    let mut end = series.read_exemplar(line, at + 1, lexer)?;
    if line.at(end) != b' ' {
        return lexer.bad(line, end, || {
            format!(
                "expected a space before the exemplar's value, saw {}",
                line.seen(end)
            )
        });
    }
    let value_at = end + 1;
    end = word_end(line, value_at);
    let value = value(line, value_at, end, lexer)?;
    let mut timestamp = None;
    if line.at(end) == b' ' {
        let (time, after) = seconds(line, end + 1, "an exemplar's timestamp", lexer)?;
        timestamp = Some(time.ms);
        end = after;
    }
    if line.at(end) != b'\n' {
        return lexer.bad(line, end, || {
            format!(
                "expected the end of the line after the exemplar, saw {}",
                line.seen(end)
            )
        });
    }
    Ok(ExemplarTail {
        value,
        timestamp,
        at,
        value_at,
    })
}

/// The end of what is neither space, newline nor NUL.
#[inline(always)]
fn word_end(line: Line<'_>, mut at: usize) -> usize {
    while line
        .bytes
        .get(at)
        .is_some_and(|b| !matches!(b, b' ' | b'\n' | 0))
    {
        at += 1;
    }
    at
}

#[inline(always)]
fn value(line: Line<'_>, at: usize, end: usize, lexer: &mut Lexer<'_>) -> Result<f64, Halt> {
    match number::parse(Span::new(at, end).of(line.bytes)) {
        Ok(value) => Ok(value),
        Err(error) => bad_value(line, at, end, error, lexer),
    }
}

#[cold]
fn bad_value(
    line: Line<'_>,
    at: usize,
    end: usize,
    error: NumberError,
    lexer: &mut Lexer<'_>,
) -> Result<f64, Halt> {
    if at == end {
        return lexer.bad(line, at, || {
            format!("expected a value after the series, saw {}", line.seen(at))
        });
    }
    lexer.bad(line, at, || match error {
        NumberError::Syntax => {
            format!("expected a number as the value, saw {}", line.seen_word(at))
        }
        NumberError::Range => format!(
            "expected a value within a 64-bit float, saw {}",
            line.seen_word(at)
        ),
    })
}

#[cold]
fn seconds(
    line: Line<'_>,
    at: usize,
    what: &str,
    lexer: &mut Lexer<'_>,
) -> Result<(Time, usize), Halt> {
    let end = word_end(line, at);
    match number::parse(&line.bytes[at..end]) {
        // Prometheus truncates, and so does the cast; out of range it saturates.
        Ok(written) if written.is_finite() => Ok((
            Time {
                written,
                ms: (written * 1000.0) as i64,
                at,
            },
            end,
        )),
        _ => lexer.bad(line, at, || {
            format!("expected {what} in seconds, saw {}", line.seen_word(at))
        }),
    }
}

/// Tells whether one more sample is allowed.
#[inline(always)]
pub(super) fn within_limit(
    line: Line<'_>,
    samples: u64,
    limits: &Limits,
    lexer: &mut Lexer<'_>,
) -> bool {
    if samples < limits.samples_max {
        return true;
    }
    lexer
        .faults
        .push(Severity::Error, Place::new(line.number, 1), || {
            format!(
                "expected at most {} samples (sample_limit), saw more",
                limits.samples_max
            )
        });
    false
}

impl Format {
    /// Reads what follows a series.
    #[inline(always)]
    pub(super) fn read_tail(
        self,
        line: Line<'_>,
        at: usize,
        exemplar: &mut Series,
        lexer: &mut Lexer<'_>,
    ) -> Result<Tail, Halt> {
        match self {
            Format::Text => read_text(line, at, lexer),
            Format::OpenMetrics => read_openmetrics(line, at, exemplar, lexer),
        }
    }
}
