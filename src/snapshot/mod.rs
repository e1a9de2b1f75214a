//! Every verdict at one moment: immutable, swapped whole. Metrics, page and API read nothing else.

mod law;
mod score;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use self::law::missing;
pub use self::law::{Law, Missing};
pub use self::score::{RuleStatus, Score};
use crate::catalogue::Entry;
use crate::checks::{Check, Finding, Reason, Status, Verdict};
use crate::discovery::target::{ServiceKey, Target};
use crate::manifesto::{Manifesto, Rule};
use crate::scrape::DownReason;

/// What is known of one target.
#[derive(Debug, Clone)]
pub struct TargetState {
    /// The target.
    pub target: Arc<Target>,
    /// Its last scrape, `None` before the first.
    pub scrape: Option<Scrape>,
    /// One verdict per rule in force, in the manifesto's order.
    pub verdicts: Arc<[Verdict]>,
    /// The version that O-8's pass rests on.
    pub version: Option<Arc<str>>,
}

impl TargetState {
    /// Whether the last scrape was measured.
    pub fn is_up(&self) -> bool {
        self.scrape
            .as_ref()
            .is_some_and(|scrape| scrape.down.is_none())
    }
}

/// The figures of one scrape.
#[derive(Debug, Clone, PartialEq)]
pub struct Scrape {
    /// When it began.
    pub at: SystemTime,
    /// From DNS to the last byte.
    pub duration: Duration,
    /// Samples read.
    pub samples: u64,
    /// Decompressed body.
    pub body_bytes: u64,
    /// Why the target is down, with the sentence; `None` while it is up.
    pub down: Option<(DownReason, String)>,
    /// Violations of the format that Prometheus tolerates.
    pub violations: u64,
    /// The first of them, with line and column.
    pub first_violation: Option<Arc<str>>,
}

/// One rule's verdict for one service: its worst measured instance's.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceVerdict {
    /// The rule's place in [`Manifesto::rules`].
    pub rule: usize,
    /// The outcome.
    pub status: RuleStatus,
    /// What the deciding instance's check found.
    pub finding: Arc<Finding>,
    /// The deciding instance.
    pub target: Arc<Target>,
}

/// One service in one environment.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceState {
    /// Name and environment.
    pub key: ServiceKey,
    /// What the catalogue says of it, if it does.
    pub entry: Option<Arc<Entry>>,
    /// The owning team by the catalogue, else by discovery; `""` where nobody says.
    pub team: String,
    /// The version most of its instances run, `""` where none is known.
    pub version: String,
    /// One verdict per rule of scope `service`.
    pub verdicts: Vec<ServiceVerdict>,
    /// How far it complies.
    pub score: Score,
    /// Its instances' places in [`Snapshot::targets`].
    pub targets: Vec<usize>,
}

impl ServiceState {
    /// How many rules have this status.
    pub fn count(&self, status: RuleStatus) -> usize {
        self.verdicts
            .iter()
            .filter(|verdict| verdict.status == status)
            .count()
    }
}

/// Every verdict at one moment.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The moment.
    pub at: SystemTime,
    /// The rules and the catalogue judged by.
    pub law: Law,
    /// Catalogued services that were not discovered, by name.
    pub missing: Vec<Missing>,
    /// Services, by name and environment.
    pub services: Vec<Arc<ServiceState>>,
    /// Targets, by URL.
    pub targets: Vec<Arc<TargetState>>,
}

impl Snapshot {
    /// Nothing known yet.
    pub fn empty(law: &Law, at: SystemTime) -> Self {
        Self {
            at,
            law: law.clone(),
            missing: Vec::new(),
            services: Vec::new(),
            targets: Vec::new(),
        }
    }

    /// Merges what is known of each target into verdicts of services.
    pub fn build(at: SystemTime, law: &Law, targets: Vec<Arc<TargetState>>) -> Self {
        Self::after(&Self::empty(law, at), at, law, targets)
    }

    /// The same, sharing with the snapshot before the services of which nothing has changed:
    /// most, each second. Where targets came or went, which is rare, every service is made anew.
    pub fn after(
        before: &Self,
        at: SystemTime,
        law: &Law,
        mut targets: Vec<Arc<TargetState>>,
    ) -> Self {
        let services: Vec<_> = if before.law.is(law) && before.has_targets(&targets) {
            let again = |known: &Arc<ServiceState>| match before.holds(known, &targets) {
                true => Arc::clone(known),
                false => {
                    let places = known.targets.clone();
                    Arc::new(service(&known.key, places, &targets, law))
                }
            };
            before.services.iter().map(again).collect()
        } else {
            targets.sort_by(|a, b| a.target.url.cmp(&b.target.url));
            let mut by_service: BTreeMap<&ServiceKey, Vec<usize>> = BTreeMap::new();
            for (at, state) in targets.iter().enumerate() {
                by_service
                    .entry(&state.target.service)
                    .or_default()
                    .push(at);
            }
            by_service
                .into_iter()
                .map(|(key, places)| Arc::new(service(key, places, &targets, law)))
                .collect()
        };
        Self {
            at,
            law: law.clone(),
            missing: missing(&law.catalogue, &services),
            services,
            targets,
        }
    }

    /// The rules judged by.
    pub fn manifesto(&self) -> &Manifesto {
        &self.law.manifesto
    }

    /// Whether these are the same targets in the same order.
    fn has_targets(&self, targets: &[Arc<TargetState>]) -> bool {
        let mut pairs = self.targets.iter().zip(targets);
        self.targets.len() == targets.len()
            && pairs.all(|(before, now)| Arc::ptr_eq(&before.target, &now.target))
    }

    /// Whether one of these services would be made the same of these targets.
    fn holds(&self, service: &ServiceState, targets: &[Arc<TargetState>]) -> bool {
        service.targets.iter().all(|&place| {
            let (before, now) = (&self.targets[place], &targets[place]);
            Arc::ptr_eq(before, now)
                || Arc::ptr_eq(&before.verdicts, &now.verdicts)
                    && before.version == now.version
                    && before.is_up() == now.is_up()
        })
    }

    /// The rule of a verdict.
    pub fn rule(&self, verdict: &ServiceVerdict) -> &Rule {
        &self.manifesto().rules()[verdict.rule]
    }
}

/// Judges one service by its instances.
fn service(
    key: &ServiceKey,
    places: Vec<usize>,
    targets: &[Arc<TargetState>],
    law: &Law,
) -> ServiceState {
    let manifesto = &law.manifesto;
    let entry = law.catalogue.find(&key.name).cloned();
    let instances: Vec<&TargetState> = places.iter().map(|at| targets[*at].as_ref()).collect();
    let mut score = Score::default();
    let mut verdicts = Vec::with_capacity(manifesto.rules().len());
    for (place, rule) in manifesto.rules().iter().enumerate() {
        let Some((instance, finding)) = decide(rule, &instances) else {
            continue;
        };
        let status = RuleStatus::from(finding.status);
        score.add(status, rule.severity.weight());
        verdicts.push(ServiceVerdict {
            rule: place,
            status,
            finding,
            target: instance.target.clone(),
        });
    }
    ServiceState {
        key: key.clone(),
        team: entry
            .iter()
            .map(|entry| entry.team.as_str())
            .chain(instances.iter().map(|i| i.target.team.as_str()))
            .find(|team| !team.is_empty())
            .unwrap_or("")
            .to_owned(),
        entry,
        version: most_common_version(&instances),
        verdicts,
        score,
        targets: places,
    }
}

/// The worst of the measured instances; unknown only where none could be measured.
fn decide<'a>(
    rule: &Rule,
    instances: &[&'a TargetState],
) -> Option<(&'a TargetState, Arc<Finding>)> {
    let port = rule.checks.iter().find_map(|check| match check {
        Check::Endpoint { port } => Some(*port),
        _ => None,
    });
    let serving: HashSet<&str> = instances
        .iter()
        .filter(|other| Some(other.target.url.port) == port && other.is_up())
        .map(|other| other.target.url.host.as_str())
        .collect();
    let judged = instances.iter().map(|instance| {
        // A reload may have brought a rule that this target was not judged by yet.
        let verdict = instance
            .verdicts
            .iter()
            .find(|verdict| verdict.rule == rule.id);
        let finding = verdict.map(|verdict| &verdict.finding);
        // O-7 fails where metrics are found *only* elsewhere: a second port of a host that also
        // serves the port asked for is no fault.
        let excused = finding.is_some_and(|finding| finding.reason == Reason::OtherPort)
            && serving.contains(instance.target.url.host.as_str());
        (
            *instance,
            if excused {
                Judged::Excused
            } else {
                Judged::As(finding)
            },
        )
    });
    let (worst, judged) = judged.max_by_key(|(_, judged)| judged.badness())?;
    let finding = match judged {
        Judged::Excused => Arc::new(Finding::not_applicable(
            Reason::ServedByAnother,
            format!(
                "port {} of the same host serves metrics too",
                port.unwrap_or_default()
            ),
        )),
        Judged::As(Some(finding)) => Arc::clone(finding),
        Judged::As(None) => Arc::new(Finding::unknown(
            Reason::NotScrapedYet,
            "not scraped since the rule came into force",
        )),
    };
    Some((worst, finding))
}

/// What one instance says of a rule.
#[derive(Clone, Copy)]
enum Judged<'a> {
    /// What its check found; `None` where it was not asked yet.
    As(Option<&'a Arc<Finding>>),
    /// Another port of its host does what is asked.
    Excused,
}

impl Judged<'_> {
    /// Unknown decides only where nothing was measured; a pass with a warning is the worse pass.
    fn badness(self) -> u8 {
        let Judged::As(finding) = self else { return 0 };
        match finding.map(|finding| (finding.status, finding.reason)) {
            Some((Status::NotApplicable, _)) => 0,
            None | Some((Status::Unknown, _)) => 1,
            Some((Status::Pass, Reason::ProvenWeakly)) => 3,
            Some((Status::Pass, _)) => 2,
            Some((Status::Fail, _)) => 4,
        }
    }
}

/// One version names a service in `manifesto_service_info`; of several, what most instances run.
fn most_common_version(instances: &[&TargetState]) -> String {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for version in instances
        .iter()
        .filter_map(|instance| instance.version.as_deref())
    {
        *counts.entry(version).or_default() += 1;
    }
    let most = counts
        .into_iter()
        .max_by_key(|(version, count)| (*count, std::cmp::Reverse(*version)));
    most.map_or_else(String::new, |(version, _)| version.to_owned())
}
