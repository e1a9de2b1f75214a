//! Panels of kind `state-timeline`.

use serde_json::Value;

use super::axes::{self, Plot};
use super::colours::{DIM, on};
use super::legend;
use super::names::{Named, series};
use super::series::Answers;
use super::spans::{self, Span};
use super::svg::{Anchor, Area, Canvas, Font};
use super::text::width;

const SIZE: f64 = 11.0;
const LEAST: f64 = 16.0;
const MOST: f64 = 36.0;

/// A state and the time for which it lasts.
#[derive(Debug, PartialEq)]
struct State {
    from: f64,
    to: f64,
    text: String,
    colour: String,
}

/// Draws a lane for each series; false where there is none.
pub(super) fn draw(
    canvas: &mut Canvas,
    area: Area,
    panel: &Value,
    answers: &Answers,
    range: (f64, f64),
) -> bool {
    let all = series(panel, answers);
    let step = spans::step(all.iter().map(|one| one.series));
    let lanes: Vec<(&str, Vec<State>)> = all
        .iter()
        .map(|one| (one.field.title(), states(one, step, range)))
        .filter(|(_, states)| !states.is_empty())
        .collect();
    if lanes.is_empty() {
        return false;
    }
    let left = legend::draw(canvas, area.inset(8.0, 4.0), &names(&lanes));
    let inner = axes::above_times(left);
    let fitting = ((inner.h / LEAST).floor() as usize).max(1);
    let shown = if lanes.len() > fitting {
        fitting - 1
    } else {
        lanes.len()
    };
    let lines = shown + usize::from(shown < lanes.len());
    let height = (inner.h / lines as f64).min(MOST);
    let widest = lanes[..shown]
        .iter()
        .map(|(name, _)| width(name, SIZE))
        .fold(0.0, f64::max);
    let room = widest.min(inner.w * 0.36);
    let area = Area {
        x: inner.x + room + 8.0,
        w: inner.w - room - 14.0,
        ..inner
    };
    let area = Area {
        h: height * shown as f64,
        ..area
    };
    let foot = Area {
        h: inner.h.min(height * lines as f64),
        ..area
    };
    axes::times(
        canvas,
        &Plot {
            area: foot,
            times: range,
            values: (0.0, 1.0),
        },
    );
    let plot = Plot {
        area,
        times: range,
        values: (0.0, 1.0),
    };
    for (index, (name, states)) in lanes[..shown].iter().enumerate() {
        let lane = Area {
            y: area.y + index as f64 * height,
            h: height,
            ..area
        };
        let font = Font::new(SIZE).anchor(Anchor::End);
        let place = (area.x - 8.0, lane.middle().1 + SIZE * 0.36);
        canvas.text(place, room, font, name);
        for state in states {
            block(canvas, &plot, lane, state);
        }
    }
    if shown < lanes.len() {
        let place = (area.x - 8.0, area.bottom() + height / 2.0 + SIZE * 0.36);
        let font = Font::new(SIZE).colour(DIM).anchor(Anchor::End);
        let more = format!("{} more", lanes.len() - shown);
        canvas.text(place, room.max(60.0), font, &more);
    }
    true
}

fn block(canvas: &mut Canvas, plot: &Plot, lane: Area, state: &State) {
    let (x, end) = (plot.x(state.from), plot.x(state.to));
    let gap = (lane.h * 0.05).max(1.0);
    let area = Area {
        x,
        w: (end - x).max(1.0),
        ..lane
    }
    .inset(0.0, gap);
    canvas.fill(area, &state.colour, 0.8);
    if width(&state.text, SIZE) <= area.w - 8.0 {
        let font = Font::new(SIZE).colour(on(&state.colour));
        let place = (area.x + 4.0, area.middle().1 + SIZE * 0.36);
        canvas.text(place, area.w, font, &state.text);
    }
}

/// The states of a series; those that follow each other and are the same are one.
fn states(one: &Named, step: f64, range: (f64, f64)) -> Vec<State> {
    let mut states: Vec<State> = Vec::new();
    for run in spans::of(one.series, step, range) {
        let first = states.len();
        for Span { from, to, value } in run {
            let (text, colour) = (one.field.text(value), one.field.colour(value).to_owned());
            let last = states[first..].last_mut();
            match last.filter(|last| (&last.text, &last.colour) == (&text, &colour)) {
                Some(last) => last.to = to,
                None => states.push(State {
                    from,
                    to,
                    text,
                    colour,
                }),
            }
        }
    }
    states
}

/// Each state that occurs, once.
fn names(lanes: &[(&str, Vec<State>)]) -> Vec<(String, String)> {
    let mut names = Vec::new();
    for state in lanes.iter().flat_map(|(_, states)| states) {
        let entry = (state.text.clone(), state.colour.clone());
        if !names.contains(&entry) {
            names.push(entry);
        }
    }
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::super::field::Field;
    use super::super::names::Named;
    use super::super::series::Series;
    use super::states;

    #[test]
    fn equal_states_are_one() {
        let values = [(0.0, 1.0), (1.0, 1.0), (2.0, 0.0), (5.0, 0.0)];
        let series = Series {
            labels: BTreeMap::new(),
            points: values.into(),
        };
        let field = Field::of(&json!({}), "a");
        let one = Named {
            series: &series,
            field,
        };
        let states = states(&one, 1.0, (0.0, 9.0));
        let times: Vec<_> = states.iter().map(|state| (state.from, state.to)).collect();
        assert_eq!(times, [(0.0, 2.0), (2.0, 3.0), (5.0, 6.0)]);
    }
}
