//! The lexer of a series: a name and labels in braces, in either format.

use std::hash::{BuildHasher, Hasher};

use super::chunks::common_prefix;
use super::event::{LabelRole, LabelSpan, Span};
use super::fault::{Excerpt, Faults, Line, Severity};
use super::{Format, Limits};

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

/// The pieces of a series; the buffers serve line after line.
#[derive(Debug, Default)]
pub(super) struct Series {
    pub(super) name: Span,
    pub(super) labels: Vec<LabelSpan>,
    named: bool,
    leads: bool,
    scratch: Vec<u8>,
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
fn quote_or_backslash(line: &[u8], mut at: usize) -> usize {
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

impl Series {
    /// Reads the series at `at`, but for what `keep` kept of the one before. Returns the offset behind it.
    #[inline]
    pub(super) fn read(
        &mut self,
        line: Line<'_>,
        at: usize,
        kept: Kept,
        lexer: &mut Lexer<'_>,
    ) -> Result<usize, Halt> {
        match kept {
            Kept::Labels => {
                let Some(last) = self.labels.last() else {
                    return Err(Halt::Bad(at));
                };
                let at = last.end();
                return self.labels(line, at, true, lexer);
            }
            Kept::Name => {}
            Kept::Nothing => {
                let end = metric_name_end(line.bytes, at);
                self.name = Span::new(at, end);
                self.named = end > at;
                self.leads = self.named;
            }
        }
        self.labels.clear();
        let at = if self.named {
            self.name.end as usize
        } else {
            at
        };
        let brace = if lexer.format == Format::Text {
            skip_blanks(line.bytes, at)
        } else {
            at
        };
        if line.at(brace) == b'{' {
            self.labels(line, brace + 1, false, lexer)
        } else {
            Ok(at)
        }
    }

    /// The hash of all labels: the same in any order.
    #[inline(always)]
    pub(super) fn sum(&self) -> u64 {
        self.labels.last().map_or(0, |label| label.sum)
    }

    /// Keeps what of the series read last, from the line `previous`, is written on this line too.
    ///
    /// Neighbours are alike: the next bucket differs in its last label, a sum from the bucket before in its name.
    #[inline(always)]
    pub(super) fn keep(&mut self, line: &[u8], previous: &[u8]) -> Kept {
        let common = common_prefix(line, previous);
        let (start, end) = (self.name.start as usize, self.name.end as usize);
        if common <= start {
            return Kept::Nothing;
        }
        if common > end {
            return self.keep_labels(0, common);
        }
        // What the names have in common is known to be of a name.
        let mut now = common;
        while line
            .get(now)
            .is_some_and(|&b| CLASS[b as usize] & NAME != 0)
        {
            now += 1;
        }
        self.name = Span::new(start, now);
        if line.get(now) != Some(&b'{') || previous.get(end) != Some(&b'{') {
            return Kept::Name;
        }
        let common = common_prefix(&line[now..], &previous[end..]);
        self.keep_labels(now.wrapping_sub(end), end + common)
    }

    /// Keeps the labels that end before `common`, moved by `shift`.
    #[inline(always)]
    fn keep_labels(&mut self, shift: usize, common: usize) -> Kept {
        let Some(last) = self.labels.iter().rposition(|label| label.end() <= common) else {
            return Kept::Name;
        };
        self.labels.truncate(last + 1);
        if shift != 0 {
            for label in &mut self.labels {
                label.shift(shift as u32);
            }
        }
        Kept::Labels
    }

    /// Whether the name stands before the braces, unquoted.
    pub(super) fn name_leads(&self) -> bool {
        self.leads
    }

    /// Reads labels up to the closing brace, and returns the offset behind it.
    fn labels(
        &mut self,
        line: Line<'_>,
        mut at: usize,
        mut after_value: bool,
        lexer: &mut Lexer<'_>,
    ) -> Result<usize, Halt> {
        let text = lexer.format == Format::Text;
        let mut after_comma = None;
        loop {
            if text {
                at = skip_blanks(line.bytes, at);
            }
            if after_value {
                match line.at(at) {
                    b',' => {
                        after_comma = Some(at);
                        at += 1;
                        if text {
                            at = skip_blanks(line.bytes, at);
                        }
                    }
                    b'}' => return self.closed(line, at, lexer),
                    b'"' | b'a'..=b'z' | b'A'..=b'Z' | b'_' if text => {
                        lexer.violation(line, at, || {
                            format!(
                                "expected a comma before the next label, saw {}",
                                line.seen(at)
                            )
                        });
                    }
                    _ => {
                        return lexer.bad(line, at, || {
                            format!(
                                "expected a comma or a closing brace after the label, saw {}",
                                line.seen(at)
                            )
                        });
                    }
                }
            }
            let mut end = word_end(line.bytes, at, LABEL_START, LABEL);
            let mut name = Span::new(at, end);
            let quoted = end == at;
            if quoted {
                match line.at(at) {
                    b'}' => {
                        if let Some(comma) = after_comma.filter(|_| !text) {
                            lexer.violation(line, comma, || {
                                "expected no comma before the closing brace".to_owned()
                            });
                        }
                        return self.closed(line, at, lexer);
                    }
                    b'"' => {
                        end = quoted_end(line, at, Newlines::Allowed, lexer, "name")?;
                        name = Span::new(at + 1, end - 1);
                    }
                    _ => {
                        return lexer.bad(line, at, || {
                            format!("expected a label name, saw {}", line.seen(at))
                        });
                    }
                }
            }
            at = if text {
                skip_blanks(line.bytes, end)
            } else {
                end
            };
            if quoted && matches!(line.at(at), b',' | b'}') {
                self.quoted_metric_name(line, name, lexer)?;
                // What follows a name is what follows a label.
                after_value = true;
                after_comma = None;
                continue;
            }
            self.label(line, &mut at, name, quoted, text, lexer)?;
            after_value = true;
            after_comma = None;
        }
    }

    /// Reads `="value"` behind a label's name, leaving `at` behind it.
    #[inline(always)]
    fn label(
        &mut self,
        line: Line<'_>,
        at: &mut usize,
        name: Span,
        quoted: bool,
        text: bool,
        lexer: &mut Lexer<'_>,
    ) -> Result<(), Halt> {
        if line.at(*at) != b'=' {
            let at = *at;
            return lexer.bad(line, at, || {
                format!("expected `=` after the label name, saw {}", line.seen(at))
            });
        }
        *at += 1;
        if text {
            *at = skip_blanks(line.bytes, *at);
        }
        let open = *at;
        if line.at(open) != b'"' {
            return lexer.bad(line, open, || {
                format!("expected a quoted label value, saw {}", line.seen(open))
            });
        }
        let mut end = quote_or_backslash(line.bytes, open + 1);
        if line.bytes.get(end) != Some(&b'"') || lexer.multiline {
            let newlines = if text {
                Newlines::Allowed
            } else {
                Newlines::Forbidden
            };
            end = quoted_end(line, open, newlines, lexer, "label value")? - 1;
        }
        let value = Span::new(open + 1, end);
        *at = end + 1;
        if line.at(*at) == 0 {
            // Prometheus passes over NUL bytes wherever it reads a value, its closing quote included.
            lexer.violation(line, *at, || {
                "expected no NUL byte after a label".to_owned()
            });
            while line.at(*at) == 0 {
                *at += 1;
            }
        }
        let bytes = name.of(line.bytes);
        self.check_label(line, name, value, quoted, lexer)?;
        let role = match bytes {
            b"le" => LabelRole::Le,
            b"quantile" => LabelRole::Quantile,
            _ => LabelRole::Plain,
        };
        let hash = if open == name.end as usize + 1 {
            lexer.hash(&line.bytes[name.start as usize..end])
        } else {
            self.plain_hash(line, name, value, lexer)
        };
        let names = self.check_unique(line, name, lexer)?;
        let sum = hash.wrapping_add(self.sum());
        self.labels.push(LabelSpan {
            name,
            value,
            hash,
            sum,
            names,
            role,
        });
        Ok(())
    }

    /// The hash of a label written with blanks or with a quoted name: that of the same label without.
    #[cold]
    fn plain_hash(&mut self, line: Line<'_>, name: Span, value: Span, lexer: &Lexer<'_>) -> u64 {
        self.scratch.clear();
        self.scratch.extend_from_slice(name.of(line.bytes));
        self.scratch.extend_from_slice(b"=\"");
        self.scratch.extend_from_slice(value.of(line.bytes));
        lexer.hash(&self.scratch)
    }

    /// The rules that need no other label.
    #[inline(always)]
    fn check_label(
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
    fn check_unique(
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

    #[cold]
    fn quoted_metric_name(
        &mut self,
        line: Line<'_>,
        name: Span,
        lexer: &mut Lexer<'_>,
    ) -> Result<(), Halt> {
        let at = name.start as usize - 1;
        if self.named {
            return lexer.bad(line, at, || {
                "expected one metric name, saw a second".to_owned()
            });
        }
        self.named = true;
        self.name = name;
        check_quoted_name(line, at, name, "metric name", lexer)
    }

    #[inline(always)]
    fn closed(&self, line: Line<'_>, at: usize, lexer: &mut Lexer<'_>) -> Result<usize, Halt> {
        if !self.named {
            return lexer.bad(line, 0, || {
                "expected a metric name before or within the braces, saw none".to_owned()
            });
        }
        Ok(at + 1)
    }

    /// Reads the labels of an exemplar, from behind the opening brace; returns the offset behind the closing one.
    pub(super) fn read_exemplar(
        &mut self,
        line: Line<'_>,
        at: usize,
        lexer: &mut Lexer<'_>,
    ) -> Result<usize, Halt> {
        self.labels.clear();
        let mut at = at;
        loop {
            let mut end = word_end(line.bytes, at, LABEL_START, LABEL);
            let mut name = Span::new(at, end);
            let quoted = end == at;
            if quoted {
                match line.at(at) {
                    b'}' => {
                        if line.at(at - 1) == b',' {
                            lexer.violation(line, at - 1, || {
                                "expected no comma before the closing brace".to_owned()
                            });
                        }
                        return Ok(at + 1);
                    }
                    b'"' => {
                        end = quoted_end(line, at, Newlines::Forbidden, lexer, "name")?;
                        name = Span::new(at + 1, end - 1);
                    }
                    _ => {
                        return lexer.bad(line, at, || {
                            format!(
                                "expected a label name in the exemplar, saw {}",
                                line.seen(at)
                            )
                        });
                    }
                }
            }
            at = end;
            self.exemplar_label(line, &mut at, name, quoted, lexer)?;
            match line.at(at) {
                b',' => at += 1,
                b'}' => return Ok(at + 1),
                _ => {
                    return lexer.bad(line, at, || {
                        format!(
                            "expected a comma or a closing brace after the label, saw {}",
                            line.seen(at)
                        )
                    });
                }
            }
        }
    }

    fn exemplar_label(
        &mut self,
        line: Line<'_>,
        at: &mut usize,
        name: Span,
        quoted: bool,
        lexer: &mut Lexer<'_>,
    ) -> Result<(), Halt> {
        let (equals, open) = (*at, *at + 1);
        if line.at(equals) != b'=' {
            return lexer.bad(line, equals, || {
                format!(
                    "expected `=` after the label name, saw {}",
                    line.seen(equals)
                )
            });
        }
        if line.at(open) != b'"' {
            return lexer.bad(line, open, || {
                format!("expected a quoted label value, saw {}", line.seen(open))
            });
        }
        let end = quoted_end(line, open, Newlines::Forbidden, lexer, "label value")?;
        let value = Span::new(open + 1, end - 1);
        if let Some(nul) = memchr::memchr(0, value.of(line.bytes)) {
            let nul = open + 1 + nul;
            return lexer.bad(line, nul, || {
                "expected no NUL byte in an exemplar".to_owned()
            });
        }
        check_utf8(line, value, "label value", lexer)?;
        let bytes = name.of(line.bytes);
        if quoted {
            lexer.violation(line, name.start as usize - 1, || {
                "expected a label name without quotes in an exemplar".to_owned()
            });
        }
        if self
            .labels
            .iter()
            .any(|label| label.name.of(line.bytes) == bytes)
        {
            lexer.violation(line, name.start as usize, || {
                format!(
                    "expected each label of the exemplar once, saw {} again",
                    Excerpt(bytes)
                )
            });
        }
        *at = end;
        self.labels.push(LabelSpan {
            name,
            value,
            hash: 0,
            sum: 0,
            names: 0,
            role: LabelRole::Plain,
        });
        Ok(())
    }
}

/// What of the previous series stands in the same bytes on this line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    Nothing,
    Name,
    Labels,
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

fn check_utf8(line: Line<'_>, span: Span, what: &str, lexer: &mut Lexer<'_>) -> Result<(), Halt> {
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
