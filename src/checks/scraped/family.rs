//! What a metric's name says, worked out once a name: normalised, folded into its family, and
//! pruned where it can never speak for the application itself.

use super::words::Words;
use crate::checks::subject::Subject;
use crate::exposition::MetricType;
use crate::labels::snake;

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
    /// What a sentence says of it.
    pub fn describe(self) -> &'static str {
        match self {
            Pruned::Runtime => "is the runtime's, not the service's",
            Pruned::Plumbing => "is about the scrape or plumbing, not about the service",
            Pruned::Inventory => "is an inventory of other things, not the service's own",
        }
    }
}

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
    /// Whether HELP speaks of time.
    pub help_means_time: bool,
    /// Set where the family is never evidence.
    pub pruned: Option<Pruned>,
    /// Whether the name begins with the service's.
    pub own: bool,
    /// Bytes of the stem that the service's name takes, the underscore behind it included.
    prefix_bytes: usize,
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
    pub fn new(name: &str, kind: MetricType, help_means_time: bool, subject: &Subject) -> Self {
        let (stem, part) = fold(name);
        let (stem, whole) = (snake(stem), snake(name));
        let prefix_bytes = subject.prefix_bytes(&stem);
        Self {
            name: name.to_owned(),
            part,
            kind,
            help_means_time,
            pruned: prune(&whole, subject.prefix_bytes(&whole)),
            own: prefix_bytes.is_some(),
            prefix_bytes: prefix_bytes.unwrap_or(0),
            stem: stem.into_owned(),
        }
    }

    /// The words of the stem.
    pub fn words(&self) -> impl DoubleEndedIterator<Item = &str> + Clone {
        words(&self.stem)
    }

    /// The words behind the service's name: what the name says of the service. A service called
    /// `client-portal` is no client.
    pub fn rest(&self) -> impl DoubleEndedIterator<Item = &str> + Clone {
        words(&self.stem[self.prefix_bytes..])
    }

    /// Whether it is the family that the configuration names, by the name of any of its parts.
    pub fn is_named(&self, configured: &str) -> bool {
        configured == self.name || snake(configured) == self.stem
    }

    /// Whether the name speaks of requests that are answered, rather than of work inside.
    pub fn is_request_like(&self) -> bool {
        self.words().any(|word| REQUESTS.has(word))
    }

    /// Whether it is about requests that come over a network interface for sure.
    pub fn is_served(&self) -> bool {
        self.words().any(|word| SERVED.has(word))
    }

    /// Whether it counts calls that the service makes rather than those it answers. Without the
    /// service's name in front, the first word is a namespace: `redis_commands_total` is redis's own.
    pub fn is_outbound(&self) -> bool {
        let backends = self
            .rest()
            .skip(usize::from(!self.own))
            .any(|word| BACKENDS.has(word));
        backends || self.rest().any(|word| OUTBOUND.has(word))
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

fn words(stem: &str) -> impl DoubleEndedIterator<Item = &str> + Clone {
    stem.split('_').filter(|word| !word.is_empty())
}

/// Words that make a name request-like.
const REQUESTS: Words = Words(
    "request requests req reqs rq http https rpc grpc api call calls response responses query \
     queries handled handler handlers transaction transactions command commands operation \
     operations notification notifications ttfb",
);

/// Words of requests that come from outside.
const SERVED: Words = Words("http https rpc grpc api");

/// Words that mark a family as about calls made to others.
const OUTBOUND: Words = Words("client clients outbound outgoing upstream egress remote");

/// What services call: about calls made, wherever it follows the service's name.
const BACKENDS: Words =
    Words("k8s redis smtp ldap dynamodb postgres postgresql mysql memcached elasticsearch");

/// Runtimes and what follows their name in a family that is theirs, at any depth of prefix.
const RUNTIMES: &[(&str, Words)] = &[
    (
        "go",
        Words("info gc memstats memory goroutines threads sched cgo cpu godebug sync build"),
    ),
    (
        "process",
        Words(
            "cpu resident virtual start open max network memory threads heap files uptime runtime \
             num disk context involuntary voluntary io fds group",
        ),
    ),
    ("python", Words("info gc memory")),
    (
        "nodejs",
        Words("version eventloop heap external active gc memory info process"),
    ),
    (
        "jvm",
        Words("info gc memory threads classes buffer cpu runtime compilation class thread"),
    ),
    (
        "dotnet",
        Words(
            "info gc memory threadpool jit cpu collection total exceptions contention build \
             monitor process thread assembly timer",
        ),
    ),
    (
        "ruby",
        Words("info gc memory vm version thread rss process"),
    ),
    ("erlang", Words("vm mnesia")),
    ("promhttp", Words("metric")),
];

/// Word sequences of plumbing, at any depth of prefix.
const PLUMBING_ANYWHERE: &[&[&str]] = &[
    &["exporter", "last", "scrape"],
    &["scrape", "collector"],
    &["telemetry", "scrape"],
    &["collector", "duration"],
    &["collector", "success"],
    &["rest", "client"],
    &["workqueue"],
    &["leader", "election"],
    &["net", "conntrack"],
    &["config", "reload"],
    &["config", "reloads"],
    &["config", "last", "reload"],
    &["otel", "scope", "info"],
    &["log", "messages"],
    &["log", "entries"],
    &["log", "lines"],
    &["log", "events"],
];

/// First words of plumbing.
const PLUMBING_FIRST: Words =
    Words("scrape probe cache logback log4j log4j2 logger loggers logging");

/// First words of inventories.
const INVENTORY_FIRST: Words = Words("node container kube machine dcgm");

/// Decides whether a (snake_case) name can be evidence. What the service's own name says
/// (`node-api`, `cache-proxy`) decides nothing.
fn prune(name: &str, prefix_bytes: Option<usize>) -> Option<Pruned> {
    let words: Vec<&str> = words(&name[prefix_bytes.unwrap_or(0)..]).collect();
    let runtime = words.windows(2).any(|pair| {
        RUNTIMES
            .iter()
            .any(|(runtime, what)| pair[0] == *runtime && what.has(pair[1]))
    });
    if runtime {
        return Some(Pruned::Runtime);
    }
    let anywhere = PLUMBING_ANYWHERE.iter().any(|sequence| {
        words
            .windows(sequence.len())
            .any(|window| window == *sequence)
    });
    let first = words.first().copied().unwrap_or_default();
    let foreign = prefix_bytes.is_none();
    if anywhere || (foreign && PLUMBING_FIRST.has(first)) {
        return Some(Pruned::Plumbing);
    }
    // A build is never part of what is inventoried: `node_exporter_build_info`.
    let inventory = foreign && INVENTORY_FIRST.has(first) && !name.ends_with("_build_info");
    inventory.then_some(Pruned::Inventory)
}

/// Label keys whose value says which handler served a request.
const HANDLER_KEYS: Words =
    Words("handler path route uri endpoint url http_route url_path http_target request_path view");

/// Handlers that Prometheus and the orchestrator call, users never; without their first `/`.
const PROBE_HANDLERS: Words = Words(
    "metrics prometheus health healthz healthcheck health_check livez live liveness readyz ready \
     readiness alive ping up status/health api/health actuator",
);

/// The same, with anything below them.
const PROBE_FOLDERS: &[&str] = &[
    "actuator/",
    "health/",
    "healthz/",
    "livez/",
    "readyz/",
    "-/",
];

/// Whether a label shows that the sample counts scrapes or health probes, not use.
pub fn is_probe_traffic(key: &str, value: &str) -> bool {
    if !HANDLER_KEYS.has(key) {
        return false;
    }
    let handler = value.trim_start_matches('/').to_ascii_lowercase();
    PROBE_HANDLERS.has(&handler)
        || PROBE_FOLDERS
            .iter()
            .any(|folder| handler.starts_with(folder))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::SeriesNames;

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
        for (service, name, expected) in [
            ("shop", "go_info", Some(Pruned::Runtime)),
            ("consul", "consul_dataplane_go_info", Some(Pruned::Runtime)),
            (
                "shop",
                "nodejs_eventloop_lag_seconds",
                Some(Pruned::Runtime),
            ),
            ("shop", "jvm_info_total", Some(Pruned::Runtime)),
            (
                "shop",
                "promhttp_metric_handler_requests_total",
                Some(Pruned::Runtime),
            ),
            ("shop", "scrape_duration_seconds", Some(Pruned::Plumbing)),
            (
                "node-exporter",
                "node_scrape_collector_duration_seconds",
                Some(Pruned::Plumbing),
            ),
            ("shop", "probe_success", Some(Pruned::Plumbing)),
            (
                "kube-state-metrics",
                "kube_pod_info",
                Some(Pruned::Inventory),
            ),
            ("kube-state-metrics", "kube_state_metrics_build_info", None),
            ("shop", "DCGM_FI_DEV_GPU_UTIL", Some(Pruned::Inventory)),
            ("node-exporter", "node_exporter_build_info", None),
            ("node-api", "node_api_requests_total", None),
            ("cache-proxy", "cache_proxy_requests_total", None),
            ("shop", "process_manager_requests_total", None),
            ("mattermost", "mattermost_api_time", None),
            (
                "manifesto-exporter",
                "manifesto_exporter_scrapes_total",
                None,
            ),
        ] {
            let subject = Subject::new(service, &[], SeriesNames::default());
            let family = Family::new(name, MetricType::Unknown, false, &subject);
            assert_eq!(family.pruned, expected, "{name} of {service}");
        }
    }

    #[test]
    fn probes_are_told_from_use() {
        for (key, value, probe) in [
            ("handler", "/metrics", true),
            ("uri", "/actuator/health/**", true),
            ("http_route", "/healthz", true),
            ("route", "ready", true),
            ("handler", "/-/ready", true),
            ("path", "/healthy-food", false),
            ("method", "/metrics", false),
        ] {
            assert_eq!(is_probe_traffic(key, value), probe, "{key}={value}");
        }
    }
}
