//! What a server answers to a query for all series of one target.
//! <https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries>

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;

use crate::document::value::nullable;

/// Series at one moment.
#[derive(Deserialize)]
pub(super) struct Vector {
    #[serde(deserialize_with = "nullable")]
    pub(super) result: Vec<Element>,
}

#[derive(Deserialize)]
pub(super) struct Element {
    pub(super) metric: BTreeMap<String, String>,
    pub(super) value: Option<(f64, String)>,
    pub(super) histogram: Option<(f64, NativeHistogram)>,
}

/// A native histogram, its buckets with bounds: kind of bounds, from, to, count.
#[derive(Deserialize)]
pub(super) struct NativeHistogram {
    pub(super) count: String,
    pub(super) sum: String,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) buckets: Vec<(u8, String, String, String)>,
}

/// What `up` says of the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Up {
    Yes,
    No,
    NotSaid,
    /// The labels are those of several targets: of whom the series are, nobody can tell.
    Of(usize),
}

impl Vector {
    pub(super) fn up(&self) -> Up {
        let said = self.result.iter().filter(|one| one.name() == "up");
        let said: Vec<&str> = said
            .filter_map(|up| up.value.as_ref().map(|(_, value)| value.as_str()))
            .collect();
        match said[..] {
            [] => Up::NotSaid,
            ["1"] => Up::Yes,
            [_] => Up::No,
            _ => Up::Of(said.len()),
        }
    }
}

impl Element {
    pub(super) fn name(&self) -> &str {
        self.metric.get("__name__").map_or("", String::as_str)
    }
}

/// All series with these labels.
pub(super) fn selector(labels: &[(&str, &str)]) -> String {
    let matchers = labels.iter().map(|(name, value)| {
        let mut matcher = String::new();
        match is_plain(name) {
            true => matcher.push_str(name),
            false => matcher.push_str(&quoted(name)),
        }
        matcher.push('=');
        matcher.push_str(&quoted(value));
        matcher
    });
    format!("{{{}}}", matchers.collect::<Vec<_>>().join(","))
}

/// Whether a name needs no quotes.
pub(super) fn is_plain(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_';
    name.chars().all(allowed) && !name.starts_with(|c: char| c.is_ascii_digit())
}

/// A text as PromQL and the text format write it.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c => {
                // Writing to a String cannot fail.
                let _written = out.write_char(c);
            }
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_up_by_its_own_word_alone() {
        let up = |values: &[&str]| {
            let series = values.iter().map(|value| {
                serde_json::json!({"metric": {"__name__": "up", "env": value}, "value": [1.5, value]})
            });
            let result: Vec<_> = series.collect();
            let vector: Vector =
                serde_json::from_value(serde_json::json!({"result": result})).unwrap();
            vector.up()
        };
        assert_eq!(up(&[]), Up::NotSaid);
        assert_eq!((up(&["1"]), up(&["0"])), (Up::Yes, Up::No));
        assert_eq!(up(&["1", "0"]), Up::Of(2));
    }

    #[test]
    fn a_target_is_selected_by_its_labels() {
        let labels = [("job", "a\"b\\c"), ("ver.sion", "1\n2"), ("instance", "")];
        assert_eq!(
            selector(&labels),
            r#"{job="a\"b\\c","ver.sion"="1\n2",instance=""}"#
        );
    }
}
