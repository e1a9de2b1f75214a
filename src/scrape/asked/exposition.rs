//! What a server keeps of a target, as the target may have written it. Pure.
//!
//! The labels of the target that the server added are taken off, and those that it renamed for them (`exported_job`) get
//! their names back. What the server says of the scrape itself (`up`, `scrape_duration_seconds`), of recording rules
//! (names with `:`) and of alerts is none of the target's. Types and help are what the server remembers of the metric.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use super::answer::{Element, NativeHistogram, Vector, is_plain, quoted};
use super::families::ByFamily;

/// Series that a server adds to those of each target.
/// <https://prometheus.io/docs/concepts/jobs_instances/#automatically-generated-labels-and-time-series>
const ADDED: [&str; 3] = ["up", "ALERTS", "ALERTS_FOR_STATE"];
const OF_SCRAPES: [&str; 9] = [
    "scrape_body_size_bytes",
    "scrape_duration_seconds",
    "scrape_response_size_bytes",
    "scrape_sample_limit",
    "scrape_samples_post_metric_relabeling",
    "scrape_samples_scraped",
    "scrape_series_added",
    "scrape_series_current",
    "scrape_timeout_seconds",
];

/// How names of a family's series end.
const ENDINGS: [&str; 6] = ["_bucket", "_sum", "_count", "_total", "_created", "_info"];

/// The exposition, in version 1.0.0 of the text format.
pub(super) fn of(vector: Vector, own: &[(&str, &str)], families: &ByFamily) -> String {
    let mut of_family: BTreeMap<String, Vec<Element>> = BTreeMap::new();
    for element in vector.result {
        let name = element.name();
        if name.is_empty() || is_added(name) {
            continue;
        }
        let family = family(name, families).to_owned();
        of_family.entry(family).or_default().push(element);
    }
    let mut out = String::new();
    for (family, elements) in of_family {
        write_family(&family, elements, own, families, &mut out);
    }
    out
}

fn is_added(name: &str) -> bool {
    ADDED.contains(&name) || OF_SCRAPES.contains(&name) || name.contains(':')
}

/// The family of a series: the longest name that the server knows a type of.
fn family<'a>(name: &'a str, families: &ByFamily) -> &'a str {
    if families.contains_key(name) {
        return name;
    }
    let stems = ENDINGS
        .iter()
        .filter_map(|ending| name.strip_suffix(ending));
    let known = stems.into_iter().find(|stem| families.contains_key(*stem));
    known.unwrap_or(name)
}

fn write_family(
    family: &str,
    elements: Vec<Element>,
    own: &[(&str, &str)],
    families: &ByFamily,
    out: &mut String,
) {
    let native = elements.iter().any(|element| element.histogram.is_some());
    let said = families.get(family);
    if let Some(said) = said.filter(|said| !said.help.is_empty()) {
        let help = said.help.replace('\\', "\\\\").replace('\n', "\\n");
        line(out, format_args!("# HELP {} {help}", shown(family)));
    }
    let kind = said.map_or("", |said| said.kind.as_str());
    let kind = match kind {
        _ if native => "histogram",
        "counter" | "gauge" | "histogram" | "summary" => kind,
        "info" | "stateset" => "gauge",
        _ => "untyped",
    };
    line(out, format_args!("# TYPE {} {kind}", shown(family)));
    // A histogram's series stand together, whatever the order of the answer.
    let mut elements: Vec<(Labels, Element)> = elements
        .into_iter()
        .map(|element| (labels(&element, own), element))
        .collect();
    elements.sort_by(|(one, left), (other, right)| {
        let bound = |labels: &Labels| {
            labels
                .get("le")
                .and_then(|le| le.parse::<f64>().ok())
                .unwrap_or(f64::NAN)
        };
        let but_the_bound = |(name, _): &(&String, &String)| *name != "le";
        let (of_one, of_other) = (one.iter(), other.iter());
        of_one
            .filter(but_the_bound)
            .cmp(of_other.filter(but_the_bound))
            .then_with(|| left.name().cmp(right.name()))
            .then_with(|| bound(one).total_cmp(&bound(other)))
    });
    for (labels, element) in elements {
        let name = element.name().to_owned();
        if let Some((_, value)) = &element.value {
            sample(out, &name, &labels, value);
        }
        if let Some((_, histogram)) = &element.histogram {
            write_native(out, &name, &labels, histogram);
        }
    }
}

type Labels = BTreeMap<String, String>;

/// As the target wrote them.
fn labels(element: &Element, own: &[(&str, &str)]) -> Labels {
    let added: HashMap<&str, &str> = own.iter().copied().collect();
    let mut labels = Labels::new();
    for (name, value) in &element.metric {
        if name == "__name__" || added.contains_key(name.as_str()) {
            continue;
        }
        let renamed = name.strip_prefix("exported_");
        let name = match renamed {
            Some(before) if added.contains_key(before) => before,
            _ => name,
        };
        labels.insert(name.to_owned(), value.clone());
    }
    labels
}

/// The buckets of a native histogram as those of a classic one.
fn write_native(out: &mut String, name: &str, labels: &Labels, histogram: &NativeHistogram) {
    let mut below = 0.0;
    // The last bucket of one with bounds of its own is open: the count of all says the same.
    let bounded = histogram.buckets.iter();
    for (_, _, to, count) in bounded.filter(|(_, _, to, _)| to != "+Inf") {
        below += count.parse::<f64>().unwrap_or(f64::NAN);
        let mut labels = labels.clone();
        labels.insert("le".to_owned(), to.clone());
        sample(out, &format!("{name}_bucket"), &labels, &below.to_string());
    }
    let mut all = labels.clone();
    all.insert("le".to_owned(), "+Inf".to_owned());
    sample(out, &format!("{name}_bucket"), &all, &histogram.count);
    sample(out, &format!("{name}_sum"), labels, &histogram.sum);
    sample(out, &format!("{name}_count"), labels, &histogram.count);
}

fn sample(out: &mut String, name: &str, labels: &Labels, value: &str) {
    let pairs = labels
        .iter()
        .map(|(name, value)| format!("{}={}", shown(name), quoted(value)));
    let pairs: Vec<String> = pairs.collect();
    match (is_plain(name), pairs.is_empty()) {
        (true, true) => line(out, format_args!("{name} {value}")),
        (true, false) => line(out, format_args!("{name}{{{}}} {value}", pairs.join(","))),
        (false, true) => line(out, format_args!("{{{}}} {value}", quoted(name))),
        (false, false) => line(
            out,
            format_args!("{{{},{}}} {value}", quoted(name), pairs.join(",")),
        ),
    }
}

fn line(out: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _written = writeln!(out, "{line}");
}

/// A name as it is written: in quotes where it is no plain one.
fn shown(name: &str) -> String {
    match is_plain(name) {
        true => name.to_owned(),
        false => quoted(name),
    }
}

#[cfg(test)]
mod tests {
    use super::super::families::Said;
    use super::*;

    #[test]
    fn what_a_target_wrote_comes_back() {
        let vector: Vector = serde_json::from_str(
            r#"{"resultType": "vector", "result": [
                {"metric": {"__name__": "up", "job": "cart", "instance": "a"}, "value": [1.5, "1"]},
                {"metric": {"__name__": "scrape_duration_seconds", "job": "cart", "instance": "a"}, "value": [1.5, "0.1"]},
                {"metric": {"__name__": "job:rate5m", "job": "cart", "instance": "a"}, "value": [1.5, "0.1"]},
                {"metric": {"__name__": "ALERTS", "job": "cart", "instance": "a", "alertname": "x"}, "value": [1.5, "1"]},
                {"metric": {"__name__": "d_seconds_bucket", "job": "cart", "instance": "a", "le": "+Inf"}, "value": [1.5, "2"]},
                {"metric": {"__name__": "d_seconds_bucket", "job": "cart", "instance": "a", "le": "0.5"}, "value": [1.5, "1"]},
                {"metric": {"__name__": "d_seconds_count", "job": "cart", "instance": "a"}, "value": [1.5, "2"]},
                {"metric": {"__name__": "d_seconds_sum", "job": "cart", "instance": "a"}, "value": [1.5, "NaN"]},
                {"metric": {"__name__": "scrape_pool", "job": "cart", "instance": "a", "exported_job": "x\"y", "exported_z": "z"}, "value": [1.5, "3"]},
                {"metric": {"__name__": "n_seconds", "job": "cart", "instance": "a"}, "histogram": [1.5, {"count": "3", "sum": "4", "buckets": [[0, "0.5", "1", "1"], [0, "1", "2", "1"], [1, "2", "+Inf", "1"]]}]},
                {"metric": {"__name__": "ver.sion", "job": "cart", "instance": "a", "l.l": "v"}, "value": [1.5, "1"]}
            ]}"#,
        )
        .unwrap();
        let said = |kind: &str, help: &str| Said {
            kind: kind.to_owned(),
            help: help.to_owned(),
        };
        let families = ByFamily::from([
            ("d_seconds".to_owned(), said("histogram", "How\nlong.")),
            ("scrape_pool".to_owned(), said("unknown", "")),
        ]);
        let own = [("job", "cart"), ("instance", "a")];
        assert_eq!(
            of(vector, &own, &families),
            r#"# HELP d_seconds How\nlong.
# TYPE d_seconds histogram
d_seconds_bucket{le="0.5"} 1
d_seconds_bucket{le="+Inf"} 2
d_seconds_count 2
d_seconds_sum NaN
# TYPE n_seconds histogram
n_seconds_bucket{le="1"} 1
n_seconds_bucket{le="2"} 2
n_seconds_bucket{le="+Inf"} 3
n_seconds_sum 4
n_seconds_count 3
# TYPE scrape_pool untyped
scrape_pool{exported_z="z",job="x\"y"} 3
# TYPE "ver.sion" untyped
{"ver.sion","l.l"="v"} 1
"#
        );
    }
}
