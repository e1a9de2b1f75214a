//! `/api/v1/targets/relabelling?target=`: how a target came to its labels, or why it is none.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::discovery::{Discovered, Found};
use crate::labels::Labels;

/// Targets that are told of, where several are at one address.
const MATCHES_MAX: usize = 100;

/// `/api/v1/targets/relabelling`.
#[derive(Debug, Serialize)]
pub(in crate::publish) struct Relabelled {
    pub(in crate::publish) targets: Vec<RelabelledTarget>,
}

/// One target, or what was dropped.
#[derive(Debug, Serialize)]
pub(in crate::publish) struct RelabelledTarget {
    /// The URL that is scraped; absent of what is not.
    pub(in crate::publish) target: Option<String>,
    /// Why it is not scraped.
    pub(in crate::publish) why: Option<String>,
    pub(in crate::publish) job: String,
    pub(in crate::publish) sources: Vec<String>,
    pub(in crate::publish) discovered: BTreeMap<String, String>,
    pub(in crate::publish) steps: Vec<Step>,
    /// After relabelling, without those that start with `__`; empty of what is dropped.
    pub(in crate::publish) labels: BTreeMap<String, String>,
}

#[derive(Debug, Serialize)]
pub(in crate::publish) struct Step {
    /// From 0, in order of `relabel_configs`.
    pub(in crate::publish) rule: usize,
    pub(in crate::publish) action: &'static str,
    pub(in crate::publish) keeps: bool,
    pub(in crate::publish) changes: Vec<Change>,
}

#[derive(Debug, Serialize)]
pub(in crate::publish) struct Change {
    pub(in crate::publish) label: String,
    pub(in crate::publish) before: String,
    pub(in crate::publish) after: String,
}

/// Everything at a URL, or at an address as it was discovered.
pub(in crate::publish) fn relabelled(discovered: &Discovered, wanted: &str) -> Relabelled {
    let at_address = |found: &Found| found.labels().get("__address__") == wanted;
    let scraped = discovered.targets.iter().filter(|target| {
        let url = &target.url;
        url.authority() == wanted || url.to_string() == wanted || at_address(&target.found)
    });
    let scraped = scraped.map(|target| RelabelledTarget {
        target: Some(target.url.to_string()),
        why: None,
        job: target.job.name.clone(),
        sources: target.sources.clone(),
        labels: map(&target.labels),
        discovered: map(&target.found.labels()),
        steps: steps(discovered, &target.job.name, &target.found),
    });
    let dropped = discovered.dropped.iter().filter_map(|dropped| {
        let found = dropped.found.as_ref().filter(|found| at_address(found))?;
        Some(RelabelledTarget {
            target: None,
            why: Some(dropped.reason.to_string()),
            job: dropped.job.name.clone(),
            sources: vec![dropped.source.clone()],
            labels: BTreeMap::new(),
            discovered: map(&found.labels()),
            steps: steps(discovered, &dropped.job.name, found),
        })
    });
    Relabelled {
        targets: scraped.chain(dropped).take(MATCHES_MAX).collect(),
    }
}

fn steps(discovered: &Discovered, job: &str, found: &Found) -> Vec<Step> {
    let steps = discovered.relabelled(job, found).into_iter();
    let steps = steps.map(|step| Step {
        rule: step.rule_index,
        action: step.action.as_str(),
        keeps: step.keeps,
        changes: step
            .changes
            .into_iter()
            .map(|change| Change {
                label: change.name,
                before: change.before,
                after: change.after,
            })
            .collect(),
    });
    steps.collect()
}

/// Labels as a mapping of their own.
pub(super) fn map(labels: &Labels) -> BTreeMap<String, String> {
    let pairs = labels.iter();
    pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}
