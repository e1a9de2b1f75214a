//! `kubernetes_sd_configs`: what a cluster's API server says there is, as it changes.
//!
//! Each kind of object is watched ([`watched`]); of an object what becomes labels is kept in the [`world`], which
//! makes target groups of it as Prometheus does, a file per role.

mod attached;
mod endpoints;
mod ingress;
mod kind;
mod meta;
mod monitor;
mod node;
mod objects;
mod pod;
mod pod_ref;
mod pod_role;
mod run;
mod service;
mod settings;
mod slice;
mod store;
mod watched;
mod world;

use self::run::run;
pub(in crate::discovery) use self::settings::{
    AttachMetadata, RawAttach, RawNamespaces, RawSelector, Role, Selector, Written,
};
pub(crate) use self::settings::{KubernetesSd, RawKubernetesSd};
use super::contract::{Mechanism, Surroundings};
use crate::discovery::refresh::RunnerGone;
use crate::document::DocumentError;
use crate::document::yaml::{At, Source};
use crate::http_client::settings::HttpConfig;
use crate::kubernetes::Access;

impl Mechanism for KubernetesSd {
    type Raw = RawKubernetesSd;

    fn resolve(source: Source<'_>, raw: At<RawKubernetesSd>) -> Result<Self, DocumentError> {
        RawKubernetesSd::resolve(source, raw)
    }

    fn http(&self) -> Option<&HttpConfig> {
        match &self.access {
            Access::Server { http, .. } => Some(http),
            Access::InCluster | Access::Kubeconfig(_) => None,
        }
    }

    fn same_place(&self, other: &Self) -> bool {
        self.finds_same(other)
    }

    async fn run(self, surroundings: Surroundings) -> RunnerGone {
        run(self, surroundings.timing, surroundings.reports).await
    }
}
