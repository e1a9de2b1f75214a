//! How a panel wants the values of one of its fields shown.

use serde_json::{Map, Value};

use super::colours::{TEXT, by_name, named};
use super::units;

/// The look of a table's cell.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum CellLook {
    Plain,
    ColouredText,
    ColouredBackground,
}

/// The configuration of a field: the panel's defaults and its overrides for the field's name.
pub(super) struct Field {
    name: String,
    config: Map<String, Value>,
}

impl Field {
    /// The configuration that `panel` has for the field called `name`.
    pub(super) fn of(panel: &Value, name: &str) -> Self {
        let config = &panel["fieldConfig"];
        let mut own = config["defaults"].as_object().cloned().unwrap_or_default();
        let overrides = config["overrides"].as_array().into_iter().flatten();
        let matching = overrides
            .filter(|one| one["matcher"]["id"] == "byName" && one["matcher"]["options"] == name);
        for property in matching
            .flat_map(|one| one["properties"].as_array())
            .flatten()
        {
            if let Some(id) = property["id"].as_str() {
                set(&mut own, id, &property["value"]);
            }
        }
        Self {
            name: name.to_owned(),
            config: own,
        }
    }

    fn get(&self, path: &[&str]) -> Option<&Value> {
        let (first, rest) = path.split_first()?;
        rest.iter()
            .try_fold(self.config.get(*first)?, |value, part| value.get(part))
    }

    /// The name that is shown.
    pub(super) fn title(&self) -> &str {
        self.get(&["displayName"])
            .and_then(Value::as_str)
            .unwrap_or(&self.name)
    }

    /// The unit of the values.
    pub(super) fn unit(&self) -> &str {
        self.get(&["unit"])
            .and_then(Value::as_str)
            .unwrap_or("none")
    }

    /// The least value of a scale, where it is fixed.
    pub(super) fn min(&self) -> Option<f64> {
        self.get(&["min"])?.as_f64()
    }

    /// The greatest value of a scale, where it is fixed.
    pub(super) fn max(&self) -> Option<f64> {
        self.get(&["max"])?.as_f64()
    }

    /// The width of a column, where it is fixed.
    pub(super) fn width(&self) -> Option<f64> {
        self.get(&["custom", "width"])?.as_f64()
    }

    /// Whether a column's text stands in the middle of it.
    pub(super) fn centred(&self) -> bool {
        self.get(&["custom", "align"])
            .is_some_and(|align| align == "center")
    }

    /// The look of a column's cells.
    pub(super) fn cell(&self) -> CellLook {
        match self
            .get(&["custom", "cellOptions", "type"])
            .and_then(Value::as_str)
        {
            Some("color-text") => CellLook::ColouredText,
            Some("color-background") => CellLook::ColouredBackground,
            _ => CellLook::Plain,
        }
    }

    /// Whether series stand upon each other.
    pub(super) fn stacked(&self) -> bool {
        self.get(&["custom", "stacking", "mode"])
            .is_some_and(|mode| mode == "normal")
    }

    /// How opaque the area of a series is, from 0 to 1.
    pub(super) fn opacity(&self) -> f64 {
        let percent = self.get(&["custom", "fillOpacity"]).and_then(Value::as_f64);
        percent.unwrap_or(0.0) / 100.0
    }

    fn mapping(&self, value: f64) -> Option<&Value> {
        let mappings = self.get(&["mappings"])?.as_array()?;
        let mut by_value = mappings.iter().filter(|mapping| mapping["type"] == "value");
        by_value.find_map(|mapping| mapping["options"].get(value.to_string()))
    }

    /// A value as it is shown: its mapping's text, or the number in its unit.
    pub(super) fn text(&self, value: f64) -> String {
        let mapped = self
            .mapping(value)
            .and_then(|mapping| mapping["text"].as_str());
        let decimals = self.get(&["decimals"]).and_then(Value::as_u64);
        mapped.map_or_else(
            || units::format(value, self.unit(), decimals.map(|count| count as usize)),
            str::to_owned,
        )
    }

    /// The colour of a value: its mapping's, or the fixed one, or its threshold's.
    pub(super) fn colour(&self, value: f64) -> &str {
        let mapped = self
            .mapping(value)
            .and_then(|mapping| mapping["color"].as_str());
        let own = mapped
            .or_else(|| self.fixed())
            .or_else(|| self.threshold(value));
        own.map_or(TEXT, named)
    }

    /// The colour of what is no number, which Grafana takes for less than any threshold.
    pub(super) fn base(&self) -> &str {
        self.threshold(f64::NEG_INFINITY).map_or(TEXT, named)
    }

    /// The colour of a line: the fixed one, or that of the name.
    pub(super) fn line(&self) -> &str {
        self.fixed().map_or_else(|| by_name(&self.name), named)
    }

    fn fixed(&self) -> Option<&str> {
        let fixed = self.get(&["color", "mode"])? == "fixed";
        fixed
            .then(|| self.get(&["color", "fixedColor"])?.as_str())
            .flatten()
    }

    fn threshold(&self, value: f64) -> Option<&str> {
        let steps = self.get(&["thresholds", "steps"])?.as_array()?;
        let reached = |step: &&Value| step["value"].as_f64().is_none_or(|from| value >= from);
        steps.iter().rev().find(reached)?["color"].as_str()
    }
}

/// Sets a property whose name is as in `custom.width`.
fn set(config: &mut Map<String, Value>, id: &str, value: &Value) {
    match id.split_once('.') {
        None => {
            config.insert(id.to_owned(), value.clone());
        }
        Some((outer, inner)) => {
            let nested = config
                .entry(outer)
                .or_insert_with(|| Value::Object(Map::new()));
            if let Some(nested) = nested.as_object_mut() {
                set(nested, inner, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{CellLook, Field};

    #[test]
    fn overrides_go_before_defaults() {
        let steps = json!([{"color": "red", "value": null}, {"color": "green", "value": 0.9}]);
        let panel = json!({"fieldConfig": {
            "defaults": {"unit": "short", "custom": {"align": "center"}},
            "overrides": [{"matcher": {"id": "byName", "options": "score"}, "properties": [
                {"id": "displayName", "value": "Score"},
                {"id": "unit", "value": "percentunit"},
                {"id": "decimals", "value": 0},
                {"id": "thresholds", "value": {"mode": "absolute", "steps": steps}},
                {"id": "mappings", "value": [
                    {"type": "value", "options": {"2": {"text": "two", "color": "blue"}}}
                ]},
                {"id": "custom.cellOptions", "value": {"type": "color-text"}},
            ]}],
        }});
        let score = Field::of(&panel, "score");
        assert_eq!((score.title(), score.text(0.5).as_str()), ("Score", "50%"));
        assert_eq!(
            (score.colour(0.5), score.colour(0.95)),
            ("#F2495C", "#73BF69")
        );
        assert_eq!(
            (score.colour(2.0), score.text(2.0).as_str()),
            ("#5794F2", "two")
        );
        assert!(score.cell() == CellLook::ColouredText && score.centred());
        let other = Field::of(&panel, "other");
        assert_eq!((other.title(), other.unit()), ("other", "short"));
        assert!(other.cell() == CellLook::Plain);
    }
}
