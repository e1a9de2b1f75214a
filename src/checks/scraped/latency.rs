//! O-9, second half: latency is exposed.

use crate::checks::naming::family::{Family, Part};
use crate::checks::naming::labels::Traits;
use crate::checks::naming::namespace::{Namespace, Namespaces};
use crate::checks::naming::role::{BACKGROUND, Role as About};
use crate::checks::naming::words::Words;
use crate::checks::subject::Subject;
use crate::checks::verdict::{Finding, Reason, cite};
use crate::exposition::{MetricType, Sample};

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
    /// It times what proves nothing, and is named where nothing else is there.
    Near,
    /// The series that the configuration names as proof.
    Configured,
}

/// Words that mean a duration.
const TIME: Words = Words(
    "second seconds sec ms msec millis millisecond milliseconds microsecond microseconds us \
     nanosecond nanoseconds ns time duration durations latency latencies elapsed timer rtt ttfb",
);

/// Words that say that the number is no duration of serving, whatever its unit: amounts, how old or how far
/// something is, how long people or connections stay, and what nobody waits for.
const NOT_LATENCY: Words = Words(
    "age amount backoff bytes confidence config cooldown cost day days delay delays drift \
     expiry freshness hour hours idle interval jitter lag len length lifetime limit month months offset per price \
     probability quantity rate ratio remaining score session sessions settings size skew sleep staleness threshold \
     timeout timestamp ttl uptime usage variable variables visit visits week weeks",
);

/// Words before a duration that say that nothing was done yet.
const WAITING: Words = Words("queue queued queueing queuing wait waiting");

/// Words of a gauge that sums durations up, or picks one.
const AVERAGE: Words = Words("avg average mean max maximum last median p50 p90 p95 p99");

/// Units in which a duration may be a large number.
const SMALL_UNITS: Words = Words("microsecond microseconds us nanosecond nanoseconds ns");

/// Above this, a number is a time of day: thirty years in seconds, eleven days in milliseconds.
const DURATION_MAX: f64 = 1e9;

/// Upper bounds that default duration buckets of client libraries share, in seconds.
const DEFAULT_BUCKETS: Words = Words("0.005 0.01 0.025 0.05 0.1 0.25 0.5");

/// Reads a name's role, once a name.
pub fn role(family: &Family, subject: &Subject) -> Option<Role> {
    if let Some(configured) = &subject.series.latency {
        // Only the configured series proves: a typo in it must show.
        return family.is_named(configured).then_some(Role::Configured);
    }
    let is_number = family.rest().any(|word| NOT_LATENCY.has(word)) || is_waiting(family);
    let is_background = family.role == About::Internal && BACKGROUND.any(family.saying());
    if family.part == Part::Created || family.is_in_flight() || is_number || is_background {
        return None;
    }
    let is_time = TIME.any(family.saying());
    match family.role {
        About::Runtime | About::Plumbing | About::Inventory => None,
        About::Outbound => (is_time || family.help.means_time).then_some(Role::Near),
        About::Internal | About::Served | About::Work | About::Other => {
            // Buckets or quantiles of requests that nothing calls a time.
            let quantiles = family.part == Part::Plain && family.role.is_request_like();
            match (is_time, family.help.means_time) {
                (true, _) => Some(Role::Time),
                (false, true) => Some(Role::TimeByHelp),
                (false, false) => {
                    (family.part == Part::Bucket || quantiles).then_some(Role::Unnamed)
                }
            }
        }
    }
}

/// `job_queue_latency_seconds`, `pool_wait_seconds`: how long it was before anything was served.
fn is_waiting(family: &Family) -> bool {
    let mut before = "";
    family.rest().any(|word| {
        let is_waiting = WAITING.has(before) && TIME.has(word);
        before = word;
        is_waiting
    })
}

/// Whether a sample's value tells something, not only its series: `last_request_time` may be a duration, or when that
/// was.
pub fn heeds_values(family: &Family) -> bool {
    let is_average = AVERAGE.any(family.saying());
    family.part == Part::Plain && is_average && !SMALL_UNITS.any(family.saying())
}

/// Whether a number that the name calls an average, or the last one, is a duration.
fn is_average(family: &Family, value: f64) -> bool {
    AVERAGE.any(family.saying()) && (value < DURATION_MAX || !heeds_values(family))
}

/// What the time-like families of one scrape showed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence {
    families: Vec<Shape>,
    probe_only: Option<String>,
    near: Option<Near>,
    last: usize,
}

/// A family that times something, and proves nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Near {
    is_own: bool,
    name: String,
    series: String,
}

/// What was seen of one family.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Shape {
    namespace: Namespace,
    about: About,
    stem: String,
    role: Role,
    /// `shop_latency_seconds`: nothing but whom it names is timed, which may be the service.
    whole: bool,
    /// A gauge that averages, or a counter that sums up.
    summed: bool,
    request_label: bool,
    /// The labels are those of HTTP or RPC requests.
    is_request: bool,
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
    /// Requests for sure.
    Served,
    /// Work that the program is there for, or what labels show to be requests.
    Strong,
    Weak(&'static str),
}

impl Evidence {
    /// Whether more samples of the family seen last can change nothing.
    fn is_settled(&self) -> bool {
        self.families
            .get(self.last)
            .is_some_and(|shape| shape.strength(false) == Some(Strength::Served))
    }

    /// Looks at one sample of a family with a role.
    pub(super) fn sample(
        &mut self,
        role: Role,
        family: &Family,
        sample: &Sample<'_>,
        traits: &Traits<'_>,
    ) {
        if role == Role::Near || (role != Role::Configured && traits.is_outbound) {
            return self.near(family, sample);
        }
        if self.is_settled() && self.families[self.last].stem == family.stem {
            return;
        }
        if traits.is_probe && role != Role::Configured {
            self.probe_only.get_or_insert_with(|| cite(sample.series()));
            return;
        }
        let Some(shape) = self.shape(role, family, sample) else {
            return;
        };
        shape.request_label |= traits.names_request;
        shape.is_request |= traits.is_request;
        shape.quantiles |= traits.is_quantile;
        shape.bounds |= traits.bound.is_some();
        match family.part {
            Part::Sum => shape.sum = true,
            Part::Count => shape.count = true,
            Part::Total => shape.summed |= family.kind != MetricType::Histogram,
            Part::Plain => shape.summed |= is_average(family, sample.value),
            Part::Bucket | Part::Created => {}
        }
        let bound = traits.bound.as_deref();
        if bound.is_some_and(|le| DEFAULT_BUCKETS.has(le)) {
            shape.default_buckets = shape.default_buckets.saturating_add(1);
        }
    }

    /// Keeps the nearest of what times calls that the service makes: one of its own before any other.
    fn near(&mut self, family: &Family, sample: &Sample<'_>) {
        let nearer = |near: &Near| family.is_own() && !near.is_own;
        if self.near.as_ref().is_none_or(nearer) {
            self.near = Some(Near {
                is_own: family.is_own(),
                name: cite(&family.stem),
                series: cite(sample.series()),
            });
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

    /// The finding, with what the whole scrape says of namespaces.
    pub fn judge(&self, subject: &Subject, namespaces: &Namespaces) -> Finding {
        let best = self
            .families
            .iter()
            .filter(|shape| {
                shape.role == Role::Configured || namespaces.admits(shape.namespace, &shape.stem)
            })
            .filter_map(|shape| {
                let is_service = namespaces.owns(shape.namespace, &shape.stem);
                Some((shape.strength(is_service)?, shape))
            })
            .min_by_key(|(strength, shape)| (*strength, shape.namespace));
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
        if let Some(series) = &self.probe_only {
            return Finding::fail(
                Reason::NotTheService,
                "latency is exposed for scrapes and health probes alone, not for use",
                vec![series.clone()],
            );
        }
        let looked_for =
            "no latency series: looked for a histogram or summary of request durations";
        match &self.near {
            Some(near) => Finding::fail(
                Reason::Missing,
                format!(
                    "{looked_for}; the nearest, `{}`, {}",
                    near.name,
                    About::Outbound.describe()
                ),
                vec![near.series.clone()],
            ),
            None => Finding::fail(Reason::Missing, looked_for, vec![]),
        }
    }
}

impl Shape {
    fn new(role: Role, family: &Family, sample: &Sample<'_>) -> Self {
        Self {
            namespace: family.namespace,
            about: family.role,
            stem: family.stem.clone(),
            role,
            whole: family.namespace != Namespace::Generic
                && family.rest().all(|word| TIME.has(word)),
            summed: false,
            request_label: false,
            is_request: false,
            quantiles: false,
            bounds: false,
            sum: false,
            count: false,
            default_buckets: 0,
            series: cite(sample.series()),
        }
    }

    fn is_strong(&self) -> bool {
        matches!(
            self.strength(true),
            Some(Strength::Served | Strength::Strong)
        )
    }

    /// `is_service`: what its name begins with is the service.
    fn strength(&self, is_service: bool) -> Option<Strength> {
        let distribution = self.quantiles || self.bounds || (self.sum && self.count);
        let (served, internal) = (self.about == About::Served, self.about == About::Internal);
        let request_like = self.about.is_request_like();
        let requests =
            !internal && (request_like || (self.whole && is_service) || self.request_label);
        match self.role {
            Role::Configured => Some(Strength::Served),
            // Prices and shares have such buckets too.
            Role::Unnamed
                if requests && (request_like || self.is_request) && self.default_buckets >= 3 =>
            {
                Some(Strength::Weak(
                    "its buckets and labels look like request durations, but neither name nor HELP says time",
                ))
            }
            Role::Unnamed if request_like && self.quantiles => Some(Strength::Weak(
                "quantiles of requests, but neither name nor HELP says that they are of time",
            )),
            Role::Time | Role::TimeByHelp if distribution && served => Some(Strength::Served),
            Role::Time | Role::TimeByHelp if distribution && requests => Some(Strength::Strong),
            Role::Time | Role::TimeByHelp if distribution => Some(Strength::Weak(
                "it times work inside the service, not the requests it serves",
            )),
            Role::Time if self.summed && request_like => Some(Strength::Weak(
                "an average, maximum or total hides the slow requests",
            )),
            Role::Time | Role::TimeByHelp | Role::Unnamed | Role::Near => None,
        }
    }
}
