//! How the figures came about: the rules that were in force, and when nothing was measured.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::calendar::Span;
use crate::history::{StoredRule, StoredRuleset};
use crate::report::collect::Collected;
use crate::report::model::{Gap, Method, RuleChange};
use crate::report::question::Question;

/// Gaps that are listed, the longest.
const GAPS_MAX: usize = 20;

pub(super) fn method(question: &Question<'_>, found: &Collected, tzdb: &str) -> Method {
    let mut gaps = gaps(question, found);
    gaps.sort_by_key(|gap| (std::cmp::Reverse(gap.to.duration_since(gap.from)), gap.from));
    let not_listed = gaps.len().saturating_sub(GAPS_MAX);
    gaps.truncate(GAPS_MAX);
    gaps.sort_by_key(|gap| gap.from);
    let mut versions: Vec<String> = Vec::new();
    for (_, ruleset) in in_force(question, found) {
        if versions.last() != Some(&ruleset.version) {
            versions.push(ruleset.version.clone());
        }
    }
    Method {
        carried_over_seconds: found
            .rulesets
            .last()
            .map_or(0, |(_, ruleset)| ruleset.carried_for_s),
        rulesets: versions,
        tzdb: tzdb.to_owned(),
        gaps,
        gaps_not_listed: not_listed as u64,
    }
}

/// When nothing was measured, as far as the period has come.
fn gaps(question: &Question<'_>, found: &Collected) -> Vec<Gap> {
    let span = question.period.span;
    let to = match (found.is_closed, found.through) {
        (true, _) => span.to,
        (false, Some((_, last))) => last,
        (false, None) => span.from,
    };
    let mut covered: Vec<(Span, &str)> = Vec::new();
    for segment in &found.timeline.segments {
        let parts = segment.owned.iter();
        covered.extend(parts.map(|part| (*part, segment.ended.in_words())));
    }
    covered.sort_by_key(|(part, _)| part.from);
    let mut gaps: Vec<Gap> = Vec::new();
    let mut from = span.from;
    let mut why = "nothing is recorded before";
    for (part, ended) in covered {
        if part.from > from && part.from < to {
            gaps.push(Gap {
                from,
                to: part.from,
                why: why.to_owned(),
            });
        }
        if part.to > from {
            from = part.to;
            why = ended;
        }
    }
    if from < to {
        gaps.push(Gap {
            from,
            to,
            why: why.to_owned(),
        });
    }
    gaps
}

/// The rules of the period: the last that came before it, and those that came in it.
fn in_force<'a>(
    question: &Question<'_>,
    found: &'a Collected,
) -> impl Iterator<Item = &'a (Timestamp, StoredRuleset)> {
    let from = question.period.span.from;
    let first = found.rulesets.iter().rposition(|(at, _)| *at <= from);
    found.rulesets.iter().skip(first.unwrap_or(0))
}

/// What changed of the rules in the period.
pub(super) fn rule_changes(question: &Question<'_>, found: &Collected) -> Vec<RuleChange> {
    let rulesets: Vec<_> = in_force(question, found).collect();
    let mut changes = Vec::new();
    for pair in rulesets.windows(2) {
        let [(_, before), (at, after)] = pair else {
            continue;
        };
        let described = differences(before, after);
        changes.extend(
            described
                .into_iter()
                .map(|what| RuleChange { at: *at, what }),
        );
    }
    changes
}

fn differences(before: &StoredRuleset, after: &StoredRuleset) -> Vec<String> {
    let by_id = |ruleset: &StoredRuleset| -> BTreeMap<String, StoredRule> {
        let rules = ruleset.rules.iter();
        rules.map(|rule| (rule.id.clone(), rule.clone())).collect()
    };
    let (old, new) = (by_id(before), by_id(after));
    let mut differences = Vec::new();
    if before.version != after.version {
        differences.push(format!(
            "version {} became {}",
            before.version, after.version
        ));
    }
    for (id, rule) in &new {
        let Some(was) = old.get(id) else {
            differences.push(format!("{id} ({}) is judged", rule.title));
            continue;
        };
        if was.severity != rule.severity {
            differences.push(format!(
                "{id}: severity {} became {}",
                was.severity, rule.severity
            ));
        }
        // Another version of this program may describe the same checks otherwise.
        if was.definition != rule.definition && before.exporter == after.exporter {
            differences.push(format!("{id} is judged otherwise"));
        }
        if was.effective_from != rule.effective_from {
            let day = rule.effective_from;
            differences.push(match day {
                Some(day) => format!("{id} counts from {day} on"),
                None => format!("{id} counts at once"),
            });
        }
    }
    for (id, rule) in old.iter().filter(|(id, _)| !new.contains_key(*id)) {
        let reason = after.disabled.iter().find(|(disabled, _)| disabled == id);
        differences.push(match reason {
            Some((_, reason)) => format!("{id} ({}) is not judged any more: {reason}", rule.title),
            None => format!("{id} ({}) is gone", rule.title),
        });
    }
    if before.carried_for_s != after.carried_for_s {
        let days = |seconds: i64| seconds as f64 / 86_400.0;
        differences.push(format!(
            "the last measured outcome counts for {} d instead of {} d",
            days(after.carried_for_s),
            days(before.carried_for_s)
        ));
    }
    differences
}
