//! Expositions that break no rule of their format, with what they say.

use std::collections::{BTreeMap, BTreeSet};

use manifesto_exporter::exposition::Format;
use proptest::prelude::*;
use proptest::sample::select;

use super::{Entry, bits};

/// A body and its entries, in order.
#[derive(Debug, Clone)]
pub(super) struct Valid {
    pub(super) format: Format,
    pub(super) body: String,
    pub(super) entries: Vec<Entry>,
}

type LabelSet = BTreeMap<String, String>;

/// A family before its name and format are known.
#[derive(Debug, Clone)]
struct Family {
    kind: &'static str,
    stem: String,
    help: Option<String>,
    /// Whether its type is told.
    typed: bool,
    /// One for each metric: its labels, numbers to make values of, maybe a time.
    metrics: BTreeMap<LabelSet, (Vec<u32>, Option<i64>)>,
    value: f64,
}

pub(super) fn valid() -> impl Strategy<Value = Valid> {
    let format = select(vec![Format::Text, Format::OpenMetrics]);
    let blank = select(vec!["", "", " ", "\t", " \t "]);
    (format, blank, prop::collection::vec(family(), 0..5)).prop_map(|(format, blank, families)| {
        let mut writer = Writer::new(format, blank);
        for (nth, family) in families.iter().enumerate() {
            writer.family(nth, family);
        }
        writer.finish()
    })
}

fn family() -> impl Strategy<Value = Family> {
    let kinds = "counter gauge histogram summary unknown info stateset";
    let metric = (
        prop::collection::vec(0..100_u32, 3),
        prop::option::weighted(0.2, -9_000..9_000_i64),
    );
    (
        select(kinds.split(' ').collect::<Vec<_>>()),
        "[a-z]([a-z_:]{0,4}[a-z])?",
        prop::option::of(text()),
        any::<bool>(),
        prop::collection::btree_map(
            prop::collection::btree_map("[a-z][a-z0-9_]{0,2}", text(), 0..4),
            metric,
            1..4,
        ),
        value(),
    )
        .prop_map(|(kind, stem, help, typed, metrics, value)| Family {
            kind,
            stem,
            help,
            typed,
            metrics,
            value,
        })
}

/// Texts with all that needs an escape.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[a-z /]{0,6}".boxed(),
        1 => "[\\\\\"\n n{}=,#]{0,5}".boxed(),
        1 => any::<String>().prop_map(|text| text.replace('\0', "")).boxed(),
    ]
}

fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        2 => (0..1_000_u32).prop_map(f64::from),
        1 => any::<f64>(),
        1 => select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 0.1, 1e300]),
    ]
}

struct Writer {
    blank: &'static str,
    written: Valid,
}

impl Writer {
    fn new(format: Format, blank: &'static str) -> Self {
        let (body, entries) = (String::new(), Vec::new());
        let written = Valid {
            format,
            body,
            entries,
        };
        // OpenMetrics leaves no choice where blanks stand.
        let blank = if format == Format::Text { blank } else { "" };
        Self { blank, written }
    }

    fn is_open(&self) -> bool {
        self.written.format == Format::OpenMetrics
    }

    fn line(&mut self, text: &str) {
        self.written.body += text;
        self.written.body.push('\n');
    }

    fn finish(mut self) -> Valid {
        if self.is_open() {
            self.line("# EOF");
        }
        self.written
    }

    fn family(&mut self, nth: usize, family: &Family) {
        let kind = match family.kind {
            "info" | "stateset" if !self.is_open() => "gauge",
            _ if !family.typed => "unknown",
            kind => kind,
        };
        let unit = if self.is_open() && family.typed && kind == "gauge" {
            "_seconds"
        } else {
            ""
        };
        // The name of a state set is also that of a label.
        let stem = match kind {
            "stateset" => family.stem.replace(':', "_"),
            _ => family.stem.clone(),
        };
        let name = format!("{stem}{nth}{unit}");
        if let Some(help) = &family.help {
            let quotes = if self.is_open() { "\\\"" } else { "\"" };
            let escaped = help
                .replace('\\', "\\\\")
                .replace('\n', "\\n")
                .replace('"', quotes);
            // Blanks alone are not told from nothing by the text format.
            let help = if self.is_open() || !help.trim_matches([' ', '\t']).is_empty() {
                help
            } else {
                ""
            };
            self.line(&format!("# HELP {name} {escaped}"));
            self.written.entries.push(Entry::Help {
                name: name.clone(),
                text: help.to_owned(),
            });
        }
        if family.typed {
            let told = if kind == "unknown" && !self.is_open() {
                "untyped"
            } else {
                kind
            };
            self.line(&format!("# TYPE {name} {told}"));
            self.written.entries.push(Entry::Type {
                name: name.clone(),
                kind: kind.to_owned(),
            });
        }
        if !unit.is_empty() {
            self.line(&format!("# UNIT {name} seconds"));
            self.written.entries.push(Entry::Unit {
                name: name.clone(),
                unit: "seconds".to_owned(),
            });
        }
        let own = ["le", "quantile", &*name];
        let mut seen = BTreeSet::new();
        for (labels, (numbers, time)) in &family.metrics {
            let labels: Vec<(String, String)> = labels
                .iter()
                .filter(|(label, value)| !own.contains(&label.as_str()) && !value.is_empty())
                .map(|(label, value)| (label.clone(), value.clone()))
                .collect();
            if seen.insert(labels.clone()) {
                self.metric(&name, kind, &labels, numbers, family.value, *time);
            }
        }
    }

    fn metric(
        &mut self,
        name: &str,
        kind: &str,
        labels: &[(String, String)],
        numbers: &[u32],
        value: f64,
        time: Option<i64>,
    ) {
        let total = numbers.iter().sum::<u32>();
        let is_open = self.is_open();
        let mut put = |suffix: &str, own: Option<(&str, &str)>, value: f64| {
            let own = own.map(|(label, value)| (label.to_owned(), value.to_owned()));
            let labels: Vec<_> = labels.iter().cloned().chain(own).collect();
            self.sample(format!("{name}{suffix}"), labels, value, time);
        };
        match kind {
            "counter" if is_open => put("_total", None, total.into()),
            "counter" => put("", None, total.into()),
            "info" => put("_info", None, 1.0),
            "stateset" => put("", Some((name, "on")), f64::from(total % 2)),
            "summary" => {
                put("", Some(("quantile", "0.5")), numbers[0].into());
                put("_sum", None, total.into());
                put("_count", None, numbers[1].into());
            }
            "histogram" => {
                let mut held = 0;
                for (bound, more) in ["0.5", "2.0", "+Inf"].iter().zip(numbers) {
                    held += more;
                    put("_bucket", Some(("le", bound)), held.into());
                }
                put("_sum", None, 0.5);
                put("_count", None, total.into());
            }
            _ => put("", None, value),
        }
    }

    fn sample(
        &mut self,
        name: String,
        labels: Vec<(String, String)>,
        value: f64,
        time: Option<i64>,
    ) {
        let blank = self.blank;
        let mut line = format!("{blank}{name}{blank}");
        let pairs: Vec<String> = labels
            .iter()
            .map(|(label, value)| {
                let escaped = value
                    .replace('\\', "\\\\")
                    .replace('\n', "\\n")
                    .replace('"', "\\\"");
                format!("{blank}{label}{blank}={blank}\"{escaped}\"{blank}")
            })
            .collect();
        if !pairs.is_empty() {
            line += &format!("{{{}}}", pairs.join(","));
        }
        line += " ";
        line += &match value {
            _ if value.is_nan() => "NaN".to_owned(),
            _ if value.is_infinite() => format!("{}Inf", if value > 0.0 { '+' } else { '-' }),
            _ if value.abs() < 1e-5 || value.abs() > 1e15 => format!("{value:e}"),
            _ => value.to_string(),
        };
        // Quarters of a second are exact in either unit.
        let ms = time.map(|quarters| quarters * 250);
        match time {
            Some(quarters) if self.is_open() => line += &format!(" {}", quarters as f64 / 4.0),
            // The text format has no sign there.
            Some(_) => line += &format!(" {}", ms.unwrap().abs()),
            None => {}
        }
        let time = if self.is_open() { ms } else { ms.map(i64::abs) };
        if self.is_open() && name.ends_with("_total") {
            line += " # {trace=\"a\\\\b\"} 1.5 2.25";
        } else {
            line += blank;
        }
        self.line(&line);
        self.written.entries.push(Entry::Sample {
            name,
            labels,
            bits: bits(value),
            time,
        });
    }
}
