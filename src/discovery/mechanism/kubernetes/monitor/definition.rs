//! What is kept of a monitor. Pure.

use std::collections::BTreeSet;

use super::super::objects::Metadata;
use super::objects::{
    Operator, RawCommon, RawEndpoint, RawPodMonitor, RawPort, RawRequirement, RawServiceMonitor,
};
use super::unsupported::{Unsupported, asks_otherwise};
use crate::discovery::found::{METRICS_PATH, PARAM_PREFIX, SCHEME};
use crate::discovery::meta::sanitised;
use crate::discovery::relabel::Rule;

/// Endpoints of a monitor.
const ENDPOINTS_MAX: usize = 50;
/// Relabelling rules of all endpoints of a monitor.
const RELABELINGS_MAX: usize = 200;
/// Labels that a monitor names, in its selector and to be copied.
const LABELS_MAX: usize = 200;

/// What is kept of a monitor.
#[derive(Debug, PartialEq)]
pub(in super::super) struct Monitor {
    pub(super) of: Of,
    pub(super) requirements: Vec<Requirement>,
    /// Where it looks; `None` is everywhere.
    pub(super) namespaces: Option<BTreeSet<String>>,
    /// The job's name, unless `job_label` has a value.
    pub(super) job: Option<String>,
    /// The label with the job's name, by its name on a target.
    pub(super) job_label: Option<String>,
    /// Labels to copy: their names on a target before and after.
    pub(super) copied: Vec<(String, String)>,
    pub(super) endpoints: Vec<Endpoint>,
    pub(in super::super) unsupported: Unsupported,
}

/// What a monitor selects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Services,
    Pods,
}

impl Of {
    /// The monitor's kind, as the operator names it in jobs.
    fn kind(self) -> &'static str {
        match self {
            Of::Services => "serviceMonitor",
            Of::Pods => "podMonitor",
        }
    }

    /// The name on a target of a label of what is selected.
    fn label(self, name: &str) -> String {
        let name = sanitised(name);
        match self {
            Of::Services => format!("__meta_kubernetes_service_label_{name}"),
            Of::Pods => format!("__meta_kubernetes_pod_label_{name}"),
        }
    }

    /// The name of what says whether it is there.
    fn presence(self, name: &str) -> String {
        let name = sanitised(name);
        match self {
            Of::Services => format!("__meta_kubernetes_service_labelpresent_{name}"),
            Of::Pods => format!("__meta_kubernetes_pod_labelpresent_{name}"),
        }
    }
}

/// What a label has to be for an object to be selected.
#[derive(Debug, PartialEq)]
pub(super) struct Requirement {
    pub(super) label: String,
    pub(super) presence: String,
    pub(super) operator: Operator,
    pub(super) values: Vec<String>,
}

/// A port and how to ask there.
#[derive(Debug, PartialEq)]
pub(super) struct Endpoint {
    /// As the operator names its job: `serviceMonitor/shop/cart/0`.
    pub(super) name: String,
    /// The label that names the port, and its value there; `None` for every port.
    pub(super) port: Option<(&'static str, String)>,
    /// Whether pods that have ended are left out.
    pub(super) running_only: bool,
    /// The value of the label `endpoint`.
    pub(super) endpoint: String,
    /// `__scheme__`, `__metrics_path__` and `__param_*`.
    pub(super) place: Vec<(String, String)>,
    pub(super) relabelings: Vec<Rule>,
}

impl TryFrom<RawServiceMonitor> for Monitor {
    type Error = String;

    fn try_from(raw: RawServiceMonitor) -> Result<Self, String> {
        let (metadata, spec) = (raw.metadata, raw.spec);
        let of = Of::Services;
        let copied = spec.target_labels.iter().map(|name| copied(of, name));
        let copied = copied.collect();
        monitor(of, &metadata, spec.common, spec.endpoints, copied, None)
    }
}

impl TryFrom<RawPodMonitor> for Monitor {
    type Error = String;

    fn try_from(raw: RawPodMonitor) -> Result<Self, String> {
        let (metadata, spec) = (raw.metadata, raw.spec);
        let job = format!("{}/{}", metadata.namespace, metadata.name);
        let of = Of::Pods;
        monitor(
            of,
            &metadata,
            spec.common,
            spec.endpoints,
            Vec::new(),
            Some(job),
        )
    }
}

fn copied(of: Of, name: &str) -> (String, String) {
    (of.label(name), sanitised(name))
}

fn monitor(
    of: Of,
    metadata: &Metadata,
    common: RawCommon,
    raw: Vec<RawEndpoint>,
    mut labels: Vec<(String, String)>,
    job: Option<String>,
) -> Result<Monitor, String> {
    let selector = common.selector;
    let exact = selector.match_labels.into_iter();
    let exact = exact.map(|(key, value)| RawRequirement {
        key,
        operator: Operator::In,
        values: vec![value],
    });
    let requirements = exact.chain(selector.match_expressions);
    let requirements: Vec<Requirement> = requirements
        .map(|raw| Requirement {
            label: of.label(&raw.key),
            presence: of.presence(&raw.key),
            operator: raw.operator,
            values: raw.values,
        })
        .collect();
    let of_pods = common.pod_target_labels.iter();
    labels.extend(of_pods.map(|name| copied(Of::Pods, name)));
    let within = |what: &str, count: usize, max: usize| match count > max {
        true => Err(format!("{count} {what} are more than {max}")),
        false => Ok(()),
    };
    within("endpoints", raw.len(), ENDPOINTS_MAX)?;
    let relabelings = raw.iter().map(|endpoint| endpoint.relabelings.len()).sum();
    within("relabelings", relabelings, RELABELINGS_MAX)?;
    within("labels", labels.len() + requirements.len(), LABELS_MAX)?;
    let namespaces = match common.namespace_selector {
        selector if selector.any => None,
        selector if selector.match_names.is_empty() => {
            Some(BTreeSet::from([metadata.namespace.clone()]))
        }
        selector => Some(selector.match_names.into_iter().collect()),
    };
    let mut unsupported = Unsupported::of(&common.others);
    let mut endpoints = Vec::new();
    for (index, raw) in raw.into_iter().enumerate() {
        let name = format!(
            "{}/{}/{}/{index}",
            of.kind(),
            metadata.namespace,
            metadata.name
        );
        match asks_otherwise(&raw.others, &raw.scheme) {
            Some(key) => unsupported.unasked(key),
            None => {
                unsupported.add(&raw.others, &raw.params);
                let read = endpoint(of, name, raw);
                endpoints.push(read.map_err(|error| format!("endpoint {index}: {error}"))?);
            }
        }
    }
    let job_label = Some(common.job_label).filter(|name| !name.is_empty());
    Ok(Monitor {
        of,
        requirements,
        namespaces,
        job,
        job_label: job_label.map(|name| of.label(&name)),
        copied: labels,
        endpoints,
        unsupported,
    })
}

fn endpoint(of: Of, name: String, raw: RawEndpoint) -> Result<Endpoint, String> {
    const CONTAINER_PORT_NAME: &str = "__meta_kubernetes_pod_container_port_name";
    const CONTAINER_PORT_NUMBER: &str = "__meta_kubernetes_pod_container_port_number";
    let named = match of {
        Of::Services => "__meta_kubernetes_endpointslice_port_name",
        Of::Pods => CONTAINER_PORT_NAME,
    };
    let by_target_port = match raw.target_port {
        Some(RawPort::Name(name)) if !name.is_empty() => Some((CONTAINER_PORT_NAME, name)),
        Some(RawPort::Number(number)) if number != 0 => {
            Some((CONTAINER_PORT_NUMBER, number.to_string()))
        }
        Some(RawPort::Name(_) | RawPort::Number(_)) | None => None,
    };
    let (port, endpoint) = match (raw.port, raw.port_number) {
        (port, _) if !port.is_empty() => (Some((named, port.clone())), port),
        // The operator says it of a port's name and of `targetPort`, not of `portNumber`.
        (_, number) if number != 0 && of == Of::Pods => {
            let said = by_target_port.map(|(_, port)| port).unwrap_or_default();
            (Some((CONTAINER_PORT_NUMBER, number.to_string())), said)
        }
        _ => match by_target_port {
            Some((label, port)) => (Some((label, port.clone())), port),
            None => (None, String::new()),
        },
    };
    let or = |written: String, default: &str| match written.is_empty() {
        true => default.to_owned(),
        false => written,
    };
    let mut place = vec![
        (SCHEME.to_owned(), or(raw.scheme.to_lowercase(), "http")),
        (METRICS_PATH.to_owned(), or(raw.path, "/metrics")),
    ];
    // Of several values of a parameter the first is what a label can hold.
    place.extend(raw.params.into_iter().filter_map(|(name, values)| {
        let value = values.into_iter().next()?;
        Some((format!("{PARAM_PREFIX}{name}"), value))
    }));
    let relabelings = raw.relabelings.into_iter().zip(0..);
    let relabelings = relabelings.map(|(raw, nth)| {
        Rule::try_from(raw).map_err(|error| format!("relabeling {nth}: {error}"))
    });
    Ok(Endpoint {
        name,
        port,
        running_only: raw.filter_running.unwrap_or(true),
        endpoint,
        place,
        relabelings: relabelings.collect::<Result<_, _>>()?,
    })
}
