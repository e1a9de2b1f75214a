//! What is watched for each role, and what is read of it.

use std::sync::Arc;

use serde::Deserialize;
use serde::de::Error as _;

use super::endpoints::Endpoints;
use super::ingress::Ingress;
use super::kind::Kind;
use super::meta;
use super::monitor::{Monitor, RawPodMonitor, RawServiceMonitor};
use super::node::Node;
use super::objects::{RawEndpoints, RawIngress, RawNode, RawObject, RawPod, RawService, RawSlice};
use super::pod::Pod;
use super::service::Service;
use super::settings::{AttachMetadata, KubernetesSd, Role};
use super::slice::Slice;
use crate::kubernetes::{List, Watch};
use crate::labels::Labels;

/// What is kept of an object.
#[derive(Debug)]
pub(super) enum Entry {
    Node(Node),
    Namespace(Arc<Labels>),
    Pod(Pod),
    Service(Service),
    Endpoints(Endpoints),
    Slice(Slice),
    Ingress(Ingress),
    /// The deployment that manages it, if one does.
    ReplicaSet(Option<String>),
    /// The cron job that manages it, if one does.
    Job(Option<String>),
    ServiceMonitor(Monitor),
    PodMonitor(Monitor),
}

impl Entry {
    pub(super) fn kind(&self) -> Kind {
        match self {
            Entry::Node(_) => Kind::Node,
            Entry::Namespace(_) => Kind::Namespace,
            Entry::Pod(_) => Kind::Pod,
            Entry::Service(_) => Kind::Service,
            Entry::Endpoints(_) => Kind::Endpoints,
            Entry::Slice(_) => Kind::Slice,
            Entry::Ingress(_) => Kind::Ingress,
            Entry::ReplicaSet(_) => Kind::ReplicaSet,
            Entry::Job(_) => Kind::Job,
            Entry::ServiceMonitor(_) => Kind::ServiceMonitor,
            Entry::PodMonitor(_) => Kind::PodMonitor,
        }
    }
}

/// The API group of prometheus-operator.
const MONITORING: &str = "/apis/monitoring.coreos.com/v1";

type Read = fn(&str) -> Result<Entry, serde_json::Error>;

impl Kind {
    /// The API group's path, the resource, and what is read of an object.
    fn spec(self) -> (&'static str, &'static str, Read) {
        match self {
            Kind::Node => ("/api/v1", "nodes", |json| {
                Ok(Entry::Node(object::<RawNode>(json)?.into()))
            }),
            Kind::Namespace => ("/api/v1", "namespaces", |json| {
                let raw = object::<RawObject>(json)?;
                let mut labels = meta::new();
                meta::labels_and_annotations(&mut labels, "namespace", &raw.metadata);
                Ok(Entry::Namespace(Arc::new(labels.build())))
            }),
            Kind::Pod => ("/api/v1", "pods", |json| {
                Ok(Entry::Pod(object::<RawPod>(json)?.into()))
            }),
            Kind::Service => ("/api/v1", "services", |json| {
                Ok(Entry::Service(object::<RawService>(json)?.into()))
            }),
            Kind::Endpoints => ("/api/v1", "endpoints", |json| {
                made(object::<RawEndpoints>(json)?).map(Entry::Endpoints)
            }),
            Kind::Slice => ("/apis/discovery.k8s.io/v1", "endpointslices", |json| {
                made(object::<RawSlice>(json)?).map(Entry::Slice)
            }),
            Kind::Ingress => ("/apis/networking.k8s.io/v1", "ingresses", |json| {
                Ok(Entry::Ingress(object::<RawIngress>(json)?.into()))
            }),
            Kind::ReplicaSet => ("/apis/apps/v1", "replicasets", |json| {
                Ok(Entry::ReplicaSet(owner(&object(json)?, "Deployment")))
            }),
            Kind::Job => ("/apis/batch/v1", "jobs", |json| {
                Ok(Entry::Job(owner(&object(json)?, "CronJob")))
            }),
            Kind::ServiceMonitor => (MONITORING, "servicemonitors", |json| {
                made(object::<RawServiceMonitor>(json)?).map(Entry::ServiceMonitor)
            }),
            Kind::PodMonitor => (MONITORING, "podmonitors", |json| {
                made(object::<RawPodMonitor>(json)?).map(Entry::PodMonitor)
            }),
        }
    }

    /// As in the API's paths.
    pub(super) fn resource(self) -> &'static str {
        self.spec().1
    }

    fn watch(self, namespace: Option<&str>, config: &KubernetesSd) -> Watched {
        let (group, resource, read) = self.spec();
        let (label_selector, field_selector) = config.selector(self);
        let list = List {
            namespace: namespace.map(str::to_owned),
            label_selector,
            field_selector,
            ..List::all(group, resource)
        };
        Watched {
            kind: self,
            watch: Watch { list, read },
        }
    }
}

fn object<'a, T: Deserialize<'a>>(json: &'a str) -> Result<T, serde_json::Error> {
    serde_json::from_str(json)
}

/// What is kept of an object, if it is one that can be.
fn made<T, R: TryInto<T, Error = String>>(raw: R) -> Result<T, serde_json::Error> {
    raw.try_into().map_err(serde_json::Error::custom)
}

fn owner(raw: &RawObject, kind: &str) -> Option<String> {
    let owner = raw.metadata.controller();
    let owner = owner.filter(|owner| owner.kind == kind)?;
    Some(owner.name.clone())
}

/// A watch of one kind of object.
pub(super) struct Watched {
    pub(super) kind: Kind,
    pub(super) watch: Watch<Entry>,
}

/// Every watch of a configuration: for the whole cluster, or for each namespace. What is in no namespace is watched
/// once.
pub(super) fn watches(config: &KubernetesSd, namespaces: &[Option<String>]) -> Vec<Watched> {
    let AttachMetadata {
        node,
        namespace,
        deployment,
        job,
        cron_job,
    } = config.attach;
    let is = |role: Role| config.role == role;
    let monitors = is(Role::Monitor);
    let has_slices = is(Role::EndpointSlice) || monitors;
    let of_services = is(Role::Endpoints) || has_slices;
    let has_pods = is(Role::Pod) || of_services;
    let of_cluster = [
        (Kind::Node, is(Role::Node) || (has_pods && node)),
        (Kind::Namespace, !is(Role::Node) && namespace),
    ];
    let of_namespace = [
        (Kind::Endpoints, is(Role::Endpoints)),
        (Kind::Slice, has_slices),
        (Kind::Ingress, is(Role::Ingress)),
        (Kind::Service, is(Role::Service) || of_services),
        (Kind::Pod, has_pods),
        (Kind::ReplicaSet, has_pods && deployment),
        (Kind::Job, has_pods && (job || cron_job)),
        (Kind::ServiceMonitor, monitors),
        (Kind::PodMonitor, monitors),
    ];
    let wanted = |(kind, wanted): (Kind, bool)| wanted.then_some(kind);
    let once = of_cluster.into_iter().filter_map(wanted);
    let once = once.map(|kind| kind.watch(None, config));
    let each = of_namespace.into_iter().filter_map(wanted);
    let each = each.flat_map(|kind| {
        let namespaces = namespaces.iter();
        namespaces.map(move |namespace| kind.watch(namespace.as_deref(), config))
    });
    once.chain(each).collect()
}
