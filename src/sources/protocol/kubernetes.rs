//! What the rules look at of a Kubernetes cluster: <https://kubernetes.io/docs/reference/kubernetes-api/>.
//!
//! Five lists, read page by page. Typed here, by the few fields that are judged: a client library
//! would bring every type of every API for them.

use serde::de::DeserializeOwned;

use super::inventory::{Account, ClusterInventory, NetworkPolicy, Pod};
use super::kubernetes_raw::{
    List, RawAccount, RawIngress, RawPod, RawPolicy, RawRoute, RawService,
};
use crate::sources::error::{SourceError, SourceErrorKind};
use crate::sources::index::NameIndex;
use crate::sources::server::Server;

/// Objects of a page, and of a list.
const PAGE: &str = "500";
const OBJECTS_MAX: usize = 200_000;

/// Every list.
pub(super) async fn cluster(server: &Server) -> Result<ClusterInventory, SourceError> {
    let services: Vec<RawService> = list(server, "/api/v1/services").await?;
    let ingresses: Vec<RawIngress> = list(server, "/apis/networking.k8s.io/v1/ingresses").await?;
    // Clusters without the Gateway API have no such path.
    let routes = list(server, "/apis/gateway.networking.k8s.io/v1/httproutes").await;
    let routes: Vec<RawRoute> = match routes {
        Err(error) if error.status == Some(404) => Vec::new(),
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

/// A list, page by page. One that changed too much meanwhile is begun anew, once (410 Gone).
async fn list<T: DeserializeOwned>(server: &Server, path: &str) -> Result<Vec<T>, SourceError> {
    let mut begun_anew = false;
    'anew: loop {
        let (mut items, mut next) = (Vec::new(), String::new());
        loop {
            let mut parameters = vec![("limit", PAGE)];
            if !next.is_empty() {
                parameters.push(("continue", &next));
            }
            let page: List<T> = match server.json(path, &parameters).await {
                Err(error) if error.status == Some(410) && !begun_anew => {
                    begun_anew = true;
                    continue 'anew;
                }
                page => page?,
            };
            items.extend(page.items.unwrap_or_default());
            if items.len() > OBJECTS_MAX {
                let message = format!("{path}: more than {OBJECTS_MAX} objects");
                return Err(SourceError::new(SourceErrorKind::Limit, message));
            }
            if page.metadata.next.is_empty() {
                return Ok(items);
            }
            next = page.metadata.next;
        }
    }
}
