//! What the rules look at of a Kubernetes cluster, as plain data.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::sources::index::NameIndex;

type Map = BTreeMap<String, String>;

/// The objects of a cluster that rules look at.
#[derive(Debug, Clone, Default)]
pub struct ClusterInventory {
    /// Ways into the cluster from outside.
    pub exposures: Vec<Exposure>,
    /// Network policies.
    pub policies: Vec<NetworkPolicy>,
    /// Pods that have not ended.
    pub pods: Vec<Pod>,
    /// Pods by what their labels hold.
    pub(super) index: NameIndex,
    /// Service accounts.
    pub accounts: Vec<Account>,
}

impl PartialEq for ClusterInventory {
    fn eq(&self, other: &Self) -> bool {
        self.exposures == other.exposures
            && self.policies == other.policies
            && self.pods == other.pods
            && self.accounts == other.accounts
    }
}

impl ClusterInventory {
    /// The pods of which a label holds one of these names (in snake_case).
    pub(crate) fn pods_naming(&self, names: &[String]) -> impl Iterator<Item = &Pod> {
        self.index
            .rows(names)
            .into_iter()
            .map(|row| &self.pods[row])
    }
}

/// What kind of way in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[derive(strum::IntoStaticStr)]
pub enum ExposureKind {
    /// A Service of type LoadBalancer.
    LoadBalancer,
    /// A Service of type NodePort.
    NodePort,
    /// An Ingress.
    Ingress,
    /// An HTTPRoute of the Gateway API.
    #[strum(serialize = "HTTPRoute")]
    HttpRoute,
}

impl ExposureKind {
    /// As Kubernetes names it.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A way into the cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct Exposure {
    /// What it is.
    pub kind: ExposureKind,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: Map,
    /// The services that it leads to; for a Service its own name.
    pub services: Vec<String>,
    /// What picks the pods that it leads to, any of these; one that is empty picks none.
    pub selectors: Vec<Map>,
    /// Ports that are open, and those of the pods behind them.
    pub ports: Vec<String>,
    /// Whether the load balancer is one of an internal network only, by the annotations of the
    /// large clouds.
    pub is_internal: bool,
}

/// An entry of `matchExpressions`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Requirement {
    /// The label.
    pub key: String,
    /// `In`, `NotIn`, `Exists`, `DoesNotExist`.
    pub operator: String,
    /// For the first two.
    #[serde(default)]
    pub values: Vec<String>,
}

/// What picks pods by their labels: everything, where it is empty.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct LabelSelector {
    /// Labels that must be so.
    #[serde(rename = "matchLabels")]
    pub labels: Map,
    /// What else must hold.
    #[serde(rename = "matchExpressions")]
    pub requirements: Vec<Requirement>,
}

impl LabelSelector {
    /// Whether it picks a pod with these labels.
    pub fn picks(&self, labels: &BTreeMap<String, String>) -> bool {
        let equal = |(name, value): (&String, &String)| labels.get(name) == Some(value);
        let holds = |wanted: &Requirement| {
            let value = labels.get(&wanted.key);
            let listed = value.is_some_and(|value| wanted.values.contains(value));
            match wanted.operator.as_str() {
                "In" => listed,
                "NotIn" => !listed,
                "Exists" => value.is_some(),
                "DoesNotExist" => value.is_none(),
                _ => false,
            }
        };
        self.labels.iter().all(equal) && self.requirements.iter().all(holds)
    }
}

/// A network policy.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkPolicy {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The pods that it limits.
    pub selector: LabelSelector,
}

/// A pod.
#[derive(Debug, Clone, PartialEq)]
pub struct Pod {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: Map,
    /// The service account that it runs as.
    pub account: String,
    /// Environment variables whose value is written in the pod itself: names alone.
    pub plain_variables: Vec<String>,
}

/// A service account.
#[derive(Debug, Clone, PartialEq)]
pub struct Account {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The names of its annotations.
    pub annotations: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_pick_as_kubernetes_does() {
        let labels = Map::from([("app".to_owned(), "shop".to_owned())]);
        let selector = |json: &str| serde_json::from_str::<LabelSelector>(json).unwrap();
        for (json, picks) in [
            ("{}", true),
            (r#"{"matchLabels":{"app":"shop"}}"#, true),
            (r#"{"matchLabels":{"app":"shop","tier":"web"}}"#, false),
            (
                r#"{"matchExpressions":[{"key":"app","operator":"In","values":["shop","x"]}]}"#,
                true,
            ),
            (
                r#"{"matchExpressions":[{"key":"app","operator":"NotIn","values":["shop"]}]}"#,
                false,
            ),
            (
                r#"{"matchExpressions":[{"key":"tier","operator":"NotIn","values":["web"]}]}"#,
                true,
            ),
            (
                r#"{"matchExpressions":[{"key":"tier","operator":"DoesNotExist"}]}"#,
                true,
            ),
            (
                r#"{"matchExpressions":[{"key":"app","operator":"Exists"}]}"#,
                true,
            ),
        ] {
            assert_eq!(selector(json).picks(&labels), picks, "{json}");
        }
    }
}
