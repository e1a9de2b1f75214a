//! Selectors as they are written: checked as the API server does, before anything is asked.
//! <https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#api>

use std::sync::LazyLock;

use regex::Regex;

/// Characters of a label's name, and of its value; the prefix of a name may be longer.
const NAME_MAX: usize = 63;
const PREFIX_MAX: usize = 253;

/// A requirement: `key`, `!key`, `key = a`, `key in (a, b)`, `key > 1`.
#[expect(clippy::unwrap_used, reason = "the expression is constant")]
static REQUIREMENT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"^\s*(?:!\s*(?P<absent>[^\s=!<>(),]+)|(?P<key>[^\s=!<>(),]+)\s*(?:(?P<set>\s(?:in|notin)\s*\([^()]*\))|(?P<equal>==|=|!=)\s*(?P<value>[^\s=!<>(),]*)|(?P<order>[<>])\s*(?P<number>[^\s=!<>(),]+))?)\s*$",
    )
    .unwrap()
});

/// Refuses a label selector that the API server would refuse.
pub(crate) fn check_label_selector(text: &str) -> Result<(), String> {
    if text.trim().is_empty() {
        return Ok(());
    }
    requirements(text)
        .into_iter()
        .try_for_each(check_requirement)
}

/// The parts between the commas that are in no parentheses.
fn requirements(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0_u32);
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

fn check_requirement(text: &str) -> Result<(), String> {
    let Some(found) = REQUIREMENT.captures(text) else {
        return Err(format!(
            "`{}` is no requirement of a label selector",
            text.trim()
        ));
    };
    let of = |name: &str| found.name(name).map(|text| text.as_str());
    if let Some(key) = of("absent").or(of("key")) {
        check_key(key)?;
    }
    if let Some(set) = of("set") {
        let values = set.split_once('(').map_or("", |(_, values)| values);
        let mut values = values.trim_end_matches(')').split(',');
        values.try_for_each(|value| check_value(value.trim()))?;
    }
    if let Some(number) = of("number")
        && number.parse::<i64>().is_err()
    {
        return Err(format!("`{number}` is not a whole number"));
    }
    of("value").map_or(Ok(()), check_value)
}

fn check_key(key: &str) -> Result<(), String> {
    let (prefix, name) = match key.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, key),
    };
    let lower = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_domain = |prefix: &str| {
        prefix.len() <= PREFIX_MAX && prefix.split('.').all(|part| is_word(part, lower, &['-']))
    };
    match !name.is_empty() && is_name(name) && prefix.is_none_or(is_domain) {
        true => Ok(()),
        false => Err(format!("`{key}` is not the name of a label")),
    }
}

fn check_value(value: &str) -> Result<(), String> {
    match value.is_empty() || is_name(value) {
        true => Ok(()),
        false => Err(format!("`{value}` is not the value of a label")),
    }
}

fn is_name(text: &str) -> bool {
    text.len() <= NAME_MAX && is_word(text, |c| c.is_ascii_alphanumeric(), &['-', '_', '.'])
}

/// Whether a text consists of such characters, and of the others within it only.
fn is_word(text: &str, outer: impl Fn(char) -> bool, inner: &[char]) -> bool {
    text.starts_with(&outer)
        && text.ends_with(&outer)
        && text.chars().all(|c| outer(c) || inner.contains(&c))
}

/// Refuses a field selector that the API server would refuse whatever is selected.
pub(crate) fn check_field_selector(text: &str) -> Result<(), String> {
    let mut terms = Vec::from([String::new()]);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let term = terms.last_mut();
        match (c, term) {
            (',', _) => terms.push(String::new()),
            // What is escaped stands for itself: `x` keeps its place.
            ('\\', Some(term)) => match chars.next() {
                Some('\\' | ',' | '=') => term.push('x'),
                _ => return Err(format!("`{text}`: `\\` escapes `\\`, `,` and `=` only")),
            },
            (c, Some(term)) => term.push(c),
            (_, None) => {}
        }
    }
    for term in terms.iter().filter(|term| !term.is_empty()) {
        let Some(at) = term.find(['=', '!']) else {
            return Err(format!("`{term}` is no `field=value`"));
        };
        let rest = &term[at..];
        let value = ["!=", "==", "="]
            .iter()
            .find_map(|operator| rest.strip_prefix(operator));
        if value.is_none_or(|value| value.contains('=')) {
            return Err(format!("`{term}` is no `field=value`"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_selectors() {
        for good in [
            "",
            "app",
            "!app",
            "a=b",
            "a==b",
            "a != b",
            "a=",
            "x in (a, b)",
            "x notin (a,,b)",
            "x.y/z in ()",
            "a=b,c!=d,e",
            "n > 5",
            "n<5",
            "app.kubernetes.io/name=shop",
        ] {
            assert_eq!(check_label_selector(good), Ok(()), "{good}");
        }
        for bad in [
            "a=b=c", "a b", "in (a)", "a in b", "a in (b", "-a", "a=-", "a > x", ",", "a,",
            "A/b/c=1", "X/y", "a=b c",
        ] {
            assert!(check_label_selector(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn field_selectors() {
        for good in [
            "",
            "a=b",
            "a==b",
            "metadata.name!=x,status.phase=Running",
            "a=b\\,c",
            "a=",
        ] {
            assert_eq!(check_field_selector(good), Ok(()), "{good}");
        }
        for bad in ["a", "a=b=c", "a=b\\x", "a=b\\"] {
            assert!(check_field_selector(bad).is_err(), "{bad}");
        }
    }
}
