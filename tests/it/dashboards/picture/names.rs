//! The series of a panel, and what they are called.

use std::collections::BTreeMap;

use serde_json::Value;

use super::field::Field;
use super::series::{Answers, Series};

/// A series, and the configuration that goes by its name.
pub(super) struct Named<'a> {
    pub(super) series: &'a Series,
    pub(super) field: Field,
}

/// Every series that answers the queries of `panel`, in the order of the queries.
pub(super) fn series<'a>(panel: &Value, answers: &'a Answers) -> Vec<Named<'a>> {
    let mut all = Vec::new();
    for target in panel["targets"].as_array().into_iter().flatten() {
        let template = target["legendFormat"].as_str().unwrap_or("__auto");
        for series in answer(panel, target, answers) {
            let field = Field::of(panel, &legend(template, &series.labels));
            all.push(Named { series, field });
        }
    }
    all
}

/// What answers one query of a panel.
pub(super) fn answer<'a>(panel: &Value, target: &Value, answers: &'a Answers) -> &'a [Series] {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let key = (text(&panel["title"]), text(&target["refId"]));
    answers.get(&key).map_or(&[], Vec::as_slice)
}

/// The name of a series with these labels; labels that it has not are empty.
fn legend(template: &str, labels: &BTreeMap<String, String>) -> String {
    if template == "__auto" {
        return by_labels(labels);
    }
    let mut name = String::new();
    let mut rest = template;
    while let Some((before, label, after)) = next(rest) {
        name.push_str(before);
        name.push_str(labels.get(label).map_or("", String::as_str));
        rest = after;
    }
    name.push_str(rest);
    if name.trim().is_empty() {
        by_labels(labels)
    } else {
        name
    }
}

/// What stands before the next `{{label}}`, the label, and what stands after it.
fn next(template: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = template.split_once("{{")?;
    let (label, after) = rest.split_once("}}")?;
    Some((before, label.trim(), after))
}

/// The name of a series that has no other: its only label's value, or all of its labels.
fn by_labels(labels: &BTreeMap<String, String>) -> String {
    match labels.len() {
        0 => "Value".to_owned(),
        1 => labels.values().cloned().collect(),
        _ => {
            let pairs = labels
                .iter()
                .map(|(name, value)| format!("{name}=\"{value}\""));
            format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::legend;

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        pairs.iter().map(owned).collect()
    }

    #[test]
    fn templates_are_filled_in() {
        let two = labels(&[("service_name", "checkout"), ("environment", "demo")]);
        assert_eq!(
            legend("{{service_name}} {{ environment }} score", &two),
            "checkout demo score"
        );
        assert_eq!(legend("{{service_name}}{{team}}!", &two), "checkout!");
        assert_eq!(legend("half {{", &two), "half {{");
        assert_eq!(legend("Score", &labels(&[])), "Score");
    }

    #[test]
    fn labels_name_what_has_no_template() {
        assert_eq!(legend("__auto", &labels(&[])), "Value");
        assert_eq!(legend("__auto", &labels(&[("rule", "O-6")])), "O-6");
        let two = labels(&[("rule", "O-6"), ("team", "a")]);
        assert_eq!(legend("__auto", &two), "{rule=\"O-6\", team=\"a\"}");
        assert_eq!(legend("{{team}}", &labels(&[])), "Value");
    }
}
