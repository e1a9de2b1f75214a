//! O-8: the application's own version is exposed.

mod label;
mod name;
mod value;

use self::label::{is_about, names, names_another, version_label};
pub use self::name::{Role, role};
use self::value::{is_placeholder, looks_like_version};
use super::constants::{Constant, Constants};
use crate::checks::naming::family::Family;
use crate::checks::naming::namespace::{Namespace, Namespaces};
use crate::checks::naming::role::Role as About;
use crate::checks::naming::words::Words;
use crate::checks::subject::Subject;
use crate::checks::verdict::{Finding, Reason, cite};
use crate::exposition::Sample;
use crate::labels::snake;

/// Families looked at in one scrape at the most; an application has one or two.
const CANDIDATES_MAX: usize = 64;

/// Bytes of a version: it becomes a label of ours.
const VERSION_BYTES_MAX: usize = 128;

/// From here on a number is a time of day in seconds, of 2001 or later.
const TIMESTAMP_MIN: f64 = 1e9;

/// Versions of HTTP, which labels of requests may carry.
const HTTP_VERSIONS: Words = Words("1.0 1.1 2.0 3.0");

/// What the version-like families of one scrape showed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence {
    candidates: Vec<Candidate>,
    near: Option<Near>,
    /// The configuration names the series, and nothing else proves.
    is_configured: bool,
}

/// One family with a version in its labels.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Candidate {
    rank: u8,
    namespace: Namespace,
    stem: String,
    family: String,
    /// A label names the service: whatever the namespace, it is its own.
    names_service: bool,
    /// The version of the series at 1, or of those at 0.
    version: String,
    series: String,
    /// No series stands at 1: the gauge carries its version, not whether it holds.
    is_idle: bool,
    /// A second, different value was seen: an inventory of other things.
    several: bool,
}

/// The best of what does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Near {
    reason: Reason,
    rank: u8,
    name: String,
    series: String,
    why: String,
}

impl Evidence {
    /// Starts a scrape of a service.
    pub(super) fn new(subject: &Subject) -> Self {
        Self {
            is_configured: subject.series.version.is_some(),
            ..Self::default()
        }
    }

    /// Looks at one sample of a family with a role.
    pub fn sample(&mut self, role: Role, family: &Family, sample: &Sample<'_>, subject: &Subject) {
        match role {
            Role::SomethingElse(why) => {
                let rank = match (family.is_own(), family.role) {
                    (_, About::Runtime) => 6,
                    (true, _) => 3,
                    (false, _) => 5,
                };
                self.near(Reason::NotTheService, rank, sample, why);
            }
            Role::Exporter => self.near(
                Reason::NotTheService,
                1,
                sample,
                "is the exporter's version, not the service's; if this service is the exporter, add its name as an alias",
            ),
            Role::MainModule if is_exporters_module(sample, subject) => self.near(
                Reason::NotTheService,
                1,
                sample,
                "is the exporter's version, not the service's",
            ),
            Role::Configured if !is_set(sample) => {
                self.near(Reason::Placeholder, 0, sample, "is not above 0");
            }
            Role::Configured => {
                let labelled = version_label(family, sample);
                let (key, version) =
                    labelled.unwrap_or_else(|| ("value".to_owned(), sample.value.to_string()));
                match unusable(&key, &version) {
                    Some(why) => self.near(Reason::Placeholder, 0, sample, &why),
                    None => self.candidate(family, version, sample, true),
                }
            }
            Role::Candidate | Role::MainModule => self.labels(role, family, sample, subject),
        }
    }

    fn labels(&mut self, role: Role, family: &Family, sample: &Sample<'_>, subject: &Subject) {
        let rank = match family.namespace {
            Namespace::Own | Namespace::Related | Namespace::Generic => 0,
            Namespace::Other | Namespace::Product => 2,
        };
        if sample.labels().any(|(key, _)| key == "plugin_id") {
            let why = "is a plugin's version, not the service's";
            return self.near(Reason::NotTheService, 3, sample, why);
        }
        if let Some(about) = is_about(subject, sample) {
            let why = format!("is the version of {:?}, not the service's", quoted(&about));
            return self.near(Reason::NotTheService, 3, sample, &why);
        }
        let another = names_another(family.namespace, subject, sample);
        if let Some(another) = another {
            let why = format!(
                "is the version of {:?}; if that is what this service is called too, add it as an alias",
                quoted(&another)
            );
            return self.near(Reason::NotTheService, 1, sample, &why);
        }
        let Some((key, value)) = version_label(family, sample) else {
            return self.near(
                Reason::Missing,
                4,
                sample,
                "has no label that carries a version",
            );
        };
        if let Some(why) = unusable(&key, &value) {
            self.near(Reason::Placeholder, rank, sample, &why);
        } else if !looks_like_version(&value) {
            let why = format!(
                "has {key}={:?}, which is no version, date or revision",
                quoted(&value)
            );
            self.near(Reason::Placeholder, rank, sample, &why);
        } else if sample.value.is_nan() || sample.value < 0.0 {
            self.near(
                Reason::Missing,
                4,
                sample,
                "is not above 0, so it does not hold now",
            );
        } else if is_number(sample.value) {
            let why = format!(
                "has the value {}: a number of things by version, where a version's own series stands at 1",
                sample.value
            );
            self.near(Reason::NotTheService, rank, sample, &why);
        } else {
            // A main module is the program's whatever it is called. Of another product, a label that all series
            // carry says nothing.
            let is_product = family.namespace == Namespace::Product;
            let is_its_own = role == Role::MainModule || (!is_product && names(subject, sample));
            self.candidate(family, value, sample, is_its_own);
        }
    }

    /// Takes a series with a version. One at 1 goes before those at 0, which in some programs carry it all
    /// the same.
    fn candidate(
        &mut self,
        family: &Family,
        version: String,
        sample: &Sample<'_>,
        names_service: bool,
    ) {
        let is_idle = !is_set(sample);
        let known = self.candidates.iter_mut().find(|c| c.family == family.name);
        match known {
            Some(known) if known.is_idle == is_idle => {
                known.several |= known.version != version;
                known.names_service |= names_service;
            }
            Some(known) if is_idle => known.names_service |= names_service,
            Some(known) => {
                *known = Candidate {
                    names_service: names_service || known.names_service,
                    ..Candidate::new(family, version, sample)
                };
            }
            None => self.keep(Candidate {
                names_service,
                ..Candidate::new(family, version, sample)
            }),
        }
    }

    /// Keeps a candidate. Where there are too many, the one that is the least likely to be of the service goes.
    fn keep(&mut self, candidate: Candidate) {
        if self.candidates.len() == CANDIDATES_MAX {
            let worst = (0..CANDIDATES_MAX).max_by_key(|place| self.candidates[*place].likeness());
            let Some(worst) =
                worst.filter(|place| candidate.likeness() < self.candidates[*place].likeness())
            else {
                return;
            };
            self.candidates.remove(worst);
        }
        self.candidates.push(candidate);
    }

    /// Keeps the most telling near miss, the one of the lowest rank: a placeholder says more than a
    /// runtime's version.
    fn near(&mut self, reason: Reason, rank: u8, sample: &Sample<'_>, why: &str) {
        if self.near.as_ref().is_none_or(|near| rank < near.rank) {
            self.near = Some(Near {
                reason,
                rank,
                name: cite(&sample.name()),
                series: cite(sample.series()),
                why: why.to_owned(),
            });
        }
    }

    /// The version that a pass rests on.
    pub fn version<'a>(
        &'a self,
        namespaces: &'a Namespaces,
        constants: &'a Constants,
    ) -> Option<&'a str> {
        match self.proof(namespaces) {
            Some(candidate) => Some(&candidate.version),
            None => self
                .constant(constants)
                .map(|(_, constant)| constant.value.as_str()),
        }
    }

    /// A label with a version that nearly all series share, where no series is there for it alone.
    fn constant<'a>(&self, constants: &'a Constants) -> Option<(&'static str, &'a Constant)> {
        let is_version = |(key, constant): &(&'static str, &Constant)| {
            let value = &*constant.value;
            unusable(key, value).is_none()
                && looks_like_version(value)
                && !(*key == "version" && HTTP_VERSIONS.has(value))
        };
        let mut constant = constants.version().filter(is_version);
        match self.is_configured {
            true => None,
            false => constant.next(),
        }
    }

    fn proof<'a>(&'a self, namespaces: &'a Namespaces) -> Option<&'a Candidate> {
        self.owned(namespaces)
            .filter(|candidate| !candidate.several)
            .min_by_key(|c| (c.namespace, c.rank))
    }

    /// The candidates that are of the service, or of what it is by most of its families.
    fn owned<'a>(&'a self, namespaces: &'a Namespaces) -> impl Iterator<Item = &'a Candidate> {
        self.candidates
            .iter()
            .filter(|c| c.names_service || namespaces.owns(c.namespace, &c.stem))
    }

    /// The finding, with what the whole scrape says of namespaces.
    pub fn judge(
        &self,
        subject: &Subject,
        namespaces: &Namespaces,
        constants: &Constants,
    ) -> Finding {
        if let Some(proof) = self.proof(namespaces) {
            let message = format!("exposes its version {:?}", proof.version);
            return Finding::pass(message, &proof.series);
        }
        if let Some((key, constant)) = self.constant(constants) {
            let message = format!("its series carry {key}={:?}", constant.value);
            return Finding::pass(message, &constant.series);
        }
        if let Some(inventory) = self.owned(namespaces).next() {
            let message = format!(
                "`{}` has several versions: an inventory of other things, not the service's version",
                inventory.family
            );
            return Finding::fail(Reason::Ambiguous, message, vec![inventory.series.clone()]);
        }
        let wanted = match &subject.series.version {
            Some(wanted) => format!("`{wanted}`, which the configuration names, is not there"),
            None => "no version of its own".to_owned(),
        };
        let foreign = self.candidates.first().map(Candidate::as_near);
        let near = self
            .near
            .iter()
            .chain(&foreign)
            .min_by_key(|near| near.rank);
        match near {
            Some(near) => Finding::fail(
                near.reason,
                format!("{wanted}: `{}` {}", near.name, near.why),
                vec![near.series.clone()],
            ),
            None if subject.series.version.is_some() => {
                Finding::fail(Reason::Missing, wanted, vec![])
            }
            None => Finding::fail(
                Reason::Missing,
                "no series carries a version: looked for a name ending in _build_info, _info or \
                 _version with a version label",
                vec![],
            ),
        }
    }
}

impl Candidate {
    fn new(family: &Family, version: String, sample: &Sample<'_>) -> Self {
        Self {
            rank: rank(family),
            namespace: family.namespace,
            stem: family.stem.clone(),
            family: family.name.clone(),
            names_service: false,
            version,
            series: cite(sample.series()),
            is_idle: !is_set(sample),
            several: false,
        }
    }

    /// How likely it is the service's, the most likely first.
    fn likeness(&self) -> (bool, Namespace, u8) {
        (!self.names_service, self.namespace, self.rank)
    }

    /// One of another program, as the nearest thing.
    fn as_near(&self) -> Near {
        let first = self.stem.split('_').next().unwrap_or_default();
        Near {
            reason: Reason::NotTheService,
            rank: 2,
            name: cite(&self.family),
            series: self.series.clone(),
            why: format!(
                "is the version of `{first}`, not the service's; if that is what this service runs, add it as an alias"
            ),
        }
    }
}

/// Why no value of a version's label: a placeholder, or too long.
fn unusable(key: &str, value: &str) -> Option<String> {
    if is_placeholder(value) {
        return Some(format!("has the placeholder {key}={:?}", quoted(value)));
    }
    (value.len() > VERSION_BYTES_MAX).then(|| {
        format!(
            "has {key} of {} bytes, a version has at most {VERSION_BYTES_MAX}",
            value.len()
        )
    })
}

fn quoted(value: &str) -> String {
    value.chars().take(40).collect()
}

/// Whether an info metric stands at 1 or above.
fn is_set(sample: &Sample<'_>) -> bool {
    sample.value > 0.0 && sample.value.is_finite()
}

/// Whether a value counts something: it is neither 0 nor 1, as those of info metrics are, nor a time of day, as that of
/// a build.
fn is_number(value: f64) -> bool {
    value > 1.0 && value < TIMESTAMP_MIN
}

/// Whether a Go program's main module is an exporter that speaks for the service.
fn is_exporters_module(sample: &Sample<'_>, subject: &Subject) -> bool {
    let path = sample.label("path").unwrap_or_default();
    let program = path.rsplit('/').next().map(snake).unwrap_or_default();
    program.ends_with("_exporter") && subject.is_known() && !subject.is(&program)
}

/// A build or a version says it of the program; any other `_info` may be about one of its parts.
fn rank(family: &Family) -> u8 {
    match family.words().next_back() {
        Some("info") if family.stem.ends_with("go_build_info") => 1,
        Some("info") if family.stem.ends_with("build_info") => 0,
        Some("info") if family.stem == "target_info" || family.stem == "app_info" => 1,
        Some("info") => 2,
        _ => 0,
    }
}
