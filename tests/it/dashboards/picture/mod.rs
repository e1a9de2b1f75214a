//! Pictures of dashboards: SVG drawn from a dashboard's JSON and from what its queries answered.
//!
//! They are drawn by this code and are not Grafana's, so that they show what the panels say and
//! about how they are laid out. What Grafana lets one scroll to is counted and not shown.

mod axes;
mod clock;
mod colours;
mod field;
mod frame;
mod gauge;
mod graph;
mod legend;
mod names;
mod series;
mod spans;
mod stat;
mod states;
mod svg;
mod table;
mod text;
mod transform;
mod units;

use serde_json::Value;

pub(crate) use series::{Answers, Series};

use colours::{BORDER, CANVAS, DIM, PANEL};
use svg::{Anchor, Area, Canvas, Font};
use text::width;

const WIDTH: f64 = 1440.0;
const MARGIN: f64 = 16.0;
const GAP: f64 = 8.0;
const COLUMN: f64 = (WIDTH - 2.0 * MARGIN + GAP) / 24.0;
const ROW: f64 = 34.0;
const HEAD: f64 = 92.0;
const FOOT: f64 = 36.0;
const TITLE: f64 = 28.0;

/// The picture. `range` is the time shown (unix seconds), `note` the line at the foot.
pub(crate) fn draw(dashboard: &Value, answers: &Answers, range: (f64, f64), note: &str) -> String {
    let mut canvas = Canvas::default();
    head(&mut canvas, dashboard, range);
    let mut bottom = HEAD;
    for panel in dashboard["panels"].as_array().into_iter().flatten() {
        let area = place(&panel["gridPos"]);
        bottom = area.bottom().max(bottom);
        match panel["type"].as_str() {
            Some("row") => section(&mut canvas, area, panel),
            _ => one(&mut canvas, area, panel, answers, range),
        }
    }
    let place = (MARGIN, bottom + 24.0);
    canvas.text(
        place,
        WIDTH - 2.0 * MARGIN,
        Font::new(12.0).colour(DIM),
        note,
    );
    canvas.finish(WIDTH, bottom + FOOT)
}

/// Where a panel is, in Grafana's grid of 24 columns.
fn place(grid: &Value) -> Area {
    let number = |name: &str| grid[name].as_f64().unwrap_or(0.0);
    Area {
        x: MARGIN + number("x") * COLUMN,
        y: HEAD + number("y") * ROW,
        w: number("w") * COLUMN - GAP,
        h: number("h") * ROW - GAP,
    }
}

/// The title, the time shown, and the variables with what is chosen.
fn head(canvas: &mut Canvas, dashboard: &Value, (from, to): (f64, f64)) {
    let title = dashboard["title"].as_str().unwrap_or_default();
    canvas.text((MARGIN, 36.0), WIDTH / 2.0, Font::new(20.0).bold(), title);
    let until = if clock::date(from) == clock::date(to) {
        clock::time(to)
    } else {
        clock::iso(to)
    };
    let time = format!("{} to {until} UTC", clock::iso(from));
    let font = Font::new(13.0).colour(DIM).anchor(Anchor::End);
    canvas.text((WIDTH - MARGIN, 36.0), WIDTH / 2.0, font, &time);
    let mut x = MARGIN;
    let variables = dashboard["templating"]["list"]
        .as_array()
        .into_iter()
        .flatten();
    for variable in variables.filter(|variable| variable["hide"] != 2) {
        x += chosen(canvas, x, variable) + GAP;
    }
}

/// Draws what is chosen of a variable, and gives back how wide that is.
fn chosen(canvas: &mut Canvas, x: f64, variable: &Value) -> f64 {
    let label = variable["label"]
        .as_str()
        .or(variable["name"].as_str())
        .unwrap_or_default();
    let current = &variable["current"]["text"];
    let text = current
        .as_str()
        .or(current[0].as_str())
        .or(variable["query"].as_str());
    let (text, size) = (text.unwrap_or_default(), 12.0);
    let (left, right) = (width(label, size) + 16.0, width(text, size) + 16.0);
    let area = Area {
        x,
        y: 52.0,
        w: left,
        h: 26.0,
    };
    canvas.boxed(area, PANEL, BORDER);
    canvas.text((x + 8.0, 69.0), left, Font::new(size).bold(), label);
    canvas.boxed(
        Area {
            x: area.right(),
            w: right,
            ..area
        },
        CANVAS,
        BORDER,
    );
    canvas.text((area.right() + 8.0, 69.0), right, Font::new(size), text);
    left + right
}

/// The heading of a row.
fn section(canvas: &mut Canvas, area: Area, panel: &Value) {
    let y = area.middle().1;
    let (x, top) = (svg::number(area.x + 2.0), svg::number(y - 2.0));
    canvas.stroke(&format!("M{x} {top}l4 4l4 -4"), DIM, 1.5);
    let title = panel["title"].as_str().unwrap_or_default();
    canvas.text(
        (area.x + 18.0, y + 5.0),
        area.w - 18.0,
        Font::new(14.0).bold(),
        title,
    );
}

/// A panel: its frame, its title, and what its kind shows.
fn one(canvas: &mut Canvas, area: Area, panel: &Value, answers: &Answers, range: (f64, f64)) {
    canvas.boxed(area, PANEL, BORDER);
    let title = panel["title"].as_str().unwrap_or_default();
    canvas.text(
        (area.x + 10.0, area.y + 20.0),
        area.w - 20.0,
        Font::new(13.0).bold(),
        title,
    );
    let inner = area.below(TITLE).above(2.0);
    let drawn = match panel["type"].as_str() {
        Some("stat") => stat::draw(canvas, inner, panel, answers),
        Some("bargauge") => gauge::draw(canvas, inner, panel, answers),
        Some("table") => table::draw(canvas, inner.inset(2.0, 0.0), panel, answers),
        Some("timeseries") => graph::draw(canvas, inner, panel, answers, range),
        Some("state-timeline") => states::draw(canvas, inner, panel, answers, range),
        _ => false,
    };
    if !drawn {
        let (x, y) = inner.middle();
        let font = Font::new(14.0).colour(DIM).anchor(Anchor::Middle);
        canvas.text((x, y), inner.w, font, "No data");
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::{Answers, Series, draw};

    #[test]
    fn a_dashboard_is_drawn() {
        let panel = |title: &str, x: u32| {
            json!({
                "type": "stat", "title": title, "gridPos": {"x": x, "y": 0, "w": 6, "h": 4},
                "targets": [{"refId": "A", "instant": true}],
                "fieldConfig": {"defaults": {"unit": "percentunit", "decimals": 0}},
            })
        };
        let dashboard = json!({
            "title": "Fleet & more",
            "panels": [panel("Score", 0), panel("Coverage", 6)],
            "templating": {"list": [
                {"name": "team", "label": "Team", "hide": 0, "current": {"text": ["All"]}},
                {"name": "page", "label": "Page", "hide": 2},
            ]},
        });
        let score = Series {
            labels: BTreeMap::new(),
            points: vec![(60.0, 0.714)],
        };
        let answers = Answers::from([(("Score".to_owned(), "A".to_owned()), vec![score])]);
        let picture = draw(&dashboard, &answers, (0.0, 60.0), "Not Grafana's.");
        for (text, times) in [
            (">Fleet &amp; more<", 1),
            (">71%<", 1),
            (">No data<", 1),
            (">Team<", 1),
            (">All<", 1),
            (">Page<", 0),
            (">1970-01-01 00:00:00 to 00:01:00 UTC<", 1),
            (">Not Grafana's.<", 1),
        ] {
            assert_eq!(picture.matches(text).count(), times, "{text} in {picture}");
        }
        assert_eq!(
            picture,
            draw(&dashboard, &answers, (0.0, 60.0), "Not Grafana's.")
        );
    }
}
