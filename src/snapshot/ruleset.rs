//! What services are judged by, as one configuration says, swapped whole at a reload; and the one way
//! from a scrape to verdicts, for daemon, probe, `check` and demo alike.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::state::{Scrape, ScrapeOutcome, TargetState};
use crate::catalogue::{Catalogue, Records, RuleNamed, ServiceOverride};
use crate::checks::{
    Finding, Observation, Place, Reason, Scraped, Series, SeriesFindings, Subject, Subjects,
    Verdict,
};
use crate::discovery::settings::Proof;
use crate::manifesto::{Level, Manifesto, all_unknown, judge_all, judge_without_metrics};
use crate::scrape::{ScrapeError, ScrapeErrorKind, ScrapeResult};

/// How long the last measured outcome of a rule counts, where nobody says.
pub const CARRIED_FOR_DEFAULT: SignedDuration = SignedDuration::from_hours(7 * 24);

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
    /// How long the last measured outcome of a rule counts once it cannot be measured.
    pub carried_for: SignedDuration,
    /// Levels that services may hold, the lowest first.
    pub levels: Vec<Level>,
}

/// Records that are said one by one to name a rule that is not judged.
const UNJUDGED_MAX: usize = 20;

/// What is written down of rules that are not judged, a sentence each.
fn unjudged(records: &Records, manifesto: &Manifesto) -> Vec<String> {
    let named = records.rules_named().into_iter();
    let unjudged = named.filter_map(|named| {
        let why = match named.of_services {
            true => manifesto.why_unjudged(named.rule),
            false => manifesto.rule(named.rule).is_none().then_some("not judged"),
        };
        Some((named, why?))
    });
    let mut unjudged: Vec<(RuleNamed, &str)> = unjudged.collect();
    let more = unjudged.len().saturating_sub(UNJUDGED_MAX);
    unjudged.truncate(UNJUDGED_MAX);
    let said = unjudged
        .into_iter()
        .map(|(named, why)| format!("{} names rule `{}`, which is {why}", named.by, named.rule));
    let more = (more > 0).then(|| format!("{more} more records name rules that are not judged"));
    said.chain(more).collect()
}

impl Ruleset {
    /// Puts together the rules, what is written down, and what the operator configures of services,
    /// which is closer at hand than what a catalogue says.
    pub fn new(
        manifesto: Manifesto,
        catalogue: Catalogue,
        mut records: Records,
        overrides: &BTreeMap<String, ServiceOverride>,
    ) -> Self {
        let mut subjects = Subjects::default();
        for entry in catalogue.entries() {
            subjects.add(&entry.name, &entry.aliases, entry.series.clone());
        }
        for (name, service) in overrides {
            subjects.add(name, &service.aliases, service.series.clone());
        }
        let unjudged = unjudged(&records, &manifesto);
        records.warnings.extend(unjudged);
        Self {
            manifesto,
            catalogue,
            records,
            subjects,
            carried_for: CARRIED_FOR_DEFAULT,
            levels: Vec::new(),
        }
    }

    /// The same, a service known by these names too.
    pub fn also_called(mut self, service: &str, aliases: &[String]) -> Self {
        if !aliases.is_empty() {
            let known = self.subject(service);
            let names = known.names().iter().chain(aliases).cloned();
            let names: Vec<String> = names.collect();
            self.subjects.add(service, &names, known.series.clone());
        }
        self
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

    /// Judges every series and rule for a service on one scrape, or file, as it stands: `down` says why
    /// nothing was measured.
    pub fn judge(
        &self,
        service: &str,
        place: Place<'_>,
        down: Option<&ScrapeError>,
        observation: Option<&Observation>,
    ) -> JudgedScrape {
        let observation = match (down, observation) {
            (Some(down), _) => return self.unmeasured(down),
            (None, None) => {
                return self.unmeasured(&ScrapeError::new(
                    ScrapeErrorKind::Internal,
                    "the scrape ended without an observation",
                ));
            }
            (None, Some(observation)) => observation,
        };
        if let Some(fault) = observation.error() {
            let message = format!(
                "nothing was measured: Prometheus would fail this scrape at line {}, column {}: {}",
                fault.line, fault.column, fault.message
            );
            return self.all(&Finding::unknown(Reason::BadExposition, message));
        }
        let subject = self.subject(service);
        let scraped = Scraped {
            observation,
            subject: &subject,
            place,
        };
        let found = scraped.findings();
        JudgedScrape {
            verdicts: judge_all(&self.manifesto, &found, place),
            series: Arc::new(found),
        }
    }

    /// Nothing is known, for one reason.
    pub fn all(&self, finding: &Finding) -> JudgedScrape {
        JudgedScrape {
            verdicts: all_unknown(&self.manifesto, finding),
            series: Arc::new(SeriesFindings::all(&Arc::new(finding.clone()))),
        }
    }

    fn unmeasured(&self, down: &ScrapeError) -> JudgedScrape {
        let reason = reason_of(down.reason);
        if down.reason.says_no_metrics() {
            return self.without_metrics(reason, &down.message);
        }
        let message = format!(
            "could not be measured ({}): {}",
            down.reason.as_str(),
            down.message
        );
        self.all(&Finding::unknown(reason, message))
    }

    /// The target answers, and has no metrics where they should be: that was measured.
    fn without_metrics(&self, reason: Reason, status: &str) -> JudgedScrape {
        let missing = Finding::fail(reason, format!("exports no metrics: {status}"), vec![]);
        let unknown = Finding::unknown(reason, format!("there are no metrics to judge: {status}"));
        let (lacking, nothing) = (Arc::new(missing.clone()), Arc::new(unknown.clone()));
        let series = SeriesFindings::all(&nothing).map(|series, nothing| match series {
            Series::Identity => Arc::clone(&lacking),
            Series::Version | Series::Availability | Series::Latency => Arc::clone(nothing),
        });
        JudgedScrape {
            verdicts: judge_without_metrics(&self.manifesto, &missing, &unknown),
            series: Arc::new(series),
        }
    }

    /// A target as one scrape alone shows it, without history.
    pub fn state(&self, result: &ScrapeResult, observation: Option<&Observation>) -> TargetState {
        let target = &result.target;
        let down = result.outcome.as_ref().err();
        let judged = self.judge(&target.service.name, Place::of(target), down, observation);
        TargetState {
            target: Arc::clone(target),
            scrape: (!result.says_nothing()).then(|| figures(result, observation)),
            verdicts: judged.verdicts.into(),
            series: judged.series,
            version: observation.and_then(|o| o.version().map(Arc::from)),
            resource: observation.and_then(|o| o.resource.clone()),
        }
    }
}

/// What one scrape says of the series and of the rules.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgedScrape {
    /// What was found of each series.
    pub series: Arc<SeriesFindings>,
    /// One verdict for each rule that scrapes prove.
    pub verdicts: Vec<Verdict>,
}

/// The figures of one scrape.
pub fn figures(result: &ScrapeResult, observation: Option<&Observation>) -> Scrape {
    // Who writes down what another scraped says nothing of how the target wrote it.
    let is_second_hand = result.target.job.proof != Proof::Scrape;
    let observed = observation.filter(|_| !is_second_hand);
    let first = observed.and_then(Observation::violation);
    Scrape {
        at: result.started,
        duration: result.duration,
        samples: observation.map_or(0, |observation| observation.summary.samples),
        body_bytes: result.body_bytes,
        outcome: ScrapeOutcome::of(result.outcome.as_ref().err()),
        violations: observed.map_or(0, |observation| observation.summary.violations),
        first_violation: first.map(|fault| {
            let (line, column) = (fault.line, fault.column);
            format!("line {line}, column {column}: {}", fault.message).into()
        }),
    }
}

/// The reason of verdicts on a target whose scrape failed so.
pub fn reason_of(failure: ScrapeErrorKind) -> Reason {
    match failure {
        ScrapeErrorKind::NotFound => Reason::NotFound,
        ScrapeErrorKind::Gone => Reason::Gone,
        ScrapeErrorKind::Parse => Reason::BadExposition,
        ScrapeErrorKind::Dns
        | ScrapeErrorKind::Connect
        | ScrapeErrorKind::Tls
        | ScrapeErrorKind::Timeout
        | ScrapeErrorKind::Http
        | ScrapeErrorKind::ContentType
        | ScrapeErrorKind::Encoding
        | ScrapeErrorKind::Incomplete
        | ScrapeErrorKind::BodyLimit
        | ScrapeErrorKind::SampleLimit
        | ScrapeErrorKind::LabelLimit
        | ScrapeErrorKind::HeaderLimit
        | ScrapeErrorKind::Redirect
        | ScrapeErrorKind::Blocked
        | ScrapeErrorKind::Credentials
        | ScrapeErrorKind::Proxy
        | ScrapeErrorKind::Empty
        | ScrapeErrorKind::Protocol
        | ScrapeErrorKind::SaidDown
        | ScrapeErrorKind::Internal => Reason::TargetDown,
        ScrapeErrorKind::NoAnswer => Reason::SourceDown,
    }
}
