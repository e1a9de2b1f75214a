//! ServiceMonitors and PodMonitors as the API writes them, by the fields that are supported.
//! <https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1.ServiceMonitor>

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::super::objects::Metadata;
use crate::discovery::relabel::RawRelabeling;
use crate::document::value::nullable;

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
pub(in super::super) struct RawServiceMonitor {
    pub(super) metadata: Metadata,
    pub(super) spec: RawServiceMonitorSpec,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
pub(super) struct RawServiceMonitorSpec {
    #[serde(deserialize_with = "nullable")]
    pub(super) endpoints: Vec<RawEndpoint>,
    #[serde(rename = "targetLabels", deserialize_with = "nullable")]
    pub(super) target_labels: Vec<String>,
    #[serde(flatten)]
    pub(super) common: RawCommon,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
pub(in super::super) struct RawPodMonitor {
    pub(super) metadata: Metadata,
    pub(super) spec: RawPodMonitorSpec,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
pub(super) struct RawPodMonitorSpec {
    #[serde(rename = "podMetricsEndpoints", deserialize_with = "nullable")]
    pub(super) endpoints: Vec<RawEndpoint>,
    #[serde(flatten)]
    pub(super) common: RawCommon,
}

/// What both kinds have.
#[derive(Debug, Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct RawCommon {
    pub(super) selector: RawLabelSelector,
    #[serde(deserialize_with = "nullable")]
    pub(super) namespace_selector: RawNamespaceSelector,
    #[serde(deserialize_with = "nullable")]
    pub(super) job_label: String,
    #[serde(deserialize_with = "nullable")]
    pub(super) pod_target_labels: Vec<String>,
    /// How the operator has Prometheus select: the result is the same.
    #[serde(rename = "selectorMechanism")]
    _selector_mechanism: Option<Value>,
    /// What is not supported.
    #[serde(flatten)]
    pub(super) others: BTreeMap<String, Value>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct RawLabelSelector {
    #[serde(deserialize_with = "nullable")]
    pub(super) match_labels: BTreeMap<String, String>,
    #[serde(deserialize_with = "nullable")]
    pub(super) match_expressions: Vec<RawRequirement>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RawRequirement {
    pub(super) key: String,
    pub(super) operator: Operator,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) values: Vec<String>,
}

/// How a label is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) enum Operator {
    In,
    NotIn,
    Exists,
    DoesNotExist,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct RawNamespaceSelector {
    #[serde(deserialize_with = "nullable")]
    pub(super) any: bool,
    #[serde(deserialize_with = "nullable")]
    pub(super) match_names: Vec<String>,
}

/// An entry of `endpoints` or `podMetricsEndpoints`.
#[derive(Debug, Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct RawEndpoint {
    #[serde(deserialize_with = "nullable")]
    pub(super) port: String,
    /// Of PodMonitors.
    #[serde(deserialize_with = "nullable")]
    pub(super) port_number: i32,
    pub(super) target_port: Option<RawPort>,
    #[serde(deserialize_with = "nullable")]
    pub(super) path: String,
    #[serde(deserialize_with = "nullable")]
    pub(super) scheme: String,
    #[serde(deserialize_with = "nullable")]
    pub(super) params: BTreeMap<String, Vec<String>>,
    pub(super) filter_running: Option<bool>,
    #[serde(deserialize_with = "nullable")]
    pub(super) relabelings: Vec<RawRelabeling>,
    /// What is not supported.
    #[serde(flatten)]
    pub(super) others: BTreeMap<String, Value>,
}

/// A port by its name or number.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum RawPort {
    Number(i32),
    Name(String),
}
