//! Panels of kind `bargauge`, with horizontal bars.

use serde_json::Value;

use super::colours::{DIM, GRID, TEXT};
use super::names::{Named, series};
use super::series::Answers;
use super::svg::{Anchor, Area, Canvas, Font};
use super::text::width;

const SIZE: f64 = 12.0;
const LEAST: f64 = 19.0;
const MOST: f64 = 38.0;

/// Draws the bars; false where there is none.
pub(super) fn draw(canvas: &mut Canvas, area: Area, panel: &Value, answers: &Answers) -> bool {
    let all = series(panel, answers);
    let bars: Vec<(&Named, f64)> = all
        .iter()
        .filter_map(|one| Some((one, one.series.last()?)))
        .collect();
    if bars.is_empty() {
        return false;
    }
    let area = area.inset(8.0, 4.0);
    let fitting = ((area.h / LEAST).floor() as usize).max(1);
    let shown = if bars.len() > fitting {
        fitting - 1
    } else {
        bars.len()
    };
    let lines = shown + usize::from(shown < bars.len());
    let height = (area.h / lines as f64).min(MOST);
    let (shown, hidden) = bars.split_at(shown);
    let text = |(one, value): &(&Named, f64)| one.field.text(*value);
    let widest = |texts: &mut dyn Iterator<Item = f64>| texts.fold(0.0, f64::max);
    let names = widest(&mut shown.iter().map(|(one, _)| width(one.field.title(), SIZE)));
    let values = widest(&mut shown.iter().map(|bar| width(&text(bar), SIZE)));
    let names = names.min(area.w * 0.4);
    let scale = scale(&bars);
    for (index, bar) in shown.iter().enumerate() {
        let line = Area {
            y: area.y + index as f64 * height,
            h: height,
            ..area
        };
        let baseline = line.middle().1 + SIZE * 0.36;
        let name = bar.0.field.title();
        canvas.text(
            (line.x, baseline),
            names,
            Font::new(SIZE).colour(TEXT),
            name,
        );
        let x = line.x + names + 8.0;
        let track = Area {
            x,
            w: line.w - names - values - 16.0,
            ..line
        }
        .inset(0.0, 2.0);
        let colour = bar.0.field.colour(bar.1);
        filled(canvas, track, scale, bar.1, colour);
        let font = Font::new(SIZE).colour(colour).bold().anchor(Anchor::End);
        canvas.text((line.right(), baseline), values + 1.0, font, &text(bar));
    }
    if !hidden.is_empty() {
        let y = area.y + (shown.len() as f64 + 0.5) * height + SIZE * 0.36;
        let more = format!("{} more", hidden.len());
        canvas.text((area.x, y), area.w, Font::new(SIZE).colour(DIM), &more);
    }
    true
}

/// From which to which value the bars reach.
fn scale(bars: &[(&Named, f64)]) -> (f64, f64) {
    let values = || bars.iter().map(|(_, value)| *value);
    let field = &bars[0].0.field;
    let least = field
        .min()
        .unwrap_or_else(|| values().fold(f64::INFINITY, f64::min));
    let most = field
        .max()
        .unwrap_or_else(|| values().fold(f64::NEG_INFINITY, f64::max));
    (least, most)
}

fn filled(canvas: &mut Canvas, track: Area, (least, most): (f64, f64), value: f64, colour: &str) {
    canvas.fill(track, GRID, 1.0);
    let share = if most > least {
        ((value - least) / (most - least)).clamp(0.0, 1.0)
    } else {
        0.0
    };
    let bar = Area {
        w: track.w * share,
        ..track
    };
    canvas.fill(bar, colour, 0.45);
    let edge = Area {
        x: (bar.right() - 2.0).max(track.x),
        w: 2.0,
        ..track
    };
    canvas.fill(edge, colour, 1.0);
}
