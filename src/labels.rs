//! Labels: the name/value pairs that identify a target or a series.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::{Arc, LazyLock};

use crate::interner::Interner;

/// A label set, ordered by name. A label with an empty value is the same as no label
/// (the Prometheus data model), so setting one to `""` removes it.
///
/// Sets are small, there are several for each target, and they are read far oftener than they are changed. Most of a
/// set that discovery makes is names, and targets of one kind have the same: those of sets that are kept
/// ([`Self::pack`]) are in memory once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Labels {
    names: Arc<Texts>,
    values: Texts,
}

/// The names of the sets that are kept.
static NAMES: LazyLock<Interner<Texts>> = LazyLock::new(Interner::default);

impl Labels {
    /// The empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// The value of `name`, or `""` where the label is absent.
    pub fn get(&self, name: &str) -> &str {
        self.find(name).map_or("", |at| self.values.get(at))
    }

    /// Sets `name` to `value`; an empty value removes the label.
    pub fn set(&mut self, name: impl AsRef<str>, value: impl AsRef<str>) {
        let (name, value) = (name.as_ref(), value.as_ref());
        match (self.find(name), value) {
            (Ok(at), "") => {
                Arc::make_mut(&mut self.names).remove(at);
                self.values.remove(at);
            }
            (Ok(at), value) => {
                self.values.remove(at);
                self.values.insert(at, value);
            }
            (Err(_), "") => {}
            (Err(at), value) => {
                Arc::make_mut(&mut self.names).insert(at, name);
                self.values.insert(at, value);
            }
        }
    }

    /// Sets `name` only where it is absent.
    pub fn set_default(&mut self, name: &str, value: &str) {
        if self.get(name).is_empty() {
            self.set(name, value);
        }
    }

    /// Keeps only the labels for which `keep(name, value)` holds.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &str) -> bool) {
        let kept = self.iter().filter(|(name, value)| keep(name, value));
        *self = kept.collect();
    }

    /// Name and value of each label, in order of name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.names.iter().zip(self.values.iter())
    }

    /// How many bytes its names and values have.
    pub fn bytes(&self) -> usize {
        self.names.text.len() + self.values.text.len()
    }

    /// Makes a set that is kept small: gives back what growing left over, and shares the names with other such sets.
    pub fn pack(&mut self) {
        let mut names = Arc::unwrap_or_clone(std::mem::take(&mut self.names));
        names.shrink_to_fit();
        self.names = NAMES.of(names);
        self.values.shrink_to_fit();
    }

    /// The place of `name`, or where it would be.
    fn find(&self, name: &str) -> Result<usize, usize> {
        let (mut low, mut high) = (0, self.names.len());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.names.get(middle).cmp(name) {
                Ordering::Less => low = middle + 1,
                Ordering::Equal => return Ok(middle),
                Ordering::Greater => high = middle,
            }
        }
        Err(low)
    }
}

/// Texts in one text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
struct Texts {
    /// One after the other, without anything between them.
    text: String,
    /// Where each of them ends.
    ends: Vec<u32>,
}

impl Texts {
    fn len(&self) -> usize {
        self.ends.len()
    }

    /// Where the one at a place begins.
    fn start(&self, at: usize) -> u32 {
        at.checked_sub(1).map_or(0, |before| self.ends[before])
    }

    fn get(&self, at: usize) -> &str {
        &self.text[self.start(at) as usize..self.ends[at] as usize]
    }

    fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|at| self.get(at))
    }

    fn insert(&mut self, at: usize, text: &str) {
        let start = self.start(at);
        self.text.insert_str(start as usize, text);
        let length = text.len() as u32;
        self.ends[at..].iter_mut().for_each(|end| *end += length);
        self.ends.insert(at, start + length);
    }

    fn remove(&mut self, at: usize) {
        let (start, end) = (self.start(at), self.ends[at]);
        self.text.drain(start as usize..end as usize);
        self.ends.remove(at);
        self.ends[at..]
            .iter_mut()
            .for_each(|later| *later -= end - start);
    }

    fn shrink_to_fit(&mut self) {
        self.text.shrink_to_fit();
        self.ends.shrink_to_fit();
    }
}

impl<N: AsRef<str>, V: AsRef<str>> FromIterator<(N, V)> for Labels {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let mut labels = Labels::new();
        for (name, value) in pairs {
            labels.set(name, value);
        }
        labels
    }
}

/// The one form in which names of metrics and label keys are compared: lower-case snake_case, with
/// Prometheus's escaping of UTF-8 names undone. `gitVersion` becomes `git_version`; `service.name`,
/// `service_dot_name` (escaping scheme `dots`) and `U__service_2e_name` (scheme `values`) become `service_name`.
pub fn snake(name: &str) -> Cow<'_, str> {
    match unescape(name) {
        Some(plain) => Cow::Owned(to_snake(&plain).into_owned()),
        None => to_snake(name),
    }
}

/// Undoes an escaping scheme of Prometheus; `None` where the name carries none.
/// The schemes: <https://prometheus.io/docs/instrumenting/escaping_schemes/>.
fn unescape(name: &str) -> Option<String> {
    if let Some(escaped) = name.strip_prefix("U__") {
        return unescape_values(escaped);
    }
    name.contains("_dot_")
        .then(|| name.replace("_dot_", ".").replace("__", "_"))
}

/// `_2e_` is the character of that number, `__` an underscore; `None` where it is no such name.
fn unescape_values(escaped: &str) -> Option<String> {
    let mut plain = String::with_capacity(escaped.len());
    let mut rest = escaped;
    while let Some((before, after)) = rest.split_once('_') {
        plain.push_str(before);
        let (number, behind) = after.split_once('_')?;
        match number {
            "" => plain.push('_'),
            hex => plain.push(char::from_u32(u32::from_str_radix(hex, 16).ok()?)?),
        }
        rest = behind;
    }
    plain.push_str(rest);
    Some(plain)
}

fn to_snake(name: &str) -> Cow<'_, str> {
    let is_snake = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'_';
    if name.as_bytes().iter().all(is_snake) {
        return Cow::Borrowed(name);
    }
    let mut out = String::with_capacity(name.len() + 4);
    let mut previous_lower = false;
    for c in name.chars() {
        if c.is_ascii_uppercase() && previous_lower {
            out.push('_');
        }
        previous_lower = c.is_ascii_lowercase() || c.is_ascii_digit();
        if c.is_alphanumeric() {
            out.extend(c.to_lowercase());
        } else {
            out.push('_');
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_label_set_is_a_map_without_empty_values(
            changes in proptest::collection::vec(("[a-e]", "[xy]?"), 0..30),
        ) {
            let (mut labels, mut map) = (Labels::new(), BTreeMap::new());
            for (name, value) in &changes {
                labels.set(name, value);
                match value.is_empty() {
                    true => map.remove(name),
                    false => map.insert(name, value),
                };
            }
            prop_assert!(labels.iter().eq(map.iter().map(|(n, v)| (n.as_str(), v.as_str()))));
            for name in ["a", "b", "f"] {
                let value = map.get(&name.to_owned()).map_or("", |value| value.as_str());
                prop_assert_eq!(labels.get(name), value);
            }
        }
    }
    #[test]
    fn names_are_compared_in_one_form() {
        for (from, to) in [
            ("gitVersion", "git_version"),
            ("Version", "version"),
            ("http.server.duration", "http_server_duration"),
            ("envoy_rq_5xx", "envoy_rq_5xx"),
            ("DCGM_FI_DEV", "dcgm_fi_dev"),
            ("service.name", "service_name"),
            ("service_dot_name", "service_name"),
            ("http_dot_server__x_dot_y", "http_server_x_y"),
            ("U__service_2e_name", "service_name"),
            ("U__a__b_2f_c", "a_b_c"),
            ("U__caf_e9_", "café"),
            // No valid escape: read as it is.
            ("U__a_zz_", "u__a_zz_"),
            ("U__a_2e", "u__a_2e"),
        ] {
            assert_eq!(snake(from), to, "{from}");
        }
    }
}
