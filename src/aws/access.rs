//! What a configuration says of who asks AWS, and where.

use std::sync::Arc;

use url::Url;

use crate::document::secret::Secret;
use crate::http_client::settings::HttpConfig;

/// Who asks AWS, and where. What is not said here is found where AWS's tools find it: in the environment, in their
/// files, in the metadata of the instance.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Access {
    /// `eu-central-1`.
    pub region: Option<String>,
    /// The service's, in place of AWS's own.
    pub endpoint: Option<Url>,
    /// An access key's id with its secret.
    pub key: Option<(String, Secret)>,
    /// The profile in AWS's files.
    pub profile: Option<String>,
    /// Who to become.
    pub role: Option<Role>,
    /// How to ask. Its `auth` is not used: requests are signed.
    pub http: Arc<HttpConfig>,
}

/// A role that is assumed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// `arn:aws:iam::123456789012:role/discovery`.
    pub arn: String,
    /// What the role's owner gave us to show.
    pub external_id: Option<String>,
}
