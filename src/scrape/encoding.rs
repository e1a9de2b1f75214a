//! Content codings: identity and gzip, streamed, capped.

use std::cell::RefCell;

use http::HeaderName;
use http::header::{CONTENT_ENCODING, TRANSFER_ENCODING};

use super::error::{ScrapeError, ScrapeErrorKind};
use super::gzip::Gzip;
use super::head::Head;
use super::progress::Progress;
use super::result::BodySink;

/// Decompressed bytes handed over at once, from one buffer a thread.
const OUTPUT_BYTES: usize = 32 * 1024;

thread_local! {
    static OUTPUT: RefCell<Box<[u8]>> = RefCell::new(vec![0; OUTPUT_BYTES].into_boxed_slice());
}

/// Characters of an unknown coding shown in a message.
const SHOWN_CHARS_MAX: usize = 100;

/// The coding of a response body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// As it is.
    Identity,
    /// gzip members, one or more.
    Gzip,
}

impl Coding {
    /// Reads Content-Encoding. One coding at most: stacking them is how small bodies grow large.
    pub(super) fn of(head: &Head<'_>) -> Result<Self, ScrapeError> {
        match single(head, CONTENT_ENCODING) {
            Single::None => Ok(Self::Identity),
            Single::One(v) if v.is_empty() || v.eq_ignore_ascii_case(b"identity") => {
                Ok(Self::Identity)
            }
            Single::One(v) if v.eq_ignore_ascii_case(b"gzip") => Ok(Self::Gzip),
            Single::One(_) | Single::Many => Err(unsupported(
                head,
                CONTENT_ENCODING,
                "only gzip or identity, once",
            )),
        }
    }
}

/// Refuses transfer codings other than chunked, which nobody here undoes.
pub(super) fn check_transfer(head: &Head<'_>) -> Result<(), ScrapeError> {
    match single(head, TRANSFER_ENCODING) {
        Single::None => Ok(()),
        Single::One(v) if v.eq_ignore_ascii_case(b"chunked") => Ok(()),
        Single::One(_) | Single::Many => Err(unsupported(head, TRANSFER_ENCODING, "only chunked")),
    }
}

/// The lines of one header.
enum Single<'a> {
    None,
    One(&'a [u8]),
    Many,
}

fn single<'a>(head: &Head<'a>, name: HeaderName) -> Single<'a> {
    let mut values = head.all(name);
    match (values.next(), values.next()) {
        (None, _) => Single::None,
        (Some(value), None) => Single::One(value),
        (Some(_), Some(_)) => Single::Many,
    }
}

fn unsupported(head: &Head<'_>, name: HeaderName, supported: &str) -> ScrapeError {
    let all: Vec<_> = head
        .all(name.clone())
        .map(String::from_utf8_lossy)
        .collect();
    let shown: String = all.join(", ").chars().take(SHOWN_CHARS_MAX).collect();
    ScrapeError::new(
        ScrapeErrorKind::Encoding,
        format!("{name} {shown:?} is not supported: {supported}"),
    )
}

/// Undoes the coding, counts the bytes against the cap and passes them on.
#[derive(Debug)]
pub struct Decoder<'a, S> {
    sink: &'a mut S,
    progress: &'a Progress,
    body_bytes_max: u64,
    gzip: Option<Box<Gzip>>,
}

impl<'a, S: BodySink> Decoder<'a, S> {
    /// A decoder of one body, of which at most so many decompressed bytes are passed on.
    pub fn new(
        coding: Coding,
        body_bytes_max: u64,
        sink: &'a mut S,
        progress: &'a Progress,
    ) -> Self {
        Self {
            sink,
            progress,
            body_bytes_max,
            gzip: (coding == Coding::Gzip).then(|| Box::new(Gzip::new())),
        }
    }

    /// Bytes as they came.
    pub fn write(&mut self, mut input: &[u8]) -> Result<(), ScrapeError> {
        let Some(mut gzip) = self.gzip.take() else {
            return self.deliver(input);
        };
        OUTPUT.with_borrow_mut(|output| {
            loop {
                // Input may be used up while output is still held back.
                let last = input.is_empty();
                let (taken, written) = gzip
                    .step(input, output)
                    .map_err(|what| corrupt(gzip.members, &what))?;
                self.deliver(&output[..written])?;
                input = &input[taken..];
                if last && written == 0 {
                    return Ok(());
                }
            }
        })?;
        self.gzip = Some(gzip);
        Ok(())
    }

    /// The body is complete as far as HTTP can tell.
    pub fn finish(self, framed: bool) -> Result<(), ScrapeError> {
        if let Some(gzip) = &self.gzip
            && !gzip.is_between_members()
        {
            return Err(corrupt(gzip.members, "it ends in the middle"));
        }
        if self.progress.body_bytes() == 0 {
            return Err(ScrapeError::new(
                ScrapeErrorKind::Empty,
                "status 200 with an empty body",
            ));
        }
        self.sink.end(framed)
    }

    fn deliver(&mut self, bytes: &[u8]) -> Result<(), ScrapeError> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.progress.delivered(bytes.len());
        if self.progress.body_bytes() > self.body_bytes_max {
            return Err(ScrapeError::new(
                ScrapeErrorKind::BodyLimit,
                format!(
                    "the decompressed body is larger than {} bytes, cut at {}",
                    self.body_bytes_max,
                    self.progress.body_bytes()
                ),
            ));
        }
        self.sink.chunk(bytes)
    }
}

fn corrupt(member: u64, what: &str) -> ScrapeError {
    ScrapeError::new(
        ScrapeErrorKind::Encoding,
        format!("corrupt gzip, member {member}: {what}"),
    )
}
