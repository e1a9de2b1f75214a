//! What a scanner hands out.

use std::borrow::Cow;

use super::fault::Fault;

/// One thing found in a body, in the order of its lines.
#[derive(Debug, Clone, PartialEq)]
pub enum Event<'a> {
    /// A `# TYPE` line.
    Type {
        /// The family's name.
        name: Cow<'a, str>,
        /// The type given to it.
        kind: MetricType,
    },
    /// A `# HELP` line.
    Help {
        /// The family's name.
        name: Cow<'a, str>,
        /// The text, unescaped.
        text: Cow<'a, str>,
    },
    /// A `# UNIT` line (OpenMetrics).
    Unit {
        /// The family's name.
        name: Cow<'a, str>,
        /// The unit, which may be empty.
        unit: &'a str,
    },
    /// A sample that Prometheus would ingest.
    Sample(Sample<'a>),
    /// Something wrong; comes before the event of its own line.
    Fault(Fault),
}

/// The type of a metric family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[derive(strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum MetricType {
    /// Only rises.
    Counter,
    /// Rises and falls.
    Gauge,
    /// Cumulative buckets.
    Histogram,
    /// Buckets that rise and fall (OpenMetrics).
    GaugeHistogram,
    /// Quantiles.
    Summary,
    /// Labels worth reading, value 1 (OpenMetrics).
    Info,
    /// A set of booleans (OpenMetrics).
    StateSet,
    /// Not told; `untyped` in the text format.
    #[default]
    Unknown,
}

impl MetricType {
    /// As OpenMetrics names it.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A range of bytes of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Span {
    pub(super) start: u32,
    pub(super) end: u32,
}

impl Span {
    pub(super) fn new(start: usize, end: usize) -> Self {
        // Lines are bounded far below 4 GiB (`Scanner::new`).
        Self {
            start: start as u32,
            end: end as u32,
        }
    }

    #[inline(always)]
    pub(super) fn of<'a>(&self, line: &'a [u8]) -> &'a [u8] {
        &line[self.start as usize..self.end as usize]
    }

    #[inline(always)]
    fn text<'a>(&self, line: &'a str) -> &'a str {
        // The lexer cuts at ASCII delimiters, so the range is never off a character's boundary.
        line.get(self.start as usize..self.end as usize)
            .unwrap_or_default()
    }
}

/// Where a label stands in its line, and what was learnt of it on the way.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct LabelSpan {
    pub(super) name: Span,
    pub(super) value: Span,
    /// Of the label as written.
    pub(super) hash: u64,
    /// Of the hashes of the labels so far, this one included.
    pub(super) sum: u64,
    /// Which names came so far, this one included: a bit each, so that most names are known new at a glance.
    pub(super) names: u64,
    pub(super) role: LabelRole,
}

impl LabelSpan {
    /// Moves it along the line, by a difference modulo 2^32.
    #[inline(always)]
    pub(super) fn shift(&mut self, by: u32) {
        for offset in [
            &mut self.name.start,
            &mut self.name.end,
            &mut self.value.start,
            &mut self.value.end,
        ] {
            *offset = offset.wrapping_add(by);
        }
    }

    /// The offset behind the value's closing quote.
    #[inline(always)]
    pub(super) fn end(&self) -> usize {
        self.value.end as usize + 1
    }
}

/// Labels that some types of family give a meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LabelRole {
    Plain,
    Le,
    Quantile,
}

/// One sample, as written: names and values are cut from the line, and unescaped only when asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample<'a> {
    /// Line, from 1.
    pub line: u64,
    /// The value; any NaN is the same NaN to Prometheus.
    pub value: f64,
    /// Milliseconds since the epoch, if the line gave a time.
    pub timestamp: Option<i64>,
    /// The type of the family that the sample belongs to.
    pub kind: MetricType,
    pub(super) text: &'a str,
    pub(super) series: Span,
    pub(super) name: Span,
    pub(super) labels: &'a [LabelSpan],
    pub(super) exemplar: Option<Exemplar<'a>>,
}

impl<'a> Sample<'a> {
    /// The metric's name, `_total`, `_bucket` and the like included.
    #[inline]
    pub fn name(&self) -> Cow<'a, str> {
        unescape(self.name.text(self.text))
    }

    /// The labels in the order written, the name not among them.
    pub fn labels(&self) -> Labels<'a> {
        Labels {
            text: self.text,
            spans: self.labels.iter(),
        }
    }

    /// The value of the label of that name.
    pub fn label(&self, name: &str) -> Option<Cow<'a, str>> {
        self.labels()
            .find(|(label, _)| label == name)
            .map(|(_, value)| value)
    }

    /// Name and labels exactly as written: what Prometheus knows the series by.
    pub fn series(&self) -> &'a str {
        self.series.text(self.text)
    }

    /// The exemplar, if the line has one (OpenMetrics).
    pub fn exemplar(&self) -> Option<Exemplar<'a>> {
        self.exemplar
    }
}

/// A pointer from a sample to something outside, such as a trace.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Exemplar<'a> {
    /// The value observed.
    pub value: f64,
    /// Milliseconds since the epoch, if given.
    pub timestamp: Option<i64>,
    pub(super) text: &'a str,
    pub(super) labels: &'a [LabelSpan],
}

impl<'a> Exemplar<'a> {
    /// The labels in the order written.
    pub fn labels(&self) -> Labels<'a> {
        Labels {
            text: self.text,
            spans: self.labels.iter(),
        }
    }
}

/// Labels of one sample or exemplar: name and value, unescaped one by one.
#[derive(Debug, Clone)]
pub struct Labels<'a> {
    text: &'a str,
    spans: std::slice::Iter<'a, LabelSpan>,
}

impl<'a> Iterator for Labels<'a> {
    type Item = (Cow<'a, str>, Cow<'a, str>);

    fn next(&mut self) -> Option<Self::Item> {
        let span = self.spans.next()?;
        Some((
            unescape(span.name.text(self.text)),
            unescape(span.value.text(self.text)),
        ))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.spans.size_hint()
    }
}

impl ExactSizeIterator for Labels<'_> {}

/// A name or a label's value without its escapes: `\\`, `\"` and `\n`; any other backslash stands for itself.
#[inline]
pub(super) fn unescape(text: &str) -> Cow<'_, str> {
    if memchr::memchr(b'\\', text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(unescaped(text, true))
}

/// The text of a HELP line without its escapes; the text format leaves quotes alone there.
pub(super) fn unescape_help(text: &str, quotes: bool) -> Cow<'_, str> {
    if memchr::memchr(b'\\', text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(unescaped(text, quotes))
}

#[cold]
fn unescaped(text: &str, quotes: bool) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        plain.push_str(&rest[..at]);
        let (character, taken) = match rest.as_bytes().get(at + 1) {
            Some(b'n') => ('\n', 2),
            Some(b'\\') => ('\\', 2),
            Some(b'"') if quotes => ('"', 2),
            _ => ('\\', 1),
        };
        plain.push(character);
        rest = &rest[at + taken..];
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_undone_exactly() {
        for (written, plain) in [
            ("plain", "plain"),
            (r#"a\"b"#, "a\"b"),
            (r"a\nb", "a\nb"),
            (r"a\\nb", r"a\nb"),
            (r"a\zb\", r"a\zb\"),
            ("\u{e9}\\\\", "\u{e9}\\"),
        ] {
            assert_eq!(unescape(written), plain);
        }
        assert_eq!(unescape_help(r#"a\"b\n"#, false), "a\\\"b\n");
    }
}
