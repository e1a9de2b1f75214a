//! What a metric's name says, worked out once a name: normalised, folded into its family, and
//! pruned where it can never speak for the application itself.

use std::borrow::Cow;

use crate::exposition::MetricType;

/// Why a family proves nothing about the application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pruned {
    /// The language runtime, the process or the metrics library (`go_info`, `jvm_memory_used_bytes`).
    Runtime,
    /// The scrape itself, an outbound call, or plumbing (`scrape_duration_seconds`, `rest_client_requests_total`).
    Plumbing,
    /// An inventory of other things (`kube_pod_info`, `node_uname_info`).
    Inventory,
}

impl Pruned {
    /// How a sentence names it.
    pub fn describe(self) -> &'static str {
        match self {
            Pruned::Runtime => "the runtime's, not the service's",
            Pruned::Plumbing => "of the scrape, an outbound call or plumbing, not of the service",
            Pruned::Inventory => "an inventory of other things, not the service's own",
        }
    }
}

/// One metric name and what it tells.
#[derive(Debug, Clone)]
pub struct Family {
    /// The name as exposed.
    pub name: String,
    /// The name without `_bucket`, `_sum`, `_count`, `_total`, `_created`.
    pub stem: String,
    /// Which part of its family the name is.
    pub part: Part,
    /// The declared type, [`MetricType::Unknown`] where none was.
    pub kind: MetricType,
    /// Whether HELP speaks of time.
    pub help_means_time: bool,
    /// Set where the family is never evidence.
    pub pruned: Option<Pruned>,
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
    /// Reads a name, with what TYPE and HELP said of its family.
    pub fn new(name: &str, kind: MetricType, help_means_time: bool) -> Self {
        let (stem, part) = fold(name);
        Self {
            name: name.to_owned(),
            stem: snake(stem).into_owned(),
            part,
            kind,
            help_means_time,
            pruned: prune(&snake(name)),
        }
    }

    /// The words of the stem.
    pub fn words(&self) -> impl DoubleEndedIterator<Item = &str> + Clone {
        self.stem.split('_').filter(|word| !word.is_empty())
    }

    /// Whether any word of the stem is one of `words`.
    pub fn has_word(&self, words: &[&str]) -> bool {
        self.words().any(|word| words.contains(&word))
    }

    /// Whether the name speaks of requests that are answered, rather than of work inside.
    pub fn is_request_like(&self) -> bool {
        self.has_word(REQUEST_WORDS)
    }

    /// Whether it counts calls that the service makes rather than those it answers.
    pub fn is_outbound(&self) -> bool {
        self.has_word(OUTBOUND_WORDS)
    }

    /// Whether it counts events: a counter, or the count of a histogram or summary.
    pub fn counts(&self) -> bool {
        match self.kind {
            MetricType::Counter | MetricType::Unknown => {
                matches!(self.part, Part::Plain | Part::Total | Part::Count)
            }
            MetricType::Histogram | MetricType::Summary | MetricType::GaugeHistogram => {
                self.part == Part::Count
            }
            // Some exporters type each sample apart: `# TYPE x_count gauge`.
            MetricType::Gauge => self.part == Part::Count,
            MetricType::Info | MetricType::StateSet => false,
        }
    }
}

/// Words that make a name request-like.
const REQUEST_WORDS: &[&str] = &[
    "request",
    "requests",
    "req",
    "reqs",
    "rq",
    "http",
    "https",
    "rpc",
    "grpc",
    "api",
    "call",
    "calls",
    "response",
    "responses",
    "query",
    "queries",
    "handled",
    "handler",
    "handlers",
    "transaction",
    "transactions",
    "command",
    "commands",
    "operation",
    "operations",
    "notification",
    "notifications",
];

/// Words that mark a family as about calls made to others.
const OUTBOUND_WORDS: &[&str] = &[
    "client", "clients", "outbound", "outgoing", "upstream", "egress", "remote",
];

/// Lower-case snake_case of a metric name or label key: `gitVersion` becomes `git_version`,
/// `http.server.duration` becomes `http_server_duration`.
pub fn snake(name: &str) -> Cow<'_, str> {
    let is_snake = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'_';
    if name.as_bytes().iter().all(is_snake) {
        return Cow::Borrowed(name);
    }
    let mut out = String::with_capacity(name.len() + 4);
    let mut previous_lower = false;
    for c in name.chars() {
        if c.is_ascii_uppercase() && previous_lower {
            out.push('_');
        }
        previous_lower = c.is_ascii_lowercase() || c.is_ascii_digit();
        if c.is_alphanumeric() {
            out.extend(c.to_lowercase());
        } else {
            out.push('_');
        }
    }
    Cow::Owned(out)
}

/// Runtimes and what follows their name in a family that is theirs, at any depth of prefix.
const RUNTIMES: &[(&str, &[&str])] = &[
    (
        "go",
        &[
            "info",
            "gc",
            "memstats",
            "memory",
            "goroutines",
            "threads",
            "sched",
            "cgo",
            "cpu",
            "godebug",
            "sync",
            "build",
        ],
    ),
    (
        "process",
        &[
            "cpu",
            "resident",
            "virtual",
            "start",
            "open",
            "max",
            "network",
            "memory",
            "threads",
            "heap",
            "files",
            "uptime",
            "runtime",
            "num",
            "disk",
            "context",
            "involuntary",
            "voluntary",
            "io",
            "fds",
            "group",
        ],
    ),
    ("python", &["info", "gc", "memory"]),
    (
        "nodejs",
        &[
            "version",
            "eventloop",
            "heap",
            "external",
            "active",
            "gc",
            "memory",
            "info",
            "process",
        ],
    ),
    (
        "jvm",
        &[
            "info",
            "gc",
            "memory",
            "threads",
            "classes",
            "buffer",
            "cpu",
            "runtime",
            "compilation",
            "class",
            "thread",
        ],
    ),
    (
        "dotnet",
        &[
            "info",
            "gc",
            "memory",
            "threadpool",
            "jit",
            "cpu",
            "collection",
            "total",
            "exceptions",
            "contention",
            "build",
            "monitor",
            "process",
            "thread",
            "assembly",
            "timer",
        ],
    ),
    (
        "ruby",
        &[
            "info", "gc", "memory", "vm", "version", "thread", "rss", "process",
        ],
    ),
    ("promhttp", &["metric"]),
];

/// Word sequences of plumbing, at any depth of prefix.
const PLUMBING_ANYWHERE: &[&[&str]] = &[
    &["exporter", "last", "scrape"],
    &["scrape", "collector"],
    &["collector", "duration"],
    &["collector", "success"],
    &["rest", "client"],
    &["workqueue"],
    &["leader", "election"],
    &["net", "conntrack"],
    &["config", "reload"],
    &["config", "last", "reload"],
    &["otel", "scope", "info"],
    &["log", "messages"],
    &["log", "entries"],
    &["log", "lines"],
    &["log", "events"],
];

/// First words of plumbing.
const PLUMBING_FIRST: &[&str] = &[
    "scrape", "probe", "cache", "logback", "log4j", "log4j2", "logger", "loggers", "logging",
];

/// First words of inventories.
const INVENTORY_FIRST: &[&str] = &["node", "container", "kube", "machine", "dcgm"];

/// Decides whether a (snake_case) name can be evidence.
fn prune(name: &str) -> Option<Pruned> {
    let words: Vec<&str> = name.split('_').filter(|word| !word.is_empty()).collect();
    let runtime = words.windows(2).any(|pair| {
        RUNTIMES
            .iter()
            .any(|(runtime, what)| pair[0] == *runtime && what.contains(&pair[1]))
    });
    if runtime {
        return Some(Pruned::Runtime);
    }
    let first = words.first().copied().unwrap_or_default();
    let plumbing = PLUMBING_FIRST.contains(&first)
        || PLUMBING_ANYWHERE.iter().any(|sequence| {
            words
                .windows(sequence.len())
                .any(|window| window == *sequence)
        });
    if plumbing {
        return Some(Pruned::Plumbing);
    }
    // An exporter's own build is not part of what it inventories: `node_exporter_build_info`.
    let own_build = name.ends_with("_exporter_build_info");
    (INVENTORY_FIRST.contains(&first) && !own_build).then_some(Pruned::Inventory)
}

/// Label keys whose value says which handler served a request.
const HANDLER_KEYS: &[&str] = &["handler", "path", "route", "uri", "endpoint", "url"];

/// Handlers that Prometheus and the orchestrator call, users never.
const PROBE_HANDLERS: &[&str] = &[
    "/metrics",
    "metrics",
    "prometheus",
    "/actuator/prometheus",
    "/actuator/health",
    "/healthz",
    "/livez",
    "/readyz",
    "/health",
    "health",
    "/ping",
    "/-/healthy",
    "/-/ready",
];

/// Whether a label shows that the sample counts scrapes or health probes, not use.
pub fn is_probe_traffic(key: &str, value: &str) -> bool {
    HANDLER_KEYS.contains(&key) && PROBE_HANDLERS.contains(&value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fold_into_families() {
        assert_eq!(fold("x_bucket"), ("x", Part::Bucket));
        assert_eq!(fold("x_requests_total"), ("x_requests", Part::Total));
        assert_eq!(fold("_total"), ("_total", Part::Plain));
    }

    #[test]
    fn keys_become_snake_case() {
        for (from, to) in [
            ("gitVersion", "git_version"),
            ("Version", "version"),
            ("http.server.duration", "http_server_duration"),
            ("envoy_rq_5xx", "envoy_rq_5xx"),
            ("DCGM_FI_DEV", "dcgm_fi_dev"),
        ] {
            assert_eq!(snake(from), to);
        }
    }

    #[test]
    fn pruned_families_never_speak_for_the_application() {
        for (name, expected) in [
            ("go_info", Some(Pruned::Runtime)),
            ("consul_dataplane_go_info", Some(Pruned::Runtime)),
            ("nodejs_eventloop_lag_seconds", Some(Pruned::Runtime)),
            ("jvm_info_total", Some(Pruned::Runtime)),
            (
                "promhttp_metric_handler_requests_total",
                Some(Pruned::Runtime),
            ),
            ("scrape_duration_seconds", Some(Pruned::Plumbing)),
            (
                "node_scrape_collector_duration_seconds",
                Some(Pruned::Plumbing),
            ),
            ("probe_success", Some(Pruned::Plumbing)),
            ("kube_pod_info", Some(Pruned::Inventory)),
            ("DCGM_FI_DEV_GPU_UTIL", Some(Pruned::Inventory)),
            ("node_exporter_build_info", None),
            ("process_manager_requests_total", None),
            ("mattermost_api_time", None),
            ("manifesto_exporter_scrapes_total", None),
        ] {
            assert_eq!(prune(&snake(name)), expected, "{name}");
        }
    }
}
