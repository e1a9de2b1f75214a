//! Everything that is known of a cluster's objects, and the targets that they make. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::attached::Attached;
use super::endpoints::Endpoints;
use super::ingress::Ingress;
use super::kind::Kind;
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
pub(super) const OBJECTS_MAX: usize = 500_000;

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
    /// What could not be read, and why.
    unreadable: BTreeMap<(Kind, Key), (String, Round)>,
    groups: BTreeMap<Key, Arc<TargetGroup>>,
}

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
            unreadable: BTreeMap::new(),
            groups: BTreeMap::new(),
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
        }
    }

    /// Takes an object as it is now; refuses one more than there may be.
    pub(super) fn put(&mut self, key: Key, entry: Entry, round: Round) -> Result<(), String> {
        let kind = entry.kind();
        self.unreadable.remove(&(kind, key.clone()));
        if !self.store(kind).contains(&key) && self.store(kind).count() >= OBJECTS_MAX {
            let resource = kind.resource();
            return Err(format!(
                "more than {OBJECTS_MAX} {resource}: narrow it with `namespaces` or `selectors`"
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
        let others = self.is_any_other_changed();
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
                let refers = others.then_some(|_: &Key, _: &Node| false);
                rebuild(&self.nodes, &mut groups, refers, |_, node| node.group())
            }
            Role::Pod => {
                let refers = |key: &Key, pod: &Pod| {
                    at.node_changed(&pod.node)
                        || at.namespace_changed(key)
                        || at.owners_changed(pod)
                };
                let refers = others.then_some(refers);
                rebuild(&self.pods, &mut groups, refers, |key, pod| {
                    pod_role::group(pod, key, at)
                })
            }
            Role::Service => {
                let refers = others.then_some(|key: &Key, _: &Service| at.namespace_changed(key));
                rebuild(&self.services, &mut groups, refers, |key, service| {
                    Some(service.group(at.namespace(key).into_iter().collect()))
                })
            }
            Role::Endpoints => {
                let refers =
                    |key: &Key, endpoints: &Endpoints| endpoints.refers_to_changed(key, at);
                let refers = others.then_some(refers);
                rebuild(&self.endpoints, &mut groups, refers, |key, endpoints| {
                    Some(endpoints.group(key, at))
                })
            }
            Role::EndpointSlice => {
                let refers = |key: &Key, slice: &Slice| slice.refers_to_changed(key, at);
                let refers = others.then_some(refers);
                rebuild(&self.slices, &mut groups, refers, |key, slice| {
                    Some(slice.group(key, at))
                })
            }
            Role::Ingress => {
                let refers = others.then_some(|key: &Key, _: &Ingress| at.namespace_changed(key));
                rebuild(&self.ingresses, &mut groups, refers, |key, ingress| {
                    Some(ingress.group(at.namespace(key).into_iter().collect()))
                })
            }
        };
        self.groups = groups;
        for kind in Kind::ALL {
            self.store(kind).settle();
        }
        withdrawn
    }

    /// Whether anything but what becomes targets changed.
    fn is_any_other_changed(&mut self) -> bool {
        let own = self.role.kind();
        let mut others = Kind::ALL.into_iter().filter(|kind| *kind != own);
        others.any(|kind| self.store(kind).is_changed())
    }

    /// The targets of some namespaces.
    pub(super) fn listing(&self, is_ready: impl Fn(&str) -> bool) -> Result<Listing, String> {
        let groups = self.groups.iter();
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
        let listing = Listing {
            groups: groups.map(|(_, group)| Arc::clone(group)).collect(),
            skipped: unreadable
                .chain(truncated)
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
    group: impl Fn(&Key, &T) -> Option<TargetGroup>,
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
