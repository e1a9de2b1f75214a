//! Kubernetes's objects as its API writes them, by the fields that are judged.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::inventory::{Exposure, ExposureKind, LabelSelector, Pod};

type Map = BTreeMap<String, String>;

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
pub(super) struct Metadata {
    pub(super) name: String,
    pub(super) namespace: String,
    pub(super) labels: Map,
    pub(super) annotations: Map,
}

#[derive(Debug, Deserialize)]
pub(super) struct RawService {
    pub(super) metadata: Metadata,
    #[serde(default)]
    pub(super) spec: RawServiceSpec,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
pub(super) struct RawServiceSpec {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) selector: Map,
    pub(super) ports: Vec<RawPort>,
}

/// A port's number, or its name.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Port {
    Number(u16),
    Name(String),
}

impl Port {
    fn text(&self) -> String {
        match self {
            Port::Number(number) => number.to_string(),
            Port::Name(name) => name.clone(),
        }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct RawPort {
    #[serde(default)]
    pub(super) name: String,
    pub(super) port: u16,
    #[serde(rename = "targetPort")]
    pub(super) target: Option<Port>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RawIngress {
    pub(super) metadata: Metadata,
    #[serde(default)]
    pub(super) spec: RawIngressSpec,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct RawIngressSpec {
    pub(super) default_backend: Option<RawBackend>,
    pub(super) rules: Vec<RawIngressRule>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RawIngressRule {
    pub(super) http: Option<RawHttpRule>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RawHttpRule {
    pub(super) paths: Vec<RawPath>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RawPath {
    pub(super) backend: RawBackend,
}

#[derive(Debug, Deserialize)]
pub(super) struct RawBackend {
    pub(super) service: Option<RawBackendService>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RawBackendService {
    pub(super) name: String,
    #[serde(default)]
    pub(super) port: RawBackendPort,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
pub(super) struct RawBackendPort {
    pub(super) number: Option<u16>,
    pub(super) name: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RawRoute {
    pub(super) metadata: Metadata,
    #[serde(default)]
    pub(super) spec: RawRouteSpec,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
pub(super) struct RawRouteSpec {
    pub(super) rules: Vec<RawRouteRule>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct RawRouteRule {
    pub(super) backend_refs: Vec<RawRouteBackend>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RawRouteBackend {
    pub(super) name: String,
    #[serde(default)]
    pub(super) port: Option<u16>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RawPolicy {
    pub(super) metadata: Metadata,
    #[serde(default)]
    pub(super) spec: RawPolicySpec,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct RawPolicySpec {
    pub(super) pod_selector: LabelSelector,
}

#[derive(Debug, Deserialize)]
pub(super) struct RawPod {
    pub(super) metadata: Metadata,
    #[serde(default)]
    pub(super) spec: RawPodSpec,
    #[serde(default)]
    pub(super) status: RawPodStatus,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct RawPodSpec {
    pub(super) service_account_name: String,
    pub(super) containers: Vec<RawContainer>,
    pub(super) init_containers: Vec<RawContainer>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
pub(super) struct RawPodStatus {
    pub(super) phase: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct RawContainer {
    #[serde(default)]
    pub(super) env: Vec<RawVariable>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RawVariable {
    pub(super) name: String,
    /// Whether there is one: what it is does not concern us.
    #[serde(default)]
    pub(super) value: Option<serde::de::IgnoredAny>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RawAccount {
    pub(super) metadata: Metadata,
}

/// Annotations that keep a load balancer within a network, and the value that says so.
const INTERNAL: [(&str, &str); 5] = [
    (
        "service.beta.kubernetes.io/aws-load-balancer-internal",
        "true",
    ),
    (
        "service.beta.kubernetes.io/aws-load-balancer-scheme",
        "internal",
    ),
    ("networking.gke.io/load-balancer-type", "Internal"),
    ("cloud.google.com/load-balancer-type", "Internal"),
    (
        "service.beta.kubernetes.io/azure-load-balancer-internal",
        "true",
    ),
];

impl RawService {
    pub(super) fn exposure(&self) -> Option<Exposure> {
        let kind = match self.spec.kind.as_str() {
            "LoadBalancer" => ExposureKind::LoadBalancer,
            "NodePort" => ExposureKind::NodePort,
            _ => return None,
        };
        let annotations = &self.metadata.annotations;
        let says = |(name, value): &(&str, &str)| {
            annotations
                .get(*name)
                .is_some_and(|said| said.eq_ignore_ascii_case(value))
        };
        let ports = self.spec.ports.iter().flat_map(RawPort::names);
        Some(Exposure {
            kind,
            ports: ports.collect(),
            is_internal: INTERNAL.iter().any(says),
            services: vec![self.metadata.name.clone()],
            namespace: self.metadata.namespace.clone(),
            name: self.metadata.name.clone(),
            labels: self.metadata.labels.clone(),
            selectors: vec![self.spec.selector.clone()],
        })
    }
}

impl RawPort {
    /// Everything that the port is called: its name, its number, that of the pods behind it.
    fn names(&self) -> Vec<String> {
        let target = self.target.as_ref().map(Port::text);
        let mut names = vec![self.port.to_string()];
        names.extend(target);
        names.extend(Some(self.name.clone()).filter(|name| !name.is_empty()));
        names
    }
}

impl RawIngress {
    /// With what its backends lead to, by the services of its namespace.
    pub(super) fn exposure(self, services: &[RawService]) -> Exposure {
        let rules = self.spec.rules.into_iter().filter_map(|rule| rule.http);
        let paths = rules.flat_map(|http| http.paths).map(|path| path.backend);
        let backends = paths.chain(self.spec.default_backend);
        let backends: Vec<RawBackendService> = backends.filter_map(|b| b.service).collect();
        let backends = backends.into_iter().map(|backend| {
            let port = backend.port.number.map(|number| number.to_string());
            (backend.name, port.or(backend.port.name).unwrap_or_default())
        });
        through(
            ExposureKind::Ingress,
            self.metadata,
            backends.collect(),
            services,
        )
    }
}

impl RawRoute {
    /// With what its backends lead to.
    pub(super) fn exposure(self, services: &[RawService]) -> Exposure {
        let backends = self
            .spec
            .rules
            .into_iter()
            .flat_map(|rule| rule.backend_refs);
        let backends = backends.map(|backend| {
            let port = backend.port.map(|number| number.to_string());
            (backend.name, port.unwrap_or_default())
        });
        through(
            ExposureKind::HttpRoute,
            self.metadata,
            backends.collect(),
            services,
        )
    }
}

/// A way in that leads through services of its namespace: backends by name and port.
fn through(
    kind: ExposureKind,
    metadata: Metadata,
    backends: Vec<(String, String)>,
    services: &[RawService],
) -> Exposure {
    let (mut ports, mut selectors) = (Vec::new(), Vec::new());
    for (name, port) in &backends {
        let mut known = services.iter().filter(|service| {
            service.metadata.namespace == metadata.namespace && service.metadata.name == *name
        });
        if let Some(service) = known.next() {
            selectors.push(service.spec.selector.clone());
            let of_service = service.spec.ports.iter().map(RawPort::names);
            ports.extend(of_service.filter(|names| names.contains(port)).flatten());
        }
        ports.push(port.clone());
    }
    ports.sort();
    ports.dedup();
    Exposure {
        kind,
        namespace: metadata.namespace,
        name: metadata.name,
        labels: metadata.labels,
        ports,
        services: backends.into_iter().map(|(name, _)| name).collect(),
        selectors,
        is_internal: false,
    }
}

impl RawPod {
    pub(super) fn ready(self) -> Pod {
        let containers = self
            .spec
            .containers
            .into_iter()
            .chain(self.spec.init_containers);
        let variables = containers.flat_map(|container| container.env);
        Pod {
            namespace: self.metadata.namespace,
            name: self.metadata.name,
            labels: self.metadata.labels,
            account: self.spec.service_account_name,
            plain_variables: variables
                .filter(|variable| variable.value.is_some())
                .map(|variable| variable.name)
                .collect(),
        }
    }
}
