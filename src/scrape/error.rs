//! Why a target could not be measured.

use std::fmt;

/// Bytes of status line and header lines (and of trailers); nobody sends as much in earnest.
pub(super) const HEADER_BYTES_MAX: usize = 16 * 1024;

/// A failed scrape: a bounded reason for counters and labels, a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScrapeError {
    /// The reason, one of `ScrapeErrorKind::VARIANTS`.
    pub reason: ScrapeErrorKind,
    /// What happened: the object, the limit, the value seen. Never a credential.
    pub message: String,
}

impl ScrapeError {
    /// A failure with its sentence.
    pub fn new(reason: ScrapeErrorKind, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
        }
    }
}

impl fmt::Display for ScrapeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason.as_str(), self.message)
    }
}

/// The reasons, closed so that they can be label values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[derive(strum::IntoStaticStr, strum::VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum ScrapeErrorKind {
    /// The host name did not resolve.
    Dns,
    /// Refused, reset, unreachable, or closed before the first byte of a response.
    Connect,
    /// The TLS handshake failed.
    Tls,
    /// The deadline passed somewhere between DNS and the last byte.
    Timeout,
    /// Status 404: it answers, and has no metrics there.
    #[strum(serialize = "http_404")]
    NotFound,
    /// Status 410: it answers, and has no metrics there any more.
    #[strum(serialize = "http_410")]
    Gone,
    /// Any other status than 200.
    Http,
    /// A Content-Type that is not an exposition, or none.
    ContentType,
    /// An unknown or stacked Content-Encoding, or corrupt compressed data.
    Encoding,
    /// The response ended before its announced end.
    Incomplete,
    /// The decompressed body passed its cap.
    BodyLimit,
    /// More samples than allowed.
    SampleLimit,
    /// A label set, name or value past its cap.
    LabelLimit,
    /// Response headers past their cap.
    HeaderLimit,
    /// A redirect that is not followed: another origin, a loop, too many.
    Redirect,
    /// The dial policy forbids the address or port.
    Blocked,
    /// Credentials are missing, or may not be sent this way.
    Credentials,
    /// The proxy failed.
    Proxy,
    /// The exposition cannot be parsed.
    Parse,
    /// 200 with an empty body.
    Empty,
    /// The peer does not speak HTTP/1.
    Protocol,
    /// The server that scrapes in our place could not.
    SaidDown,
    /// The server that scrapes in our place does not say how the target is.
    NoAnswer,
    /// A defect of ours.
    Internal,
}

impl ScrapeErrorKind {
    /// The label value.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Whether the target answered that it has no metrics where they were asked for: it is up, and what it
    /// exports was measured.
    pub fn says_no_metrics(self) -> bool {
        match self {
            ScrapeErrorKind::NotFound | ScrapeErrorKind::Gone => true,
            ScrapeErrorKind::Dns
            | ScrapeErrorKind::Connect
            | ScrapeErrorKind::Tls
            | ScrapeErrorKind::Timeout
            | ScrapeErrorKind::Http
            | ScrapeErrorKind::ContentType
            | ScrapeErrorKind::Encoding
            | ScrapeErrorKind::Incomplete
            | ScrapeErrorKind::BodyLimit
            | ScrapeErrorKind::SampleLimit
            | ScrapeErrorKind::LabelLimit
            | ScrapeErrorKind::HeaderLimit
            | ScrapeErrorKind::Redirect
            | ScrapeErrorKind::Blocked
            | ScrapeErrorKind::Credentials
            | ScrapeErrorKind::Proxy
            | ScrapeErrorKind::Parse
            | ScrapeErrorKind::Empty
            | ScrapeErrorKind::Protocol
            | ScrapeErrorKind::SaidDown
            | ScrapeErrorKind::NoAnswer
            | ScrapeErrorKind::Internal => false,
        }
    }
}

/// The peer speaks something else.
pub(super) fn not_http(why: &str) -> ScrapeError {
    ScrapeError::new(
        ScrapeErrorKind::Protocol,
        format!("the response is not HTTP/1: {why}"),
    )
}
