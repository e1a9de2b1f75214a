//! What judging asks of the past. Services that left lately are remembered, so that one that is deployed
//! anew does not lose its past, and so are those that an earlier process judged.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::score::RuleStatus;
use super::state::{Carried, EstateState, Failing, ServiceState, ServiceVerdict};
use crate::discovery::target::ServiceKey;
use crate::manifesto::{Definition, Manifesto};
use crate::rule_id::RuleId;

/// How long a service that is not there is remembered, and how many are.
const REMEMBERED_FOR: SignedDuration = SignedDuration::from_hours(24);
const REMEMBERED_MAX: usize = 10_000;

/// What is known of one rule from before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PastVerdict {
    /// The rule.
    pub rule: RuleId,
    /// How it was judged then: an outcome of other checks is not carried over.
    pub definition: Definition,
    /// Its status then.
    pub status: RuleStatus,
    /// When that was, where it is longer ago than the look before this one.
    pub at: Option<Timestamp>,
    /// Since when it was violated.
    pub failing: Option<Failing>,
    /// The outcome that was carried over.
    pub carried: Option<Carried>,
}

impl PastVerdict {
    /// Of a verdict by the rules that it was given by.
    pub fn of(verdict: &ServiceVerdict, manifesto: &Manifesto) -> Self {
        Self {
            rule: manifesto.rules()[verdict.rule].id,
            definition: manifesto.definition(verdict.rule),
            status: verdict.status,
            at: None,
            failing: verdict.failing,
            carried: verdict.carried,
        }
    }

    /// With what an earlier memory of the same rule knows and this one does not.
    fn with(self, earlier: &PastVerdict) -> Self {
        let failing = match (self.failing, earlier.failing) {
            // It was so at the first look: who looked before knows since when.
            (Some(now), Some(then)) if !now.is_exact && then.since < now.since => Some(then),
            (None, then) if self.status == RuleStatus::Unknown => then,
            (now, _) => now,
        };
        if self.status != RuleStatus::Unknown || self.carried.is_some() {
            return Self { failing, ..self };
        }
        // It was not measured since: what was measured before stands in for it.
        Self {
            failing,
            ..*earlier
        }
    }
}

/// What is known of a service, or of the estate, from before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// When it was first seen.
    pub first_seen: Timestamp,
    /// What is known of its rules.
    pub verdicts: Vec<PastVerdict>,
}

impl Past {
    /// What is known of a service now.
    pub fn of_service(service: &ServiceState, manifesto: &Manifesto) -> Self {
        Self::of(service.first_seen, &service.verdicts, manifesto)
    }

    /// What is known of the estate now, once it was judged.
    fn of_estate(estate: &EstateState, manifesto: &Manifesto) -> Option<Self> {
        let first_seen = estate.first_seen?;
        Some(Self::of(first_seen, &estate.verdicts, manifesto))
    }

    fn of(first_seen: Timestamp, verdicts: &[ServiceVerdict], manifesto: &Manifesto) -> Self {
        let verdicts = verdicts.iter();
        Self {
            first_seen,
            verdicts: verdicts
                .map(|verdict| PastVerdict::of(verdict, manifesto))
                .collect(),
        }
    }

    pub(super) fn verdict(&self, rule: RuleId) -> Option<&PastVerdict> {
        self.verdicts.iter().find(|verdict| verdict.rule == rule)
    }

    /// What this and an earlier memory know together.
    fn with(mut self, earlier: &Past) -> Self {
        self.first_seen = self.first_seen.min(earlier.first_seen);
        for verdict in &mut self.verdicts {
            if let Some(then) = earlier.verdict(verdict.rule) {
                *verdict = verdict.with(then);
            }
        }
        self
    }
}

/// What is known of everybody from before this process.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Memory {
    /// Of the estate.
    pub estate: Option<Past>,
    /// Of services.
    pub services: BTreeMap<ServiceKey, Past>,
}

/// What is known of those who are not there, and of what was remembered late.
#[derive(Debug, Clone, Default)]
pub(super) struct Remembered {
    estate: Option<Arc<Past>>,
    /// When each left, and what was known of it.
    services: Arc<BTreeMap<ServiceKey, (Timestamp, Arc<Past>)>>,
}

impl Remembered {
    /// What is known of a service's past: by the snapshot before, and by what is remembered beside it.
    pub(super) fn service(
        &self,
        known: Option<Past>,
        key: &ServiceKey,
        now: Timestamp,
    ) -> Option<Past> {
        let remembered = self.services.get(key);
        let remembered = remembered.filter(|(left, _)| now - REMEMBERED_FOR < *left);
        together(known, remembered.map(|(_, past)| &**past))
    }

    /// The same of the estate.
    pub(super) fn estate(&self, known: &EstateState, manifesto: &Manifesto) -> Option<Past> {
        together(Past::of_estate(known, manifesto), self.estate.as_deref())
    }

    /// With what an earlier process knew.
    pub(super) fn recalling(&self, memory: Memory, now: Timestamp) -> Self {
        let mut services = BTreeMap::clone(&self.services);
        for (key, past) in memory.services.into_iter().take(REMEMBERED_MAX) {
            services.entry(key).or_insert((now, Arc::new(past)));
        }
        Self {
            estate: memory.estate.map(Arc::new),
            services: Arc::new(services),
        }
    }

    /// Once everybody who is there was judged with it: with those that were there before and are not now,
    /// without those that are.
    pub(super) fn after(
        &self,
        before: &[Arc<ServiceState>],
        manifesto: &Manifesto,
        services: &[Arc<ServiceState>],
        now: Timestamp,
    ) -> Self {
        let is_there = |key: &ServiceKey| services.binary_search_by(|s| s.key.cmp(key)).is_ok();
        let mut remembered = BTreeMap::clone(&self.services);
        remembered.retain(|key, (left, _)| now - REMEMBERED_FOR < *left && !is_there(key));
        let left = before.iter().filter(|known| !is_there(&known.key));
        for known in left.take(REMEMBERED_MAX.saturating_sub(remembered.len())) {
            let past = Past::of_service(known, manifesto);
            remembered.insert(known.key.clone(), (now, Arc::new(past)));
        }
        Self {
            estate: None,
            services: Arc::new(remembered),
        }
    }
}

fn together(known: Option<Past>, earlier: Option<&Past>) -> Option<Past> {
    match (known, earlier) {
        (Some(known), Some(earlier)) => Some(known.with(earlier)),
        (None, Some(earlier)) => Some(earlier.clone()),
        (known, None) => known,
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::super::{Snapshot, TargetState};
    use super::*;
    use crate::checks::{Finding, Reason, SeriesFindings};
    use crate::discovery::target::{Target, TargetUrl};

    fn at(hours: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hours)
    }

    /// What is past its day takes no memory.
    #[test]
    fn who_left_a_day_ago_is_forgotten() {
        let url = TargetUrl::http("a", 8067);
        let target = Target::direct(url, "shop", std::time::Duration::from_secs(1));
        let unknown = Finding::unknown(Reason::NotScrapedYet, "not yet");
        let series = SeriesFindings::all(&unknown.into());
        let state = TargetState::new(target.into(), vec![], series);
        let ruleset = Arc::default();
        let there = Snapshot::build(SystemTime::UNIX_EPOCH, &ruleset, vec![state.into()]);
        let rules = there.manifesto();
        let gone = Remembered::default().after(&there.services, rules, &[], at(1));
        assert_eq!(gone.services.len(), 1);
        assert_eq!(gone.after(&[], rules, &[], at(24)).services.len(), 1);
        assert_eq!(gone.after(&[], rules, &[], at(25)).services.len(), 0);
        assert_eq!(
            gone.after(&[], rules, &there.services, at(2))
                .services
                .len(),
            0
        );
    }

    fn past(status: RuleStatus, failing: Option<(i64, bool)>) -> PastVerdict {
        PastVerdict {
            rule: "O-8".parse().unwrap(),
            definition: Definition::default(),
            status,
            at: None,
            failing: failing.map(|(hour, is_exact)| Failing {
                since: at(hour),
                is_exact,
            }),
            carried: None,
        }
    }

    /// A history that was opened late knows more of what this process saw first when it started.
    #[test]
    fn what_is_remembered_late_completes_what_is_known() {
        let earlier = past(RuleStatus::Fail, Some((1, true)));
        let at_first_look = past(RuleStatus::Fail, Some((50, false)));
        assert_eq!(at_first_look.with(&earlier).failing, earlier.failing);
        // What was seen to begin, began then.
        let seen = past(RuleStatus::Fail, Some((50, true)));
        assert_eq!(seen.with(&earlier).failing, seen.failing);
        // What was fixed is fixed.
        let fixed = past(RuleStatus::Pass, None);
        assert_eq!(fixed.with(&earlier), fixed);
        // Not measured since the start: the last outcome is the earlier one.
        let unknown = past(RuleStatus::Unknown, None);
        assert_eq!(unknown.with(&earlier), earlier);
    }
}
