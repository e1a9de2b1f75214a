//! The web configuration in force: its files are read for each new connection, so that
//! certificates and users change without a restart, and what cannot be used changes nothing.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use arc_swap::ArcSwap;
use rustls::ServerConfig;

use super::auth::Logins;
use super::rate::Bucket;
use super::telemetry::Telemetry;
use super::tls::{Pems, server_config};
use super::web_config::{self, WebConfig};
use crate::document::{DocumentError, Origin, files};
use crate::http_client::tls::TlsError;

/// `--web.config.file`.
#[derive(Debug)]
pub struct Web {
    path: PathBuf,
    in_force: ArcSwap<InForce>,
    last_read: Mutex<LastRead>,
    pub(super) logins: Logins,
    bucket: Bucket,
}

/// What holds for the connections and requests that begin now.
#[derive(Debug)]
pub(super) struct InForce {
    pub(super) config: WebConfig,
    pub(super) tls: Option<Arc<ServerConfig>>,
}

struct LastRead {
    text: String,
    pems: Option<Pems>,
    failure: Option<String>,
}

impl std::fmt::Debug for LastRead {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The rest holds keys.
        f.debug_struct("LastRead")
            .field("failure", &self.failure)
            .finish_non_exhaustive()
    }
}

/// Why a web configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// The file.
    #[error("{0}")]
    Config(#[from] DocumentError),
    /// The files that it names.
    #[error("{}: `tls_server_config`: {source}", path.display())]
    Tls {
        /// The web configuration.
        path: PathBuf,
        /// What is wrong with them.
        source: TlsError,
    },
    /// The system has no random numbers.
    #[error("the system gives no random numbers")]
    Random,
    /// A change that must not come about by a truncated file.
    #[error("{}: {what} takes a restart", path.display())]
    Restart {
        /// The web configuration.
        path: PathBuf,
        /// What was tried.
        what: &'static str,
    },
}

impl Web {
    /// Reads the configuration and every file that it names.
    pub fn load(path: PathBuf) -> Result<Self, WebError> {
        let text = files::read(&Origin::file(&path), &path)?;
        let config = web_config::parse(&text, &Origin::file(&path))?;
        let pems = read_pems(&path, &config)?;
        Ok(Self {
            in_force: ArcSwap::from_pointee(InForce {
                tls: tls(&path, &config, pems.as_ref())?,
                config,
            }),
            path,
            last_read: Mutex::new(LastRead {
                text,
                pems,
                failure: None,
            }),
            logins: Logins::new().map_err(|_| WebError::Random)?,
            bucket: Bucket::default(),
        })
    }

    /// Whether passwords would be read in the clear.
    pub fn has_users_without_tls(&self) -> bool {
        let in_force = self.in_force.load();
        in_force.tls.is_none() && !in_force.config.users.is_empty()
    }

    /// What holds now.
    pub(super) fn in_force(&self) -> Arc<InForce> {
        self.in_force.load_full()
    }

    /// Whether `rate_limit` has room for one more request.
    pub(super) fn within_rate(&self, in_force: &InForce) -> bool {
        in_force
            .config
            .rate_limit
            .is_none_or(|limit| self.bucket.take(limit, Instant::now()))
    }

    /// Reads the files again, off the threads that serve others.
    pub(super) async fn refresh(self: &Arc<Self>, telemetry: &Arc<Telemetry>) {
        let (web, telemetry) = (Arc::clone(self), Arc::clone(telemetry));
        let reading = tokio::task::spawn_blocking(move || web.read_again(&telemetry));
        if let Err(error) = reading.await {
            tracing::error!(%error, "the web configuration could not be read again");
        }
    }

    fn read_again(&self, telemetry: &Telemetry) {
        let mut last = self
            .last_read
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match self.changed(&mut last) {
            Ok(changed) => {
                let fixed = last.failure.take().is_some();
                telemetry.web_config_read(true);
                if changed || fixed {
                    tracing::info!(file = %self.path.display(), "web configuration read again");
                }
            }
            Err(error) => {
                telemetry.web_config_read(false);
                let failure = error.to_string();
                // Once for each fault, not once for each connection.
                if last.failure.as_ref() != Some(&failure) {
                    tracing::error!(
                        "web configuration not taken, the old one stays in force: {failure}"
                    );
                    last.failure = Some(failure);
                }
            }
        }
    }

    /// Puts what changed in force.
    fn changed(&self, last: &mut LastRead) -> Result<bool, WebError> {
        let origin = Origin::file(&self.path);
        let text = files::read(&origin, &self.path)?;
        let old = self.in_force.load();
        if text == last.text {
            let pems = read_pems(&self.path, &old.config)?;
            if pems == last.pems {
                return Ok(false);
            }
        }
        let config = web_config::parse(&text, &origin)?;
        let pems = read_pems(&self.path, &config)?;
        let restart = |what| WebError::Restart {
            path: self.path.clone(),
            what,
        };
        if config.tls.is_some() != old.config.tls.is_some() {
            return Err(restart("turning TLS on or off"));
        }
        if config.users.is_empty() != old.config.users.is_empty() {
            return Err(restart("turning authentication on or off"));
        }
        let tls = tls(&self.path, &config, pems.as_ref())?;
        self.in_force.store(Arc::new(InForce { config, tls }));
        (last.text, last.pems) = (text, pems);
        Ok(true)
    }
}

fn read_pems(path: &std::path::Path, config: &WebConfig) -> Result<Option<Pems>, WebError> {
    let read = config.tls.as_ref().map(Pems::read).transpose();
    read.map_err(|source| WebError::Tls {
        path: path.to_path_buf(),
        source,
    })
}

fn tls(
    path: &std::path::Path,
    config: &WebConfig,
    pems: Option<&Pems>,
) -> Result<Option<Arc<ServerConfig>>, WebError> {
    let made = config
        .tls
        .as_ref()
        .zip(pems)
        .map(|(tls, pems)| server_config(tls, pems))
        .transpose();
    let made = made.map_err(|source| WebError::Tls {
        path: path.to_path_buf(),
        source,
    })?;
    Ok(made.map(Arc::new))
}
