//! What monitors select, and what they make of it. Pure.

use std::collections::HashSet;
use std::sync::Arc;

use super::definition::{Endpoint, Monitor, Of, Requirement};
use super::objects::Operator;
use crate::discovery::found::{METRICS_PATH, PARAM_PREFIX, SCHEME};
use crate::discovery::groups::{Layers, TargetGroup};
use crate::discovery::mechanism::kubernetes::store::Store;
use crate::discovery::meta::ADDRESS;
use crate::discovery::relabel::{Outcome, apply};
use crate::kubernetes::Key;
use crate::labels::Labels;

/// URLs that monitors may make of one target.
pub(in super::super) const URLS_MAX: usize = 50;

/// What the monitors make of the targets of an object.
pub(in super::super) struct Selected {
    pub(in super::super) group: TargetGroup,
    /// What was left out, past [`URLS_MAX`].
    pub(in super::super) left_out: usize,
}

/// Selects among the targets of an object. Several monitors may select a target: at one URL it is found once, by the
/// first of them.
pub(in super::super) fn select(
    monitors: &Store<Monitor>,
    key: &Key,
    group: &TargetGroup,
) -> Selected {
    let mut selected = Selected {
        group: TargetGroup::default(),
        left_out: 0,
    };
    let looking = monitors.iter();
    let looking = looking.filter(|(_, monitor)| monitor.looks_at(&key.namespace));
    let looking: Vec<&Monitor> = looking.map(|(_, monitor)| monitor).collect();
    if looking.is_empty() {
        return selected;
    }
    let common = [Arc::new(group.common.own.clone())];
    let common: Vec<Arc<Labels>> = common
        .into_iter()
        .chain(group.common.shared.clone())
        .collect();
    for (index, target) in group.targets.iter().enumerate() {
        let labels = group.labels_of(index);
        let mut urls = HashSet::new();
        let mut below = None;
        for (monitor, endpoint) in looking
            .iter()
            .flat_map(|monitor| monitor.endpoints_of(&labels))
        {
            let Some(made) = monitor.target(endpoint, &labels) else {
                continue;
            };
            if urls.len() == URLS_MAX {
                selected.left_out += 1;
            } else if urls.insert(url(&made)) {
                let below = below.get_or_insert_with(|| {
                    let own = std::iter::once(Arc::new(target.own.clone()));
                    let layers = own.chain(target.shared.clone()).chain(common.clone());
                    layers.collect::<Vec<_>>()
                });
                selected.group.targets.push(over(below, &labels, made));
            }
        }
    }
    selected
}

/// What the URL is made of.
fn url(labels: &Labels) -> Labels {
    let is_part = |name: &str| {
        matches!(name, ADDRESS | SCHEME | METRICS_PATH) || name.starts_with(PARAM_PREFIX)
    };
    labels.iter().filter(|(name, _)| is_part(name)).collect()
}

/// The labels that were made, as what they have beside those that were there, where none of these is gone.
fn over(below: &[Arc<Labels>], before: &Labels, mut made: Labels) -> Layers {
    let is_left = before.iter().all(|(name, _)| !made.get(name).is_empty());
    if !is_left {
        made.pack();
        return Layers::from(made);
    }
    let own = made
        .iter()
        .filter(|(name, value)| before.get(name) != *value);
    let mut own: Labels = own.collect();
    own.pack();
    Layers {
        own,
        shared: below.to_vec(),
    }
}

impl Monitor {
    fn looks_at(&self, namespace: &str) -> bool {
        let namespaces = self.namespaces.as_ref();
        namespaces.is_none_or(|namespaces| namespaces.contains(namespace))
    }

    /// Its endpoints, if it selects what has such labels.
    fn endpoints_of(&self, labels: &Labels) -> impl Iterator<Item = (&Self, &Endpoint)> {
        let mut requirements = self.requirements.iter();
        let is_selected = requirements.all(|requirement| requirement.is_met(labels));
        let endpoints = is_selected.then_some(&self.endpoints).into_iter().flatten();
        endpoints.map(move |endpoint| (self, endpoint))
    }

    /// The target that an endpoint makes, if it is of its port and its relabelling keeps it.
    fn target(&self, endpoint: &Endpoint, labels: &Labels) -> Option<Labels> {
        let at_port = endpoint.port.as_ref();
        if at_port.is_some_and(|(label, port)| labels.get(label) != port) {
            return None;
        }
        let phase = labels.get("__meta_kubernetes_pod_phase");
        if endpoint.running_only && matches!(phase, "Failed" | "Succeeded") {
            return None;
        }
        let mut made = labels.clone();
        made.set("__tmp_prometheus_job_name", &endpoint.name);
        for (name, value) in &endpoint.place {
            made.set(name, value);
        }
        for (source, name) in [
            ("__meta_kubernetes_namespace", "namespace"),
            ("__meta_kubernetes_pod_name", "pod"),
            ("__meta_kubernetes_pod_container_name", "container"),
        ] {
            made.set(name, labels.get(source));
        }
        if self.of == Of::Services {
            let service = labels.get("__meta_kubernetes_service_name");
            made.set("service", service);
            made.set("job", service);
            let kind = labels.get("__meta_kubernetes_endpointslice_address_target_kind");
            if kind == "Node" {
                let node = labels.get("__meta_kubernetes_endpointslice_address_target_name");
                made.set("node", node);
            }
        }
        for (source, name) in &self.copied {
            if !labels.get(source).is_empty() {
                made.set(name, labels.get(source));
            }
        }
        if let Some(job) = &self.job {
            made.set("job", job);
        }
        let by_label = self.job_label.as_ref().map(|label| labels.get(label));
        if let Some(job) = by_label.filter(|job| !job.is_empty()) {
            made.set("job", job);
        }
        if !endpoint.endpoint.is_empty() {
            made.set("endpoint", &endpoint.endpoint);
        }
        match apply(&endpoint.relabelings, &mut made) {
            Outcome::Keep => Some(made),
            Outcome::Dropped { .. } => None,
        }
    }
}

impl Requirement {
    fn is_met(&self, labels: &Labels) -> bool {
        let is_there = !labels.get(&self.presence).is_empty();
        let has = || {
            let value = labels.get(&self.label);
            is_there && self.values.iter().any(|wanted| wanted == value)
        };
        match self.operator {
            Operator::In => has(),
            Operator::NotIn => !has(),
            Operator::Exists => is_there,
            Operator::DoesNotExist => !is_there,
        }
    }
}
