//! The rules on the labels of one series.

use super::Format;
use super::event::Span;
use super::fault::{Excerpt, Line};
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

    /// That no label before has this name. Returns the bits of the names so far.
    #[inline(always)]
    pub(super) fn check_unique(
        &mut self,
        line: Line<'_>,
        name: Span,
        lexer: &mut Lexer<'_>,
    ) -> Result<u64, Halt> {
        let bytes = name.of(line.bytes);
        let (first, last) = (
            bytes.first().copied().unwrap_or(0),
            bytes.last().copied().unwrap_or(0),
        );
        let mixed = (u64::from(first) << 16 | u64::from(last) << 8 | bytes.len() as u64)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let bit = 1 << (mixed >> 58);
        let before = self.labels.last().map_or(0, |label| label.names);
        if before & bit != 0
            && self
                .labels
                .iter()
                .any(|label| label.name.of(line.bytes) == bytes)
        {
            self.duplicate_label(line, name, lexer)?;
        }
        Ok(before | bit)
    }

    /// Prometheus drops labels without value before it looks for duplicates.
    #[cold]
    fn duplicate_label(
        &self,
        line: Line<'_>,
        name: Span,
        lexer: &mut Lexer<'_>,
    ) -> Result<(), Halt> {
        let bytes = name.of(line.bytes);
        let at = name.start as usize;
        let message = || format!("expected each label once, saw {} again", Excerpt(bytes));
        let mut values = self
            .labels
            .iter()
            .filter(|label| label.name.of(line.bytes) == bytes)
            .map(|label| label.value);
        let empty = |value: Span| value.start == value.end;
        if values.any(empty) || line.bytes[name.end as usize..].starts_with(b"=\"\"") {
            lexer.violation(line, at, message);
            return Ok(());
        }
        lexer.error(line, at, message);
        Ok(())
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
