//! An estate as a table for a terminal: a line a rule, a column a service.

use crate::checks::Reason;
use crate::cli::wrap::wrap;
use crate::document::inert::inert;
use crate::publish::percent;
use crate::snapshot::{RuleStatus, Score, ServiceVerdict, Snapshot};

/// Columns before a sentence.
const INDENT: usize = 25;

/// Every rule, and after it the verdicts that somebody should look at.
pub(super) fn table(snapshot: &Snapshot) -> String {
    let columns: Vec<(&str, &[ServiceVerdict], Score)> = snapshot
        .services
        .iter()
        .map(|service| (&*service.key.name, &*service.verdicts, service.score))
        .chain([("estate", &*snapshot.estate.verdicts, snapshot.estate.score)])
        .collect();
    let mut out = format!("{:5}", "RULE");
    for (name, ..) in &columns {
        out += &format!(" {:10}", name.to_uppercase());
    }
    out += " TITLE\n";
    let mut reasons = String::new();
    for (place, rule) in snapshot.manifesto().rules().iter().enumerate() {
        out += &format!("{:5}", rule.id);
        for (name, verdicts, _) in &columns {
            let verdict = verdicts.iter().find(|verdict| verdict.rule == place);
            out += &format!(" {:10}", verdict.map_or("", shown));
            reasons +=
                &verdict.map_or_else(String::new, |verdict| sentence(rule.id, name, verdict));
        }
        out += &format!(" {}\n", wrap(&rule.title, 6 + 11 * columns.len()));
    }
    for (label, figure) in [("score", score as fn(Score) -> String), ("cover", coverage)] {
        out += &format!("{label:5}");
        for (_, _, score) in &columns {
            out += &format!(" {:10}", figure(*score));
        }
        out += "\n";
    }
    format!("{out}\nWhat is violated, waived or unknown, and why:\n{reasons}")
}

fn shown(verdict: &ServiceVerdict) -> &'static str {
    match verdict.status {
        RuleStatus::Pass if verdict.finding.reason == Reason::ProvenWeakly => "pass*",
        RuleStatus::NotApplicable => "n/a",
        status => status.as_str(),
    }
}

fn score(score: Score) -> String {
    score.ratio().map_or_else(|| "–".to_owned(), percent)
}

fn coverage(score: Score) -> String {
    percent(score.coverage())
}

fn sentence(rule: crate::rule_id::RuleId, name: &str, verdict: &ServiceVerdict) -> String {
    if matches!(verdict.status, RuleStatus::Pass | RuleStatus::NotApplicable) {
        return String::new();
    }
    let status = verdict.status.as_str();
    let message = wrap(&inert(&verdict.finding.message), INDENT);
    let mut out = format!("{rule:5} {name:9} {status:8} {message}\n");
    if let Some(evidence) = verdict.finding.evidence.first() {
        out += &format!("{:INDENT$}{}\n", "", wrap(&inert(evidence), INDENT));
    }
    out
}
