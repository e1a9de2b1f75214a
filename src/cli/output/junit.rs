//! For CI servers that show tests: a rule is a test case, a suite is the input.

use super::report::{Report, ReportedVerdict, advice_on};
use crate::checks::Reason;
use crate::document::inert::inert;
use crate::snapshot::RuleStatus;

pub(super) fn write(report: &Report<'_>) -> String {
    let count = |status| {
        report
            .verdicts
            .iter()
            .filter(|v| v.status == status && !v.is_known)
            .count()
    };
    let known = report.verdicts.iter().filter(|v| v.is_known).count();
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let counts = format!(
        "tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\"",
        report.verdicts.len() + 1,
        count(RuleStatus::Fail),
        count(RuleStatus::Unknown) + usize::from(report.format_fails()),
        count(RuleStatus::NotApplicable) + count(RuleStatus::Waived) + known
    );
    push(&mut out, &format!("<testsuites {counts}>"));
    push(
        &mut out,
        &format!("  <testsuite name=\"{}\" {counts}>", escape(report.input)),
    );
    let class = escape(report.service_or_any());
    for (rule, verdict) in report.judged() {
        let name = escape(&format!("{} {}", rule.id, rule.title));
        let start = format!("    <testcase classname=\"{class}\" name=\"{name}\"");
        match outcome(verdict, advice_on(rule, verdict)) {
            Some(outcome) => push(
                &mut out,
                &format!("{start}>\n      {outcome}\n    </testcase>"),
            ),
            None => push(&mut out, &format!("{start}/>")),
        }
    }
    let start = format!("    <testcase classname=\"{class}\" name=\"exposition format\">");
    push(
        &mut out,
        &format!("{start}\n      {}\n    </testcase>", format_outcome(report)),
    );
    if !report.notes.is_empty() {
        let notes = escape(&report.notes.join("\n"));
        push(&mut out, &format!("    <system-out>{notes}</system-out>"));
    }
    push(&mut out, "  </testsuite>\n</testsuites>");
    out
}

/// The faults of the exposition: an error where they make the command fail, else shown.
fn format_outcome(report: &Report<'_>) -> String {
    let faults: Vec<String> = report
        .faults()
        .iter()
        .map(|fault| {
            format!(
                "{}:{}: {}: {}",
                fault.line,
                fault.column,
                fault.severity.as_str(),
                fault.message
            )
        })
        .collect();
    let shown = escape(&faults.join("\n"));
    if report.format_fails() {
        let count = faults.len() as u64 + report.faults_hidden();
        format!(
            "<error type=\"format\" message=\"{count} faults of the exposition\">{shown}</error>"
        )
    } else {
        format!("<system-out>{shown}</system-out>")
    }
}

/// What a test case holds; nothing where it passed.
fn outcome(verdict: &ReportedVerdict, advice: &str) -> Option<String> {
    let finding = &verdict.finding;
    let message = escape(&verdict.message());
    let reason = finding.reason.as_str();
    match verdict.status {
        RuleStatus::Pass if finding.reason == Reason::ProvenWeakly => {
            Some(format!("<system-out>weakly proven: {message}</system-out>"))
        }
        RuleStatus::Pass => None,
        RuleStatus::Waived => Some(format!("<skipped message=\"waived: {message}\"/>")),
        RuleStatus::NotApplicable => Some(format!("<skipped message=\"{message}\"/>")),
        RuleStatus::Unknown => Some(format!("<error type=\"{reason}\" message=\"{message}\"/>")),
        RuleStatus::Fail if verdict.is_known => {
            Some(format!("<skipped message=\"known: {message}\"/>"))
        }
        RuleStatus::Fail => {
            let details: Vec<&str> = finding
                .evidence
                .iter()
                .map(String::as_str)
                .chain([advice])
                .collect();
            let details = escape(&details.join("\n"));
            Some(format!(
                "<failure type=\"{reason}\" message=\"{message}\">{details}</failure>"
            ))
        }
    }
}

/// XML has no way to write most control characters: they are shown escaped. Line feeds in text stay.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, line) in text.split('\n').enumerate() {
        if at > 0 {
            out.push('\n');
        }
        for c in inert(line).chars() {
            match c {
                '&' => out += "&amp;",
                '<' => out += "&lt;",
                '>' => out += "&gt;",
                '"' => out += "&quot;",
                // XML 1.0 forbids the two non-characters.
                '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
                c => out.push(c),
            }
        }
    }
    out
}

fn push(out: &mut String, line: &str) {
    out.push_str(line);
    out.push('\n');
}
