//! Panels of kind `table`.

use serde_json::Value;

use super::colours::{BORDER, DIM, TEXT, on};
use super::field::{CellLook, Field};
use super::frame::{Cell, Frame, frames};
use super::series::Answers;
use super::svg::{Anchor, Area, Canvas, Font};
use super::text::width;
use super::transform::apply;

const HEAD: f64 = 26.0;
const ROW: f64 = 25.0;
const SIZE: f64 = 12.0;
const PAD: f64 = 8.0;

/// A column and where it is.
struct Column {
    field: Field,
    at: usize,
    x: f64,
    w: f64,
    anchor: Anchor,
}

impl Column {
    /// Where text of the column is anchored.
    fn place(&self) -> f64 {
        match self.anchor {
            Anchor::Start => self.x + PAD,
            Anchor::Middle => self.x + self.w / 2.0,
            Anchor::End => self.x + self.w - PAD,
        }
    }

    /// How wide text of the column may be.
    fn room(&self) -> f64 {
        let pad = if self.field.centred() { 2.0 } else { PAD };
        (self.w - 2.0 * pad).max(0.0)
    }
}

/// Draws the table; false where there is nothing to show.
pub(super) fn draw(canvas: &mut Canvas, area: Area, panel: &Value, answers: &Answers) -> bool {
    let table = apply(frames(panel, answers), &panel["transformations"]);
    if table.rows.is_empty() {
        return false;
    }
    let columns = columns(panel, &table, area);
    for column in &columns {
        let font = Font::new(SIZE).colour(DIM).bold().anchor(column.anchor);
        let place = (column.place(), area.y + 17.0);
        canvas.text(place, column.room(), font, column.field.title());
    }
    let body = area.below(HEAD);
    let fitting = (body.h / ROW).floor() as usize;
    let shown = if table.rows.len() > fitting {
        fitting.saturating_sub(1)
    } else {
        fitting
    };
    for (index, row) in table.rows.iter().take(shown).enumerate() {
        let line = Area {
            y: body.y + index as f64 * ROW,
            h: ROW,
            ..body
        };
        canvas.fill(Area { h: 1.0, ..line }, BORDER, 1.0);
        for column in &columns {
            cell(canvas, line, column, &row[column.at]);
        }
    }
    if table.rows.len() > shown {
        let y = body.y + shown as f64 * ROW;
        canvas.fill(Area { y, h: 1.0, ..body }, BORDER, 1.0);
        let more = format!("{} more", table.rows.len() - shown);
        canvas.text(
            (body.x + PAD, y + 17.0),
            body.w,
            Font::new(SIZE).colour(DIM),
            &more,
        );
    }
    true
}

/// What a cell says, in which colour.
fn shown<'a>(field: &'a Field, cell: &Cell) -> (String, &'a str) {
    match cell {
        Cell::Empty => (String::new(), field.base()),
        Cell::Text(text) => (text.clone(), field.base()),
        Cell::Number(value) => (field.text(*value), field.colour(*value)),
    }
}

fn cell(canvas: &mut Canvas, line: Area, column: &Column, cell: &Cell) {
    let (text, own) = shown(&column.field, cell);
    let colour = match column.field.cell() {
        CellLook::Plain => TEXT,
        CellLook::ColouredText => own,
        CellLook::ColouredBackground => {
            let inner = Area {
                x: column.x,
                y: line.y + 1.0,
                w: column.w - 1.0,
                h: ROW - 1.0,
            };
            canvas.fill(inner, own, 1.0);
            if own == "none" { TEXT } else { on(own) }
        }
    };
    let font = Font::new(SIZE).colour(colour).anchor(column.anchor);
    canvas.text((column.place(), line.y + 17.0), column.room(), font, &text);
}

fn columns(panel: &Value, table: &Frame, area: Area) -> Vec<Column> {
    let fields: Vec<Field> = table
        .fields
        .iter()
        .map(|name| Field::of(panel, name))
        .collect();
    let wanted: Vec<(f64, bool)> = fields
        .iter()
        .enumerate()
        .map(|(at, field)| match field.width() {
            Some(width) => (width, true),
            None => (natural(table, at, field), false),
        })
        .collect();
    let widths = share(&wanted, area.w);
    let mut x = area.x;
    let placed = fields.into_iter().zip(widths).enumerate();
    placed
        .map(|(at, (field, w))| {
            let anchor = anchor(table, at, &field);
            let column = Column {
                field,
                at,
                x,
                w,
                anchor,
            };
            x += w;
            column
        })
        .collect()
}

/// Numbers stand to the right, as Grafana has it where nothing else is set.
fn anchor(table: &Frame, at: usize, field: &Field) -> Anchor {
    let number = table
        .rows
        .iter()
        .any(|row| matches!(row[at], Cell::Number(_)));
    match (field.centred(), number) {
        (true, _) => Anchor::Middle,
        (false, true) => Anchor::End,
        (false, false) => Anchor::Start,
    }
}

/// How wide a column would have to be so that nothing of it is cut.
fn natural(table: &Frame, at: usize, field: &Field) -> f64 {
    let cells = table
        .rows
        .iter()
        .map(|row| width(&shown(field, &row[at]).0, SIZE));
    let widest = cells.fold(width(field.title(), SIZE), f64::max);
    widest + if field.centred() { 6.0 } else { 2.0 * PAD }
}

/// Widths that fill `room`: wanted ones that are fixed stay, the others have what they want and
/// an equal part of what is left, or, where there is too little, at most an equal part each.
fn share(wanted: &[(f64, bool)], room: f64) -> Vec<f64> {
    let fixed: f64 = wanted
        .iter()
        .filter(|(_, fixed)| *fixed)
        .map(|(width, _)| width)
        .sum();
    let mut free: Vec<f64> = wanted
        .iter()
        .filter(|(_, fixed)| !fixed)
        .map(|(width, _)| *width)
        .collect();
    let scale = if free.is_empty() {
        room / fixed.max(1.0)
    } else {
        1.0
    };
    let left = room - fixed - free.iter().sum::<f64>();
    let (limit, extra) = if left >= 0.0 {
        (f64::INFINITY, left / free.len().max(1) as f64)
    } else {
        free.sort_by(f64::total_cmp);
        (level(&free, (room - fixed).max(0.0)), 0.0)
    };
    let width = |&(width, fixed): &(f64, bool)| match fixed {
        true => width * scale,
        false => width.min(limit) + extra,
    };
    wanted.iter().map(width).collect()
}

/// The greatest width that each of the sorted `widths` may have so that all fit into `room`.
fn level(widths: &[f64], room: f64) -> f64 {
    let mut left = room;
    for (index, width) in widths.iter().enumerate() {
        let equal = left / (widths.len() - index) as f64;
        if *width > equal {
            return equal;
        }
        left -= width;
    }
    f64::INFINITY
}

#[cfg(test)]
mod tests {
    use super::share;

    #[test]
    fn columns_share_the_room() {
        assert_eq!(
            share(&[(70.0, true), (50.0, false), (80.0, false)], 300.0),
            [70.0, 100.0, 130.0]
        );
        assert_eq!(
            share(&[(70.0, true), (50.0, false), (300.0, false)], 220.0),
            [70.0, 50.0, 100.0]
        );
        assert_eq!(share(&[(50.0, true), (100.0, true)], 300.0), [100.0, 200.0]);
    }
}
