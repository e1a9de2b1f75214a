//! Where a server is and how to ask it, all files read.

use url::Url;

use super::exec::ExecPlugin;
use crate::http_client::settings::HttpConfig;

/// The server, and how to ask it.
#[derive(Debug, Clone)]
pub(super) struct Endpoint {
    pub(super) url: Url,
    pub(super) http: HttpConfig,
    /// The program that grants the credentials, where one does.
    pub(super) exec: Option<ExecPlugin>,
}
