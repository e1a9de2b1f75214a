//! For a terminal: one line a rule, then what proves it or how to fix it.

use super::report::{Report, inert};
use crate::checks::Reason;
use crate::exposition::Severity;
use crate::snapshot::RuleStatus;

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
        line(
            &mut out,
            &format!(
                "{}: {}\n",
                paint(RED, "not measured"),
                inert(&down.to_string())
            ),
        );
    }
    for (rule, verdict) in report.judged() {
        let finding = &verdict.finding;
        let message = match report.measured.down {
            Some(_) if rule.is_scraped() => rule.title.clone(),
            _ => inert(&verdict.message()),
        };
        let (mark, code) = match (verdict.status, finding.reason) {
            (RuleStatus::Pass, Reason::ProvenWeakly) => ("✓ compliant (weakly proven)", YELLOW),
            (RuleStatus::Pass, _) => ("✓ compliant", GREEN),
            (RuleStatus::Waived, _) => ("~ waived", YELLOW),
            (RuleStatus::Fail, _) => ("✗ VIOLATED", RED),
            (RuleStatus::Unknown, _) => ("? unknown", YELLOW),
            (RuleStatus::NotApplicable, _) => ("– n/a", DIM),
        };
        line(
            &mut out,
            &format!(
                "{} {:5} {}",
                paint(code, &format!("{mark:18}")),
                rule.id,
                message
            ),
        );
        for series in &finding.evidence {
            line(
                &mut out,
                &format!("{:25} {}", "", paint(DIM, &inert(series))),
            );
        }
        if verdict.status == RuleStatus::Fail {
            line(
                &mut out,
                &format!("{:25} how to fix: {}", "", rule.remediation),
            );
        }
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
