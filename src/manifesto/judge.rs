//! Judging by the rules in force.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::in_force::Manifesto;
use super::rule::Rule;
use crate::catalogue::{Catalogue, Records};
use crate::checks::{Checks, Finding, Place, ScrapeCheck, SeriesFindings, Verdict, judge_scrape};
use crate::sources::Query;

/// What the rules in force want to know of servers, each question once.
pub fn queries(manifesto: &Manifesto, catalogue: &Catalogue, records: &Records) -> BTreeSet<Query> {
    let rules = manifesto.rules().iter();
    rules
        .flat_map(|rule| rule.checks.queries(catalogue, records))
        .collect()
}

/// Judges every rule that scrapes prove by what was found of each series, and by where.
pub fn judge_all(manifesto: &Manifesto, found: &SeriesFindings, place: Place<'_>) -> Vec<Verdict> {
    of_scrapes(manifesto)
        .map(|(rule, checks)| Verdict {
            rule: rule.id,
            finding: judge_scrape(checks, found, place),
        })
        .collect()
}

/// Of a target that answers that there are no metrics where they should be: who exports none violates the rule
/// that asks for them, and everything else is not known.
pub fn judge_without_metrics(
    manifesto: &Manifesto,
    missing: &Finding,
    unknown: &Finding,
) -> Vec<Verdict> {
    let (missing, unknown) = (Arc::new(missing.clone()), Arc::new(unknown.clone()));
    of_scrapes(manifesto)
        .map(|(rule, checks)| Verdict {
            rule: rule.id,
            finding: match checks.contains(&ScrapeCheck::Identity) {
                true => Arc::clone(&missing),
                false => Arc::clone(&unknown),
            },
        })
        .collect()
}

/// The same finding for each of these rules: the scrape failed, or has not happened yet.
pub fn all_unknown(manifesto: &Manifesto, finding: &Finding) -> Vec<Verdict> {
    let finding = Arc::new(finding.clone());
    of_scrapes(manifesto)
        .map(|(rule, _)| Verdict {
            rule: rule.id,
            finding: Arc::clone(&finding),
        })
        .collect()
}

/// The rules that scrapes prove.
fn of_scrapes(manifesto: &Manifesto) -> impl Iterator<Item = (&Rule, &[ScrapeCheck])> {
    let rules = manifesto.rules().iter();
    rules.filter_map(|rule| match &rule.checks {
        Checks::Scraped(checks) => Some((rule, &**checks)),
        Checks::Evidence(_) => None,
    })
}
