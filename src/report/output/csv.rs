//! Tables of a report for spreadsheets, by RFC 4180. A cell that a spreadsheet would run is made a text.

use std::fmt::Write as _;

use jiff::Timestamp;

use crate::document::inert::is_active;
use crate::report::model::Report;

/// A table of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Table {
    /// Every violation at the end.
    Violations,
    /// Rule by rule.
    Rules,
    /// Team by team.
    Teams,
    /// Week by week.
    Weeks,
    /// Key result by key result.
    KeyResults,
    /// What changed.
    Changes,
    /// Waivers.
    Waivers,
    /// Attestations.
    Attestations,
    /// Initiatives.
    Initiatives,
    /// Levels.
    Levels,
    /// Category by category.
    Categories,
}

/// One table.
pub fn csv(report: &Report, table: Table) -> String {
    let mut out = String::new();
    match table {
        Table::Violations => violations(report, &mut out),
        Table::Rules => rules(report, &mut out),
        Table::Teams => teams(report, &mut out),
        Table::Weeks => weeks(report, &mut out),
        Table::KeyResults => key_results(report, &mut out),
        Table::Changes => changes(report, &mut out),
        Table::Waivers => waivers(report, &mut out),
        Table::Attestations => attestations(report, &mut out),
        Table::Initiatives => initiatives(report, &mut out),
        Table::Levels => levels(report, &mut out),
        Table::Categories => categories(report, &mut out),
    }
    out
}

/// What makes a cell a formula (OWASP, *CSV Injection*), in full width too.
const FORMULA: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// A row. What begins with a sign of a formula is given an apostrophe (OWASP, *CSV Injection*).
fn row(out: &mut String, cells: &[&str]) {
    for (place, cell) in cells.iter().enumerate() {
        if place > 0 {
            out.push(',');
        }
        // A tab and the end of a line are text here.
        let is_harmful = |c: char| is_active(c) && !matches!(c, '\t' | '\n' | '\r');
        let cell = cell.replace(is_harmful, "\u{fffd}");
        let is_formula = cell.starts_with(FORMULA) && !is_number(&cell);
        let guard = if is_formula { "'" } else { "" };
        match is_formula || cell.contains([',', '"', '\n', '\r']) {
            true => {
                let quoted = cell.replace('"', "\"\"");
                // Writing to a String cannot fail.
                let _written = write!(out, "\"{guard}{quoted}\"");
            }
            false => out.push_str(&cell),
        }
    }
    out.push_str("\r\n");
}

fn is_number(cell: &str) -> bool {
    let digits = cell.strip_prefix('-').unwrap_or(cell);
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}

fn share(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

fn moment(at: Option<Timestamp>) -> String {
    at.map_or_else(String::new, |at| at.to_string())
}

fn violations(report: &Report, out: &mut String) {
    let head = "service environment team tier rule severity since since_is_exact waived carried_over reason message";
    row(out, &head.split(' ').collect::<Vec<_>>());
    for offender in &report.offenders {
        for v in &offender.violations {
            row(
                out,
                &[
                    &offender.service,
                    &offender.environment,
                    &offender.team,
                    &offender.tier,
                    &v.rule,
                    &v.severity,
                    &moment(v.since),
                    &v.since_is_exact.to_string(),
                    &v.waived.to_string(),
                    &v.carried_over.to_string(),
                    &v.reason,
                    &v.message,
                ],
            );
        }
    }
}

fn rules(report: &Report, out: &mut String) {
    let head = "rule title category severity compliant violated waived unknown not_configured share mean mean_before gain";
    row(out, &head.split(' ').collect::<Vec<_>>());
    for rule in &report.rules {
        row(
            out,
            &[
                &rule.id,
                &rule.title,
                &rule.category,
                &rule.severity,
                &rule.compliant.to_string(),
                &rule.violated.to_string(),
                &rule.waived.to_string(),
                &rule.unknown.to_string(),
                &rule.not_configured.to_string(),
                &share(rule.share),
                &share(rule.mean),
                &share(rule.mean_before),
                &share(rule.gain),
            ],
        );
    }
}

fn teams(report: &Report, out: &mut String) {
    let head = "team services score coverage violated waived mean_score mean_score_before";
    row(out, &head.split(' ').collect::<Vec<_>>());
    for team in &report.teams {
        row(
            out,
            &[
                &team.name,
                &team.end.services.to_string(),
                &share(team.end.score),
                &share(team.end.coverage),
                &team.end.violated.to_string(),
                &team.end.waived.to_string(),
                &share(team.mean.score),
                &share(team.mean_before.score),
            ],
        );
    }
}

fn weeks(report: &Report, out: &mut String) {
    let head = "first last score coverage covered score_before coverage_before covered_before";
    row(out, &head.split(' ').collect::<Vec<_>>());
    for week in &report.weeks {
        let before = week.before.unwrap_or_default();
        let covered_before = week.before.map(|before| before.covered);
        row(
            out,
            &[
                &week.first.to_string(),
                &week.last.to_string(),
                &share(week.mean.score),
                &share(week.mean.coverage),
                &week.mean.covered.to_string(),
                &share(before.score),
                &share(before.coverage),
                &share(covered_before),
            ],
        );
    }
}

fn key_results(report: &Report, out: &mut String) {
    let head = "team objective key_result title owner kind measure unit baseline target actual measured score expected outlook grade";
    row(out, &head.split(' ').collect::<Vec<_>>());
    for objective in &report.objectives {
        for result in &objective.key_results {
            row(
                out,
                &[
                    &objective.team,
                    &objective.id,
                    &result.id,
                    &result.title,
                    &result.owner,
                    &result.kind,
                    &result.measure,
                    &result.unit,
                    &share(result.baseline),
                    &result.target.to_string(),
                    &share(result.actual),
                    &result.measured.to_string(),
                    &share(result.score),
                    &result.expected.to_string(),
                    &result.outlook,
                    result.grade.as_deref().unwrap_or_default(),
                ],
            );
        }
    }
}

fn changes(report: &Report, out: &mut String) {
    let head = "change at service environment team rule message";
    row(out, &head.split(' ').collect::<Vec<_>>());
    for change in &report.changes {
        row(
            out,
            &[
                super::text::change(&change.kind),
                &change.at.to_string(),
                &change.service,
                &change.environment,
                &change.team,
                &change.rule,
                &change.message,
            ],
        );
    }
}

fn waivers(report: &Report, out: &mut String) {
    let head = "state rule concerns owner approver reason discussion granted_at expires_at renewals first_granted_at";
    row(out, &head.split(' ').collect::<Vec<_>>());
    for waiver in &report.waivers {
        row(
            out,
            &[
                super::text::record(&waiver.state),
                &waiver.rule,
                &waiver.concerns,
                &waiver.owner,
                &waiver.approver,
                &waiver.reason,
                &waiver.discussion,
                &waiver.granted_at.to_string(),
                &waiver.expires_at.to_string(),
                &waiver.renewals.to_string(),
                &waiver.first_granted_at.to_string(),
            ],
        );
    }
}

fn attestations(report: &Report, out: &mut String) {
    let head = "state rule service environment owner statement signed_at expires_at";
    row(out, &head.split(' ').collect::<Vec<_>>());
    for record in &report.attestations {
        row(
            out,
            &[
                super::text::record(&record.state),
                &record.rule,
                &record.service,
                &record.environment,
                &record.owner,
                &record.statement,
                &record.signed_at.to_string(),
                &record.expires_at.to_string(),
            ],
        );
    }
}

fn initiatives(report: &Report, out: &mut String) {
    let head = "initiative owner reason rules started due services left unknown";
    row(out, &head.split(' ').collect::<Vec<_>>());
    for initiative in &report.initiatives {
        row(
            out,
            &[
                &initiative.title,
                &initiative.owner,
                &initiative.reason,
                &initiative.rules.join(" "),
                &initiative.started.to_string(),
                &initiative.due.to_string(),
                &initiative.services.to_string(),
                &initiative.left.to_string(),
                &initiative.unknown.to_string(),
            ],
        );
    }
}

fn levels(report: &Report, out: &mut String) {
    row(out, &["level", "start", "end"]);
    for level in &report.levels {
        let (start, end) = (level.start.to_string(), level.end.to_string());
        row(out, &[&level.name, &start, &end]);
    }
}

fn categories(report: &Report, out: &mut String) {
    let head = "category score coverage mean_score mean_score_before";
    row(out, &head.split(' ').collect::<Vec<_>>());
    for category in &report.categories {
        row(
            out,
            &[
                &category.name,
                &share(category.score),
                &share(category.coverage),
                &share(category.mean.score),
                &share(category.mean_before.score),
            ],
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fault_97_no_cell_is_a_formula() {
        let mut out = String::new();
        row(
            &mut out,
            &[
                "=cmd|' /C calc'!A0",
                "-1.5",
                "-x",
                "+1",
                "@a",
                "a=b",
                "say \"hi\", you",
                "",
            ],
        );
        assert_eq!(
            out,
            "\"'=cmd|' /C calc'!A0\",-1.5,\"'-x\",\"'+1\",\"'@a\",a=b,\"say \"\"hi\"\", you\",\r\n"
        );
    }
}
