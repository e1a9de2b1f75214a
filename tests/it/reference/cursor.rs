//! A place in a body.

use super::{Read, fails};

/// Bytes, and how far they were read.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at == self.bytes.len()
    }

    /// The next byte, left where it is.
    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Takes the next byte.
    pub(super) fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    /// Takes `text` if it comes next.
    pub(super) fn skip(&mut self, text: &str) -> bool {
        let comes = self.bytes[self.at..].starts_with(text.as_bytes());
        if comes {
            self.at += text.len();
        }
        comes
    }

    /// Takes `text`, which must come next.
    pub(super) fn expect(&mut self, text: &str) -> Read<()> {
        match self.skip(text) {
            true => Ok(()),
            false => fails(format!("no {text:?} at byte {}", self.at)),
        }
    }

    /// Takes bytes while they are of a kind.
    pub(super) fn take_while(&mut self, wanted: impl Fn(u8) -> bool) -> &'a [u8] {
        let start = self.at;
        while self.peek().is_some_and(&wanted) {
            self.at += 1;
        }
        &self.bytes[start..self.at]
    }

    /// Takes spaces and tabs; whether there were any.
    pub(super) fn skip_blanks(&mut self) -> bool {
        !self
            .take_while(|byte| byte == b' ' || byte == b'\t')
            .is_empty()
    }

    /// Takes the rest of the line, its newline left where it is.
    pub(super) fn rest_of_line(&mut self) -> &'a [u8] {
        self.take_while(|byte| byte != b'\n')
    }
}
