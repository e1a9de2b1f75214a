//! `kubernetes_sd_configs`: what a cluster's API server says there is, as it changes.
//!
//! Each kind of object is watched ([`watched`]); of an object what becomes labels is kept in the [`world`], which
//! makes target groups of it as Prometheus does, a file per role.

mod attached;
mod endpoints;
mod ingress;
mod kind;
mod meta;
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

pub(super) use self::run::run;
pub(crate) use self::settings::{KubernetesSd, RawKubernetesSd};
