//! For programs. The contract: `verdicts[]` of rule, status, reason, message, evidence; `faults[]`
//! of severity, line, column, message.

use serde::Serialize;

use super::report::Report;

#[derive(Serialize)]
struct Document<'a> {
    input: &'a str,
    service: &'a str,
    strict: bool,
    verdicts: Vec<Verdict<'a>>,
    faults: Vec<Fault<'a>>,
    faults_hidden: u64,
    down: Option<Down<'a>>,
    summary: Option<Summary>,
}

#[derive(Serialize)]
struct Verdict<'a> {
    rule: String,
    title: &'a str,
    status: &'static str,
    reason: &'static str,
    /// What it rests on.
    basis: &'static str,
    message: &'a str,
    evidence: &'a [String],
    remediation: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    waiver: Option<Waiver<'a>>,
}

#[derive(Serialize)]
struct Waiver<'a> {
    reason: &'a str,
    discussion: &'a str,
    owner: &'a str,
    approver: &'a str,
    expires_at: String,
}

#[derive(Serialize)]
struct Fault<'a> {
    severity: &'static str,
    line: u64,
    column: u64,
    message: &'a str,
}

#[derive(Serialize)]
struct Down<'a> {
    reason: &'static str,
    message: &'a str,
}

#[derive(Serialize)]
struct Summary {
    samples: u64,
    lines: u64,
    bytes: u64,
    errors: u64,
    violations: u64,
}

pub(super) fn write(report: &Report<'_>) -> String {
    let document = Document {
        input: report.input,
        service: report.service,
        strict: report.strict,
        verdicts: report
            .judged()
            .map(|(rule, verdict)| Verdict {
                rule: rule.id.to_string(),
                title: &rule.title,
                status: verdict.status.as_str(),
                reason: verdict.finding.reason.as_str(),
                basis: verdict.finding.basis.as_str(),
                message: &verdict.finding.message,
                evidence: &verdict.finding.evidence,
                remediation: &rule.remediation,
                waiver: verdict.waiver.as_deref().map(|waiver| Waiver {
                    reason: &waiver.reason,
                    discussion: waiver.discussion.as_str(),
                    owner: &waiver.owner,
                    approver: &waiver.approver,
                    expires_at: waiver.expires_at.to_string(),
                }),
            })
            .collect(),
        faults: report
            .faults()
            .iter()
            .map(|fault| Fault {
                severity: fault.severity.as_str(),
                line: fault.line,
                column: fault.column,
                message: &fault.message,
            })
            .collect(),
        faults_hidden: report.faults_hidden(),
        down: report.measured.down.as_ref().map(|down| Down {
            reason: down.reason.as_str(),
            message: &down.message,
        }),
        summary: report
            .measured
            .observation
            .as_ref()
            .map(|observation| Summary {
                samples: observation.summary.samples,
                lines: observation.summary.lines,
                bytes: observation.summary.bytes,
                errors: observation.summary.errors,
                violations: observation.summary.violations,
            }),
    };
    super::report::pretty(&document)
}
