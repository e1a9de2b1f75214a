//! O-9, second half: latency is exposed.

use super::family::{Family, Part, is_probe_traffic, snake};
use super::subject::Subject;
use super::verdict::{Finding, Reason, Status};
use crate::exposition::{MetricType, Sample};

/// Families followed in one scrape at the most.
const FAMILIES_MAX: usize = 64;

/// What a family's name promises about latency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Its name or HELP means time.
    Time,
    /// Nothing says time; default seconds buckets and request labels may.
    Unnamed,
    /// The series that the configuration names as proof.
    Configured,
}

/// Words that mean a duration.
const TIME_WORDS: &[&str] = &[
    "second",
    "seconds",
    "sec",
    "ms",
    "msec",
    "millis",
    "millisecond",
    "milliseconds",
    "microsecond",
    "microseconds",
    "us",
    "nanosecond",
    "nanoseconds",
    "ns",
    "time",
    "duration",
    "durations",
    "latency",
    "latencies",
    "elapsed",
    "timer",
    "rtt",
];

/// Words that say that the number is no duration of serving, whatever its unit.
const NOT_LATENCY_WORDS: &[&str] = &[
    "bytes",
    "size",
    "len",
    "length",
    "ratio",
    "usage",
    "skew",
    "jitter",
    "rate",
    "age",
    "timestamp",
    "timeout",
    "uptime",
    "lag",
    "interval",
    "ttl",
    "expiry",
];

/// Upper bounds that default duration buckets of client libraries share, in seconds.
const DEFAULT_BUCKETS: &[&str] = &["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5"];

/// Label keys that show a served request.
const REQUEST_KEYS: &[&str] = &[
    "method",
    "handler",
    "route",
    "uri",
    "status",
    "status_code",
    "code",
    "path",
    "endpoint",
    "operation",
    "le_method",
    "grpc_method",
    "http_route",
    "http_method",
    "http_request_method",
];

/// Reads a name's role, once a name.
pub fn role(family: &Family, subject: &Subject) -> Option<Role> {
    let configured = subject.series.latency.as_deref();
    if configured.is_some_and(|name| name == family.name || snake(name) == family.stem) {
        return Some(Role::Configured);
    }
    if family.pruned.is_some() || family.is_outbound() || family.part == Part::Created {
        return None;
    }
    if family.has_word(NOT_LATENCY_WORDS) {
        return None;
    }
    if family.has_word(TIME_WORDS) || family.help_means_time {
        return Some(Role::Time);
    }
    (family.part == Part::Bucket).then_some(Role::Unnamed)
}

/// Whether HELP speaks of a duration.
pub fn help_means_time(help: &str) -> bool {
    help.split(|c: char| !c.is_ascii_alphanumeric())
        .any(|word| {
            [
                "time",
                "seconds",
                "milliseconds",
                "microseconds",
                "duration",
                "durations",
                "latency",
                "latencies",
                "elapsed",
            ]
            .iter()
            .any(|time| word.eq_ignore_ascii_case(time))
        })
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
    request_like: bool,
    time: bool,
    configured: bool,
    request_label: bool,
    quantiles: bool,
    sum: bool,
    count: bool,
    /// `avg` and `max` gauges, `_seconds_total` counters: durations without a distribution.
    average: bool,
    default_buckets: u8,
    series: String,
}

/// How well a family proves latency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Strength {
    Strong,
    Weak(&'static str),
}

impl Evidence {
    /// Whether more samples can change nothing.
    pub fn is_settled(&self) -> bool {
        self.families
            .get(self.last)
            .is_some_and(|shape| shape.strength() == Some(Strength::Strong))
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
                self.probe_only
                    .get_or_insert_with(|| sample.series().to_owned());
                return;
            }
            request_label |= REQUEST_KEYS.contains(&&*key);
            quantile |= key == "quantile";
            if key == "le" {
                bound = Some(value);
            }
        }
        let Some(shape) = self.shape(role, family, sample) else {
            return;
        };
        shape.request_label |= request_label;
        shape.quantiles |= quantile || bound.is_some();
        match family.part {
            Part::Sum => shape.sum = true,
            Part::Count => shape.count = true,
            Part::Total => shape.average |= family.kind != MetricType::Histogram,
            Part::Plain if !quantile && bound.is_none() => shape.average = true,
            Part::Plain | Part::Bucket | Part::Created => {}
        }
        if bound.is_some_and(|le| DEFAULT_BUCKETS.contains(&le.as_ref())) {
            shape.default_buckets = shape.default_buckets.saturating_add(1);
        }
    }

    fn shape(&mut self, role: Role, family: &Family, sample: &Sample<'_>) -> Option<&mut Shape> {
        if self
            .families
            .get(self.last)
            .is_none_or(|shape| shape.stem != family.stem)
        {
            self.last = match self
                .families
                .iter()
                .position(|shape| shape.stem == family.stem)
            {
                Some(known) => known,
                None if self.families.len() == FAMILIES_MAX => return None,
                None => {
                    self.families.push(Shape {
                        stem: family.stem.clone(),
                        request_like: family.is_request_like(),
                        time: role == Role::Time,
                        configured: role == Role::Configured,
                        request_label: false,
                        quantiles: false,
                        sum: false,
                        count: false,
                        average: false,
                        default_buckets: 0,
                        series: sample.series().to_owned(),
                    });
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
            Some((Strength::Strong, shape)) => Finding::pass(
                format!("latency is exposed by `{}`", shape.stem),
                &shape.series,
            ),
            Some((Strength::Weak(why), shape)) => Finding {
                status: Status::Pass,
                reason: Reason::ProvenWeakly,
                message: format!("latency is weakly exposed by `{}`: {why}", shape.stem),
                evidence: vec![shape.series.clone()],
            },
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
    fn strength(&self) -> Option<Strength> {
        let distribution = self.quantiles || (self.sum && self.count);
        if self.configured {
            return Some(Strength::Strong);
        }
        if !self.time {
            let requests = self.request_like || self.request_label;
            return (requests && self.default_buckets >= 3).then_some(Strength::Weak(
                "its buckets and labels look like request durations, but neither name nor HELP says time",
            ));
        }
        if distribution {
            return Some(if self.request_like || self.request_label {
                Strength::Strong
            } else {
                Strength::Weak("it times work inside the service, not the requests it serves")
            });
        }
        (self.average && self.request_like).then_some(Strength::Weak(
            "an average, maximum or total hides the slow requests",
        ))
    }
}
