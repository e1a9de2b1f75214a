//! What a Kubernetes cluster shows: `exposure`, `network_policies`, `workload_identity`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::facts::{Facts, unexpected_answer};
use crate::checks::subject::Subject;
use crate::checks::verdict::{Basis, Finding, Reason, worst};
use crate::sources::{Answer, ClusterInventory, Exposure, KnownSource, Pod, Query};

/// Labels by which objects name the service that they belong to.
const NAMING: [&str; 5] = [
    "app.kubernetes.io/name",
    "app.kubernetes.io/instance",
    "app",
    "service",
    "k8s-app",
];

/// Nothing is open to the public but what is listed.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Public {
    /// What may be: `namespace/name` of Services and Ingresses.
    #[serde(default)]
    pub allow: Vec<String>,
    /// Ports that never may be, by number or name.
    pub never: Vec<String>,
}

/// Roles instead of keys.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Annotations of service accounts that give a role.
    pub annotations: Vec<String>,
    /// Environment variables that hold keys.
    pub keys: Vec<String>,
}

/// Clusters with what they hold.
type Clusters<'a> = Vec<(&'a KnownSource, &'a ClusterInventory)>;

fn clusters<'a>(facts: &Facts<'a>) -> Result<Clusters<'a>, Finding> {
    let answers = facts.ask(&Query::Cluster)?;
    answers
        .into_iter()
        .map(|(source, answer)| match answer {
            Answer::Cluster(estate) => Ok((source, &**estate)),
            _ => Err(unexpected_answer(source)),
        })
        .collect()
}

/// The clusters that know a service, and its names; these checks judge nothing of the estate.
fn of_service<'a>(facts: &Facts<'a>) -> Result<(Clusters<'a>, &'a Subject), Finding> {
    let clusters = clusters(facts)?;
    match facts.subject() {
        Some(subject) => Ok((clusters, subject)),
        None => Err(Finding::not_applicable(
            Reason::NotConcerned,
            "judged service by service",
        )),
    }
}

fn is_of(subject: &Subject, pod: &Pod) -> bool {
    let named = NAMING.iter().filter_map(|label| pod.labels.get(*label));
    named.into_iter().any(|name| subject.is(name))
}

fn own_pods<'a>(subject: &Subject, estate: &'a ClusterInventory) -> Vec<&'a Pod> {
    let pods = estate.pods_naming(subject.names());
    pods.filter(|pod| is_of(subject, pod)).collect()
}

fn no_pods(facts: &Facts<'_>, source: &KnownSource) -> Finding {
    let name = facts.subject().map_or("", Subject::display);
    let message = format!(
        "cluster `{}` has no pod of `{name}` (by labels {})",
        source.name,
        NAMING.join(", ")
    );
    Finding::unknown(Reason::NoData, message).on(Basis::Measured)
}

impl Public {
    /// Judges the ways that lead to the service from outside.
    pub(super) fn judge(&self, facts: &Facts<'_>) -> Finding {
        let (clusters, subject) = match of_service(facts) {
            Ok(known) => known,
            Err(finding) => return finding,
        };
        let judged = clusters.into_iter().map(|(source, estate)| {
            let pods = own_pods(subject, estate);
            let ways: Vec<&Exposure> = estate
                .exposures
                .iter()
                .filter(|exposure| leads_to(exposure, subject, &pods))
                .collect();
            match (pods.is_empty(), ways.is_empty()) {
                (true, true) => no_pods(facts, source),
                _ => self.judge_ways(&source.name, &ways).on(Basis::Measured),
            }
        });
        judged
            .reduce(worst)
            .unwrap_or_else(|| Finding::unknown(Reason::NoData, "no cluster says anything"))
    }

    fn judge_ways(&self, source: &str, ways: &[&Exposure]) -> Finding {
        let shown = |exposure: &Exposure| {
            let (kind, ports) = (exposure.kind.as_str(), exposure.ports.join(", "));
            format!(
                "{source}: {kind} {}/{}, ports {ports}",
                exposure.namespace, exposure.name
            )
        };
        let cited: Vec<String> = ways.iter().map(|exposure| shown(exposure)).collect();
        let public = || ways.iter().filter(|exposure| !exposure.is_internal);
        let forbidden = public().find_map(|exposure| {
            let port = exposure
                .ports
                .iter()
                .find(|port| self.never.contains(port))?;
            Some((exposure, port))
        });
        let unlisted = public().find(|exposure| {
            let name = format!("{}/{}", exposure.namespace, exposure.name);
            !self.allow.contains(&name)
        });
        match (forbidden, unlisted) {
            (Some((exposure, port)), _) => {
                let message = format!(
                    "the metrics port {port} is public through {} {}/{}",
                    exposure.kind.as_str(),
                    exposure.namespace,
                    exposure.name
                );
                Finding::fail(Reason::Exposed, message, Vec::new())
            }
            (None, Some(exposure)) => {
                let message = format!(
                    "{} {}/{} is public and not on the allow-list",
                    exposure.kind.as_str(),
                    exposure.namespace,
                    exposure.name
                );
                Finding::fail(Reason::Exposed, message, Vec::new())
            }
            (None, None) => Finding::pass("nothing is public that is not on the allow-list", ""),
        }
        .citing(match cited.is_empty() {
            true => vec![format!(
                "{source}: no LoadBalancer, NodePort or Ingress leads to it"
            )],
            false => cited,
        })
    }
}

/// Whether a exposure from outside ends at the service: by its name, its labels, or the pods it picks.
fn leads_to(exposure: &Exposure, subject: &Subject, pods: &[&Pod]) -> bool {
    let labelled = NAMING
        .iter()
        .filter_map(|label| exposure.labels.get(*label));
    let picks = |pod: &&Pod| {
        let selected = |selector: &BTreeMap<String, String>| {
            let mut pairs = selector.iter();
            !selector.is_empty() && pairs.all(|(name, value)| pod.labels.get(name) == Some(value))
        };
        pod.namespace == exposure.namespace && exposure.selectors.iter().any(selected)
    };
    exposure.services.iter().any(|name| subject.is(name))
        || labelled.into_iter().any(|name| subject.is(name))
        || pods.iter().any(picks)
}

/// Judges whether a network policy limits each pod of the service.
pub(super) fn judge_policies(facts: &Facts<'_>) -> Finding {
    let (clusters, subject) = match of_service(facts) {
        Ok(known) => known,
        Err(finding) => return finding,
    };
    let judged = clusters.into_iter().map(|(source, estate)| {
        let pods = own_pods(subject, estate);
        if pods.is_empty() {
            return no_pods(facts, source);
        }
        let policy_of = |pod: &Pod| {
            estate.policies.iter().find(|policy| {
                policy.namespace == pod.namespace && policy.selector.picks(&pod.labels)
            })
        };
        let name = |pod: &Pod| format!("{}/{}", pod.namespace, pod.name);
        match pods.iter().find(|pod| policy_of(pod).is_none()) {
            Some(pod) => {
                let message = format!("no network policy limits pod {}", name(pod));
                Finding::fail(Reason::Unprotected, message, Vec::new())
            }
            None => Finding::pass(
                format!("network policies limit all {} pods", pods.len()),
                "",
            ),
        }
        .citing(pods.iter().map(|pod| match policy_of(pod) {
            Some(policy) => format!("{}: {}: {}", source.name, name(pod), policy.name),
            None => format!("{}: {}: no policy", source.name, name(pod)),
        }))
        .on(Basis::Measured)
    });
    judged
        .reduce(worst)
        .unwrap_or_else(|| Finding::unknown(Reason::NoData, "no cluster says anything"))
}

impl Identity {
    /// Judges all pods of the estate and the accounts that they run as.
    pub(super) fn judge(&self, facts: &Facts<'_>) -> Finding {
        let clusters = match clusters(facts) {
            Ok(clusters) => clusters,
            Err(finding) => return finding,
        };
        let judged = clusters
            .into_iter()
            .map(|(source, estate)| self.judge_cluster(&source.name, estate).on(Basis::Measured));
        judged
            .reduce(worst)
            .unwrap_or_else(|| Finding::unknown(Reason::NoData, "no cluster says anything"))
    }

    fn judge_cluster(&self, source: &str, estate: &ClusterInventory) -> Finding {
        let holds_key = |pod: &Pod| {
            let mut variables = pod.plain_variables.iter();
            variables.find(|name| self.keys.contains(name)).cloned()
        };
        let keys = estate.pods.iter().filter_map(|pod| {
            let variable = holds_key(pod)?;
            Some(format!(
                "{source}: pod {}/{}: {variable}",
                pod.namespace, pod.name
            ))
        });
        let keys: Vec<String> = keys.collect();
        if let Some(first) = keys.first() {
            let message = format!("{} pods carry static cloud keys, first {first}", keys.len());
            return Finding::fail(Reason::StaticCredentials, message, Vec::new()).citing(keys);
        }
        let in_use = |namespace: &str, name: &str| {
            let mut pods = estate.pods.iter();
            pods.any(|pod| pod.namespace == namespace && pod.account == name)
        };
        let with_role: Vec<String> = estate
            .accounts
            .iter()
            .filter(|account| in_use(&account.namespace, &account.name))
            .filter(|account| {
                account
                    .annotations
                    .iter()
                    .any(|a| self.annotations.contains(a))
            })
            .map(|account| format!("{source}: account {}/{}", account.namespace, account.name))
            .collect();
        match with_role.len() {
            0 => Finding::unknown(
                Reason::NoData,
                "no service account in use has a role, and no pod a static key: nothing tells how clouds are reached",
            ),
            count => Finding::pass(
                format!("{count} service accounts in use have roles, no pod a static key"),
                "",
            )
            .citing(with_role),
        }
    }
}
