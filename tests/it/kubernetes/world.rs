//! The cluster of the tests, step by step, and what was recorded of it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::compared::targets::Jobs;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// One step: what is deleted and applied.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Step {
    pub(super) name: String,
    /// The server is away meanwhile.
    #[serde(default)]
    pub(super) restart: bool,
    #[serde(default)]
    pub(super) apply: Vec<Value>,
    #[serde(default)]
    pub(super) delete: Vec<Value>,
}

#[derive(Deserialize)]
struct World {
    steps: Vec<Step>,
}

fn steps_of(file: &str) -> Vec<Step> {
    let text = std::fs::read_to_string(root().join("tests/kubernetes").join(file)).unwrap();
    serde_saphyr::from_str::<World>(&text).unwrap().steps
}

pub(super) fn steps() -> Vec<Step> {
    steps_of("world.yaml")
}

/// The first steps of the cluster, with monitors.
pub(super) fn steps_with_monitors() -> Vec<Step> {
    let with_monitors = steps().into_iter().zip(steps_of("monitors.yaml"));
    let with_monitors = with_monitors.map(|(step, monitors)| Step {
        name: monitors.name,
        restart: step.restart,
        apply: [step.apply, monitors.apply].concat(),
        delete: [step.delete, monitors.delete].concat(),
    });
    with_monitors.collect()
}

/// The jobs, each an entry of `scrape_configs`: those of the tests, and the one that `kubernetes: {}` stands for.
pub(super) fn jobs() -> Vec<Value> {
    let read = |path: &str| -> Value {
        let text = std::fs::read_to_string(root().join(path)).unwrap();
        serde_saphyr::from_str(&text).unwrap()
    };
    let file = read("tests/kubernetes/jobs.yaml");
    let mut jobs = file["scrape_configs"].as_array().unwrap().clone();
    jobs.push(read("deploy/kubernetes/job.yaml"));
    jobs
}

/// The manifest of what we may do in a cluster, object by object.
pub(super) fn rbac() -> Vec<Value> {
    let text = std::fs::read_to_string(root().join("deploy/kubernetes/rbac.yaml")).unwrap();
    let documents = text.split("\n---\n");
    documents
        .map(|document| serde_saphyr::from_str(document).unwrap())
        .collect()
}

/// The resource of a kind of object, with its API group's path.
pub(super) fn resource(object: &Value) -> (&'static str, &'static str) {
    match object["kind"].as_str().unwrap() {
        "Namespace" => ("/api/v1", "namespaces"),
        "Node" => ("/api/v1", "nodes"),
        "Pod" => ("/api/v1", "pods"),
        "Service" => ("/api/v1", "services"),
        "Endpoints" => ("/api/v1", "endpoints"),
        "EndpointSlice" => ("/apis/discovery.k8s.io/v1", "endpointslices"),
        "Ingress" => ("/apis/networking.k8s.io/v1", "ingresses"),
        "ReplicaSet" => ("/apis/apps/v1", "replicasets"),
        "Job" => ("/apis/batch/v1", "jobs"),
        "ServiceAccount" => ("/api/v1", "serviceaccounts"),
        "ClusterRole" => ("/apis/rbac.authorization.k8s.io/v1", "clusterroles"),
        "ClusterRoleBinding" => ("/apis/rbac.authorization.k8s.io/v1", "clusterrolebindings"),
        "ServiceMonitor" => (MONITORING, "servicemonitors"),
        "PodMonitor" => (MONITORING, "podmonitors"),
        "CustomResourceDefinition" => {
            ("/apis/apiextensions.k8s.io/v1", "customresourcedefinitions")
        }
        other => panic!("{other} is not known"),
    }
}

const MONITORING: &str = "/apis/monitoring.coreos.com/v1";
/// The resources of prometheus-operator.
pub(super) const MONITORS: [&str; 2] = [
    "/apis/monitoring.coreos.com/v1/servicemonitors",
    "/apis/monitoring.coreos.com/v1/podmonitors",
];

/// Every resource that is recorded.
pub(super) const RESOURCES: [&str; 9] = [
    "/api/v1/namespaces",
    "/api/v1/nodes",
    "/api/v1/pods",
    "/api/v1/services",
    "/api/v1/endpoints",
    "/apis/discovery.k8s.io/v1/endpointslices",
    "/apis/networking.k8s.io/v1/ingresses",
    "/apis/apps/v1/replicasets",
    "/apis/batch/v1/jobs",
];

/// What was there after a step, and what Prometheus made of it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Recorded {
    pub(super) step: String,
    /// Objects by resource, as the API server listed them.
    pub(super) lists: BTreeMap<String, Vec<Value>>,
    /// What Prometheus found, by job.
    pub(super) targets: Jobs,
}

/// A folder of what was recorded, a file for each step.
#[derive(Clone, Copy)]
pub(super) struct Records(&'static str);

/// By jobs of `kubernetes_sd_configs`.
pub(super) const BY_JOBS: Records = Records("kubernetes_sd");
/// By monitors.
pub(super) const BY_MONITORS: Records = Records("kubernetes_monitors");

impl Records {
    fn path(self, index: usize) -> PathBuf {
        root().join(format!("tests/recorded/{}/{index}.json", self.0))
    }

    pub(super) fn read(self, index: usize) -> Recorded {
        let text = std::fs::read_to_string(self.path(index)).unwrap();
        serde_json::from_str(&text).unwrap()
    }
}

impl Recorded {
    /// An object and a target a line, so that what changes can be seen.
    pub(super) fn write(&self, records: Records, index: usize) {
        let line = |value: &Value| serde_json::to_string(value).unwrap();
        let lists = self.lists.iter().map(|(path, items)| {
            let items: Vec<String> = items.iter().map(line).collect();
            format!("\"{path}\": [\n{}\n]", items.join(",\n"))
        });
        let targets = self.targets.iter().map(|(job, found)| {
            let found: Vec<String> = found
                .iter()
                .map(|found| serde_json::to_string(found).unwrap())
                .collect();
            format!(
                "{}: [\n{}\n]",
                line(&Value::from(job.as_str())),
                found.join(",\n")
            )
        });
        let text = format!(
            "{{\"step\": {},\n\"lists\": {{\n{}\n}},\n\"targets\": {{\n{}\n}}}}\n",
            line(&Value::from(self.step.as_str())),
            lists.collect::<Vec<_>>().join(",\n"),
            targets.collect::<Vec<_>>().join(",\n"),
        );
        std::fs::write(records.path(index), text).unwrap();
    }
}
