//! A snapshot, and how it is put together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::SystemTime;

use jiff::{SignedDuration, Timestamp};

use super::instances::{decide, failing, most_common_version, series};
use super::judge::{Judge, JudgedEntity, moment};
use super::levels::held;
use super::missing::{Missing, missing};
use super::next_steps::{NextStep, next_steps};
use super::past::{Memory, Past, Remembered};
use super::ruleset::Ruleset;
use super::score::RuleStatus;
use super::state::{EstateState, ServiceState, ServiceVerdict, TargetState};
use crate::catalogue::Waived;
use crate::checks::scraped::instrumentation::Instrumentation;
use crate::checks::{Entity, Finding};
use crate::discovery::target::ServiceKey;
use crate::interner::Interner;
use crate::manifesto::{Manifesto, Rule, Scope};
use crate::sources::Answers;

/// Time alone changes verdicts on evidence (an age, a grace): everybody is judged anew this often.
/// What changes to the second is [`Ruleset::next_change`].
const JUDGED_FOR: SignedDuration = SignedDuration::from_secs(60);

/// Every verdict at one moment.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The moment.
    pub at: SystemTime,
    /// The rules and the catalogue judged by.
    pub ruleset: Arc<Ruleset>,
    /// What sources said.
    pub answers: Arc<Answers>,
    /// The estate's own verdicts.
    pub estate: Arc<EstateState>,
    /// Catalogued services that were not discovered, by name.
    pub missing: Vec<Missing>,
    /// Services, by name and environment.
    pub services: Vec<Arc<ServiceState>>,
    /// Targets, by URL.
    pub targets: Vec<Arc<TargetState>>,
    /// What is known of the past of those who are not there, should they come back.
    remembered: Remembered,
    /// Until when nobody need be judged anew for the sake of time alone.
    judged_until: Timestamp,
    findings: Arc<Interner<Finding>>,
}

impl Snapshot {
    /// Nothing known yet.
    pub fn empty(ruleset: &Arc<Ruleset>, at: SystemTime) -> Self {
        Self {
            at,
            ruleset: Arc::clone(ruleset),
            answers: Arc::default(),
            estate: Arc::default(),
            missing: Vec::new(),
            services: Vec::new(),
            targets: Vec::new(),
            remembered: Remembered::default(),
            judged_until: Timestamp::MIN,
            findings: Arc::default(),
        }
    }

    /// Merges what is known of each target, and nothing else, into verdicts of services.
    pub fn build(at: SystemTime, ruleset: &Arc<Ruleset>, targets: Vec<Arc<TargetState>>) -> Self {
        Self::of(at, ruleset, &Arc::default(), targets)
    }

    /// Judges what is known of each target and what sources say.
    pub fn of(
        at: SystemTime,
        ruleset: &Arc<Ruleset>,
        answers: &Arc<Answers>,
        targets: Vec<Arc<TargetState>>,
    ) -> Self {
        Self::after(&Self::empty(ruleset, at), at, ruleset, answers, targets)
    }

    /// The same, sharing with the snapshot before the services of which nothing has changed:
    /// most, each second. Where targets came or went, or sources said something new, which is
    /// rarer, every service is made anew.
    pub fn after(
        before: &Self,
        at: SystemTime,
        ruleset: &Arc<Ruleset>,
        answers: &Arc<Answers>,
        mut targets: Vec<Arc<TargetState>>,
    ) -> Self {
        let same_targets = before.has_targets(&targets);
        let still_holds = Arc::ptr_eq(&before.ruleset, ruleset)
            && same_targets
            && Arc::ptr_eq(&before.answers, answers)
            // A clock that is set back makes everything new.
            && (moment(before.at)..before.judged_until).contains(&moment(at));
        if !same_targets {
            targets.sort_by(|a, b| a.target.url.cmp(&b.target.url));
        }
        let teams = match still_holds {
            // Nobody asks.
            true => BTreeSet::new(),
            false => teams(ruleset, &targets),
        };
        let judge = Judge::new(ruleset, answers, &before.findings, teams, at);
        let services: Vec<_> = if still_holds {
            let again = |known: &Arc<ServiceState>| match before.holds(known, &targets) {
                true => Arc::clone(known),
                false => {
                    let places = known.targets.clone();
                    Arc::new(service(&known.key, places, &targets, before, &judge))
                }
            };
            before.services.iter().map(again).collect()
        } else {
            let mut by_service: BTreeMap<&ServiceKey, Vec<usize>> = BTreeMap::new();
            for (at, state) in targets.iter().enumerate() {
                by_service
                    .entry(&state.target.service)
                    .or_default()
                    .push(at);
            }
            by_service
                .into_iter()
                .map(|(key, places)| Arc::new(service(key, places, &targets, before, &judge)))
                .collect()
        };
        let remembered = match still_holds {
            true => before.remembered.clone(),
            false => {
                let (known, rules) = (&before.services, before.manifesto());
                before
                    .remembered
                    .after(known, rules, &services, judge.now())
            }
        };
        let (estate, judged_until) = match still_holds {
            true => (Arc::clone(&before.estate), before.judged_until),
            false => {
                let latest = judge.now() + JUDGED_FOR;
                let next = ruleset.next_change(judge.now()).unwrap_or(latest);
                let past = before.remembered.estate(&before.estate, before.manifesto());
                (Arc::new(judge.estate(past.as_ref())), next.min(latest))
            }
        };
        Self {
            at,
            ruleset: Arc::clone(ruleset),
            answers: Arc::clone(answers),
            estate,
            missing: missing(&ruleset.catalogue, &services),
            services,
            targets,
            remembered,
            judged_until,
            findings: Arc::clone(&before.findings),
        }
    }

    /// The same, knowing what an earlier process knew: everybody is judged anew with it next.
    pub fn recalling(&self, memory: Memory) -> Self {
        Self {
            remembered: self.remembered.recalling(memory, moment(self.at)),
            judged_until: Timestamp::MIN,
            ..self.clone()
        }
    }

    /// The rules judged by.
    pub fn manifesto(&self) -> &Manifesto {
        &self.ruleset.manifesto
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
                    && Arc::ptr_eq(&before.series, &now.series)
                    && before.version == now.version
                    && before.resource == now.resource
                    && before.is_up() == now.is_up()
                    && before.has_metrics() == now.has_metrics()
        })
    }

    /// How many services, or whether the estate, have each status: for each rule, in the order of
    /// [`RuleStatus`].
    pub fn rule_counts(&self) -> Vec<[usize; 5]> {
        let mut counts = vec![[0; 5]; self.manifesto().rules().len()];
        for verdict in self.verdicts() {
            counts[verdict.rule][verdict.status as usize] += 1;
        }
        counts
    }

    /// Every verdict, of services and of the estate.
    pub fn verdicts(&self) -> impl Iterator<Item = &ServiceVerdict> {
        let of_services = self.services.iter().flat_map(|service| &service.verdicts);
        of_services.chain(&self.estate.verdicts)
    }

    /// What to configure next, what proves the most first.
    pub fn next_steps(&self) -> Vec<NextStep> {
        next_steps(self.verdicts())
    }

    /// The instances for which a service violates a rule, each with what was found; none where
    /// other evidence than scrapes decides.
    pub fn failing_instances(
        &self,
        service: &ServiceState,
        verdict: &ServiceVerdict,
    ) -> Vec<(&TargetState, &Finding)> {
        // By what sources say, no instance is judged.
        if !matches!(verdict.status, RuleStatus::Fail | RuleStatus::Waived) {
            return Vec::new();
        }
        let instances = service.targets.iter().map(|place| &*self.targets[*place]);
        failing(self.rule(verdict), &instances.collect::<Vec<_>>())
    }

    /// One service.
    pub fn service(&self, key: &ServiceKey) -> Option<&ServiceState> {
        let place = self.services.binary_search_by(|known| known.key.cmp(key));
        place.ok().map(|place| &*self.services[place])
    }

    /// The rule of a verdict.
    pub fn rule(&self, verdict: &ServiceVerdict) -> &Rule {
        &self.manifesto().rules()[verdict.rule]
    }
}

/// The teams that own anything.
fn teams(ruleset: &Ruleset, targets: &[Arc<TargetState>]) -> BTreeSet<String> {
    let written = ruleset.catalogue.entries().map(|entry| &entry.team);
    let discovered = targets.iter().map(|state| &state.target.team);
    let named = written.chain(discovered).filter(|team| !team.is_empty());
    named.cloned().collect()
}

/// Judges one service by its instances and by what sources say of it.
fn service(
    key: &ServiceKey,
    places: Vec<usize>,
    targets: &[Arc<TargetState>],
    before: &Snapshot,
    judge: &Judge<'_>,
) -> ServiceState {
    let entry = judge.ruleset.catalogue.find(&key.name).cloned();
    let subject = judge.ruleset.subject(&key.name);
    let instances: Vec<&TargetState> = places.iter().map(|at| targets[*at].as_ref()).collect();
    let known = before.service(key);
    let known = known.map(|known| Past::of_service(known, before.manifesto()));
    let past = before.remembered.service(known, key, judge.now());
    let team = entry
        .iter()
        .map(|entry| entry.team.as_str())
        .chain(instances.iter().map(|i| i.target.team.as_str()))
        .find(|team| !team.is_empty())
        .unwrap_or("")
        .to_owned();
    let first_seen = past.as_ref().map_or(judge.now(), |past| past.first_seen);
    let created = entry.as_ref().and_then(|entry| entry.created);
    let created = created.and_then(|day| day.to_zoned(jiff::tz::TimeZone::UTC).ok());
    let judged = JudgedEntity {
        entity: Entity::Service {
            key,
            subject: &subject,
            entry: entry.as_deref(),
        },
        waived: Waived::Service {
            name: &key.name,
            environment: &key.environment,
            team: &team,
            entry: entry.as_deref(),
        },
        known_since: created.map_or(first_seen, |day| day.timestamp().min(first_seen)),
        before: past.as_ref(),
    };
    let scraped = |rule: &Rule| {
        let (instance, finding) = decide(rule, &instances)?;
        Some((finding, Arc::clone(&instance.target)))
    };
    let (verdicts, score) = judge.verdicts(Scope::Service, judged, scraped);
    let tier = entry.as_ref().map_or("", |entry| &entry.tier);
    let ruleset = judge.ruleset;
    ServiceState {
        level: held(&ruleset.levels, tier, &verdicts, &ruleset.manifesto),
        key: key.clone(),
        team,
        version: most_common_version(&instances),
        instrumentation: Instrumentation::of(
            instances
                .iter()
                .filter_map(|instance| instance.resource.as_deref()),
        ),
        entry,
        verdicts,
        series: series(&instances),
        score,
        targets: places,
        first_seen,
    }
}
