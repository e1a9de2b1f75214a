//! The lexer of a series: a name and labels in braces, in either format.

use super::chunks::common_prefix;
use super::event::{LabelRole, LabelSpan, Span};
use super::fault::Line;
use super::format::Format;
use super::lexer::{
    Halt, Lexer, Newlines, check_quoted_name, label_name_end, metric_name_end, quote_or_backslash,
    quoted_end, rest_of_metric_name, skip_blanks,
};

/// The pieces of a series; the buffers serve line after line.
#[derive(Debug, Default)]
pub(super) struct Series {
    pub(super) name: Span,
    pub(super) labels: Vec<LabelSpan>,
    named: bool,
    leads: bool,
    /// A name may have come twice: all of them are compared at the closing brace.
    pub(super) doubtful: bool,
    pub(super) scratch: Vec<u8>,
}

impl Series {
    /// Reads the series at `at`, but for what `keep` reused of the one before. Returns the offset behind it.
    #[inline]
    pub(super) fn read(
        &mut self,
        line: Line<'_>,
        at: usize,
        reused: Reused,
        lexer: &mut Lexer<'_>,
    ) -> Result<usize, Halt> {
        match reused {
            Reused::Labels => {
                let Some(last) = self.labels.last() else {
                    return Err(Halt::Bad(at));
                };
                let at = last.end();
                return self.labels(line, at, true, lexer);
            }
            Reused::Name => {}
            Reused::Nothing => {
                let end = metric_name_end(line.bytes, at);
                self.name = Span::new(at, end);
                self.named = end > at;
                self.leads = self.named;
            }
        }
        self.labels.clear();
        self.doubtful = false;
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
    pub(super) fn keep(&mut self, line: &[u8], previous: &[u8]) -> Reused {
        let common = common_prefix(line, previous);
        let (start, end) = (self.name.start as usize, self.name.end as usize);
        if common <= start {
            return Reused::Nothing;
        }
        if common > end {
            return self.keep_labels(line, 0, common);
        }
        // What the names have in common is known to be of a name.
        let now = rest_of_metric_name(line, common);
        self.name = Span::new(start, now);
        if line.get(now) != Some(&b'{') || previous.get(end) != Some(&b'{') {
            return Reused::Name;
        }
        let common = common_prefix(&line[now..], &previous[end..]);
        self.keep_labels(line, now.wrapping_sub(end), end + common)
    }

    /// Keeps the labels that end before `common`, moved by `shift`. A NUL byte behind a label belongs
    /// to it (Prometheus passes over it): such a label is read anew.
    #[inline(always)]
    fn keep_labels(&mut self, line: &[u8], shift: usize, common: usize) -> Reused {
        let stays = |label: &LabelSpan| {
            label.end() <= common && line.get(label.end().wrapping_add(shift)) != Some(&0)
        };
        let Some(last) = self.labels.iter().rposition(stays) else {
            return Reused::Name;
        };
        self.labels.truncate(last + 1);
        if shift != 0 {
            for label in &mut self.labels {
                label.shift(shift as u32);
            }
        }
        Reused::Labels
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
            let mut end = label_name_end(line.bytes, at);
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
        let names = self.note_name(line, name, quoted);
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
        if self.doubtful {
            self.check_unique(line, lexer);
        }
        Ok(at + 1)
    }
}

/// What of the previous series stands in the same bytes on this line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reused {
    Nothing,
    Name,
    Labels,
}
