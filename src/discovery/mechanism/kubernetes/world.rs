//! Everything that is known of a cluster's objects, and the targets that they make. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::attached::Attached;
use super::endpoints::Endpoints;
use super::ingress::Ingress;
use super::kind::Kind;
use super::monitor::{self, Monitor, Selected, URLS_MAX};
use super::node::Node;
use super::pod::Pod;
use super::pod_role;
use super::service::Service;
use super::settings::{AttachMetadata, Role};
use super::slice::Slice;
use super::store::{Objects, Round, Store};
use super::watched::Entry;
use crate::discovery::groups::{LIST_TARGETS_MAX, Listing, TargetGroup};
use crate::kubernetes::Key;
use crate::labels::Labels;

/// Objects of one kind.
const OBJECTS_MAX: usize = 500_000;
/// Monitors of one kind: each holds rules, and is held against every object.
const MONITORS_MAX: usize = 5_000;

fn objects_max(kind: Kind) -> usize {
    match kind.is_monitor() {
        true => MONITORS_MAX,
        false => OBJECTS_MAX,
    }
}

/// What is known.
pub(super) struct World {
    role: Role,
    attach: AttachMetadata,
    nodes: Store<Node>,
    namespaces: Store<Arc<Labels>>,
    pods: Store<Pod>,
    services: Store<Service>,
    endpoints: Store<Endpoints>,
    slices: Store<Slice>,
    ingresses: Store<Ingress>,
    replica_sets: Store<String>,
    jobs: Store<String>,
    service_monitors: Store<Monitor>,
    pod_monitors: Store<Monitor>,
    /// What could not be read, and why.
    unreadable: BTreeMap<(Kind, Key), (String, Round)>,
    groups: Groups,
    /// Of pods, beside those of the services, where both become targets.
    groups_of_pods: Groups,
    /// How many targets of an object were left out, there being too many.
    left_out: BTreeMap<Key, usize>,
}

type Groups = BTreeMap<Key, Arc<TargetGroup>>;

impl World {
    pub(super) fn new(role: Role, attach: AttachMetadata) -> Self {
        Self {
            role,
            attach,
            nodes: Store::default(),
            namespaces: Store::default(),
            pods: Store::default(),
            services: Store::default(),
            endpoints: Store::default(),
            slices: Store::default(),
            ingresses: Store::default(),
            replica_sets: Store::default(),
            jobs: Store::default(),
            service_monitors: Store::default(),
            pod_monitors: Store::default(),
            unreadable: BTreeMap::new(),
            groups: Groups::new(),
            groups_of_pods: Groups::new(),
            left_out: BTreeMap::new(),
        }
    }

    fn store(&mut self, kind: Kind) -> &mut dyn Objects {
        match kind {
            Kind::Node => &mut self.nodes,
            Kind::Namespace => &mut self.namespaces,
            Kind::Pod => &mut self.pods,
            Kind::Service => &mut self.services,
            Kind::Endpoints => &mut self.endpoints,
            Kind::Slice => &mut self.slices,
            Kind::Ingress => &mut self.ingresses,
            Kind::ReplicaSet => &mut self.replica_sets,
            Kind::Job => &mut self.jobs,
            Kind::ServiceMonitor => &mut self.service_monitors,
            Kind::PodMonitor => &mut self.pod_monitors,
        }
    }

    /// Takes an object as it is now; refuses one more than there may be.
    pub(super) fn put(&mut self, key: Key, entry: Entry, round: Round) -> Result<(), String> {
        let kind = entry.kind();
        self.unreadable.remove(&(kind, key.clone()));
        let max = objects_max(kind);
        if !self.store(kind).contains(&key) && self.store(kind).count() >= max {
            let resource = kind.resource();
            return Err(format!(
                "more than {max} {resource}: narrow it with `namespaces` or `selectors`"
            ));
        }
        match entry {
            Entry::Node(node) => self.nodes.put(key, node, round),
            Entry::Namespace(labels) => self.namespaces.put(key, labels, round),
            Entry::Pod(pod) => self.pods.put(key, pod, round),
            Entry::Service(service) => self.services.put(key, service, round),
            Entry::Endpoints(endpoints) => self.endpoints.put(key, endpoints, round),
            Entry::Slice(slice) => self.slices.put(key, slice, round),
            Entry::Ingress(ingress) => self.ingresses.put(key, ingress, round),
            Entry::ReplicaSet(Some(owner)) => self.replica_sets.put(key, owner, round),
            Entry::Job(Some(owner)) => self.jobs.put(key, owner, round),
            Entry::ServiceMonitor(monitor) => self.service_monitors.put(key, monitor, round),
            Entry::PodMonitor(monitor) => self.pod_monitors.put(key, monitor, round),
            Entry::ReplicaSet(None) | Entry::Job(None) => self.store(kind).remove(&key),
        }
        Ok(())
    }

    /// Takes in that an object cannot be read: what it was before is not what it is now.
    pub(super) fn put_unreadable(&mut self, kind: Kind, key: Key, why: String, round: Round) {
        self.store(kind).remove(&key);
        if self.unreadable.len() < OBJECTS_MAX {
            self.unreadable.insert((kind, key), (why, round));
        }
    }

    /// Takes in that an object was deleted.
    pub(super) fn remove(&mut self, kind: Kind, key: &Key) {
        self.store(kind).remove(key);
        self.unreadable.remove(&(kind, key.clone()));
    }

    /// Takes in that a list is complete.
    pub(super) fn sweep(&mut self, kind: Kind, namespace: Option<&str>, round: Round) {
        self.store(kind).sweep(namespace, round);
        self.unreadable.retain(|(of, key), (_, told)| {
            let elsewhere = namespace.is_some_and(|namespace| *key.namespace != *namespace);
            *of != kind || *told == round || elsewhere
        });
    }

    /// Makes the targets of what changed. Says how many were lost to what was said to be deleted or changed, other
    /// than to what a list left out.
    pub(super) fn settle(&mut self) -> usize {
        let mut groups = std::mem::take(&mut self.groups);
        let mut groups_of_pods = std::mem::take(&mut self.groups_of_pods);
        let mut left_out = std::mem::take(&mut self.left_out);
        let changed = Kind::ALL.map(|kind| self.store(kind).is_changed().then_some(kind));
        let others_than = |own: Kind| changed.iter().flatten().any(|kind| *kind != own);
        let attached = Attached {
            pods: &self.pods,
            services: &self.services,
            nodes: self.attach.node.then_some(&self.nodes),
            namespaces: self.attach.namespace.then_some(&self.namespaces),
            replica_sets: self.attach.deployment.then_some(&self.replica_sets),
            with_job: self.attach.job,
            cron_jobs: self.attach.cron_job.then_some(&self.jobs),
        };
        let at = &attached;
        let withdrawn = match self.role {
            Role::Node => {
                let others = others_than(Kind::Node);
                let refers = others.then_some(|_: &Key, _: &Node| false);
                rebuild(&self.nodes, &mut groups, refers, |_, node| node.group())
            }
            Role::Pod => {
                let refers = |key: &Key, pod: &Pod| pod_role::refers_to_changed(pod, key, at);
                let refers = others_than(Kind::Pod).then_some(refers);
                rebuild(&self.pods, &mut groups, refers, |key, pod| {
                    pod_role::group(pod, key, at)
                })
            }
            Role::Service => {
                let others = others_than(Kind::Service);
                let refers = others.then_some(|key: &Key, _: &Service| at.namespace_changed(key));
                rebuild(&self.services, &mut groups, refers, |key, service| {
                    Some(service.group(at.namespace(key).into_iter().collect()))
                })
            }
            Role::Endpoints => {
                let refers =
                    |key: &Key, endpoints: &Endpoints| endpoints.refers_to_changed(key, at);
                let refers = others_than(Kind::Endpoints).then_some(refers);
                rebuild(&self.endpoints, &mut groups, refers, |key, endpoints| {
                    Some(endpoints.group(key, at))
                })
            }
            Role::EndpointSlice => {
                let refers = |key: &Key, slice: &Slice| slice.refers_to_changed(key, at);
                let refers = others_than(Kind::Slice).then_some(refers);
                rebuild(&self.slices, &mut groups, refers, |key, slice| {
                    Some(slice.group(key, at))
                })
            }
            Role::Ingress => {
                let others = others_than(Kind::Ingress);
                let refers = others.then_some(|key: &Key, _: &Ingress| at.namespace_changed(key));
                rebuild(&self.ingresses, &mut groups, refers, |key, ingress| {
                    Some(ingress.group(at.namespace(key).into_iter().collect()))
                })
            }
            Role::Monitor => {
                let mut note = |key: &Key, selected: Selected| {
                    match selected.left_out {
                        0 => left_out.remove(key),
                        count => left_out.insert(key.clone(), count),
                    };
                    Some(selected.group)
                };
                let monitors = &self.service_monitors;
                let any = monitors.is_changed();
                let refers = |key: &Key, slice: &Slice| any || slice.refers_to_changed(key, at);
                let refers = others_than(Kind::Slice).then_some(refers);
                let of_slices = rebuild(&self.slices, &mut groups, refers, |key, slice| {
                    note(key, monitor::select(monitors, key, &slice.group(key, at)))
                });
                let monitors = &self.pod_monitors;
                let any = monitors.is_changed();
                let refers =
                    |key: &Key, pod: &Pod| any || pod_role::refers_to_changed(pod, key, at);
                let refers = others_than(Kind::Pod).then_some(refers);
                let of_pods = rebuild(&self.pods, &mut groups_of_pods, refers, |key, pod| {
                    let group = pod_role::group(pod, key, at)?;
                    note(key, monitor::select(monitors, key, &group))
                });
                left_out
                    .retain(|key, _| groups.contains_key(key) || groups_of_pods.contains_key(key));
                // Who was not said to be deleted may be there all the same.
                match self.service_monitors.is_any_swept() || self.pod_monitors.is_any_swept() {
                    true => 0,
                    false => of_slices + of_pods,
                }
            }
        };
        self.groups = groups;
        self.groups_of_pods = groups_of_pods;
        self.left_out = left_out;
        for kind in Kind::ALL {
            self.store(kind).settle();
        }
        withdrawn
    }

    /// The targets of some namespaces.
    pub(super) fn listing(&self, is_ready: impl Fn(&str) -> bool) -> Result<Listing, String> {
        let groups = self.groups.iter().chain(&self.groups_of_pods);
        let groups = groups.filter(|(key, _)| is_ready(&key.namespace));
        let unreadable = self
            .unreadable
            .iter()
            .map(|((kind, key), (why, _))| format!("{} {}: {why}", kind.resource(), shown(key)));
        let truncated = self
            .endpoints
            .iter()
            .filter(|(_, endpoints)| endpoints.is_truncated);
        let truncated = truncated.map(|(key, _)| {
            format!(
                "endpoints {}: Kubernetes names the first 1,000 addresses only: use `role: endpointslice`",
                shown(key)
            )
        });
        let left_out = self.left_out.iter().map(|(key, count)| {
            format!(
                "{}: monitors make more than {URLS_MAX} URLs of one target: {count} are left out",
                shown(key)
            )
        });
        let notes = |resource: &str, monitors: &Store<Monitor>| {
            let monitors = monitors.iter();
            monitor::notes(
                resource,
                monitors.map(|(key, monitor)| (key, &monitor.unsupported)),
            )
        };
        let of_services = notes("servicemonitors", &self.service_monitors);
        let of_pods = notes("podmonitors", &self.pod_monitors);
        let listing = Listing {
            groups: groups.map(|(_, group)| Arc::clone(group)).collect(),
            skipped: unreadable
                .chain(truncated)
                .chain(left_out)
                .take(Listing::SKIPPED_MAX)
                .collect(),
            notes: of_services
                .into_iter()
                .chain(of_pods)
                .take(Listing::SKIPPED_MAX)
                .collect(),
        };
        match listing.targets() {
            count if count > LIST_TARGETS_MAX => Err(format!(
                "{count} targets are more than {LIST_TARGETS_MAX}: narrow it with `namespaces` or `selectors`"
            )),
            _ => Ok(listing),
        }
    }
}

/// Makes the groups of the objects that changed, and of those that refer to others that did.
fn rebuild<T>(
    objects: &Store<T>,
    groups: &mut BTreeMap<Key, Arc<TargetGroup>>,
    refers_to_changed: Option<impl Fn(&Key, &T) -> bool>,
    mut group: impl FnMut(&Key, &T) -> Option<TargetGroup>,
) -> usize {
    let mut due: BTreeSet<Key> = objects.changed().cloned().collect();
    if let Some(refers_to_changed) = refers_to_changed {
        let others = objects
            .iter()
            .filter(|(key, object)| refers_to_changed(key, object));
        due.extend(others.map(|(key, _)| key.clone()));
    }
    let mut withdrawn = 0;
    for key in due {
        let before = groups.get(&key);
        let targets = before.map_or(0, |group| group.targets.len());
        let now = objects.get(&key).and_then(|object| group(&key, object));
        let now = now.filter(|group| !group.targets.is_empty());
        if !objects.is_swept(&key) {
            withdrawn += targets.saturating_sub(now.as_ref().map_or(0, |now| now.targets.len()));
        }
        match now {
            None => {
                groups.remove(&key);
            }
            // As it was: everybody knows it.
            Some(now) if before.is_some_and(|before| **before == now) => {}
            Some(mut now) => {
                now.targets.shrink_to_fit();
                groups.insert(key, Arc::new(now));
            }
        }
    }
    withdrawn
}

fn shown(key: &Key) -> String {
    match &*key.namespace {
        "" => key.name.to_string(),
        namespace => format!("{namespace}/{}", key.name),
    }
}
