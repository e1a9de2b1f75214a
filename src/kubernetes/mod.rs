//! A client of Kubernetes's API: how its server is reached, lists, and watches that go on where they were.
//!
//! Objects are read into what the reader wants of them as they arrive, so that nothing else of them is ever in memory.
//! Why it is our own: `docs/decisions/kubernetes-client.md`.

mod access;
mod client;
mod endpoint;
mod exec;
mod failure;
mod kubeconfig;
mod lines;
mod list;
mod reflect;
mod selector;
#[cfg(test)]
mod tests;

pub use self::access::Access;
pub(crate) use self::client::{Cluster, own_namespace};
pub(crate) use self::failure::{Failure, FailureKind};
pub(crate) use self::list::{Key, List, all};
pub(crate) use self::reflect::{Change, Pace, Watch, reflect};
pub(crate) use self::selector::{check_field_selector, check_label_selector};
