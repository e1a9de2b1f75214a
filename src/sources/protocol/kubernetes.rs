//! What the rules look at of a Kubernetes cluster: <https://kubernetes.io/docs/reference/kubernetes-api/>.
//!
//! Six lists. Typed here, by the few fields that are judged: a client library would bring every type of every API for
//! them.

use serde::de::DeserializeOwned;

use super::inventory::{Account, ClusterInventory, NetworkPolicy, Pod};
use super::kubernetes_raw::{RawAccount, RawIngress, RawPod, RawPolicy, RawRoute, RawService};
use crate::kubernetes::{Cluster, Failure, FailureKind, List, all};
use crate::sources::error::{SourceError, SourceErrorKind};
use crate::sources::index::NameIndex;

/// Objects of a list.
const OBJECTS_MAX: usize = 200_000;

/// Every list.
pub(super) async fn cluster(cluster: &Cluster) -> Result<ClusterInventory, SourceError> {
    let services: Vec<RawService> = list(cluster, "/api/v1", "services").await?;
    let ingresses: Vec<RawIngress> =
        list(cluster, "/apis/networking.k8s.io/v1", "ingresses").await?;
    // Clusters without the Gateway API have no such path.
    let routes = list(cluster, "/apis/gateway.networking.k8s.io/v1", "httproutes").await;
    let routes: Vec<RawRoute> = match routes {
        Err(error) if error.status == Some(404) => Vec::new(),
        routes => routes?,
    };
    let policies: Vec<RawPolicy> =
        list(cluster, "/apis/networking.k8s.io/v1", "networkpolicies").await?;
    let pods: Vec<RawPod> = list(cluster, "/api/v1", "pods").await?;
    let accounts: Vec<RawAccount> = list(cluster, "/api/v1", "serviceaccounts").await?;
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
    Ok(ClusterInventory {
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
    })
}

async fn list<T: DeserializeOwned>(
    cluster: &Cluster,
    group: &'static str,
    resource: &'static str,
) -> Result<Vec<T>, SourceError> {
    let found = all(cluster, &List::all(group, resource), OBJECTS_MAX).await;
    Ok(found?)
}

impl From<Failure> for SourceError {
    fn from(failure: Failure) -> Self {
        let (reason, status) = match failure.kind {
            FailureKind::Access => (SourceErrorKind::Credentials, None),
            FailureKind::Unreachable => (SourceErrorKind::Connect, None),
            FailureKind::Unauthorized => (SourceErrorKind::Http, Some(401)),
            FailureKind::Forbidden => (SourceErrorKind::Http, Some(403)),
            FailureKind::Missing => (SourceErrorKind::Http, Some(404)),
            FailureKind::Gone => (SourceErrorKind::Http, Some(410)),
            FailureKind::Refused | FailureKind::Server => (SourceErrorKind::Http, None),
            FailureKind::Limit => (SourceErrorKind::Limit, None),
            FailureKind::Malformed => (SourceErrorKind::Answer, None),
        };
        Self {
            status,
            ..Self::new(reason, failure.to_string())
        }
    }
}
