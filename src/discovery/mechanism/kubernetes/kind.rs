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
}

impl Kind {
    pub(super) const ALL: [Kind; 9] = [
        Kind::Node,
        Kind::Namespace,
        Kind::Pod,
        Kind::Service,
        Kind::Endpoints,
        Kind::Slice,
        Kind::Ingress,
        Kind::ReplicaSet,
        Kind::Job,
    ];
}
