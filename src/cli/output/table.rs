//! For a terminal: one line a rule, then what proves it or how to fix it.

use super::report::{Report, advice_on};
use crate::checks::Reason;
use crate::cli::wrap::wrap;
use crate::document::inert::inert;
use crate::exposition::Severity;
use crate::snapshot::{RuleStatus, advice_on_target, reason_of};

/// Columns of mark and rule.
const INDENT: usize = 22;

const BOLD: &str = "1";
const GREEN: &str = "32";
const RED: &str = "31";
const YELLOW: &str = "33";
const DIM: &str = "2";

pub(super) fn write(report: &Report<'_>, colour: bool) -> String {
    let paint = |code: &str, text: &str| {
        if colour {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    };
    let mut out = String::new();
    line(
        &mut out,
        &paint(
            BOLD,
            &format!("{} as {}", inert(report.input), report.service_or_any()),
        ),
    );
    line(&mut out, "");
    if let Some(down) = &report.measured.down {
        let stopped = match down.reason.says_no_metrics() {
            true => "no metrics",
            false => "not measured",
        };
        line(
            &mut out,
            &format!(
                "{}: {}",
                paint(RED, stopped),
                wrap(&inert(&down.to_string()), 14)
            ),
        );
        let why = reason_of(down.reason);
        line(
            &mut out,
            &wrap(&format!("how to fix: {}", advice_on_target(why)), 0),
        );
        line(&mut out, "");
    }
    for (rule, verdict) in report.judged() {
        let finding = &verdict.finding;
        let message = match report.measured.down {
            Some(_) if rule.is_scraped() => rule.title.clone(),
            _ => inert(&verdict.message()),
        };
        let (mark, code) = match (verdict.status, finding.reason) {
            (RuleStatus::Pass, Reason::ProvenWeakly) => ("✓ weakly proven", YELLOW),
            (RuleStatus::Pass, _) => ("✓ compliant", GREEN),
            (RuleStatus::Waived, _) => ("~ waived", YELLOW),
            (RuleStatus::Fail, _) if verdict.is_known => ("✗ known", DIM),
            (RuleStatus::Fail, _) => ("✗ VIOLATED", RED),
            (RuleStatus::Unknown, _) => ("? unknown", YELLOW),
            (RuleStatus::NotApplicable, _) => ("– n/a", DIM),
        };
        line(
            &mut out,
            &format!(
                "{} {:5} {}",
                paint(code, &format!("{mark:15}")),
                rule.id,
                wrap(&message, INDENT)
            ),
        );
        for series in &finding.evidence {
            line(
                &mut out,
                &format!("{:INDENT$}{}", "", paint(DIM, &inert(series))),
            );
        }
        let advice = advice_on(rule, verdict);
        if !advice.is_empty() && report.measured.down.is_none() {
            let advice = wrap(&format!("how to fix: {advice}"), INDENT);
            line(&mut out, &format!("{:INDENT$}{advice}", ""));
        }
    }
    for resolved in report.resolved.unwrap_or_default() {
        let text = format!(
            "{:15} {:5} {}",
            "✓ resolved", resolved.rule, resolved.reason
        );
        line(&mut out, &text);
    }
    if !report.not_configured.is_empty() {
        let rules: Vec<String> = report
            .not_configured
            .iter()
            .map(ToString::to_string)
            .collect();
        let text = format!(
            "{} more rules are not judged, as nobody configured what would tell: {}",
            rules.len(),
            rules.join(", ")
        );
        line(&mut out, "");
        line(&mut out, &wrap(&text, 0));
    }
    for note in report.notes {
        line(&mut out, "");
        line(&mut out, &wrap(&format!("note: {}", inert(note)), 0));
    }
    let faults = report.faults();
    if !faults.is_empty() {
        line(&mut out, "");
        line(&mut out, &paint(BOLD, "Faults of the exposition"));
    }
    for fault in faults {
        let code = if fault.severity == Severity::Error {
            RED
        } else {
            YELLOW
        };
        let place = format!("{}:{}:{}", inert(report.input), fault.line, fault.column);
        let kind = paint(code, fault.severity.as_str());
        line(
            &mut out,
            &format!("{place}: {kind}: {}", inert(&fault.message)),
        );
    }
    if report.faults_hidden() > 0 {
        line(&mut out, &format!("and {} more", report.faults_hidden()));
    }
    if !faults.is_empty()
        && !report.strict
        && faults
            .iter()
            .all(|fault| fault.severity == Severity::Violation)
    {
        line(
            &mut out,
            "Prometheus tolerates these, so the verdicts stand; --strict makes them fail.",
        );
    }
    if let Some(observation) = &report.measured.observation {
        line(&mut out, "");
        line(
            &mut out,
            &format!(
                "{} samples in {} lines",
                observation.summary.samples, observation.summary.lines
            ),
        );
    }
    out
}

fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}
