//! Judging by the rules in force.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::in_force::Manifesto;
use super::rule::Rule;
use crate::catalogue::{Catalogue, Records};
use crate::checks::{Checks, Finding, Reason, ScrapeCheck, Scraped, Verdict, judge_scrape};
use crate::sources::Query;

/// What the rules in force want to know of servers, each question once.
pub fn queries(manifesto: &Manifesto, catalogue: &Catalogue, records: &Records) -> BTreeSet<Query> {
    let rules = manifesto.rules().iter();
    rules
        .flat_map(|rule| rule.checks.queries(catalogue, records))
        .collect()
}

/// Judges every rule that scrapes prove on one scrape.
pub fn judge_all(manifesto: &Manifesto, scraped: Scraped<'_>) -> Vec<Verdict> {
    of_scrapes(manifesto)
        .map(|(rule, checks)| Verdict {
            rule: rule.id,
            finding: Arc::new(judge_scrape(checks, scraped)),
        })
        .collect()
}

/// The same finding for each of these rules: the scrape failed, or has not happened yet.
pub fn all_unknown(manifesto: &Manifesto, reason: Reason, message: &str) -> Vec<Verdict> {
    let finding = Arc::new(Finding::unknown(reason, message));
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
