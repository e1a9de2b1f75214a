//! What whoever grants credentials is asked with.

use crate::aws::query::Place;
use crate::http_client::Prepared;

/// What credentials are asked with.
pub(in crate::aws) struct Asking<'a> {
    /// For STS.
    pub(in crate::aws) http: &'a Prepared,
    /// For what is near: it is never asked through a proxy, and never redirects.
    pub(in crate::aws) near: &'a Prepared,
    /// Or why it is not known where it is: whoever does not need it is asked all the same.
    pub(in crate::aws) sts: &'a Result<Place, String>,
}
