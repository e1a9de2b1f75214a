//! Who is judged, as far as a check must know.

use std::collections::HashMap;
use std::sync::Arc;

use crate::catalogue::SeriesNames;
use crate::labels::snake;

/// The service whose exposition is read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subject {
    /// Name and aliases in snake_case; empty where the caller does not know the service, as
    /// `check` on a file without `--service`.
    names: Vec<String>,
    /// The name as discovery gave it.
    display: String,
    /// Series that prove a rule where the heuristics cannot know.
    pub series: SeriesNames,
}

/// Subjects of whom something is written down, by name and alias.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Subjects(HashMap<String, Arc<Subject>>);

impl Subjects {
    /// Writes down a service. Whoever asks may know it by an alias.
    pub fn add(&mut self, name: &str, aliases: &[String], series: SeriesNames) {
        let subject = Arc::new(Subject::new(name, aliases, series));
        for name in aliases.iter().map(String::as_str).chain([name]) {
            self.0.insert(name.to_owned(), Arc::clone(&subject));
        }
    }

    /// The service of a name or alias: as written down, or as the name alone says.
    pub fn of(&self, name: &str) -> Arc<Subject> {
        match self.0.get(name) {
            Some(known) => Arc::clone(known),
            None => Arc::new(Subject::new(name, &[], SeriesNames::default())),
        }
    }
}

impl Subject {
    /// A service with its aliases.
    pub fn new(name: &str, aliases: &[String], series: SeriesNames) -> Self {
        let names = std::iter::once(name)
            .chain(aliases.iter().map(String::as_str))
            .filter(|name| !name.is_empty())
            .map(|name| snake(name).into_owned())
            .collect();
        Self {
            names,
            display: name.to_owned(),
            series,
        }
    }

    /// Whether the caller knows which service this is.
    pub fn is_known(&self) -> bool {
        !self.names.is_empty()
    }

    /// Name and aliases, in snake_case.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The name as discovery gave it.
    pub fn display(&self) -> &str {
        &self.display
    }

    /// Whether `name` names this service: case and separators do not count.
    pub fn is(&self, name: &str) -> bool {
        let name = snake(name);
        self.names.iter().any(|known| *known == name)
    }

    /// How many bytes of a (snake_case) name its full name takes, with the underscore behind it;
    /// `None` where the name begins otherwise.
    pub fn prefix_bytes(&self, name: &str) -> Option<usize> {
        self.names.iter().filter_map(|own| after(name, own)).max()
    }

    /// Whether a (snake_case) family stem begins with the service's name. An exporter names its
    /// families after what it exports, so `redis_exporter` also stands for `redis_`.
    pub fn prefixes(&self, stem: &str) -> bool {
        self.names.iter().any(|name| {
            let short = name.strip_suffix("_exporter").unwrap_or(name);
            after(stem, short).is_some()
        })
    }
}

/// The offset behind `prefix` and an underscore in `name`, where it begins so or is the same.
fn after(name: &str, prefix: &str) -> Option<usize> {
    let rest = name.strip_prefix(prefix)?;
    match rest.bytes().next() {
        None => Some(prefix.len()),
        Some(b'_') => Some(prefix.len() + 1),
        Some(_) => None,
    }
}
