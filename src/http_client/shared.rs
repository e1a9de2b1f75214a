//! A client that many requests have in common.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use super::client::{HttpClient, Prepared};

/// How long what was read of files holds. Reading costs: the certificates of the system alone are a megabyte.
const AGE_MAX: Duration = Duration::from_secs(30);

/// Reads the files of an `http_config` every so often, for whoever asks meanwhile.
pub(crate) struct SharedClient {
    client: HttpClient,
    deadline: Duration,
    prepared: Mutex<Option<(Instant, Arc<Prepared>)>>,
}

impl SharedClient {
    /// `deadline` is of each request that has none of its own.
    pub(crate) fn new(client: HttpClient, deadline: Duration) -> Self {
        Self {
            client,
            deadline,
            prepared: Mutex::default(),
        }
    }

    /// With what the files say, or said a short while ago.
    pub(crate) async fn prepare(&self) -> Result<Arc<Prepared>, String> {
        let mut prepared = self.prepared.lock().await;
        if let Some((at, prepared)) = prepared.as_ref()
            && at.elapsed() < AGE_MAX
        {
            return Ok(Arc::clone(prepared));
        }
        let fresh = Arc::new(self.client.prepare(self.deadline).await?);
        *prepared = Some((Instant::now(), Arc::clone(&fresh)));
        Ok(fresh)
    }

    /// Reads anew next time: the server refused what was read.
    pub(crate) async fn forget(&self) {
        *self.prepared.lock().await = None;
    }
}
