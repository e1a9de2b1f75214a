//! How long values hold, and where samples are missing.

use super::series::Series;

/// A value and the time for which it holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Span {
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) value: f64,
}

/// The least time between two samples of any series.
pub(super) fn step<'a>(all: impl Iterator<Item = &'a Series>) -> f64 {
    let between = all.flat_map(|one| one.points.windows(2).map(|pair| pair[1].0 - pair[0].0));
    between
        .filter(|time| *time > 0.0)
        .fold(f64::INFINITY, f64::min)
}

/// The values of a series within `range`, in runs that end where a sample is missing. A value
/// holds until the next sample is due.
pub(super) fn of(series: &Series, step: f64, range: (f64, f64)) -> Vec<Vec<Span>> {
    let mut runs: Vec<Vec<Span>> = Vec::new();
    for &(moment, value) in &series.points {
        let from = moment.max(range.0);
        let to = (moment + step).min(range.1);
        if !value.is_finite() || from > range.1 || to < range.0 {
            continue;
        }
        let span = Span {
            from,
            to: to.max(from),
            value,
        };
        let run = runs.last_mut().filter(|run| {
            run.last()
                .is_some_and(|last: &Span| from <= last.to + step * 0.5)
        });
        match run {
            Some(run) => {
                if let Some(last) = run.last_mut() {
                    last.to = from;
                }
                run.push(span);
            }
            None => runs.push(vec![span]),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Series, Span, of, step};

    #[test]
    fn a_missing_sample_ends_a_run() {
        let points = vec![
            (0.0, 1.0),
            (2.0, 1.0),
            (4.0, f64::NAN),
            (6.0, 3.0),
            (12.0, 4.0),
        ];
        let series = Series {
            labels: BTreeMap::new(),
            points,
        };
        let step = step([&series].into_iter());
        assert_eq!(step, 2.0);
        let span = |from, to, value| Span { from, to, value };
        assert_eq!(
            of(&series, step, (0.0, 12.0)),
            [
                vec![span(0.0, 2.0, 1.0), span(2.0, 4.0, 1.0)],
                vec![span(6.0, 8.0, 3.0)],
                vec![span(12.0, 12.0, 4.0)],
            ]
        );
    }
}
