//! What a target answers: an exposition, another place to ask, or neither.

use http::StatusCode;
use http::header::{CONTENT_TYPE, LOCATION};

use super::down::Down;
use super::encoding::{self, Coding, Decoder};
use super::exchange::{Receiver, Wanted};
use super::head::Head;
use super::progress::{Phase, Progress};
use super::redirect::{self, Trail};
use super::result::BodySink;
use crate::discovery::target::Target;
use crate::http_client::DialPolicy;

/// Bytes of a redirect's body that are read for the sake of its connection.
const REDIRECT_BODY_BYTES_MAX: u64 = 16 * 1024;

/// Receives the answer to one request of a scrape.
pub(super) struct Answer<'a, 't, S> {
    target: &'a Target,
    /// Where redirects have led, and where they may lead; `None` where they are not followed.
    trail: Option<(&'a mut Trail<'t>, &'a DialPolicy)>,
    sink: Option<&'a mut S>,
    progress: &'a Progress,
    pub(super) kind: Kind<'a, S>,
}

/// What the answer is.
pub(super) enum Kind<'a, S> {
    /// Status 200: its body goes to the sink.
    Exposition(Decoder<'a, S>),
    /// The trail says where to.
    Redirect,
    /// Another status.
    Other(StatusCode),
}

impl<'a, 't, S: BodySink> Answer<'a, 't, S> {
    pub(super) fn new(
        target: &'a Target,
        trail: Option<(&'a mut Trail<'t>, &'a DialPolicy)>,
        sink: &'a mut S,
        progress: &'a Progress,
    ) -> Self {
        Self {
            target,
            trail,
            sink: Some(sink),
            progress,
            // Until the head says what it is.
            kind: Kind::Other(StatusCode::default()),
        }
    }
}

impl<S: BodySink> Receiver for Answer<'_, '_, S> {
    fn head(&mut self, head: &Head<'_>) -> Result<Wanted, Down> {
        let status = head.status;
        self.progress.answered(status.as_u16());
        self.kind = Kind::Other(status);
        if status == StatusCode::OK
            && let Some(sink) = self.sink.take()
        {
            self.progress.enter(Phase::Body);
            let coding = Coding::of(head)?;
            encoding::check_transfer(head)?;
            let content_type = head.first(CONTENT_TYPE).map(String::from_utf8_lossy);
            sink.begin(content_type.as_deref())?;
            let bytes_max = self.target.job.limits.body_bytes_max;
            self.kind = Kind::Exposition(Decoder::new(coding, bytes_max, sink, self.progress));
            return Ok(Wanted::Body);
        }
        if redirect::is_redirect(status)
            && let Some((trail, policy)) = &mut self.trail
        {
            trail.follow(status, head.first(LOCATION), policy)?;
            self.kind = Kind::Redirect;
            return Ok(Wanted::Connection {
                bytes_max: REDIRECT_BODY_BYTES_MAX,
            });
        }
        Ok(Wanted::Nothing)
    }

    fn data(&mut self, bytes: &[u8]) -> Result<(), Down> {
        match &mut self.kind {
            Kind::Exposition(decoder) => decoder.write(bytes),
            Kind::Redirect | Kind::Other(_) => Ok(()),
        }
    }
}
