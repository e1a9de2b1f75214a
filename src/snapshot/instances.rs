//! Instances to a service: which of them decides.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::state::{ServiceSeries, TargetState};
use crate::checks::{Finding, Reason, Series, Status};
use crate::discovery::settings::Proof;
use crate::manifesto::Rule;

/// The worst of the measured instances; unknown only where none could be measured.
pub(super) fn decide<'a>(
    rule: &Rule,
    instances: &[&'a TargetState],
) -> Option<(&'a TargetState, Arc<Finding>)> {
    let (port, judged) = judged(rule, instances);
    let (worst, judged) = judged.max_by_key(|(_, judged)| judged.badness())?;
    let finding = match judged {
        InstanceFinding::Excused => Arc::new(Finding::not_applicable(
            Reason::ServedByAnother,
            format!(
                "port {} of the same host serves metrics too",
                port.unwrap_or_default()
            ),
        )),
        InstanceFinding::As(Some(finding)) => Arc::clone(finding),
        InstanceFinding::As(None) => Arc::new(Finding::unknown(
            Reason::NotScrapedYet,
            "not scraped since the rule came into force",
        )),
    };
    Some((worst, finding))
}

/// The instances that violate a rule, each with what was found.
pub(super) fn failing<'a>(
    rule: &Rule,
    instances: &[&'a TargetState],
) -> Vec<(&'a TargetState, &'a Finding)> {
    let (_, judged) = judged(rule, instances);
    let failing = judged.filter_map(|(instance, judged)| match judged {
        InstanceFinding::As(Some(finding)) if finding.status == Status::Fail => {
            Some((instance, finding.as_ref()))
        }
        _ => None,
    });
    failing.collect()
}

/// What each instance says of a rule, beside the port that the rule asks for, if it does.
fn judged<'a>(
    rule: &Rule,
    instances: &[&'a TargetState],
) -> (
    Option<u16>,
    impl Iterator<Item = (&'a TargetState, InstanceFinding<'a>)>,
) {
    let port = rule.checks.port();
    let serving: HashSet<&str> = instances
        .iter()
        .filter(|other| {
            let at_port = Some(other.target.url.port) == port && has_known_place(other);
            at_port && other.has_metrics()
        })
        .map(|other| other.target.url.host.as_str())
        .collect();
    let judged = instances.iter().map(move |instance| {
        // A reload may have brought a rule that this target was not judged by yet.
        let verdict = instance
            .verdicts
            .iter()
            .find(|verdict| verdict.rule == rule.id);
        let finding = verdict.map(|verdict| &verdict.finding);
        // O-7 fails where metrics are found *only* elsewhere: a second port of a host that also
        // serves the port asked for is no fault.
        let excused = finding.is_some_and(|finding| finding.reason == Reason::OtherPort)
            && serving.contains(instance.target.url.host.as_str());
        (
            *instance,
            if excused {
                InstanceFinding::Excused
            } else {
                InstanceFinding::As(finding)
            },
        )
    });
    (port, judged)
}

/// Whether its URL is where it is scraped: one that a server knows series of, and lists no targets, may be anywhere.
fn has_known_place(instance: &TargetState) -> bool {
    match instance.target.job.proof {
        Proof::Scrape | Proof::Prometheus { lists: true, .. } => true,
        Proof::Prometheus { lists: false, .. } => false,
    }
}

/// What one instance says of a rule.
#[derive(Clone, Copy)]
enum InstanceFinding<'a> {
    /// What its check found; `None` where it was not asked yet.
    As(Option<&'a Arc<Finding>>),
    /// Another port of its host does what is asked.
    Excused,
}

impl InstanceFinding<'_> {
    /// Unknown decides only where nothing was measured; a pass with a warning is the worse pass.
    fn badness(self) -> u8 {
        let InstanceFinding::As(finding) = self else {
            return 0;
        };
        match finding.map(|finding| (finding.status, finding.reason)) {
            Some((Status::NotApplicable, _)) => 0,
            None | Some((Status::Unknown, _)) => 1,
            Some((Status::Pass, Reason::ProvenWeakly)) => 3,
            Some((Status::Pass, _)) => 2,
            Some((Status::Fail, _)) => 4,
        }
    }
}

/// What was found of each series: at the worst of the measured instances, unknown only where none could be.
pub(super) fn series(instances: &[&TargetState]) -> Vec<ServiceSeries> {
    let of_series = |series: &Series| {
        let found = |instance: &&&TargetState| {
            InstanceFinding::As(Some(instance.series.get(*series))).badness()
        };
        let worst = instances.iter().max_by_key(found)?;
        Some(ServiceSeries {
            series: *series,
            finding: Arc::clone(worst.series.get(*series)),
            target: Arc::clone(&worst.target),
        })
    };
    Series::ALL.iter().filter_map(of_series).collect()
}

/// One version names a service in `manifesto_service_info`; of several, what most instances run.
pub(super) fn most_common_version(instances: &[&TargetState]) -> String {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for version in instances
        .iter()
        .filter_map(|instance| instance.version.as_deref())
    {
        *counts.entry(version).or_default() += 1;
    }
    let most = counts
        .into_iter()
        .max_by_key(|(version, count)| (*count, std::cmp::Reverse(*version)));
    most.map_or_else(String::new, |(version, _)| version.to_owned())
}
