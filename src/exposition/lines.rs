//! One line after another: lexed, judged, handed out.

use super::chunks::Block;
use super::event::{Event, Exemplar, Sample, Span, unescape, unescape_help};
use super::family::Families;
use super::fault::{Faults, Line, Place, Severity, Tally};
use super::format::Format;
use super::lexer::{Halt, Lexer, metric_name_end, skip_blanks};
use super::limits::Limits;
use super::metadata::{self, Comment, Metadata, What};
use super::observed::Observed;
use super::sample::{Tail, within_limit};
use super::series::{Reused, Series};
use super::summary::Summary;

/// Everything known of the body so far, but for the line in pieces.
#[derive(Debug)]
pub(super) struct Lines {
    format: Format,
    limits: Limits,
    hasher: foldhash::fast::RandomState,
    faults: Faults,
    series: Series,
    exemplar: Series,
    families: Families,
    /// Lines passed so far.
    passed: u64,
    samples: u64,
    /// Where the body ended, if that was not behind a newline.
    unterminated: Option<Place>,
    progress: Progress,
}

/// How far the body has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// Nothing came yet.
    Start,
    Running,
    /// `# EOF` came; anything after it is an error.
    Eof,
    /// Something after `# EOF` was told, or Prometheus stops here: the rest is passed over.
    Over,
    /// A limit on the whole body was exceeded.
    Exhausted,
}

/// What a line says.
enum LineContent {
    Nothing,
    Metadata(Metadata),
    Sample { series: Span, tail: Tail },
}

impl Lines {
    pub(super) fn new(format: Format, limits: Limits) -> Self {
        let hasher = foldhash::fast::RandomState::default();
        Self {
            format,
            limits,
            faults: Faults::new(limits.faults_max),
            series: Series::default(),
            exemplar: Series::default(),
            families: Families::new(format, hasher.clone()),
            hasher,
            passed: 0,
            samples: 0,
            unterminated: None,
            progress: Progress::Start,
        }
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(super) fn faults(&mut self) -> &mut Faults {
        &mut self.faults
    }

    /// The number of the line to come.
    pub(super) fn number(&self) -> u64 {
        self.passed + 1
    }

    /// Whether no further line counts.
    pub(super) fn ended(&self) -> bool {
        matches!(
            self.progress,
            Progress::Eof | Progress::Over | Progress::Exhausted
        )
    }

    pub(super) fn exhausted(&self) -> bool {
        self.progress == Progress::Exhausted
    }

    pub(super) fn pass_lines(&mut self, lines: u64, terminated: bool) {
        self.passed += lines;
        self.unterminated = (!terminated).then_some(Place::new(self.passed, 1));
        if self.progress == Progress::Start {
            self.progress = Progress::Running;
        }
    }

    /// Passes over (a piece of) a line that is too long.
    pub(super) fn skip_line(&mut self, terminated: bool, last: bool) {
        let ends = terminated || last;
        self.pass_lines(u64::from(ends), terminated);
    }

    pub(super) fn flush(&mut self, sink: &mut impl FnMut(Event<'_>)) {
        for fault in self.faults.pending.drain(..) {
            sink(Event::Fault(fault));
        }
    }

    /// Reads the line between two offsets. An error is the offset, within the line, of a quote left open.
    #[inline]
    pub(super) fn read(
        &mut self,
        block: &mut Block<'_>,
        start: usize,
        end: usize,
        terminated: bool,
        sink: &mut impl FnMut(Event<'_>),
    ) -> Result<(), usize> {
        let line = Line {
            bytes: &block.bytes[start..end],
            number: self.passed + 1,
        };
        let before = self.faults.tally();
        let previous = block
            .previous
            .take()
            .map_or(&[][..], |(from, to)| &block.bytes[from..to]);
        let text = block
            .text
            .get(start..end)
            .or_else(|| std::str::from_utf8(line.bytes).ok());
        match self.say(line, previous, text.is_some(), false) {
            Ok(content) => {
                // Faults recur where their bytes do, so a line that has one must be read in full the next time.
                let clean = self.tell(line, content, text, before, sink);
                if clean {
                    block.previous = Some((start, end));
                }
            }
            Err(Halt::Open(open)) => {
                // The line will be read again, as a whole: nothing of it was told yet but what will be told again.
                self.forget_faults(before);
                return Err(open);
            }
            Err(halt) => self.halted(halt, sink),
        }
        self.pass_lines(1, terminated);
        if !terminated {
            self.unterminated = Some(line.place(line.bytes.len()));
        }
        Ok(())
    }

    /// Reads a line with raw newlines in it, and returns how many bytes of it count, its own newline included.
    pub(super) fn read_multiline(
        &mut self,
        block: &mut Block<'_>,
        start: usize,
        end: usize,
        terminated: bool,
        sink: &mut impl FnMut(Event<'_>),
    ) -> Result<usize, usize> {
        let line = Line {
            bytes: &block.bytes[start..end],
            number: self.passed + 1,
        };
        let before = self.faults.tally();
        let mut taken = line.bytes.len();
        match self.say(line, &[], std::str::from_utf8(line.bytes).is_ok(), true) {
            Ok(content) => {
                self.tell(
                    line,
                    content,
                    std::str::from_utf8(line.bytes).ok(),
                    before,
                    sink,
                );
            }
            Err(Halt::Open(open)) => {
                self.forget_faults(before);
                return Err(open);
            }
            Err(halt) => {
                // What follows the next newline has not been looked at as lines of its own.
                if let Halt::Bad(at) = halt {
                    let from = at.min(taken);
                    taken = memchr::memchr(b'\n', &line.bytes[from..])
                        .map_or(taken, |newline| from + newline);
                }
                self.halted(halt, sink);
            }
        }
        let newlines = memchr::memchr_iter(b'\n', &line.bytes[..taken]).count() as u64;
        let whole = taken == line.bytes.len();
        self.pass_lines(newlines + 1, !whole || terminated);
        if whole && !terminated {
            self.unterminated = Some(line.place(taken));
        }
        Ok(taken + usize::from(!whole || terminated))
    }

    /// Nothing stays pending between lines, so that what is pending is of this one.
    fn forget_faults(&mut self, before: Tally) {
        self.faults.pending.clear();
        self.faults.errors = before.errors;
        self.faults.violations = before.violations;
    }

    #[cold]
    fn halted(&mut self, halt: Halt, sink: &mut impl FnMut(Event<'_>)) {
        self.flush(sink);
        if halt == Halt::End {
            self.progress = Progress::Over;
        }
    }

    /// Lexes one line.
    #[inline]
    fn say(
        &mut self,
        line: Line<'_>,
        previous: &[u8],
        utf8: bool,
        multiline: bool,
    ) -> Result<LineContent, Halt> {
        let format = self.format;
        let mut lexer = Lexer {
            format,
            limits: &self.limits,
            hasher: &self.hasher,
            faults: &mut self.faults,
            utf8,
            multiline,
        };
        let reused = self.series.keep(line.bytes, previous);
        let at = match format {
            Format::Text => skip_blanks(line.bytes, 0),
            Format::OpenMetrics => 0,
        };
        if reused == Reused::Nothing {
            match line.at(at) {
                b'#' => {
                    return match metadata::read(line, at, &mut lexer)? {
                        Comment::Remark => Ok(LineContent::Nothing),
                        Comment::Eof => {
                            self.progress = Progress::Eof;
                            Ok(LineContent::Nothing)
                        }
                        Comment::Overrun => {
                            self.progress = Progress::Over;
                            Ok(LineContent::Nothing)
                        }
                        Comment::Metadata(metadata) => Ok(LineContent::Metadata(metadata)),
                    };
                }
                b'{' => {}
                b'\n' if format == Format::Text => return Ok(LineContent::Nothing),
                0 if format == Format::Text => {
                    lexer.violation(line, at, || {
                        "expected no NUL byte here: Prometheus reads nothing past it".to_owned()
                    });
                    return Err(Halt::End);
                }
                _ if metric_name_end(line.bytes, at) == at => {
                    return lexer.bad(line, at, || {
                        format!("expected a metric name or a comment, saw {}", line.seen(at))
                    });
                }
                _ => {}
            }
        }
        let end = self.series.read(line, at, reused, &mut lexer)?;
        let tail = format.read_tail(line, end, &mut self.exemplar, &mut lexer)?;
        if !within_limit(line, self.samples, &self.limits, &mut lexer) {
            self.progress = Progress::Exhausted;
            return Ok(LineContent::Nothing);
        }
        Ok(LineContent::Sample {
            series: Span::new(at, end),
            tail,
        })
    }

    /// Judges what a line says and hands it out; returns whether it is a sample without fault.
    #[inline]
    fn tell(
        &mut self,
        line: Line<'_>,
        content: LineContent,
        text: Option<&str>,
        before: Tally,
        sink: &mut impl FnMut(Event<'_>),
    ) -> bool {
        match content {
            LineContent::Sample { series, tail } => {
                let observed = Observed {
                    line,
                    series: &self.series,
                    exemplar: &self.exemplar,
                    tail: &tail,
                };
                let kind = self.families.sample(&observed, &mut self.faults);
                let clean = self.faults.tally() == before;
                if !clean {
                    self.flush(sink);
                }
                // An invalid name in an exemplar is all that Prometheus takes without it being UTF-8.
                let text =
                    text.or_else(|| line.bytes.utf8_chunks().next().map(|chunk| chunk.valid()));
                if self.faults.errors == before.errors
                    && let Some(text) = text
                {
                    self.samples += 1;
                    sink(Event::Sample(Sample {
                        line: line.number,
                        value: tail.value,
                        timestamp: tail.time.map(|time| time.ms),
                        kind,
                        text,
                        series,
                        name: self.series.name,
                        labels: &self.series.labels,
                        exemplar: tail.exemplar.map(|exemplar| Exemplar {
                            value: exemplar.value,
                            timestamp: exemplar.timestamp,
                            text,
                            labels: &self.exemplar.labels,
                        }),
                    }));
                }
                clean && self.series.name_leads()
            }
            LineContent::Metadata(metadata) => {
                self.families.metadata(line, &metadata, &mut self.faults);
                self.flush(sink);
                if let Some(text) = text {
                    self.tell_metadata(text, metadata, sink);
                }
                false
            }
            LineContent::Nothing => {
                self.flush(sink);
                false
            }
        }
    }

    fn tell_metadata(&self, text: &str, metadata: Metadata, sink: &mut impl FnMut(Event<'_>)) {
        let cut = |span: Span| {
            text.get(span.start as usize..span.end as usize)
                .unwrap_or_default()
        };
        let name = unescape(cut(metadata.name));
        match metadata.what {
            What::Type(kind) => sink(Event::Type { name, kind }),
            What::Help => {
                let quotes = self.format == Format::OpenMetrics;
                sink(Event::Help {
                    name,
                    text: unescape_help(cut(metadata.text), quotes),
                });
            }
            What::Unit => sink(Event::Unit {
                name,
                unit: cut(metadata.text),
            }),
        }
    }

    /// Tells that something follows the end marker, once.
    pub(super) fn after_end(&mut self, sink: &mut impl FnMut(Event<'_>)) {
        if self.progress == Progress::Eof {
            self.progress = Progress::Over;
            self.faults
                .push(Severity::Error, Place::new(self.passed + 1, 1), || {
                    "expected nothing after `# EOF`, saw more".to_owned()
                });
            self.flush(sink);
        }
    }

    /// The rules that need the whole body.
    pub(super) fn finish(&mut self, sink: &mut impl FnMut(Event<'_>)) -> Summary {
        if !self.exhausted() {
            self.families.finish(&mut self.faults);
        }
        let at_end = self.unterminated.unwrap_or(Place::new(self.passed + 1, 1));
        match (self.format, self.progress) {
            // Prometheus looks at no body of no bytes.
            (Format::OpenMetrics, Progress::Start) => {
                self.faults.push(Severity::Violation, Place::new(1, 1), || {
                    "expected `# EOF`, saw an empty body".to_owned()
                });
            }
            (Format::OpenMetrics, Progress::Running) => {
                self.faults.push(Severity::Error, at_end, || {
                    "expected `# EOF`, saw the end of the body".to_owned()
                });
            }
            (Format::Text, Progress::Running) if self.unterminated.is_some() => {
                self.faults.push(Severity::Violation, at_end, || {
                    "expected a newline after the last line, saw the end of the body".to_owned()
                });
            }
            _ => {}
        }
        self.flush(sink);
        Summary {
            samples: self.samples,
            lines: self.passed,
            bytes: 0,
            errors: self.faults.errors,
            violations: self.faults.violations,
            unterminated: self.format == Format::Text
                && self.unterminated.is_some()
                && !self.ended(),
        }
    }
}
