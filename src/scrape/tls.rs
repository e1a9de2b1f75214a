//! TLS to targets: settings that follow their files, errors that say why.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use rustls::pki_types::ServerName;
use rustls::{CertificateError, ClientConfig};
use tokio::time::Instant;
use tokio_rustls::TlsConnector;

use super::error::{ScrapeError, ScrapeErrorKind};
use super::stream::{Io, Stream};
use crate::document::secret::SecretSource;
use crate::http_client::settings::TlsConfig;
use crate::http_client::tls::client_config;

/// How long the files are trusted not to have changed.
pub(super) const CHECK_EVERY: Duration = Duration::from_secs(5);

/// What a file looked like: a rotated one differs in either.
type Stamp = Vec<Option<(SystemTime, u64)>>;

/// The TLS settings of one `tls_config`, rebuilt when its files change.
#[derive(Debug)]
pub(super) struct Tls {
    config: TlsConfig,
    files: Vec<PathBuf>,
    built: Mutex<Option<Built>>,
}

#[derive(Debug)]
struct Built {
    client: Arc<ClientConfig>,
    stamp: Stamp,
    checked: Instant,
}

impl Tls {
    pub(super) fn new(config: &TlsConfig) -> Self {
        let files = [&config.ca, &config.cert, &config.key]
            .into_iter()
            .flatten()
            .filter_map(|source| match source {
                SecretSource::File(path) => Some(path.clone()),
                SecretSource::Inline(_) => None,
            })
            .collect();
        Self {
            config: config.clone(),
            files,
            built: Mutex::new(None),
        }
    }

    /// Encrypts the connection. `host` is the name to verify unless the settings name another.
    pub(super) async fn wrap(&self, stream: Stream, host: &str) -> Result<Stream, ScrapeError> {
        let name = self.config.server_name.as_deref().unwrap_or(host);
        let server = ServerName::try_from(name.trim_end_matches('.').to_owned()).map_err(|_| {
            ScrapeError::new(
                ScrapeErrorKind::Tls,
                format!("{name:?} is not a name that TLS can verify"),
            )
        })?;
        let connector = TlsConnector::from(self.client()?);
        let peer = stream.peer;
        stream
            .upgrade(async |tcp| connector.connect(server, tcp).await)
            .await
            .map_err(|error| {
                let why = error
                    .get_ref()
                    .and_then(|inner| inner.downcast_ref::<rustls::Error>())
                    .map_or_else(|| error.to_string(), explain);
                ScrapeError::new(
                    ScrapeErrorKind::Tls,
                    format!("tls with {name} at {peer}: {why}"),
                )
            })
    }

    /// The settings of today's files. A bad pair keeps the last good one.
    pub(super) fn client(&self) -> Result<Arc<ClientConfig>, ScrapeError> {
        let mut built = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if let Some(built) = &*built
            && (self.files.is_empty() || now - built.checked < CHECK_EVERY)
        {
            return Ok(built.client.clone());
        }
        let stamp = self.stamp();
        if let Some(built) = &mut *built {
            built.checked = now;
            if built.stamp == stamp {
                return Ok(built.client.clone());
            }
        }
        match (client_config(&self.config), &mut *built) {
            (Ok(mut client), _) => {
                client.alpn_protocols = vec![b"http/1.1".to_vec()];
                let client = Arc::new(client);
                *built = Some(Built {
                    client: client.clone(),
                    stamp,
                    checked: now,
                });
                Ok(client)
            }
            (Err(error), Some(last)) => {
                tracing::warn!(%error, "tls_config cannot be renewed, keeping the last good one");
                last.stamp = stamp;
                Ok(last.client.clone())
            }
            (Err(error), None) => Err(ScrapeError::new(
                ScrapeErrorKind::Credentials,
                format!("tls_config: {error}"),
            )),
        }
    }

    /// As if the files had not been looked at for long.
    fn stamp(&self) -> Stamp {
        let look = |path: &PathBuf| {
            let file = std::fs::metadata(path).ok()?;
            Some((file.modified().ok()?, file.len()))
        };
        self.files.iter().map(look).collect()
    }
}

impl Stream {
    /// Replaces the plain transport with an encrypted one.
    async fn upgrade<F>(mut self, handshake: F) -> std::io::Result<Stream>
    where
        F: AsyncFnOnce(
            tokio::net::TcpStream,
        )
            -> std::io::Result<tokio_rustls::client::TlsStream<tokio::net::TcpStream>>,
    {
        self.io = match self.io {
            Io::Tcp(tcp) => Io::Tls(Box::new(handshake(tcp).await?)),
            Io::Tls(_) => return Err(std::io::Error::other("already encrypted")),
        };
        Ok(self)
    }
}

/// The failures that people must act on, in their words; the rest in rustls's.
pub(super) fn explain(error: &rustls::Error) -> String {
    let rustls::Error::InvalidCertificate(certificate) = error else {
        return error.to_string();
    };
    match certificate {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            format!("the certificate has expired ({certificate})")
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            format!("the certificate is not valid yet ({certificate})")
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            format!("the certificate is for another name ({certificate})")
        }
        CertificateError::UnknownIssuer => {
            "the certificate is from an unknown issuer (neither the configured nor the system's CA)"
                .to_owned()
        }
        other => format!("the certificate is not valid ({other})"),
    }
}
