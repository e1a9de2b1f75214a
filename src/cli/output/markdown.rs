//! For a comment on a pull request.

use super::report::{Report, advice_on};
use crate::checks::Reason;
use crate::document::inert::inert;
use crate::snapshot::RuleStatus;

pub(super) fn write(report: &Report<'_>) -> String {
    let mut out = format!(
        "### Reliability manifesto: {}\n\n",
        escape(report.service_or_any())
    );
    out += "| Rule | Verdict | Why |\n|---|---|---|\n";
    for (rule, verdict) in report.judged() {
        let status = match verdict.status {
            RuleStatus::Pass if verdict.finding.reason == Reason::ProvenWeakly => {
                "⚠️ compliant (weakly proven)"
            }
            RuleStatus::Pass => "✅ compliant",
            RuleStatus::Waived => "🕓 waived",
            RuleStatus::Fail if verdict.is_known => "☑️ violated (known)",
            RuleStatus::Fail => "❌ violated",
            RuleStatus::Unknown => "❔ unknown",
            RuleStatus::NotApplicable => "➖ n/a",
        };
        let message = escape(&verdict.message());
        out += &format!(
            "| {} {} | {status} | {message} |\n",
            rule.id,
            escape(&rule.title)
        );
    }
    let to_do: Vec<_> = report
        .judged()
        .filter(|(rule, verdict)| !advice_on(rule, verdict).is_empty())
        .collect();
    if !to_do.is_empty() {
        out += "\n**How to fix**\n\n";
    }
    for (rule, verdict) in to_do {
        out += &format!("- **{}**: {}\n", rule.id, escape(advice_on(rule, verdict)));
    }
    for resolved in report.resolved.unwrap_or_default() {
        let text = format!(
            "{} ({}) is resolved: save the baseline anew",
            resolved.rule, resolved.reason
        );
        out += &format!("\n🎉 {}\n", escape(&text));
    }
    for note in report.notes {
        out += &format!("\n> {}\n", escape(note));
    }
    if !report.not_configured.is_empty() {
        let rules: Vec<String> = report
            .not_configured
            .iter()
            .map(ToString::to_string)
            .collect();
        out += &format!(
            "\nNot judged, as nobody configured what would tell: {}\n",
            escape(&rules.join(", "))
        );
    }
    if !report.faults().is_empty() {
        out += "\n**Faults of the exposition**\n\n";
    }
    for fault in report.faults() {
        let message = escape(&fault.message);
        out += &format!(
            "- line {}, column {}: {}: {message}\n",
            fault.line,
            fault.column,
            fault.severity.as_str()
        );
    }
    if report.faults_hidden() > 0 {
        out += &format!("- and {} more\n", report.faults_hidden());
    }
    out
}

/// What a target sent is text: neither markup nor HTML.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in inert(text).chars() {
        match c {
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '&' => out += "&amp;",
            // Nobody is mentioned, no issue referred to, no address linked.
            '@' => out += "&#64;",
            '#' => out += "&#35;",
            ':' => out += "&#58;",
            '|' | '*' | '_' | '`' | '[' | ']' | '\\' | '~' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}
