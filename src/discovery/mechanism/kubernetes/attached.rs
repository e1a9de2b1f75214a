//! What is attached to a target of objects that it is not made of. Pure.

use std::sync::Arc;

use super::node::Node;
use super::pod::{Controller, Pod};
use super::service::Service;
use super::store::Store;
use crate::discovery::meta::Meta;
use crate::kubernetes::Key;
use crate::labels::Labels;

/// The objects that are looked at beside those that become targets; `None` where the configuration does not ask for
/// them.
pub(super) struct Attached<'a> {
    pub(super) pods: &'a Store<Pod>,
    pub(super) services: &'a Store<Service>,
    pub(super) nodes: Option<&'a Store<Node>>,
    pub(super) namespaces: Option<&'a Store<Arc<Labels>>>,
    /// The deployment of each replica set.
    pub(super) replica_sets: Option<&'a Store<String>>,
    /// Whether the name of a pod's job is attached.
    pub(super) with_job: bool,
    /// The cron job of each job.
    pub(super) cron_jobs: Option<&'a Store<String>>,
}

impl Attached<'_> {
    /// The labels of the namespace that an object is in.
    pub(super) fn namespace(&self, key: &Key) -> Option<Arc<Labels>> {
        let namespace = super::meta::key("", &key.namespace);
        self.namespaces?.get(&namespace).cloned()
    }

    /// The labels of a node.
    pub(super) fn node(&self, name: &str) -> Option<Arc<Labels>> {
        let node = self.nodes?.get(&super::meta::key("", name))?;
        Some(Arc::clone(&node.labels))
    }

    /// What manages a pod, and what manages that.
    pub(super) fn owners(&self, pod: &Pod, target: &mut Meta) {
        match &pod.controller {
            Some(Controller::ReplicaSet(key)) => {
                let deployment = self.replica_sets.and_then(|sets| sets.get(key));
                target.set_some("pod_deployment_name", deployment);
            }
            Some(Controller::Job(key)) => {
                if self.with_job {
                    target.set("pod_job_name", &*key.name);
                }
                let cron_job = self.cron_jobs.and_then(|jobs| jobs.get(key));
                target.set_some("pod_cronjob_name", cron_job);
            }
            None => {}
        }
    }

    /// Whether something attached to an object of a namespace changed.
    pub(super) fn namespace_changed(&self, key: &Key) -> bool {
        self.namespaces.is_some_and(|namespaces| {
            let namespace = super::meta::key("", &key.namespace);
            namespaces.has_changed(&namespace)
        })
    }

    /// The same of a node.
    pub(super) fn node_changed(&self, node: &Key) -> bool {
        self.nodes.is_some_and(|nodes| nodes.has_changed(node))
    }

    /// The same of what manages a pod.
    pub(super) fn owners_changed(&self, pod: &Pod) -> bool {
        let changed = |store: Option<&Store<String>>, key: &Key| {
            store.is_some_and(|store| store.has_changed(key))
        };
        match &pod.controller {
            Some(Controller::ReplicaSet(key)) => changed(self.replica_sets, key),
            Some(Controller::Job(key)) => changed(self.cron_jobs, key),
            None => false,
        }
    }
}
