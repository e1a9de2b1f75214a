//! The pods behind the addresses of a service. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::attached::Attached;
use super::meta::{self, key};
use super::objects::ObjectReference;
use super::pod::{Container, ContainerPort, Pod};
use crate::discovery::groups::{Layers, OBJECT_TARGETS_MAX};
use crate::discovery::meta::{ADDRESS, Meta, address};
use crate::kubernetes::Key;
use crate::labels::Labels;

/// Refuses an object that would make too many targets of itself, by the numbers of addresses and ports of its parts.
pub(super) fn check_targets(parts: impl IntoIterator<Item = (usize, usize)>) -> Result<(), String> {
    let parts = parts.into_iter();
    let targets = parts.map(|(addresses, ports)| addresses.saturating_mul(ports));
    match targets.fold(0, usize::saturating_add) {
        count if count > OBJECT_TARGETS_MAX => Err(format!(
            "its addresses and ports make {count} targets, more than {OBJECT_TARGETS_MAX}"
        )),
        _ => Ok(()),
    }
}

/// The pod that an address refers to, if it is known.
fn pod_ref<'a>(
    reference: Option<&ObjectReference>,
    attached: &Attached<'a>,
) -> Option<(Key, &'a Pod)> {
    let reference = reference.filter(|reference| reference.kind == "Pod")?;
    let key = key(&reference.namespace, &reference.name);
    let pod = attached.pods.get(&key)?;
    Some((key, pod))
}

/// The container of a pod that an endpoint's port leads to: of several the last, as in Prometheus.
fn container_of(pod: &Pod, port: i32) -> Option<(&Container, &ContainerPort)> {
    let mut containers = pod.containers.iter().rev();
    containers.find_map(|container| {
        let mut ports = container.ports.iter();
        let found = ports.find(|found| found.number == port)?;
        Some((container, found))
    })
}

/// The pods that the addresses of an object refer to, with the ports that they have there.
#[derive(Default)]
pub(super) struct PodRefs<'a>(BTreeMap<Key, (&'a Pod, Vec<i32>)>);

impl<'a> PodRefs<'a> {
    /// Adds what is said of the pod that an address refers to, and of the container behind the port, to `own`; gives
    /// the labels of the pod. `protocol` is of the port, where it counts instead of the container's.
    pub(super) fn attach(
        &mut self,
        reference: Option<&ObjectReference>,
        port: Option<i32>,
        protocol: Option<&str>,
        attached: &Attached<'a>,
        own: &mut Meta,
    ) -> Option<Arc<Labels>> {
        let (key, pod) = pod_ref(reference, attached)?;
        let (_, ports) = self.0.entry(key).or_insert((pod, Vec::new()));
        ports.extend(port);
        if let Some((container, found)) = port.and_then(|port| container_of(pod, port)) {
            container.describe(Some(found), own);
            if let Some(protocol) = protocol {
                own.set("pod_container_port_protocol", protocol);
            }
        }
        attached.owners(pod, own);
        Some(Arc::clone(&pod.labels))
    }

    /// A target for each port of their containers that no address names, as in Prometheus.
    pub(super) fn other_ports(self, attached: &Attached<'_>) -> Vec<Layers> {
        let mut targets = Vec::new();
        for (pod, named) in self.0.into_values() {
            if pod.ip.is_empty() {
                continue;
            }
            for container in &pod.containers {
                let ports = container.ports.iter();
                for port in ports.filter(|port| !named.contains(&port.number)) {
                    let mut own = meta::new();
                    own.set_plain(ADDRESS, address(&pod.ip, port.number));
                    container.describe(Some(port), &mut own);
                    attached.owners(pod, &mut own);
                    targets.push(Layers {
                        own: own.build(),
                        shared: vec![Arc::clone(&pod.labels)],
                    });
                }
            }
        }
        targets
    }
}

impl Attached<'_> {
    /// Whether what an address refers to, or the node that it is on, changed.
    pub(super) fn reference_changed(
        &self,
        reference: Option<&ObjectReference>,
        node: Option<&str>,
    ) -> bool {
        let referred = reference.is_some_and(|reference| match reference.kind.as_str() {
            "Pod" => {
                let key = key(&reference.namespace, &reference.name);
                let pod = self.pods.get(&key);
                self.pods.has_changed(&key) || pod.is_some_and(|pod| self.owners_changed(pod))
            }
            "Node" => self.node_changed(&key("", &reference.name)),
            _ => false,
        });
        referred || node.is_some_and(|node| self.node_changed(&key("", node)))
    }
}
