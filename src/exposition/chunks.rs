//! Pieces of a body: blocks of lines, and where a line ends when raw newlines may stand inside quotes.

use super::lexer::skip_blanks;

/// Looks for the newline that ends a line which has a quote open where its first newline stands.
///
/// It remembers how far it looked, so that a value of many lines costs one pass however it arrives.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct LineEnd {
    at: usize,
    quoted: bool,
    /// Behind the only quoted string that counts: quotes in a help text are characters.
    done: bool,
}

impl LineEnd {
    /// The offset of the newline that ends the line which `bytes` begin with, if it is among them.
    pub(super) fn find(&mut self, bytes: &[u8]) -> Option<usize> {
        let metadata = bytes.get(skip_blanks(bytes, 0)) == Some(&b'#');
        while let Some(&byte) = bytes.get(self.at) {
            match byte {
                b'\n' if !self.quoted => return Some(self.at),
                b'"' if !self.done => {
                    self.done = self.quoted && metadata;
                    self.quoted = !self.quoted;
                }
                b'\\' if self.quoted => {
                    // The escaped character may not have arrived yet.
                    if self.at + 1 >= bytes.len() {
                        return None;
                    }
                    self.at += 1;
                }
                _ => {}
            }
            self.at += 1;
        }
        None
    }
}

/// Consecutive lines in one buffer.
pub(super) struct Block<'a> {
    pub(super) bytes: &'a [u8],
    /// As much of the bytes, from the start, as is UTF-8.
    pub(super) text: &'a str,
    /// The last sample's line, if its series may serve the next.
    pub(super) previous: Option<(usize, usize)>,
}

impl<'a> Block<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(),
        };
        Self {
            bytes,
            text,
            previous: None,
        }
    }
}

/// The length of what two lines have in common at their start.
#[inline]
pub(super) fn common_prefix(a: &[u8], b: &[u8]) -> usize {
    let word = |bytes: &[u8], at: usize| {
        bytes
            .get(at..at + 8)
            .and_then(|b| b.try_into().ok())
            .map(u64::from_le_bytes)
    };
    let mut at = 0;
    while let (Some(left), Some(right)) = (word(a, at), word(b, at)) {
        let differing = left ^ right;
        if differing != 0 {
            return at + (differing.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    at + a[at..]
        .iter()
        .zip(&b[at..])
        .take_while(|(left, right)| left == right)
        .count()
}
