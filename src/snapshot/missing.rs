//! Services that should be there and are not.

use std::collections::HashSet;
use std::sync::Arc;

use super::state::ServiceState;
use crate::catalogue::{Catalogue, Entry};

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
