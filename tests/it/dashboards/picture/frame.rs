//! Answers as tables, and tables merged into one.

use serde_json::Value;

use super::names::answer;
use super::series::{Answers, Series};

/// A cell of a table.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    Empty,
    Text(String),
    Number(f64),
}

/// A table. Each row has as many cells as there are fields.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Frame {
    pub(super) fields: Vec<String>,
    pub(super) rows: Vec<Vec<Cell>>,
}

impl Frame {
    /// Where a field is.
    pub(super) fn at(&self, field: &str) -> Option<usize> {
        self.fields.iter().position(|name| name == field)
    }

    /// A table of an instant answer: a field for each label, then the value. The field of the
    /// time is left out, since all answers are of one moment. Without any answer there is still the
    /// value's field.
    fn of(series: &[Series], value: &str) -> Self {
        let mut fields: Vec<String> = Vec::new();
        for label in series.iter().flat_map(|one| one.labels.keys()) {
            if !fields.contains(label) {
                fields.push(label.clone());
            }
        }
        let row = |one: &Series| {
            let text = |label| Cell::Text(one.labels.get(label).cloned().unwrap_or_default());
            let value = one
                .points
                .last()
                .map_or(Cell::Empty, |&(_, value)| Cell::Number(value));
            fields.iter().map(text).chain([value]).collect()
        };
        let rows = series.iter().map(row).collect();
        fields.push(value.to_owned());
        Self { fields, rows }
    }
}

/// A table for each query of `panel`.
pub(super) fn frames(panel: &Value, answers: &Answers) -> Vec<Frame> {
    let targets = panel["targets"].as_array().map_or(&[][..], Vec::as_slice);
    let frame = |target: &Value| {
        let value = match (targets.len(), target["refId"].as_str()) {
            (2.., Some(id)) => format!("Value #{id}"),
            _ => "Value".to_owned(),
        };
        Frame::of(answer(panel, target, answers), &value)
    };
    targets.iter().map(frame).collect()
}

/// Grafana's `merge`: all fields, and rows joined that do not differ in a field which both have.
pub(super) fn merge(frames: &[Frame]) -> Frame {
    let mut merged = Frame::default();
    for field in frames.iter().flat_map(|frame| &frame.fields) {
        if merged.at(field).is_none() {
            merged.fields.push(field.clone());
        }
    }
    for frame in frames {
        for row in &frame.rows {
            let cell = |field: &String| frame.at(field).map_or(Cell::Empty, |at| row[at].clone());
            let row: Vec<Cell> = merged.fields.iter().map(cell).collect();
            let mut found = false;
            for known in merged.rows.iter_mut().filter(|known| agree(known, &row)) {
                fill(known, &row);
                found = true;
            }
            if !found {
                merged.rows.push(row);
            }
        }
    }
    merged
}

fn agree(known: &[Cell], row: &[Cell]) -> bool {
    let mut pairs = known.iter().zip(row);
    pairs.all(|(a, b)| *a == Cell::Empty || *b == Cell::Empty || a == b)
}

fn fill(known: &mut [Cell], row: &[Cell]) {
    for (into, from) in known.iter_mut().zip(row) {
        if *from != Cell::Empty {
            into.clone_from(from);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::series::{Answers, Series};
    use super::{Cell, Frame, frames, merge};

    fn series(labels: &[(&str, &str)], value: f64) -> Series {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Series {
            labels: labels.iter().map(owned).collect(),
            points: vec![(0.0, value)],
        }
    }

    fn answered(pairs: Vec<(&str, Vec<Series>)>) -> Vec<Frame> {
        let targets: Vec<_> = pairs.iter().map(|(id, _)| json!({"refId": id})).collect();
        let owned = |(id, series)| (("t".to_owned(), String::from(id)), series);
        let answers: Answers = pairs.into_iter().map(owned).collect();
        frames(&json!({"title": "t", "targets": targets}), &answers)
    }

    fn text(text: &str) -> Cell {
        Cell::Text(text.to_owned())
    }

    #[test]
    fn one_query_has_a_plain_value() {
        let all = answered(vec![(
            "up",
            vec![series(&[("a", "1")], 2.0), series(&[("b", "1")], 3.0)],
        )]);
        assert_eq!(all[0].fields, ["a", "b", "Value"]);
        assert_eq!(all[0].rows[1], [text(""), text("1"), Cell::Number(3.0)]);
    }

    #[test]
    fn rows_are_merged_on_what_they_share() {
        let all = answered(vec![
            (
                "score",
                vec![series(&[("s", "a")], 0.5), series(&[("s", "b")], 0.7)],
            ),
            (
                "owner",
                vec![
                    series(&[("s", "b"), ("team", "x")], 1.0),
                    series(&[("s", "c"), ("team", "y")], 1.0),
                ],
            ),
            ("none", vec![]),
        ]);
        let merged = merge(&all);
        let fields = ["s", "Value #score", "team", "Value #owner", "Value #none"];
        assert_eq!(merged.fields, fields);
        let (one, none) = (Cell::Number(1.0), Cell::Empty);
        assert_eq!(
            merged.rows,
            [
                vec![
                    text("a"),
                    Cell::Number(0.5),
                    none.clone(),
                    none.clone(),
                    none.clone()
                ],
                vec![
                    text("b"),
                    Cell::Number(0.7),
                    text("x"),
                    one.clone(),
                    none.clone()
                ],
                vec![text("c"), none.clone(), text("y"), one, none],
            ]
        );
    }

    #[test]
    fn every_row_that_agrees_is_filled() {
        let all = answered(vec![
            (
                "down",
                vec![
                    series(&[("s", "a"), ("why", "x")], 1.0),
                    series(&[("s", "a"), ("why", "y")], 1.0),
                ],
            ),
            ("age", vec![series(&[("s", "a")], 9.0)]),
        ]);
        let merged = merge(&all);
        assert_eq!(merged.rows.len(), 2);
        assert!(merged.rows.iter().all(|row| row[3] == Cell::Number(9.0)));
    }
}
