//! Values that must never be seen.

use std::path::PathBuf;

/// A secret value. It has no `Display` and no `Serialize`, and its `Debug` shows `<secret>`:
/// the one way to its text is [`Secret::expose`], called where the request is built.
#[derive(Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The text itself: for the wire only.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("<secret>")
    }
}

/// Where a secret comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// Written in the configuration.
    Inline(Secret),
    /// In a file, read anew for each use (so that it rotates without a restart).
    /// A file that cannot be read means that the request is not made at all.
    File(PathBuf),
}

/// Bytes of a file that holds a secret.
const SECRET_BYTES_MAX: u64 = 1024 * 1024;

/// A secret's file cannot be used. The request that needs it is not made.
#[derive(Debug, thiserror::Error)]
#[error("cannot read secret file `{}`: {source}", path.display())]
pub struct SecretError {
    path: PathBuf,
    source: std::io::Error,
}

impl SecretSource {
    /// The secret, read now if it is in a file.
    pub fn secret(&self) -> Result<Secret, SecretError> {
        match self {
            SecretSource::Inline(secret) => Ok(secret.clone()),
            SecretSource::File(path) => read(path),
        }
    }
}

/// The secret in a file, without the white space around it, as Prometheus reads it.
pub fn read(path: &std::path::Path) -> Result<Secret, SecretError> {
    use std::io::Read;
    let bounded = || {
        let mut text = String::new();
        let file = std::fs::File::open(path)?;
        file.take(SECRET_BYTES_MAX + 1).read_to_string(&mut text)?;
        match text.len() as u64 > SECRET_BYTES_MAX {
            true => Err(std::io::Error::other(format!(
                "larger than {SECRET_BYTES_MAX} bytes"
            ))),
            false => Ok(Secret::new(text.trim())),
        }
    };
    bounded().map_err(|source| SecretError {
        path: path.to_path_buf(),
        source,
    })
}
