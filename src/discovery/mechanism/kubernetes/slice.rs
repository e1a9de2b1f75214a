//! EndpointSlices: the objects that say where a service is. Pure.

use std::sync::Arc;

use super::attached::Attached;
use super::meta::{self, key};
use super::objects::{RawSlice, RawSliceEndpoint, RawSlicePort};
use super::pod_ref::{PodRefs, check_targets};
use super::service::Service;
use crate::discovery::groups::{Layers, TargetGroup};
use crate::discovery::meta::{ADDRESS, Meta, address, sanitised};
use crate::kubernetes::Key;
use crate::labels::Labels;

/// The label that names the service of a slice.
const SERVICE_NAME: &str = "kubernetes.io/service-name";

/// What is kept of a slice.
#[derive(Debug, PartialEq)]
pub(super) struct Slice {
    labels: Labels,
    address_type: String,
    /// The service that it is a part of.
    service: Option<Key>,
    endpoints: Vec<RawSliceEndpoint>,
    ports: Vec<RawSlicePort>,
}

impl TryFrom<RawSlice> for Slice {
    type Error = String;

    fn try_from(raw: RawSlice) -> Result<Self, String> {
        let addresses = raw
            .endpoints
            .iter()
            .map(|endpoint| endpoint.addresses.len());
        check_targets([(addresses.sum(), raw.ports.len())])?;
        let metadata = &raw.metadata;
        let mut labels = meta::new();
        labels.set("namespace", metadata.namespace.as_str());
        labels.set("endpointslice_address_type", raw.address_type.as_str());
        meta::object(&mut labels, "endpointslice", metadata);
        let service = metadata.labels.get(SERVICE_NAME);
        Ok(Self {
            labels: labels.build(),
            address_type: raw.address_type,
            service: service.map(|service| key(&metadata.namespace, service)),
            endpoints: raw.endpoints,
            ports: raw.ports,
        })
    }
}

impl Slice {
    /// Whether its targets are others since something else changed.
    pub(super) fn refers_to_changed(&self, key: &Key, attached: &Attached<'_>) -> bool {
        let service = self.service.as_ref();
        service.is_some_and(|service| attached.services.has_changed(service))
            || attached.namespace_changed(key)
            || self.endpoints.iter().any(|endpoint| {
                let node = endpoint.node_name.as_deref();
                attached.reference_changed(endpoint.target_ref.as_ref(), node)
            })
    }

    pub(super) fn group(&self, key: &Key, attached: &Attached<'_>) -> TargetGroup {
        let service = self.service.as_ref();
        let service = service.and_then(|service| attached.services.get(service));
        let targets = match self.is_second_family(service) {
            true => Vec::new(),
            false => self.targets(attached),
        };
        let mut shared: Vec<Arc<Labels>> = Vec::new();
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

    /// Whether a slice of the first address family names the same pods.
    fn is_second_family(&self, service: Option<&Service>) -> bool {
        let first = service.and_then(|service| service.first_family.as_ref());
        first.is_some_and(|first| *first != self.address_type)
    }

    fn targets(&self, attached: &Attached<'_>) -> Vec<Layers> {
        let mut pods = PodRefs::default();
        let mut targets = Vec::new();
        for endpoint in &self.endpoints {
            for port in &self.ports {
                for host in &endpoint.addresses {
                    let mut own = own_labels(host, endpoint, port);
                    let reference = endpoint.target_ref.as_ref();
                    let pod = pods.attach(reference, port.port, None, attached, &mut own);
                    let mut shared: Vec<Arc<Labels>> = Vec::from_iter(pod);
                    shared.extend(self.node_of(endpoint, attached));
                    targets.push(Layers {
                        own: own.build(),
                        shared,
                    });
                }
            }
        }
        targets.extend(pods.other_ports(attached));
        targets
    }

    fn node_of(&self, endpoint: &RawSliceEndpoint, attached: &Attached<'_>) -> Option<Arc<Labels>> {
        match &endpoint.target_ref {
            Some(reference) if reference.kind == "Node" => attached.node(&reference.name),
            _ => attached.node(endpoint.node_name.as_ref()?),
        }
    }
}

fn own_labels(host: &str, endpoint: &RawSliceEndpoint, port: &RawSlicePort) -> Meta {
    let mut own = meta::new();
    let place = port.port.map(|port| address(host, port));
    own.set_plain(ADDRESS, place.unwrap_or_else(|| host.to_owned()));
    own.set_some("endpointslice_port_name", port.name.as_ref());
    own.set_some("endpointslice_port_protocol", port.protocol.as_ref());
    own.set_some("endpointslice_port", port.port);
    own.set_some(
        "endpointslice_port_app_protocol",
        port.app_protocol.as_ref(),
    );
    let conditions = &endpoint.conditions;
    for (name, condition) in [
        ("ready", conditions.ready),
        ("serving", conditions.serving),
        ("terminating", conditions.terminating),
    ] {
        own.set_some(
            &format!("endpointslice_endpoint_conditions_{name}"),
            condition,
        );
    }
    own.set_some(
        "endpointslice_endpoint_hostname",
        endpoint.hostname.as_ref(),
    );
    if let Some(reference) = &endpoint.target_ref {
        own.set("endpointslice_address_target_kind", reference.kind.as_str());
        own.set("endpointslice_address_target_name", reference.name.as_str());
    }
    own.set_some(
        "endpointslice_endpoint_node_name",
        endpoint.node_name.as_ref(),
    );
    own.set_some("endpointslice_endpoint_zone", endpoint.zone.as_ref());
    for (name, value) in &endpoint.deprecated_topology {
        let name = sanitised(name);
        own.set(
            &format!("endpointslice_endpoint_topology_{name}"),
            value.as_str(),
        );
        own.set(
            &format!("endpointslice_endpoint_topology_present_{name}"),
            "true",
        );
    }
    own
}
