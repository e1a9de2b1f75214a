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
