//! One request and its response over one connection.
//!
//! hyper's connection is polled by the scrape itself, in the same task as the request: no driver
//! task, no wake-ups between tasks. After the response the connection is taken apart again and
//! only the socket is kept, so that hyper's buffers live as long as a scrape and ten thousand
//! idle targets cost their sockets alone.

use std::error::Error;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;

use super::down::{Down, DownReason};
use super::progress::Progress;
use super::stream::{Counted, Stream};

/// Bytes of one read. Larger ones save system calls and lose as much to page faults: 16, 32 and
/// 64 KiB cost 60, 68 and 75 us a scrape of 60 kB.
const READ_BYTES: usize = 16 * 1024;

/// Bytes of status line and headers (and trailers); nobody sends as much in earnest.
const HEADER_BYTES_MAX: usize = 16 * 1024;

type Connection<'a> = http1::Connection<TokioIo<Counted<'a>>, Full<Bytes>>;

/// A connection lent to hyper.
pub(super) struct Exchange<'a> {
    sender: http1::SendRequest<Full<Bytes>>,
    /// `None` once hyper has closed it.
    connection: Option<Connection<'a>>,
}

impl<'a> Exchange<'a> {
    pub(super) async fn open(stream: Stream, progress: &'a Progress) -> Result<Self, hyper::Error> {
        let io = TokioIo::new(Counted { stream, progress });
        let (sender, connection) = http1::Builder::new()
            .read_buf_exact_size(Some(READ_BYTES))
            .max_header_size(HEADER_BYTES_MAX)
            .handshake(io)
            .await?;
        Ok(Self {
            sender,
            connection: Some(connection),
        })
    }

    /// Sends the request; returns at the end of the response's headers.
    pub(super) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, hyper::Error> {
        let response = self.sender.send_request(request);
        drive(&mut self.connection, response).await
    }

    /// The next bytes of the body; `None` at its end. Trailers are passed over.
    pub(super) async fn next(
        &mut self,
        body: &mut Incoming,
    ) -> Option<Result<Bytes, hyper::Error>> {
        loop {
            match drive(&mut self.connection, body.frame()).await? {
                Ok(frame) => {
                    if let Ok(bytes) = frame.into_data() {
                        return Some(Ok(bytes));
                    }
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }

    /// The connection, if it can carry another exchange. Call at the end of the body.
    pub(super) async fn into_idle(mut self) -> Option<Stream> {
        // hyper notices the end of the exchange when polled, and then asks for another request,
        // unless the server said close or sent more than one response.
        let (sender, connection) = (&mut self.sender, &mut self.connection);
        let ready = drive(connection, poll_fn(|cx| Poll::Ready(sender.poll_ready(cx)))).await;
        if !matches!(ready, Poll::Ready(Ok(()))) {
            return None;
        }
        let parts = self.connection?.into_parts();
        parts
            .read_buf
            .is_empty()
            .then(|| parts.io.into_inner().stream)
    }
}

/// Waits for `future` and does the connection's work meanwhile.
async fn drive<F: Future>(connection: &mut Option<Connection<'_>>, future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|cx| {
        if let Some(open) = connection
            && Pin::new(open).poll(cx).is_ready()
        {
            // An error of the connection reaches `future` through hyper's channels.
            *connection = None;
        }
        future.as_mut().poll(cx)
    })
    .await
}

/// What a failed exchange means.
pub(super) fn down(error: &hyper::Error, progress: &Progress) -> Down {
    if let Some(tls) = source::<rustls::Error>(error) {
        return Down::new(
            DownReason::Tls,
            format!("tls: {}", super::tls::explain(tls)),
        );
    }
    let received = progress.response_bytes();
    if error.is_parse_too_large() {
        return Down::new(
            DownReason::HeaderLimit,
            format!(
                "the response headers are larger than {HEADER_BYTES_MAX} bytes or 100 lines, cut at {received} bytes"
            ),
        );
    }
    if error.is_parse() {
        return Down::new(
            DownReason::Protocol,
            format!("the response is not HTTP/1: {}", chain(error)),
        );
    }
    if received == 0 {
        return Down::new(
            DownReason::Connect,
            format!(
                "the connection closed before any response: {}",
                chain(error)
            ),
        );
    }
    Down::new(
        DownReason::Incomplete,
        format!(
            "the response ended before its announced end, after {received} bytes: {}",
            chain(error)
        ),
    )
}

/// The error with its causes.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

/// A cause of type `T`, wherever in the chain; io errors hide theirs one level down.
fn source<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        let inner = error
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref);
        next = match inner {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}
