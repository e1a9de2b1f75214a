//! Endpoints: the older objects that say where a service is. Pure.

use std::sync::Arc;

use super::attached::Attached;
use super::meta;
use super::objects::{RawEndpointAddress, RawEndpointPort, RawEndpoints, RawSubset};
use super::pod_ref::{PodRefs, check_targets};
use crate::discovery::groups::{Layers, TargetGroup};
use crate::discovery::meta::{ADDRESS, address};
use crate::kubernetes::Key;
use crate::labels::Labels;

/// What Kubernetes says of an object with more than 1,000 addresses:
/// <https://kubernetes.io/docs/concepts/services-networking/service/#over-capacity-endpoints>.
const OVER_CAPACITY: &str = "endpoints.kubernetes.io/over-capacity";

/// What is kept of an Endpoints object.
#[derive(Debug, PartialEq)]
pub(super) struct Endpoints {
    labels: Labels,
    subsets: Vec<RawSubset>,
    /// Kubernetes left addresses out.
    pub(super) is_truncated: bool,
}

impl TryFrom<RawEndpoints> for Endpoints {
    type Error = String;

    fn try_from(raw: RawEndpoints) -> Result<Self, String> {
        check_targets(raw.subsets.iter().map(|subset| {
            let addresses = subset.addresses.len() + subset.not_ready_addresses.len();
            (addresses, subset.ports.len())
        }))?;
        let mut labels = meta::new();
        labels.set("namespace", raw.metadata.namespace.as_str());
        meta::object(&mut labels, "endpoints", &raw.metadata);
        let capacity = raw.metadata.annotations.get(OVER_CAPACITY);
        Ok(Self {
            labels: labels.build(),
            is_truncated: capacity.is_some_and(|said| said == "truncated"),
            subsets: raw.subsets,
        })
    }
}

impl Endpoints {
    /// Each port at each address, and its readiness.
    fn all(&self) -> impl Iterator<Item = (&RawEndpointPort, &RawEndpointAddress, bool)> {
        self.subsets.iter().flat_map(|subset| {
            subset.ports.iter().flat_map(move |port| {
                let ready = subset.addresses.iter().map(|address| (address, true));
                let others = subset.not_ready_addresses.iter();
                let all = ready.chain(others.map(|address| (address, false)));
                all.map(move |(address, ready)| (port, address, ready))
            })
        })
    }

    /// Whether its targets are others since something else changed.
    pub(super) fn refers_to_changed(&self, key: &Key, attached: &Attached<'_>) -> bool {
        attached.services.has_changed(key)
            || attached.namespace_changed(key)
            || self.all().any(|(_, address, _)| {
                let node = address.node_name.as_deref();
                attached.reference_changed(address.target_ref.as_ref(), node)
            })
    }

    pub(super) fn group(&self, key: &Key, attached: &Attached<'_>) -> TargetGroup {
        let mut pods = PodRefs::default();
        let mut targets = Vec::new();
        for (port, endpoint, ready) in self.all() {
            let reference = endpoint.target_ref.as_ref();
            let mut own = meta::new();
            own.set_plain(ADDRESS, address(&endpoint.ip, port.port));
            own.set("endpoint_port_name", port.name.as_str());
            own.set("endpoint_port_protocol", port.protocol.as_str());
            own.set("endpoint_ready", ready.to_string());
            if let Some(reference) = reference {
                own.set("endpoint_address_target_kind", reference.kind.as_str());
                own.set("endpoint_address_target_name", reference.name.as_str());
            }
            own.set_some("endpoint_node_name", endpoint.node_name.as_ref());
            own.set("endpoint_hostname", endpoint.hostname.as_str());
            let of_node = reference.filter(|reference| reference.kind == "Node");
            let of_node = of_node.map(|reference| &reference.name);
            let node = endpoint.node_name.as_ref().or(of_node);
            let node = node.and_then(|node| attached.node(node));
            // The protocol is the endpoint's, as in Prometheus.
            let protocol = Some(port.protocol.as_str());
            let pod = pods.attach(reference, Some(port.port), protocol, attached, &mut own);
            let mut shared: Vec<Arc<Labels>> = Vec::from_iter(pod);
            shared.extend(node);
            targets.push(Layers {
                own: own.build(),
                shared,
            });
        }
        targets.extend(pods.other_ports(attached));
        let mut shared: Vec<Arc<Labels>> = Vec::new();
        let service = attached.services.get(key);
        shared.extend(service.map(|service| Arc::clone(&service.labels)));
        shared.extend(attached.namespace(key));
        TargetGroup {
            targets,
            common: Layers {
                own: self.labels.clone(),
                shared,
            },
        }
    }
}
