//! What the file says of now: what was written last of each rule of each service. What is written next is
//! the difference.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use super::codes::{ABSENT, Digest, code};
use super::records::{RecordKind, StoredWaiver};
use jiff::Timestamp;

use crate::discovery::target::ServiceKey;
use crate::rule_id::RuleId;
use crate::snapshot::{ServiceState, ServiceVerdict};

/// Transitions of a pair that are written in an hour: more say no more than that it flaps.
const TRANSITIONS_AN_HOUR_MAX: u32 = 12;

/// The state of a rule for a service, as the file knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RuleState {
    pub(super) status: u8,
    pub(super) counted: u8,
    pub(super) reason: Arc<str>,
    /// Milliseconds, and whether it was seen to begin then.
    pub(super) failing: Option<(i64, bool)>,
    /// Since when, and until when.
    pub(super) carried: Option<(i64, i64)>,
    pub(super) waiver: Option<Digest>,
    /// What its sentence says beside figures: see [`substance`].
    pub(super) substance: u64,
}

/// What a sentence says beside its figures, as a number: an availability that moves in the last digit is no news,
/// another rule that is named is.
pub(super) fn substance(sentence: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    let words = sentence.split_whitespace();
    let words = words.filter(|word| word.contains(char::is_alphabetic));
    words.for_each(|word| word.hash(&mut hasher));
    hasher.finish()
}

/// The reason of a state that is not recorded because it changes too often.
pub(super) const FLAPPING: &str = "flapping";

impl RuleState {
    fn of(verdict: &ServiceVerdict) -> Self {
        let waiver = verdict.waiver.as_ref();
        Self {
            status: code(verdict.status),
            counted: code(verdict.counted()),
            reason: verdict.finding.reason.as_str().into(),
            failing: verdict
                .failing
                .map(|failing| (failing.since.as_millisecond(), failing.is_exact)),
            carried: verdict.carried.map(|carried| {
                (
                    carried.since.as_millisecond(),
                    carried.until.as_millisecond(),
                )
            }),
            waiver: waiver.map(|waiver| StoredWaiver::body(waiver).digest),
            substance: substance(&verdict.finding.message),
        }
    }

    /// The same, no status recorded. What is known of failing is kept.
    fn flapping(self) -> Self {
        let unknown = code(crate::snapshot::RuleStatus::Unknown);
        Self {
            status: unknown,
            counted: unknown,
            reason: FLAPPING.into(),
            carried: None,
            waiver: None,
            failing: self.failing,
            substance: 0,
        }
    }

    /// The rule is not judged for the service any more.
    fn absent() -> Self {
        Self {
            status: ABSENT,
            counted: ABSENT,
            reason: "".into(),
            failing: None,
            carried: None,
            waiver: None,
            substance: 0,
        }
    }

    /// The same but for what its sentence says.
    fn is_alike(&self, other: &Self) -> bool {
        let substance = other.substance;
        *other
            == Self {
                substance,
                ..self.clone()
            }
    }
}

/// What was last written of a rule.
#[derive(Debug, Clone)]
pub(super) struct WrittenRule {
    pub(super) state: RuleState,
    /// The hour of the epoch in which it was written, and how often in that hour.
    hour: i64,
    times: u32,
}

impl WrittenRule {
    pub(super) fn new(state: RuleState, at: Timestamp) -> Self {
        Self {
            state,
            hour: hour_of(at),
            times: 0,
        }
    }
}

/// The hour of the epoch.
pub(super) fn hour_of(at: Timestamp) -> i64 {
    at.as_second().div_euclid(3_600)
}

/// The estate among services.
pub(super) fn estate() -> ServiceKey {
    ServiceKey {
        name: String::new(),
        environment: String::new(),
    }
}

/// Who owns a service, and whether it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ownership {
    pub(super) is_present: bool,
    pub(super) team: String,
    pub(super) tier: String,
}

/// What was last written of a service.
#[derive(Debug, Clone, Default)]
pub(super) struct WrittenService {
    pub(super) ownership: Option<Ownership>,
    pub(super) rules: BTreeMap<RuleId, WrittenRule>,
    /// Of what: nothing of it need be looked at again.
    pub(super) last: Option<Arc<ServiceState>>,
}

/// What was last written of everything.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) services: HashMap<ServiceKey, WrittenService>,
    /// Records in force.
    pub(super) records: HashMap<(RecordKind, Digest), i64>,
    /// The rules in force.
    pub(super) ruleset: Option<Digest>,
}

/// What is to be written of a service.
#[derive(Debug)]
pub(super) struct ServiceChange {
    pub(super) key: ServiceKey,
    /// When it was first seen, milliseconds.
    pub(super) first_seen: i64,
    pub(super) ownership: Option<Ownership>,
    /// With the sentence that goes with it.
    pub(super) rules: Vec<(RuleId, WrittenRule, Arc<str>)>,
}

impl ServiceChange {
    pub(super) fn is_empty(&self) -> bool {
        self.ownership.is_none() && self.rules.is_empty()
    }
}

/// One who is judged: a service, or the estate by an empty name.
pub(super) struct Judged<'a> {
    pub(super) key: &'a ServiceKey,
    pub(super) first_seen: i64,
    pub(super) ownership: Ownership,
    pub(super) verdicts: &'a [ServiceVerdict],
}

impl WrittenService {
    /// Whether a state that changes too often is held back: then even what did not change is looked at.
    pub(super) fn is_flapping(&self) -> bool {
        let mut rules = self.rules.values();
        rules.any(|rule| &*rule.state.reason == FLAPPING)
    }

    /// What is new of a service. `hour`: of the epoch; `rule` names the rule at a place.
    pub(super) fn difference(
        &self,
        judged: &Judged<'_>,
        hour: i64,
        rule: impl Fn(usize) -> RuleId,
    ) -> ServiceChange {
        let mut rules = Vec::new();
        let mut there = Vec::with_capacity(judged.verdicts.len());
        for verdict in judged.verdicts {
            let rule = rule(verdict.rule);
            there.push(rule);
            let state = RuleState::of(verdict);
            let known = self.rules.get(&rule);
            if let Some(written) = next(known, state, hour) {
                let message = match &*written.state.reason {
                    FLAPPING => Arc::from("changes too often to be recorded in this hour"),
                    _ => Arc::from(verdict.finding.message.as_str()),
                };
                rules.push((rule, written, message));
            }
        }
        let known = self.rules.iter();
        let gone = known.filter(|(rule, known)| {
            known.state.status != ABSENT && there.binary_search(rule).is_err()
        });
        let gone = gone.map(|(rule, _)| {
            let written = WrittenRule::new(RuleState::absent(), Timestamp::UNIX_EPOCH);
            (*rule, written, Arc::from(""))
        });
        rules.extend(gone);
        let is_same = self.ownership.as_ref() == Some(&judged.ownership);
        ServiceChange {
            key: judged.key.clone(),
            first_seen: judged.first_seen,
            ownership: (!is_same).then(|| judged.ownership.clone()),
            rules,
        }
    }
}

/// What to write of a rule whose state is this now, if anything.
fn next(known: Option<&WrittenRule>, state: RuleState, hour: i64) -> Option<WrittenRule> {
    let Some(known) = known else {
        return Some(WrittenRule {
            state,
            hour,
            times: 1,
        });
    };
    let times = match known.hour == hour {
        true => known.times,
        false => 0,
    };
    if known.state == state || times > TRANSITIONS_AN_HOUR_MAX {
        return None;
    }
    // Another sentence alone waits for another day.
    let is_same_day = hour / 24 == known.hour / 24;
    if known.state.is_alike(&state) && is_same_day {
        return None;
    }
    Some(WrittenRule {
        state: match times == TRANSITIONS_AN_HOUR_MAX {
            true => state.flapping(),
            false => state,
        },
        hour,
        times: times + 1,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(status: u8) -> RuleState {
        RuleState {
            status,
            counted: status,
            reason: "missing".into(),
            ..RuleState::absent()
        }
    }

    #[test]
    fn what_flaps_is_recorded_a_dozen_times_an_hour() {
        let mut known: Option<WrittenRule> = None;
        let mut rows = Vec::new();
        for minute in 0..120_u8 {
            let now = state(1 + minute % 2);
            if let Some(written) = next(known.as_ref(), now, i64::from(minute) / 60) {
                rows.push((minute, written.state.status));
                known = Some(written);
            }
        }
        let first: Vec<(u8, u8)> = (0..12).map(|minute| (minute, 1 + minute % 2)).collect();
        assert_eq!(rows[..12], first);
        assert_eq!(rows[12], (12, 4), "unknown until the hour is over");
        assert_eq!(rows[13], (60, 1));
        assert_eq!(rows.len(), 26);
    }

    #[test]
    fn a_sentence_of_another_substance_is_written_once_a_day() {
        let saying = |sentence: &str| RuleState {
            substance: substance(sentence),
            ..state(2)
        };
        let known = next(None, saying("violated for 14 d: D-1, O-8"), 30).unwrap();
        let is_written =
            |sentence: &str, hour| next(Some(&known), saying(sentence), hour).is_some();
        assert!(!is_written("violated for 15.5 d: D-1, O-8", 60), "figures");
        assert!(
            !is_written("violated for 15 d: D-1, D-4", 40),
            "the same day"
        );
        assert!(is_written("violated for 15 d: D-1, D-4", 48));
    }

    #[test]
    fn what_does_not_change_is_not_written() {
        let known = WrittenRule::new(state(2), Timestamp::UNIX_EPOCH);
        assert!(next(Some(&known), state(2), 5).is_none());
    }
}
