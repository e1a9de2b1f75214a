//! Charts, as SVG that stands in a page: each with a title and a description in words, drawn with classes,
//! so that a page's style, and a printer, decide the colours.

use std::fmt::Write as _;

use crate::report::model::{InitiativeOf, KeyResultOf, WeekOf};

/// Units of the chart of weeks.
const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 220.0;
const LEFT: f64 = 64.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 28.0;

/// Text inside a document.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// The lines of a share over places on the x axis, broken where there is none.
fn line(
    out: &mut String,
    class: &str,
    values: &[Option<f64>],
    x: impl Fn(usize) -> f64,
    y: impl Fn(f64) -> f64,
) {
    let mut path = String::new();
    let mut pen = 'M';
    for (place, value) in values.iter().enumerate() {
        match value {
            Some(value) => {
                let _written = write!(path, "{pen}{:.1} {:.1}", x(place), y(*value));
                pen = 'L';
            }
            None => pen = 'M',
        }
    }
    let _written = write!(out, "<path class=\"{class}\" d=\"{path}\"/>");
    // A week alone between two gaps is a point.
    for (place, value) in values.iter().enumerate() {
        if let Some(value) = value {
            let _written = write!(
                out,
                "<circle class=\"{class}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"2\"/>",
                x(place),
                y(*value)
            );
        }
    }
}

/// Score and coverage by week, beside the period before.
pub(super) fn weeks(weeks: &[WeekOf], before: &str) -> String {
    let count = weeks.len().max(2);
    // Half a bar on either side.
    let step = (WIDTH - LEFT - 12.0) / count as f64;
    let x = |place: usize| LEFT + step * (place as f64 + 0.5);
    let y = |share: f64| TOP + (HEIGHT - TOP - BOTTOM) * (1.0 - share);
    let score: Vec<Option<f64>> = weeks.iter().map(|week| week.mean.score).collect();
    let earlier: Vec<Option<f64>> = weeks.iter().map(|week| week.before?.score).collect();
    let known = |values: &[Option<f64>]| {
        let first = values.iter().flatten().next().copied();
        first.zip(values.iter().flatten().next_back().copied())
    };
    let told = match known(&score) {
        Some((first, last)) => format!(
            "The score goes from {:.1} % in the first measured week to {:.1} % in the last",
            100.0 * first,
            100.0 * last
        ),
        None => "Nothing was measured".to_owned(),
    };
    let mut out = format!(
        "<svg class=\"chart\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\"><title>Score by week</title><desc>{}; the dashed line is {}, the bars below are how much was measured.</desc>",
        escaped(&told),
        escaped(before)
    );
    for share in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let _written = write!(
            out,
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{:.1}\" y2=\"{:.1}\"/><text class=\"axis end\" x=\"{:.1}\" y=\"{:.1}\">{:.0} %</text>",
            WIDTH - 12.0,
            y(share),
            y(share),
            LEFT - 6.0,
            y(share) + 4.0,
            100.0 * share
        );
    }
    for (place, week) in weeks.iter().enumerate() {
        let measured = week.mean.coverage.unwrap_or(0.0) * week.mean.covered;
        let _written = write!(
            out,
            "<rect class=\"band\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>",
            x(place) - step * 0.3,
            y(measured),
            step * 0.6,
            y(0.0) - y(measured)
        );
        let is_labelled = place % weeks.len().div_ceil(7).max(1) == 0;
        if is_labelled {
            let _written = write!(
                out,
                "<text class=\"axis middle\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                x(place),
                HEIGHT - 8.0,
                week.first.strftime("%-d %b")
            );
        }
    }
    line(&mut out, "earlier", &earlier, x, y);
    line(&mut out, "score", &score, x, y);
    out.push_str("</svg>");
    out
}

/// A key result: what is left grey, what was made dark, what is expected by now as a mark.
pub(super) fn bullet(result: &KeyResultOf) -> String {
    let at = |share: f64| 160.0 * share;
    let told = match result.score {
        Some(score) => format!("score {:.2}, expected {:.2}", score, result.expected),
        None => "not measured".to_owned(),
    };
    let made = result.score.map_or(String::new(), |score| {
        format!(
            "<rect class=\"made\" x=\"0\" y=\"4\" width=\"{:.1}\" height=\"8\"/>",
            at(score)
        )
    });
    format!(
        "<svg class=\"bullet\" viewBox=\"0 0 160 16\" role=\"img\"><title>{}</title><rect class=\"whole\" x=\"0\" y=\"2\" width=\"160\" height=\"12\"/>{made}<line class=\"expected\" x1=\"{:.1}\" x2=\"{:.1}\" y1=\"0\" y2=\"16\"/></svg>",
        escaped(&told),
        at(result.expected),
        at(result.expected)
    )
}

/// Services left of an initiative, week by week.
pub(super) fn burn_down(initiative: &InitiativeOf) -> String {
    let weeks = &initiative.burn_down;
    let most = weeks
        .iter()
        .map(|(_, left)| *left)
        .chain([initiative.services])
        .max();
    let most = most.unwrap_or(0).max(1) as f64;
    let step = 160.0 / weeks.len().max(1) as f64;
    let mut out = format!(
        "<svg class=\"bullet\" viewBox=\"0 0 160 32\" role=\"img\"><title>{} of {} services left</title>",
        initiative.left, initiative.services
    );
    for (place, (_, left)) in weeks.iter().enumerate() {
        let height = 30.0 * *left as f64 / most;
        let _written = write!(
            out,
            "<rect class=\"made\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>",
            step * place as f64,
            32.0 - height,
            step * 0.8,
            height
        );
    }
    out.push_str("</svg>");
    out
}
