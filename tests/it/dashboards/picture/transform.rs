//! A panel's transformations, in the order in which it names them.

use std::cmp::Ordering;

use serde_json::Value;

use super::frame::{Cell, Frame, merge};

/// What becomes of the answers. Without `merge`, the first is shown.
pub(super) fn apply(mut frames: Vec<Frame>, transformations: &Value) -> Frame {
    for one in transformations.as_array().into_iter().flatten() {
        let options = &one["options"];
        match one["id"].as_str() {
            Some("merge") => frames = vec![merge(&frames)],
            Some("organize") => each(&mut frames, |frame| organize(frame, options)),
            Some("sortBy") => each(&mut frames, |frame| sort(frame, &options["sort"][0])),
            Some("groupingToMatrix") => each(&mut frames, |frame| matrix(frame, options)),
            _ => {}
        }
    }
    frames.into_iter().next().unwrap_or_default()
}

fn each(frames: &mut [Frame], change: impl Fn(&Frame) -> Frame) {
    for frame in frames {
        *frame = change(frame);
    }
}

/// Leaves out, orders and renames fields.
fn organize(frame: &Frame, options: &Value) -> Frame {
    let kept = |field: &&String| options["excludeByName"][field.as_str()] != true;
    let mut fields: Vec<&String> = frame.fields.iter().filter(kept).collect();
    let place = |field: &&String| options["indexByName"][field.as_str()].as_u64();
    fields.sort_by_key(|field| place(field).unwrap_or(u64::MAX));
    let places: Vec<usize> = fields.iter().filter_map(|field| frame.at(field)).collect();
    let name = |field: &&String| {
        let new = options["renameByName"][field.as_str()].as_str();
        new.unwrap_or(field.as_str()).to_owned()
    };
    let row = |row: &Vec<Cell>| places.iter().map(|&at| row[at].clone()).collect();
    Frame {
        fields: fields.iter().map(name).collect(),
        rows: frame.rows.iter().map(row).collect(),
    }
}

/// Sorts rows by a field. Rows without it come last; Grafana leaves their place to chance.
fn sort(frame: &Frame, by: &Value) -> Frame {
    let mut sorted = frame.clone();
    if let Some(at) = by["field"].as_str().and_then(|field| frame.at(field)) {
        let descending = by["desc"] == true;
        sorted.rows.sort_by(|a, b| match (&a[at], &b[at]) {
            (Cell::Empty, Cell::Empty) => Ordering::Equal,
            (Cell::Empty, _) => Ordering::Greater,
            (_, Cell::Empty) => Ordering::Less,
            (a, b) if descending => compare(b, a),
            (a, b) => compare(a, b),
        });
    }
    sorted
}

fn compare(a: &Cell, b: &Cell) -> Ordering {
    match (a, b) {
        (Cell::Number(a), Cell::Number(b)) => a.total_cmp(b),
        (Cell::Text(a), Cell::Text(b)) => a.cmp(b),
        _ => Ordering::Equal,
    }
}

/// A row for each value of one field, a column for each value of another, both in the order in
/// which they come.
fn matrix(frame: &Frame, options: &Value) -> Frame {
    let name = |option: &str, default| options[option].as_str().unwrap_or(default).to_owned();
    let (row, column) = (name("rowField", "Time"), name("columnField", "Time"));
    let found = (
        frame.at(&row),
        frame.at(&column),
        frame.at(&name("valueField", "Value")),
    );
    let (Some(row_at), Some(column_at), Some(value_at)) = found else {
        return frame.clone();
    };
    let empty = match options["emptyValue"].as_str() {
        Some("null") => Cell::Empty,
        _ => Cell::Text(String::new()),
    };
    let columns = distinct(frame, column_at);
    let cells = |of: &Cell| {
        let mut cells = vec![empty.clone(); columns.len()];
        for row in frame.rows.iter().filter(|row| row[row_at] == *of) {
            if let Some(at) = columns.iter().position(|column| *column == row[column_at]) {
                cells[at] = row[value_at].clone();
            }
        }
        [of.clone()].into_iter().chain(cells).collect()
    };
    let rows = distinct(frame, row_at).iter().map(cells).collect();
    let corner = format!("{row}\\{column}");
    Frame {
        fields: [corner]
            .into_iter()
            .chain(columns.iter().map(label))
            .collect(),
        rows,
    }
}

fn distinct(frame: &Frame, at: usize) -> Vec<Cell> {
    let mut values = Vec::new();
    for row in &frame.rows {
        if !values.contains(&row[at]) {
            values.push(row[at].clone());
        }
    }
    values
}

fn label(cell: &Cell) -> String {
    match cell {
        Cell::Empty => String::new(),
        Cell::Text(text) => text.clone(),
        Cell::Number(number) => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::frame::{Cell, Frame};
    use super::apply;

    fn text(text: &str) -> Cell {
        Cell::Text(text.to_owned())
    }

    fn frame(fields: &[&str], rows: Vec<Vec<Cell>>) -> Frame {
        Frame {
            fields: fields.iter().map(|&field| field.to_owned()).collect(),
            rows,
        }
    }

    #[test]
    fn fields_are_left_out_ordered_and_renamed() {
        let before = frame(
            &["a", "b", "c"],
            vec![vec![text("1"), text("2"), text("3")]],
        );
        let options = json!({
            "excludeByName": {"a": true}, "indexByName": {"c": 0, "b": 1},
            "renameByName": {"c": "d"}
        });
        let after = apply(
            vec![before],
            &json!([{"id": "organize", "options": options}]),
        );
        assert_eq!(after, frame(&["d", "b"], vec![vec![text("3"), text("2")]]));
    }

    #[test]
    fn rows_without_a_value_are_sorted_to_the_end() {
        let numbers = [
            Cell::Number(2.0),
            Cell::Empty,
            Cell::Number(1.0),
            Cell::Number(3.0),
        ];
        let before = frame(&["v"], numbers.into_iter().map(|cell| vec![cell]).collect());
        for (descending, expected) in [(false, [1.0, 2.0, 3.0]), (true, [3.0, 2.0, 1.0])] {
            let options = json!({"sort": [{"field": "v", "desc": descending}]});
            let after = apply(
                vec![before.clone()],
                &json!([{"id": "sortBy", "options": options}]),
            );
            let expected = expected.map(Cell::Number).into_iter().chain([Cell::Empty]);
            assert_eq!(
                after.rows,
                expected.map(|cell| vec![cell]).collect::<Vec<_>>()
            );
        }
    }

    #[test]
    fn rows_are_grouped_to_a_matrix() {
        let row = |service, rule, value| vec![text(service), text(rule), Cell::Number(value)];
        let rows = vec![
            row("a", "O-6", 3.0),
            row("a", "O-7", 0.0),
            row("b", "O-7", 1.0),
        ];
        let before = frame(&["service", "rule", "Value"], rows);
        let options = json!({
            "rowField": "service", "columnField": "rule", "valueField": "Value",
            "emptyValue": "null"
        });
        let after = apply(
            vec![before],
            &json!([{"id": "groupingToMatrix", "options": options}]),
        );
        let rows = vec![
            vec![text("a"), Cell::Number(3.0), Cell::Number(0.0)],
            vec![text("b"), Cell::Empty, Cell::Number(1.0)],
        ];
        assert_eq!(after, frame(&["service\\rule", "O-6", "O-7"], rows));
    }
}
