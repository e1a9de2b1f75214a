//! How values are shown: units, words and colours. A status is never told by colour alone.

use serde_json::{Value, json};

use super::source::Look;

/// Colours of Grafana's palette, the same for the same thing everywhere.
const GREEN: &str = "green";
const RED: &str = "red";
const ORANGE: &str = "orange";
const BLUE: &str = "blue";
const PURPLE: &str = "purple";
const GREY: &str = "text";

/// Unit, bounds, steps and words of a look: a part of Grafana's `fieldConfig.defaults`.
pub(super) fn defaults(look: Look) -> Value {
    match look {
        Look::Ratio => {
            json!({"unit": "percentunit", "min": 0, "max": 1, "decimals": 0, "thresholds": steps(RED, &[(0.7, ORANGE), (0.9, GREEN)])})
        }
        Look::Coverage => {
            json!({"unit": "percentunit", "min": 0, "max": 1, "decimals": 0, "thresholds": steps(PURPLE, &[(0.5, GREY)])})
        }
        Look::Share => {
            json!({"unit": "percentunit", "min": 0, "thresholds": steps(GREY, &[])})
        }
        Look::Count => json!({"unit": "short", "decimals": 0, "thresholds": steps(GREY, &[])}),
        Look::BadCount => {
            json!({"unit": "short", "decimals": 0, "min": 0, "thresholds": steps(GREEN, &[(1.0, RED)])})
        }
        Look::WarnCount => {
            json!({"unit": "short", "decimals": 0, "min": 0, "thresholds": steps(GREEN, &[(1.0, PURPLE)])})
        }
        Look::WaivedCount => {
            json!({"unit": "short", "decimals": 0, "min": 0, "thresholds": steps(GREEN, &[(1.0, BLUE)])})
        }
        Look::Verdicts | Look::TargetStates => {
            json!({"unit": "short", "decimals": 0, "min": 0, "thresholds": steps(GREY, &[])})
        }
        Look::Status => words(&[
            ("0", "violated", RED),
            ("1", "unknown", PURPLE),
            ("2", "waived", BLUE),
            ("3", "compliant", GREEN),
        ]),
        // A cell without a value has no background.
        Look::StatusMark => {
            let mut marks = words(&[
                ("0", "✗", RED),
                ("1", "?", PURPLE),
                ("2", "~", BLUE),
                ("3", "✓", GREEN),
            ]);
            marks["thresholds"] = steps("transparent", &[]);
            marks
        }
        Look::Compliant => words(&[("0", "violated", RED), ("1", "compliant", GREEN)]),
        Look::Missing => words(&[("1", "not found", ORANGE)]),
        Look::Catalogued => words(&[("0", "not written down", ORANGE)]),
        Look::Up => words(&[("0", "down", RED), ("1", "up", GREEN)]),
        Look::Held => words(&[("0", "in use", GREEN), ("1", "held back", ORANGE)]),
        Look::YesNo => words(&[("0", "no", RED), ("1", "yes", GREEN)]),
        Look::Version => words(&[("1", "runs", BLUE)]),
        Look::Seconds => json!({"unit": "s", "min": 0, "thresholds": steps(GREY, &[])}),
        Look::Age => {
            json!({"unit": "s", "thresholds": steps(GREEN, &[(60.0, ORANGE), (300.0, RED)])})
        }
        Look::Left => {
            json!({"unit": "dtdurations", "decimals": 1, "thresholds": steps(RED, &[(86_400.0, ORANGE), (1_209_600.0, GREEN)])})
        }
        Look::Moment => json!({"unit": "dateTimeAsIso", "thresholds": steps(GREY, &[])}),
        Look::Bytes => json!({"unit": "bytes", "thresholds": steps(GREY, &[])}),
        Look::PerSecond => json!({"unit": "ops", "min": 0, "thresholds": steps(GREY, &[])}),
        Look::Cores => json!({"unit": "none", "min": 0, "thresholds": steps(GREY, &[])}),
    }
}

/// Colours of series by their name, where the name says what they mean.
pub(super) fn series_colours(look: Option<Look>) -> &'static [(&'static str, &'static str)] {
    match look {
        Some(Look::Verdicts) => &[
            ("pass", GREEN),
            ("fail", RED),
            ("waived", BLUE),
            ("unknown", PURPLE),
        ],
        Some(Look::TargetStates) => &[("up", GREEN), ("down", RED), ("pending", PURPLE)],
        _ => &[],
    }
}

/// Whether a cell is coloured: where its colour says how bad its value is.
pub(super) fn is_coloured(look: Look) -> bool {
    !matches!(
        look,
        Look::Count
            | Look::Seconds
            | Look::Moment
            | Look::Bytes
            | Look::PerSecond
            | Look::Cores
            | Look::Share
            | Look::Version
    )
}

fn steps(base: &str, higher: &[(f64, &str)]) -> Value {
    let mut steps = vec![json!({"color": base, "value": null})];
    let higher = higher
        .iter()
        .map(|(from, color)| json!({"color": color, "value": from}));
    steps.extend(higher);
    json!({"mode": "absolute", "steps": steps})
}

fn words(words: &[(&str, &str, &str)]) -> Value {
    let options: serde_json::Map<String, Value> = words
        .iter()
        .enumerate()
        .map(|(index, (value, text, color))| {
            let word = json!({"text": text, "color": color, "index": index});
            ((*value).to_owned(), word)
        })
        .collect();
    json!({"mappings": [{"type": "value", "options": options}], "thresholds": steps(GREY, &[])})
}
