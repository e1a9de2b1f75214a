//! Where a body ends: Content-Length, chunks (RFC 9112, 7.1), or the connection's end. Pure.

use super::error::{HEADER_BYTES_MAX, ScrapeError, not_http};

/// Bytes between the sizes of all chunks and their line ends. Some servers pad each size.
const EXTENSION_BYTES_MAX: usize = 256 * 1024;

/// How a body's end is told, and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Framing {
    /// This many bytes are still to come.
    Length(u64),
    Chunked(Chunked),
    /// The end is the connection's.
    Close,
}

/// A body in chunks, as far as it has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chunked {
    at: At,
    /// Bytes of the line being read, or of all trailer lines.
    line: usize,
    /// What the line of a size says so far.
    size: u64,
    /// Bytes of extensions, of all chunks.
    extensions: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// In the digits of a size.
    Size,
    /// Behind them: white space, extensions.
    Extension,
    Data,
    /// Behind a chunk's data, before its line end.
    DataEnd,
    /// In the lines behind the last chunk; the current one is empty so far.
    EmptyTrailer,
    Trailer,
    End,
}

impl Framing {
    pub(super) fn chunked() -> Self {
        Framing::Chunked(Chunked {
            at: At::Size,
            line: 0,
            size: 0,
            extensions: 0,
        })
    }

    /// Whether the body is complete.
    pub(super) fn is_complete(&self) -> bool {
        match self {
            Framing::Length(left) => *left == 0,
            Framing::Chunked(chunked) => chunked.at == At::End,
            Framing::Close => false,
        }
    }

    /// Takes what came, hands the body's bytes on, and returns how much belongs to this response.
    pub(super) fn take(
        &mut self,
        bytes: &[u8],
        mut data: impl FnMut(&[u8]) -> Result<(), ScrapeError>,
    ) -> Result<usize, ScrapeError> {
        match self {
            Framing::Close => {
                data(bytes)?;
                Ok(bytes.len())
            }
            Framing::Length(left) => {
                let taken = bytes
                    .len()
                    .min(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= taken as u64;
                if taken > 0 {
                    data(&bytes[..taken])?;
                }
                Ok(taken)
            }
            Framing::Chunked(chunked) => {
                let mut at = 0;
                while at < bytes.len() && chunked.at != At::End {
                    if chunked.at == At::Data {
                        let size = usize::try_from(chunked.size).unwrap_or(usize::MAX);
                        let end = at + size.min(bytes.len() - at);
                        data(&bytes[at..end])?;
                        chunked.took(end - at);
                        at = end;
                    } else {
                        chunked.byte(bytes[at])?;
                        at += 1;
                    }
                }
                Ok(at)
            }
        }
    }
}

impl Chunked {
    fn took(&mut self, bytes: usize) {
        self.size -= bytes as u64;
        if self.size == 0 {
            self.begin(At::DataEnd);
        }
    }

    fn begin(&mut self, at: At) {
        self.at = at;
        self.line = 0;
    }

    /// One byte of what is around the data. Lines may end in a bare LF, as Go's reader has it.
    fn byte(&mut self, byte: u8) -> Result<(), ScrapeError> {
        self.line += 1;
        // Of the whole body: bytes around the data count against no limit of a body.
        self.extensions += usize::from(self.at == At::Extension && byte != b'\n');
        if self.line > HEADER_BYTES_MAX || self.extensions > EXTENSION_BYTES_MAX {
            return Err(not_http(&format!(
                "more than {HEADER_BYTES_MAX} bytes around a chunk, or {EXTENSION_BYTES_MAX} around all"
            )));
        }
        match (self.at, byte) {
            (At::Size, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                let digit = (byte as char).to_digit(16).unwrap_or_default();
                self.size = self
                    .size
                    .checked_mul(16)
                    .and_then(|size| size.checked_add(u64::from(digit)))
                    .ok_or_else(|| not_http("a chunk's size is larger than 64 bits"))?;
            }
            (At::Size, b' ' | b'\t' | b';' | b'\r' | b'\n') if self.line > 1 => {
                self.at = At::Extension;
                if byte == b'\n' {
                    self.size_line_ends();
                }
            }
            (At::Size, other) => {
                return Err(not_http(&format!(
                    "{:?} where a chunk's size should be",
                    other as char
                )));
            }
            (At::Extension, b'\n') => self.size_line_ends(),
            (At::DataEnd, b'\r') if self.line == 1 => {}
            (At::DataEnd, b'\n') => {
                self.size = 0;
                self.begin(At::Size);
            }
            (At::DataEnd, other) => {
                return Err(not_http(&format!(
                    "{:?} where a chunk's data should end",
                    other as char
                )));
            }
            (At::EmptyTrailer, b'\n') => self.at = At::End,
            (At::Trailer, b'\n') => self.at = At::EmptyTrailer,
            (At::EmptyTrailer, b'\r') | (At::Extension, _) => {}
            (At::EmptyTrailer | At::Trailer, _) => self.at = At::Trailer,
            // Neither is asked for.
            (At::Data | At::End, _) => {}
        }
        Ok(())
    }

    fn size_line_ends(&mut self) {
        self.begin(match self.size {
            0 => At::EmptyTrailer,
            _ => At::Data,
        });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What `bytes`, in pieces, come to: the body, the bytes taken, whether it is complete.
    fn read(
        mut framing: Framing,
        bytes: &[u8],
        piece: usize,
    ) -> Result<(Vec<u8>, usize, bool), String> {
        let (mut body, mut taken) = (Vec::new(), 0);
        for part in bytes.chunks(piece) {
            let took = framing.take(part, |data| {
                body.extend_from_slice(data);
                Ok(())
            });
            let took = took.map_err(|down| down.message)?;
            taken += took;
            if took < part.len() {
                break;
            }
        }
        Ok((body, taken, framing.is_complete()))
    }

    proptest! {
        #[test]
        fn chunks_of_any_size_come_whole_in_any_pieces(
            chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..300), 0..5),
            piece in 1usize..400,
            ends in prop::sample::select(vec!["\r\n", "\n"]),
            trailer in prop::sample::select(vec!["", "a: b\r\n", "a: b\r\nc:\r\n"]),
            behind in prop::collection::vec(any::<u8>(), 0..10),
        ) {
            let mut sent = Vec::new();
            for chunk in &chunks {
                sent.extend_from_slice(format!("{:X} ;x=y{ends}", chunk.len()).as_bytes());
                sent.extend_from_slice(chunk);
                sent.extend_from_slice(ends.as_bytes());
            }
            sent.extend_from_slice(format!("0{ends}{trailer}{ends}").as_bytes());
            let whole = sent.len();
            let cut = read(Framing::chunked(), &sent[..whole - 1], piece).unwrap();
            prop_assert!(!cut.2);
            sent.extend_from_slice(&behind);
            let read = read(Framing::chunked(), &sent, piece).unwrap();
            prop_assert_eq!(read, (chunks.concat(), whole, true));
        }

        #[test]
        fn anything_goes_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), piece in 1usize..50) {
            if let Ok((body, taken, _)) = read(Framing::chunked(), &bytes, piece) {
                prop_assert!(body.len() <= taken);
            }
        }
    }

    #[test]
    fn what_is_no_chunk_is_named() {
        for (sent, why) in [
            ("\r\n", "'\\r' where a chunk's size should be"),
            ("g\r\n", "'g' where a chunk's size should be"),
            ("-1\r\n", "'-' where a chunk's size should be"),
            ("1\r\nab", "'b' where a chunk's data should end"),
            (
                "10000000000000000\r\n",
                "a chunk's size is larger than 64 bits",
            ),
        ] {
            let told = read(Framing::chunked(), sent.as_bytes(), 100).unwrap_err();
            assert_eq!(told, format!("the response is not HTTP/1: {why}"));
        }
        let endless = format!("1;{}", "x".repeat(HEADER_BYTES_MAX));
        assert!(read(Framing::chunked(), endless.as_bytes(), 1000).is_err());
        let many = "1;xxxx\r\na\r\n".repeat(EXTENSION_BYTES_MAX / 4);
        assert!(read(Framing::chunked(), many.as_bytes(), 1000).is_err());
        let trailers = format!("0\r\n{}", "x: y\r\n".repeat(HEADER_BYTES_MAX / 5));
        assert!(read(Framing::chunked(), trailers.as_bytes(), 1000).is_err());
    }

    #[test]
    fn a_length_is_kept_to() {
        assert_eq!(
            read(Framing::Length(3), b"abcde", 2).unwrap(),
            (b"abc".to_vec(), 3, true)
        );
        assert_eq!(
            read(Framing::Length(3), b"ab", 9).unwrap(),
            (b"ab".to_vec(), 2, false)
        );
        assert_eq!(
            read(Framing::Close, b"ab", 9).unwrap(),
            (b"ab".to_vec(), 2, false)
        );
    }
}
