//! For code scanning: SARIF 2.1.0.

use serde_json::{Value, json};

use super::report::{Report, pretty};
use crate::checks::Reason;
use crate::publish::telemetry::VERSION;
use crate::snapshot::RuleStatus;

/// The SARIF rule of a fault in the exposition, beside the manifesto's own.
const FAULT_RULE: &str = "exposition-format";

pub(super) fn write(report: &Report<'_>) -> String {
    let mut rules: Vec<Value> = report
        .judged()
        .map(|(rule, _)| {
            json!({
                "id": rule.id.to_string(),
                "shortDescription": {"text": rule.title},
                "fullDescription": {"text": rule.asks},
                "help": {"text": rule.remediation},
            })
        })
        .collect();
    rules.push(json!({
        "id": FAULT_RULE,
        "shortDescription": {"text": "The exposition is not what its format says"},
    }));
    let artifact = json!({"uri": uri(report.input)});
    let verdicts = report.judged().filter_map(|(rule, verdict)| {
        let level = match verdict.status {
            RuleStatus::Fail => "error",
            RuleStatus::Unknown => "warning",
            RuleStatus::Waived => "note",
            RuleStatus::Pass if verdict.finding.reason == Reason::ProvenWeakly => "note",
            RuleStatus::Pass | RuleStatus::NotApplicable => return None,
        };
        Some(json!({
            "ruleId": rule.id.to_string(),
            "level": level,
            "message": {"text": format!("{}. How to fix: {}", verdict.message(), rule.remediation)},
            "locations": [{"physicalLocation": {"artifactLocation": artifact}}],
        }))
    });
    let faults = report.faults().iter().map(|fault| {
        let mut place = json!({"artifactLocation": artifact});
        // Line and column are 0 where the fault concerns more than one place, which SARIF forbids.
        if fault.line > 0 {
            place["region"] = json!({"startLine": fault.line, "startColumn": fault.column.max(1)});
        }
        json!({
            "ruleId": FAULT_RULE,
            "level": report.level(fault),
            "message": {"text": format!("{}: {}", fault.severity.as_str(), fault.message)},
            "locations": [{"physicalLocation": place}],
        })
    });
    let results: Vec<Value> = verdicts.chain(faults).collect();
    pretty(&json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "manifesto-exporter",
                "version": VERSION,
                "rules": rules,
            }},
            "columnKind": "utf16CodeUnits",
            "results": results,
        }],
    }))
}

/// SARIF wants a URI reference: what a file name may hold and a URI may not is escaped.
fn uri(input: &str) -> String {
    let mut out = String::with_capacity(input.len());
    for byte in input.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/:?=&@[]".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out += &format!("%{byte:02X}");
        }
    }
    out
}
