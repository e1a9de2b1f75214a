//! How `check` shows its verdicts: a file per format, each a pure function of the report.

mod github;
mod json;
mod junit;
mod markdown;
mod sarif;
mod table;

use std::sync::Arc;

use clap::ValueEnum;

use super::input::Measured;
use crate::catalogue::Waiver;
use crate::checks::{Finding, Verdict};
use crate::exposition::{Fault, Severity};
use crate::manifesto::{Manifesto, Rule, RuleId};
use crate::snapshot::RuleStatus;

/// `--output`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Output {
    /// For a terminal.
    Table,
    /// For programs: verdicts and faults.
    Json,
    /// For CI servers that show tests.
    Junit,
    /// For code scanning.
    Sarif,
    /// For a comment on a pull request.
    Markdown,
    /// For GitHub Actions: annotations.
    Github,
}

/// Everything that a format may show.
#[derive(Debug, Clone, Copy)]
pub(super) struct Report<'a> {
    pub(super) input: &'a str,
    pub(super) service: &'a str,
    pub(super) strict: bool,
    pub(super) manifesto: &'a Manifesto,
    pub(super) verdicts: &'a [Judged],
    pub(super) measured: &'a Measured,
}

/// A verdict as it is shown.
#[derive(Debug, Clone)]
pub(super) struct Judged {
    pub(super) rule: RuleId,
    pub(super) status: RuleStatus,
    pub(super) finding: Arc<Finding>,
    /// The waiver that it rests on, where it is waived.
    pub(super) waiver: Option<Arc<Waiver>>,
}

impl From<Verdict> for Judged {
    fn from(verdict: Verdict) -> Self {
        Self {
            rule: verdict.rule,
            status: RuleStatus::from(verdict.finding.status),
            finding: verdict.finding,
            waiver: None,
        }
    }
}

impl Judged {
    /// What was found, and by whose leave it stays so.
    fn message(&self) -> String {
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
    fn judged(&self) -> impl Iterator<Item = (&'a Rule, &'a Judged)> {
        let manifesto = self.manifesto;
        self.verdicts
            .iter()
            .filter_map(move |verdict| manifesto.rule(verdict.rule).map(|rule| (rule, verdict)))
    }

    /// The faults of the exposition, in order.
    fn faults(&self) -> &'a [Fault] {
        self.measured
            .observation
            .as_ref()
            .map_or(&[], |observation| &observation.faults)
    }

    /// Faults that were counted and are not shown.
    fn faults_hidden(&self) -> u64 {
        let counted = self.measured.observation.as_ref().map_or(0, |observation| {
            observation.summary.errors + observation.summary.violations
        });
        counted.saturating_sub(self.faults().len() as u64)
    }

    /// Whether the faults of the exposition make the command fail.
    fn format_fails(&self) -> bool {
        let summary = self
            .measured
            .observation
            .as_ref()
            .map(|observation| &observation.summary);
        summary.is_some_and(|s| s.errors > 0 || (self.strict && s.violations > 0))
    }

    /// The level of a fault, as annotations tell it.
    fn level(&self, fault: &Fault) -> &'static str {
        match fault.severity {
            Severity::Error => "error",
            Severity::Violation if self.strict => "error",
            Severity::Violation => "warning",
        }
    }

    /// The service, or a word for none.
    fn service_or_any(&self) -> &'a str {
        if self.service.is_empty() {
            "any service"
        } else {
            self.service
        }
    }
}

/// Renders the report.
pub(super) fn write(output: Output, report: &Report<'_>, colour: bool) -> String {
    match output {
        Output::Table => table::write(report, colour),
        Output::Json => json::write(report),
        Output::Junit => junit::write(report),
        Output::Sarif => sarif::write(report),
        Output::Markdown => markdown::write(report),
        Output::Github => github::write(report),
    }
}

/// As in outputs.
fn severity(fault: &Fault) -> &'static str {
    match fault.severity {
        Severity::Error => "error",
        Severity::Violation => "violation",
    }
}

/// Text from a target, made harmless for a terminal, a log or XML: control characters escaped.
fn inert(text: &str) -> String {
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
fn pretty(document: &impl serde::Serialize) -> String {
    // Only maps with keys that are no strings cannot be written, and no document has one.
    let mut json = serde_json::to_string_pretty(document).expect("a document has string keys");
    json.push('\n');
    json
}
