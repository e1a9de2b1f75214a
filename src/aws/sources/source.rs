//! Where credentials are had.

use std::path::PathBuf;

use super::asking::Asking;
use super::container::Container;
use super::instance::InstanceMetadata;
use super::sts::{self, AssumedRole};
use crate::aws::credentials::Credentials;
use crate::document::secret;

/// Where credentials are had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::aws) enum Source {
    /// Written down.
    Key(Credentials),
    /// Granted by STS to who shows a token, as a pod's service account has one.
    WebIdentity {
        role: AssumedRole,
        token_file: PathBuf,
    },
    /// Granted by an agent beside the container.
    Container(Container),
    /// Those of the instance that we run on.
    Instance(InstanceMetadata),
    /// Granted by STS to who may assume a role.
    Role { role: AssumedRole, by: Box<Source> },
}

impl Source {
    /// Asks for credentials.
    pub(in crate::aws) async fn credentials(
        &self,
        asking: &Asking<'_>,
    ) -> Result<Credentials, String> {
        match self {
            Source::Key(credentials) => Ok(credentials.clone()),
            Source::WebIdentity { role, token_file } => {
                let path = token_file.clone();
                let token = tokio::task::spawn_blocking(move || secret::read(&path));
                let token = token.await.map_err(|error| error.to_string())?;
                let token = token.map_err(|error| error.to_string())?;
                sts::assume_with_token(asking, role, &token).await
            }
            Source::Container(container) => container.credentials(asking.near).await,
            Source::Instance(metadata) => metadata.credentials(asking.near).await,
            Source::Role { role, by } => {
                let own = Box::pin(by.credentials(asking)).await?;
                sts::assume(asking, role, &own).await
            }
        }
    }
}
