//! Where everybody stands at the end, beside the slow count.

use std::collections::BTreeMap;

use manifesto_exporter::report::Report;
use manifesto_exporter::report::model::Standing;
use manifesto_exporter::snapshot::RuleStatus;

use super::compare::Figures;
use super::life::{Everybody, Seen};
use super::slow::{category, is_violated, ratio, sums};

pub(super) fn services(everybody: &Everybody) -> u64 {
    everybody.keys().filter(|name| !name.is_empty()).count() as u64
}

pub(super) fn standing<'a>(
    told: &Standing,
    seen: impl Iterator<Item = &'a Seen> + Clone,
    what: &str,
    figures: &mut Figures,
) {
    let counted = sums(seen.clone());
    figures.same(told.score, counted.score(), what);
    figures.same(told.coverage, counted.coverage(), what);
    let judged = || seen.clone().flat_map(|seen| &seen.rules);
    let with = |status| judged().filter(|one| one.counted == status).count() as u64;
    figures.same(told.compliant, with(RuleStatus::Pass), what);
    figures.same(told.violated, with(RuleStatus::Fail), what);
    figures.same(told.waived, with(RuleStatus::Waived), what);
    let critical = judged().filter(|one| one.counted == RuleStatus::Fail && one.weight == 40);
    figures.same(told.critical, critical.count() as u64, what);
    let unknown = |is_not_configured| {
        let unknown = judged().filter(|one| one.status == RuleStatus::Unknown);
        unknown
            .filter(|one| one.is_not_configured == is_not_configured)
            .count() as u64
    };
    figures.same(told.unknown, unknown(false), what);
    figures.same(told.not_configured, unknown(true), what);
}

pub(super) fn teams(report: &Report, end: &Everybody, figures: &mut Figures) {
    let mut owned: BTreeMap<&str, Vec<&Seen>> = BTreeMap::new();
    for (_, seen) in end.iter().filter(|(name, _)| !name.is_empty()) {
        owned.entry(&seen.team).or_default().push(seen);
    }
    for team in &report.teams {
        let owned = owned.remove(team.name.as_str()).unwrap_or_default();
        standing(&team.end, owned.iter().copied(), &team.name, figures);
        figures.same(team.end.services, owned.len() as u64, &team.name);
        for (rule, told) in report.rules.iter().zip(&team.rules) {
            let of_rule = owned.iter().flat_map(|seen| &seen.rules);
            let of_rule = of_rule.filter(|judged| judged.rule == rule.id);
            let counted: Vec<RuleStatus> = of_rule.map(|judged| judged.counted).collect();
            let passed = counted.iter().filter(|one| **one == RuleStatus::Pass);
            let passed = passed.count() as u128;
            let violated = counted.iter().filter(|one| is_violated(**one)).count() as u128;
            figures.same(*told, ratio(passed, passed + violated), &rule.id);
        }
        for (one, told) in report.categories.iter().zip(&team.categories) {
            let of_category = in_category(owned.iter().copied(), &one.name);
            figures.same(*told, sums(&of_category).score(), &one.name);
        }
    }
    assert!(owned.is_empty(), "{owned:?}");
}

/// The same, with the rules of a category alone.
fn in_category<'a>(seen: impl Iterator<Item = &'a Seen>, name: &str) -> Vec<Seen> {
    let of_category = seen.map(|seen| {
        let mut seen = seen.clone();
        seen.rules.retain(|judged| category(&judged.rule) == name);
        seen
    });
    of_category.collect()
}

pub(super) fn rules(report: &Report, end: &Everybody, figures: &mut Figures) {
    let all = sums(end.values());
    for rule in &report.rules {
        let of_rule = || {
            let judged = end.values().flat_map(|seen| &seen.rules);
            judged.filter(|judged| judged.rule == rule.id)
        };
        let counted = |status| of_rule().filter(|one| one.counted == status).count() as u64;
        let unknown = |is_not_configured| {
            let unknown = of_rule().filter(|one| one.status == RuleStatus::Unknown);
            unknown
                .filter(|one| one.is_not_configured == is_not_configured)
                .count() as u64
        };
        let (compliant, violated) = (counted(RuleStatus::Pass), counted(RuleStatus::Fail));
        let waived = counted(RuleStatus::Waived);
        figures.same(
            (rule.compliant, rule.violated, rule.waived),
            (compliant, violated, waived),
            &rule.id,
        );
        figures.same(
            (rule.unknown, rule.not_configured),
            (unknown(false), unknown(true)),
            &rule.id,
        );
        let share = ratio(
            u128::from(compliant),
            u128::from(compliant + violated + waived),
        );
        figures.same(rule.share, share, &rule.id);
        let lost = of_rule().filter(|one| is_violated(one.counted));
        let lost: u128 = lost.map(|one| one.weight).sum();
        let gain = ratio(lost, all.counted()).filter(|gain| *gain > 0.0);
        figures.same(rule.gain, gain, &rule.id);
    }
    for one in &report.categories {
        let of_category = sums(&in_category(end.values(), &one.name));
        figures.same(one.score, of_category.score(), &one.name);
        figures.same(one.coverage, of_category.coverage(), &one.name);
    }
    let lost: f64 = report.rules.iter().filter_map(|rule| rule.gain).sum();
    if let Some(share) = ratio(all.lost(), all.counted()) {
        assert!((lost - share).abs() < 1e-9, "{lost} of {share}");
    }
}

/// The levels of the configuration.
const LEVELS: [(&str, &[&str]); 3] = [
    ("bronze", &["O-6", "O-7"]),
    ("silver", &["O-8"]),
    ("gold", &["O-9"]),
];

fn level(seen: &Seen) -> &'static str {
    let mut held = "none";
    let mut complies_with_any = false;
    for (name, rules) in LEVELS {
        for rule in rules {
            let judged = seen.rules.iter().find(|judged| judged.rule == *rule);
            match judged.unwrap().status {
                RuleStatus::Pass => complies_with_any = true,
                RuleStatus::NotApplicable => {}
                RuleStatus::Fail | RuleStatus::Waived | RuleStatus::Unknown => return held,
            }
        }
        if complies_with_any {
            held = name;
        }
    }
    held
}

pub(super) fn levels(report: &Report, start: &Everybody, end: &Everybody, figures: &mut Figures) {
    let holding = |everybody: &Everybody, name: &str| {
        let services = everybody.iter().filter(|(name, _)| !name.is_empty());
        services.filter(|(_, seen)| level(seen) == name).count() as u64
    };
    figures.same(report.levels.len(), 4, "levels");
    for one in &report.levels {
        figures.same(one.start, holding(start, &one.name), &one.name);
        figures.same(one.end, holding(end, &one.name), &one.name);
    }
}

pub(super) fn offenders(report: &Report, end: &Everybody, figures: &mut Figures) {
    let mut expected = Vec::new();
    for (name, seen) in end {
        let violated = seen.rules.iter().filter(|one| is_violated(one.counted));
        let mut violated: Vec<_> = violated.collect();
        violated.sort_by_key(|one| std::cmp::Reverse(one.weight));
        if violated.is_empty() {
            continue;
        }
        let lost = violated
            .iter()
            .filter(|one| one.counted == RuleStatus::Fail);
        let lost: u128 = lost.map(|one| one.weight).sum();
        let violations = violated.iter().map(|one| {
            (
                one.rule.clone(),
                one.failing.map(|(since, _)| since),
                one.failing.is_some_and(|(_, is_exact)| is_exact),
                one.counted == RuleStatus::Waived,
                is_unmeasured(one.status),
            )
        });
        let mut violations: Vec<_> = violations.collect();
        violations.sort();
        let score = sums([seen]).score();
        let key = (std::cmp::Reverse(lost), name.clone());
        expected.push((key, seen.team.clone(), score, violations));
    }
    expected.sort_by(|a, b| a.0.cmp(&b.0));
    figures.same(report.offenders.len(), expected.len(), "offenders");
    for (told, ((_, name), team, score, violations)) in report.offenders.iter().zip(expected) {
        figures.same((&told.service, &told.team), (&name, &team), "an offender");
        figures.same(told.score, score, &name);
        let mut listed: Vec<_> = told
            .violations
            .iter()
            .map(|one| {
                (
                    one.rule.clone(),
                    one.since,
                    one.since_is_exact,
                    one.waived,
                    one.carried_over,
                )
            })
            .collect();
        listed.sort();
        figures.0 += violations.len();
        figures.same(listed, violations, &name);
    }
    figures.same(
        report.summary.end.services_violating,
        end.iter()
            .filter(|(name, _)| !name.is_empty())
            .filter(|(_, seen)| seen.rules.iter().any(|one| is_violated(one.counted)))
            .count() as u64,
        "services that violate something",
    );
}

fn is_unmeasured(status: RuleStatus) -> bool {
    matches!(status, RuleStatus::Unknown | RuleStatus::NotApplicable)
}
