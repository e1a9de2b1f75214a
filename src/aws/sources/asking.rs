//! What whoever grants credentials is asked with.

use crate::aws::query::Place;
use crate::http_client::Prepared;

/// What credentials are asked with.
pub(in crate::aws) struct Asking<'a> {
    /// For STS.
    pub(in crate::aws) http: &'a Prepared,
    /// For what is near: it is never asked through a proxy, and never redirects.
    pub(in crate::aws) near: &'a Prepared,
    pub(in crate::aws) sts: &'a Place,
}
