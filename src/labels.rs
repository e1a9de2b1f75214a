//! Labels: the name/value pairs that identify a target or a series.

/// A label set, ordered by name. A label with an empty value is the same as no label
/// (the Prometheus data model), so setting one to `""` removes it.
///
/// A sorted vector: sets are small, and there are several for each target.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Labels(Vec<(Box<str>, Box<str>)>);

impl Labels {
    /// The empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// The value of `name`, or `""` where the label is absent.
    pub fn get(&self, name: &str) -> &str {
        self.find(name).map_or("", |at| &self.0[at].1)
    }

    /// Sets `name` to `value`; an empty value removes the label.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        let (name, value) = (name.into(), value.into());
        match self.find(&name) {
            Ok(at) if value.is_empty() => {
                self.0.remove(at);
            }
            Ok(at) => self.0[at].1 = value.into(),
            Err(_) if value.is_empty() => {}
            Err(at) => self.0.insert(at, (name.into(), value.into())),
        }
    }

    /// Sets `name` only where it is absent.
    pub fn set_default(&mut self, name: &str, value: &str) {
        if self.get(name).is_empty() {
            self.set(name, value);
        }
    }

    /// Removes `name`.
    pub fn remove(&mut self, name: &str) {
        if let Ok(at) = self.find(name) {
            self.0.remove(at);
        }
    }

    /// Keeps only the labels for which `keep(name, value)` holds.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &str) -> bool) {
        self.0.retain(|(name, value)| keep(name, value));
    }

    /// Name and value of each label, in order of name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    /// How many labels are set.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no label is set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Gives back what growing left over, for sets that are kept.
    pub fn shrink_to_fit(&mut self) {
        self.0.shrink_to_fit();
    }

    /// The place of `name`, or where it would be.
    fn find(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(known, _)| (**known).cmp(name))
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Labels {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let mut labels = Labels::new();
        for (name, value) in pairs {
            labels.set(name, value);
        }
        labels
    }
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
            prop_assert_eq!(labels.len(), map.len());
            prop_assert!(labels.iter().eq(map.iter().map(|(n, v)| (n.as_str(), v.as_str()))));
            for name in ["a", "b", "f"] {
                let value = map.get(&name.to_owned()).map_or("", |value| value.as_str());
                prop_assert_eq!(labels.get(name), value);
            }
        }
    }
}
