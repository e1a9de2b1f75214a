//! The rules on the labels of one series.

use std::borrow::Cow;

use super::event::{LabelSpan, Span, unescape};
use super::fault::{Excerpt, Line, Severity};
use super::format::Format;
use super::lexer::{Halt, Lexer, check_quoted_name, check_utf8};
use super::series::Series;

impl Series {
    /// The hash of a label written with blanks or with a quoted name: that of the same label without.
    #[cold]
    pub(super) fn plain_hash(
        &mut self,
        line: Line<'_>,
        name: Span,
        value: Span,
        lexer: &Lexer<'_>,
    ) -> u64 {
        self.scratch.clear();
        self.scratch.extend_from_slice(name.of(line.bytes));
        self.scratch.extend_from_slice(b"=\"");
        self.scratch.extend_from_slice(value.of(line.bytes));
        lexer.hash(&self.scratch)
    }

    /// The rules that need no other label.
    #[inline(always)]
    pub(super) fn check_label(
        &mut self,
        line: Line<'_>,
        name: Span,
        value: Span,
        quoted: bool,
        lexer: &mut Lexer<'_>,
    ) -> Result<(), Halt> {
        let at = name.start as usize;
        let bytes = name.of(line.bytes);
        if quoted || bytes.first() == Some(&b'_') {
            check_odd_name(line, at, bytes, quoted, lexer)?;
        }
        if !lexer.utf8 {
            check_utf8(line, value, "label value", lexer)?;
        }
        let limits = lexer.limits;
        if self.labels.len() >= limits.labels_max {
            return lexer.bad(line, at, || {
                format!(
                    "expected at most {} labels (label_limit)",
                    limits.labels_max
                )
            });
        }
        if bytes.len() > limits.label_name_bytes_max {
            return lexer.bad(line, at, || {
                format!(
                    "expected at most {} bytes in a label name (label_name_length_limit), saw {}",
                    limits.label_name_bytes_max,
                    bytes.len()
                )
            });
        }
        let length = value.of(line.bytes).len();
        if length > limits.label_value_bytes_max {
            return lexer.bad(line, value.start as usize, || {
                format!(
                    "expected at most {} bytes in the value of {} (label_value_length_limit), saw {length}",
                    limits.label_value_bytes_max,
                    Excerpt(bytes)
                )
            });
        }
        Ok(())
    }

    /// Takes note where a label before may have this name. Returns the bits of the names so far.
    #[inline(always)]
    pub(super) fn note_name(&mut self, line: Line<'_>, name: Span, quoted: bool) -> u64 {
        let bytes = name.of(line.bytes);
        let (first, last) = (
            bytes.first().copied().unwrap_or(0),
            bytes.last().copied().unwrap_or(0),
        );
        let mixed = (u64::from(first) << 16 | u64::from(last) << 8 | bytes.len() as u64)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let bit = 1 << (mixed >> 58);
        let before = self.labels.last().map_or(0, |label| label.names);
        if before & bit != 0 {
            let mut names = self.labels.iter().map(|label| label.name.of(line.bytes));
            self.doubtful |= names.any(|name| name == bytes);
        }
        // The same name may be written with other escapes.
        self.doubtful |= quoted && bytes.contains(&b'\\');
        before | bit
    }

    /// That each name came once. Prometheus first drops every label without value, with all others of its name.
    #[cold]
    pub(super) fn check_unique(&self, line: Line<'_>, lexer: &mut Lexer<'_>) {
        let named = |label: &LabelSpan| unescaped(label.name.of(line.bytes));
        let mut names: Vec<_> = self.labels.iter().map(named).zip(&self.labels).collect();
        names.sort_by(|(one, _), (other, _)| one.cmp(other));
        let mut repeated = Vec::new();
        for same in names.chunk_by(|(one, _), (other, _)| one == other) {
            let dropped = same
                .iter()
                .any(|(_, label)| label.value.start == label.value.end);
            repeated.extend(same[1..].iter().map(|(name, label)| (label, dropped, name)));
        }
        repeated.sort_by_key(|(label, ..)| label.name.start);
        for (label, dropped, name) in repeated {
            let severity = if dropped {
                Severity::Violation
            } else {
                Severity::Error
            };
            let place = line.place(label.name.start as usize);
            lexer.faults.push(severity, place, || {
                format!("expected each label once, saw {} again", Excerpt(name))
            });
        }
    }
}

/// A name without its escapes.
fn unescaped(name: &[u8]) -> Cow<'_, [u8]> {
    match std::str::from_utf8(name).map(unescape) {
        Ok(Cow::Owned(plain)) => Cow::Owned(plain.into_bytes()),
        _ => Cow::Borrowed(name),
    }
}

/// A name that is quoted or begins with an underscore.
#[cold]
fn check_odd_name(
    line: Line<'_>,
    at: usize,
    bytes: &[u8],
    quoted: bool,
    lexer: &mut Lexer<'_>,
) -> Result<(), Halt> {
    if quoted {
        check_quoted_name(
            line,
            at - 1,
            Span::new(at, at + bytes.len()),
            "label name",
            lexer,
        )?;
    }
    if bytes == b"__name__" {
        return lexer.bad(line, at, || {
            "expected the metric name outside of the labels, saw `__name__`".to_owned()
        });
    }
    if lexer.format == Format::OpenMetrics && bytes.starts_with(b"_") {
        lexer.violation(line, at, || {
            format!(
                "expected a label name that does not begin with an underscore (reserved), saw {}",
                Excerpt(bytes)
            )
        });
    }
    Ok(())
}
