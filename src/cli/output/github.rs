//! For GitHub Actions: workflow commands that become annotations.

use super::report::Report;
use crate::checks::Reason;
use crate::snapshot::RuleStatus;

pub(super) fn write(report: &Report<'_>) -> String {
    let mut out = String::new();
    for (rule, verdict) in report.judged() {
        let finding = &verdict.finding;
        let command = match (verdict.status, finding.reason) {
            (RuleStatus::Fail, _) => "error",
            (RuleStatus::Unknown | RuleStatus::Waived, _)
            | (RuleStatus::Pass, Reason::ProvenWeakly) => "warning",
            (RuleStatus::Pass | RuleStatus::NotApplicable, _) => "notice",
        };
        let title = property(&format!(
            "{} {}: {}",
            rule.id,
            rule.title,
            verdict.status.in_words()
        ));
        let message = match verdict.status {
            RuleStatus::Fail => format!("{}\nHow to fix: {}", finding.message, rule.remediation),
            _ => verdict.message(),
        };
        out += &format!("::{command} title={title}::{}\n", data(&message));
    }
    for fault in report.faults() {
        let command = report.level(fault);
        let file = property(report.input);
        let text = data(&format!("{}: {}", fault.severity.as_str(), fault.message));
        out += &format!(
            "::{command} file={file},line={},col={}::{text}\n",
            fault.line, fault.column
        );
    }
    out
}

/// As the runner unescapes the message of a command.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// As the runner unescapes a property of a command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
