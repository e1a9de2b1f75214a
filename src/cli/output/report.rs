//! What `check` found, as every format may show it.

use std::sync::Arc;

use crate::catalogue::Waiver;
use crate::checks::{Finding, Reason, SeriesFindings, Verdict};
use crate::cli::baseline::KnownFinding;
use crate::cli::input::Measured;
use crate::exposition::{Fault, Severity};
use crate::manifesto::{Manifesto, Rule};
use crate::rule_id::RuleId;
use crate::snapshot::{RuleStatus, advice};

/// Everything that a format may show.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Report<'a> {
    pub(crate) input: &'a str,
    pub(crate) service: &'a str,
    pub(crate) strict: bool,
    pub(crate) manifesto: &'a Manifesto,
    pub(crate) verdicts: &'a [ReportedVerdict],
    /// Rules that nobody configured evidence for: not judged here.
    pub(crate) not_configured: &'a [RuleId],
    /// What was found of each series.
    pub(crate) series: &'a SeriesFindings,
    pub(crate) measured: &'a Measured,
    /// What to bear in mind, a sentence each.
    pub(crate) notes: &'a [String],
    /// What the baseline knew and is found no more; `None` where there is no baseline.
    pub(crate) resolved: Option<&'a [&'a KnownFinding]>,
}

/// A verdict as it is shown.
#[derive(Debug, Clone)]
pub(crate) struct ReportedVerdict {
    pub(crate) rule: RuleId,
    pub(crate) status: RuleStatus,
    pub(crate) finding: Arc<Finding>,
    /// The waiver that it rests on, where it is waived.
    pub(crate) waiver: Option<Arc<Waiver>>,
    /// It is violated as the baseline says already.
    pub(crate) is_known: bool,
}

impl From<Verdict> for ReportedVerdict {
    fn from(verdict: Verdict) -> Self {
        Self {
            rule: verdict.rule,
            status: RuleStatus::from(verdict.finding.status),
            finding: verdict.finding,
            waiver: None,
            is_known: false,
        }
    }
}

impl ReportedVerdict {
    /// What tells it from other findings of the service, where the rule is violated, waived or not.
    pub(crate) fn finding_key(&self) -> Option<KnownFinding> {
        let is_violated = matches!(self.status, RuleStatus::Fail | RuleStatus::Waived);
        is_violated.then(|| KnownFinding {
            rule: self.rule.to_string(),
            reason: self.finding.reason.as_str().to_owned(),
        })
    }

    /// Whether it is violated, and nobody knew.
    pub(crate) fn is_new_failure(&self) -> bool {
        self.status == RuleStatus::Fail && !self.is_known
    }

    /// The status for people: what was known is told apart.
    pub(crate) fn in_words(&self) -> &'static str {
        match (self.status, self.finding.reason) {
            (RuleStatus::Pass, Reason::ProvenWeakly) => "compliant (weakly proven)",
            (RuleStatus::Fail, _) if self.is_known => "violated (known)",
            (status, _) => status.in_words(),
        }
    }

    /// What was found, and by whose leave it stays so.
    pub(crate) fn message(&self) -> String {
        let message = &self.finding.message;
        match &self.waiver {
            None => message.clone(),
            Some(waiver) => format!(
                "{message} (waived until {}, approved by {}: {})",
                waiver.expires_at, waiver.approver, waiver.reason
            ),
        }
    }
}

impl<'a> Report<'a> {
    /// Each verdict with its rule.
    pub(crate) fn judged(&self) -> impl Iterator<Item = (&'a Rule, &'a ReportedVerdict)> {
        let manifesto = self.manifesto;
        self.verdicts
            .iter()
            .filter_map(move |verdict| manifesto.rule(verdict.rule).map(|rule| (rule, verdict)))
    }

    /// The faults of the exposition, in order.
    pub(crate) fn faults(&self) -> &'a [Fault] {
        self.measured
            .observation
            .as_ref()
            .map_or(&[], |observation| &observation.faults)
    }

    /// Faults that were counted and are not shown.
    pub(crate) fn faults_hidden(&self) -> u64 {
        let counted = self.measured.observation.as_ref().map_or(0, |observation| {
            observation.summary.errors + observation.summary.violations
        });
        counted.saturating_sub(self.faults().len() as u64)
    }

    /// Whether the faults of the exposition make the command fail.
    pub(crate) fn format_fails(&self) -> bool {
        let summary = self
            .measured
            .observation
            .as_ref()
            .map(|observation| &observation.summary);
        summary.is_some_and(|s| s.errors > 0 || (self.strict && s.violations > 0))
    }

    /// Whether a fault makes the command fail.
    pub(crate) fn fails(&self, fault: &Fault) -> bool {
        match fault.severity {
            Severity::Error => true,
            Severity::Violation => self.strict,
        }
    }

    /// The service, or a word for none.
    pub(crate) fn service_or_any(&self) -> &'a str {
        if self.service.is_empty() {
            "any service"
        } else {
            self.service
        }
    }
}

/// What to do about a verdict: advice that fits the reason; empty where there is nothing to do.
pub(super) fn advice_on<'a>(rule: &'a Rule, verdict: &ReportedVerdict) -> &'a str {
    advice(rule, verdict.status, verdict.finding.reason)
}

/// JSON for people's eyes too.
pub(super) fn pretty(document: &impl serde::Serialize) -> String {
    // Only maps with keys that are no strings cannot be written, and no document has one.
    let mut json = serde_json::to_string_pretty(document).expect("a document has string keys");
    json.push('\n');
    json
}
