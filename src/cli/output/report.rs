//! What `check` found, as every format may show it.

use std::sync::Arc;

use crate::catalogue::Waiver;
use crate::checks::{Finding, Verdict};
use crate::cli::input::Measured;
use crate::exposition::{Fault, Severity};
use crate::manifesto::{Manifesto, Rule};
use crate::rule_id::RuleId;
use crate::snapshot::RuleStatus;

/// Everything that a format may show.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Report<'a> {
    pub(crate) input: &'a str,
    pub(crate) service: &'a str,
    pub(crate) strict: bool,
    pub(crate) manifesto: &'a Manifesto,
    pub(crate) verdicts: &'a [ReportedVerdict],
    pub(crate) measured: &'a Measured,
}

/// A verdict as it is shown.
#[derive(Debug, Clone)]
pub(crate) struct ReportedVerdict {
    pub(crate) rule: RuleId,
    pub(crate) status: RuleStatus,
    pub(crate) finding: Arc<Finding>,
    /// The waiver that it rests on, where it is waived.
    pub(crate) waiver: Option<Arc<Waiver>>,
}

impl From<Verdict> for ReportedVerdict {
    fn from(verdict: Verdict) -> Self {
        Self {
            rule: verdict.rule,
            status: RuleStatus::from(verdict.finding.status),
            finding: verdict.finding,
            waiver: None,
        }
    }
}

impl ReportedVerdict {
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

    /// The level of a fault, as annotations tell it.
    pub(crate) fn level(&self, fault: &Fault) -> &'static str {
        match fault.severity {
            Severity::Error => "error",
            Severity::Violation if self.strict => "error",
            Severity::Violation => "warning",
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

/// Text from a target, made harmless for a terminal, a log or XML: control characters escaped.
pub(super) fn inert(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            let escaped: Vec<char> = if c.is_control() {
                c.escape_default().collect()
            } else {
                vec![c]
            };
            escaped
        })
        .collect()
}

/// JSON for people's eyes too.
pub(super) fn pretty(document: &impl serde::Serialize) -> String {
    // Only maps with keys that are no strings cannot be written, and no document has one.
    let mut json = serde_json::to_string_pretty(document).expect("a document has string keys");
    json.push('\n');
    json
}
