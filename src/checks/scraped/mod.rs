//! What scrapes prove: the checks, what is gathered of a scrape for them, and how it is judged.
//!
//! One pass over a scrape's events gathers what every check needs: memory is bounded by the number
//! of names kept, not by the size of the body.

pub mod availability;
pub mod constants;
pub mod identity;
pub mod instrumentation;
pub mod latency;
mod place;
mod series;
pub mod version;

use std::collections::HashMap;
use std::sync::Arc;

use serde::Deserialize;

use super::subject::Subject;
use super::verdict::Finding;
use crate::checks::naming::family::{Family, fold};
use crate::checks::naming::help::Help;
use crate::checks::naming::labels::Keys;
use crate::checks::naming::namespace::Namespaces;
use crate::checks::naming::products;
use crate::checks::naming::role::Role;
use crate::exposition::{Event, Fault, MetricType, Sample, Severity, Summary};
use constants::Constants;
use instrumentation::Resource;
pub use place::Place;
pub use series::{Series, SeriesFindings};

/// Metric names remembered in one scrape; beyond it a name is read anew each time it appears.
const NAMES_MAX: usize = 20_000;

/// Faults kept in the daemon; the rest are counted.
pub const FAULTS_MAX: usize = 20;

/// A check that one scrape decides, with its settings, as a rule names it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[derive(strum::IntoStaticStr, strum::VariantNames)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[strum(serialize_all = "snake_case")]
pub enum ScrapeCheck {
    /// The exposition names the service.
    Identity,
    /// The exposition is served on this port.
    Endpoint {
        /// The port asked for.
        port: u16,
    },
    /// The exposition carries the application's version.
    Version,
    /// The exposition carries availability.
    Availability,
    /// The exposition carries latency.
    Latency,
}

impl ScrapeCheck {
    /// As written in a rule.
    pub fn as_str(&self) -> &'static str {
        self.into()
    }

    /// The port that it asks for, where it does.
    pub(super) fn port(&self) -> Option<u16> {
        match self {
            ScrapeCheck::Endpoint { port } => Some(*port),
            ScrapeCheck::Identity
            | ScrapeCheck::Version
            | ScrapeCheck::Availability
            | ScrapeCheck::Latency => None,
        }
    }

    /// Judges by what was found of each series, and by where the scrape was made.
    pub(super) fn judge(&self, found: &SeriesFindings, place: Place<'_>) -> Arc<Finding> {
        let series = match self {
            ScrapeCheck::Endpoint { port } => return Arc::new(place.judge_port(*port)),
            ScrapeCheck::Identity => Series::Identity,
            ScrapeCheck::Version => Series::Version,
            ScrapeCheck::Availability => Series::Availability,
            ScrapeCheck::Latency => Series::Latency,
        };
        Arc::clone(found.get(series))
    }
}

/// One good scrape, with what its judgement depends on.
#[derive(Debug, Clone, Copy)]
pub struct Scraped<'a> {
    /// What the scrape taught.
    pub observation: &'a Observation,
    /// Entity it concerns.
    pub subject: &'a Subject,
    /// Where it was scraped.
    pub place: Place<'a>,
}

impl Scraped<'_> {
    /// Judges each series.
    pub fn findings(self) -> SeriesFindings {
        let Scraped {
            observation,
            subject,
            place,
        } = self;
        let (namespaces, constants) = (&observation.namespaces, &observation.constants);
        let found = [
            observation.version.judge(subject, namespaces, constants),
            observation.availability.judge(subject, namespaces),
            observation.latency.judge(subject, namespaces),
            observation.identity.judge(subject, constants, place.path()),
        ];
        SeriesFindings::new(found.map(|finding| place.resting(finding)))
    }
}

/// What one scrape taught.
#[derive(Debug, Clone, Default)]
pub struct Observation {
    /// O-6's evidence.
    pub identity: identity::Evidence,
    /// O-8's evidence.
    pub version: version::Evidence,
    /// O-9's evidence, first half.
    pub availability: availability::Evidence,
    /// O-9's evidence, second half.
    pub latency: latency::Evidence,
    /// How many families are whose.
    pub namespaces: Namespaces,
    /// What nearly all series share.
    pub constants: Constants,
    /// The resource that OpenTelemetry describes, where it does.
    pub resource: Option<Arc<Resource>>,
    /// `process_start_time_seconds`, where exposed.
    pub process_start_seconds: Option<f64>,
    /// The first faults, in order.
    pub faults: Vec<Fault>,
    /// Counts of the whole exposition.
    pub summary: Summary,
}

impl Observation {
    /// The version that the service exposes.
    pub fn version(&self) -> Option<&str> {
        self.version.version(&self.namespaces, &self.constants)
    }

    /// The first fault for which Prometheus would fail the scrape.
    pub fn error(&self) -> Option<&Fault> {
        self.faults
            .iter()
            .find(|fault| fault.severity == Severity::Error)
    }

    /// The first violation of the format.
    pub fn violation(&self) -> Option<&Fault> {
        self.faults
            .iter()
            .find(|fault| fault.severity == Severity::Violation)
    }
}

/// Gathers an [`Observation`] from a scanner's events.
#[derive(Debug)]
pub struct Observer {
    subject: Arc<Subject>,
    names: HashMap<String, usize, foldhash::fast::FixedState>,
    /// A name's family and roles. The last entry is reused once [`NAMES_MAX`] is reached.
    roles: Vec<Roles>,
    current: usize,
    keys: Keys,
    typed: (String, MetricType),
    helped: (String, Help),
    faults_max: usize,
    observation: Observation,
}

/// What each check wants of a name.
#[derive(Debug)]
struct Roles {
    family: Family,
    version: Option<version::Role>,
    availability: Option<availability::Role>,
    latency: Option<latency::Role>,
    /// The name of the family, or the service's, says that it answers: who is called is itself, or stands behind it.
    is_server: bool,
    start_time: bool,
    /// A sample's value tells something, not only its series.
    heeds_values: bool,
}

impl Observer {
    /// Starts a scrape of `subject`, keeping at most `faults_max` faults.
    pub fn new(subject: Arc<Subject>, faults_max: usize) -> Self {
        Self {
            observation: Observation {
                namespaces: Namespaces::new(&subject),
                version: version::Evidence::new(&subject),
                ..Observation::default()
            },
            subject,
            names: HashMap::default(),
            roles: Vec::new(),
            current: usize::MAX,
            keys: Keys::default(),
            typed: (String::new(), MetricType::Unknown),
            helped: (String::new(), Help::default()),
            faults_max,
        }
    }

    /// Takes one event of the scanner.
    pub fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Type { name, kind } => self.typed = (name.into_owned(), kind),
            Event::Help { name, text } => {
                self.helped = (name.into_owned(), Help::of(&text));
            }
            Event::Unit { .. } => {}
            Event::Sample(sample) => self.sample(&sample),
            Event::Fault(fault) => self.fault(fault),
        }
    }

    /// Whether the value of the last sample, not only its series, counts for what was learnt.
    pub fn heeded_value(&self) -> bool {
        let roles = self.roles.get(self.current);
        roles.is_none_or(|roles| roles.heeds_values)
    }

    /// Ends the scrape.
    pub fn finish(mut self, summary: Summary) -> Observation {
        self.observation.summary = summary;
        self.observation
    }

    /// An error is kept even past the limit if none is among those kept: it decides the scrape.
    fn fault(&mut self, fault: Fault) {
        let faults = &mut self.observation.faults;
        if faults.len() < self.faults_max {
            faults.push(fault);
        } else if fault.severity == Severity::Error
            && faults
                .iter()
                .all(|kept| kept.severity == Severity::Violation)
        {
            faults.pop();
            faults.push(fault);
        }
    }

    fn sample(&mut self, sample: &Sample<'_>) {
        let name = sample.name();
        let new_name = match self.roles.get(self.current) {
            Some(roles) if roles.family.name == name => false,
            _ => self.switch_to(&name),
        };
        let Some(roles) = self.roles.get(self.current) else {
            return;
        };
        let observation = &mut self.observation;
        let subject = &*self.subject;
        if new_name && roles.family.role.is_of_application() {
            observation
                .namespaces
                .add(roles.family.namespace, &roles.family.stem);
        }
        if roles.family.role != Role::Runtime {
            observation
                .constants
                .sample(&roles.family, sample, new_name);
        }
        observation
            .identity
            .sample(&roles.family, sample, subject, new_name);
        if let Some(role) = roles.version {
            observation
                .version
                .sample(role, &roles.family, sample, subject);
        }
        if roles.availability.is_some() || roles.latency.is_some() {
            let traits = self.keys.read(sample, roles.is_server, subject);
            if let Some(role) = &roles.availability {
                observation
                    .availability
                    .sample(role, &roles.family, sample, &traits, subject);
            }
            if let Some(role) = roles.latency {
                observation
                    .latency
                    .sample(role, &roles.family, sample, &traits);
            }
        }
        if observation.resource.is_none() {
            observation.resource = Resource::of(&roles.family, sample);
        }
        if roles.start_time {
            observation.process_start_seconds = Some(sample.value);
        }
    }

    /// Makes `name` the current one; true where it is new.
    fn switch_to(&mut self, name: &str) -> bool {
        if let Some(known) = self.names.get(name) {
            self.current = *known;
            return false;
        }
        let roles = self.read(name);
        if self.roles.len() < NAMES_MAX {
            self.names.insert(name.to_owned(), self.roles.len());
            self.roles.push(roles);
        } else if let Some(last) = self.roles.last_mut() {
            self.names.remove(&last.family.name);
            *last = roles;
        }
        self.current = self.roles.len() - 1;
        true
    }

    fn read(&self, name: &str) -> Roles {
        let concerns = |metadata: &str| metadata == name || metadata == fold(name).0;
        let kind = if concerns(&self.typed.0) {
            self.typed.1
        } else {
            MetricType::Unknown
        };
        let help = match concerns(&self.helped.0) {
            true => self.helped.1,
            false => Help::default(),
        };
        let family = Family::new(name, kind, help, &self.subject);
        let version = version::role(&family, &self.subject);
        let availability = availability::role(&family, &self.subject);
        let latency = latency::role(&family, &self.subject);
        let start_time = family.stem.ends_with("process_start_time_seconds");
        let state = availability
            .as_ref()
            .is_some_and(availability::Role::heeds_values);
        let average = latency.is_some() && latency::heeds_values(&family);
        Roles {
            heeds_values: version.is_some() || start_time || state || average,
            version,
            availability,
            latency,
            is_server: family.is_server() || products::is_front(&self.subject),
            start_time,
            family,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exposition::{Format, Limits, Scanner};

    /// A body that differs in values that tell nothing is as remembered.
    #[test]
    fn values_count_where_they_tell_something() {
        for (line, expected) in [
            ("shop_up 1", true),
            ("shop_build_info{version=\"1.2.0\"} 1", true),
            ("process_start_time_seconds 1.7e9", true),
            ("shop_request_last_seconds 0.2", true),
            ("http_requests_total{code=\"200\"} 3", false),
            ("shop_request_duration_seconds_sum 3", false),
            ("shop_orders 3", false),
        ] {
            let subject = Arc::new(Subject::new("shop", &[], Default::default()));
            let mut observer = Observer::new(subject, 1);
            let mut scanner = Scanner::new(Format::Text, Limits::default());
            scanner.feed(format!("{line}\n").as_bytes(), &mut |event| {
                observer.event(event)
            });
            assert_eq!(observer.heeded_value(), expected, "{line}");
        }
    }
}
