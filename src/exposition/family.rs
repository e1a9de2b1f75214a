//! Which family a line belongs to, and the rules on families: one group each, metadata first and once, names apart.

use crate::exposition::identity_hasher::BuildIdentityHasher;
use crate::exposition::observed::Observed;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher};

use super::event::MetricType;
use super::fault::{Excerpt, Faults, Line, Severity};
use super::format::Format;
use super::metadata::{Metadata, What};
use super::metric::Metrics;
use super::role::{Role, SUFFIXES, role, suffix_needed};

/// Families remembered by name; past this many, names that come again go unnoticed.
const FAMILIES_MAX: usize = 65_536;

const TYPED: u8 = 1;
const HELPED: u8 = 2;
const UNIT_GIVEN: u8 = 4;
const UNIT_SET: u8 = 8;
const SAMPLED: u8 = 16;
/// Came apart, and that was told: once a family is enough.
const APART: u8 = 32;

/// What is remembered of a family.
#[derive(Debug, Clone, Copy, Default)]
struct Known {
    kind: MetricType,
    marks: u8,
}

/// The families of a body: the current one, and the names of those before it.
#[derive(Debug)]
pub(super) struct Families {
    format: Format,
    hasher: foldhash::fast::RandomState,
    /// The name of the current family, and its hash; empty before the first.
    name: Vec<u8>,
    hash: u64,
    family: Known,
    known: HashMap<u64, Known, BuildIdentityHasher>,
    /// The last sample's name and role: most samples are named as the one before.
    last_name: Vec<u8>,
    last_role: Role,
    metrics: Metrics,
    scratch: Vec<u8>,
}

impl Families {
    pub(super) fn new(format: Format, hasher: foldhash::fast::RandomState) -> Self {
        Self {
            format,
            hasher,
            name: Vec::new(),
            hash: 0,
            family: Known::default(),
            known: HashMap::default(),
            last_name: Vec::new(),
            last_role: Role::Value,
            metrics: Metrics::default(),
            scratch: Vec::new(),
        }
    }

    /// Takes a line of metadata.
    pub(super) fn metadata(&mut self, line: Line<'_>, metadata: &Metadata, faults: &mut Faults) {
        let name = metadata.name.of(line.bytes);
        let at = metadata.name.start as usize;
        let keyword = metadata.what.keyword();
        let mark = match metadata.what {
            What::Type(_) => TYPED,
            What::Help => HELPED,
            What::Unit => UNIT_GIVEN,
        };
        let apart = self.name != name && self.begin(line, at, name, faults);
        if self.family.marks & mark != 0 {
            faults.push(Severity::Violation, line.place(at), || {
                format!(
                    "expected one {keyword} line of {}, saw another",
                    Excerpt(name)
                )
            });
        } else if self.family.marks & SAMPLED != 0 {
            faults.push(Severity::Violation, line.place(at), || {
                format!(
                    "expected the {keyword} line of {} before its samples, saw it after them",
                    Excerpt(name)
                )
            });
        } else if apart {
            self.not_together(line, at, name, faults);
        }
        self.family.marks |= mark;
        self.last_name.clear();
        match metadata.what {
            What::Type(kind) => {
                // Samples from before cannot be judged with those to come: what is kept of a metric depends on its type.
                if self.family.kind != kind {
                    self.metrics
                        .close(self.format, self.family.kind, &self.name, faults);
                }
                self.family.kind = kind;
                if self.format == Format::OpenMetrics {
                    self.check_reserved(line, at, name, kind, faults);
                }
            }
            What::Unit if metadata.text.start < metadata.text.end => self.family.marks |= UNIT_SET,
            What::Help | What::Unit => {}
        }
        let unitless = matches!(self.family.kind, MetricType::Info | MetricType::StateSet);
        if unitless && self.family.marks & UNIT_SET != 0 && mark != HELPED {
            faults.push(Severity::Violation, line.place(at), || {
                format!(
                    "expected no unit of {} {}",
                    self.family.kind.as_str(),
                    Excerpt(name)
                )
            });
        }
    }

    /// Takes a sample, and returns the type of its family.
    #[inline]
    pub(super) fn sample(&mut self, observed: &Observed<'_>, faults: &mut Faults) -> MetricType {
        let name = observed.name();
        if self.last_name != name {
            self.enter(observed, name, faults);
        }
        self.metrics.sample(
            observed,
            self.format,
            self.family.kind,
            self.last_role,
            &self.name,
            faults,
        );
        self.family.kind
    }

    /// Ends the body.
    pub(super) fn finish(&mut self, faults: &mut Faults) {
        self.metrics
            .close(self.format, self.family.kind, &self.name, faults);
    }

    /// Finds the family of a sample that is not named as the one before.
    #[inline(never)]
    fn enter(&mut self, observed: &Observed<'_>, name: &[u8], faults: &mut Faults) {
        let at = observed.name_at();
        let found = if self.name.is_empty() {
            None
        } else {
            role(self.format, self.family.kind, &self.name, name)
        };
        let role = match found {
            Some(role) => role,
            None => match self.earlier(name) {
                Some((stem, role)) => {
                    self.begin(observed.line, at, &name[..stem], faults);
                    self.not_together(observed.line, at, &name[..stem], faults);
                    role
                }
                None => {
                    self.begin(observed.line, at, name, faults);
                    Role::Value
                }
            },
        };
        if role == Role::Misnamed {
            observed.violation(faults, at, || {
                let kind = self.family.kind;
                format!(
                    "expected a sample of {} {} to end in {}",
                    kind.as_str(),
                    Excerpt(&self.name),
                    suffix_needed(kind)
                )
            });
        }
        self.family.marks |= SAMPLED;
        self.last_role = role;
        self.last_name.clear();
        // A misnamed sample is told each time it comes.
        if role != Role::Misnamed {
            self.last_name.extend_from_slice(name);
        }
    }

    /// The family before the current one that a sample of that name belongs to: length of its name, and the role.
    fn earlier(&self, name: &[u8]) -> Option<(usize, Role)> {
        let stems = std::iter::once(name).chain(
            SUFFIXES
                .iter()
                .filter_map(|suffix| name.strip_suffix(*suffix)),
        );
        stems.filter(|stem| !stem.is_empty()).find_map(|stem| {
            let known = self.known.get(&self.hash_of(stem))?;
            Some((stem.len(), role(self.format, known.kind, stem, name)?))
        })
    }

    /// Leaves the current family for the named one; returns whether that came before.
    fn begin(&mut self, line: Line<'_>, at: usize, name: &[u8], faults: &mut Faults) -> bool {
        self.metrics
            .close(self.format, self.family.kind, &self.name, faults);
        if !self.name.is_empty() && self.known.len() < FAMILIES_MAX {
            self.known.insert(self.hash, self.family);
        }
        self.name.clear();
        self.name.extend_from_slice(name);
        self.hash = self.hash_of(name);
        let known = self.known.get(&self.hash).copied();
        self.family = known.unwrap_or_default();
        if known.is_none() && self.format == Format::OpenMetrics {
            self.check_name(line, at, name, faults);
        }
        known.is_some()
    }

    #[cold]
    fn not_together(&mut self, line: Line<'_>, at: usize, name: &[u8], faults: &mut Faults) {
        if self.family.marks & APART != 0 {
            return;
        }
        self.family.marks |= APART;
        faults.push(Severity::Violation, line.place(at), || {
            format!(
                "expected all lines of {} in one group, saw one apart from them",
                Excerpt(name)
            )
        });
    }

    /// That a new family's name is free.
    fn check_name(&self, line: Line<'_>, at: usize, name: &[u8], faults: &mut Faults) {
        if name.starts_with(b"_") {
            faults.push(Severity::Violation, line.place(at), || {
                format!(
                    "expected a name that does not begin with an underscore (reserved), saw {}",
                    Excerpt(name)
                )
            });
        }
        let owners = SUFFIXES
            .iter()
            .filter_map(|suffix| name.strip_suffix(*suffix));
        for owner in owners.filter(|owner| !owner.is_empty()) {
            if let Some(known) = self.known.get(&self.hash_of(owner))
                && role(self.format, known.kind, owner, name).is_some()
            {
                self.clash(line, at, name, owner, known.kind, faults);
            }
        }
    }

    /// That no family before has a name that samples of this one may have.
    fn check_reserved(
        &mut self,
        line: Line<'_>,
        at: usize,
        name: &[u8],
        kind: MetricType,
        faults: &mut Faults,
    ) {
        for suffix in SUFFIXES {
            self.scratch.clear();
            self.scratch.extend_from_slice(name);
            self.scratch.extend_from_slice(suffix);
            if role(self.format, kind, name, &self.scratch).is_some()
                && self.known.contains_key(&self.hash_of(&self.scratch))
            {
                self.clash(line, at, &self.scratch, name, kind, faults);
            }
        }
    }

    fn clash(
        &self,
        line: Line<'_>,
        at: usize,
        name: &[u8],
        owner: &[u8],
        kind: MetricType,
        faults: &mut Faults,
    ) {
        faults.push(Severity::Violation, line.place(at), || {
            format!(
                "expected names that do not clash, saw {} beside {} {}",
                Excerpt(name),
                kind.as_str(),
                Excerpt(owner)
            )
        });
    }

    fn hash_of(&self, name: &[u8]) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(name);
        hasher.finish()
    }
}
