//! Which part a family plays: requests that the service answers, calls that it makes, work inside, the runtime,
//! other things. Told by the words of its name; labels may still say otherwise, series by series.

use super::help::Help;
use super::namespace::Namespace;
use super::products::{
    BACKENDS, BROKERS, CLIENT_LIBRARIES, CLIENTS, OUTBOUND, PRODUCTS, PROTOCOLS, RUNTIMES, SENDERS,
    is_front, speaks,
};
use super::words::{Words, has_sequence, words};
use crate::checks::subject::Subject;

/// What a family is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// The language runtime, the process or the metrics library (`go_info`, `jvm_memory_used_bytes`).
    Runtime,
    /// The scrape itself, logging, configuration: the program's plumbing (`scrape_duration_seconds`).
    Plumbing,
    /// An inventory of other things (`kube_pod_info`, `node_uname_info`).
    Inventory,
    /// Calls that the service makes (`rest_client_requests_total`, `shop_azure_api_duration_seconds`).
    Outbound,
    /// Work inside that no caller waits for as such (`shop_cache_load_seconds`).
    Internal,
    /// Requests that it answers (`http_requests_total`).
    Served,
    /// Units of work that it is there for (`shop_jobs_total`); requests, where it has any, go before.
    Work,
    /// Nothing that its name tells.
    Other,
}

impl Role {
    /// Whether it is about the application itself: what the program is built on, and what it watches, is not.
    pub fn is_of_application(self) -> bool {
        match self {
            Role::Runtime | Role::Plumbing | Role::Inventory => false,
            Role::Outbound | Role::Internal | Role::Served | Role::Work | Role::Other => true,
        }
    }

    /// Whether its name speaks of requests, or of the work that the program is there for.
    pub(crate) fn is_request_like(self) -> bool {
        match self {
            Role::Served | Role::Work => true,
            Role::Runtime
            | Role::Plumbing
            | Role::Inventory
            | Role::Outbound
            | Role::Internal
            | Role::Other => false,
        }
    }

    /// What a sentence says of a family that proves nothing.
    pub fn describe(self) -> &'static str {
        match self {
            Role::Runtime => "is the runtime's, not the service's",
            Role::Plumbing => "is about the scrape or plumbing, not about the service",
            Role::Inventory => "is an inventory of other things, not the service's own",
            Role::Outbound => {
                "is about what the service calls, not about the requests that it answers"
            }
            Role::Internal => {
                "is about work inside the service, not about the requests that it answers"
            }
            Role::Served | Role::Work | Role::Other => "does not say enough",
        }
    }

    /// The role, with what HELP says of the side of the call.
    pub(crate) fn told_by(self, help: Help) -> Self {
        match self {
            Role::Served | Role::Work | Role::Other if help.is_outbound => Role::Outbound,
            Role::Runtime
            | Role::Plumbing
            | Role::Inventory
            | Role::Outbound
            | Role::Internal
            | Role::Served
            | Role::Work
            | Role::Other => self,
        }
    }

    /// Reads a name in snake_case, whole and folded, in its namespace.
    pub(crate) fn of(
        whole: &str,
        stem: &str,
        namespace: (Namespace, usize),
        subject: &Subject,
    ) -> Self {
        let (namespace, namespace_bytes) = namespace;
        let own = namespace == Namespace::Own;
        let saying = &stem[if own { namespace_bytes } else { 0 }..];
        let said: Vec<&str> = words(
            &whole[if own {
                namespace_bytes.min(whole.len())
            } else {
                0
            }..],
        )
        .collect();
        if is_runtime(&said) {
            return Role::Runtime;
        }
        let first = said.first().copied().unwrap_or_default();
        let is_plumbing =
            has_sequence(&said, PLUMBING_ANYWHERE) || said.iter().any(|word| PROBES.has(word));
        if is_plumbing || (!own && PLUMBING_FIRST.has(first)) {
            return Role::Plumbing;
        }
        // A build is never part of what is inventoried: `node_exporter_build_info`.
        if !own && INVENTORY_FIRST.has(first) && !whole.ends_with("_build_info") {
            return Role::Inventory;
        }
        if is_outbound(saying, &stem[namespace_bytes..], namespace, subject) {
            return Role::Outbound;
        }
        let network = NETWORK.any(words(saying));
        if !network && words(saying).any(|word| INTERNAL.has(word) || BACKGROUND.has(word)) {
            return Role::Internal;
        }
        if network || is_request(saying) {
            return Role::Served;
        }
        match WORK.any(words(saying)) {
            true => Role::Work,
            false => Role::Other,
        }
    }
}

/// `saying` holds every word but the service's name, `rest` leaves out a product's first word too: of
/// `redis_commands` nobody calls redis. A client library is one wherever it stands.
fn is_outbound(saying: &str, rest: &str, namespace: Namespace, subject: &Subject) -> bool {
    let is_called = |kind: Words| {
        let mut lasts = subject.names().iter().map(|name| words(name).next_back());
        lasts.any(|last| last.is_some_and(|last| kind.has(last)))
    };
    let (is_broker, is_sender) = (is_called(BROKERS), is_called(SENDERS));
    // A response that is sent is served.
    let sends = !is_sender && !ANSWERS.any(words(saying));
    let outbound = |word: &str| {
        (OUTBOUND.has(word) && !(is_broker && PUBLISHING.has(word))) || (sends && word == "sent")
    };
    let said: Vec<&str> = words(saying).collect();
    let asks_a_gateway = !is_front(subject)
        && said.contains(&"gateway")
        && !has_sequence(&said, &[&["cloud", "gateway"]]);
    if words(saying).any(outbound)
        || asks_a_gateway
        || CLIENT_LIBRARIES.any(words(saying))
        || has_sequence(&said, OUTBOUND_ANYWHERE)
        || CLIENTS.iter().any(|client| said.starts_with(client))
    {
        return true;
    }
    // What comes in by a broker or through a server is answered: `spring_kafka_listener`.
    if INBOUND.any(words(saying)) {
        return false;
    }
    let is_product = subject
        .names()
        .iter()
        .any(|name| words(name).any(|word| PRODUCTS.has(word)));
    let answers = |word: &str| {
        (is_product && PROTOCOLS.has(word)) || subject.names().iter().any(|name| speaks(name, word))
    };
    let calls = |word: &str| BACKENDS.has(word) && !answers(word);
    // The store's own methods are work inside, whatever database is below.
    let named = match namespace {
        Namespace::Generic | Namespace::Other => saying,
        Namespace::Own | Namespace::Related | Namespace::Product => rest,
    };
    // `db_queries`, `database_up`; a store above it is the service's own code.
    let has_store = STORE.any(words(named));
    words(named).any(|word| calls(word) || (!has_store && DATABASE.has(word)))
}

/// Words of a database that is called.
const DATABASE: Words = Words("db database databases");

/// Words of what a service sends to its broker, and a broker takes from its clients.
const PUBLISHING: Words = Words("produced producer publish published publisher");

const STORE: Words = Words("store stores storage");

/// Whether a name speaks of requests to the service; not of what people ask each other for, as
/// `leave_requests` and `merge_requests` do.
fn is_request(saying: &str) -> bool {
    let mut before = "";
    words(saying).any(|word| {
        let is_asked = matches!(word, "request" | "requests") && ASKED_FOR.has(before);
        before = word;
        REQUEST.has(word) && !is_asked
    })
}

fn is_runtime(words: &[&str]) -> bool {
    words.windows(2).any(|pair| {
        let known = RUNTIME_PARTS
            .iter()
            .any(|(runtime, parts)| pair[0] == *runtime && parts.has(pair[1]));
        known || (RUNTIMES.has(pair[0]) && OF_ANY_RUNTIME.has(pair[1]))
    })
}

/// Words of requests that come over a network for sure.
const NETWORK: Words = Words("http https rpc grpc graphql");

/// Words of requests that are answered.
const REQUEST: Words = Words("request requests req reqs rq api response responses ttfb");

/// What answers a request.
const ANSWERS: Words = Words("answer answers reply replies response responses");

/// What people ask for, in an application that keeps their requests.
const ASKED_FOR: Words = Words(
    "absence access approval booking change credit deletion erasure export feature follow friend help holiday \
     join leave loan membership merge off overtime payout pull purchase quote refund reset return review ride \
     support topup transfer vacation withdrawal",
);

/// Words of work that a program may be there for: what a worker, a database or a controller does.
const WORK: Words = Words(
    "activities activity answered answers attempt attempted attempts batch batches call calls command commands \
     delivery deliveries dispatch email emails event events execution executions handled handler handlers \
     invocation invocations job jobs listener message messages notification notifications operation operations \
     processed queries query reconcile reconciles reconciliation run runs statement statements task tasks \
     transaction transactions webhook webhooks workflow workflows",
);

/// Words of work inside, which success or failure of says nothing of what callers get.
const INTERNAL: Words = Words(
    "cache cached caches dao executor executors ingestion limiter limiting lock locks mutex mutexes pool pools raft \
     ratelimit ratelimiter replication repo repositories repository retries retry scheduled semaphore store stores \
     throttle wal",
);

/// The same, of work that nobody waits for.
pub(crate) const BACKGROUND: Words = Words(
    "background backup backups checkpoint checkpoints cleanup cleanups compaction compactions election elections \
     eviction evictions flush flushes gc gossip heartbeat heartbeats housekeeping maintenance migration migrations \
     prune purge rebalance rebalances rebuild rebuilds refresh refreshes reindex reload reloads resync resyncs \
     snapshot snapshots startup sweep vacuum warmup",
);

/// Words that mark a family as about what comes in, whatever brings it.
pub(crate) const INBOUND: Words = Words(
    "consume consumed consumer consumers handled inbound incoming ingress listener listeners processed processor \
     received receiver served server subscriber subscription",
);

/// Words of probes and scrapes of the service itself: no use, whatever counts them.
const PROBES: Words =
    Words("healthcheck healthchecks healthz livez readyz liveness readiness probes");

/// What follows a runtime's name, of any language, in a family that is its own.
const OF_ANY_RUNTIME: Words = Words("info version build gc memory heap threads runtime vm cpu");

/// The same, of single runtimes and of the libraries beside them.
const RUNTIME_PARTS: &[(&str, Words)] = &[
    ("go", Words("memstats goroutines sched cgo godebug sync")),
    (
        "process",
        Words(
            "cpu resident virtual start open max network memory threads heap files uptime runtime \
             num disk context involuntary voluntary io fds group",
        ),
    ),
    ("nodejs", Words("eventloop external active process")),
    ("jvm", Words("classes buffer compilation class thread")),
    (
        "dotnet",
        Words(
            "threadpool jit collection total exceptions contention monitor process thread assembly \
             timer",
        ),
    ),
    ("ruby", Words("thread rss process")),
    ("erlang", Words("mnesia")),
    // OpenTelemetry's metrics of the host.
    (
        "system",
        Words("cpu disk filesystem load memory network paging processes uptime"),
    ),
    ("promhttp", Words("metric")),
];

/// Word sequences of plumbing, at any depth of prefix.
const PLUMBING_ANYWHERE: &[&[&str]] = &[
    &["exporter", "last", "scrape"],
    &["scrape", "collector"],
    &["telemetry", "scrape"],
    &["collector", "duration"],
    &["collector", "success"],
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
    &["health", "check"],
    &["health", "checks"],
    &["metrics", "request"],
    &["metrics", "requests"],
    &["rate", "limiting"],
    &["routing", "match"],
    &["spring", "security"],
];

/// Word sequences of calls that are made, at any depth of prefix.
const OUTBOUND_ANYWHERE: &[&[&str]] = &[
    &["active", "record"],
    &["entity", "framework"],
    &["repo", "query"],
    &["system", "net", "http"],
    &["third", "party"],
];

/// First words of plumbing.
const PLUMBING_FIRST: Words =
    Words("scrape probe cache logback log4j log4j2 logger loggers logging");

/// First words of inventories.
const INVENTORY_FIRST: Words = Words("node container kube machine dcgm");

#[cfg(test)]
mod tests {
    use super::super::family::Family;
    use super::super::help::Help;
    use super::*;
    use crate::catalogue::SeriesNames;
    use crate::exposition::MetricType;

    #[test]
    fn names_say_what_a_family_is_about() {
        for (service, name, expected) in [
            ("shop", "go_info", Role::Runtime),
            ("consul", "consul_dataplane_go_info", Role::Runtime),
            ("shop", "nodejs_eventloop_lag_seconds", Role::Runtime),
            ("shop", "jvm_info_total", Role::Runtime),
            ("shop", "php_info", Role::Runtime),
            ("shop", "shop_ruby_version", Role::Runtime),
            (
                "shop",
                "promhttp_metric_handler_requests_total",
                Role::Runtime,
            ),
            ("shop", "scrape_duration_seconds", Role::Plumbing),
            (
                "node-exporter",
                "node_scrape_collector_duration_seconds",
                Role::Plumbing,
            ),
            ("shop", "probe_success", Role::Plumbing),
            ("kube-state-metrics", "kube_pod_info", Role::Inventory),
            (
                "kube-state-metrics",
                "kube_state_metrics_build_info",
                Role::Other,
            ),
            ("shop", "DCGM_FI_DEV_GPU_UTIL", Role::Inventory),
            ("node-exporter", "node_exporter_build_info", Role::Other),
            ("node-api", "node_api_requests_total", Role::Served),
            (
                "crio",
                "container_runtime_crio_operations_total",
                Role::Work,
            ),
            ("cache-proxy", "cache_proxy_requests_total", Role::Served),
            ("shop", "process_manager_requests_total", Role::Served),
            ("mattermost", "mattermost_api_time", Role::Served),
            ("mattermost", "mattermost_db_store_time", Role::Internal),
            (
                "manifesto-exporter",
                "manifesto_exporter_scrapes_total",
                Role::Other,
            ),
            ("operator", "rest_client_requests_total", Role::Outbound),
            ("shop", "shop_azure_api_duration_seconds", Role::Outbound),
            ("shop", "lettuce_command_completion_seconds", Role::Outbound),
            (
                "kube-scheduler",
                "apiserver_delegated_authn_request_total",
                Role::Outbound,
            ),
            ("mattermod", "mattermod_github_requests", Role::Outbound),
            ("shop", "shop_database_up", Role::Outbound),
            ("shop", "db_query_duration_seconds", Role::Outbound),
            ("redis", "redis_commands_total", Role::Work),
            ("shop", "redis_commands_total", Role::Work),
            ("shop", "stripe_requests_total", Role::Outbound),
            ("shop", "executor_completed_tasks_total", Role::Internal),
            ("redpanda", "redpanda_kafka_requests_total", Role::Served),
            ("grafana", "grafana_mysql_requests_total", Role::Outbound),
            ("prod-pulsar", "pulsar_publish_requests", Role::Served),
            (
                "pulsar-adapter",
                "pulsar_adapter_publish_requests",
                Role::Outbound,
            ),
            ("minio", "minio_s3_ttfb_seconds", Role::Served),
            ("shop", "shop_database_store_seconds", Role::Internal),
            (
                "shop",
                "spring_data_repository_invocations_seconds",
                Role::Internal,
            ),
            (
                "shop",
                "resilience4j_circuitbreaker_calls_seconds",
                Role::Outbound,
            ),
            ("shop", "shop_s3_requests_total", Role::Outbound),
            ("shop", "spring_kafka_listener_seconds", Role::Work),
            ("shop", "shop_cache_load_success_count", Role::Internal),
            ("shop", "shop_cache_http_requests_total", Role::Served),
            (
                "calls",
                "mattermost_plugin_calls_cluster_mutex_grab_time",
                Role::Internal,
            ),
            ("shop", "shop_jobs_total", Role::Work),
            ("shop", "shop_orders_total", Role::Other),
        ] {
            let subject = Subject::new(service, &[], SeriesNames::default());
            let family = Family::new(name, MetricType::Unknown, Help::default(), &subject);
            assert_eq!(family.role, expected, "{name} of {service}");
        }
    }
}
