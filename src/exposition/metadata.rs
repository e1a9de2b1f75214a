//! The lexer of lines that begin with `#`.

use super::event::{MetricType, Span};
use super::fault::{Excerpt, Line};
use super::format::Format;
use super::lexer::{
    Halt, Lexer, Newlines, check_escape, check_quoted_name, metric_name_end, quoted_end,
    skip_blanks,
};

/// What a `#` line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comment {
    /// Nothing to a machine.
    Remark,
    /// The end marker of OpenMetrics.
    Eof,
    /// The same with more on its line, which is told.
    Overrun,
    /// Something of a family.
    Metadata(Metadata),
}

/// One piece of metadata of one family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Metadata {
    pub(super) name: Span,
    pub(super) text: Span,
    pub(super) what: What,
}

/// The kinds of metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Type(MetricType),
    Help,
    Unit,
}

impl What {
    pub(super) fn keyword(self) -> &'static str {
        match self {
            What::Type(_) => "TYPE",
            What::Help => "HELP",
            What::Unit => "UNIT",
        }
    }
}

/// Reads the line whose `#` stands at `at`.
pub(super) fn read(line: Line<'_>, at: usize, lexer: &mut Lexer<'_>) -> Result<Comment, Halt> {
    match lexer.format {
        Format::Text => read_text(line, at, lexer),
        Format::OpenMetrics => read_openmetrics(line, at, lexer),
    }
}

fn read_text(line: Line<'_>, at: usize, lexer: &mut Lexer<'_>) -> Result<Comment, Halt> {
    let keyword_at = skip_blanks(line.bytes, at + 1);
    let remark = |lexer: &mut Lexer<'_>| remark(line, at, keyword_at, lexer);
    if keyword_at == at + 1 {
        return remark(lexer);
    }
    let keywords = [What::Help, What::Type(MetricType::Unknown)];
    let found = keywords
        .iter()
        .find_map(|what| Some((*what, keyword_end(line, keyword_at, what.keyword())?)));
    let Some((what, end)) = found.filter(|(_, end)| matches!(line.at(*end), b' ' | b'\t')) else {
        return remark(lexer);
    };
    let mut name_at = end;
    while matches!(line.at(name_at), b' ' | b'\t') {
        name_at = skip_nuls(line, name_at + 1);
    }
    no_nuls(line, keyword_at, name_at, lexer);
    let (name, end) = name(line, name_at, what, lexer)?;
    // Prometheus drops one character after the name, whichever it is, and takes all the rest.
    let text_end = text_end(line, end, lexer);
    if line.at(end) == 0 {
        return lexer.bad(line, end, || {
            "expected a space after the metric name, saw a NUL byte".to_owned()
        });
    }
    let all_blank = skip_blanks(line.bytes, end) == text_end;
    let text = if all_blank {
        Span::new(text_end, text_end)
    } else {
        Span::new((end + 1).min(text_end), text_end)
    };
    if !all_blank && !matches!(line.at(end), b' ' | b'\t') {
        lexer.violation(line, end, || {
            format!(
                "expected a space after the metric name, saw {}",
                line.seen(end)
            )
        });
    }
    finish(line, name, text, what, lexer)
}

/// A comment for humans. A NUL byte in one ends the body for Prometheus, unless the lexer has left the first word behind.
fn remark(
    line: Line<'_>,
    at: usize,
    word_at: usize,
    lexer: &mut Lexer<'_>,
) -> Result<Comment, Halt> {
    let nul = match word_at == at + 1 {
        true => memchr::memchr(0, &line.bytes[at..]).map(|nul| at + nul),
        false => (line.at(word_at) == 0).then_some(word_at),
    };
    if let Some(nul) = nul {
        lexer.violation(line, nul, || {
            "expected no NUL byte here: Prometheus reads nothing past it".to_owned()
        });
        return Err(Halt::End);
    }
    if !lexer.utf8
        && let Err(error) = std::str::from_utf8(line.bytes)
    {
        let at = error.valid_up_to();
        lexer.violation(line, at, || {
            format!("expected UTF-8 in the comment, saw {}", line.seen(at))
        });
    }
    Ok(Comment::Remark)
}

fn read_openmetrics(line: Line<'_>, at: usize, lexer: &mut Lexer<'_>) -> Result<Comment, Halt> {
    let rest = &line.bytes[at..];
    let keyword_at = at + 2;
    let keywords = [What::Help, What::Type(MetricType::Unknown), What::Unit];
    let end_of = |word| {
        if rest.starts_with(b"# ") {
            keyword_end(line, keyword_at, word)
        } else {
            None
        }
    };
    if let Some(end) = end_of("EOF") {
        no_nuls(line, keyword_at, end, lexer);
        if end == line.bytes.len() {
            return Ok(Comment::Eof);
        }
        lexer.error(line, end, || {
            format!(
                "expected nothing after `# EOF`, saw {}",
                line.seen_word(end)
            )
        });
        return Ok(Comment::Overrun);
    }
    let Some((what, end)) = keywords
        .iter()
        .find_map(|what| Some((*what, end_of(what.keyword())?)))
    else {
        return lexer.bad(line, at, || {
            format!(
                "expected `# HELP`, `# TYPE`, `# UNIT` or `# EOF`, saw {}",
                Excerpt(rest)
            )
        });
    };
    if line.at(end) != b' ' {
        return lexer.bad(line, end, || {
            format!(
                "expected a space after {}, saw {}",
                what.keyword(),
                line.seen(end)
            )
        });
    }
    let name_at = skip_nuls(line, end + 1);
    no_nuls(line, keyword_at, name_at, lexer);
    let (name, end) = name(line, name_at, what, lexer)?;
    if line.at(end) != b' ' {
        return lexer.bad(line, end, || {
            format!(
                "expected a space after the metric name, saw {}",
                line.seen(end)
            )
        });
    }
    let text_end = text_end(line, end, lexer);
    finish(line, name, Span::new(end + 1, text_end), what, lexer)
}

/// Where what stands behind a name ends: a raw newline may stand in a quoted name, not behind it.
fn text_end(line: Line<'_>, at: usize, lexer: &Lexer<'_>) -> usize {
    let newline = match lexer.multiline {
        true => memchr::memchr(b'\n', &line.bytes[at..]),
        false => None,
    };
    newline.map_or(line.bytes.len(), |newline| at + newline)
}

/// The end of a keyword. Prometheus passes over NUL bytes behind each of its characters.
fn keyword_end(line: Line<'_>, at: usize, word: &str) -> Option<usize> {
    let end = at + word.len();
    if line.bytes.get(at..end) == Some(word.as_bytes()) && line.at(end) != 0 {
        return Some(end);
    }
    word.bytes().try_fold(at, |at, byte| {
        (line.at(at) == byte).then(|| skip_nuls(line, at + 1))
    })
}

fn skip_nuls(line: Line<'_>, mut at: usize) -> usize {
    while line.at(at) == 0 {
        at += 1;
    }
    at
}

fn no_nuls(line: Line<'_>, from: usize, to: usize, lexer: &mut Lexer<'_>) {
    // A few bytes: setting up a wider search would cost more.
    let between = &line.bytes[from..to.min(line.bytes.len())];
    if let Some(nul) = between.iter().position(|&byte| byte == 0) {
        lexer.violation(line, from + nul, || "expected no NUL byte here".to_owned());
    }
}

/// Reads the family's name, quoted or not.
fn name(
    line: Line<'_>,
    at: usize,
    what: What,
    lexer: &mut Lexer<'_>,
) -> Result<(Span, usize), Halt> {
    if line.at(at) == b'"' {
        let end = quoted_end(line, at, Newlines::Allowed, lexer, "name")?;
        let name = Span::new(at + 1, end - 1);
        let bytes = name.of(line.bytes);
        // Prometheus looks at names of metadata no further than this.
        if bytes.is_empty() || std::str::from_utf8(bytes).is_err() {
            lexer.violation(line, at, || {
                format!(
                    "expected a metric name of UTF-8 characters, saw {}",
                    Excerpt(bytes)
                )
            });
        } else {
            check_quoted_name(line, at, name, "metric name", lexer)?;
        }
        return Ok((name, end));
    }
    let end = metric_name_end(line.bytes, at);
    if end == at {
        return lexer.bad(line, at, || {
            format!(
                "expected a metric name after {}, saw {}",
                what.keyword(),
                line.seen(at)
            )
        });
    }
    Ok((Span::new(at, end), end))
}

fn finish(
    line: Line<'_>,
    name: Span,
    text: Span,
    what: What,
    lexer: &mut Lexer<'_>,
) -> Result<Comment, Halt> {
    let bytes = text.of(line.bytes);
    let at = text.start as usize;
    let mut what = what;
    let format = lexer.format;
    match what {
        What::Type(_) => match metric_type(bytes, lexer.format) {
            Some(kind) => what = What::Type(kind),
            None => return lexer.bad(line, at, || bad_type(line, at, bytes, types_of(format))),
        },
        What::Help => {
            if let Err(error) = std::str::from_utf8(bytes) {
                let at = at + error.valid_up_to();
                return lexer.bad(line, at, || {
                    format!("expected UTF-8 in the help text, saw {}", line.seen(at))
                });
            }
            let mut from = 0;
            while let Some(backslash) = memchr::memchr(b'\\', &bytes[from..]) {
                check_escape(line, at + from + backslash + 1, "help text", lexer);
                from = (from + backslash + 2).min(bytes.len());
            }
        }
        What::Unit => {
            let suffixed = name
                .of(line.bytes)
                .strip_suffix(bytes)
                .is_some_and(|stem| stem.ends_with(b"_"));
            if !bytes.is_empty() && !suffixed {
                return lexer.bad(line, at, || {
                    format!(
                        "expected a unit that {} ends in, saw {}",
                        Excerpt(name.of(line.bytes)),
                        Excerpt(bytes)
                    )
                });
            }
        }
    }
    Ok(Comment::Metadata(Metadata { name, text, what }))
}

fn types_of(format: Format) -> &'static str {
    match format {
        Format::Text => "counter, gauge, histogram, summary or untyped",
        Format::OpenMetrics => {
            "counter, gauge, histogram, gaugehistogram, summary, info, stateset or unknown"
        }
    }
}

fn bad_type(line: Line<'_>, at: usize, bytes: &[u8], expected: &str) -> String {
    let saw = if bytes.is_empty() {
        line.seen(at)
    } else {
        Excerpt(bytes).to_string()
    };
    format!("expected {expected} as the type, saw {saw}")
}

fn metric_type(word: &[u8], format: Format) -> Option<MetricType> {
    Some(match (word, format) {
        (b"counter", _) => MetricType::Counter,
        (b"gauge", _) => MetricType::Gauge,
        (b"histogram", _) => MetricType::Histogram,
        (b"summary", _) => MetricType::Summary,
        (b"untyped", Format::Text) | (b"unknown", Format::OpenMetrics) => MetricType::Unknown,
        (b"gaugehistogram", Format::OpenMetrics) => MetricType::GaugeHistogram,
        (b"info", Format::OpenMetrics) => MetricType::Info,
        (b"stateset", Format::OpenMetrics) => MetricType::StateSet,
        _ => return None,
    })
}
