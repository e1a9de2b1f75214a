//! What a metric's name says, worked out once a name: normalised, folded into its family, whose it is and
//! which part the family plays.

use super::help::Help;
use super::namespace::Namespace;
use super::role::{INBOUND, Role};
use super::words::{Words, words};
use crate::checks::subject::Subject;
use crate::exposition::MetricType;
use crate::labels::snake;

/// Bytes of a name that are looked at: a target must not fill our time with its names.
const NAME_BYTES_MAX: usize = 256;

/// Last words of what adds amounts up: no count of requests, whatever their status.
const AMOUNTS: Words = Words(
    "byte bytes duration latency length microseconds milliseconds ms nanoseconds octets second seconds size sizes time us",
);

/// Words of what has not ended yet: `http_server_requests_active_seconds` times the requests that are being served.
const IN_FLIGHT: Words = Words("active concurrent flight inflight ongoing pending");

/// One metric name and what it tells.
#[derive(Debug, Clone)]
pub struct Family {
    /// The name as exposed.
    pub name: String,
    /// The name without `_bucket`, `_sum`, `_count`, `_total`, `_created`, in snake_case.
    pub stem: String,
    /// Which part of its family the name is.
    pub part: Part,
    /// The declared type, [`MetricType::Unknown`] where none was.
    pub kind: MetricType,
    /// What HELP says.
    pub help: Help,
    /// Whose it is.
    pub namespace: Namespace,
    /// What it is about.
    pub role: Role,
    /// Bytes of the stem that say whose it is, the underscore behind them included.
    namespace_bytes: usize,
}

/// The suffix that a name carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// No suffix.
    Plain,
    /// `_bucket`.
    Bucket,
    /// `_sum`.
    Sum,
    /// `_count`.
    Count,
    /// `_total`.
    Total,
    /// `_created`.
    Created,
}

/// Splits a name into its family's stem and the part.
pub fn fold(name: &str) -> (&str, Part) {
    for (suffix, part) in [
        ("_bucket", Part::Bucket),
        ("_sum", Part::Sum),
        ("_count", Part::Count),
        ("_total", Part::Total),
        ("_created", Part::Created),
    ] {
        if let Some(stem) = name.strip_suffix(suffix)
            && !stem.is_empty()
        {
            return (stem, part);
        }
    }
    (name, Part::Plain)
}

impl Family {
    /// Reads a name of `subject`'s exposition, with what TYPE and HELP said of its family.
    pub fn new(name: &str, kind: MetricType, help: Help, subject: &Subject) -> Self {
        let whole = snake(&name[..name.floor_char_boundary(NAME_BYTES_MAX)]);
        let (stem, part) = fold(&whole);
        let (namespace, namespace_bytes) = Namespace::of(stem, subject);
        Self {
            name: name.to_owned(),
            part,
            kind,
            help,
            namespace,
            role: Role::of(&whole, stem, (namespace, namespace_bytes), subject).told_by(help),
            namespace_bytes,
            stem: stem.to_owned(),
        }
    }

    /// The words of the stem.
    pub fn words(&self) -> impl DoubleEndedIterator<Item = &str> + Clone {
        words(&self.stem)
    }

    /// What the name says of the service: the words behind its own name, or all where the first says
    /// something too (`http_requests`). A service called `client-portal` is no client, and one called `calls`
    /// answers none by its name.
    pub fn saying(&self) -> impl DoubleEndedIterator<Item = &str> + Clone {
        let from = match self.namespace {
            Namespace::Own => self.namespace_bytes,
            Namespace::Related | Namespace::Generic | Namespace::Other | Namespace::Product => 0,
        };
        words(&self.stem[from..])
    }

    /// The words behind the first or behind the service's name: of what, in the namespace, it is.
    pub fn rest(&self) -> impl DoubleEndedIterator<Item = &str> + Clone {
        words(&self.stem[self.namespace_bytes..])
    }

    /// Whether its name says that it is the service's, or of the product that the service is.
    pub fn is_own(&self) -> bool {
        match self.namespace {
            Namespace::Own | Namespace::Related => true,
            Namespace::Generic | Namespace::Other | Namespace::Product => false,
        }
    }

    /// Whether its name says that the service answers: who is called, as its labels tell, is itself.
    pub fn is_server(&self) -> bool {
        INBOUND.any(self.saying())
    }

    /// Whether it is the family that the configuration names, by the name of any of its parts.
    pub fn is_named(&self, configured: &str) -> bool {
        configured == self.name || snake(configured) == self.stem
    }

    /// Whether it is about what has not ended yet: it has no outcome and no duration.
    pub fn is_in_flight(&self) -> bool {
        IN_FLIGHT.any(self.saying())
    }

    /// Whether it counts events that have ended: a counter, or the count of a histogram or summary.
    pub fn counts(&self) -> bool {
        let is_amount = match self.part {
            Part::Plain | Part::Total => self.saying().next_back().is_some_and(|w| AMOUNTS.has(w)),
            Part::Bucket | Part::Sum | Part::Count | Part::Created => false,
        };
        !is_amount && !self.is_in_flight() && self.counts_by_type()
    }

    fn counts_by_type(&self) -> bool {
        match self.kind {
            MetricType::Counter | MetricType::Unknown => {
                matches!(self.part, Part::Plain | Part::Total | Part::Count)
            }
            MetricType::Histogram | MetricType::Summary | MetricType::GaugeHistogram => {
                self.part == Part::Count
            }
            // Some exporters type each sample apart (`# TYPE x_count gauge`), others every counter so. Of work by
            // state, as `jobs_total{status="failed"}`, a gauge tells how much there is.
            MetricType::Gauge => match self.part {
                Part::Count => true,
                Part::Total => self.role == Role::Served,
                Part::Plain | Part::Bucket | Part::Sum | Part::Created => false,
            },
            MetricType::Info | MetricType::StateSet => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::catalogue::SeriesNames;

    proptest! {
        /// A name may hold anything that UTF-8 can write.
        #[test]
        fn any_name_is_read(
            name in "(U__)?[_.:aébx0-9]{0,12}(_prom_ex_)?.{0,6}",
            service in "[_.aéb-]{0,4}",
        ) {
            let subject = Subject::new(&service, &[], SeriesNames::default());
            for kind in [MetricType::Unknown, MetricType::Gauge] {
                let family = Family::new(&name, kind, Help::default(), &subject);
                let rest: usize = family.rest().map(str::len).sum();
                let saying: usize = family.saying().map(str::len).sum();
                prop_assert!(rest <= saying);
                prop_assert!(saying <= family.words().map(str::len).sum());
            }
        }
    }

    /// What is longer tells by its beginning.
    #[test]
    fn long_names_are_cut() {
        let subject = Subject::new("shop", &[], SeriesNames::default());
        let name = format!("shop_{}", "é_".repeat(1_000_000));
        let family = Family::new(&name, MetricType::Unknown, Help::default(), &subject);
        assert!(family.stem.len() <= NAME_BYTES_MAX);
        assert!(family.is_own());
        assert_eq!(family.name, name);
    }

    #[test]
    fn names_fold_into_families() {
        assert_eq!(fold("x_bucket"), ("x", Part::Bucket));
        assert_eq!(fold("x_requests_total"), ("x_requests", Part::Total));
        assert_eq!(fold("_total"), ("_total", Part::Plain));
    }
}
