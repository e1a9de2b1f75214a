//! Credentials: from where they are kept to request headers.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue};
use tokio::io::AsyncReadExt as _;
use tokio::time::Instant;

use super::error::{ScrapeError, ScrapeErrorKind};
use super::request::{Headers, value};
use crate::document::secret::{Secret, SecretSource};
use crate::http_client::settings::{Auth, Header, HttpConfig};

/// How long a file's text is used again: the scrapes of one tick share one reading.
const FILE_FRESH: Duration = Duration::from_secs(1);

/// Bytes of a credentials file. Tokens are a few kilobytes at most.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// Whether requests carry anything that others must not see.
pub(super) fn carries_credentials(http: &HttpConfig) -> bool {
    http.auth != Auth::None
        || http
            .headers
            .iter()
            .any(|h| !h.secrets.is_empty() || !h.files.is_empty())
}

/// Whether requests carry any header beside ours.
pub(super) fn adds_anything(http: &HttpConfig) -> bool {
    !http.headers.is_empty() || http.auth != Auth::None
}

/// Files of credentials, read anew so that they rotate without a restart.
#[derive(Debug, Default)]
pub(super) struct Files(Mutex<HashMap<PathBuf, (Instant, Secret)>>);

impl Files {
    /// The text of a secret, without the white space around it. `what` names the setting.
    pub(super) async fn text(
        &self,
        what: &str,
        source: &SecretSource,
    ) -> Result<Secret, ScrapeError> {
        match source {
            SecretSource::Inline(secret) => Ok(secret.clone()),
            SecretSource::File(path) => self.read(what, path).await,
        }
    }

    async fn read(&self, what: &str, path: &Path) -> Result<Secret, ScrapeError> {
        let fresh = {
            let read = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            read.get(path)
                .filter(|(at, _)| at.elapsed() < FILE_FRESH)
                .map(|(_, secret)| secret.clone())
        };
        if let Some(secret) = fresh {
            return Ok(secret);
        }
        let text = read_text(path).await.map_err(|error| {
            ScrapeError::new(
                ScrapeErrorKind::Credentials,
                format!("cannot read {what} file {}: {error}", path.display()),
            )
        })?;
        let secret = Secret::new(text.trim());
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(path.to_owned(), (Instant::now(), secret.clone()));
        Ok(secret)
    }
}

async fn read_text(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    let file = tokio::fs::File::open(path).await?;
    file.take(FILE_BYTES_MAX + 1)
        .read_to_string(&mut text)
        .await?;
    if text.len() as u64 > FILE_BYTES_MAX {
        let why = format!("larger than {FILE_BYTES_MAX} bytes");
        return Err(std::io::Error::other(why));
    }
    Ok(text)
}

/// Adds `http_headers`, then the credentials of every mechanism but oauth2, which needs a token.
pub(super) async fn add(
    headers: &mut Headers,
    http: &HttpConfig,
    files: &Files,
) -> Result<(), ScrapeError> {
    add_headers(headers, &http.headers, files).await?;
    let credentials = match &http.auth {
        Auth::None | Auth::OAuth2(_) => return Ok(()),
        Auth::Basic { username, password } => {
            let username = files.text("username", username).await?;
            let password = files.text("password", password).await?;
            basic(username.expose(), password.expose())?
        }
        Auth::Authorization {
            scheme,
            credentials,
        } => {
            let credentials = files.text("credentials", credentials).await?;
            secret_value("credentials", &format!("{scheme} {}", credentials.expose()))?
        }
    };
    headers.insert(AUTHORIZATION, credentials);
    Ok(())
}

/// Adds configured headers, values in the order plain, secret, file.
pub(super) async fn add_headers(
    headers: &mut Headers,
    configured: &[Header],
    files: &Files,
) -> Result<(), ScrapeError> {
    for header in configured {
        let what = format!("header {}", header.name);
        let name = HeaderName::from_bytes(header.name.as_bytes()).map_err(|_| {
            ScrapeError::new(
                ScrapeErrorKind::Credentials,
                format!("{:?} is not a header name", header.name),
            )
        })?;
        // Ours gives way; several values of one header all travel.
        headers.remove(&name);
        for plain in &header.values {
            headers.append(name.clone(), value(&what, plain)?);
        }
        for secret in &header.secrets {
            headers.append(name.clone(), secret_value(&what, secret.expose())?);
        }
        for path in &header.files {
            let secret = files.read(&what, path).await?;
            headers.append(name.clone(), secret_value(&what, secret.expose())?);
        }
    }
    Ok(())
}

/// `Basic ...`, for targets and proxies.
pub(super) fn basic(username: &str, password: &str) -> Result<HeaderValue, ScrapeError> {
    let pair = STANDARD.encode(format!("{username}:{password}"));
    secret_value("password", &format!("Basic {pair}"))
}

/// A value that is shown as `Sensitive`.
pub(super) fn secret_value(what: &str, text: &str) -> Result<HeaderValue, ScrapeError> {
    let mut value = value(what, text)?;
    value.set_sensitive(true);
    Ok(value)
}
