//! O-9, first half: availability is exposed.

use super::family::{Family, Part, is_probe_traffic, snake};
use super::subject::Subject;
use super::verdict::{Finding, Reason};
use crate::exposition::{MetricType, Sample};

/// Families of requests and of errors followed in one scrape at the most.
const FAMILIES_MAX: usize = 64;

/// What a family's name promises about availability.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// A 0/1 gauge: `prometheus_ready`.
    Gauge,
    /// Counts requests; a label may tell their outcome.
    Requests {
        /// What an error counter of the same thing is called, without its last words.
        stem: String,
    },
    /// Counts errors alone.
    Errors {
        /// What a request counter of the same thing is called, without its last words.
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
const TOTAL_WORDS: &[&str] = &[
    "request",
    "requests",
    "call",
    "calls",
    "query",
    "queries",
    "response",
    "responses",
    "notification",
    "notifications",
    "success",
    "successes",
    "operation",
    "operations",
    "message",
    "messages",
    "command",
    "commands",
    "transaction",
    "transactions",
    "handled",
];

/// Last words of an error counter.
const ERROR_WORDS: &[&str] = &[
    "error",
    "errors",
    "failure",
    "failures",
    "failed",
    "5xx",
    "exception",
    "exceptions",
    "fail",
];

/// Words of a key whose value is an outcome.
const OUTCOME_WORDS: &[&str] = &["status", "code", "result", "outcome"];

/// Keys whose value is an outcome.
const OUTCOME_KEYS: &[&str] = &["rcode", "success", "failed", "classification", "kind"];

/// Keys that say that a gauge is about something else than who exposes it.
const OTHERS_KEYS: &[&str] = &[
    "target",
    "service_name",
    "instance",
    "job",
    "host",
    "node",
    "pod",
];

/// Values that are outcomes, beside status codes: HTTP, gRPC and DNS.
const OUTCOMES: &[&str] = &[
    "ok",
    "error",
    "errors",
    "success",
    "successful",
    "succeeded",
    "failure",
    "failed",
    "fail",
    "true",
    "false",
    "timeout",
    "timed_out",
    "canceled",
    "cancelled",
    "denied",
    "rejected",
    "accepted",
    "completed",
    "unknown",
    "invalidargument",
    "invalid_argument",
    "deadlineexceeded",
    "deadline_exceeded",
    "notfound",
    "not_found",
    "alreadyexists",
    "already_exists",
    "permissiondenied",
    "permission_denied",
    "resourceexhausted",
    "resource_exhausted",
    "failedprecondition",
    "failed_precondition",
    "aborted",
    "outofrange",
    "out_of_range",
    "unimplemented",
    "internal",
    "unavailable",
    "dataloss",
    "data_loss",
    "unauthenticated",
    "noerror",
    "nxdomain",
    "servfail",
    "refused",
    "formerr",
    "notimp",
    "informational",
    "redirection",
    "client_error",
    "server_error",
    "dropped",
    "throttled",
    "exception",
    "allowed",
];

/// Reads a name's role, once a name.
pub fn role(family: &Family, subject: &Subject) -> Option<Role> {
    let configured = subject.series.availability.as_deref();
    if configured.is_some_and(|name| name == family.name || snake(name) == family.stem) {
        return Some(Role::Configured);
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
    if let Some(stem) = strip_last(&words, ERROR_WORDS) {
        return Some(Role::Errors {
            stem: strip_last(&stem, TOTAL_WORDS).unwrap_or(stem).join("_"),
        });
    }
    let total = strip_last(&words, TOTAL_WORDS);
    (total.is_some() || family.is_request_like()).then(|| Role::Requests {
        stem: total.unwrap_or(words).join("_"),
    })
}

/// The words without trailing ones of `last`, repeated ones too; `None` where none is.
fn strip_last<'a>(words: &[&'a str], last: &[&str]) -> Option<Vec<&'a str>> {
    let keep = words
        .iter()
        .rposition(|word| !last.contains(word))
        .map_or(0, |at| at + 1);
    (keep < words.len()).then(|| words[..keep].to_vec())
}

/// `(^|_)(up|ready|healthy|health_status|server_live|has_leader|unsealed|(backend|server|frontend)_status)$`
/// or exactly `status`.
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
    matches!(
        (before, last),
        (_, "up" | "ready" | "healthy" | "unsealed")
            | ("health" | "backend" | "server" | "frontend", "status")
            | ("server", "live")
            | ("has", "leader")
    ) || family.stem == "status"
}

/// What the request-like families of one scrape showed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence {
    configured: Option<String>,
    gauge: Option<String>,
    requests: Vec<Counter>,
    errors: Vec<Counter>,
    probe_only: Option<String>,
}

/// One counting family.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Counter {
    stem: String,
    name: String,
    series: String,
    outcomes: u32,
    others: u32,
}

impl Counter {
    /// Whether the values of its outcome labels are mostly outcomes.
    fn tells_outcomes(&self) -> bool {
        self.outcomes > 0 && self.outcomes >= self.others
    }
}

impl Evidence {
    /// Whether more samples can change nothing.
    pub fn is_settled(&self) -> bool {
        self.configured.is_some()
    }

    /// Looks at one sample of a family with a role.
    pub fn sample(&mut self, role: &Role, family: &Family, sample: &Sample<'_>) {
        if self.is_settled() {
            return;
        }
        match role {
            Role::Configured => self.configured = Some(sample.series().to_owned()),
            Role::Gauge => self.state(sample),
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
    /// or our own `manifesto_target_up{service_name}` do.
    fn state(&mut self, sample: &Sample<'_>) {
        let own = sample
            .labels()
            .all(|(key, _)| !OTHERS_KEYS.contains(&key.as_ref()));
        if own && self.gauge.is_none() && (sample.value == 0.0 || sample.value == 1.0) {
            self.gauge = Some(sample.series().to_owned());
        }
    }

    /// How many labels of a sample tell an outcome, and how many should but do not; `None` for
    /// probe traffic.
    fn outcomes(&mut self, sample: &Sample<'_>) -> Option<(u32, u32)> {
        let (mut outcomes, mut others) = (0, 0);
        for (key, value) in sample.labels() {
            let key = snake(&key);
            if is_probe_traffic(&key, &value) {
                self.probe_only
                    .get_or_insert_with(|| sample.series().to_owned());
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
        if let Some(counter) = self
            .requests
            .iter()
            .find(|counter| counter.tells_outcomes())
        {
            let message = format!(
                "availability is exposed by the outcomes of `{}`",
                counter.name
            );
            return Finding::pass(message, &counter.series);
        }
        let pair = self.requests.iter().find_map(|requests| {
            self.errors
                .iter()
                .find(|errors| errors.stem == requests.stem)
                .map(|errors| (requests, errors))
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
        if let Some(series) = &self.gauge {
            return Finding::pass("availability is exposed by a gauge of its state", series);
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

/// The entry of a family, made when it is new.
fn counter<'a>(
    counters: &'a mut Vec<Counter>,
    stem: &str,
    family: &Family,
    sample: &Sample<'_>,
) -> Option<&'a mut Counter> {
    let at = match counters
        .iter()
        .rposition(|counter| counter.name == family.name)
    {
        Some(known) => known,
        None if counters.len() == FAMILIES_MAX => return None,
        None => {
            counters.push(Counter {
                stem: stem.to_owned(),
                name: family.name.clone(),
                series: sample.series().to_owned(),
                outcomes: 0,
                others: 0,
            });
            counters.len() - 1
        }
    };
    counters.get_mut(at)
}

/// Whether a (snake_case) key names an outcome.
fn is_outcome_key(key: &str) -> bool {
    OUTCOME_KEYS.contains(&key) || key.split('_').any(|word| OUTCOME_WORDS.contains(&word))
}

/// Whether a value is an outcome: `200`, `2xx`, `2` as a class, `ok`, `NXDOMAIN`.
fn is_outcome(key: &str, value: &str) -> bool {
    let bytes = value.as_bytes();
    let class = |b: &u8| (b'1'..=b'5').contains(b);
    match bytes {
        [first, b, c] if b.is_ascii_digit() && c.is_ascii_digit() => class(first),
        [first, b'x' | b'X', b'x' | b'X'] => class(first),
        // A response class, or gRPC's numeric codes.
        [digit] if digit.is_ascii_digit() => key.contains("code") || key.contains("class"),
        [b'1', digit] if digit.is_ascii_digit() => key.contains("grpc"),
        _ => OUTCOMES.contains(&value.to_ascii_lowercase().as_str()),
    }
}
