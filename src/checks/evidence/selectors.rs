//! Whether a PromQL expression looks at any series at all.
//!
//! Not a parser: whoever is asked parses. It tells names of series from functions, aggregations, keywords
//! and lists of labels, after <https://prometheus.io/docs/prometheus/latest/querying/basics/>.

/// Words that are no series where they stand alone.
const KEYWORDS: &[&str] = &[
    "and", "or", "unless", "bool", "offset", "inf", "nan", "start", "end", "atan2", "step",
    "smoothed", "anchored",
];

/// Aggregations: `sum by (x) (m)` has no parenthesis behind its name.
const AGGREGATIONS: &[&str] = &[
    "sum",
    "avg",
    "min",
    "max",
    "count",
    "group",
    "stddev",
    "stdvar",
    "topk",
    "bottomk",
    "quantile",
    "count_values",
    "limitk",
    "limit_ratio",
];

/// Words before a list of labels.
const LABELS_FOLLOW: &[&str] = &[
    "by",
    "without",
    "on",
    "ignoring",
    "group_left",
    "group_right",
];

/// Whether an expression selects series. One that does not is a constant, or the time: `vector(1)`.
pub(super) fn selects_series(expression: &str) -> bool {
    let mut rest = expression;
    while let Some(first) = rest.chars().next() {
        match first {
            '#' => rest = rest.split_once('\n').map_or("", |(_, after)| after),
            '"' | '\'' | '`' => rest = after_string(rest, first),
            // `{__name__="x"}`; after a name it was found already.
            '{' => return true,
            '[' => rest = rest.split_once(']').map_or("", |(_, after)| after),
            _ if first.is_ascii_digit() || first == '.' => {
                let number = |c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == '_');
                rest = &rest[rest.find(number).unwrap_or(rest.len())..];
            }
            _ if first.is_alphabetic() || first == '_' || first == ':' => {
                let part = |c: char| !(c.is_alphanumeric() || c == '_' || c == ':');
                let (word, after) = rest.split_at(rest.find(part).unwrap_or(rest.len()));
                let after = after.trim_start();
                let lower = word.to_ascii_lowercase();
                let is_one_of = |words: &[&str]| words.contains(&&*lower);
                if is_one_of(LABELS_FOLLOW) {
                    rest = match after.starts_with('(') {
                        true => after.split_once(')').map_or("", |(_, after)| after),
                        false => after,
                    };
                } else if is_one_of(KEYWORDS) || is_one_of(AGGREGATIONS) || after.starts_with('(') {
                    rest = after;
                } else {
                    return true;
                }
            }
            _ => rest = &rest[first.len_utf8()..],
        }
    }
    false
}

/// What follows a string that begins with a quote.
fn after_string(text: &str, quote: char) -> &str {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' if quote != '`' => escaped = true,
            _ if c == quote => return &text[at + c.len_utf8()..],
            _ => {}
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::selects_series;

    #[test]
    fn constants_select_nothing() {
        for constant in [
            "1",
            "vector(1)",
            "scalar(vector(0.5))",
            "time()",
            "1 > bool 0",
            "-1e3 + 0x1F",
            "Inf",
            "NaN",
            "day_of_month()",
            "vector(time() offset 5m)",
            "sum by (service) (vector(1))",
            "vector(1) and on (service, team) vector(2)",
            "label_replace(vector(1), \"up\", \"$1\", \"a\", \"b\")",
            "# up\n1",
            "sum(vector(1)) without (up)",
            "1h30m",
            "",
            "'up' == 'up'",
        ] {
            assert!(!selects_series(constant), "{constant}");
        }
    }

    #[test]
    fn selectors_select() {
        for query in [
            "up",
            "avg(kubecost_node_is_spot)",
            "{__name__=\"up\"}",
            "sum by (job) (rate(a:b:c[5m]))",
            "1 - x",
            "vector(1) or up",
            "sum without (x) (up)",
            "{\"http.requests\"}",
            "absent(up)",
            "1 # one\n+ up",
            "topk(1, sum)+ up",
            "group_left + up",
            "time() - max(last_run_seconds)",
        ] {
            assert!(selects_series(query), "{query}");
        }
    }
}
