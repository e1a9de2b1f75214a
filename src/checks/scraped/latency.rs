//! O-9, second half: latency is exposed.

use super::family::{Family, Part, is_probe_traffic};
use super::words::Words;
use crate::checks::subject::Subject;
use crate::checks::verdict::{Finding, Reason, cite};
use crate::exposition::{MetricType, Sample};
use crate::labels::snake;

/// Families followed in one scrape at the most.
const FAMILIES_MAX: usize = 128;

/// What a family's name promises about latency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Its name means time.
    Time,
    /// Its HELP does: which counts for distributions, as "since start time" may stand anywhere.
    TimeByHelp,
    /// Nothing says time; default seconds buckets or quantiles of requests may.
    Unnamed,
    /// The series that the configuration names as proof.
    Configured,
}

/// Words that mean a duration.
const TIME: Words = Words(
    "second seconds sec ms msec millis millisecond milliseconds microsecond microseconds us \
     nanosecond nanoseconds ns time duration durations latency latencies elapsed timer rtt ttfb",
);

/// Words that say that the number is no duration of serving, whatever its unit.
const NOT_LATENCY: Words = Words(
    "bytes size len length ratio usage skew jitter rate age timestamp timeout uptime lag interval \
     ttl expiry per variables variable settings config limit threshold",
);

/// Words of a gauge that sums durations up, or picks one.
const AVERAGE: Words = Words("avg average mean max maximum last median p50 p90 p95 p99");

/// Words of HELP that speak of a duration.
const HELP_TIME: Words =
    Words("time seconds milliseconds microseconds duration durations latency latencies elapsed");

/// Upper bounds that default duration buckets of client libraries share, in seconds.
const DEFAULT_BUCKETS: Words = Words("0.005 0.01 0.025 0.05 0.1 0.25 0.5");

/// Label keys that show a served request.
const REQUEST_KEYS: Words = Words(
    "method handler route uri status status_code code path endpoint operation api verb grpc_method \
     rpc_method http_route http_method http_request_method http_status_code http_response_status_code",
);

/// Reads a name's role, once a name.
pub fn role(family: &Family, subject: &Subject) -> Option<Role> {
    if let Some(configured) = &subject.series.latency {
        // Only the configured series proves: a typo in it must show.
        return family.is_named(configured).then_some(Role::Configured);
    }
    if family.pruned.is_some() || family.is_outbound() || family.part == Part::Created {
        return None;
    }
    if family.rest().any(|word| NOT_LATENCY.has(word)) {
        return None;
    }
    if family.words().any(|word| TIME.has(word)) {
        return Some(Role::Time);
    }
    if family.help_means_time {
        return Some(Role::TimeByHelp);
    }
    // Buckets or quantiles of requests that nothing calls a time.
    let quantiles = family.part == Part::Plain && family.is_request_like();
    (family.part == Part::Bucket || quantiles).then_some(Role::Unnamed)
}

/// Whether HELP speaks of a duration.
pub fn help_means_time(help: &str) -> bool {
    help.split(|c: char| !c.is_ascii_alphanumeric())
        .any(|word| HELP_TIME.has(&word.to_ascii_lowercase()))
}

/// What the time-like families of one scrape showed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence {
    families: Vec<Shape>,
    probe_only: Option<String>,
    last: usize,
}

/// What was seen of one family.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Shape {
    stem: String,
    role: Role,
    request_like: bool,
    served: bool,
    /// A gauge that averages, or a counter that sums up.
    summed: bool,
    request_label: bool,
    quantiles: bool,
    bounds: bool,
    sum: bool,
    count: bool,
    default_buckets: u8,
    series: String,
}

/// How well a family proves latency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Strength {
    /// Requests that come over a network interface for sure.
    Served,
    Strong,
    Weak(&'static str),
}

impl Evidence {
    /// Whether more samples of the family seen last can change nothing.
    fn is_settled(&self) -> bool {
        self.families
            .get(self.last)
            .is_some_and(|shape| shape.strength() == Some(Strength::Served))
    }

    /// Looks at one sample of a family with a role.
    pub fn sample(&mut self, role: Role, family: &Family, sample: &Sample<'_>) {
        if self.is_settled() {
            return;
        }
        let (mut request_label, mut quantile, mut bound) = (false, false, None);
        for (key, value) in sample.labels() {
            let key = snake(&key);
            if is_probe_traffic(&key, &value) {
                self.probe_only.get_or_insert_with(|| cite(sample.series()));
                return;
            }
            request_label |= REQUEST_KEYS.has(&key);
            quantile |= key == "quantile";
            if key == "le" {
                bound = Some(value);
            }
        }
        let Some(shape) = self.shape(role, family, sample) else {
            return;
        };
        shape.request_label |= request_label;
        shape.quantiles |= quantile;
        shape.bounds |= bound.is_some();
        match family.part {
            Part::Sum => shape.sum = true,
            Part::Count => shape.count = true,
            Part::Total => shape.summed |= family.kind != MetricType::Histogram,
            Part::Plain => shape.summed |= family.words().any(|word| AVERAGE.has(word)),
            Part::Bucket | Part::Created => {}
        }
        if bound.is_some_and(|le| DEFAULT_BUCKETS.has(&le)) {
            shape.default_buckets = shape.default_buckets.saturating_add(1);
        }
    }

    /// The entry of a family, made when it is new. Where there are too many, one that proves nothing
    /// strongly makes room.
    fn shape(&mut self, role: Role, family: &Family, sample: &Sample<'_>) -> Option<&mut Shape> {
        if self
            .families
            .get(self.last)
            .is_none_or(|shape| shape.stem != family.stem)
        {
            let known = self
                .families
                .iter()
                .position(|shape| shape.stem == family.stem);
            self.last = match known {
                Some(known) => known,
                None => {
                    if self.families.len() == FAMILIES_MAX {
                        let weak = self.families.iter().rposition(|shape| !shape.is_strong())?;
                        self.families.remove(weak);
                    }
                    self.families.push(Shape::new(role, family, sample));
                    self.families.len() - 1
                }
            };
        }
        self.families.get_mut(self.last)
    }

    /// The finding.
    pub fn judge(&self, subject: &Subject) -> Finding {
        let best = self
            .families
            .iter()
            .filter_map(|shape| shape.strength().map(|strength| (strength, shape)))
            .min_by_key(|(strength, _)| *strength);
        match best {
            Some((Strength::Served | Strength::Strong, shape)) => Finding::pass(
                format!("latency is exposed by `{}`", shape.stem),
                &shape.series,
            ),
            Some((Strength::Weak(why), shape)) => {
                let message = format!("latency is weakly exposed by `{}`: {why}", shape.stem);
                Finding::weak(message, &shape.series)
            }
            None => self.nothing(subject),
        }
    }

    fn nothing(&self, subject: &Subject) -> Finding {
        if let Some(wanted) = &subject.series.latency {
            let message = format!(
                "the configuration names `{wanted}` as the latency series, and it is not there"
            );
            return Finding::fail(Reason::Missing, message, vec![]);
        }
        match &self.probe_only {
            Some(series) => Finding::fail(
                Reason::NotTheService,
                "latency is exposed for scrapes and health probes alone, not for use",
                vec![series.clone()],
            ),
            None => Finding::fail(
                Reason::Missing,
                "no latency series: looked for a histogram or summary of request durations",
                vec![],
            ),
        }
    }
}

impl Shape {
    fn new(role: Role, family: &Family, sample: &Sample<'_>) -> Self {
        Self {
            stem: family.stem.clone(),
            role,
            request_like: family.is_request_like(),
            served: family.is_served(),
            summed: false,
            request_label: false,
            quantiles: false,
            bounds: false,
            sum: false,
            count: false,
            default_buckets: 0,
            series: cite(sample.series()),
        }
    }

    fn is_strong(&self) -> bool {
        matches!(self.strength(), Some(Strength::Served | Strength::Strong))
    }

    fn strength(&self) -> Option<Strength> {
        let distribution = self.quantiles || self.bounds || (self.sum && self.count);
        let requests = self.request_like || self.request_label;
        match self.role {
            Role::Configured => Some(Strength::Served),
            Role::Unnamed if requests && self.default_buckets >= 3 => Some(Strength::Weak(
                "its buckets and labels look like request durations, but neither name nor HELP says time",
            )),
            Role::Unnamed if self.request_like && self.quantiles => Some(Strength::Weak(
                "quantiles of requests, but neither name nor HELP says that they are of time",
            )),
            Role::Unnamed => None,
            Role::Time | Role::TimeByHelp if distribution && self.served => Some(Strength::Served),
            Role::Time | Role::TimeByHelp if distribution && requests => Some(Strength::Strong),
            Role::Time | Role::TimeByHelp if distribution => Some(Strength::Weak(
                "it times work inside the service, not the requests it serves",
            )),
            Role::Time if self.summed && self.request_like => Some(Strength::Weak(
                "an average, maximum or total hides the slow requests",
            )),
            Role::Time | Role::TimeByHelp => None,
        }
    }
}
