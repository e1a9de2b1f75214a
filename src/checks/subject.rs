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
}
