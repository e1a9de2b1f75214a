//! Services. Pure.

use std::sync::Arc;

use super::meta;
use super::objects::{RawService, RawServicePort};
use crate::discovery::groups::{Layers, TargetGroup};
use crate::discovery::meta::{ADDRESS, address};
use crate::labels::Labels;

/// What is kept of a service.
#[derive(Debug, PartialEq)]
pub(super) struct Service {
    /// Namespace, name, labels and annotations: what is attached to its endpoints.
    pub(super) labels: Arc<Labels>,
    /// Of a service in two address families: the first of them.
    pub(super) first_family: Option<String>,
    targets: Vec<Labels>,
}

impl From<RawService> for Service {
    fn from(raw: RawService) -> Self {
        let mut labels = meta::new();
        labels.set("namespace", raw.metadata.namespace.as_str());
        meta::object(&mut labels, "service", &raw.metadata);
        let ports = raw.spec.ports.iter();
        let targets = ports.map(|port| target(&raw, port)).collect();
        let in_both = matches!(
            raw.spec.ip_family_policy.as_str(),
            "PreferDualStack" | "RequireDualStack"
        );
        Self {
            labels: Arc::new(labels.build()),
            targets,
            first_family: raw.spec.ip_families.into_iter().next().filter(|_| in_both),
        }
    }
}

fn target(raw: &RawService, port: &RawServicePort) -> Labels {
    let (metadata, spec) = (&raw.metadata, &raw.spec);
    let host = format!("{}.{}.svc", metadata.name, metadata.namespace);
    let mut target = meta::new();
    target.set_plain(ADDRESS, address(&host, port.port));
    target.set("service_port_name", port.name.as_str());
    target.set("service_port_number", port.port.to_string());
    target.set("service_port_protocol", port.protocol.as_str());
    target.set("service_type", spec.kind.as_str());
    match spec.kind.as_str() {
        "ExternalName" => target.set("service_external_name", spec.external_name.as_str()),
        _ => target.set("service_cluster_ip", spec.cluster_ip.as_str()),
    }
    if spec.kind == "LoadBalancer" {
        let ingress = raw.status.load_balancer.ingress.iter();
        let addresses = ingress.map(|ingress| ingress.ip.as_str());
        let addresses: Vec<&str> = addresses.filter(|ip| !ip.is_empty()).collect();
        target.set(
            "service_loadbalancer_ip",
            match addresses.is_empty() {
                true => spec.load_balancer_ip.clone(),
                false => addresses.join(","),
            },
        );
    }
    target.build()
}

impl Service {
    /// With what is attached of its namespace.
    pub(super) fn group(&self, attached: Vec<Arc<Labels>>) -> TargetGroup {
        let mut shared = vec![Arc::clone(&self.labels)];
        shared.extend(attached);
        TargetGroup {
            targets: self.targets.iter().cloned().map(Layers::from).collect(),
            common: Layers {
                own: Labels::new(),
                shared,
            },
        }
    }
}
