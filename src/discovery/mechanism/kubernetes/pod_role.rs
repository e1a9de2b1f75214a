//! Pods as targets. Pure.

use std::sync::Arc;

use super::attached::Attached;
use super::meta;
use super::pod::{Container, ContainerPort, Pod};
use crate::discovery::groups::{Layers, TargetGroup};
use crate::discovery::meta::{ADDRESS, address};
use crate::kubernetes::Key;

/// Whether they are others since something else changed.
pub(super) fn refers_to_changed(pod: &Pod, key: &Key, attached: &Attached<'_>) -> bool {
    attached.node_changed(&pod.node)
        || attached.namespace_changed(key)
        || attached.owners_changed(pod)
}

/// Its targets: none until it has an address, nor on a node that is not watched.
pub(super) fn group(pod: &Pod, key: &Key, attached: &Attached<'_>) -> Option<TargetGroup> {
    if pod.ip.is_empty() {
        return None;
    }
    let node = match attached.nodes {
        Some(nodes) => Some(Arc::clone(&nodes.get(&pod.node)?.labels)),
        None => None,
    };
    let mut own = meta::new();
    own.set("namespace", &*key.namespace);
    attached.owners(pod, &mut own);
    let mut shared = vec![Arc::clone(&pod.labels)];
    shared.extend(node);
    shared.extend(attached.namespace(key));
    Some(TargetGroup {
        targets: pod
            .containers
            .iter()
            .flat_map(|container| targets(container, &pod.ip))
            .collect(),
        common: Layers {
            own: own.build(),
            shared,
        },
    })
}

/// A target for each port; without ports one with the address alone, for relabelling to add one.
fn targets(container: &Container, ip: &str) -> Vec<Layers> {
    let target = |port: Option<&ContainerPort>| {
        let mut target = meta::new();
        let address = port.map_or_else(|| ip.to_owned(), |port| address(ip, port.number));
        target.set_plain(ADDRESS, address);
        target.set("pod_container_id", container.id.as_str());
        container.describe(port, &mut target);
        Layers::from(target.build())
    };
    match container.ports.is_empty() {
        true => vec![target(None)],
        false => container
            .ports
            .iter()
            .map(|port| target(Some(port)))
            .collect(),
    }
}
