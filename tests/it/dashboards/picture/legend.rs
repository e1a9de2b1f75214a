//! The names and colours at the foot of a panel over time.

use super::colours::{DIM, TEXT};
use super::svg::{Area, Canvas, Font};
use super::text::{cut, width};

const SIZE: f64 = 11.0;
const LINE: f64 = 17.0;
const MARK: f64 = 18.0;
const GAP: f64 = 14.0;

/// Draws as many of the names as fit into a third of `area` at its foot, and gives back what is
/// left above them.
pub(super) fn draw(canvas: &mut Canvas, area: Area, names: &[(String, String)]) -> Area {
    let most = ((area.h / 3.0 / LINE).floor() as usize).max(1);
    let lines = lines(names, area.w);
    let fitting = if lines.len() > most {
        most
    } else {
        lines.len()
    };
    let shown: usize = lines.iter().take(fitting).map(Vec::len).sum();
    let height = fitting as f64 * LINE + 6.0;
    let left = area.above(height);
    let rows = lines.iter().take(fitting).enumerate();
    for (index, line) in rows {
        let y = left.bottom() + 6.0 + index as f64 * LINE;
        let last = index + 1 == fitting && shown < names.len();
        entries(
            canvas,
            Area { y, h: LINE, ..area },
            line,
            last.then_some(names.len() - shown),
        );
    }
    left
}

/// Draws one line, which ends by telling of how many names there is no room.
fn entries(canvas: &mut Canvas, line: Area, names: &[(String, String)], hidden: Option<usize>) {
    let mut hidden = hidden.unwrap_or(0);
    let room = if hidden > 0 {
        line.w - width("and 9999 more", SIZE)
    } else {
        line.w
    };
    let baseline = line.y + 11.0;
    let mut x = line.x;
    for (index, (name, colour)) in names.iter().enumerate() {
        let name = cut(name, SIZE, line.w - MARK);
        let entry = MARK + width(&name, SIZE);
        if x + entry > line.x + room && index > 0 {
            hidden += names.len() - index;
            break;
        }
        canvas.fill(
            Area {
                x,
                y: baseline - 5.5,
                w: 12.0,
                h: 3.0,
            },
            colour,
            1.0,
        );
        canvas.text(
            (x + MARK, baseline),
            entry,
            Font::new(SIZE).colour(TEXT),
            &name,
        );
        x += entry + GAP;
    }
    if hidden > 0 {
        let more = format!("and {hidden} more");
        canvas.text(
            (x, baseline),
            line.right() - x,
            Font::new(SIZE).colour(DIM),
            &more,
        );
    }
}

/// Names broken into lines of a width.
fn lines(names: &[(String, String)], room: f64) -> Vec<Vec<(String, String)>> {
    let mut lines: Vec<Vec<(String, String)>> = Vec::new();
    let mut used = f64::INFINITY;
    for entry in names {
        let needed = MARK + width(&entry.0, SIZE);
        if used + needed > room {
            lines.push(Vec::new());
            used = 0.0;
        }
        used += needed + GAP;
        if let Some(line) = lines.last_mut() {
            line.push(entry.clone());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::lines;

    #[test]
    fn names_are_broken_into_lines() {
        let names: Vec<_> = ["one", "two", "three"]
            .map(|name| (name.to_owned(), String::new()))
            .into();
        assert_eq!(lines(&names, 1000.0).len(), 1);
        assert_eq!(
            lines(&names, 100.0)
                .iter()
                .map(Vec::len)
                .collect::<Vec<_>>(),
            [2, 1]
        );
        assert!(lines(&[], 100.0).is_empty());
    }
}
