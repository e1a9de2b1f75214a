//! Services that are not there any more: one that is deployed anew must not lose its past.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::state::ServiceState;
use crate::discovery::target::ServiceKey;

/// How long a service that left is remembered, and how many are.
const REMEMBERED_FOR: SignedDuration = SignedDuration::from_hours(24);
const REMEMBERED_MAX: usize = 10_000;

fn is_remembered(left: Timestamp, now: Timestamp) -> bool {
    now - REMEMBERED_FOR < left
}

/// When each left, and what was known of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Departed(Arc<BTreeMap<ServiceKey, (Timestamp, Arc<ServiceState>)>>);

impl Departed {
    /// What was known of a service, if it left within a day.
    pub(super) fn get(&self, key: &ServiceKey, now: Timestamp) -> Option<&ServiceState> {
        let remembered = self
            .0
            .get(key)
            .filter(|(left, _)| is_remembered(*left, now));
        remembered.map(|(_, known)| &**known)
    }

    /// With those that were there before and are not now.
    pub(super) fn after(
        &self,
        before: &[Arc<ServiceState>],
        services: &[Arc<ServiceState>],
        now: Timestamp,
    ) -> Self {
        let is_there = |key: &ServiceKey| services.binary_search_by(|s| s.key.cmp(key)).is_ok();
        let mut departed = BTreeMap::clone(&self.0);
        departed.retain(|key, (left, _)| is_remembered(*left, now) && !is_there(key));
        let left = before.iter().filter(|known| !is_there(&known.key));
        for known in left.take(REMEMBERED_MAX.saturating_sub(departed.len())) {
            departed.insert(known.key.clone(), (now, Arc::clone(known)));
        }
        Self(Arc::new(departed))
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::super::{Snapshot, TargetState};
    use super::*;
    use crate::checks::{Finding, Reason, SeriesFindings};
    use crate::discovery::target::{Target, TargetUrl};

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
        let at = |hours| Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hours);
        let gone = Departed::default().after(&there.services, &[], at(1));
        assert_eq!(gone.0.len(), 1);
        assert_eq!(gone.after(&[], &[], at(24)).0.len(), 1);
        assert_eq!(gone.after(&[], &[], at(25)).0.len(), 0);
        assert_eq!(gone.after(&[], &there.services, at(2)).0.len(), 0);
    }
}
