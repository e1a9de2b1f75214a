//! Where a key result will end if it goes on as it did.
//!
//! The slope is the median of the slopes between all pairs of points (Theil 1950, Sen 1968): a single odd
//! week does not move it, and it is the same whoever computes it. Its range is that between the quartiles of
//! these slopes.

/// Fewer points tell nothing.
pub const POINTS_MIN: usize = 4;

/// Points that are looked at: pairs grow with their square.
const POINTS_MAX: usize = 400;

/// A value expected at a later moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Forecast {
    /// With the slope at the lower quartile.
    pub low: f64,
    /// With the median slope.
    pub middle: f64,
    /// With the slope at the upper quartile.
    pub high: f64,
}

/// The value at `at`, by points of a time and a value, in order of time; `None` where there are too few.
pub fn forecast(points: &[(f64, f64)], at: f64) -> Option<Forecast> {
    let points = &points[points.len().saturating_sub(POINTS_MAX)..];
    if points.len() < POINTS_MIN {
        return None;
    }
    let mut slopes = Vec::with_capacity(points.len() * (points.len() - 1) / 2);
    for (place, (x, y)) in points.iter().enumerate() {
        let later = points[place + 1..].iter().filter(|(other, _)| other > x);
        slopes.extend(later.map(|(later_x, later_y)| (later_y - y) / (later_x - x)));
    }
    let median = |slope: f64| {
        // The line through the middle of what is left once the slope is taken away.
        let mut levels: Vec<f64> = points.iter().map(|(x, y)| y - slope * x).collect();
        quantile(&mut levels, 0.5)
    };
    let slope = quantile(&mut slopes, 0.5)?;
    let level = median(slope)?;
    let (last, _) = points.last()?;
    let now = level + slope * last;
    let ahead = at - last;
    let with = |slope: f64| now + slope * ahead;
    Some(Forecast {
        low: with(quantile(&mut slopes, 0.25)?),
        middle: with(slope),
        high: with(quantile(&mut slopes, 0.75)?),
    })
}

/// A quantile, between two values in proportion; `None` of nothing.
fn quantile(values: &mut [f64], share: f64) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let place = share * values.len().checked_sub(1)? as f64;
    let (below, above) = (
        values[place.floor() as usize],
        values[place.ceil() as usize],
    );
    Some(below + (above - below) * place.fract())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_odd_week_moves_nothing() {
        let mut points: Vec<(f64, f64)> = (0..8)
            .map(|week| (f64::from(week), 0.1 * f64::from(week)))
            .collect();
        let straight = forecast(&points, 13.0).unwrap();
        assert!((straight.middle - 1.3).abs() < 1e-9);
        points[5].1 = 0.0;
        let odd = forecast(&points, 13.0).unwrap();
        assert!((odd.middle - 1.3).abs() < 0.02, "{odd:?}");
        assert!(odd.low <= odd.middle && odd.middle <= odd.high);
        assert_eq!(forecast(&points[..3], 13.0), None);
    }
}
