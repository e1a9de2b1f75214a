//! Measuring: one body in, an [`Observation`] out. Joins scraping, the scanner and the checks'
//! observer, for the daemon, `check` and the demo alike.

mod cache;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use self::cache::{BodyCache, BufferPool, CacheLookup, CacheOutcome, CachedBody};
use crate::checks::{Observation, Observer, Subject};
use crate::discovery::settings::ScrapeLimits;
use crate::exposition::{Event, Format, Limits, Scanner, ShapeBuilder, ShapeMatcher, Summary};
use crate::scrape::{BodySink, ScrapeError, ScrapeErrorKind};

/// Reads one body as it arrives.
#[derive(Debug)]
pub struct BodyReader {
    limits: Limits,
    samples_max: u64,
    fallback: Option<Format>,
    subject: Arc<Subject>,
    stage: Stage,
    attempt: Option<CacheLookup>,
    observation: Option<Box<Observation>>,
    cache_outcome: CacheOutcome,
}

/// How a body is taken.
#[derive(Debug)]
enum Stage {
    /// It has not begun, or has ended.
    Idle,
    /// It is as remembered so far.
    Following(ShapeMatcher),
    /// It is read.
    Reading(Box<Reading>),
}

#[derive(Debug)]
struct Reading {
    scanner: Scanner,
    observer: Observer,
    /// Kept while the whole body is, to be remembered.
    builder: Option<ShapeBuilder>,
}

impl Reading {
    fn feed(&mut self, bytes: &[u8]) {
        let (observer, builder) = (&mut self.observer, &mut self.builder);
        self.scanner
            .feed(bytes, &mut |event| take(observer, builder, event));
    }

    fn finish(&mut self) -> Summary {
        let (observer, builder) = (&mut self.observer, &mut self.builder);
        self.scanner
            .finish(&mut |event| take(observer, builder, event))
    }
}

#[inline]
fn take(observer: &mut Observer, builder: &mut Option<ShapeBuilder>, event: Event<'_>) {
    let (Some(builder), Event::Sample(sample)) = (builder, &event) else {
        return observer.event(event);
    };
    let sample = *sample;
    observer.event(event);
    builder.sample(&sample, observer.heeded_value());
}

impl BodyReader {
    /// Reads a body of `subject`, keeping at most `faults_max` faults.
    pub fn new(
        subject: Arc<Subject>,
        limits: &ScrapeLimits,
        fallback: Option<Format>,
        faults_max: usize,
    ) -> Self {
        Self {
            limits: scanner_limits(limits, faults_max),
            samples_max: limits.samples_max,
            fallback,
            subject,
            stage: Stage::Idle,
            attempt: None,
            observation: None,
            cache_outcome: CacheOutcome::Nothing,
        }
    }

    /// The same, but a body that is as remembered is not read again.
    pub fn with_cache(self, attempt: Option<CacheLookup>) -> Self {
        Self { attempt, ..self }
    }

    /// What was learnt, `None` where no body was read to its end; and what is to be remembered.
    pub fn into_parts(self) -> (Option<Observation>, CacheOutcome) {
        (
            self.observation.map(|observation| *observation),
            self.cache_outcome,
        )
    }

    /// What was learnt; `None` where no body was read to its end.
    pub fn into_observation(self) -> Option<Observation> {
        self.observation.map(|observation| *observation)
    }

    fn reading(&self, format: Format) -> Box<Reading> {
        Box::new(Reading {
            scanner: Scanner::new(format, self.limits),
            observer: Observer::new(Arc::clone(&self.subject), self.limits.faults_max),
            builder: self.attempt.is_some().then(|| ShapeBuilder::new(format)),
        })
    }

    /// Reads from its start a body that turned out to be another.
    fn read_after_all(&mut self) {
        let Some(attempt) = &mut self.attempt else {
            return;
        };
        if let Some(memory) = attempt.memory.take() {
            let mut reading = self.reading(memory.shape.format());
            if let Some(attempt) = &self.attempt {
                reading.feed(&attempt.body.bytes);
            }
            self.stage = Stage::Reading(reading);
        }
    }

    /// Whether the body, though complete, is one for which Prometheus would fail the scrape.
    pub(crate) fn verdict_on_body(observation: &Observation) -> Result<(), ScrapeError> {
        let summary = &observation.summary;
        if summary.bytes == 0 {
            return Err(ScrapeError::new(
                ScrapeErrorKind::Empty,
                "the body is empty",
            ));
        }
        match observation.error() {
            Some(fault) => {
                let others = match summary.errors - 1 {
                    0 => String::new(),
                    others => format!(" (and {others} more errors)"),
                };
                Err(ScrapeError::new(
                    ScrapeErrorKind::Parse,
                    format!(
                        "line {}, column {}: {}{others}",
                        fault.line, fault.column, fault.message
                    ),
                ))
            }
            None => Ok(()),
        }
    }
}

impl BodySink for BodyReader {
    fn begin(&mut self, content_type: Option<&str>) -> Result<(), ScrapeError> {
        let format = Format::from_content_type(content_type, self.fallback)
            .map_err(|error| ScrapeError::new(ScrapeErrorKind::ContentType, error.to_string()))?;
        if let Some(attempt) = &mut self.attempt {
            // What it depends on beside the body is as it was, or nothing is remembered.
            attempt.memory.take_if(|memory| {
                memory.shape.format() != format
                    || memory.limits != self.limits
                    || !same_subject(&memory.subject, &self.subject)
            });
        }
        let memory = self.attempt.as_ref().and_then(|a| a.memory.as_ref());
        self.stage = match memory {
            Some(memory) => Stage::Following(ShapeMatcher::new(Arc::clone(&memory.shape))),
            None => Stage::Reading(self.reading(format)),
        };
        Ok(())
    }

    fn chunk(&mut self, bytes: &[u8]) -> Result<(), ScrapeError> {
        let held = match &mut self.attempt {
            Some(attempt) => attempt.body.push(bytes),
            None => false,
        };
        if let Stage::Following(follower) = &mut self.stage
            && let Some(attempt) = &self.attempt
        {
            if held && follower.follow(&attempt.body.bytes) {
                return Ok(());
            }
            self.read_after_all();
            if held {
                return self.within_limits();
            }
        }
        let Stage::Reading(reading) = &mut self.stage else {
            return Err(ScrapeError::new(
                ScrapeErrorKind::Internal,
                "a body came before its headers",
            ));
        };
        if !held {
            self.attempt = None;
            reading.builder = None;
        }
        reading.feed(bytes);
        self.within_limits()
    }

    fn end(&mut self, framed: bool) -> Result<(), ScrapeError> {
        if let (Stage::Following(follower), Some(attempt)) = (&self.stage, &self.attempt)
            && follower.is_complete(&attempt.body.bytes)
        {
            self.cache_outcome = CacheOutcome::Again;
            return Ok(());
        }
        if matches!(self.stage, Stage::Following(_)) {
            self.read_after_all();
            self.within_limits()?;
        }
        let Stage::Reading(mut reading) = std::mem::replace(&mut self.stage, Stage::Idle) else {
            return Err(ScrapeError::new(
                ScrapeErrorKind::Internal,
                "a body ended that never began",
            ));
        };
        let summary = reading.finish();
        let observation = reading.observer.finish(summary);
        // Where nothing but the closing of the connection told the end, an unfinished line tells
        // that there was more.
        if !framed && observation.summary.unterminated {
            let message = "the connection was closed in the middle of a line";
            return Err(ScrapeError::new(ScrapeErrorKind::Incomplete, message));
        }
        let verdict = Self::verdict_on_body(&observation);
        self.remember(reading.builder, &observation);
        self.observation = Some(Box::new(observation));
        verdict
    }
}

impl BodyReader {
    fn within_limits(&self) -> Result<(), ScrapeError> {
        match &self.stage {
            Stage::Reading(reading) if reading.scanner.exhausted() => {
                let message = format!("more than {} samples", self.samples_max);
                Err(ScrapeError::new(ScrapeErrorKind::SampleLimit, message))
            }
            _ => Ok(()),
        }
    }

    fn remember(&mut self, builder: Option<ShapeBuilder>, observation: &Observation) {
        let (Some(attempt), Some(builder)) = (self.attempt.take(), builder) else {
            return;
        };
        let clean = observation.summary.errors + observation.summary.violations == 0;
        let shape = clean.then(|| builder.finish(&attempt.body.bytes)).flatten();
        self.cache_outcome = CacheOutcome::Anew(shape.map(|shape| CachedBody {
            shape: Arc::new(shape),
            subject: Arc::clone(&self.subject),
            limits: self.limits,
        }));
    }
}

/// Nearly always the very same.
fn same_subject(one: &Arc<Subject>, other: &Arc<Subject>) -> bool {
    Arc::ptr_eq(one, other) || one == other
}

/// Reads a whole body at hand: a file, standard input.
pub fn read_body(
    subject: Arc<Subject>,
    format: Format,
    limits: &ScrapeLimits,
    faults_max: usize,
    body: &[u8],
) -> Observation {
    let mut observer = Observer::new(subject, faults_max);
    let summary = crate::exposition::scan(
        format,
        scanner_limits(limits, faults_max),
        body,
        &mut |event: Event<'_>| observer.event(event),
    );
    observer.finish(summary)
}

fn scanner_limits(limits: &ScrapeLimits, faults_max: usize) -> Limits {
    Limits {
        labels_max: limits.labels_max,
        label_name_bytes_max: limits.label_name_bytes_max,
        label_value_bytes_max: limits.label_value_bytes_max,
        samples_max: limits.samples_max,
        faults_max,
        ..Limits::default()
    }
}
