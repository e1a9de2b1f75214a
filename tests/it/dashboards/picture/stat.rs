//! Panels of kind `stat`.

use serde_json::Value;

use super::colours::{DIM, TEXT};
use super::names::series;
use super::series::Answers;
use super::svg::{Anchor, Area, Canvas, Font};
use super::text::width;

const PAD: f64 = 10.0;

/// A value as it is shown: its name, its text and its colour.
struct Shown {
    name: String,
    text: String,
    colour: String,
}

/// Draws the values; false where there is none.
pub(super) fn draw(canvas: &mut Canvas, area: Area, panel: &Value, answers: &Answers) -> bool {
    let all = series(panel, answers);
    let shown = all.iter().filter_map(|one| {
        let value = one.series.last()?;
        let colour = one.field.colour(value).to_owned();
        Some(Shown {
            name: one.field.title().to_owned(),
            text: one.field.text(value),
            colour,
        })
    });
    let shown: Vec<Shown> = shown.collect();
    match shown.as_slice() {
        [] => return false,
        [one] => single(canvas, area.inset(8.0, 4.0), one),
        several => grid(canvas, area.inset(8.0, 4.0), several),
    }
    true
}

fn single(canvas: &mut Canvas, area: Area, one: &Shown) {
    let size = fitting(&one.text, area.w, area.h * 0.6).min(52.0);
    let (x, y) = area.middle();
    let font = Font::new(size)
        .colour(&one.colour)
        .anchor(Anchor::Middle)
        .bold();
    canvas.text((x, y + size * 0.36), area.w, font, &one.text);
}

/// Values in columns and rows, as large as there is room for.
fn grid(canvas: &mut Canvas, area: Area, several: &[Shown]) {
    let (columns, rows) = division(several.len(), area);
    let (w, h) = (area.w / columns as f64, area.h / rows as f64);
    let places = columns * rows;
    let shown = if several.len() > places {
        places - 1
    } else {
        several.len()
    };
    let sizes = sizes(&several[..shown], w - 2.0 * PAD, h);
    for place in 0..=shown.min(places - 1) {
        let (x, y) = ((place % columns) as f64 * w, (place / columns) as f64 * h);
        let cell = Area {
            x: area.x + x,
            y: area.y + y,
            w,
            h,
        }
        .inset(PAD, 0.0);
        match several.get(place) {
            Some(one) if place < shown => value(canvas, cell, one, sizes),
            Some(_) => {
                let more = format!("{} more", several.len() - shown);
                let font = Font::new(11.0).colour(DIM);
                canvas.text((cell.x, cell.middle().1 + 4.0), cell.w, font, &more);
            }
            None => {}
        }
    }
}

/// How many columns and rows let the values be largest, none of them too small to be read.
fn division(count: usize, area: Area) -> (usize, usize) {
    let most_rows = ((area.h / 16.0).floor() as usize).max(1);
    let most_columns = ((area.w / 100.0).floor() as usize).clamp(1, count);
    let cell = |columns: usize| {
        let rows = count.div_ceil(columns);
        (area.w / columns as f64 / 3.0).min(area.h / rows as f64)
    };
    let best = (1..=most_columns).max_by(|&a, &b| cell(a).total_cmp(&cell(b)).then(b.cmp(&a)));
    let columns = best.unwrap_or(1);
    (columns, count.div_ceil(columns).min(most_rows))
}

/// Whether the name stands beside the value and not above it.
fn beside(w: f64, h: f64) -> bool {
    w > 2.5 * h
}

/// The sizes of names and of values at which all of them fit into cells of this size.
fn sizes(shown: &[Shown], w: f64, h: f64) -> (f64, f64) {
    let least = |sizes: &mut dyn Iterator<Item = f64>| sizes.fold(f64::INFINITY, f64::min);
    if !beside(w, h) {
        let names = least(&mut shown.iter().map(|one| fitting(&one.name, w, 14.0)));
        let values = least(&mut shown.iter().map(|one| fitting(&one.text, w, h * 0.45)));
        return (names.max(10.0), values.min(40.0));
    }
    let names = least(&mut shown.iter().map(|one| fitting(&one.name, w * 0.6, h * 0.7)));
    let names = names.clamp(10.0, 15.0);
    let value = |one: &Shown| {
        let taken = width(&one.name, names).min(w * 0.6);
        fitting(&one.text, w - taken - PAD, h * 0.72)
    };
    (names, least(&mut shown.iter().map(value)).clamp(10.0, 40.0))
}

fn value(canvas: &mut Canvas, cell: Area, one: &Shown, (name_size, size): (f64, f64)) {
    let font = Font::new(size).colour(&one.colour).bold();
    let name = Font::new(name_size).colour(TEXT);
    let (x, y) = cell.middle();
    if beside(cell.w, cell.h) {
        let room = cell.w - width(&one.text, size) - 6.0;
        canvas.text((cell.x, y + name_size * 0.36), room, name, &one.name);
        let place = (cell.right(), y + size * 0.36);
        canvas.text(place, cell.w, font.anchor(Anchor::End), &one.text);
    } else {
        let top = y - (size + name_size) / 2.0;
        let name = name.anchor(Anchor::Middle);
        canvas.text((x, top + name_size * 0.75), cell.w, name, &one.name);
        let place = (x, top + name_size + size * 0.82);
        canvas.text(place, cell.w, font.anchor(Anchor::Middle), &one.text);
    }
}

/// The largest size at which `text` fits.
fn fitting(text: &str, room: f64, height: f64) -> f64 {
    (room / width(text, 1.0).max(0.1)).min(height)
}
