//! Kubernetes's objects as its API writes them, by the fields that become labels.
//! <https://kubernetes.io/docs/reference/kubernetes-api/>

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::document::value::nullable;

type Map = BTreeMap<String, String>;

#[derive(Debug, Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Metadata {
    pub(super) name: String,
    pub(super) namespace: String,
    pub(super) uid: String,
    #[serde(deserialize_with = "nullable")]
    pub(super) labels: Map,
    #[serde(deserialize_with = "nullable")]
    pub(super) annotations: Map,
    #[serde(deserialize_with = "nullable")]
    pub(super) owner_references: Vec<OwnerReference>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
pub(super) struct OwnerReference {
    pub(super) kind: String,
    pub(super) name: String,
    #[serde(deserialize_with = "nullable")]
    controller: bool,
}

impl Metadata {
    /// The owner that manages the object.
    pub(super) fn controller(&self) -> Option<&OwnerReference> {
        self.owner_references.iter().find(|owner| owner.controller)
    }
}

/// An object of which nothing but its metadata is read.
#[derive(Debug, Deserialize, Default)]
#[serde(default)]
pub(super) struct RawObject {
    pub(super) metadata: Metadata,
}

/// A reference to another object.
#[derive(Debug, Clone, PartialEq, Deserialize, Default)]
#[serde(default)]
pub(super) struct ObjectReference {
    pub(super) kind: String,
    pub(super) namespace: String,
    pub(super) name: String,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
pub(super) struct RawNode {
    pub(super) metadata: Metadata,
    pub(super) spec: RawNodeSpec,
    pub(super) status: RawNodeStatus,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
pub(super) struct RawNodeSpec {
    #[serde(rename = "providerID")]
    pub(super) provider_id: String,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct RawNodeStatus {
    #[serde(deserialize_with = "nullable")]
    pub(super) addresses: Vec<RawNodeAddress>,
    #[serde(deserialize_with = "nullable")]
    pub(super) conditions: Vec<RawCondition>,
    pub(super) daemon_endpoints: RawDaemonEndpoints,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
pub(super) struct RawNodeAddress {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) address: String,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
pub(super) struct RawCondition {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) status: String,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct RawDaemonEndpoints {
    pub(super) kubelet_endpoint: RawDaemonEndpoint,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct RawDaemonEndpoint {
    pub(super) port: i32,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
pub(super) struct RawService {
    pub(super) metadata: Metadata,
    pub(super) spec: RawServiceSpec,
    pub(super) status: RawServiceStatus,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct RawServiceSpec {
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(rename = "clusterIP")]
    pub(super) cluster_ip: String,
    pub(super) external_name: String,
    #[serde(rename = "loadBalancerIP")]
    pub(super) load_balancer_ip: String,
    #[serde(deserialize_with = "nullable")]
    pub(super) ip_families: Vec<String>,
    #[serde(deserialize_with = "nullable")]
    pub(super) ip_family_policy: String,
    #[serde(deserialize_with = "nullable")]
    pub(super) ports: Vec<RawServicePort>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
pub(super) struct RawServicePort {
    pub(super) name: String,
    pub(super) port: i32,
    pub(super) protocol: String,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct RawServiceStatus {
    pub(super) load_balancer: RawLoadBalancer,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
pub(super) struct RawLoadBalancer {
    #[serde(deserialize_with = "nullable")]
    pub(super) ingress: Vec<RawLoadBalancerIngress>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
pub(super) struct RawLoadBalancerIngress {
    pub(super) ip: String,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
pub(super) struct RawPod {
    pub(super) metadata: Metadata,
    pub(super) spec: RawPodSpec,
    pub(super) status: RawPodStatus,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct RawPodSpec {
    pub(super) node_name: String,
    #[serde(deserialize_with = "nullable")]
    pub(super) containers: Vec<RawContainer>,
    #[serde(deserialize_with = "nullable")]
    pub(super) init_containers: Vec<RawContainer>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
pub(super) struct RawContainer {
    pub(super) name: String,
    pub(super) image: String,
    #[serde(deserialize_with = "nullable")]
    pub(super) ports: Vec<RawContainerPort>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct RawContainerPort {
    pub(super) name: String,
    pub(super) container_port: i32,
    pub(super) protocol: String,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct RawPodStatus {
    pub(super) phase: String,
    #[serde(rename = "podIP")]
    pub(super) pod_ip: String,
    #[serde(rename = "hostIP")]
    pub(super) host_ip: String,
    #[serde(deserialize_with = "nullable")]
    pub(super) conditions: Vec<RawCondition>,
    #[serde(deserialize_with = "nullable")]
    pub(super) container_statuses: Vec<RawContainerStatus>,
    #[serde(deserialize_with = "nullable")]
    pub(super) init_container_statuses: Vec<RawContainerStatus>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
pub(super) struct RawContainerStatus {
    pub(super) name: String,
    #[serde(rename = "containerID")]
    pub(super) container_id: String,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
pub(super) struct RawEndpoints {
    pub(super) metadata: Metadata,
    #[serde(deserialize_with = "nullable")]
    pub(super) subsets: Vec<RawSubset>,
}

#[derive(Debug, Clone, PartialEq, Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct RawSubset {
    #[serde(deserialize_with = "nullable")]
    pub(super) addresses: Vec<RawEndpointAddress>,
    #[serde(deserialize_with = "nullable")]
    pub(super) not_ready_addresses: Vec<RawEndpointAddress>,
    #[serde(deserialize_with = "nullable")]
    pub(super) ports: Vec<RawEndpointPort>,
}

#[derive(Debug, Clone, PartialEq, Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct RawEndpointAddress {
    pub(super) ip: String,
    pub(super) hostname: String,
    pub(super) node_name: Option<String>,
    pub(super) target_ref: Option<ObjectReference>,
}

#[derive(Debug, Clone, PartialEq, Deserialize, Default)]
#[serde(default)]
pub(super) struct RawEndpointPort {
    pub(super) name: String,
    pub(super) port: i32,
    pub(super) protocol: String,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct RawSlice {
    pub(super) metadata: Metadata,
    pub(super) address_type: String,
    #[serde(deserialize_with = "nullable")]
    pub(super) endpoints: Vec<RawSliceEndpoint>,
    #[serde(deserialize_with = "nullable")]
    pub(super) ports: Vec<RawSlicePort>,
}

#[derive(Debug, Clone, PartialEq, Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct RawSliceEndpoint {
    #[serde(deserialize_with = "nullable")]
    pub(super) addresses: Vec<String>,
    pub(super) conditions: RawSliceConditions,
    pub(super) hostname: Option<String>,
    pub(super) node_name: Option<String>,
    pub(super) zone: Option<String>,
    pub(super) target_ref: Option<ObjectReference>,
    #[serde(deserialize_with = "nullable")]
    pub(super) deprecated_topology: Map,
}

#[derive(Debug, Clone, PartialEq, Deserialize, Default)]
#[serde(default)]
pub(super) struct RawSliceConditions {
    pub(super) ready: Option<bool>,
    pub(super) serving: Option<bool>,
    pub(super) terminating: Option<bool>,
}

#[derive(Debug, Clone, PartialEq, Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct RawSlicePort {
    pub(super) name: Option<String>,
    pub(super) port: Option<i32>,
    pub(super) protocol: Option<String>,
    pub(super) app_protocol: Option<String>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
pub(super) struct RawIngress {
    pub(super) metadata: Metadata,
    pub(super) spec: RawIngressSpec,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct RawIngressSpec {
    pub(super) ingress_class_name: Option<String>,
    #[serde(deserialize_with = "nullable")]
    pub(super) tls: Vec<RawIngressTls>,
    #[serde(deserialize_with = "nullable")]
    pub(super) rules: Vec<RawIngressRule>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
pub(super) struct RawIngressTls {
    #[serde(deserialize_with = "nullable")]
    pub(super) hosts: Vec<String>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
pub(super) struct RawIngressRule {
    pub(super) host: String,
    pub(super) http: Option<RawHttpRule>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
pub(super) struct RawHttpRule {
    #[serde(deserialize_with = "nullable")]
    pub(super) paths: Vec<RawHttpPath>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
pub(super) struct RawHttpPath {
    pub(super) path: String,
}
