//! How a report writes its figures.

/// A share as a percentage.
pub(super) fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// A number with no more digits than tell something: three behind the point, or three that count where it is small,
/// or large.
pub(super) fn number(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-3..1e9).contains(&size) {
        return format!("{value:.2e}");
    }
    let text = format!("{value:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_what_tells_something() {
        let shown = [0.25, 3.0, 0.0, -0.0001, 0.000_123_4, 1e15, 0.7].map(number);
        assert_eq!(
            shown,
            ["0.25", "3", "0", "-1.00e-4", "1.23e-4", "1.00e15", "0.7"]
        );
    }
}
