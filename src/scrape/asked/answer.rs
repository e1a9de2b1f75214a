//! What a server answers to a query for all series of one target.
//! <https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries>

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;

use crate::document::value::nullable;

/// Series at one moment.
#[derive(Deserialize)]
pub(super) struct Vector {
    #[serde(rename = "resultType")]
    kind: ResultKind,
    #[serde(deserialize_with = "nullable")]
    pub(super) result: Vec<Element>,
}

/// What a query finds of series.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum ResultKind {
    Vector,
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Up {
    Yes,
    No,
    NotSaid,
    /// Others have these labels, and more, as this one: whose the other series are, nothing tells.
    Others(String),
}

/// How far the server's clock may be from ours, in seconds: past that, an answer is an old one.
const AGE_MAX: f64 = 300.0;

impl Vector {
    /// Says what shows that this is not an answer to what was asked for, at `now` (seconds since 1970).
    pub(super) fn check(&self, own: &[(&str, &str)], now: f64) -> Result<(), String> {
        let ResultKind::Vector = self.kind;
        self.result.iter().try_for_each(|one| one.check(own, now))
    }

    pub(super) fn up(&self, own: &[(&str, &str)]) -> Up {
        let said = self.result.iter().filter(|one| one.name() == "up");
        let (mut exact, mut others) = (None, None);
        for one in said {
            // It has all of them: has it more?
            match one.metric.len() == own.len() + 1 {
                true => exact = one.value.as_ref().map(|(_, value)| value.as_str()),
                false => others = others.or(Some(one)),
            }
        }
        match (exact, others) {
            (_, Some(other)) => Up::Others(other.shown()),
            (None, None) => Up::NotSaid,
            (Some("1"), None) => Up::Yes,
            (Some(_), None) => Up::No,
        }
    }
}

impl Element {
    pub(super) fn name(&self) -> &str {
        self.metric.get("__name__").map_or("", String::as_str)
    }

    fn check(&self, own: &[(&str, &str)], now: f64) -> Result<(), String> {
        let differs = |(name, value): &&(&str, &str)| {
            self.metric.get(*name).map_or("", String::as_str) != *value
        };
        if own.iter().any(|label| differs(&label)) {
            return Err(format!(
                "the answer has a series of another target: {}",
                self.shown()
            ));
        }
        if self.metric.keys().any(String::is_empty) {
            return Err(format!("a label of {} has no name", self.shown()));
        }
        let histogram = self.histogram.as_ref();
        let numbers = histogram.into_iter().flat_map(|(_, histogram)| {
            let buckets = histogram.buckets.iter();
            let bounds = buckets.flat_map(|(_, from, to, count)| [from, to, count]);
            bounds.chain([&histogram.count, &histogram.sum])
        });
        let mut numbers = numbers.chain(self.value.as_ref().map(|(_, value)| value));
        if let Some(wrong) = numbers.find(|number| number.parse::<f64>().is_err()) {
            let wrong: String = wrong.chars().take(SHOWN_CHARS_MAX).collect();
            return Err(format!(
                "the value of {} is no number: {wrong:?}",
                self.shown()
            ));
        }
        let at = self.value.as_ref().map(|(at, _)| at);
        let at = at.or(histogram.map(|(at, _)| at));
        match at {
            Some(at) if (now - at).abs() <= AGE_MAX => Ok(()),
            Some(at) => Err(format!(
                "the answer is for another time: {at} seconds since 1970, and now it is {now:.0}"
            )),
            None => Err(format!("{} has no value", self.shown())),
        }
    }

    /// Its labels, as far as a sentence holds them.
    fn shown(&self) -> String {
        let labels = format!("{:?}", self.metric);
        labels.chars().take(SHOWN_CHARS_MAX).collect()
    }
}

/// Characters of what an error repeats.
const SHOWN_CHARS_MAX: usize = 200;

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

    const OWN: [(&str, &str); 2] = [("job", "cart"), ("instance", "a")];

    fn vector(result: &serde_json::Value) -> Vector {
        let answer = serde_json::json!({"resultType": "vector", "result": result});
        serde_json::from_value(answer).unwrap()
    }

    #[test]
    fn a_target_is_up_by_its_own_word_alone() {
        let up = |series: &[(&str, &str)]| {
            let series = series.iter().map(|(more, value)| {
                let mut metric =
                    serde_json::json!({"__name__": "up", "job": "cart", "instance": "a"});
                if !more.is_empty() {
                    metric["env"] = (*more).into();
                }
                serde_json::json!({"metric": metric, "value": [1000, value]})
            });
            let vector = vector(&series.collect());
            vector.check(&OWN, 1000.0).unwrap();
            vector.up(&OWN)
        };
        assert_eq!(up(&[]), Up::NotSaid);
        assert_eq!((up(&[("", "1")]), up(&[("", "0")])), (Up::Yes, Up::No));
        // Another target's, the target itself being new; and one beside it.
        for others in [&[("prod", "1")][..], &[("", "1"), ("prod", "1")]] {
            assert!(matches!(up(others), Up::Others(other) if other.contains("prod")));
        }
    }

    #[test]
    fn what_was_not_asked_for_is_no_answer() {
        let series = |value: serde_json::Value| {
            let metric = serde_json::json!({"__name__": "x", "job": "cart", "instance": "a"});
            let mut series = serde_json::json!({"metric": metric, "value": [1000, "1"]});
            for (key, value) in value.as_object().unwrap() {
                series[key] = value.clone();
            }
            vector(&serde_json::json!([series])).check(&OWN, 1100.0)
        };
        assert_eq!(series(serde_json::json!({})), Ok(()));
        assert_eq!(series(serde_json::json!({"value": [1000, "+Inf"]})), Ok(()));
        for (wrong, said) in [
            (
                serde_json::json!({"metric": {"__name__": "x", "job": "other", "instance": "a"}}),
                "a series of another target",
            ),
            (
                serde_json::json!({"metric": {"": "x", "job": "cart", "instance": "a"}}),
                "has no name",
            ),
            (
                serde_json::json!({"value": [0, "1"]}),
                "for another time: 0 seconds",
            ),
            (
                serde_json::json!({"value": [1000, "banana"]}),
                "is no number: \"banana\"",
            ),
            (
                serde_json::json!({"value": [1000, "1\ny 2"]}),
                "is no number",
            ),
            (serde_json::json!({"value": null}), "has no value"),
        ] {
            let error = series(wrong).unwrap_err();
            assert!(error.contains(said), "{error}");
        }
        let matrix = serde_json::json!({"resultType": "matrix", "result": []});
        assert!(serde_json::from_value::<Vector>(matrix).is_err());
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
