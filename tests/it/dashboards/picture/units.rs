//! Values in Grafana's units.

use super::clock;

/// How often each step of a duration fits into it, from the largest.
const PARTS: [(&str, f64); 8] = [
    ("year", 31_536_000.0),
    ("month", 2_592_000.0),
    ("week", 604_800.0),
    ("day", 86_400.0),
    ("hour", 3_600.0),
    ("minute", 60.0),
    ("second", 1.0),
    ("millisecond", 0.001),
];

/// The steps of seconds: from where on, how many seconds each has, and its name.
const SECONDS: [(f64, f64, &str); 8] = [
    (31_536_000.0, 31_556_900.0, "year"),
    (604_800.0, 604_800.0, "week"),
    (86_400.0, 86_400.0, "day"),
    (3_600.0, 3_600.0, "hour"),
    (60.0, 60.0, "min"),
    (1.0, 1.0, "s"),
    (0.001, 0.001, "ms"),
    (0.000_001, 0.000_001, "µs"),
];

/// `value` in `unit`. Without `decimals` it has as many as make three digits.
pub(super) fn format(value: f64, unit: &str, decimals: Option<usize>) -> String {
    if !value.is_finite() {
        return value.to_string();
    }
    match unit {
        "percentunit" => format!("{}%", fixed(value * 100.0, decimals)),
        "short" => scaled(value, decimals, 1000.0, &["", " K", " Mil", " Bil", " Tri"]),
        "ops" => scaled(
            value,
            decimals,
            1000.0,
            &[" ops/s", "K ops/s", "M ops/s", "B ops/s"],
        ),
        "bytes" => scaled(
            value,
            decimals,
            1024.0,
            &[" B", " KiB", " MiB", " GiB", " TiB"],
        ),
        "s" => seconds(value, decimals),
        "dtdurations" => duration(value, decimals),
        "dateTimeAsIso" => clock::iso(value / 1000.0),
        _ => fixed(value, decimals),
    }
}

fn seconds(value: f64, decimals: Option<usize>) -> String {
    if value == 0.0 {
        return "0 s".to_owned();
    }
    let step = SECONDS.iter().find(|(from, ..)| value.abs() >= *from);
    let &(_, length, name) = step.unwrap_or(&(0.0, 1e-9, "ns"));
    format!("{} {name}", fixed(value / length, decimals))
}

/// The largest part of a duration, and as many of those after it as there are decimals.
fn duration(value: f64, decimals: Option<usize>) -> String {
    if value == 0.0 {
        return "0 seconds".to_owned();
    }
    if value < 0.0 {
        return format!("{} ago", duration(-value, decimals));
    }
    let mut rest = value;
    let mut parts = Vec::new();
    let fitting = PARTS.iter().skip_while(|(_, length)| value < *length);
    for (name, length) in fitting.take(decimals.unwrap_or(0) + 1) {
        let count = (rest / length).floor();
        let plural = if count == 1.0 { "" } else { "s" };
        parts.push(format!("{count} {name}{plural}"));
        rest %= length;
    }
    parts.join(", ")
}

fn scaled(value: f64, decimals: Option<usize>, factor: f64, suffixes: &[&str]) -> String {
    let mut value = value;
    let mut step = 0;
    while value.abs() >= factor && step + 1 < suffixes.len() {
        value /= factor;
        step += 1;
    }
    format!("{}{}", fixed(value, decimals), suffixes[step])
}

fn fixed(value: f64, decimals: Option<usize>) -> String {
    let value = if value == 0.0 { 0.0 } else { value };
    if let Some(decimals) = decimals {
        return format!("{value:.decimals$}");
    }
    if value.fract() == 0.0 {
        return format!("{value:.0}");
    }
    let places = (2.0 - value.abs().log10().floor()).clamp(0.0, 12.0) as usize;
    let text = format!("{value:.places$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::format;

    #[test]
    fn values_are_told_in_their_unit() {
        for (value, unit, decimals, expected) in [
            (0.714, "percentunit", Some(0), "71%"),
            (0.714, "percentunit", Some(1), "71.4%"),
            (3.0, "short", Some(0), "3"),
            (200_000.0, "short", None, "200 K"),
            (1.357_14, "ops", None, "1.36 ops/s"),
            (1_500.0, "ops", None, "1.5K ops/s"),
            (49_831_936.0, "bytes", None, "47.5 MiB"),
            (0.0, "s", None, "0 s"),
            (0.000_533, "s", None, "533 µs"),
            (4.296, "s", None, "4.3 s"),
            (1_332.0, "s", None, "22.2 min"),
            (0.017, "none", None, "0.017"),
            (-0.0, "none", Some(0), "0"),
            (f64::NAN, "s", None, "NaN"),
        ] {
            assert_eq!(format(value, unit, decimals), expected);
        }
    }

    #[test]
    fn durations_have_parts() {
        assert_eq!(format(4_361_138.0, "dtdurations", None), "1 month");
        assert_eq!(
            format(4_361_138.0, "dtdurations", Some(1)),
            "1 month, 2 weeks"
        );
        assert_eq!(
            format(-90_000.0, "dtdurations", Some(1)),
            "1 day, 1 hour ago"
        );
        assert_eq!(format(0.0, "dtdurations", None), "0 seconds");
    }

    #[test]
    fn moments_are_dates() {
        assert_eq!(
            format(1_795_608_732_706.0, "dateTimeAsIso", None),
            "2026-11-25 12:12:12"
        );
    }
}
