//! Lists become one target set: relabelled, deduplicated, bounded. Pure.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::found::Found;
use super::groups::{Listing, TargetGroup};
use super::populate::{Naming, target};
use super::published::{DropCounts, DropReason, Dropped};
use super::settings::{DiscoverySettings, JobConfig};
use super::target::{Target, TargetUrl};

/// Targets of all jobs together.
pub(super) const TARGETS_MAX: usize = 100_000;
/// Dropped targets that a job keeps to show.
pub(super) const DROPPED_PER_JOB_MAX: usize = 1_000;

/// What a source's list comes to for a job.
#[derive(Debug, Default)]
pub(super) struct Resolved {
    groups: Vec<ResolvedGroup>,
    skipped: Vec<Arc<Dropped>>,
}

/// What a group comes to.
#[derive(Debug)]
struct ResolvedGroup {
    group: Arc<TargetGroup>,
    targets: Vec<Arc<Target>>,
    dropped: Vec<Arc<Dropped>>,
}

impl Resolved {
    fn targets(&self) -> impl Iterator<Item = &Arc<Target>> {
        self.groups.iter().flat_map(|group| &group.targets)
    }

    fn dropped(&self) -> impl Iterator<Item = &Arc<Dropped>> {
        let of_groups = self.groups.iter().flat_map(|group| &group.dropped);
        self.skipped.iter().chain(of_groups)
    }
}

/// Relabels a source's list. A group that is the very one of `before` is not relabelled again unless the rules are
/// others, so that the cost follows what changed; and targets that are as before are the very same, known by
/// everyone already.
pub(super) fn resolve(
    job: &JobConfig,
    listing: &Listing,
    naming: &Naming,
    source: &str,
    before: Option<Resolved>,
    rules_changed: bool,
) -> Resolved {
    let before = before.unwrap_or_default();
    let wanted: HashSet<*const TargetGroup> = listing.groups.iter().map(Arc::as_ptr).collect();
    let (unchanged, replaced): (Vec<ResolvedGroup>, Vec<ResolvedGroup>) = before
        .groups
        .into_iter()
        .partition(|resolved| !rules_changed && wanted.contains(&Arc::as_ptr(&resolved.group)));
    let mut unchanged: HashMap<*const TargetGroup, ResolvedGroup> = unchanged
        .into_iter()
        .map(|resolved| (Arc::as_ptr(&resolved.group), resolved))
        .collect();
    let replaced = replaced.iter().flat_map(|resolved| &resolved.targets);
    let known: HashMap<&TargetUrl, &Arc<Target>> =
        replaced.map(|target| (&target.url, target)).collect();
    let dropped = |found: Option<Found>, reason: DropReason| {
        Arc::new(Dropped {
            found,
            job: Arc::clone(&job.job),
            source: source.to_owned(),
            reason,
        })
    };
    let skipped = listing.skipped.iter().cloned().map(DropReason::Invalid);
    let skipped = skipped.map(|reason| dropped(None, reason)).collect();
    let groups = listing.groups.iter().map(|group| {
        if let Some(resolved) = unchanged.remove(&Arc::as_ptr(group)) {
            return resolved;
        }
        let mut resolved = ResolvedGroup {
            group: Arc::clone(group),
            targets: Vec::new(),
            dropped: Vec::new(),
        };
        for index in 0..group.targets.len() {
            let found = Found::new(&job.job, group, index);
            match target(job, found.clone(), naming, source) {
                Ok(target) => resolved.targets.push(match known.get(&target.url) {
                    Some(known) if ***known == target => Arc::clone(known),
                    _ => Arc::new(target),
                }),
                Err(reason) => resolved.dropped.push(dropped(Some(found), reason)),
            }
        }
        resolved
    });
    Resolved {
        skipped,
        groups: groups.collect(),
    }
}

/// The target set of all sources.
#[derive(Debug, Default)]
pub(super) struct Merged {
    pub(super) targets: Vec<Arc<Target>>,
    pub(super) dropped: Arc<[Arc<Dropped>]>,
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
            for known in resolved.dropped() {
                merged.dropped_counts.add(known.reason.kind());
                if dropped.len() < DROPPED_PER_JOB_MAX {
                    dropped.push(Arc::clone(known));
                }
            }
            for target in resolved.targets() {
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
                    dropped.push(Arc::new(Dropped {
                        found: Some(target.found.clone()),
                        job: Arc::clone(&target.job),
                        source: target.sources.first().cloned().unwrap_or_default(),
                        reason,
                    }));
                }
            }
        }
        all_dropped.append(&mut dropped);
    }
    merged.dropped = all_dropped.into();
    merged
}

/// What of the lists that the configuration itself holds will not be scraped, though nobody asked for that: two
/// services at one URL, past a limit, no target.
pub fn lost_of_static_lists(settings: &DiscoverySettings) -> Vec<Arc<Dropped>> {
    let resolved: Vec<(&JobConfig, Vec<Resolved>)> = settings
        .jobs
        .iter()
        .map(|job| {
            let mechanisms = job.discovery.iter();
            let lists = mechanisms.filter_map(|mechanism| Some((mechanism, mechanism.fixed()?)));
            let resolved = lists.map(|(mechanism, listing)| {
                // The lists of a job are one source.
                let source = mechanism.source_name(&job.job.name, 0);
                resolve(job, &listing, &settings.naming, &source, None, true)
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
