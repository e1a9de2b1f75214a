//! Moments as dates and times of day, in UTC.

/// As in `2026-11-25 12:12:12`.
pub(super) fn iso(moment: f64) -> String {
    format!("{} {}", date(moment), time(moment))
}

/// As in `2026-11-25`.
pub(super) fn date(moment: f64) -> String {
    let (year, month, day) = civil((moment / 86_400.0).floor() as i64);
    format!("{year:04}-{month:02}-{day:02}")
}

/// As in `12:12:12`.
pub(super) fn time(moment: f64) -> String {
    let second = moment.rem_euclid(86_400.0) as u32;
    format!(
        "{:02}:{:02}:{:02}",
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

/// The year, month and day that is so many days after 1970-01-01.
fn civil(days: i64) -> (i64, i64, i64) {
    // Years begin in March here, so that a leap day is the last of its year.
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::iso;

    #[test]
    fn moments_are_told_in_utc() {
        assert_eq!(iso(0.0), "1970-01-01 00:00:00");
        assert_eq!(iso(951_782_399.0), "2000-02-28 23:59:59");
        assert_eq!(iso(951_782_400.0), "2000-02-29 00:00:00");
        assert_eq!(iso(1_795_608_732.7), "2026-11-25 12:12:12");
    }
}
