//! From findings to verdicts: evidence judged for services and the estate, waivers applied, rules
//! that do not count yet set aside.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::SystemTime;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::past::{Past, PastVerdict};
use super::ruleset::Ruleset;
use super::score::{RuleStatus, Score};
use super::state::{Carried, EstateState, Failing, ServiceVerdict};
use crate::catalogue::{Waived, Waiver};
use crate::checks::{
    Checks, Entity, EvidenceCheck, Facts, Failure, Finding, Reason, Status, judge_evidence,
};
use crate::discovery::target::Target;
use crate::interner::Interner;
use crate::manifesto::{Rule, Scope};
use crate::rule_id::RuleId;
use crate::sources::Answers;

/// What judging rests on, the same for everybody.
pub(super) struct Judge<'a> {
    pub(super) ruleset: &'a Ruleset,
    answers: &'a Answers,
    findings: &'a Interner<Finding>,
    rules: Vec<RuleId>,
    teams: BTreeSet<String>,
    now: Timestamp,
}

/// Who is judged, with what was known before.
#[derive(Clone, Copy)]
pub(super) struct JudgedEntity<'a> {
    pub(super) entity: Entity<'a>,
    pub(super) waived: Waived<'a>,
    pub(super) known_since: Timestamp,
    /// What is known of it from before.
    pub(super) before: Option<&'a Past>,
}

impl<'a> Judge<'a> {
    pub(super) fn new(
        ruleset: &'a Ruleset,
        answers: &'a Answers,
        findings: &'a Interner<Finding>,
        teams: BTreeSet<String>,
        at: SystemTime,
    ) -> Self {
        Self {
            ruleset,
            answers,
            findings,
            rules: ruleset
                .manifesto
                .rules()
                .iter()
                .map(|rule| rule.id)
                .collect(),
            teams,
            now: moment(at),
        }
    }

    /// Judges every rule of a scope: by `scraped` where scrapes prove it, else by evidence. The rule on
    /// silent bypasses comes last, as it looks at all others.
    pub(super) fn verdicts(
        &self,
        scope: Scope,
        judged: JudgedEntity<'_>,
        scraped: impl Fn(&Rule) -> Option<(Arc<Finding>, Arc<Target>)>,
    ) -> (Vec<ServiceVerdict>, Score) {
        let rules = self.ruleset.manifesto.rules().iter().enumerate();
        let (mut verdicts, mut last) = (Vec::new(), Vec::new());
        for (place, rule) in rules.filter(|(_, rule)| rule.scope == scope) {
            let (finding, target) = match &rule.checks {
                Checks::Evidence(checks) if rule.checks.look_at_others() => {
                    last.push((place, rule, checks));
                    continue;
                }
                Checks::Evidence(checks) => (self.judge(rule.id, checks, judged, &[], 0), None),
                Checks::Scraped(_) => match scraped(rule) {
                    Some((finding, target)) => (finding, Some(target)),
                    None => continue,
                },
            };
            verdicts.push(self.verdict(place, rule, judged, finding, target));
        }
        let failures: Vec<Failure> = verdicts
            .iter()
            .filter(|verdict| verdict.counted() == RuleStatus::Fail)
            .filter_map(|verdict| {
                let failing = verdict.failing?;
                Some(Failure {
                    rule: self.rules[verdict.rule],
                    since: failing.since,
                    is_exact: failing.is_exact,
                })
            })
            .collect();
        // A failure does not end by an outage: what is carried over counts here too.
        let counts = |verdict: &&ServiceVerdict| verdict.counted().is_measured();
        let measured = verdicts.iter().filter(counts).count();
        for (place, rule, checks) in last {
            let finding = self.judge(rule.id, checks, judged, &failures, measured);
            verdicts.push(self.verdict(place, rule, judged, finding, None));
        }
        verdicts.sort_by_key(|verdict| verdict.rule);
        let mut score = Score::default();
        for verdict in &verdicts {
            let rule = &self.ruleset.manifesto.rules()[verdict.rule];
            score.add(verdict.status, verdict.counted(), rule.severity.weight());
        }
        (verdicts, score)
    }

    fn judge(
        &self,
        rule: RuleId,
        checks: &[EvidenceCheck],
        judged: JudgedEntity<'_>,
        failures: &[Failure],
        measured: usize,
    ) -> Arc<Finding> {
        let facts = Facts {
            rule,
            entity: judged.entity,
            answers: self.answers,
            catalogue: &self.ruleset.catalogue,
            records: &self.ruleset.records,
            rules: &self.rules,
            teams: &self.teams,
            failures,
            measured,
            now: self.now,
            known_since: judged.known_since,
        };
        // Thousands of services earn the same findings.
        self.findings.of(judge_evidence(checks, &facts))
    }

    fn verdict(
        &self,
        place: usize,
        rule: &Rule,
        judged: JudgedEntity<'_>,
        finding: Arc<Finding>,
        target: Option<Arc<Target>>,
    ) -> ServiceVerdict {
        let before = judged.before.and_then(|past| past.verdict(rule.id));
        let finding = self.in_force(rule, finding);
        let waiver = match finding.status {
            Status::Fail => self.waiver(rule.id, judged.waived),
            _ => None,
        };
        let status = match &waiver {
            Some(_) => RuleStatus::Waived,
            None => RuleStatus::from(finding.status),
        };
        let reason = finding.reason;
        ServiceVerdict {
            rule: place,
            status,
            finding,
            target,
            waiver,
            failing: self.failing(status, before),
            carried: match status {
                RuleStatus::Unknown => {
                    before.and_then(|before| self.carried(place, reason, judged, before))
                }
                RuleStatus::Pass
                | RuleStatus::Fail
                | RuleStatus::Waived
                | RuleStatus::NotApplicable => None,
            },
        }
    }

    /// The last measured outcome of a rule that cannot be measured now, while it counts. What nobody
    /// configures any more is not carried: that is no outage.
    fn carried(
        &self,
        place: usize,
        reason: Reason,
        judged: JudgedEntity<'_>,
        before: &PastVerdict,
    ) -> Option<Carried> {
        let same_checks = before.definition == self.ruleset.manifesto.definition(place);
        if reason == Reason::NotConfigured || !same_checks {
            return None;
        }
        let last = match before.status.is_measured() {
            true => {
                let since = before.at.map_or(self.now, |at| at.min(self.now));
                Carried {
                    status: before.status,
                    since,
                    until: since.saturating_add(self.ruleset.carried_for).ok()?,
                }
            }
            false => before.carried?,
        };
        // A waiver may have come or gone since.
        let status = match last.status {
            RuleStatus::Fail | RuleStatus::Waived => {
                match self.waiver(before.rule, judged.waived) {
                    Some(_) => RuleStatus::Waived,
                    None => RuleStatus::Fail,
                }
            }
            RuleStatus::Pass | RuleStatus::Unknown | RuleStatus::NotApplicable => last.status,
        };
        (self.now < last.until).then_some(Carried { status, ..last })
    }

    /// Since when a rule is violated. A measurement that fails in between does not end that.
    fn failing(&self, status: RuleStatus, before: Option<&PastVerdict>) -> Option<Failing> {
        let known = before.and_then(|before| before.failing);
        match status {
            RuleStatus::Pass | RuleStatus::NotApplicable => None,
            RuleStatus::Unknown => known,
            RuleStatus::Fail | RuleStatus::Waived => known.or_else(|| {
                let was_kept = before.is_some_and(|before| {
                    matches!(before.status, RuleStatus::Pass | RuleStatus::NotApplicable)
                });
                Some(Failing {
                    since: self.now,
                    is_exact: was_kept,
                })
            }),
        }
    }

    /// A rule ahead of its day is shown, and not counted.
    fn in_force(&self, rule: &Rule, finding: Arc<Finding>) -> Arc<Finding> {
        let Some(day) = rule.effective_from else {
            return finding;
        };
        let starts = day.0.to_zoned(TimeZone::UTC).map(|start| start.timestamp());
        if starts.is_ok_and(|starts| starts <= self.now) {
            return finding;
        }
        let message = format!(
            "counts from {} on; today it would be {}: {}",
            day.0, finding.status, finding.message
        );
        let shown = Finding::not_applicable(Reason::NotInForce, message)
            .on(finding.basis)
            .citing(finding.evidence.iter().cloned());
        self.findings.of(shown)
    }

    /// The waiver that holds longest.
    fn waiver(&self, rule: RuleId, entity: Waived<'_>) -> Option<Arc<Waiver>> {
        let waivers = self.ruleset.records.waivers.iter();
        waivers
            .filter(|waiver| waiver.rule == rule && waiver.holds_at(self.now))
            .filter(|waiver| waiver.concerns(entity, &self.ruleset.catalogue))
            .max_by_key(|waiver| waiver.expires_at)
            .cloned()
    }

    /// Judges the estate as a whole.
    pub(super) fn estate(&self, before: Option<&Past>) -> EstateState {
        let first_seen = before.map_or(self.now, |past| past.first_seen);
        let judged = JudgedEntity {
            entity: Entity::Estate,
            waived: Waived::Estate,
            known_since: first_seen,
            before,
        };
        let (verdicts, score) = self.verdicts(Scope::Estate, judged, |_| None);
        EstateState {
            verdicts,
            score,
            first_seen: Some(first_seen),
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.now
    }
}

/// A clock far out of range is read as the epoch.
pub(super) fn moment(at: SystemTime) -> Timestamp {
    Timestamp::try_from(at).unwrap_or(Timestamp::UNIX_EPOCH)
}
