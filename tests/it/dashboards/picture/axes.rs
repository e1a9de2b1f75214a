//! The axes of panels over time.

use super::colours::{DIM, GRID};
use super::svg::{Anchor, Area, Canvas, Font};
use super::text::width;
use super::{clock, units};

const SIZE: f64 = 11.0;
const FOOT: f64 = 18.0;

/// The steps that ticks of time may have, in seconds.
const STEPS: [f64; 19] = [
    1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1_800.0, 3_600.0, 7_200.0,
    10_800.0, 21_600.0, 43_200.0, 86_400.0, 604_800.0,
];

/// Where moments and values are in an area.
#[derive(Clone, Copy)]
pub(super) struct Plot {
    pub(super) area: Area,
    pub(super) times: (f64, f64),
    pub(super) values: (f64, f64),
}

impl Plot {
    /// Where a moment is; those outside of the time shown are at its ends.
    pub(super) fn x(&self, moment: f64) -> f64 {
        let (from, to) = self.times;
        self.area.x + self.area.w * ((moment - from) / (to - from).max(1e-9)).clamp(0.0, 1.0)
    }

    /// Where a value is; those outside of the scale are at its ends.
    pub(super) fn y(&self, value: f64) -> f64 {
        let (least, most) = self.values;
        self.area.bottom() - self.area.h * ((value - least) / (most - least)).clamp(0.0, 1.0)
    }
}

/// What is left of `area` above the axis of time.
pub(super) fn above_times(area: Area) -> Area {
    area.above(FOOT)
}

/// Draws the axis of time under a plot, with lines up through it.
pub(super) fn times(canvas: &mut Canvas, plot: &Plot) {
    let (from, to) = plot.times;
    let most = (plot.area.w / 85.0).floor().max(2.0);
    let step = STEPS.into_iter().find(|step| (to - from) / step <= most);
    let step = step.unwrap_or_else(|| ((to - from) / most).max(1.0));
    let first = (from / step).ceil() * step;
    for index in 0..=((to - first) / step).max(0.0).floor() as usize {
        let moment = first + index as f64 * step;
        let x = plot.x(moment);
        canvas.fill(
            Area {
                x,
                w: 1.0,
                ..plot.area
            },
            GRID,
            1.0,
        );
        let text = tick(moment, step);
        let half = width(&text, SIZE) / 2.0;
        if x - half >= plot.area.x - 40.0 && x + half <= plot.area.right() + 8.0 {
            let font = Font::new(SIZE).colour(DIM).anchor(Anchor::Middle);
            canvas.text((x, plot.area.bottom() + 14.0), 90.0, font, &text);
        }
    }
}

fn tick(moment: f64, step: f64) -> String {
    let time = clock::time(moment);
    match step {
        ..60.0 => time,
        60.0..86_400.0 => time[..5].to_owned(),
        _ => clock::date(moment)[5..].to_owned(),
    }
}

/// The scale of values, and its ticks, from the least and the greatest value and what fixes them.
pub(super) fn scale(
    found: (f64, f64),
    fixed: (Option<f64>, Option<f64>),
    unit: &str,
    lines: usize,
) -> ((f64, f64), Vec<f64>) {
    let (mut least, mut most) = found;
    if least >= 0.0 && (least <= most * 0.5 || least == most) {
        least = 0.0;
    }
    least = fixed.0.unwrap_or(least);
    most = fixed.1.unwrap_or(most);
    if most <= least {
        most = least + if least == 0.0 { 1.0 } else { least.abs() };
    }
    let step = step((most - least) / lines.max(1) as f64, unit == "bytes");
    let low = if fixed.0.is_some() {
        least
    } else {
        (least / step).floor() * step
    };
    let high = if fixed.1.is_some() {
        most
    } else {
        (most / step - 1e-9).ceil() * step
    };
    let first = (low / step - 1e-9).ceil();
    let count = ((high / step + 1e-9).floor() - first) as usize;
    (
        (low, high),
        (0..=count)
            .map(|index| (first + index as f64) * step)
            .collect(),
    )
}

/// The next round step that is at least `wanted`.
fn step(wanted: f64, binary: bool) -> f64 {
    if binary {
        return wanted.log2().ceil().exp2();
    }
    let power = 10_f64.powf(wanted.log10().floor());
    let factor = [1.0, 2.0, 2.5, 5.0, 10.0]
        .into_iter()
        .find(|factor| factor * power >= wanted);
    factor.unwrap_or(10.0) * power
}

/// The texts of ticks, and how wide the widest is.
pub(super) fn labels(ticks: &[f64], unit: &str) -> (Vec<String>, f64) {
    let text = |tick: &f64| units::format((tick * 1e9).round() / 1e9, unit, None);
    let texts: Vec<String> = ticks.iter().map(text).collect();
    let widest = texts
        .iter()
        .map(|text| width(text, SIZE))
        .fold(0.0, f64::max);
    (texts, widest)
}

/// Draws the ticks beside a plot, with lines through it.
pub(super) fn values(canvas: &mut Canvas, plot: &Plot, ticks: &[f64], texts: &[String]) {
    for (tick, text) in ticks.iter().zip(texts) {
        let y = plot.y(*tick);
        canvas.fill(
            Area {
                y,
                h: 1.0,
                ..plot.area
            },
            GRID,
            1.0,
        );
        let font = Font::new(SIZE).colour(DIM).anchor(Anchor::End);
        canvas.text((plot.area.x - 6.0, y + SIZE * 0.36), 90.0, font, text);
    }
}

#[cfg(test)]
mod tests {
    use super::{labels, scale, step, tick};

    #[test]
    fn scales_are_round() {
        let fixed = (Some(0.0), Some(1.0));
        let (range, ticks) = scale((0.4, 0.7), fixed, "percentunit", 4);
        assert_eq!(
            (range, labels(&ticks, "percentunit").0.join(" ")),
            ((0.0, 1.0), "0% 25% 50% 75% 100%".into())
        );
        let (range, ticks) = scale((1.0, 7.0), (None, None), "short", 4);
        assert_eq!((range, ticks.len()), ((0.0, 8.0), 5));
        assert_eq!(scale((0.0, 0.0), (None, None), "s", 2).0, (0.0, 1.0));
        assert_eq!(scale((5.0, 5.0), (None, None), "s", 4).0, (0.0, 6.0));
        assert_eq!(step(3_000_000.0, true), 4_194_304.0);
    }

    #[test]
    fn ticks_are_as_fine_as_their_steps() {
        assert_eq!(tick(1_795_608_732.0, 30.0), "12:12:12");
        assert_eq!(tick(1_795_608_732.0, 60.0), "12:12");
        assert_eq!(tick(1_795_608_732.0, 86_400.0), "11-25");
    }
}
