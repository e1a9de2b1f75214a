//! Chunks in, events out: the lines of a body, whatever pieces it arrives in.

use super::chunks::{Block, LineEnd};
use super::event::Event;
use super::fault::{Line, Severity};
use super::format::Format;
use super::limits::Limits;
use super::lines::Lines;
use super::summary::Summary;

/// Lines longer than this could not be addressed by the 32-bit offsets of the lexer.
const LINE_BYTES_CEILING: usize = 1 << 30;

/// Reads one body in chunks of any size.
#[derive(Debug)]
pub struct Scanner {
    lines: Lines,
    /// The line that the last chunk left unfinished: bounded by `line_bytes_max`.
    carry: Vec<u8>,
    /// How far the end of the carried line was looked for, if a quote is open in it.
    open: Option<LineEnd>,
    /// Within a line that is too long, and told to be so.
    skipping: bool,
    bytes: u64,
}

/// Scans a whole body at once.
pub fn scan(
    format: Format,
    limits: Limits,
    body: &[u8],
    sink: &mut impl FnMut(Event<'_>),
) -> Summary {
    let mut scanner = Scanner::new(format, limits);
    scanner.feed(body, sink);
    scanner.finish(sink)
}

impl Scanner {
    /// A scanner at the start of a body.
    pub fn new(format: Format, limits: Limits) -> Self {
        let limits = Limits {
            line_bytes_max: limits.line_bytes_max.min(LINE_BYTES_CEILING),
            ..limits
        };
        Self {
            lines: Lines::new(format, limits),
            carry: Vec::new(),
            open: None,
            skipping: false,
            bytes: 0,
        }
    }

    /// Whether nothing more will be read of this body: a limit on the whole of it was exceeded.
    pub fn exhausted(&self) -> bool {
        self.lines.exhausted()
    }

    /// Takes the next bytes of the body.
    pub fn feed(&mut self, chunk: &[u8], sink: &mut impl FnMut(Event<'_>)) {
        self.bytes += chunk.len() as u64;
        let mut rest = chunk;
        while !self.carry.is_empty() && !rest.is_empty() && !self.lines.ended() {
            rest = self.feed_carry(rest, sink);
        }
        if self.lines.ended() {
            self.carry.clear();
            if !rest.is_empty() {
                self.lines.after_end(sink);
            }
        } else if !rest.is_empty() {
            let taken = self.block(rest, false, sink);
            self.carry.extend_from_slice(&rest[taken..]);
        }
    }

    /// Ends the body.
    pub fn finish(&mut self, sink: &mut impl FnMut(Event<'_>)) -> Summary {
        if !self.carry.is_empty() {
            let carry = std::mem::take(&mut self.carry);
            self.block(&carry, true, sink);
            self.carry = carry;
            self.carry.clear();
        }
        let mut summary = self.lines.finish(sink);
        summary.bytes = self.bytes;
        summary
    }

    /// Completes the carried line from `rest`, and returns what it leaves of that.
    fn feed_carry<'a>(&mut self, rest: &'a [u8], sink: &mut impl FnMut(Event<'_>)) -> &'a [u8] {
        let line_end = memchr::memchr(b'\n', rest).map_or(rest.len(), |newline| newline + 1);
        let room = (self.lines.limits().line_bytes_max + 1).saturating_sub(self.carry.len());
        let (now, later) = rest.split_at(line_end.min(room));
        self.carry.extend_from_slice(now);
        let full = now.len() == room;
        let complete = match &mut self.open {
            Some(open) => open.find(&self.carry).is_some(),
            None => now.ends_with(b"\n"),
        };
        if complete || full {
            let mut carry = std::mem::take(&mut self.carry);
            let taken = self.block(&carry, false, sink);
            carry.drain(..taken);
            self.carry = carry;
        }
        later
    }

    /// Reads the lines that are complete in `bytes`, which begin where a line does, and returns how far they go.
    /// With `last`, what remains is a line too.
    fn block(&mut self, bytes: &[u8], last: bool, sink: &mut impl FnMut(Event<'_>)) -> usize {
        let max = self.lines.limits().line_bytes_max;
        let mut block = Block::new(bytes);
        let mut start = 0;
        self.open = None;
        while start < bytes.len() {
            if self.lines.ended() {
                self.lines.after_end(sink);
                return bytes.len();
            }
            let rest = &bytes[start..];
            let newline = memchr::memchr(b'\n', rest);
            let length = newline.unwrap_or(rest.len());
            if self.skipping || length > max {
                if !self.skipping {
                    self.lines.too_long(sink);
                }
                self.skipping = newline.is_none();
                self.lines.skip_line(newline.is_some(), last);
                start += length + usize::from(newline.is_some());
                continue;
            }
            if newline.is_none() && !last {
                return start;
            }
            let outcome =
                self.lines
                    .read(&mut block, start, start + length, newline.is_some(), sink);
            let Err(open) = outcome else {
                start += length + usize::from(newline.is_some());
                continue;
            };
            // A quote is open at the newline: the line may go on behind it.
            let mut line_end = LineEnd::default();
            let window = &rest[..rest.len().min(max + 1)];
            match line_end.find(window) {
                Some(end) if end <= max => {
                    start += self.long_line(&mut block, start, end, true, sink)
                }
                _ if window.len() > max => {
                    start += self.lines.unterminated_quote(&block, start, open, sink)
                }
                _ if last => {
                    // Quotes that close before the body ends make it a line without its newline.
                    let end = rest.len();
                    start += self.long_line(&mut block, start, end, false, sink);
                }
                _ => {
                    self.open = Some(line_end);
                    return start;
                }
            }
        }
        start
    }

    /// Reads a line with raw newlines in it, and returns how many bytes it took: up to a fault at most.
    fn long_line(
        &mut self,
        block: &mut Block<'_>,
        start: usize,
        length: usize,
        terminated: bool,
        sink: &mut impl FnMut(Event<'_>),
    ) -> usize {
        match self
            .lines
            .read_multiline(block, start, start + length, terminated, sink)
        {
            Ok(taken) => taken,
            Err(open) => self.lines.unterminated_quote(block, start, open, sink),
        }
    }
}

impl Lines {
    fn too_long(&mut self, sink: &mut impl FnMut(Event<'_>)) {
        let max = self.limits().line_bytes_max;
        let line = Line {
            bytes: &[],
            number: self.number(),
        };
        self.faults().push(Severity::Error, line.place(0), || {
            format!("expected at most {max} bytes in a line, saw more")
        });
        self.flush(sink);
    }

    /// Tells that the quote opened at `open`, counted from `start`, never closes; returns the bytes up to the next line.
    fn unterminated_quote(
        &mut self,
        block: &Block<'_>,
        start: usize,
        open: usize,
        sink: &mut impl FnMut(Event<'_>),
    ) -> usize {
        let line = Line {
            bytes: &block.bytes[start..],
            number: self.number(),
        };
        self.faults().push(Severity::Error, line.place(open), || {
            "expected a closing quote, saw none".to_owned()
        });
        self.flush(sink);
        let newline = memchr::memchr(b'\n', &line.bytes[open..]);
        let end = newline.map_or(line.bytes.len(), |newline| open + newline);
        let newlines = memchr::memchr_iter(b'\n', &line.bytes[..end]).count() as u64;
        self.pass_lines(newlines + 1, newline.is_some());
        end + usize::from(newline.is_some())
    }
}
