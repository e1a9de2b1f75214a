//! For code scanning: SARIF 2.1.0, as GitHub reads it.
//!
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>,
//! <https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning>

use std::collections::HashMap;

use serde_json::{Value, json};

use super::place::Place;
use super::report::{Report, ReportedVerdict, advice_on, pretty};
use crate::checks::Reason;
use crate::document::digest::sha256;
use crate::exposition::Fault;
use crate::manifesto::{Rule, Severity};
use crate::publish::telemetry::VERSION;
use crate::snapshot::RuleStatus;

/// Of a digest, as many as tell findings apart.
const FINGERPRINT_CHARS: usize = 32;

/// The SARIF rule of a fault in the exposition, beside the manifesto's own.
const FAULT_RULE: &str = "exposition-format";

pub(super) fn write(report: &Report<'_>) -> String {
    let mut rules: Vec<Value> = report.judged().map(|(rule, _)| described(rule)).collect();
    rules.push(json!({
        "id": FAULT_RULE,
        "name": "ExpositionFormat",
        "shortDescription": {"text": "The exposition is not what its format says"},
        "fullDescription": {"text": "Prometheus fails a scrape for an error; what its format forbids and Prometheus tolerates is a violation."},
        "help": {"text": "Mend the exposition at the place named."},
        "defaultConfiguration": {"level": "warning"},
        "properties": {"tags": ["reliability", "exposition"], "precision": "very-high"},
    }));
    let place = Place::of(report.input);
    let verdicts = report.judged().filter_map(|(rule, verdict)| {
        let mut result = verdict_result(report, rule, verdict)?;
        result["locations"] = json!([location(&place, None)]);
        Some(result)
    });
    let mut seen: HashMap<String, usize> = HashMap::new();
    let faults = report.faults().iter().map(|fault| {
        let level = if report.fails(fault) {
            "error"
        } else {
            "warning"
        };
        // The same fault further down is another; where its line is does not matter.
        let nth = seen.entry(fault.message.clone()).or_default();
        *nth += 1;
        json!({
            "ruleId": FAULT_RULE,
            "level": level,
            "message": {"text": format!("{}: {}", fault.severity.as_str(), fault.message)},
            "locations": [location(&place, Some(fault))],
            "partialFingerprints": fingerprint(&[FAULT_RULE, &fault.message, &nth.to_string()]),
        })
    });
    // What is resolved is left out: code scanning closes what an upload names no more, and knows no `absent`.
    let results: Vec<Value> = verdicts.chain(faults).collect();
    pretty(&json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "manifesto-exporter",
                "version": VERSION,
                "semanticVersion": VERSION,
                "rules": rules,
            }},
            "automationDetails": {"id": format!("manifesto-exporter/{}/", report.service)},
            "columnKind": "utf16CodeUnits",
            "invocations": [invocation(report)],
            "results": results,
        }],
    }))
}

fn described(rule: &Rule) -> Value {
    let level = match rule.severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low => "note",
    };
    json!({
        "id": rule.id.to_string(),
        "name": rule.id.to_string(),
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.asks},
        "help": {"text": rule.remediation},
        "defaultConfiguration": {"level": level},
        "properties": {"tags": ["reliability", rule.id.category().as_str()], "precision": "high"},
    })
}

/// What was found, without its place; `None` where nobody need look.
fn verdict_result(report: &Report<'_>, rule: &Rule, verdict: &ReportedVerdict) -> Option<Value> {
    let level = match verdict.status {
        RuleStatus::Fail | RuleStatus::Waived => "error",
        RuleStatus::Unknown => "warning",
        RuleStatus::Pass if verdict.finding.reason == Reason::ProvenWeakly => "note",
        RuleStatus::Pass | RuleStatus::NotApplicable => return None,
    };
    let text = match advice_on(rule, verdict) {
        "" => verdict.message(),
        advice => format!("{}. How to fix: {advice}", verdict.message()),
    };
    let reason = verdict.finding.reason.as_str();
    let mut result = json!({
        "ruleId": rule.id.to_string(),
        "level": level,
        "message": {"text": format!("{}: {text}", report.input)},
        "partialFingerprints": fingerprint(&[report.service, &rule.id.to_string(), reason]),
        "properties": {"status": verdict.status.as_str(), "reason": reason},
    });
    if report.resolved.is_some() {
        let state = if verdict.is_known { "unchanged" } else { "new" };
        result["baselineState"] = json!(state);
    }
    if let Some(waiver) = &verdict.waiver {
        result["suppressions"] = json!([{
            "kind": "external",
            "status": "accepted",
            "justification": format!("{} (approved by {} until {})", waiver.reason, waiver.approver, waiver.expires_at),
        }]);
    }
    Some(result)
}

fn invocation(report: &Report<'_>) -> Value {
    let is_down = report
        .measured
        .down
        .as_ref()
        .is_some_and(|down| !down.reason.says_no_metrics());
    let down = report
        .measured
        .down
        .iter()
        .map(|down| ("error", down.to_string()));
    let notes = report.notes.iter().map(|note| ("note", note.clone()));
    let notifications: Vec<Value> = down
        .chain(notes)
        .map(|(level, text)| json!({"level": level, "message": {"text": text}}))
        .collect();
    json!({
        "executionSuccessful": !is_down,
        "toolExecutionNotifications": notifications,
    })
}

/// A place at a fault, or at its beginning: code scanning shows nothing that has no line.
fn location(place: &Place, fault: Option<&Fault>) -> Value {
    let region = match fault {
        Some(fault) if fault.line > 0 => {
            json!({"startLine": fault.line, "startColumn": fault.column_utf16.max(1)})
        }
        Some(_) | None => json!({"startLine": 1}),
    };
    let mut location = json!({"physicalLocation": {
        "artifactLocation": {"uri": place.uri(), "uriBaseId": "%SRCROOT%"},
        "region": region,
    }});
    if let Some(address) = place.address() {
        location["logicalLocations"] = json!([{"fullyQualifiedName": address, "kind": "resource"}]);
    }
    location
}

/// Tells a finding from others of the same place, wherever its line moves to.
fn fingerprint(parts: &[&str]) -> Value {
    let text = parts.join("\0");
    let hex: String = sha256(&text).chars().take(FINGERPRINT_CHARS).collect();
    json!({"primaryLocationLineHash": format!("{hex}:1"), "manifestoFinding/v1": hex})
}
