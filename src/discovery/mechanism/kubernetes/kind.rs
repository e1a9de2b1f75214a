//! The kinds of object that are looked at.

/// The kinds of object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Node,
    Namespace,
    Pod,
    Service,
    Endpoints,
    Slice,
    Ingress,
    ReplicaSet,
    Job,
    ServiceMonitor,
    PodMonitor,
}

impl Kind {
    pub(super) const ALL: [Kind; 11] = [
        Kind::Node,
        Kind::Namespace,
        Kind::Pod,
        Kind::Service,
        Kind::Endpoints,
        Kind::Slice,
        Kind::Ingress,
        Kind::ReplicaSet,
        Kind::Job,
        Kind::ServiceMonitor,
        Kind::PodMonitor,
    ];

    pub(super) fn is_monitor(self) -> bool {
        match self {
            Kind::ServiceMonitor | Kind::PodMonitor => true,
            Kind::Node
            | Kind::Namespace
            | Kind::Pod
            | Kind::Service
            | Kind::Endpoints
            | Kind::Slice
            | Kind::Ingress
            | Kind::ReplicaSet
            | Kind::Job => false,
        }
    }
}
