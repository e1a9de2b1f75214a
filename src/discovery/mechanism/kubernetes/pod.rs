//! Pods. Pure.

use std::sync::Arc;

use super::meta::{self, key};
use super::objects::{RawContainer, RawPod};
use crate::discovery::meta::Meta;
use crate::kubernetes::Key;
use crate::labels::Labels;

/// What is kept of a pod.
#[derive(Debug, PartialEq)]
pub(super) struct Pod {
    /// `""` until it has one.
    pub(super) ip: String,
    /// The node that it runs on.
    pub(super) node: Key,
    /// What manages it.
    pub(super) controller: Option<Controller>,
    /// Everything that is said of it alone, but its namespace.
    pub(super) labels: Arc<Labels>,
    pub(super) containers: Vec<Container>,
}

/// What manages a pod, where that is looked at.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Controller {
    ReplicaSet(Key),
    Job(Key),
}

#[derive(Debug, PartialEq)]
pub(super) struct Container {
    name: String,
    pub(super) id: String,
    image: String,
    is_init: bool,
    pub(super) ports: Vec<ContainerPort>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct ContainerPort {
    pub(super) number: i32,
    pub(super) name: String,
    pub(super) protocol: String,
}

impl From<RawPod> for Pod {
    fn from(raw: RawPod) -> Self {
        let (metadata, status) = (&raw.metadata, &raw.status);
        let mut labels = meta::new();
        labels.set("pod_ip", status.pod_ip.as_str());
        let mut conditions = status.conditions.iter();
        let ready = conditions.find(|condition| condition.kind == "Ready");
        let ready = ready.map_or("unknown".to_owned(), |ready| ready.status.to_lowercase());
        labels.set("pod_ready", ready);
        labels.set("pod_phase", status.phase.as_str());
        labels.set("pod_node_name", raw.spec.node_name.as_str());
        labels.set("pod_host_ip", status.host_ip.as_str());
        labels.set("pod_uid", metadata.uid.as_str());
        meta::object(&mut labels, "pod", metadata);
        let controller = metadata.controller();
        if let Some(controller) = controller {
            labels.set("pod_controller_kind", controller.kind.as_str());
            labels.set("pod_controller_name", controller.name.as_str());
        }
        let controller = controller.and_then(|controller| {
            let key = key(&metadata.namespace, &controller.name);
            match controller.kind.as_str() {
                "ReplicaSet" => Some(Controller::ReplicaSet(key)),
                "Job" => Some(Controller::Job(key)),
                _ => None,
            }
        });
        let id = |is_init: bool, name: &str| {
            let statuses = match is_init {
                true => &status.init_container_statuses,
                false => &status.container_statuses,
            };
            let found = statuses.iter().find(|status| status.name == name);
            found.map(|status| status.container_id.clone())
        };
        let container = |is_init: bool, raw: &RawContainer| Container {
            name: raw.name.clone(),
            id: id(is_init, &raw.name).unwrap_or_default(),
            image: raw.image.clone(),
            is_init,
            ports: raw
                .ports
                .iter()
                .map(|port| ContainerPort {
                    number: port.container_port,
                    name: port.name.clone(),
                    protocol: port.protocol.clone(),
                })
                .collect(),
        };
        let own = raw.spec.containers.iter();
        let init = raw.spec.init_containers.iter();
        let containers = own.map(|own| container(false, own));
        Self {
            ip: status.pod_ip.clone(),
            node: key("", &raw.spec.node_name),
            controller,
            labels: Arc::new(labels.build()),
            containers: containers
                .chain(init.map(|init| container(true, init)))
                .collect(),
        }
    }
}

impl Container {
    /// What is said of the container, and of one of its ports.
    pub(super) fn describe(&self, port: Option<&ContainerPort>, target: &mut Meta) {
        target.set("pod_container_name", self.name.as_str());
        target.set("pod_container_image", self.image.as_str());
        target.set("pod_container_init", self.is_init.to_string());
        if let Some(port) = port {
            target.set("pod_container_port_number", port.number.to_string());
            target.set("pod_container_port_name", port.name.as_str());
            target.set("pod_container_port_protocol", port.protocol.as_str());
        }
    }
}
