//! Panels of kind `timeseries`.

use serde_json::Value;

use super::axes::{self, Plot};
use super::legend;
use super::names::{Named, series};
use super::series::Answers;
use super::spans::{self, Span};
use super::svg::{Area, Canvas, number};

/// What is drawn of one series: its spans without a gap, each point with the value below it.
struct Band<'a> {
    one: &'a Named<'a>,
    spans: Vec<Vec<Step>>,
}

/// A value that holds from one moment to another.
#[derive(Clone, Copy)]
struct Step {
    from: f64,
    to: f64,
    base: f64,
    top: f64,
}

/// Draws the series; false where there is none.
pub(super) fn draw(
    canvas: &mut Canvas,
    area: Area,
    panel: &Value,
    answers: &Answers,
    range: (f64, f64),
) -> bool {
    let all = series(panel, answers);
    let bands = bands(&all, range);
    let steps = || bands.iter().flat_map(|band| band.spans.iter().flatten());
    if steps().next().is_none() {
        return false;
    }
    let names: Vec<(String, String)> = bands
        .iter()
        .map(|band| {
            (
                band.one.field.title().to_owned(),
                band.one.field.line().to_owned(),
            )
        })
        .collect();
    let left = legend::draw(canvas, area.inset(8.0, 4.0), &names);
    let inner = axes::above_times(left).below(6.0);
    let least = steps().map(|step| step.top).fold(f64::INFINITY, f64::min);
    let most = steps()
        .map(|step| step.top)
        .fold(f64::NEG_INFINITY, f64::max);
    let field = &bands[0].one.field;
    let lines = (inner.h / 38.0).floor() as usize;
    let fixed = (field.min(), field.max());
    let (values, ticks) = axes::scale((least, most), fixed, field.unit(), lines);
    let (texts, widest) = axes::labels(&ticks, field.unit());
    let plot_area = Area {
        x: inner.x + widest + 8.0,
        w: inner.w - widest - 14.0,
        ..inner
    };
    let plot = Plot {
        area: plot_area,
        times: range,
        values,
    };
    axes::times(canvas, &plot);
    axes::values(canvas, &plot, &ticks, &texts);
    for band in &bands {
        for span in &band.spans {
            line(canvas, &plot, band.one, span);
        }
    }
    true
}

/// The series that have values, each above those before it where they are stacked.
fn bands<'a>(all: &'a [Named<'a>], range: (f64, f64)) -> Vec<Band<'a>> {
    let step = spans::step(all.iter().map(|one| one.series));
    let mut heights: Vec<(i64, f64)> = Vec::new();
    let mut bands = Vec::new();
    for one in all {
        let stacked = one.field.stacked();
        let mut found = Vec::new();
        for span in spans::of(one.series, step, range) {
            let raise = |&Span { from, to, value }: &Span| {
                let base = if stacked {
                    add(&mut heights, from, value)
                } else {
                    0.0
                };
                Step {
                    from,
                    to,
                    base,
                    top: base + value,
                }
            };
            found.push(span.iter().map(raise).collect());
        }
        if !found.is_empty() {
            bands.push(Band { one, spans: found });
        }
    }
    bands
}

/// How high the stack at a moment was; it is so much higher afterwards.
fn add(heights: &mut Vec<(i64, f64)>, moment: f64, value: f64) -> f64 {
    let key = (moment * 1000.0).round() as i64;
    match heights.binary_search_by_key(&key, |&(known, _)| known) {
        Ok(at) => {
            let base = heights[at].1;
            heights[at].1 += value;
            base
        }
        Err(at) => {
            heights.insert(at, (key, value));
            0.0
        }
    }
}

fn line(canvas: &mut Canvas, plot: &Plot, one: &Named, span: &[Step]) {
    let colour = one.field.line();
    let tops: Vec<String> = span.iter().map(|step| edge(plot, step, step.top)).collect();
    let top = format!("M{}", tops.join("L"));
    if one.field.opacity() > 0.0 {
        let bases: Vec<String> = span
            .iter()
            .rev()
            .map(|step| back(plot, step, step.base))
            .collect();
        let shape = format!("{top}L{}Z", bases.join("L"));
        canvas.shape(&shape, colour, one.field.opacity());
    }
    canvas.stroke(&top, colour, 1.5);
}

/// A step's edge from its begin to its end.
fn edge(plot: &Plot, step: &Step, value: f64) -> String {
    let y = number(plot.y(value));
    format!(
        "{} {y}H{}",
        number(plot.x(step.from)),
        number(plot.x(step.to))
    )
}

/// A step's edge from its end to its begin.
fn back(plot: &Plot, step: &Step, value: f64) -> String {
    let y = number(plot.y(value));
    format!(
        "{} {y}H{}",
        number(plot.x(step.to)),
        number(plot.x(step.from))
    )
}

#[cfg(test)]
mod tests {
    use super::add;

    #[test]
    fn values_are_stacked_by_moment() {
        let mut heights = Vec::new();
        assert_eq!(add(&mut heights, 10.0, 1.0), 0.0);
        assert_eq!(add(&mut heights, 12.0, 5.0), 0.0);
        assert_eq!(add(&mut heights, 10.0, 2.0), 1.0);
        assert_eq!(add(&mut heights, 10.0, 1.0), 3.0);
    }
}
