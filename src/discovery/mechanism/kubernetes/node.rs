//! Nodes. Pure.

use std::sync::Arc;

use super::meta;
use super::objects::RawNode;
use crate::discovery::groups::{Layers, TargetGroup};
use crate::discovery::meta::{ADDRESS, address, sanitised};
use crate::labels::Labels;

/// Kinds of address in the order in which one is taken.
const ADDRESS_KINDS: [&str; 6] = [
    "InternalIP",
    "InternalDNS",
    "ExternalIP",
    "ExternalDNS",
    "LegacyHostIP",
    "Hostname",
];

/// What is kept of a node.
#[derive(Debug, PartialEq)]
pub(super) struct Node {
    /// Name, labels and annotations: what is attached to the targets on it.
    pub(super) labels: Arc<Labels>,
    /// What it is as a target of its own: its labels, and those of the target. `None` without an address.
    own: Option<(Labels, Labels)>,
}

impl From<RawNode> for Node {
    fn from(raw: RawNode) -> Self {
        let mut attached = meta::new();
        meta::object(&mut attached, "node", &raw.metadata);
        let mut group = meta::new();
        group.set("node_provider_id", raw.spec.provider_id);
        for condition in &raw.status.conditions {
            let name = sanitised(&condition.kind.to_lowercase());
            group.set(
                &format!("node_condition_{name}"),
                condition.status.to_lowercase(),
            );
        }
        let first = |kind: &str| {
            let mut addresses = raw.status.addresses.iter();
            addresses.find(|address| address.kind == kind)
        };
        let host = ADDRESS_KINDS.into_iter().find_map(first);
        let target = host.map(|host| {
            let mut target = meta::new();
            let port = raw.status.daemon_endpoints.kubelet_endpoint.port;
            target.set_plain(ADDRESS, address(&host.address, port));
            target.set_plain("instance", raw.metadata.name.as_str());
            // The first of a kind is set last, and stays.
            for address in raw.status.addresses.iter().rev() {
                let name = sanitised(&address.kind);
                target.set(&format!("node_address_{name}"), address.address.as_str());
            }
            target.build()
        });
        Self {
            labels: Arc::new(attached.build()),
            own: target.map(|target| (group.build(), target)),
        }
    }
}

impl Node {
    pub(super) fn group(&self) -> Option<TargetGroup> {
        let (group, target) = self.own.clone()?;
        Some(TargetGroup {
            targets: vec![Layers::from(target)],
            common: Layers {
                own: group,
                shared: vec![Arc::clone(&self.labels)],
            },
        })
    }
}
