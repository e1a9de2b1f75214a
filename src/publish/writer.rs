//! Writes expositions in both formats: text 0.0.4 and OpenMetrics 1.0.

use crate::exposition::Format;
use crate::snapshot::ServiceState;
use std::time::SystemTime;

/// The types that we publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Goes up and down.
    Gauge,
    /// Only goes up; its name ends in `_total`.
    Counter,
    /// Always 1; its name ends in `_info`.
    Info,
    /// `_bucket`, `_sum`, `_count`.
    Histogram,
}

/// Appends families to a buffer, each in one piece.
#[derive(Debug)]
pub(super) struct Writer {
    out: Vec<u8>,
    format: Format,
    samples: usize,
    /// Samples past this are counted, not written.
    samples_max: usize,
}

impl Writer {
    /// An empty exposition.
    pub(super) fn new(format: Format) -> Self {
        Self {
            out: Vec::new(),
            format,
            samples: 0,
            samples_max: usize::MAX,
        }
    }

    /// Begins a family. `samples` is the name of its samples: with `_total` or `_info`, which
    /// OpenMetrics leaves out of the metadata.
    pub(super) fn family<'a>(&'a mut self, samples: &'a str, kind: Kind, help: &str) -> Family<'a> {
        let without = |suffix| samples.strip_suffix(suffix).unwrap_or(samples);
        let (name, kind) = match (self.format, kind) {
            (Format::OpenMetrics, Kind::Counter) => (without("_total"), "counter"),
            (Format::OpenMetrics, Kind::Info) => (without("_info"), "info"),
            (Format::Text, Kind::Info) | (_, Kind::Gauge) => (samples, "gauge"),
            (Format::Text, Kind::Counter) => (samples, "counter"),
            (_, Kind::Histogram) => (samples, "histogram"),
        };
        self.text("# HELP ");
        self.text(name);
        self.text(" ");
        self.escaped(help, self.format == Format::OpenMetrics);
        self.text("\n# TYPE ");
        self.text(name);
        self.text(" ");
        self.text(kind);
        self.text("\n");
        Family {
            writer: self,
            name: samples,
        }
    }

    fn sample(&mut self, [name, suffix]: [&str; 2], labels: &[(&str, &str)], value: f64) {
        self.samples += 1;
        if self.samples > self.samples_max {
            return;
        }
        self.text(name);
        self.text(suffix);
        let mut separator = "{";
        for (key, label) in labels {
            self.text(separator);
            self.text(key);
            self.text("=\"");
            self.escaped(label, true);
            self.text("\"");
            separator = ",";
        }
        if separator == "," {
            self.text("}");
        }
        self.text(" ");
        self.number(value);
        self.text("\n");
    }

    /// How many samples came so far, those that were left out included.
    pub(super) fn samples(&self) -> usize {
        self.samples
    }

    /// Leaves a part out whole where it takes the samples past `max`, and says whether it did.
    pub(super) fn within(&mut self, max: usize, part: impl FnOnce(&mut Self)) -> bool {
        let start = self.out.len();
        self.samples_max = max;
        part(self);
        self.samples_max = usize::MAX;
        let is_left_out = self.samples > max;
        if is_left_out {
            self.out.truncate(start);
        }
        is_left_out
    }

    /// The bytes so far, without an end: more may be appended by somebody else.
    pub(super) fn into_part(self) -> Vec<u8> {
        self.out
    }

    /// The bytes with the end that OpenMetrics asks for.
    pub(super) fn into_end(mut self) -> Vec<u8> {
        if self.format == Format::OpenMetrics {
            self.text("# EOF\n");
        }
        self.out
    }

    fn text(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    /// `\` and line feeds are escaped everywhere, `"` in label values and in OpenMetrics' HELP.
    fn escaped(&mut self, text: &str, quotes: bool) {
        let mut rest = text.as_bytes();
        while let Some(at) = rest
            .iter()
            .position(|b| matches!(b, b'\\' | b'\n') || (quotes && *b == b'"'))
        {
            self.out.extend_from_slice(&rest[..at]);
            self.out.push(b'\\');
            self.out
                .push(if rest[at] == b'\n' { b'n' } else { rest[at] });
            rest = &rest[at + 1..];
        }
        self.out.extend_from_slice(rest);
    }

    fn number(&mut self, value: f64) {
        use std::io::Write as _;
        if value.is_nan() {
            self.text("NaN");
        } else if value.is_infinite() {
            self.text(if value > 0.0 { "+Inf" } else { "-Inf" });
        } else {
            // Writing to a Vec cannot fail.
            write!(self.out, "{value}").expect("a Vec takes every byte");
        }
    }
}

/// A family that was begun: what it has is written under its name.
pub(super) struct Family<'a> {
    writer: &'a mut Writer,
    name: &'a str,
}

impl Family<'_> {
    /// One sample. A label with an empty value is written out: to Prometheus it is the same as none,
    /// to everybody else a family has the same labels throughout.
    pub(super) fn sample(&mut self, labels: &[(&str, &str)], value: f64) {
        self.writer.sample([self.name, ""], labels, value);
    }

    /// One histogram: upper bounds with how many observations are not above them, to +Inf.
    pub(super) fn histogram(
        &mut self,
        labels: &[(&str, &str)],
        buckets: impl Iterator<Item = (f64, u64)>,
        sum: f64,
    ) {
        let mut count = 0;
        for (upper, cumulative) in buckets {
            let le = bound(self.writer.format, upper);
            let with_le: Vec<(&str, &str)> = labels.iter().copied().chain([("le", &*le)]).collect();
            self.part("_bucket", &with_le, cumulative as f64);
            count = cumulative;
        }
        self.part("_sum", labels, sum);
        self.part("_count", labels, count as f64);
    }

    fn part(&mut self, suffix: &str, labels: &[(&str, &str)], value: f64) {
        self.writer.sample([self.name, suffix], labels, value);
    }
}

/// An upper bound as the `le` label of this format: OpenMetrics wants canonical floats (`1.0`).
fn bound(format: Format, upper: f64) -> String {
    match format {
        _ if upper.is_infinite() => "+Inf".to_owned(),
        Format::OpenMetrics => format!("{upper:?}"),
        Format::Text => upper.to_string(),
    }
}

/// Seconds since the epoch, to the millisecond.
pub(super) fn unix_seconds(at: SystemTime) -> f64 {
    let since = at
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    since.as_millis() as f64 / 1000.0
}

/// The labels that name a service.
pub(super) fn key(service: &ServiceState) -> [(&str, &str); 2] {
    [
        ("service_name", &service.key.name),
        ("environment", &service.key.environment),
    ]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::exposition::{Event, Limits, scan};

    /// Names are ours and constant; labels say what others chose, values are any.
    fn samples() -> impl Strategy<Value = Vec<(String, String, f64)>> {
        let text = || {
            prop_oneof![
                "[\"\\\\\n n{}=,#\t\r\0]{0,6}".boxed(),
                any::<String>().boxed()
            ]
        };
        let value = prop_oneof![
            any::<f64>(),
            any::<u64>().prop_map(|whole| whole as f64),
            prop::sample::select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0]),
        ];
        prop::collection::btree_map((text(), text()), value, 0..8).prop_map(|samples| {
            samples
                .into_iter()
                .map(|((a, b), value)| (a, b, value))
                .collect()
        })
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back_exactly(samples in samples(), help in any::<String>(), open in any::<bool>()) {
            let format = if open { Format::OpenMetrics } else { Format::Text };
            let help = help.replace('\0', "");
            let mut writer = Writer::new(format);
            let mut family = writer.family("m_ratio", Kind::Gauge, &help);
            for (a, b, value) in &samples {
                family.sample(&[("a", a), ("b", b)], *value);
            }
            writer.family("m_total", Kind::Counter, "How many.").sample(&[], 1.0);
            let body = writer.into_end();
            let (mut read, mut others) = (Vec::new(), Vec::new());
            scan(format, Limits::default(), &body, &mut |event| match event {
                Event::Sample(sample) if sample.name() == "m_ratio" => {
                    let label = |name| sample.label(name).map(|value| value.into_owned());
                    read.push((label("a"), label("b"), sample.value.to_bits()));
                }
                other => others.push(format!("{other:?}")),
            });
            let written = samples.into_iter().map(|(a, b, value)| (Some(a), Some(b), value.to_bits()));
            prop_assert_eq!(read, written.collect::<Vec<_>>());
            // HELP and TYPE of each family, and the one other sample: no fault.
            prop_assert_eq!(others.len(), 5, "{:?}", others);
            prop_assert!(others[0].contains(&format!("{help:?}")) || help.trim().is_empty(), "{}", others[0]);
        }
    }

    fn written(format: Format) -> String {
        let mut writer = Writer::new(format);
        let mut family = writer.family("m_info", Kind::Info, "What it \"is\",\nwith a \\.");
        family.sample(&[("a", "q\"b\\s\nn")], 1.0);
        let mut family = writer.family("m_total", Kind::Counter, "How many.");
        family.sample(&[], 0.25);
        String::from_utf8(writer.into_end()).unwrap()
    }

    #[test]
    fn both_formats_escape_what_they_must() {
        assert_eq!(
            written(Format::Text),
            "# HELP m_info What it \"is\",\\nwith a \\\\.\n# TYPE m_info gauge\n\
             m_info{a=\"q\\\"b\\\\s\\nn\"} 1\n# HELP m_total How many.\n# TYPE m_total counter\nm_total 0.25\n"
        );
        assert_eq!(
            written(Format::OpenMetrics),
            "# HELP m What it \\\"is\\\",\\nwith a \\\\.\n# TYPE m info\n\
             m_info{a=\"q\\\"b\\\\s\\nn\"} 1\n# HELP m How many.\n# TYPE m counter\nm_total 0.25\n# EOF\n"
        );
    }

    #[test]
    fn bounds_are_canonical_where_the_format_asks() {
        assert_eq!(bound(Format::OpenMetrics, 1.0), "1.0");
        assert_eq!(bound(Format::Text, 1.0), "1");
        assert_eq!(bound(Format::Text, f64::INFINITY), "+Inf");
    }
}
