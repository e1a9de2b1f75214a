//! What a target answers: an exposition, another place to ask, or neither.

use http::StatusCode;
use http::header::{CONTENT_TYPE, LOCATION};

use super::encoding::{self, Coding, Decoder};
use super::error::ScrapeError;
use super::head::Head;
use super::progress::{Phase, Progress};
use super::redirect::{self, RedirectChain};
use super::result::BodySink;
use crate::discovery::target::Target;
use crate::http_client::DialPolicy;

/// Bytes of a redirect's body that are read for the sake of its connection.
const REDIRECT_BODY_BYTES_MAX: u64 = 16 * 1024;

/// What is wanted of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyUse {
    /// All of it.
    Body,
    /// Nothing, but up to so many bytes are read for the sake of the connection.
    Connection { bytes_max: u64 },
    /// Nothing: the connection is closed.
    Nothing,
}

/// Takes the answer to one request of a scrape as it arrives. An error ends the exchange and its
/// connection.
pub(super) struct ResponseReceiver<'a, 't, S> {
    target: &'a Target,
    /// Where redirects have led, and where they may lead; `None` where they are not followed.
    chain: Option<(&'a mut RedirectChain<'t>, &'a DialPolicy)>,
    sink: Option<&'a mut S>,
    progress: &'a Progress,
    pub(super) kind: ResponseKind<'a, S>,
}

/// What the answer is.
pub(super) enum ResponseKind<'a, S> {
    /// Status 200: its body goes to the sink.
    Exposition(Decoder<'a, S>),
    /// The chain says where to.
    Redirect,
    /// Another status.
    Other(StatusCode),
}

impl<'a, 't, S: BodySink> ResponseReceiver<'a, 't, S> {
    pub(super) fn new(
        target: &'a Target,
        chain: Option<(&'a mut RedirectChain<'t>, &'a DialPolicy)>,
        sink: &'a mut S,
        progress: &'a Progress,
    ) -> Self {
        Self {
            target,
            chain,
            sink: Some(sink),
            progress,
            // Until the head says what it is.
            kind: ResponseKind::Other(StatusCode::default()),
        }
    }

    /// The head, but for interim ones.
    pub(super) fn head(&mut self, head: &Head<'_>) -> Result<BodyUse, ScrapeError> {
        let status = head.status;
        self.progress.answered(status.as_u16());
        self.kind = ResponseKind::Other(status);
        if status == StatusCode::OK
            && let Some(sink) = self.sink.take()
        {
            self.progress.enter(Phase::Body);
            let coding = Coding::of(head)?;
            encoding::check_transfer(head)?;
            let content_type = head.first(CONTENT_TYPE).map(String::from_utf8_lossy);
            sink.begin(content_type.as_deref())?;
            let bytes_max = self.target.job.limits.body_bytes_max;
            self.kind =
                ResponseKind::Exposition(Decoder::new(coding, bytes_max, sink, self.progress));
            return Ok(BodyUse::Body);
        }
        if redirect::is_redirect(status)
            && let Some((chain, policy)) = &mut self.chain
        {
            chain.follow(status, head.first(LOCATION), policy)?;
            self.kind = ResponseKind::Redirect;
            return Ok(BodyUse::Connection {
                bytes_max: REDIRECT_BODY_BYTES_MAX,
            });
        }
        Ok(BodyUse::Nothing)
    }

    /// Bytes of the body, without their chunks.
    pub(super) fn data(&mut self, bytes: &[u8]) -> Result<(), ScrapeError> {
        match &mut self.kind {
            ResponseKind::Exposition(decoder) => decoder.write(bytes),
            ResponseKind::Redirect | ResponseKind::Other(_) => Ok(()),
        }
    }
}
