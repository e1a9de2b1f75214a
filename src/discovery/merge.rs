//! Lists become one target set: relabelled, deduplicated, bounded. Pure.

use std::collections::HashMap;
use std::sync::Arc;

use super::groups::Listing;
use super::populate::{Naming, target_from_labels};
use super::published::{DropCounts, DropReason, Dropped};
use super::settings::{DiscoverySettings, JobConfig};
use super::target::{Target, TargetUrl};
use crate::labels::Labels;

/// Targets of all jobs together.
pub(super) const TARGETS_MAX: usize = 100_000;
/// Dropped targets that a job keeps to show.
pub(super) const DROPPED_PER_JOB_MAX: usize = 1_000;

/// What a source's list comes to.
#[derive(Debug, Default)]
pub(super) struct Resolved {
    targets: Vec<Arc<Target>>,
    dropped: Vec<Dropped>,
    dropped_counts: DropCounts,
}

/// Relabels a source's list. Targets that are as `before` are the very same: they are known by
/// everyone already, and a second copy of each would stay in memory beside the first.
pub(super) fn resolve(
    job: &JobConfig,
    listing: &Listing,
    naming: &Naming,
    source: &str,
    before: Option<&Resolved>,
) -> Resolved {
    let mut resolved = Resolved::default();
    let known = before.map(|before| &before.targets).into_iter().flatten();
    let known: HashMap<&TargetUrl, &Arc<Target>> =
        known.map(|target| (&target.url, target)).collect();
    let mut drop = |labels: Labels, reason: DropReason| {
        resolved.dropped_counts.add(reason.kind());
        if resolved.dropped.len() < DROPPED_PER_JOB_MAX {
            resolved.dropped.push(Dropped {
                labels,
                job: job.job.name.clone(),
                source: source.to_owned(),
                reason,
            });
        }
    };
    for reason in &listing.skipped {
        drop(Labels::new(), DropReason::Invalid(reason.clone()));
    }
    for group in &listing.groups {
        for own in &group.targets {
            let mut labels = own.clone();
            for (name, value) in group.labels.iter() {
                labels.set_default(name, value);
            }
            match target_from_labels(job, labels, naming, source) {
                Ok(target) => resolved.targets.push(match known.get(&target.url) {
                    Some(known) if ***known == target => Arc::clone(known),
                    _ => Arc::new(target),
                }),
                Err(error) => drop(error.discovered, error.reason),
            }
        }
    }
    resolved
}

/// The target set of all sources.
#[derive(Debug, Default)]
pub(super) struct Merged {
    pub(super) targets: Vec<Arc<Target>>,
    pub(super) dropped: Arc<[Dropped]>,
    pub(super) dropped_counts: DropCounts,
}

/// Puts the sources of each job together, in order of configuration. The first source that names
/// a URL has it; another that names it for the same service is noted with it, for another
/// service, or with other labels in the same job, is dropped.
pub(super) fn merge<'a>(
    jobs: impl IntoIterator<Item = (&'a JobConfig, Vec<&'a Resolved>)>,
    targets_max: usize,
) -> Merged {
    let mut merged = Merged::default();
    let mut all_dropped = Vec::new();
    let mut places: HashMap<TargetUrl, usize> = HashMap::new();
    for (job, sources) in jobs {
        let mut dropped = Vec::new();
        let mut kept = 0;
        let job_max = job.target_limit.unwrap_or(usize::MAX);
        for resolved in sources {
            merged.dropped_counts.add_all(resolved.dropped_counts);
            dropped.extend(resolved.dropped.iter().cloned());
            for target in &resolved.targets {
                let reason = match places.get(&target.url) {
                    Some(place) => match note_source(&mut merged.targets[*place], target) {
                        None => continue,
                        Some(reason) => reason,
                    },
                    None if kept >= job_max => DropReason::Limit { limit: job_max },
                    None if merged.targets.len() >= targets_max => {
                        DropReason::Limit { limit: targets_max }
                    }
                    None => {
                        kept += 1;
                        places.insert(target.url.clone(), merged.targets.len());
                        merged.targets.push(target.clone());
                        continue;
                    }
                };
                merged.dropped_counts.add(reason.kind());
                if dropped.len() < DROPPED_PER_JOB_MAX {
                    dropped.push(Dropped {
                        labels: target.discovered.clone(),
                        job: target.job.name.clone(),
                        source: target.sources.first().cloned().unwrap_or_default(),
                        reason,
                    });
                }
            }
        }
        dropped.truncate(DROPPED_PER_JOB_MAX);
        all_dropped.append(&mut dropped);
    }
    merged.dropped = all_dropped.into();
    merged
}

/// What of the lists that the configuration itself holds will not be scraped, though nobody asked for that: two
/// services at one URL, past a limit, no target.
pub fn lost_of_static_lists(settings: &DiscoverySettings) -> Vec<Dropped> {
    let resolved: Vec<(&JobConfig, Vec<Resolved>)> = settings
        .jobs
        .iter()
        .map(|job| {
            let mechanisms = job.discovery.iter();
            let lists = mechanisms.filter_map(|mechanism| Some((mechanism, mechanism.fixed()?)));
            let resolved = lists.map(|(mechanism, listing)| {
                // The lists of a job are one source.
                let source = mechanism.source_name(&job.job.name, 0);
                resolve(job, &listing, &settings.naming, &source, None)
            });
            (job, resolved.collect())
        })
        .collect();
    let jobs = resolved
        .iter()
        .map(|(job, lists)| (*job, lists.iter().collect()));
    let merged = merge(jobs, TARGETS_MAX);
    let lost = merged
        .dropped
        .iter()
        .filter(|dropped| dropped.reason.kind().is_loss());
    lost.cloned().collect()
}

/// Notes with `first` that another source names it too; or says why that is refused.
fn note_source(first: &mut Arc<Target>, again: &Target) -> Option<DropReason> {
    let source = || first.sources.first().cloned().unwrap_or_default();
    if first.service != again.service {
        return Some(DropReason::Duplicate { source: source() });
    }
    // Prometheus would scrape it twice; here it is one target, and the other labels would be lost without a word.
    if first.job.name == again.job.name && first.labels != again.labels {
        return Some(DropReason::OtherLabels { source: source() });
    }
    for source in &again.sources {
        if !first.sources.contains(source) {
            Arc::make_mut(first).sources.push(source.clone());
        }
    }
    None
}
