//! Why a target could not be measured.

use std::fmt;

/// Bytes of status line and header lines (and of trailers); nobody sends as much in earnest.
pub(super) const HEADER_BYTES_MAX: usize = 16 * 1024;

/// A failed scrape: a bounded reason for counters and labels, a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Down {
    /// The reason, one of [`DownReason::ALL`].
    pub reason: DownReason,
    /// What happened: the object, the limit, the value seen. Never a credential.
    pub message: String,
}

impl Down {
    /// A failure with its sentence.
    pub fn new(reason: DownReason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
        }
    }
}

impl fmt::Display for Down {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason.as_str(), self.message)
    }
}

/// The reasons, closed so that they can be label values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DownReason {
    /// The host name did not resolve.
    Dns,
    /// Refused, reset, unreachable, or closed before the first byte of a response.
    Connect,
    /// The TLS handshake failed.
    Tls,
    /// The deadline passed somewhere between DNS and the last byte.
    Timeout,
    /// A status other than 200.
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
    /// A defect of ours.
    Internal,
}

impl DownReason {
    /// Every reason, in the order of declaration.
    pub const ALL: [DownReason; 20] = [
        DownReason::Dns,
        DownReason::Connect,
        DownReason::Tls,
        DownReason::Timeout,
        DownReason::Http,
        DownReason::ContentType,
        DownReason::Encoding,
        DownReason::Incomplete,
        DownReason::BodyLimit,
        DownReason::SampleLimit,
        DownReason::LabelLimit,
        DownReason::HeaderLimit,
        DownReason::Redirect,
        DownReason::Blocked,
        DownReason::Credentials,
        DownReason::Proxy,
        DownReason::Parse,
        DownReason::Empty,
        DownReason::Protocol,
        DownReason::Internal,
    ];

    /// The label value.
    pub const fn as_str(self) -> &'static str {
        match self {
            DownReason::Dns => "dns",
            DownReason::Connect => "connect",
            DownReason::Tls => "tls",
            DownReason::Timeout => "timeout",
            DownReason::Http => "http",
            DownReason::ContentType => "content_type",
            DownReason::Encoding => "encoding",
            DownReason::Incomplete => "incomplete",
            DownReason::BodyLimit => "body_limit",
            DownReason::SampleLimit => "sample_limit",
            DownReason::LabelLimit => "label_limit",
            DownReason::HeaderLimit => "header_limit",
            DownReason::Redirect => "redirect",
            DownReason::Blocked => "blocked",
            DownReason::Credentials => "credentials",
            DownReason::Proxy => "proxy",
            DownReason::Parse => "parse",
            DownReason::Empty => "empty",
            DownReason::Protocol => "protocol",
            DownReason::Internal => "internal",
        }
    }
}

/// The peer speaks something else.
pub(super) fn not_http(why: &str) -> Down {
    Down::new(
        DownReason::Protocol,
        format!("the response is not HTTP/1: {why}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_listed_in_order_once() {
        for (position, reason) in DownReason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, position);
        }
    }
}
