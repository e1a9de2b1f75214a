//! O-9, first half: availability is exposed.

use super::family::{Family, Part, is_probe_traffic};
use super::words::Words;
use crate::checks::subject::Subject;
use crate::checks::verdict::{Finding, Reason, cite};
use crate::exposition::{MetricType, Sample};
use crate::labels::snake;

/// Families of requests, of errors and of states followed in one scrape at the most.
const FAMILIES_MAX: usize = 128;

/// What a family's name promises about availability.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// A 0/1 gauge: `prometheus_ready`.
    Gauge,
    /// Counts requests; a label may tell their outcome.
    Requests {
        /// The name without its last words (`requests`): what an error counter beside it begins with.
        stem: String,
    },
    /// Counts errors alone.
    Errors {
        /// The name without its last words (`errors`).
        stem: String,
    },
    /// The series that the configuration names as proof.
    Configured,
}

impl Role {
    /// Whether a sample's value tells something, not only its series.
    pub fn heeds_values(&self) -> bool {
        match self {
            Role::Gauge => true,
            Role::Requests { .. } | Role::Errors { .. } | Role::Configured => false,
        }
    }
}

/// Last words of a total.
const TOTALS: Words = Words(
    "request requests call calls query queries response responses notification notifications \
     success successes operation operations message messages command commands transaction \
     transactions handled",
);

/// Last words of an error counter.
const ERRORS: Words = Words("error errors failure failures failed 5xx exception exceptions fail");

/// Words of a key whose value is an outcome.
const OUTCOME_WORDS: Words = Words("status code result outcome");

/// Keys whose value is an outcome.
const OUTCOME_KEYS: Words = Words("rcode success failed classification kind");

/// Words of a key that says that a gauge is about something else than who exposes it.
const OTHERS: Words = Words(
    "target service name instance job host node pod url interface device backend upstream server \
     proxy cluster queue",
);

/// What is counted, where `x_ready` says how many of them are.
const COUNTED: Words = Words(
    "messages jobs pods replicas nodes tasks instances endpoints backends hosts targets workers \
     containers members membership consumers shards brokers partitions connections deployments \
     queue queues items links",
);

/// Values that are outcomes, beside status codes: HTTP, gRPC and DNS, in lower case.
const OUTCOMES: Words = Words(
    "ok error errors success successful succeeded failure failed fail true false timeout timed_out \
     canceled cancelled denied rejected accepted completed unknown invalidargument \
     invalid_argument deadlineexceeded deadline_exceeded notfound not_found alreadyexists \
     already_exists permissiondenied permission_denied resourceexhausted resource_exhausted \
     failedprecondition failed_precondition aborted outofrange out_of_range unimplemented internal \
     unavailable dataloss data_loss unauthenticated noerror nxdomain servfail refused formerr \
     notimp informational redirection client_error server_error dropped throttled exception allowed",
);

/// Reads a name's role, once a name.
pub fn role(family: &Family, subject: &Subject) -> Option<Role> {
    if let Some(configured) = &subject.series.availability {
        // Only the configured series proves: a typo in it must show.
        return family.is_named(configured).then_some(Role::Configured);
    }
    if family.pruned.is_some() || family.is_outbound() {
        return None;
    }
    if is_state_gauge(family) {
        return Some(Role::Gauge);
    }
    if !family.counts() {
        return None;
    }
    let words: Vec<&str> = family.words().collect();
    if let Some(stem) = strip_last(&words, ERRORS) {
        return Some(Role::Errors {
            stem: stem.join("_"),
        });
    }
    let total = strip_last(&words, TOTALS);
    (total.is_some() || family.is_request_like()).then(|| Role::Requests {
        stem: total.unwrap_or(&words).join("_"),
    })
}

/// The words without trailing ones of `last`, repeated ones too; `None` where none is.
fn strip_last<'w, 'a>(words: &'w [&'a str], last: Words) -> Option<&'w [&'a str]> {
    let keep = words
        .iter()
        .rposition(|word| !last.has(word))
        .map_or(0, |at| at + 1);
    (keep < words.len()).then(|| &words[..keep])
}

/// `(^|_)(up|ready|healthy|health_status|server_live|has_leader|unsealed|(backend|server|frontend)_status)$`
/// or exactly `status`; not `queue_messages_ready`, which counts messages.
fn is_state_gauge(family: &Family) -> bool {
    let gauge = matches!(
        family.kind,
        MetricType::Gauge | MetricType::Unknown | MetricType::StateSet
    );
    if !gauge || family.part != Part::Plain {
        return false;
    }
    let mut from_end = family.words().rev();
    let (last, before) = (
        from_end.next().unwrap_or_default(),
        from_end.next().unwrap_or_default(),
    );
    match (before, last) {
        (before, "up" | "ready" | "healthy") => !COUNTED.has(before),
        (_, "unsealed")
        | ("health" | "backend" | "server" | "frontend", "status")
        | ("server", "live")
        | ("has", "leader") => true,
        _ => family.stem == "status",
    }
}

/// What the request-like families of one scrape showed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence {
    configured: Option<String>,
    gauges: Vec<Gauge>,
    requests: Vec<Counter>,
    errors: Vec<Counter>,
    probe_only: Option<String>,
}

/// One family of 0/1 gauges.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Gauge {
    name: String,
    series: String,
    /// Every value was 0 or 1, and every label about the service itself.
    own_state: bool,
}

/// One counting family.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Counter {
    stem: String,
    name: String,
    family: String,
    series: String,
    served: bool,
    outcomes: u32,
    others: u32,
}

impl Counter {
    /// Whether the values of its outcome labels are mostly outcomes.
    fn tells_outcomes(&self) -> bool {
        self.outcomes > 0 && self.outcomes >= self.others
    }

    /// `x_errors` is of `x_requests`; `x_request_errors` too; `x_query_errors` is of other things.
    fn has_errors(&self, errors: &Counter) -> bool {
        let singular = |name: &str| name.strip_suffix('s').unwrap_or(name).to_owned();
        errors.stem == self.stem || singular(&errors.stem) == singular(&self.family)
    }
}

impl Evidence {
    /// Looks at one sample of a family with a role.
    pub fn sample(&mut self, role: &Role, family: &Family, sample: &Sample<'_>) {
        match role {
            Role::Configured if self.configured.is_some() => {}
            Role::Configured => self.configured = Some(cite(sample.series())),
            Role::Gauge => self.state(family, sample),
            Role::Requests { stem } => {
                let Some((outcomes, others)) = self.outcomes(sample) else {
                    return;
                };
                let Some(counter) = counter(&mut self.requests, stem, family, sample) else {
                    return;
                };
                counter.outcomes = counter.outcomes.saturating_add(outcomes);
                counter.others = counter.others.saturating_add(others);
            }
            Role::Errors { stem } => {
                if self.outcomes(sample).is_some() {
                    counter(&mut self.errors, stem, family, sample);
                }
            }
        }
    }

    /// A 0/1 gauge of the service's own state, not one that reports on others, as `probe_up{target}`
    /// or our own `manifesto_target_up{service_name}` do. A proxy's `backend_status` is its own.
    fn state(&mut self, family: &Family, sample: &Sample<'_>) {
        let binary = sample.value == 0.0 || sample.value == 1.0;
        let own = family.stem.ends_with("_status")
            || sample
                .labels()
                .all(|(key, _)| !snake(&key).split('_').any(|word| OTHERS.has(word)));
        let known = self
            .gauges
            .iter_mut()
            .find(|gauge| gauge.name == family.name);
        if let Some(gauge) = known {
            gauge.own_state &= binary && own;
        } else if self.gauges.len() < FAMILIES_MAX {
            let series = cite(sample.series());
            self.gauges.push(Gauge {
                name: family.name.clone(),
                series,
                own_state: binary && own,
            });
        }
    }

    /// How many labels of a sample tell an outcome, and how many should but do not; `None` for
    /// probe traffic.
    fn outcomes(&mut self, sample: &Sample<'_>) -> Option<(u32, u32)> {
        let (mut outcomes, mut others) = (0, 0);
        for (key, value) in sample.labels() {
            let key = snake(&key);
            if is_probe_traffic(&key, &value) {
                self.probe_only.get_or_insert_with(|| cite(sample.series()));
                return None;
            }
            if is_outcome_key(&key) {
                if is_outcome(&key, &value) {
                    outcomes += 1;
                } else {
                    others += 1;
                }
            }
        }
        Some((outcomes, others))
    }

    /// The finding.
    pub fn judge(&self, subject: &Subject) -> Finding {
        if let Some(series) = &self.configured {
            return Finding::pass("availability is exposed by the configured series", series);
        }
        // Of several, what is surely served to others is the better proof.
        let outcomes = self
            .requests
            .iter()
            .filter(|counter| counter.tells_outcomes());
        if let Some(counter) = outcomes.min_by_key(|counter| !counter.served) {
            let message = format!(
                "availability is exposed by the outcomes of `{}`",
                counter.name
            );
            return Finding::pass(message, &counter.series);
        }
        let pair = self.requests.iter().find_map(|requests| {
            let errors = self
                .errors
                .iter()
                .find(|errors| requests.has_errors(errors))?;
            Some((requests, errors))
        });
        if let Some((requests, errors)) = pair {
            let message = format!(
                "availability is exposed by `{}` with `{}`",
                requests.name, errors.name
            );
            let mut finding = Finding::pass(message, &requests.series);
            finding.evidence.push(errors.series.clone());
            return finding;
        }
        if let Some(gauge) = self.gauges.iter().find(|gauge| gauge.own_state) {
            return Finding::pass(
                "availability is exposed by a gauge of its state",
                &gauge.series,
            );
        }
        self.nothing(subject)
    }

    fn nothing(&self, subject: &Subject) -> Finding {
        if let Some(wanted) = &subject.series.availability {
            let message = format!(
                "the configuration names `{wanted}` as the availability series, and it is not there"
            );
            return Finding::fail(Reason::Missing, message, vec![]);
        }
        if let Some(counter) = self.requests.first() {
            let message = format!(
                "`{}` counts requests without their outcome: no status label, no error counter beside it",
                counter.name
            );
            return Finding::fail(Reason::NoOutcome, message, vec![counter.series.clone()]);
        }
        if let Some(counter) = self.errors.first() {
            let message = format!("errors are counted (`{}`), requests are not", counter.name);
            return Finding::fail(Reason::ErrorsOnly, message, vec![counter.series.clone()]);
        }
        match &self.probe_only {
            Some(series) => Finding::fail(
                Reason::NotTheService,
                "requests are counted for scrapes and health probes alone, not for use",
                vec![series.clone()],
            ),
            None => Finding::fail(
                Reason::Missing,
                "no availability series: looked for requests by outcome, requests with errors, or an up gauge",
                vec![],
            ),
        }
    }
}

/// The entry of a family, made when it is new. Where there are too many, one that tells no outcome
/// makes room.
fn counter<'a>(
    counters: &'a mut Vec<Counter>,
    stem: &str,
    family: &Family,
    sample: &Sample<'_>,
) -> Option<&'a mut Counter> {
    if let Some(known) = counters
        .iter()
        .rposition(|counter| counter.name == family.name)
    {
        return counters.get_mut(known);
    }
    let entry = Counter {
        stem: stem.to_owned(),
        name: family.name.clone(),
        family: family.stem.clone(),
        series: cite(sample.series()),
        served: family.is_served(),
        outcomes: 0,
        others: 0,
    };
    if counters.len() == FAMILIES_MAX {
        let mute = counters
            .iter()
            .rposition(|counter| !counter.tells_outcomes())?;
        counters.remove(mute);
    }
    counters.push(entry);
    counters.last_mut()
}

/// Whether a (snake_case) key names an outcome.
fn is_outcome_key(key: &str) -> bool {
    OUTCOME_KEYS.has(key) || key.split('_').any(|word| OUTCOME_WORDS.has(word))
}

/// Whether a value is an outcome: `200`, `2xx`, `2` as a class, `ok`, `NXDOMAIN`.
fn is_outcome(key: &str, value: &str) -> bool {
    let class = |b: &u8| (b'1'..=b'5').contains(b);
    match value.as_bytes() {
        [first, b, c] if b.is_ascii_digit() && c.is_ascii_digit() => class(first),
        [first, b'x' | b'X', b'x' | b'X'] => class(first),
        // A response class, or gRPC's numeric codes.
        [digit] if digit.is_ascii_digit() => key.contains("code") || key.contains("class"),
        [b'1', digit] if digit.is_ascii_digit() => key.contains("grpc"),
        _ => OUTCOMES.has(&value.to_ascii_lowercase()),
    }
}
