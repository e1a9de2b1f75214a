//! What services are judged by, and which services there should be.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::ServiceState;
use crate::catalogue::{Catalogue, Entry, Records};
use crate::checks::Subjects;
use crate::manifesto::Manifesto;

/// What services are judged by: the rules, and what is written down of whom they concern.
#[derive(Debug, Clone, Default)]
pub struct Law {
    /// The rules.
    pub manifesto: Arc<Manifesto>,
    /// The catalogue, empty where none is kept.
    pub catalogue: Arc<Catalogue>,
    /// Attestations, waivers, objectives, SLOs.
    pub records: Arc<Records>,
    /// The names that services go by.
    pub subjects: Arc<Subjects>,
}

impl Law {
    /// Whether both are the very same.
    pub(super) fn is(&self, other: &Law) -> bool {
        Arc::ptr_eq(&self.manifesto, &other.manifesto)
            && Arc::ptr_eq(&self.catalogue, &other.catalogue)
            && Arc::ptr_eq(&self.records, &other.records)
            && Arc::ptr_eq(&self.subjects, &other.subjects)
    }

    /// The next moment at which time alone changes a verdict to the second: a waiver or an attestation
    /// begins or ends, a rule begins to count.
    pub fn next_change(&self, now: Timestamp) -> Option<Timestamp> {
        let written = self.records.next_change(now);
        written
            .into_iter()
            .chain(self.manifesto.next_change(now))
            .min()
    }
}

/// A catalogued service that no discovery finds in an environment where it should run.
#[derive(Debug, Clone, PartialEq)]
pub struct Missing {
    /// What is written down of it.
    pub entry: Arc<Entry>,
    /// Where it should run, `""` where the catalogue names no environment.
    pub environment: String,
}

/// Catalogued services that no discovery finds where they should run.
pub(super) fn missing(catalogue: &Catalogue, services: &[Arc<ServiceState>]) -> Vec<Missing> {
    let mut found: HashSet<(&str, &str)> = HashSet::new();
    for service in services {
        if let Some(entry) = &service.entry {
            found.insert((&entry.name, &service.key.environment));
            found.insert((&entry.name, ""));
        }
    }
    let anywhere = [String::new()];
    catalogue
        .entries()
        .flat_map(|entry| {
            let environments = match entry.environments.is_empty() {
                true => &anywhere[..],
                false => &entry.environments[..],
            };
            environments.iter().map(move |environment| Missing {
                entry: Arc::clone(entry),
                environment: environment.clone(),
            })
        })
        .filter(|missing| !found.contains(&(&missing.entry.name, &missing.environment)))
        .collect()
}
