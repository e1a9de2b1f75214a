//! Why a source does not answer.

use std::fmt;

/// Why there is no answer: a bounded set, fit for a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[derive(strum::IntoStaticStr, strum::VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum SourceErrorKind {
    /// No connection, or no name.
    Connect,
    /// No answer in time.
    Timeout,
    /// A status other than was asked for.
    Http,
    /// An answer that does not read, or is none to the question.
    Answer,
    /// An answer larger than its limit.
    Limit,
    /// Credentials or certificates that cannot be read.
    Credentials,
    /// An address that may not be dialled.
    Denied,
}

impl SourceErrorKind {
    /// As in labels.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Why there is no answer, with a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceError {
    /// The kind of failure.
    pub reason: SourceErrorKind,
    /// The status, where there was one other than asked for.
    pub status: Option<u16>,
    /// What happened, for a person.
    pub message: String,
}

/// Characters of an error's sentence.
const MESSAGE_CHARS_MAX: usize = 500;

impl SourceError {
    /// An error, its sentence cut where it is too long to read.
    pub fn new(reason: SourceErrorKind, message: impl AsRef<str>) -> Self {
        Self {
            reason,
            status: None,
            message: message.as_ref().chars().take(MESSAGE_CHARS_MAX).collect(),
        }
    }
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason.as_str(), self.message)
    }
}
