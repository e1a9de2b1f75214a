//! The rules in force and whom they concern, as one configuration says, swapped whole at a reload;
//! and the one way from a scrape to verdicts, for daemon, probe, `check` and demo alike.

use std::sync::Arc;

use crate::catalogue::{Catalogue, Records};
use crate::checks::{
    Observation, Reason, Scraped, SeriesOverrides, Subject, Subjects, Verdict, all_unknown,
    judge_all,
};
use crate::config::{Config, SeriesNames};
use crate::discovery::target::TargetUrl;
use crate::manifesto::{Manifesto, ManifestoError};
use crate::scrape::{DialPolicy, Down, DownReason, ScrapeResult};
use crate::snapshot::{Law, Scrape, TargetState};
use crate::sources::Wanted;

/// Rules, what is written down, and per-service overrides.
#[derive(Debug)]
pub struct Rulebook {
    /// The rules.
    pub manifesto: Arc<Manifesto>,
    /// Whom they concern, as far as it is written down.
    pub catalogue: Arc<Catalogue>,
    /// Attestations, waivers, objectives, SLOs.
    pub records: Arc<Records>,
    subjects: Arc<Subjects>,
}

impl Rulebook {
    /// Puts together the rules and overrides of a configuration and what is written down.
    pub fn new(
        config: &Config,
        catalogue: Catalogue,
        records: Records,
    ) -> Result<Self, ManifestoError> {
        let mut subjects = Subjects::default();
        let overrides = |series: &SeriesNames| SeriesOverrides {
            version: series.version.clone(),
            availability: series.availability.clone(),
            latency: series.latency.clone(),
        };
        for entry in catalogue.entries() {
            subjects.add(&entry.name, &entry.aliases, overrides(&entry.series));
        }
        // What the operator configures is closer at hand than what a catalogue says.
        for (name, service) in &config.services {
            subjects.add(name, &service.aliases, overrides(&service.series));
        }
        Ok(Self {
            manifesto: Arc::new(Manifesto::load(&config.rules)?),
            catalogue: Arc::new(catalogue),
            records: Arc::new(records),
            subjects: Arc::new(subjects),
        })
    }

    /// What a snapshot is judged by.
    pub fn law(&self) -> Law {
        Law {
            manifesto: Arc::clone(&self.manifesto),
            catalogue: Arc::clone(&self.catalogue),
            records: Arc::clone(&self.records),
            subjects: Arc::clone(&self.subjects),
        }
    }

    /// What the rules want to know of the sources of a configuration.
    pub fn wanted(&self, config: &Config) -> Wanted {
        self.wanted_by(config, &self.catalogue)
    }

    /// The same for one service alone: nobody else's pages are looked at.
    pub fn wanted_of(&self, config: &Config, service: &str) -> Wanted {
        self.wanted_by(config, &self.catalogue.only(service))
    }

    fn wanted_by(&self, config: &Config, catalogue: &Catalogue) -> Wanted {
        Wanted {
            sources: config.sources.clone(),
            queries: crate::checks::queries(&self.manifesto, catalogue, &self.records),
            dial: DialPolicy::from(&config.dial),
        }
    }

    /// What was passed over while it was put together.
    pub fn warnings(&self) -> impl Iterator<Item = &String> {
        self.catalogue.warnings.iter().chain(&self.records.warnings)
    }

    /// The same with other rules.
    pub fn with_manifesto(mut self, manifesto: Manifesto) -> Self {
        self.manifesto = Arc::new(manifesto);
        self
    }

    /// Whom a service's metrics should name.
    pub fn subject(&self, service: &str) -> Arc<Subject> {
        self.subjects.of(service)
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
            resource: observation.and_then(|o| o.resource.clone()),
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
