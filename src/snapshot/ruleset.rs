//! What services are judged by, as one configuration says, swapped whole at a reload; and the one way
//! from a scrape to verdicts, for daemon, probe, `check` and demo alike.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::state::{Scrape, TargetState};
use crate::catalogue::{Catalogue, Records, ServiceOverride};
use crate::checks::{Observation, Reason, Scraped, Subject, Subjects, Verdict};
use crate::discovery::target::TargetUrl;
use crate::manifesto::{Manifesto, all_unknown, judge_all};
use crate::scrape::{ScrapeError, ScrapeErrorKind, ScrapeResult};

/// The rules, and what is written down of whom they concern.
#[derive(Debug, Clone, Default)]
pub struct Ruleset {
    /// The rules.
    pub manifesto: Manifesto,
    /// The catalogue, empty where none is configured.
    pub catalogue: Catalogue,
    /// Attestations, waivers, objectives, SLOs.
    pub records: Records,
    /// The names that services go by.
    pub subjects: Subjects,
}

impl Ruleset {
    /// Puts together the rules, what is written down, and what the operator configures of services,
    /// which is closer at hand than what a catalogue says.
    pub fn new(
        manifesto: Manifesto,
        catalogue: Catalogue,
        records: Records,
        overrides: &BTreeMap<String, ServiceOverride>,
    ) -> Self {
        let mut subjects = Subjects::default();
        for entry in catalogue.entries() {
            subjects.add(&entry.name, &entry.aliases, entry.series.clone());
        }
        for (name, service) in overrides {
            subjects.add(name, &service.aliases, service.series.clone());
        }
        Self {
            manifesto,
            catalogue,
            records,
            subjects,
        }
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

    /// What was passed over while it was put together.
    pub fn warnings(&self) -> impl Iterator<Item = &String> {
        self.catalogue.warnings.iter().chain(&self.records.warnings)
    }

    /// The same with O-7's port replaced: the demo's fleet may have to live elsewhere.
    pub fn with_port(mut self, port: u16) -> Self {
        self.manifesto = self.manifesto.with_port(port);
        self
    }

    /// Entity a service's metrics should name.
    pub fn subject(&self, service: &str) -> Arc<Subject> {
        self.subjects.of(service)
    }

    /// Judges every rule for a service on one scrape, or file, as it stands: `down` says why nothing
    /// was measured.
    pub fn judge(
        &self,
        service: &str,
        url: Option<&TargetUrl>,
        down: Option<&ScrapeError>,
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
            (None, None) => self.unmeasured(&ScrapeError::new(
                ScrapeErrorKind::Internal,
                "the scrape ended without an observation",
            )),
        }
    }

    fn unmeasured(&self, down: &ScrapeError) -> Vec<Verdict> {
        let reason = match down.reason {
            ScrapeErrorKind::Parse => Reason::BadExposition,
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
            version: observation.and_then(|o| o.version().map(Arc::from)),
            resource: observation.and_then(|o| o.resource.clone()),
        }
    }
}

/// The figures of one scrape.
pub fn figures(result: &ScrapeResult, observation: Option<&Observation>) -> Scrape {
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
