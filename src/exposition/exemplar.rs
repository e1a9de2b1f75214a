//! The lexer of an exemplar's labels (OpenMetrics).

use super::event::{LabelRole, LabelSpan, Span};
use super::fault::{Excerpt, Line};
use super::lexer::{Halt, Lexer, Newlines, check_utf8, label_name_end, quoted_end};
use super::series::Series;

impl Series {
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
            let mut end = label_name_end(line.bytes, at);
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
