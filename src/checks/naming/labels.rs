//! What a series' labels say of it: whose request it is, how it ended, and whether anybody but a probe made it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::RandomState;

use super::words::{Words, words};
use crate::exposition::Sample;
use crate::labels::snake;

/// Label keys remembered in one scrape; beyond it a key is read anew each time it appears.
const KEYS_MAX: usize = 1_000;

/// Bytes of a key that is read; a longer one tells nothing.
const KEY_BYTES_MAX: usize = 128;

/// What a series' labels say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Traits<'a> {
    /// It counts scrapes or health probes, not use.
    pub(crate) is_probe: bool,
    /// It is about a call that the service makes.
    pub(crate) is_outbound: bool,
    /// Labels that tell an outcome.
    pub(crate) outcomes: u32,
    /// Labels that should tell an outcome and do not.
    pub(crate) other_outcomes: u32,
    /// A label shows which request it was.
    pub(crate) names_request: bool,
    /// Its labels are those of HTTP or gRPC requests, whatever its name says: `method="GET"`, `route="/orders"`.
    pub(crate) is_request: bool,
    /// It is a summary's quantile.
    pub(crate) is_quantile: bool,
    /// A histogram's upper bound.
    pub(crate) bound: Option<Cow<'a, str>>,
}

/// The label keys of a scrape, each read once.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    known: HashMap<String, Key, RandomState>,
}

/// What a key promises of its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Key {
    is_bound: bool,
    is_quantile: bool,
    /// Which handler served it.
    is_handler: bool,
    /// Who was called, unless a server says it.
    is_peer: bool,
    /// Which side of a call it is: `span_kind`, `direction`.
    is_side: bool,
    names_request: bool,
    /// Its value may be a verb of HTTP.
    is_verb: bool,
    /// Only RPC servers and clients use it.
    is_rpc: bool,
    outcome: Option<OutcomeKey>,
}

/// How far a key makes its value an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OutcomeKey {
    /// `status`: its value should be one.
    Status,
    /// `code`, `response_class`: a number may be one.
    Code,
    /// `grpc_code`: gRPC's numbers too.
    Grpc,
    /// `type`, `state`: its value may be one, and says nothing where it is not.
    Maybe,
}

impl Keys {
    /// Reads a sample's labels. `is_server` where the family's name says that the service answers.
    pub(crate) fn read<'a>(&mut self, sample: &Sample<'a>, is_server: bool) -> Traits<'a> {
        let mut traits = Traits::default();
        for (name, value) in sample.labels() {
            let key = self.key(&name);
            traits.is_probe |= is_probe_traffic(key.is_handler, &value);
            traits.is_outbound |= (key.is_peer && !is_server) || (key.is_side && is_caller(&value));
            traits.is_quantile |= key.is_quantile;
            traits.is_request |= key.is_rpc
                || (key.is_verb && VERBS.has(&value))
                || (key.is_handler && value.starts_with('/'));
            let outcome = key.outcome.map(|kind| (kind, is_outcome(kind, &value)));
            match outcome {
                Some((_, true)) => traits.outcomes += 1,
                Some((OutcomeKey::Maybe, false)) | None => {}
                Some((OutcomeKey::Status | OutcomeKey::Code | OutcomeKey::Grpc, false)) => {
                    traits.other_outcomes += 1;
                }
            }
            // A status that is no outcome, as `active`, makes no request of what it is about.
            traits.names_request |= match outcome {
                Some((_, is_outcome)) => is_outcome,
                None => key.names_request,
            };
            if key.is_bound {
                traits.bound = Some(value);
            }
        }
        traits
    }

    fn key(&mut self, name: &str) -> Key {
        if let Some(known) = self.known.get(name) {
            return *known;
        }
        let key = match name.len() > KEY_BYTES_MAX {
            true => Key::default(),
            false => Key::of(&snake(name)),
        };
        if self.known.len() < KEYS_MAX {
            self.known.insert(name.to_owned(), key);
        }
        key
    }
}

impl Key {
    fn of(key: &str) -> Self {
        Self {
            is_bound: key == "le",
            is_quantile: key == "quantile",
            is_handler: HANDLER_KEYS.has(key),
            is_peer: PEER_KEYS.has(key) || PEER_WORDS.any(words(key)),
            is_side: SIDE_KEYS.has(key),
            names_request: REQUEST_KEYS.has(key),
            is_verb: VERB_KEYS.has(key),
            is_rpc: RPC_KEYS.has(key),
            outcome: OutcomeKey::of(key),
        }
    }
}

impl OutcomeKey {
    fn of(key: &str) -> Option<Self> {
        if MAYBE_KEYS.has(key) {
            return Some(OutcomeKey::Maybe);
        }
        if !OUTCOME_WORDS.any(words(key)) {
            return None;
        }
        let word = |wanted: &str| words(key).any(|word| word == wanted);
        Some(
            match (word("grpc") || word("rpc"), word("code") || word("class")) {
                (true, _) => OutcomeKey::Grpc,
                (false, true) => OutcomeKey::Code,
                (false, false) => OutcomeKey::Status,
            },
        )
    }
}

/// Words of a key whose value is an outcome.
const OUTCOME_WORDS: Words = Words(
    "status code result outcome rcode success successful succeeded failed failure classification decision verdict \
     class error errored exception ok allowed",
);

/// Keys whose value may be an outcome.
const MAYBE_KEYS: Words = Words("kind type state phase event error exception class");

/// Values that are outcomes, beside status codes: HTTP, gRPC, DNS and the words that programs use, in snake_case.
const OUTCOMES: Words = Words(
    "ok error errors success successes successful succeeded failure failures failed fail true false timeout \
     timed_out timeouts canceled cancelled denied deny rejected reject accepted accept allow allowed admitted admit \
     approved blocked forbidden permitted passed completed complete finished done processed delivered bounced acked \
     nacked ack nack unknown invalid invalidargument invalid_argument deadlineexceeded deadline_exceeded notfound \
     not_found alreadyexists already_exists permissiondenied permission_denied resourceexhausted resource_exhausted \
     failedprecondition failed_precondition aborted outofrange out_of_range unimplemented internal unavailable \
     dataloss data_loss unauthenticated unauthorized noerror nxdomain servfail refused formerr notimp informational \
     redirection client_error server_error bad_request conflict dropped throttled limited exception panic crashed \
     killed expired requeue requeue_after",
);

/// Of those, what is an outcome whatever the key: `internal` may be a kind of request, `failed` never is.
const SURE_OUTCOMES: Words = Words(
    "ok error success successful succeeded failure failed timeout canceled cancelled rejected completed aborted true \
     false",
);

/// Label keys whose value says which handler served a request.
const HANDLER_KEYS: Words = Words(
    "handler path route uri endpoint url view action resource page http_route url_path http_target http_path http_url \
     http_uri request_path request_uri request_url path_template url_template matched_path route_name \
     route_pattern span_name",
);

/// Label keys that show a served request, and which it was.
const REQUEST_KEYS: Words = Words(
    "method verb handler route uri path endpoint operation api action controller grpc_method grpc_service rpc_method \
     rpc_service http_route http_method http_request_method url_path request_path route_name path_template",
);

/// Label keys whose value may be a verb of HTTP.
const VERB_KEYS: Words =
    Words("method verb http_method http_verb http_request_method request_method");

/// Verbs of HTTP, as label values have them.
const VERBS: Words =
    Words("GET POST PUT DELETE PATCH HEAD OPTIONS get post put delete patch head options");

/// Label keys that RPC libraries alone use.
const RPC_KEYS: Words = Words("grpc_method grpc_service rpc_method rpc_service");

/// Label keys that say who was called.
const PEER_KEYS: Words = Words(
    "server_address server_port net_peer_name net_peer_port peer_service peer_address db_system db_system_name \
     db_namespace",
);

/// Words that make any key such a one.
const PEER_WORDS: Words = Words("remote peer upstream");

/// Label keys that say which side of a call it was.
const SIDE_KEYS: Words = Words("span_kind kind direction side");

/// Whether a value says that the service called, as OpenTelemetry's span kinds and proxies' directions do.
fn is_caller(value: &str) -> bool {
    let value = snake(value);
    let kind = value.strip_prefix("span_kind_").unwrap_or(&value);
    matches!(
        kind,
        "client" | "producer" | "outbound" | "outgoing" | "egress"
    )
}

/// Whether a value is an outcome: `200`, `2xx`, `2` as a class, `ok`, `NXDOMAIN`, `DeadlineExceeded`.
fn is_outcome(kind: OutcomeKey, value: &str) -> bool {
    let class = |b: &u8| (b'1'..=b'5').contains(b);
    let numbers = match kind {
        OutcomeKey::Code | OutcomeKey::Grpc => true,
        OutcomeKey::Status | OutcomeKey::Maybe => false,
    };
    match value.as_bytes() {
        [first, b, c] if b.is_ascii_digit() && c.is_ascii_digit() => {
            class(first) && kind != OutcomeKey::Maybe
        }
        [first, b'x' | b'X', b'x' | b'X'] => class(first),
        [digit] if digit.is_ascii_digit() => numbers,
        [b'1', digit] if digit.is_ascii_digit() => kind == OutcomeKey::Grpc,
        _ => {
            let value = snake(value);
            match kind {
                OutcomeKey::Maybe => SURE_OUTCOMES.has(&value),
                OutcomeKey::Status | OutcomeKey::Code | OutcomeKey::Grpc => {
                    OUTCOMES.has(&value) || OUTCOMES.has(&value.replace('_', ""))
                }
            }
        }
    }
}

/// Segments of a path that the orchestrator and Prometheus ask for, users never; without `-` and `_`.
const PROBES: Words = Words(
    "metrics prometheus health healthz healthcheck healthchecks healthy livez readyz liveness readiness startupz \
     actuator",
);

/// The same, where nothing follows: `/live` is a probe, `/live/42` a broadcast.
const PROBES_LAST: Words = Words("live ready alive ping heartbeat");

/// The same, where it is all there is: `/up` is a probe, `/votes/up` is none.
const PROBES_ALONE: Words = Words("up status");

/// Services of gRPC that no user calls.
const GRPC_PROBES: &[&str] = &["grpc.health.v1.", "grpc.reflection.", "grpc.channelz."];

/// Whether a label shows that its series counts scrapes or health probes. Beside a handler's label, any value
/// that is a path tells.
fn is_probe_traffic(is_handler: bool, value: &str) -> bool {
    let path = path_of(value);
    let is_path = path.starts_with('/');
    if GRPC_PROBES
        .iter()
        .any(|probe| path.trim_start_matches('/').starts_with(probe))
    {
        return true;
    }
    if !is_handler && !is_path {
        return false;
    }
    let path = path.split(['?', '#']).next().unwrap_or_default();
    if path.starts_with("/-/") {
        // What Prometheus and its kin answer about themselves.
        return true;
    }
    let segments: Vec<Cow<'_, str>> = path
        .split('/')
        .filter(|segment| !matches!(*segment, "" | "*" | "**"))
        .map(segment)
        .collect();
    match &*segments {
        [only] => PROBES.has(only) || PROBES_LAST.has(only) || PROBES_ALONE.has(only),
        [.., last] => PROBES_LAST.has(last) || segments.iter().any(|segment| PROBES.has(segment)),
        [] => false,
    }
}

/// The path in `GET /healthz`, `http://host/healthz` and `^/healthz$`.
fn path_of(value: &str) -> &str {
    let value = match value.split_once(' ') {
        Some((method, path)) if method.bytes().all(|b| b.is_ascii_uppercase()) => path,
        _ => value,
    };
    let value = value.trim_start_matches('^').trim_end_matches('$');
    match value.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("/", |at| &rest[at..]),
        None => value,
    }
}

/// `health-check`, `healthCheck` and `healthcheck` are one.
fn segment(raw: &str) -> Cow<'_, str> {
    match raw.bytes().all(|b| b.is_ascii_lowercase()) {
        true => Cow::Borrowed(raw),
        false => Cow::Owned(raw.to_ascii_lowercase().replace(['-', '_'], "")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probes_are_told_from_use() {
        for (is_handler, value, probe) in [
            (true, "/metrics", true),
            (true, "metrics", true),
            (true, "/actuator/health/**", true),
            (true, "/api/v1/health", true),
            (true, "/q/health/ready", true),
            (true, "GET /healthz", true),
            (false, "GET /healthz", true),
            (false, "see /healthz", false),
            (true, "http://shop:8080/health-check?full=1", true),
            (true, "^/readyz$", true),
            (true, "HealthCheck", true),
            (true, "/-/ready", true),
            (true, "ready", true),
            (true, "/up", true),
            (false, "/livez", true),
            (false, "grpc.health.v1.Health", true),
            (false, "/grpc.health.v1.Health/Check", true),
            (true, "/health-plans", false),
            (true, "/healthy-food", false),
            (true, "/live/42", false),
            (true, "/votes/up", false),
            (true, "/orders/{id}/status", false),
            (true, "/", false),
            (false, "ready", false),
            (false, "metrics", false),
        ] {
            assert_eq!(is_probe_traffic(is_handler, value), probe, "{value}");
        }
    }

    #[test]
    fn outcomes_are_told_from_other_values() {
        for (key, value, expected) in [
            ("status", "200", Some(true)),
            ("status_code", "5xx", Some(true)),
            ("code", "2", Some(true)),
            ("code", "EUR", Some(false)),
            ("code", "4ab", Some(false)),
            ("code", "40b", Some(false)),
            ("code", "A", Some(false)),
            ("status", "2", Some(false)),
            ("rpc_grpc_status_code", "14", Some(true)),
            ("http_response_status_code", "14", Some(false)),
            ("grpc_code", "14", Some(true)),
            ("grpc_code", "1x", Some(false)),
            ("grpc_code", "DeadlineExceeded", Some(true)),
            ("grpc_code", "DEADLINE_EXCEEDED", Some(true)),
            ("succeeded", "true", Some(true)),
            ("admission_status", "allow", Some(true)),
            ("status", "active", Some(false)),
            ("outcome", "SUCCESS", Some(true)),
            ("outcome", "timed_out", Some(true)),
            ("outcome", "NO_ERROR", Some(true)),
            ("state", "failed", Some(true)),
            ("state", "internal", Some(false)),
            ("type", "403", Some(false)),
            ("handler", "ok", None),
        ] {
            let found = OutcomeKey::of(key).map(|kind| is_outcome(kind, value));
            assert_eq!(found, expected, "{key}={value}");
        }
    }

    #[test]
    fn sides_of_a_call_are_told() {
        for (value, expected) in [
            ("SPAN_KIND_CLIENT", true),
            ("outbound", true),
            ("SPAN_KIND_SERVER", false),
            ("inbound", false),
        ] {
            assert_eq!(is_caller(value), expected, "{value}");
        }
    }
}
