//! What the rules look at of a Kubernetes cluster: <https://kubernetes.io/docs/reference/kubernetes-api/>.
//!
//! Five lists, read page by page. Typed here, by the few fields that are judged: a client library
//! would bring every type of every API for them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::answer::{Answer, Refusal, RefusalReason};
use super::ask::Server;
use super::index::NameIndex;
use super::kubernetes_raw::{
    List, RawAccount, RawIngress, RawPod, RawPolicy, RawRoute, RawService,
};

/// Objects of a page, and of a list.
const PAGE: &str = "500";
const OBJECTS_MAX: usize = 200_000;

type Map = BTreeMap<String, String>;

/// The objects of a cluster that rules look at.
#[derive(Debug, Clone, Default)]
pub struct Estate {
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

impl PartialEq for Estate {
    fn eq(&self, other: &Self) -> bool {
        self.exposures == other.exposures
            && self.policies == other.policies
            && self.pods == other.pods
            && self.accounts == other.accounts
    }
}

impl Estate {
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
pub enum ExposureKind {
    /// A Service of type LoadBalancer.
    LoadBalancer,
    /// A Service of type NodePort.
    NodePort,
    /// An Ingress.
    Ingress,
    /// An HTTPRoute of the Gateway API.
    HttpRoute,
}

impl ExposureKind {
    /// As Kubernetes names it.
    pub fn as_str(self) -> &'static str {
        match self {
            ExposureKind::LoadBalancer => "LoadBalancer",
            ExposureKind::NodePort => "NodePort",
            ExposureKind::Ingress => "Ingress",
            ExposureKind::HttpRoute => "HTTPRoute",
        }
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
pub struct Selector {
    /// Labels that must be so.
    #[serde(rename = "matchLabels")]
    pub labels: Map,
    /// What else must hold.
    #[serde(rename = "matchExpressions")]
    pub requirements: Vec<Requirement>,
}

impl Selector {
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
    pub selector: Selector,
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

/// Every list.
pub(super) async fn cluster(server: &Server<'_>) -> Result<Answer, Refusal> {
    let services: Vec<RawService> = list(server, "/api/v1/services").await?;
    let ingresses: Vec<RawIngress> = list(server, "/apis/networking.k8s.io/v1/ingresses").await?;
    // Clusters without the Gateway API have no such path.
    let routes = list(server, "/apis/gateway.networking.k8s.io/v1/httproutes").await;
    let routes: Vec<RawRoute> = match routes {
        Err(refusal) if refusal.status == Some(404) => Vec::new(),
        routes => routes?,
    };
    let policies: Vec<RawPolicy> =
        list(server, "/apis/networking.k8s.io/v1/networkpolicies").await?;
    let pods: Vec<RawPod> = list(server, "/api/v1/pods").await?;
    let accounts: Vec<RawAccount> = list(server, "/api/v1/serviceaccounts").await?;
    let ended = |pod: &RawPod| matches!(pod.status.phase.as_str(), "Succeeded" | "Failed");
    let pods: Vec<Pod> = pods
        .into_iter()
        .filter(|pod| !ended(pod))
        .map(RawPod::ready)
        .collect();
    let mut index = NameIndex::default();
    for (row, pod) in (0..).zip(&pods) {
        for value in pod.labels.values() {
            index.add(row, value);
        }
    }
    let exposed = services.iter().filter_map(RawService::exposure);
    Ok(Answer::Cluster(Box::new(Estate {
        exposures: exposed
            .chain(
                ingresses
                    .into_iter()
                    .map(|ingress| ingress.exposure(&services)),
            )
            .chain(routes.into_iter().map(|route| route.exposure(&services)))
            .collect(),
        policies: policies
            .into_iter()
            .map(|policy| NetworkPolicy {
                namespace: policy.metadata.namespace,
                name: policy.metadata.name,
                selector: policy.spec.pod_selector,
            })
            .collect(),
        index,
        pods,
        accounts: accounts
            .into_iter()
            .map(|account| Account {
                namespace: account.metadata.namespace,
                name: account.metadata.name,
                annotations: account.metadata.annotations.into_keys().collect(),
            })
            .collect(),
    })))
}

/// A list, page by page. One that changed too much meanwhile is begun anew, once (410 Gone).
async fn list<T: DeserializeOwned>(server: &Server<'_>, path: &str) -> Result<Vec<T>, Refusal> {
    let mut begun_anew = false;
    'anew: loop {
        let (mut items, mut next) = (Vec::new(), String::new());
        loop {
            let mut parameters = vec![("limit", PAGE)];
            if !next.is_empty() {
                parameters.push(("continue", &next));
            }
            let page: List<T> = match server.json(path, &parameters).await {
                Err(refusal) if refusal.status == Some(410) && !begun_anew => {
                    begun_anew = true;
                    continue 'anew;
                }
                page => page?,
            };
            items.extend(page.items.unwrap_or_default());
            if items.len() > OBJECTS_MAX {
                let message = format!("{path}: more than {OBJECTS_MAX} objects");
                return Err(Refusal::new(RefusalReason::Limit, message));
            }
            if page.metadata.next.is_empty() {
                return Ok(items);
            }
            next = page.metadata.next;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_pick_as_kubernetes_does() {
        let labels = Map::from([("app".to_owned(), "shop".to_owned())]);
        let selector = |json: &str| serde_json::from_str::<Selector>(json).unwrap();
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
