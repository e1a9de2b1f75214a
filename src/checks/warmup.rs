//! Warm-up: a client library's vector emits nothing until it has children, so that what is
//! missing just after a start may still appear, and what was seen once has not gone for good.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::{Finding, Reason, Status, Verdict};
use crate::rule_id::RuleId;

/// Good scrapes before a missing series fails.
pub const GOOD_SCRAPES_MIN: u32 = 3;

/// Age of the process before a missing series fails.
pub const PROCESS_AGE_MIN: Duration = Duration::from_secs(15 * 60);

/// A process that claims to have begun later than this from now has a wrong clock or unit.
const START_AHEAD_MAX: Duration = Duration::from_secs(60);

/// How long a series once seen counts.
pub const SEEN_COUNTS: Duration = Duration::from_secs(24 * 3600);

/// What is remembered of a target between scrapes.
#[derive(Debug, Clone)]
pub struct History {
    /// When discovery first named the target.
    pub first_seen: SystemTime,
    /// Scrapes that were measured since then.
    pub good_scrapes: u32,
    /// The verdicts among which a rule passed last, newest first; each is the newest for some rule,
    /// so that there are no more than rules and nearly always one.
    seen: Vec<Seen>,
}

#[derive(Debug, Clone)]
struct Seen {
    verdicts: Arc<[Verdict]>,
    at: SystemTime,
}

impl Seen {
    /// What a rule passed by.
    fn pass(&self, rule: RuleId) -> Option<&Finding> {
        self.passes()
            .find(|verdict| verdict.rule == rule)
            .map(|verdict| &*verdict.finding)
    }

    fn passes(&self) -> impl Iterator<Item = &Verdict> {
        let passed = |verdict: &&Verdict| verdict.finding.status == Status::Pass;
        self.verdicts.iter().filter(passed)
    }
}

impl History {
    /// A target first seen now.
    pub fn new(first_seen: SystemTime) -> Self {
        Self {
            first_seen,
            good_scrapes: 0,
            seen: Vec::new(),
        }
    }

    /// Takes the verdicts of a good scrape and applies grace to those that it is too early, or too late,
    /// to fail. Where there are none such, they are shared as they are.
    pub fn apply_grace(
        &mut self,
        verdicts: &Arc<[Verdict]>,
        process_start_seconds: Option<f64>,
        now: SystemTime,
    ) -> Arc<[Verdict]> {
        self.good_scrapes = self.good_scrapes.saturating_add(1);
        self.remember(verdicts, now);
        if !verdicts.iter().any(grace_may_apply) {
            return Arc::clone(verdicts);
        }
        let age = self.age(process_start_seconds, now);
        let under_grace: Vec<Option<Finding>> = verdicts
            .iter()
            .map(|verdict| self.apply_grace_to(verdict, age, now))
            .collect();
        if under_grace.iter().all(Option::is_none) {
            return Arc::clone(verdicts);
        }
        verdicts
            .iter()
            .zip(under_grace)
            .map(|(verdict, under_grace)| Verdict {
                rule: verdict.rule,
                finding: under_grace.map_or_else(|| Arc::clone(&verdict.finding), Arc::new),
            })
            .collect()
    }

    fn remember(&mut self, verdicts: &Arc<[Verdict]>, now: SystemTime) {
        if let Some(newest) = self.seen.first_mut()
            && Arc::ptr_eq(&newest.verdicts, verdicts)
        {
            newest.at = now;
            return;
        }
        let newest = Seen {
            verdicts: Arc::clone(verdicts),
            at: now,
        };
        // Room for one: rarely are there more, and there is one of these for each target.
        self.seen.reserve_exact(1);
        self.seen.insert(0, newest);
        let mut passed = HashSet::new();
        self.seen.retain(|seen| {
            let before = passed.len();
            passed.extend(seen.passes().map(|verdict| verdict.rule));
            passed.len() > before
        });
    }

    /// What takes the place of a finding, if anything.
    fn apply_grace_to(&self, verdict: &Verdict, age: Duration, now: SystemTime) -> Option<Finding> {
        let finding = &*verdict.finding;
        if !grace_may_apply(verdict) {
            return None;
        }
        if let Some((seen, proof)) = self.seen(verdict.rule) {
            let since = now.duration_since(seen).unwrap_or_default();
            if since < SEEN_COUNTS {
                let message = format!(
                    "{} (not in the last scrape; seen {} s ago, which counts for 24 h)",
                    proof.message,
                    since.as_secs()
                );
                return Some(Finding {
                    message,
                    ..proof.clone()
                });
            }
        }
        if self.good_scrapes >= GOOD_SCRAPES_MIN && age >= PROCESS_AGE_MIN {
            return None;
        }
        let message = format!(
            "too early to tell after {} of {GOOD_SCRAPES_MIN} good scrapes and {} of {} s: {}",
            self.good_scrapes.min(GOOD_SCRAPES_MIN),
            age.min(PROCESS_AGE_MIN).as_secs(),
            PROCESS_AGE_MIN.as_secs(),
            finding.message
        );
        Some(Finding {
            evidence: finding.evidence.clone(),
            ..Finding::unknown(Reason::WarmingUp, message)
        })
    }

    /// When a rule last passed, and by what.
    fn seen(&self, rule: RuleId) -> Option<(SystemTime, &Finding)> {
        self.seen
            .iter()
            .find_map(|seen| Some((seen.at, seen.pass(rule)?)))
    }

    /// Forgets what was seen under other rules.
    pub fn forget(&mut self) {
        self.seen.clear();
    }

    /// The age of the process by its own word, else since it was first seen.
    fn age(&self, process_start_seconds: Option<f64>, now: SystemTime) -> Duration {
        let known = now.duration_since(self.first_seen).unwrap_or_default();
        process_start_seconds
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .and_then(|since_epoch| SystemTime::UNIX_EPOCH.checked_add(since_epoch))
            .filter(|start| *start <= now + START_AHEAD_MAX)
            .map_or(known, |start| now.duration_since(start).unwrap_or_default())
    }
}

fn grace_may_apply(verdict: &Verdict) -> bool {
    verdict.finding.status == Status::Fail && verdict.finding.reason.may_still_appear()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn verdict(status: Status, reason: Reason) -> Vec<Verdict> {
        let finding = Finding {
            status,
            basis: crate::checks::Basis::Scraped,
            reason,
            message: "m".to_owned(),
            evidence: vec![],
        };
        vec![Verdict {
            rule: "O-8".parse().unwrap(),
            finding: Arc::new(finding),
        }]
    }

    fn apply_grace(
        history: &mut History,
        status: Status,
        reason: Reason,
        start: f64,
        minutes: u32,
    ) -> (Status, Reason) {
        let now = SystemTime::UNIX_EPOCH + MINUTE * minutes;
        let under_grace = history.apply_grace(&verdict(status, reason).into(), Some(start), now);
        (under_grace[0].finding.status, under_grace[0].finding.reason)
    }

    #[test]
    fn a_missing_series_fails_after_three_scrapes_of_an_old_process() {
        let mut history = History::new(SystemTime::UNIX_EPOCH);
        let (fail, missing) = (Status::Fail, Reason::Missing);
        assert_eq!(
            apply_grace(&mut history, fail, missing, 0.0, 60),
            (Status::Unknown, Reason::WarmingUp)
        );
        assert_eq!(
            apply_grace(&mut history, fail, missing, 0.0, 61),
            (Status::Unknown, Reason::WarmingUp)
        );
        assert_eq!(
            apply_grace(&mut history, fail, missing, 0.0, 62),
            (Status::Fail, Reason::Missing)
        );
    }

    #[test]
    fn a_young_process_is_given_fifteen_minutes() {
        let mut history = History::new(SystemTime::UNIX_EPOCH);
        let restarted = 3600.0;
        for minutes in 61..75 {
            let (status, _) = apply_grace(
                &mut history,
                Status::Fail,
                Reason::Missing,
                restarted,
                minutes,
            );
            assert_eq!(status, Status::Unknown, "{minutes}");
        }
        assert_eq!(
            apply_grace(&mut history, Status::Fail, Reason::Missing, restarted, 75).0,
            Status::Fail
        );
    }

    #[test]
    fn a_start_in_the_future_is_not_believed() {
        let mut history = History::new(SystemTime::UNIX_EPOCH);
        let milliseconds = 1.7e12;
        for minutes in 13..15 {
            let (status, _) = apply_grace(
                &mut history,
                Status::Fail,
                Reason::Missing,
                milliseconds,
                minutes,
            );
            assert_eq!(status, Status::Unknown, "{minutes}");
        }
        assert_eq!(
            apply_grace(
                &mut history,
                Status::Fail,
                Reason::Missing,
                milliseconds,
                15
            )
            .0,
            Status::Fail
        );
    }

    #[test]
    fn a_series_once_seen_counts_for_a_day() {
        let mut history = History::new(SystemTime::UNIX_EPOCH);
        assert_eq!(
            apply_grace(&mut history, Status::Pass, Reason::Proven, 0.0, 0).0,
            Status::Pass
        );
        assert_eq!(
            apply_grace(
                &mut history,
                Status::Fail,
                Reason::Missing,
                0.0,
                24 * 60 - 1
            )
            .0,
            Status::Pass
        );
        assert_eq!(
            apply_grace(
                &mut history,
                Status::Fail,
                Reason::Missing,
                0.0,
                24 * 60 + 1
            )
            .0,
            Status::Fail
        );
    }

    #[test]
    fn what_time_cannot_mend_fails_at_once() {
        let mut history = History::new(SystemTime::UNIX_EPOCH);
        let placeholder = apply_grace(&mut history, Status::Fail, Reason::Placeholder, 0.0, 0);
        assert_eq!(placeholder, (Status::Fail, Reason::Placeholder));
    }
}
