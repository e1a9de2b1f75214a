//! Whose a family is, by the words that its name begins with: the service's own, nobody's, or
//! somebody else's. What a whole scrape says of that is in [`Namespaces`].

use super::products::{
    BACKENDS, CLIENT_LIBRARIES, GENERIC, OUTBOUND, PRODUCTS, SIDECARS, is_component,
};
use super::words::{Words, words};
use crate::checks::subject::Subject;

/// Namespaces told apart in one scrape; an application has a handful.
const NAMESPACES_MAX: usize = 64;

/// Families that a foreign namespace needs for the service to be that product under another name.
const DOMINANT_FAMILIES_MIN: u32 = 3;

/// Words before the service's name: `container_runtime_crio_operations`, `mattermost_plugin_calls_jobs`.
const VENDOR_WORDS_MAX: usize = 2;

/// Bytes of a word that begins the service's name for it to be told by it: `istiod` is of `istio`.
const TELLING_BYTES_MIN: usize = 4;

/// What PromEx puts between an application's name and what it measures: no word of either.
const LIBRARY_MARK: &str = "_prom_ex_";

/// Names that say nothing of whose a family is, where they do not begin it.
pub(crate) const GENERIC_NAMES: Words = Words(
    "admin agent api app application auth backend batch cache client cluster collector controller core cron \
     data database db edge exporter frontend gateway grpc http https job jobs main manager metrics monitor node \
     operator plugin proxy queue request requests rest scheduler server service storage store system task tasks user \
     users web webhook worker",
);

/// What is said behind the name of a product of where and how it runs.
const PLACED: Words = Words(
    "cluster db dev follower ha headless instance leader live main master node operator primary prod production replica \
     secondary server servers service staging standby svc test",
);

/// Whose a family is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Namespace {
    /// It begins with the service's name or an alias, or with its vendor's and then the service's.
    Own,
    /// It begins with the name of the product that the service is, or exports.
    Related,
    /// It begins with a word that everybody uses: `http_`, `app_`, `request_`.
    Generic,
    /// It begins with a word of which nothing is known.
    Other,
    /// It begins with the name of a known product that the service is not called after.
    Product,
}

impl Namespace {
    /// Reads a (snake_case) stem: whose it is, and how many of its bytes say so.
    pub(crate) fn of(stem: &str, subject: &Subject) -> (Self, usize) {
        let (namespace, bytes) = Self::by_words(stem, subject);
        let mark = stem.find(LIBRARY_MARK).map(|at| at + LIBRARY_MARK.len());
        (namespace, bytes.max(mark.unwrap_or_default()))
    }

    fn by_words(stem: &str, subject: &Subject) -> (Self, usize) {
        let own = subject
            .names()
            .iter()
            .filter_map(|name| own_bytes(stem, name))
            .max();
        if let Some(bytes) = own {
            return (Namespace::Own, bytes);
        }
        let first = words(stem).next().unwrap_or_default();
        let before = stem.len() - stem.trim_start_matches('_').len();
        let bytes = stem.len().min(before + first.len() + 1);
        let namespace = if subject
            .names()
            .iter()
            .any(|name| is_related(stem, first, name))
        {
            Namespace::Related
        } else if GENERIC.has(first) {
            Namespace::Generic
        } else if PRODUCTS.has(first) || SIDECARS.has(first) {
            Namespace::Product
        } else {
            Namespace::Other
        };
        (namespace, bytes)
    }
}

/// How many bytes of a stem name the service, the underscore behind them included.
fn own_bytes(stem: &str, name: &str) -> Option<usize> {
    if let Some(bytes) = after(stem, name) {
        return Some(bytes);
    }
    if words(name).all(|word| GENERIC_NAMES.has(word)) {
        return None;
    }
    let mut from = 0;
    for _ in 0..VENDOR_WORDS_MAX {
        let length = stem[from..].find('_')?;
        if is_no_vendor(&stem[from..from + length]) {
            return None;
        }
        from += length + 1;
        if let Some(bytes) = after(&stem[from..], name) {
            return Some(from + bytes);
        }
    }
    None
}

/// Whether a word before the service's name says what it does with it: `kafka_orders_messages`, `http_client_orders`.
fn is_no_vendor(word: &str) -> bool {
    let lists = [BACKENDS, CLIENT_LIBRARIES, SIDECARS, OUTBOUND];
    // nginx has services of its own, as `nginx_ingress_controller`.
    word == "db" || (word != "nginx" && lists.iter().any(|words| words.has(word)))
}

/// Whether the service is the product that a stem begins with, or exports it.
fn is_related(stem: &str, first: &str, name: &str) -> bool {
    let exported = name.strip_suffix("_exporter");
    if exported.is_some_and(|exported| after(stem, exported).is_some()) || is_component(first, name)
    {
        return true;
    }
    if GENERIC.has(first) || GENERIC_NAMES.has(first) {
        return false;
    }
    // `istiod`, `dockerd`: the daemon of what the metrics are called after.
    let daemon = words(name).next().and_then(|word| word.strip_suffix('d'));
    if first.len() >= TELLING_BYTES_MIN && daemon == Some(first) {
        return true;
    }
    // `prod-postgres`, `redis-master-0`; `orders-kafka-sync` is no Kafka.
    let is_placed = |word: &str| PLACED.has(word) || word.bytes().all(|b| b.is_ascii_digit());
    let mut behind = words(name).rev().skip_while(|word| is_placed(word));
    behind.next() == Some(first)
}

/// The offset behind `prefix` and an underscore in `name`, where it begins so or is the same. Where words end
/// does not matter: names of metrics have no hyphen, so that `cert-manager` writes `certmanager_`, and `clickhouse`
/// `ClickHouse_`.
fn after(name: &str, prefix: &str) -> Option<usize> {
    let mut at = 0;
    for wanted in words(prefix).flat_map(str::bytes) {
        at += usize::from(name.as_bytes().get(at) == Some(&b'_'));
        if name.as_bytes().get(at) != Some(&wanted) {
            return None;
        }
        at += 1;
    }
    match name.as_bytes().get(at) {
        _ if at == 0 => None,
        None => Some(at),
        Some(b'_') => Some(at + 1),
        Some(_) => None,
    }
}

/// How many families of one scrape are whose.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Namespaces {
    /// Nobody said which service it is: any namespace may be its own.
    anonymous: bool,
    /// Families that are the service's by their name.
    own: u32,
    /// First words of the others, generic ones left out, with their families.
    others: Vec<(String, u32)>,
    last_stem: String,
}

impl Namespaces {
    /// Starts a scrape of a service.
    pub(crate) fn new(subject: &Subject) -> Self {
        Self {
            anonymous: !subject.is_known(),
            ..Self::default()
        }
    }

    /// Counts a family that may speak for the application. Its parts (`x_bucket`, `x_sum`) follow each other.
    pub(crate) fn add(&mut self, namespace: Namespace, stem: &str) {
        if self.last_stem == stem {
            return;
        }
        stem.clone_into(&mut self.last_stem);
        match namespace {
            Namespace::Own | Namespace::Related => self.own = self.own.saturating_add(1),
            Namespace::Generic => {}
            Namespace::Other | Namespace::Product => {
                let first = words(stem).next().unwrap_or_default();
                let has_room = self.others.len() < NAMESPACES_MAX;
                match self.others.iter_mut().find(|(known, _)| known == first) {
                    Some((_, families)) => *families = families.saturating_add(1),
                    None if has_room => self.others.push((first.to_owned(), 1)),
                    None => {}
                }
            }
        }
    }

    /// Whether a family of this namespace speaks for the service as far as requests go: a word of which
    /// nothing is known may be a part of it.
    pub(crate) fn admits(&self, namespace: Namespace, stem: &str) -> bool {
        match namespace {
            Namespace::Own | Namespace::Related | Namespace::Generic | Namespace::Other => true,
            Namespace::Product => self.anonymous || self.is_dominant(stem),
        }
    }

    /// Whether a family of this namespace is the program's own for sure.
    pub(crate) fn owns(&self, namespace: Namespace, stem: &str) -> bool {
        match namespace {
            Namespace::Own | Namespace::Related | Namespace::Generic => true,
            Namespace::Other | Namespace::Product => self.is_dominant(stem),
        }
    }

    /// Whether the service is what the namespace is called after, under another name: it has no family of
    /// its own, and most of what it has begins so. A program that runs beside it is never that.
    fn is_dominant(&self, stem: &str) -> bool {
        let first = words(stem).next().unwrap_or_default();
        let all: u32 = self.others.iter().map(|(_, families)| families).sum();
        let known = self.others.iter().find(|(known, _)| known == first);
        let families = known.map_or(0, |(_, families)| *families);
        let most = families * 2 > all;
        match self.anonymous {
            true => most || !SIDECARS.has(first),
            false => {
                self.own == 0 && families >= DOMINANT_FAMILIES_MIN && most && !SIDECARS.has(first)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::SeriesNames;

    fn of(service: &str, stem: &str) -> (Namespace, usize) {
        Namespace::of(stem, &Subject::new(service, &[], SeriesNames::default()))
    }

    #[test]
    fn the_first_words_say_whose_a_family_is() {
        for (service, stem, namespace, rest) in [
            ("shop", "shop_orders", Namespace::Own, "orders"),
            ("shop", "shop", Namespace::Own, ""),
            ("shop", "shopping_orders", Namespace::Other, "orders"),
            (
                "crio",
                "container_runtime_crio_operations",
                Namespace::Own,
                "operations",
            ),
            (
                "calls",
                "mattermost_plugin_calls_jobs",
                Namespace::Own,
                "jobs",
            ),
            // No more words before it than a vendor has.
            (
                "calls",
                "a_b_c_calls_jobs",
                Namespace::Other,
                "b_c_calls_jobs",
            ),
            ("shopd", "shop_orders", Namespace::Related, "orders"),
            ("my-shopd", "shop_orders", Namespace::Other, "orders"),
            // Too short to be told by.
            ("nsd", "ns_queries", Namespace::Other, "queries"),
            // A name that everybody uses names nobody.
            (
                "server",
                "grpc_server_handled",
                Namespace::Generic,
                "server_handled",
            ),
            (
                "redis-exporter",
                "redis_commands",
                Namespace::Related,
                "commands",
            ),
            (
                "kube-apiserver",
                "kubernetes_build_info",
                Namespace::Related,
                "build_info",
            ),
            ("istiod", "istio_build", Namespace::Related, "build"),
            ("redis-master-0", "redis_keys", Namespace::Related, "keys"),
            ("orders-kafka-sync", "kafka_lag", Namespace::Product, "lag"),
            (
                "orders",
                "kafka_orders_messages",
                Namespace::Product,
                "orders_messages",
            ),
            (
                "orders",
                "http_client_orders_requests",
                Namespace::Generic,
                "client_orders_requests",
            ),
            // Underscores before the first word are no word.
            ("shop", "__http_requests", Namespace::Generic, "requests"),
            ("shop", "__é_requests", Namespace::Other, "requests"),
            ("shop", "_shop_requests", Namespace::Own, "requests"),
            // A name of nothing but separators names nobody.
            ("-", "_orders", Namespace::Other, ""),
            (
                "cert-manager",
                "certmanager_sync_calls",
                Namespace::Own,
                "sync_calls",
            ),
            (
                "clickhouse",
                "click_house_profile_events",
                Namespace::Own,
                "profile_events",
            ),
            ("click", "clickhouse_queries", Namespace::Product, "queries"),
            (
                "shop",
                "shop_prom_ex_phoenix_http",
                Namespace::Own,
                "phoenix_http",
            ),
            (
                "till",
                "shop_prom_ex_phoenix_http",
                Namespace::Other,
                "phoenix_http",
            ),
            ("prod-postgres", "pg_static", Namespace::Related, "static"),
            (
                "stack-grafana",
                "grafana_build_info",
                Namespace::Related,
                "build_info",
            ),
            ("shop", "http_requests", Namespace::Generic, "requests"),
            (
                "shop",
                "envoy_server_version",
                Namespace::Product,
                "server_version",
            ),
            ("shop", "orders_placed", Namespace::Other, "placed"),
        ] {
            let (found, bytes) = of(service, stem);
            assert_eq!(
                (found, &stem[bytes..]),
                (namespace, rest),
                "{stem} of {service}"
            );
        }
    }

    #[test]
    fn a_foreign_namespace_is_the_services_where_it_is_nearly_all_there_is() {
        let scrape = |families: &[(Namespace, &str)]| {
            let mut namespaces = Namespaces::default();
            for (namespace, stem) in families {
                namespaces.add(*namespace, stem);
            }
            namespaces
        };
        let (other, product) = (Namespace::Other, Namespace::Product);
        let coredns = [
            (product, "coredns_a"),
            (product, "coredns_b"),
            (product, "coredns_c"),
        ];
        assert!(scrape(&coredns).owns(product, "coredns_build_info"));
        assert!(
            !scrape(&coredns[..2]).owns(product, "coredns_build_info"),
            "too few to tell"
        );
        assert!(scrape(&coredns).admits(product, "coredns_requests"));
        let mut with_own = coredns.to_vec();
        with_own.push((Namespace::Own, "shop_orders"));
        assert!(!scrape(&with_own).owns(product, "coredns_build_info"));
        let mut shared = coredns.to_vec();
        shared.extend([(other, "a_a"), (other, "b_b"), (other, "c_c")]);
        assert!(
            !scrape(&shared).owns(product, "coredns_build_info"),
            "half is not most"
        );
        assert!(
            scrape(&shared[..5]).owns(product, "coredns_build_info"),
            "three of five are most"
        );
        let envoy = [
            (product, "envoy_a"),
            (product, "envoy_b"),
            (product, "envoy_c"),
        ];
        assert!(
            !scrape(&envoy).owns(product, "envoy_server_version"),
            "runs beside services"
        );
        assert!(
            scrape(&[]).admits(other, "orders_requests"),
            "may be a part of it"
        );
        assert!(!scrape(&[]).admits(product, "redis_commands"));
    }

    #[test]
    fn of_a_service_that_nobody_names_any_namespace_may_be_its_own() {
        let scrape = |stems: &[&str]| {
            let mut namespaces = Namespaces::new(&Subject::new("", &[], SeriesNames::default()));
            for stem in stems {
                namespaces.add(Namespace::Product, stem);
            }
            namespaces
        };
        let owns = |stems, stem| scrape(stems).owns(Namespace::Product, stem);
        let shared = ["envoy_a", "redis_a", "redis_b"];
        assert!(owns(&["redis_a", "envoy_a", "envoy_b"], "redis_build_info"));
        assert!(owns(&["envoy_a", "envoy_b", "redis_a"], "envoy_version"));
        assert!(!owns(&shared, "envoy_version"), "runs beside services");
        assert!(scrape(&shared).admits(Namespace::Product, "envoy_requests"));
    }

    /// What a target sends fills no memory.
    #[test]
    fn namespaces_are_bounded() {
        let mut namespaces = Namespaces::default();
        for place in 0..2 * NAMESPACES_MAX {
            namespaces.add(Namespace::Other, &format!("n{place}_a"));
        }
        assert_eq!(namespaces.others.len(), NAMESPACES_MAX);
    }
}
