//! Why a source does not answer.

use std::fmt;

/// Why there is no answer: a bounded set, fit for a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RefusalReason {
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

impl RefusalReason {
    /// Every reason.
    pub const ALL: [RefusalReason; 7] = [
        RefusalReason::Connect,
        RefusalReason::Timeout,
        RefusalReason::Http,
        RefusalReason::Answer,
        RefusalReason::Limit,
        RefusalReason::Credentials,
        RefusalReason::Denied,
    ];

    /// As in labels.
    pub fn as_str(self) -> &'static str {
        match self {
            RefusalReason::Connect => "connect",
            RefusalReason::Timeout => "timeout",
            RefusalReason::Http => "http",
            RefusalReason::Answer => "answer",
            RefusalReason::Limit => "limit",
            RefusalReason::Credentials => "credentials",
            RefusalReason::Denied => "denied",
        }
    }
}

/// Why there is no answer, with a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The kind of failure.
    pub reason: RefusalReason,
    /// The status, where there was one other than asked for.
    pub status: Option<u16>,
    /// What happened, for a person.
    pub message: String,
}

/// Characters of a refusal's sentence.
const MESSAGE_CHARS_MAX: usize = 500;

impl Refusal {
    /// A refusal, its sentence cut where it is too long to read.
    pub fn new(reason: RefusalReason, message: impl AsRef<str>) -> Self {
        Self {
            reason,
            status: None,
            message: message.as_ref().chars().take(MESSAGE_CHARS_MAX).collect(),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason.as_str(), self.message)
    }
}
