//! O-9, first half: availability is exposed.

use crate::checks::naming::counters::{Counted, Share};
use crate::checks::naming::family::{Family, Part};
use crate::checks::naming::labels::Traits;
use crate::checks::naming::namespace::{Namespace, Namespaces};
use crate::checks::naming::products::BACKENDS;
use crate::checks::naming::role::Role as About;
use crate::checks::naming::words::Words;
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
    /// Counts requests or their outcomes; a label may tell the outcome too.
    Counter(Counted),
    /// Counts something of which the name says nothing: labels of requests and their outcomes may.
    Labelled(Counted),
    /// Counts what proves nothing, and is named where nothing else is there.
    Near,
    /// The series that the configuration names as proof.
    Configured,
}

impl Role {
    /// Whether a sample's value tells something, not only its series.
    pub fn heeds_values(&self) -> bool {
        match self {
            Role::Gauge => true,
            Role::Counter(_) | Role::Labelled(_) | Role::Near | Role::Configured => false,
        }
    }
}

/// Words of a key that says that a gauge is about something else than who exposes it.
const OTHERS: Words = Words(
    "backend broker check cluster component connection database datasource db dependency destination device host \
     instance interface job member name node partner peer pod pool provider proxy queue remote server service target \
     upstream url vendor",
);

/// Proxies, whose state is that of what they stand before.
const PROXIES: Words = Words("envoy haproxy nginx traefik varnish");

/// What may stand between the service's name and its state: the whole of it.
const WHOLE: Words = Words(
    "api app application core daemon http https instance main process program server service status system",
);

/// Things that have a state, and are not who exposes it.
const THINGS: Words = Words(
    "backend broker cache check cluster db dependency device disk endpoint host interface link member network node \
     peer queue replica target upstream",
);

/// Reads a name's role, once a name.
pub fn role(family: &Family, subject: &Subject) -> Option<Role> {
    if let Some(configured) = &subject.series.availability {
        // Only the configured series proves: a typo in it must show.
        return family.is_named(configured).then_some(Role::Configured);
    }
    match family.role {
        About::Runtime | About::Plumbing | About::Inventory => None,
        About::Outbound | About::Internal => family.counts().then_some(Role::Near),
        About::Served | About::Work | About::Other if is_state_gauge(family) => Some(Role::Gauge),
        About::Served | About::Work => Counted::of(family).map(Role::Counter),
        About::Other => Counted::of(family).map(Role::Counter).or_else(|| {
            let labelled = || Role::Labelled(Counted::by_labels(family));
            family.counts().then(labelled)
        }),
    }
}

/// `shop_up`, `prometheus_ready`, `vault_core_unsealed`, `app_status`, or exactly `status`; not `queue_messages_ready`, which
/// counts messages, nor `shop_database_up`, which is of what the service depends on.
fn is_state_gauge(family: &Family) -> bool {
    let gauge = matches!(
        family.kind,
        MetricType::Gauge | MetricType::Unknown | MetricType::StateSet
    );
    if !gauge || family.part != Part::Plain {
        return false;
    }
    let words: Vec<&str> = family.words().collect();
    let named_by = match &*words {
        [
            ..,
            "up" | "ready" | "healthy" | "unsealed" | "alive" | "available",
        ] => 1,
        [.., "health", "status"] | [.., "has", "leader"] | [.., "server", "live"] => 2,
        [.., "backend" | "server" | "frontend", "status"] => 2,
        [.., "app" | "application" | "service", "status"] => 2,
        [.., "status"] if family.is_own() => 1,
        ["status"] => 1,
        _ => return false,
    };
    let rest = family.rest().count().saturating_sub(named_by);
    let mut between = family.rest().take(rest);
    let first = words[0];
    let is_thing = match family.namespace {
        Namespace::Own | Namespace::Related => false,
        // A product that the service is not called after may be what it runs: the whole scrape tells.
        Namespace::Product => false,
        Namespace::Generic | Namespace::Other => THINGS.has(first) || BACKENDS.has(first),
    };
    !is_thing && between.all(|word| WHOLE.has(word))
}

/// What the request-like families of one scrape showed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence {
    configured: Option<String>,
    gauges: Vec<Gauge>,
    counters: Vec<Counter>,
    probe_only: Option<String>,
    near: Option<Near>,
}

/// One family of 0/1 gauges.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Gauge {
    namespace: Namespace,
    stem: String,
    name: String,
    series: String,
    /// Every value was 0 or 1, and every label about the service itself.
    own_state: bool,
}

/// One counting family.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Counter {
    counted: Counted,
    namespace: Namespace,
    /// It counts requests for sure, by its name or by its labels, rather than work.
    is_served: bool,
    stem: String,
    name: String,
    series: String,
    outcomes: u32,
    others: u32,
}

/// A family that counts, and proves nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Near {
    is_own: bool,
    name: String,
    series: String,
    why: &'static str,
}

impl Counter {
    /// Whether the values of its outcome labels are mostly outcomes.
    fn tells_outcomes(&self) -> bool {
        self.outcomes > 0 && self.outcomes >= self.others
    }

    /// Whether it counts requests, rather than only those that ended in one way.
    fn counts_requests(&self) -> bool {
        match self.counted.share {
            Share::All | Share::Success => self.counted.is_sure || self.tells_outcomes(),
            Share::Failure => false,
        }
    }
}

impl Evidence {
    /// Looks at one sample of a family with a role.
    pub(super) fn sample(
        &mut self,
        role: &Role,
        family: &Family,
        sample: &Sample<'_>,
        traits: &Traits<'_>,
        subject: &Subject,
    ) {
        match role {
            Role::Configured => {
                self.configured.get_or_insert_with(|| cite(sample.series()));
            }
            Role::Gauge => self.state(family, sample, subject),
            Role::Near => self.near(family, sample, family.role.describe()),
            Role::Counter(_) if traits.is_probe => {
                self.probe_only.get_or_insert_with(|| cite(sample.series()));
            }
            Role::Counter(_) if traits.is_outbound => {
                self.near(family, sample, About::Outbound.describe());
            }
            Role::Labelled(_) if !traits.is_request || traits.outcomes == 0 => {}
            Role::Labelled(_) if traits.is_probe => {
                self.probe_only.get_or_insert_with(|| cite(sample.series()));
            }
            Role::Labelled(_) if traits.is_outbound => {
                self.near(family, sample, About::Outbound.describe());
            }
            Role::Counter(counted) | Role::Labelled(counted) => {
                let is_served = family.role == About::Served || matches!(role, Role::Labelled(_));
                let counters = &mut self.counters;
                if let Some(counter) = counter(counters, counted, is_served, family, sample) {
                    counter.outcomes = counter.outcomes.saturating_add(traits.outcomes);
                    counter.others = counter.others.saturating_add(traits.other_outcomes);
                }
            }
        }
    }

    /// A 0/1 gauge of the service's own state, not one that reports on others, as `probe_up{target}`
    /// or our own `manifesto_target_up{service_name}` do. A proxy's `haproxy_backend_status{backend}` is its own.
    fn state(&mut self, family: &Family, sample: &Sample<'_>, subject: &Subject) {
        let binary = sample.value == 0.0 || sample.value == 1.0;
        let is_proxys =
            PROXIES.any(family.words().take(1)) && family.words().next_back() == Some("status");
        let own = is_proxys
            || sample.labels().all(|(key, value)| {
                subject.is(&value) || !snake(&key).split('_').any(|word| OTHERS.has(word))
            });
        let known = self
            .gauges
            .iter_mut()
            .find(|gauge| gauge.name == family.name);
        if let Some(gauge) = known {
            gauge.own_state &= binary && own;
            return;
        }
        if self.gauges.len() == FAMILIES_MAX {
            // One that is no state makes room.
            let Some(other) = self.gauges.iter().rposition(|gauge| !gauge.own_state) else {
                return;
            };
            self.gauges.remove(other);
        }
        self.gauges.push(Gauge {
            namespace: family.namespace,
            stem: family.stem.clone(),
            name: family.name.clone(),
            series: cite(sample.series()),
            own_state: binary && own,
        });
    }

    /// Keeps the nearest of what counts and proves nothing: one of the service's own before any other.
    fn near(&mut self, family: &Family, sample: &Sample<'_>, why: &'static str) {
        let nearer = |near: &Near| family.is_own() && !near.is_own;
        if self.near.as_ref().is_none_or(nearer) {
            self.near = Some(Near {
                is_own: family.is_own(),
                name: cite(&family.name),
                series: cite(sample.series()),
                why,
            });
        }
    }

    /// The finding, with what the whole scrape says of namespaces.
    pub fn judge(&self, subject: &Subject, namespaces: &Namespaces) -> Finding {
        if let Some(series) = &self.configured {
            return Finding::pass("availability is exposed by the configured series", series);
        }
        let admitted: Vec<&Counter> = self
            .counters
            .iter()
            .filter(|counter| namespaces.admits(counter.namespace, &counter.stem))
            .collect();
        // Requests, where any are counted, decide; then work that the program is there for.
        let has_requests = admitted
            .iter()
            .any(|counter| counter.is_served && counter.counts_requests());
        let deciding: Vec<&Counter> = admitted
            .iter()
            .copied()
            .filter(|counter| counter.is_served || !has_requests)
            .collect();
        by_outcome(&deciding)
            .or_else(|| by_pair(&deciding, &admitted))
            .or_else(|| self.by_state(namespaces))
            .unwrap_or_else(|| self.nothing(subject, &admitted))
    }

    fn by_state(&self, namespaces: &Namespaces) -> Option<Finding> {
        let own = |gauge: &&Gauge| gauge.own_state && namespaces.owns(gauge.namespace, &gauge.stem);
        let gauge = self.gauges.iter().find(own)?;
        let message = format!("availability is exposed by the state `{}`", gauge.name);
        Some(Finding::pass(message, &gauge.series))
    }

    fn nothing(&self, subject: &Subject, admitted: &[&Counter]) -> Finding {
        if let Some(wanted) = &subject.series.availability {
            let message = format!(
                "the configuration names `{wanted}` as the availability series, and it is not there"
            );
            return Finding::fail(Reason::Missing, message, vec![]);
        }
        let nearest = |wanted: fn(&Counter) -> bool| {
            admitted
                .iter()
                .filter(|counter| wanted(counter))
                .min_by_key(|counter| (counter.namespace, !counter.is_served))
        };
        let errors = nearest(|counter| counter.counted.share == Share::Failure);
        if let Some(requests) = nearest(Counter::counts_requests) {
            let errors = match errors {
                Some(errors) => format!("`{}` counts errors of something else", errors.name),
                None => "no counter of its errors beside it".to_owned(),
            };
            let message = format!(
                "`{}` counts requests without their outcome: no status label, {errors}",
                requests.name
            );
            return Finding::fail(Reason::NoOutcome, message, vec![requests.series.clone()]);
        }
        if let Some(errors) = errors {
            let message = format!("errors are counted (`{}`), requests are not", errors.name);
            return Finding::fail(Reason::ErrorsOnly, message, vec![errors.series.clone()]);
        }
        if let Some(series) = &self.probe_only {
            return Finding::fail(
                Reason::NotTheService,
                "requests are counted for scrapes and health probes alone, not for use",
                vec![series.clone()],
            );
        }
        let looked_for = "no availability series: looked for requests by outcome, requests with errors, or an up gauge";
        match self.nearest(admitted.len()) {
            Some((name, series, why)) => Finding::fail(
                Reason::Missing,
                format!("{looked_for}; the nearest, `{name}`, {why}"),
                vec![series],
            ),
            None => Finding::fail(Reason::Missing, looked_for, vec![]),
        }
    }

    /// What is named where nothing counts: the service's own first, then what is of another product.
    fn nearest(&self, admitted: usize) -> Option<(String, String, &'static str)> {
        let foreign = self
            .counters
            .first()
            .filter(|_| self.counters.len() > admitted);
        let near = self.near.as_ref();
        match (near.filter(|near| near.is_own), foreign, near) {
            (Some(near), _, _) | (None, None, Some(near)) => {
                Some((near.name.clone(), near.series.clone(), near.why))
            }
            (None, Some(counter), _) => Some((
                counter.name.clone(),
                counter.series.clone(),
                "is another product's; if it is what this service runs, add its name as an alias",
            )),
            (None, None, None) => None,
        }
    }
}

/// Of several, the service's own is the better proof.
fn by_outcome(counters: &[&Counter]) -> Option<Finding> {
    let counter = counters
        .iter()
        .filter(|counter| counter.counts_requests() && counter.tells_outcomes())
        .min_by_key(|counter| counter.namespace)?;
    let message = format!(
        "availability is exposed by the outcomes of `{}`",
        counter.name
    );
    Some(Finding::pass(message, &counter.series))
}

/// Requests of one counter with the outcomes of another.
fn by_pair(requests: &[&Counter], outcomes: &[&Counter]) -> Option<Finding> {
    let (requests, outcomes) = requests.iter().find_map(|requests| {
        let outcomes = outcomes
            .iter()
            .find(|outcomes| requests.counted.is_completed_by(&outcomes.counted))?;
        Some((requests, outcomes))
    })?;
    let message = format!(
        "availability is exposed by `{}` with `{}`",
        requests.name, outcomes.name
    );
    let mut finding = Finding::pass(message, &requests.series);
    finding.evidence.push(outcomes.series.clone());
    Some(finding)
}

/// The entry of a family, made when it is new. Where there are too many, one that tells no outcome
/// makes room.
fn counter<'a>(
    counters: &'a mut Vec<Counter>,
    counted: &Counted,
    is_served: bool,
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
        counted: counted.clone(),
        namespace: family.namespace,
        is_served,
        stem: family.stem.clone(),
        name: family.name.clone(),
        series: cite(sample.series()),
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
