//! For programs. The contract: `verdicts[]` of rule, status, reason, message, evidence; `faults[]`
//! of severity, line, column, message.

use std::collections::BTreeMap;

use serde::Serialize;

use super::report::{Report, advice_on};
use crate::checks::{self, SeriesFindings};

#[derive(Serialize)]
struct Document<'a> {
    input: &'a str,
    service: &'a str,
    strict: bool,
    verdicts: Vec<Verdict<'a>>,
    /// Rules that nobody configured evidence for.
    not_configured: Vec<String>,
    /// Version, availability, latency and identity, each by itself.
    series: BTreeMap<&'static str, Series<'a>>,
    faults: Vec<Fault<'a>>,
    faults_hidden: u64,
    down: Option<Down<'a>>,
    summary: Option<Summary>,
    /// What to bear in mind.
    notes: &'a [String],
    /// What the baseline knew and is found no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    resolved: Option<Vec<Resolved<'a>>>,
}

#[derive(Serialize)]
struct Series<'a> {
    /// Null where nobody could tell.
    present: Option<bool>,
    reason: &'static str,
    message: &'a str,
}

#[derive(Serialize)]
struct Resolved<'a> {
    rule: &'a str,
    reason: &'a str,
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
    /// What to do about it now; empty where there is nothing to do.
    advice: &'a str,
    /// Violated as the baseline says already.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    known: bool,
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

impl<'a> Series<'a> {
    fn of(findings: &'a SeriesFindings) -> BTreeMap<&'static str, Self> {
        let found = |series: &checks::Series| {
            let finding = findings.get(*series);
            let found = Self {
                present: finding.status.is_proven(),
                reason: finding.reason.as_str(),
                message: &finding.message,
            };
            (series.as_str(), found)
        };
        checks::Series::ALL.iter().map(found).collect()
    }
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
                advice: advice_on(rule, verdict),
                known: verdict.is_known,
                waiver: verdict.waiver.as_deref().map(|waiver| Waiver {
                    reason: &waiver.reason,
                    discussion: waiver.discussion.as_str(),
                    owner: &waiver.owner,
                    approver: &waiver.approver,
                    expires_at: waiver.expires_at.to_string(),
                }),
            })
            .collect(),
        not_configured: report
            .not_configured
            .iter()
            .map(ToString::to_string)
            .collect(),
        series: Series::of(report.series),
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
        notes: report.notes,
        resolved: report.resolved.map(|resolved| {
            let resolved = resolved.iter();
            let written = resolved.map(|finding| Resolved {
                rule: &finding.rule,
                reason: &finding.reason,
            });
            written.collect()
        }),
    };
    super::report::pretty(&document)
}
