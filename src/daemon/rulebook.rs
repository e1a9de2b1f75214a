//! The rules in force and whom they concern, as one configuration says, swapped whole at a reload;
//! and the one way from a scrape to verdicts, for daemon, probe, `check` and demo alike.

use std::collections::HashMap;
use std::sync::Arc;

use crate::catalogue::Catalogue;
use crate::checks::{
    Observation, Reason, Scraped, SeriesOverrides, Subject, Verdict, all_unknown, judge_all,
};
use crate::config::{Config, SeriesNames};
use crate::discovery::target::TargetUrl;
use crate::manifesto::{Manifesto, ManifestoError};
use crate::scrape::{Down, DownReason, ScrapeResult};
use crate::snapshot::{Law, Scrape, TargetState};

/// Rules, the catalogue and per-service overrides.
#[derive(Debug)]
pub struct Rulebook {
    /// The rules.
    pub manifesto: Arc<Manifesto>,
    /// Whom they concern, as far as it is written down.
    pub catalogue: Arc<Catalogue>,
    configured: HashMap<String, Arc<Subject>>,
}

impl Rulebook {
    /// Puts together the rules and overrides of a configuration and what the catalogue says.
    pub fn new(config: &Config, catalogue: Catalogue) -> Result<Self, ManifestoError> {
        let mut configured = HashMap::new();
        let mut known = |name: &str, aliases: &[String], series: &SeriesNames| {
            let series = SeriesOverrides {
                version: series.version.clone(),
                availability: series.availability.clone(),
                latency: series.latency.clone(),
            };
            let subject = Arc::new(Subject::new(name, aliases, series));
            // `check --service` may be given an alias, as discovery may find one.
            for name in aliases.iter().map(String::as_str).chain([name]) {
                configured.insert(name.to_owned(), Arc::clone(&subject));
            }
        };
        for entry in catalogue.entries() {
            known(&entry.name, &entry.aliases, &entry.series);
        }
        // What the operator configures is closer at hand than what a catalogue says.
        for (name, service) in &config.services {
            known(name, &service.aliases, &service.series);
        }
        Ok(Self {
            manifesto: Arc::new(Manifesto::load(&config.rules)?),
            catalogue: Arc::new(catalogue),
            configured,
        })
    }

    /// What a snapshot is judged by.
    pub fn law(&self) -> Law {
        Law {
            manifesto: Arc::clone(&self.manifesto),
            catalogue: Arc::clone(&self.catalogue),
        }
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

    /// Judges every rule for a service on one scrape, or file, as it stands: `down` says why nothing
    /// was measured.
    pub fn judge(
        &self,
        service: &str,
        url: Option<&TargetUrl>,
        down: Option<&Down>,
        observation: Option<&Observation>,
    ) -> Vec<Verdict> {
        match (down, observation) {
            (None, Some(observation)) => {
                let subject = self.subject(service);
                let scraped = Scraped {
                    observation,
                    subject: &subject,
                    url,
                };
                judge_all(&self.manifesto, scraped)
            }
            (Some(down), _) => self.unmeasured(down),
            (None, None) => self.unmeasured(&Down::new(
                DownReason::Internal,
                "the scrape ended without an observation",
            )),
        }
    }

    fn unmeasured(&self, down: &Down) -> Vec<Verdict> {
        let reason = match down.reason {
            DownReason::Parse => Reason::BadExposition,
            _ => Reason::TargetDown,
        };
        let message = format!(
            "could not be measured ({}): {}",
            down.reason.as_str(),
            down.message
        );
        all_unknown(&self.manifesto, reason, &message)
    }

    /// A target as one scrape alone shows it, without history.
    pub fn state(&self, result: &ScrapeResult, observation: Option<&Observation>) -> TargetState {
        let target = &result.target;
        let down = result.outcome.as_ref().err();
        let verdicts = self.judge(&target.service.name, Some(&target.url), down, observation);
        TargetState {
            target: Arc::clone(target),
            scrape: Some(figures(result, observation)),
            verdicts: verdicts.into(),
            version: observation.and_then(|o| o.version.version().map(Arc::from)),
        }
    }
}

/// The figures of one scrape.
pub(super) fn figures(result: &ScrapeResult, observation: Option<&Observation>) -> Scrape {
    let first = observation.and_then(Observation::violation);
    Scrape {
        at: result.started,
        duration: result.duration,
        samples: observation.map_or(0, |observation| observation.summary.samples),
        body_bytes: result.body_bytes,
        down: result
            .outcome
            .as_ref()
            .err()
            .map(|down| (down.reason, down.message.clone())),
        violations: observation.map_or(0, |observation| observation.summary.violations),
        first_violation: first.map(|fault| {
            let (line, column) = (fault.line, fault.column);
            format!("line {line}, column {column}: {}", fault.message).into()
        }),
    }
}
