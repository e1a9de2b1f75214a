//! The rules in force and whom they concern, as one configuration says: swapped whole at a reload.

use std::collections::HashMap;
use std::sync::Arc;

use crate::checks::{SeriesOverrides, Subject};
use crate::config::Config;
use crate::manifesto::{Manifesto, ManifestoError};

/// Rules and per-service overrides.
#[derive(Debug)]
pub struct Rulebook {
    /// The rules.
    pub manifesto: Arc<Manifesto>,
    configured: HashMap<String, Arc<Subject>>,
}

impl Rulebook {
    /// Reads the rules and overrides of a configuration.
    pub fn new(config: &Config) -> Result<Self, ManifestoError> {
        let mut configured = HashMap::new();
        for (name, service) in &config.services {
            let series = SeriesOverrides {
                version: service.series.version.clone(),
                availability: service.series.availability.clone(),
                latency: service.series.latency.clone(),
            };
            let subject = Arc::new(Subject::new(name, &service.aliases, series));
            // `check --service` may be given an alias, as discovery may find one.
            for known in service.aliases.iter().chain([name]) {
                configured.insert(known.clone(), Arc::clone(&subject));
            }
        }
        Ok(Self {
            manifesto: Arc::new(Manifesto::load(&config.rules)?),
            configured,
        })
    }

    /// The same with other rules.
    pub fn with_manifesto(mut self, manifesto: Manifesto) -> Self {
        self.manifesto = Arc::new(manifesto);
        self
    }

    /// Whom a service's metrics should name.
    pub fn subject(&self, service: &str) -> Arc<Subject> {
        match self.configured.get(service) {
            Some(configured) => Arc::clone(configured),
            None => Arc::new(Subject::new(service, &[], SeriesOverrides::default())),
        }
    }
}
