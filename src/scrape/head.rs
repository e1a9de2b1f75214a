//! The head of a response: status line and header lines, read where they lie.

use super::error::{HEADER_BYTES_MAX, not_http};
use std::mem::MaybeUninit;

use http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderName, StatusCode};

use super::error::{ScrapeError, ScrapeErrorKind};
use super::framing::Framing;

/// Header lines.
const HEADER_LINES_MAX: usize = 100;

/// A response's head.
#[derive(Debug)]
pub(super) struct Head<'a> {
    pub(super) status: StatusCode,
    is_http_11: bool,
    lines: &'a [httparse::Header<'a>],
}

/// Reads the head at the start of `bytes` and hands it to `then`, with its length; `None` where it
/// has not come whole. `received` bytes of the response are told of where it is too large.
pub(super) fn read<T>(
    bytes: &[u8],
    received: u64,
    then: impl FnOnce(Head<'_>, usize) -> Result<T, ScrapeError>,
) -> Result<Option<T>, ScrapeError> {
    let too_large = || {
        ScrapeError::new(
            ScrapeErrorKind::HeaderLimit,
            format!(
                "the response headers are larger than {HEADER_BYTES_MAX} bytes or {HEADER_LINES_MAX} lines, cut at {received} bytes"
            ),
        )
    };
    let mut lines = [const { MaybeUninit::uninit() }; HEADER_LINES_MAX];
    let mut response = httparse::Response::new(&mut []);
    let parsed = httparse::ParserConfig::default().parse_response_with_uninit_headers(
        &mut response,
        bytes,
        &mut lines,
    );
    let length = match parsed {
        Ok(httparse::Status::Complete(length)) if length <= HEADER_BYTES_MAX => length,
        Ok(httparse::Status::Partial) if bytes.len() < HEADER_BYTES_MAX => return Ok(None),
        Ok(_) | Err(httparse::Error::TooManyHeaders) => return Err(too_large()),
        Err(error) => return Err(not_http(&error.to_string())),
    };
    let (Some(status), Some(version)) = (response.code, response.version) else {
        return Err(not_http("it has no status line"));
    };
    let head = Head {
        status: StatusCode::from_u16(status).map_err(|error| not_http(&error.to_string()))?,
        is_http_11: version == 1,
        lines: response.headers,
    };
    then(head, length).map(Some)
}

impl<'a> Head<'a> {
    /// The values of a header's lines, in order, without the white space around them.
    pub(super) fn all(&self, name: HeaderName) -> impl Iterator<Item = &'a [u8]> {
        self.lines
            .iter()
            .filter(move |line| line.name.eq_ignore_ascii_case(name.as_str()))
            .map(|line| line.value.trim_ascii())
    }

    /// The value of a header's first line.
    pub(super) fn first(&self, name: HeaderName) -> Option<&'a [u8]> {
        self.all(name).next()
    }

    /// How the body's end is told (RFC 9112, 6.3).
    pub(super) fn framing(&self) -> Result<Framing, ScrapeError> {
        if matches!(
            self.status,
            StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
        ) {
            return Ok(Framing::Length(0));
        }
        if let Some(last) = self.all(TRANSFER_ENCODING).last() {
            if !self.is_http_11 {
                return Err(not_http("Transfer-Encoding in HTTP/1.0"));
            }
            let coding = last.rsplit(|byte| *byte == b',').next().unwrap_or(last);
            return Ok(match coding.trim_ascii().eq_ignore_ascii_case(b"chunked") {
                true => Framing::chunked(),
                false => Framing::Close,
            });
        }
        let mut length = None;
        for value in self.all(CONTENT_LENGTH) {
            // Several are one where all say the same (RFC 9110, 8.6).
            for value in value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
                let stated = decimal(value).filter(|stated| length.is_none_or(|l| l == *stated));
                let Some(stated) = stated else {
                    let shown = String::from_utf8_lossy(value);
                    let shown: String = shown.chars().take(40).collect();
                    return Err(not_http(&format!("Content-Length {shown:?}")));
                };
                length = Some(stated);
            }
        }
        Ok(length.map_or(Framing::Close, Framing::Length))
    }

    /// Whether the connection may carry another exchange after this one.
    pub(super) fn keeps_connection(&self) -> bool {
        let says = |wanted: &[u8]| {
            self.all(CONNECTION)
                .flat_map(|value| value.split(|byte| *byte == b','))
                .any(|option| option.trim_ascii().eq_ignore_ascii_case(wanted))
        };
        // With both, one of the two is a lie (RFC 9112, 6.1).
        let ambiguous =
            self.first(TRANSFER_ENCODING).is_some() && self.first(CONTENT_LENGTH).is_some();
        !says(b"close") && !ambiguous && (self.is_http_11 || says(b"keep-alive"))
    }
}

fn decimal(text: &[u8]) -> Option<u64> {
    let digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(text)
        .ok()
        .filter(|_| digits)?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framing(head: &str) -> Result<(Framing, bool), String> {
        let read = read(head.as_bytes(), 0, |head, _| {
            Ok((head.framing()?, head.keeps_connection()))
        });
        read.map(Option::unwrap).map_err(|down| down.message)
    }

    #[test]
    fn the_end_of_a_body_is_told_by_its_head() {
        let kept = |framing| Ok((framing, true));
        let closed = |framing| Ok((framing, false));
        for (head, expected) in [
            ("HTTP/1.1 200 OK\r\n\r\n", kept(Framing::Close)),
            (
                "HTTP/1.1 200 OK\r\ncontent-LENGTH: 7\r\n\r\n",
                kept(Framing::Length(7)),
            ),
            (
                "HTTP/1.1 200 OK\r\ncontent-length: 7, 7\r\ncontent-length: 7\r\n\r\n",
                kept(Framing::Length(7)),
            ),
            (
                "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, Chunked\r\n\r\n",
                kept(Framing::chunked()),
            ),
            (
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 9\r\n\r\n",
                closed(Framing::chunked()),
            ),
            (
                "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n",
                kept(Framing::Close),
            ),
            (
                "HTTP/1.1 204 No Content\r\ncontent-length: 9\r\n\r\n",
                kept(Framing::Length(0)),
            ),
            (
                "HTTP/1.1 200 OK\r\nConnection: x, Close\r\ncontent-length: 1\r\n\r\n",
                closed(Framing::Length(1)),
            ),
            (
                "HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\n",
                closed(Framing::Length(1)),
            ),
            (
                "HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 1\r\n\r\n",
                kept(Framing::Length(1)),
            ),
        ] {
            assert_eq!(framing(head), expected, "{head}");
        }
    }

    #[test]
    fn lengths_that_contradict_are_no_http() {
        for value in ["-1", "+1", "x", "", "1, 2", "99999999999999999999999"] {
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {value}\r\n\r\n");
            let message = framing(&head).unwrap_err();
            assert!(
                message.starts_with("the response is not HTTP/1: "),
                "{message}"
            );
        }
        for head in [
            "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
            "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
        ] {
            assert!(framing(head).is_err(), "{head}");
        }
    }

    #[test]
    fn a_head_may_come_in_pieces_up_to_its_limit() {
        let head = "HTTP/1.1 200 OK\r\nx: y\r\n\r\n";
        for cut in 0..head.len() {
            let part = read(&head.as_bytes()[..cut], 0, |_, _| Ok(()));
            assert_eq!(part, Ok(None), "{cut}");
        }
        let long = format!("HTTP/1.1 200 OK\r\nx: {}", "y".repeat(HEADER_BYTES_MAX));
        let down = read(long.as_bytes(), 0, |_, _| Ok(())).unwrap_err();
        assert_eq!(down.reason, ScrapeErrorKind::HeaderLimit);
    }
}
