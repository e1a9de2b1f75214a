//! What a series' labels say of it: whose request it is, how it ended, and whether anybody but a probe made it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::RandomState;

use super::probes::is_probe_traffic;
use super::words::{Words, words};
use crate::checks::subject::Subject;
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
    /// `host` and `port` together, without a handler, are of who was called: a server's own are always the same.
    is_host: bool,
    is_port: bool,
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
    /// `success`, `failed`: `1` and `0` too.
    Whether,
    /// `type`, `state`: its value may be one, and says nothing where it is not.
    Maybe,
}

impl Keys {
    /// Reads the labels of a sample of `subject`'s. `is_server` where the family's name, or the service's, says that
    /// it answers.
    pub(crate) fn read<'a>(
        &mut self,
        sample: &Sample<'a>,
        is_server: bool,
        subject: &Subject,
    ) -> Traits<'a> {
        let mut traits = Traits::default();
        let (mut host, mut port, mut handler) = (false, false, false);
        for (name, value) in sample.labels() {
            let key = self.key(&name);
            (host, port, handler) = (
                host | key.is_host,
                port | key.is_port,
                handler | key.is_handler,
            );
            traits.is_probe |= is_probe_traffic(key.is_handler, &value, subject);
            traits.is_outbound |=
                (!is_server && key.calls(&value, subject)) || (key.is_side && is_caller(&value));
            traits.is_quantile |= key.is_quantile;
            traits.is_request |= key.is_rpc
                || (key.is_verb && VERBS.has(&value))
                || (key.is_handler && value.starts_with('/'));
            let outcome = key.outcome.map(|kind| (kind, is_outcome(kind, &value)));
            match outcome {
                Some((_, true)) => traits.outcomes += 1,
                Some((OutcomeKey::Maybe, false)) | None => {}
                Some((
                    OutcomeKey::Status | OutcomeKey::Code | OutcomeKey::Grpc | OutcomeKey::Whether,
                    false,
                )) => traits.other_outcomes += 1,
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
        traits.is_outbound |= !is_server && host && port && !handler;
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
            is_host: key == "host",
            is_port: key == "port",
            is_side: SIDE_KEYS.has(key),
            names_request: REQUEST_KEYS.has(key),
            is_verb: VERB_KEYS.has(key),
            is_rpc: RPC_KEYS.has(key),
            outcome: OutcomeKey::of(key),
        }
    }

    /// Whether the value says that somebody else was called: a peer, or a handler that is a whole URL.
    fn calls(&self, value: &str, subject: &Subject) -> bool {
        if !self.is_peer && !self.is_handler {
            return false;
        }
        match host_of(value) {
            Some(host) => !is_here(host, subject),
            None => self.is_peer && !value.starts_with('/') && !subject.is(value),
        }
    }
}

/// The host of an absolute URL, without its port.
fn host_of(value: &str) -> Option<&str> {
    let (_, rest) = value.split_once("://")?;
    rest.split(['/', '?', ':']).next()
}

/// Whether a host is the service itself, by its first label.
fn is_here(host: &str, subject: &Subject) -> bool {
    let first = host.split('.').next().unwrap_or_default();
    matches!(host, "localhost" | "127.0.0.1" | "0.0.0.0" | "*") || subject.is(first)
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
                (false, false) if WHETHER_WORDS.any(words(key)) => OutcomeKey::Whether,
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

/// Of those, words whose values are yes or no.
const WHETHER_WORDS: Words =
    Words("success successful succeeded failed failure errored ok allowed");

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
     killed expired requeue requeue_after ko nok",
);

/// What HTTP calls its status codes (RFC 9110, section 15), in snake_case; those of one word that is above, and those
/// that say as much of an order as of a request, are left out.
const REASON_PHRASES: Words = Words(
    "no_content multiple_choices moved_permanently see_other not_modified temporary_redirect permanent_redirect \
     payment_required method_not_allowed not_acceptable request_timeout length_required precondition_failed \
     payload_too_large content_too_large uri_too_long unsupported_media_type unprocessable_entity \
     unprocessable_content too_many_requests internal_server_error not_implemented bad_gateway \
     service_unavailable gateway_timeout",
);

/// The rest of them, as HTTP writes them: an order is `created`, a response `Created`.
const REASON_WORDS: Words = Words("Created Found Gone OK");

/// Of those, what is an outcome whatever the key: `internal` may be a kind of request, `failed` never is.
const SURE_OUTCOMES: Words = Words(
    "ok error success successful succeeded failure failed timeout canceled cancelled rejected completed aborted true \
     false",
);

/// Label keys whose value says which handler served a request.
const HANDLER_KEYS: Words = Words(
    "handler path route uri endpoint url view controller action resource page http_route url_path http_target \
     http_path http_url http_uri request_path request_uri request_url path_template url_template matched_path \
     route_name route_pattern span_name",
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
     db_namespace destination_service destination_workload downstream_service external_service partner provider target \
     third_party vendor",
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
        OutcomeKey::Status | OutcomeKey::Maybe | OutcomeKey::Whether => false,
    };
    match status_code(value).as_bytes() {
        [first, b, c] if b.is_ascii_digit() && c.is_ascii_digit() => {
            class(first) && kind != OutcomeKey::Maybe
        }
        [first, b'x' | b'X', b'x' | b'X'] => class(first),
        [b'0' | b'1'] if kind == OutcomeKey::Whether => true,
        [digit] if digit.is_ascii_digit() => numbers,
        [b'1', digit] if digit.is_ascii_digit() => kind == OutcomeKey::Grpc,
        _ => {
            let name = snake(value);
            match kind {
                OutcomeKey::Maybe => SURE_OUTCOMES.has(&name),
                OutcomeKey::Whether if matches!(&*name, "yes" | "no") => true,
                OutcomeKey::Status | OutcomeKey::Code | OutcomeKey::Grpc | OutcomeKey::Whether => {
                    OUTCOMES.has(&name)
                        || OUTCOMES.has(&name.replace('_', ""))
                        || REASON_PHRASES.has(&name)
                        || REASON_WORDS.has(value)
                }
            }
        }
    }
}

/// `200` of `200 OK`, `HTTP_200` and `http-200`; any other value as it is.
fn status_code(value: &str) -> &str {
    let is_http = value
        .get(..4)
        .is_some_and(|start| start.eq_ignore_ascii_case("http"));
    let code = match is_http {
        true => value[4..].trim_start_matches(['_', '-', ' ']),
        false => value,
    };
    match code.split_once(' ') {
        Some((first, _)) if first.len() == 3 => first,
        _ => code,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            ("success", "1", Some(true)),
            ("failed", "0", Some(true)),
            ("is_ok", "no", Some(true)),
            ("success", "2", Some(false)),
            ("success", "maybe", Some(false)),
            ("code", "5 left", Some(false)),
            ("status", "1", Some(false)),
            ("status", "yes", Some(false)),
            ("status", "200 OK", Some(true)),
            ("status", "HTTP_200", Some(true)),
            ("status", "http-503", Some(true)),
            ("status", "http", Some(false)),
            ("status", "2000 items", Some(false)),
            ("status", "600 left", Some(false)),
            ("status", "Created", Some(true)),
            ("status", "created", Some(false)),
            ("status", "InternalServerError", Some(true)),
            ("status", "No Content", Some(true)),
            ("type", "Created", Some(false)),
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
    fn a_key_has_its_limit() {
        let status = |bytes: usize| format!("{}_status", "x".repeat(bytes - "_status".len()));
        let mut keys = Keys::default();
        assert!(keys.key(&status(KEY_BYTES_MAX)).outcome.is_some());
        assert!(keys.key(&status(KEY_BYTES_MAX + 1)).outcome.is_none());
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
