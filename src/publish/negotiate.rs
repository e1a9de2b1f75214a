//! What the client asked for: exposition format by q-value, and gzip.

use crate::exposition::Format;

/// The Content-Type of each format as we write it.
pub(super) fn content_type(format: Format) -> &'static str {
    match format {
        Format::Text => "text/plain; version=0.0.4; charset=utf-8",
        Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
    }
}

/// The format with the highest q-value; text where nothing is said or nothing fits (an exposition
/// in a format not asked for helps more than a 406, and Prometheus's own client does the same).
pub(super) fn format(accept: Option<&str>) -> Format {
    let mut best = (0.0, Format::Text);
    for (range, parameters, q) in ranges(accept.unwrap_or_default()) {
        let format = match range {
            "application/openmetrics-text" if version_fits(parameters, &["1.0.0", "0.0.1"]) => {
                Format::OpenMetrics
            }
            "text/plain" if version_fits(parameters, &["0.0.4", "1.0.0"]) => Format::Text,
            "text/*" | "*/*" => Format::Text,
            _ => continue,
        };
        if q > best.0 {
            best = (q, format);
        }
    }
    best.1
}

/// Whether gzip is accepted with a q-value above 0.
pub(super) fn accepts_gzip(accept_encoding: Option<&str>) -> bool {
    let mut any = false;
    for (coding, _, q) in ranges(accept_encoding.unwrap_or_default()) {
        match coding {
            "gzip" | "x-gzip" => return q > 0.0,
            "*" => any = q > 0.0,
            _ => {}
        }
    }
    any
}

/// The elements of an Accept-like header: value, parameters, q-value.
fn ranges(header: &str) -> impl Iterator<Item = (&str, &str, f64)> {
    header.split(',').map(|element| {
        let (value, parameters) = element.split_once(';').unwrap_or((element, ""));
        let q = parameter(parameters, "q").map_or(1.0, |q| q.parse().unwrap_or(0.0));
        (value.trim(), parameters, q)
    })
}

fn version_fits(parameters: &str, known: &[&str]) -> bool {
    parameter(parameters, "version").is_none_or(|version| known.contains(&version))
}

fn parameter<'a>(parameters: &'a str, name: &str) -> Option<&'a str> {
    parameters.split(';').find_map(|parameter| {
        let (key, value) = parameter.split_once('=')?;
        (key.trim() == name).then(|| value.trim().trim_matches('"'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Prometheus 3 sends it.
    const PROMETHEUS: &str = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
        application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
        text/plain;version=0.0.4;q=0.3,*/*;q=0.2";

    #[test]
    fn the_highest_q_value_wins() {
        for (accept, expected) in [
            (None, Format::Text),
            (Some("*/*"), Format::Text),
            (Some(PROMETHEUS), Format::OpenMetrics),
            (Some("text/plain;version=0.0.4"), Format::Text),
            (Some("application/openmetrics-text"), Format::OpenMetrics),
            (
                Some("application/openmetrics-text;q=0.1, text/plain;q=0.9"),
                Format::Text,
            ),
            (
                Some("application/openmetrics-text;version=9.9.9, text/plain;q=0.1"),
                Format::Text,
            ),
            (
                Some("text/html,application/xhtml+xml,*/*;q=0.8"),
                Format::Text,
            ),
            (
                Some("application/openmetrics-text;q=nonsense"),
                Format::Text,
            ),
        ] {
            assert_eq!(format(accept), expected, "{accept:?}");
        }
    }

    #[test]
    fn gzip_is_used_only_where_accepted() {
        for (header, expected) in [
            (None, false),
            (Some("gzip"), true),
            (Some("gzip;q=0, *"), false),
            (Some("deflate, br"), false),
            (Some("br;q=1.0, *;q=0.1"), true),
            (Some("identity"), false),
        ] {
            assert_eq!(accepts_gzip(header), expected, "{header:?}");
        }
    }
}
