//! Which labels say that a series counts scrapes and health probes: what the orchestrator and Prometheus ask for,
//! users never.

use std::borrow::Cow;

use super::products::BACKENDS;
use super::words::Words;
use crate::checks::subject::Subject;

/// Segments of a path that say so wherever they stand; without `-`, `_` and what files end with.
const ANYWHERE: Words = Words(
    "actuator alivez checkalive fpmping fpmstatus healthcheck healthchecks healthprobe healthz isalive isready \
     lbcheck lbhealth livenesscheck livenessprobe livez nginxstatus prometheusdjangometrics readinesscheck \
     readinessprobe readyz startupprobe startupz statusz stubstatus",
);

/// The same, where nothing follows but what a probe asks for: `/health/ready` is one, `/health/records` is not.
const HEADS: Words = Words("health healthy liveness metrics prometheus readiness");

/// What follows those, beside the names of backends: `/health/db`.
const TAILS: Words = Words(
    "basic cadvisor check checks database db deep details full info probes resource simple slis started startup status \
     ui",
);

/// The same, where they end a path of nothing but the parts of an API: `/internal/live` is a probe, `/games/live`
/// shows games.
const LAST: Words = Words("alive heartbeat live ping ready");

/// Segments of a path that say nothing of what is asked for.
const PARTS: Words = Words(
    "admin api app internal k8s manage management monitor monitoring ops private probe probes public q service \
     status svc sys system",
);

/// The same, where it is all there is: `/up` is a probe, `/votes/up` is none.
const ALONE: Words = Words("probe startup status up");

/// Services of gRPC that no user calls.
const GRPC: &[&str] = &["grpc.health.v1.", "grpc.reflection.", "grpc.channelz."];

/// What files end with.
const EXTENSIONS: [&str; 8] = [
    ".aspx", ".htm", ".html", ".json", ".jsp", ".php", ".txt", ".xml",
];

/// Whether a label of `subject`'s shows that its series counts scrapes or health probes. Beside a handler's label, any
/// value that is a path tells.
pub(super) fn is_probe_traffic(is_handler: bool, value: &str, subject: &Subject) -> bool {
    let path = path_of(value);
    let is_path = path.starts_with('/');
    let service = path.trim_start_matches('/');
    if GRPC.iter().any(|probe| service.starts_with(probe)) {
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
    let [before @ .., last] = &*segments else {
        return false;
    };
    let is_headed = segments.iter().enumerate().any(|(at, segment)| {
        let is_tail = |word: &Cow<'_, str>| {
            TAILS.has(word) || HEADS.has(word) || LAST.has(word) || BACKENDS.has(word)
        };
        HEADS.has(segment) && segments[at..].iter().all(is_tail)
    });
    let is_part =
        |segment: &Cow<'_, str>| PARTS.has(segment) || is_version(segment) || subject.is(segment);
    segments.iter().any(|segment| ANYWHERE.has(segment))
        || is_headed
        || (LAST.has(last) && before.iter().all(is_part))
        || (ALONE.has(last) && before.is_empty())
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

/// `health-check`, `healthCheck`, `health_check.json` and `HealthCheckController` are one.
fn segment(raw: &str) -> Cow<'_, str> {
    if raw.bytes().all(|b| b.is_ascii_lowercase()) {
        return Cow::Borrowed(raw);
    }
    let lower = raw.to_ascii_lowercase();
    let name = EXTENSIONS
        .iter()
        .find_map(|extension| lower.strip_suffix(extension))
        .unwrap_or(&lower);
    let name = name.replace(['-', '_'], "");
    Cow::Owned(match name.strip_suffix("controller") {
        Some(controller) => controller.to_owned(),
        None => name,
    })
}

/// `v1`, `v2beta1`.
fn is_version(segment: &str) -> bool {
    segment
        .strip_prefix('v')
        .is_some_and(|rest| rest.bytes().next().is_some_and(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::SeriesNames;

    #[test]
    fn probes_are_told_from_use() {
        let subject = Subject::new("shop", &[], SeriesNames::default());
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
            (true, "/internal/isAlive", true),
            (true, "/isReady", true),
            (true, "/startup", true),
            (true, "/probe", true),
            (true, "/lbcheck", true),
            (true, "/liveness_check", true),
            (true, "/health.json", true),
            (true, "/healthcheck.html", true),
            (true, "/nginx_status", true),
            (true, "/fpm-ping", true),
            (true, "/checkalive", true),
            (true, "rails/health", true),
            (true, "HealthController#show", true),
            (true, "/health/db", true),
            (true, "/health/metrics", true),
            (true, "/health/heartbeat", true),
            (true, "/health/ready", true),
            (true, "/health/redis", true),
            (true, "/shop/live", true),
            (true, "/api/v2/ping", true),
            (true, "/metrics/cadvisor", true),
            (true, "/api/health/records/{id}", false),
            (true, "/metrics/query", false),
            (true, "/metrics/job/x", false),
            (true, "/orders/ready", false),
            (true, "/games/live", false),
            (true, "/vault/ping", false),
            (true, "/orders/startup", false),
            (true, "Controller", false),
        ] {
            let found = is_probe_traffic(is_handler, value, &subject);
            assert_eq!(found, probe, "{value}");
        }
    }
}
