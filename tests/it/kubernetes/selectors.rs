//! Selectors of lists and watches, as the server of the tests applies them.

use serde_json::Value;

pub(super) fn text<'a>(object: &'a Value, path: &[&str]) -> &'a str {
    let found = path.iter().fold(object, |object, name| &object[*name]);
    found.as_str().unwrap_or_default()
}

/// `a`, `!a`, `a=b`, `a!=b`, `a in (b, c)`, `a notin (b)`.
pub(super) fn by_labels(selector: &str, object: &Value) -> bool {
    let label = |key: &str| object["metadata"]["labels"][key].as_str();
    let (mut parts, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, c) in selector.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&selector[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&selector[start..]);
    parts.into_iter().map(str::trim).all(|part| {
        let set = |values: &str| -> Vec<String> {
            let values = values.trim().trim_matches(['(', ')']).split(',');
            values.map(|value| value.trim().to_owned()).collect()
        };
        if part.is_empty() {
            true
        } else if let Some((key, values)) = part.split_once(" notin ") {
            label(key.trim()).is_none_or(|value| !set(values).contains(&value.to_owned()))
        } else if let Some((key, values)) = part.split_once(" in ") {
            label(key.trim()).is_some_and(|value| set(values).contains(&value.to_owned()))
        } else if let Some((key, value)) = part.split_once("!=") {
            label(key) != Some(value)
        } else if let Some((key, value)) = part.split_once('=') {
            label(key) == Some(value.trim_start_matches('='))
        } else if let Some(key) = part.strip_prefix('!') {
            label(key).is_none()
        } else {
            label(part).is_some()
        }
    })
}

pub(super) fn by_fields(selector: &str, object: &Value) -> bool {
    let mut terms = selector.split(',').filter(|term| !term.is_empty());
    terms.all(|term| {
        let (is_equal, field, value) = match term.split_once("!=") {
            Some((field, value)) => (false, field, value),
            None => {
                let (field, value) = term.split_once('=').unwrap();
                (true, field, value)
            }
        };
        let path: Vec<&str> = field.split('.').collect();
        (text(object, &path) == value) == is_equal
    })
}
