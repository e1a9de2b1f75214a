//! One request and its response over one connection.
//!
//! Read by hand, on `httparse`: a client that must serve every use holds buffers, channels and
//! header maps for each exchange, which cost more than the response itself
//! (docs/decisions has the figures). Here bytes go from the socket through one buffer a thread to
//! whom they concern, so that a target which keeps us waiting costs its socket alone.

use std::cell::RefCell;
use std::error::Error;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::StatusCode;
use tokio::io::{AsyncRead as _, AsyncWriteExt as _, ReadBuf};

use super::error::{HEADER_BYTES_MAX, ScrapeError, ScrapeErrorKind, not_http};
use super::framing::Framing;
use super::head;
use super::progress::Progress;
use super::response::{BodyUse, ResponseReceiver};
use super::result::BodySink;
use super::stream::Stream;

/// Bytes of one read. A thread has one buffer of this size, in use while it is being filled and
/// emptied, never while anything is waited for.
const READ_BYTES: usize = 64 * 1024;

/// Bytes taken in one go, before others have their turn and the deadline is looked at.
const TURN_BYTES_MAX: usize = 1024 * 1024;

/// A head this small is looked at as it comes: what is no HTTP shows at once.
const HEAD_BYTES_READ_ANEW: usize = 256;

thread_local! {
    static BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_BYTES].into_boxed_slice());
}

/// How an exchange ended.
#[derive(Debug)]
pub(super) struct Ended {
    /// The connection, if it can carry another exchange.
    pub(super) idle: Option<Stream>,
    /// Content-Length or chunks told the body's end; else the connection's end did.
    pub(super) framed: bool,
}

/// Sends `request` and hands the response to `receiver`.
pub(super) async fn run(
    mut stream: Stream,
    request: &[u8],
    receiver: &mut ResponseReceiver<'_, '_, impl BodySink>,
    progress: &Progress,
) -> Result<Ended, ScrapeError> {
    let sent = stream.io.write_all(request).await;
    let sent = match sent {
        Ok(()) => stream.io.flush().await,
        Err(error) => Err(error),
    };
    sent.map_err(|error| broken(&error, progress))?;
    let mut response = Response::default();
    let end = poll_fn(|cx| response.poll(&mut stream, receiver, progress, cx)).await?;
    Ok(Ended {
        idle: (end.reusable && response.keeps_connection).then_some(stream),
        framed: response.framing != Some(Framing::Close),
    })
}

/// A response as far as it has come.
#[derive(Debug, Default)]
struct Response {
    /// A head that has not come whole.
    head: Vec<u8>,
    /// Once the head has come.
    framing: Option<Framing>,
    keeps_connection: bool,
    /// Body bytes that may be passed over, where nothing else is wanted of them.
    passed_over_max: Option<u64>,
}

/// Whether nothing stands against another exchange.
struct End {
    reusable: bool,
}

impl Response {
    fn poll(
        &mut self,
        stream: &mut Stream,
        receiver: &mut ResponseReceiver<'_, '_, impl BodySink>,
        progress: &Progress,
        cx: &mut Context<'_>,
    ) -> Poll<Result<End, ScrapeError>> {
        BUFFER.with_borrow_mut(|buffer| {
            let mut taken = 0;
            while taken < TURN_BYTES_MAX {
                let mut read = ReadBuf::new(buffer);
                if let Err(error) = ready!(Pin::new(&mut stream.io).poll_read(cx, &mut read)) {
                    return Poll::Ready(Err(broken(&error, progress)));
                }
                let bytes = read.filled();
                taken += bytes.len();
                progress.received(bytes.len());
                let end = match bytes {
                    [] => self.connection_ended(progress).map(Some),
                    bytes => self.take(bytes, receiver, progress),
                };
                if let Some(end) = end.transpose() {
                    return Poll::Ready(end);
                }
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
    }

    fn connection_ended(&self, progress: &Progress) -> Result<End, ScrapeError> {
        match self.framing {
            Some(Framing::Close) => Ok(End { reusable: false }),
            _ => Err(broken(&io::ErrorKind::UnexpectedEof.into(), progress)),
        }
    }

    /// Takes what came; the end where this is it.
    fn take(
        &mut self,
        bytes: &[u8],
        receiver: &mut ResponseReceiver<'_, '_, impl BodySink>,
        progress: &Progress,
    ) -> Result<Option<End>, ScrapeError> {
        if self.framing.is_some() {
            return self.body(bytes, receiver);
        }
        if self.head.is_empty() {
            return self.heads(bytes, receiver, progress);
        }
        let before = self.head.len();
        self.head.extend_from_slice(bytes);
        // A head that drips is not read anew for each of its bytes.
        let ends = may_end(&self.head[before.saturating_sub(3)..]);
        if !ends && (HEAD_BYTES_READ_ANEW..HEADER_BYTES_MAX).contains(&self.head.len()) {
            return Ok(None);
        }
        let all = std::mem::take(&mut self.head);
        self.heads(&all, receiver, progress)
    }

    /// Reads interim heads and the final one, then what of the body came with it.
    fn heads(
        &mut self,
        mut bytes: &[u8],
        receiver: &mut ResponseReceiver<'_, '_, impl BodySink>,
        progress: &Progress,
    ) -> Result<Option<End>, ScrapeError> {
        loop {
            let read = head::read(bytes, progress.response_bytes(), |head, length| {
                if head.status.is_informational() {
                    return match head.status {
                        StatusCode::SWITCHING_PROTOCOLS => {
                            Err(not_http("it switches to another protocol"))
                        }
                        _ => Ok((length, None)),
                    };
                }
                self.framing = Some(head.framing()?);
                self.keeps_connection = head.keeps_connection();
                Ok((length, Some(receiver.head(&head)?)))
            })?;
            let Some((length, wanted)) = read else {
                self.head.extend_from_slice(bytes);
                return Ok(None);
            };
            bytes = &bytes[length..];
            let reusable = self.keeps_connection && self.framing != Some(Framing::Close);
            self.passed_over_max = match wanted {
                None => continue,
                Some(BodyUse::Body) => None,
                Some(BodyUse::Connection { bytes_max }) if reusable => Some(bytes_max),
                Some(BodyUse::Connection { .. } | BodyUse::Nothing) => {
                    return Ok(Some(End { reusable: false }));
                }
            };
            return self.body(bytes, receiver);
        }
    }

    fn body(
        &mut self,
        bytes: &[u8],
        receiver: &mut ResponseReceiver<'_, '_, impl BodySink>,
    ) -> Result<Option<End>, ScrapeError> {
        let Some(framing) = &mut self.framing else {
            return Ok(None);
        };
        let passed_over = &mut self.passed_over_max;
        let mut enough = false;
        let taken = framing.take(bytes, |data| {
            let Some(left) = passed_over else {
                return receiver.data(data);
            };
            match left.checked_sub(data.len() as u64) {
                Some(less) => *left = less,
                None => enough = true,
            }
            Ok(())
        })?;
        if enough {
            return Ok(Some(End { reusable: false }));
        }
        Ok(framing.is_complete().then_some(End {
            // What came behind it answers no request of ours.
            reusable: taken == bytes.len(),
        }))
    }
}

/// Whether an empty line, the end of a head, is among these bytes.
fn may_end(bytes: &[u8]) -> bool {
    memchr::memchr_iter(b'\n', bytes).any(|newline| {
        let behind = &bytes[newline + 1..];
        behind.starts_with(b"\n") || behind.starts_with(b"\r\n")
    })
}

/// What it means that reading or writing failed.
fn broken(error: &io::Error, progress: &Progress) -> ScrapeError {
    if let Some(tls) = source::<rustls::Error>(error) {
        return ScrapeError::new(
            ScrapeErrorKind::Tls,
            format!("tls: {}", super::tls::explain(tls)),
        );
    }
    let why = match error.kind() {
        io::ErrorKind::UnexpectedEof => "the peer closed it".to_owned(),
        _ => error.to_string(),
    };
    match progress.response_bytes() {
        0 => ScrapeError::new(
            ScrapeErrorKind::Connect,
            format!("the connection closed before any response: {why}"),
        ),
        received => ScrapeError::new(
            ScrapeErrorKind::Incomplete,
            format!("the response ended before its announced end, after {received} bytes: {why}"),
        ),
    }
}

/// A cause of type `T`, wherever in the chain; io errors hide theirs one level down.
fn source<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        let inner = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        next = match inner {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}
