//! Measuring: one body in, an [`Observation`] out. Joins scraping, the scanner and the checks'
//! observer, for the daemon, `check` and the demo alike.

use std::sync::Arc;

use crate::checks::{Observation, Observer, Subject};
use crate::config::job::ScrapeLimits;
use crate::exposition::{Event, Format, Limits, Scanner};
use crate::scrape::{BodySink, Down, DownReason};

/// Reads one body as it arrives.
#[derive(Debug)]
pub struct Measure {
    limits: Limits,
    samples_max: u64,
    fallback: Option<Format>,
    reading: Option<Scanner>,
    observer: Option<Observer>,
    observation: Option<Observation>,
}

impl Measure {
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
            reading: None,
            observer: Some(Observer::new(subject, faults_max)),
            observation: None,
        }
    }

    /// What was learnt; `None` where no body was read to its end.
    pub fn into_observation(self) -> Option<Observation> {
        self.observation
    }

    /// Whether the body, though complete, is one for which Prometheus would fail the scrape.
    pub(crate) fn verdict_on_body(observation: &Observation) -> Result<(), Down> {
        let summary = &observation.summary;
        if summary.bytes == 0 {
            return Err(Down::new(DownReason::Empty, "the body is empty"));
        }
        match observation.error() {
            Some(fault) => {
                let others = match summary.errors - 1 {
                    0 => String::new(),
                    others => format!(" (and {others} more errors)"),
                };
                Err(Down::new(
                    DownReason::Parse,
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

impl BodySink for Measure {
    fn begin(&mut self, content_type: Option<&str>) -> Result<(), Down> {
        let format = Format::from_content_type(content_type, self.fallback)
            .map_err(|error| Down::new(DownReason::ContentType, error.to_string()))?;
        self.reading = Some(Scanner::new(format, self.limits));
        Ok(())
    }

    fn chunk(&mut self, bytes: &[u8]) -> Result<(), Down> {
        let (Some(scanner), Some(observer)) = (&mut self.reading, &mut self.observer) else {
            return Err(Down::new(
                DownReason::Internal,
                "a body came before its headers",
            ));
        };
        scanner.feed(bytes, &mut |event: Event<'_>| observer.event(event));
        if scanner.exhausted() {
            let message = format!("more than {} samples", self.samples_max);
            return Err(Down::new(DownReason::SampleLimit, message));
        }
        Ok(())
    }

    fn end(&mut self, framed: bool) -> Result<(), Down> {
        let (Some(mut scanner), Some(mut observer)) = (self.reading.take(), self.observer.take())
        else {
            return Err(Down::new(
                DownReason::Internal,
                "a body ended that never began",
            ));
        };
        let summary = scanner.finish(&mut |event: Event<'_>| observer.event(event));
        let observation = observer.finish(summary);
        // Where nothing but the closing of the connection told the end, an unfinished line tells
        // that there was more.
        if !framed && observation.summary.unterminated {
            let message = "the connection was closed in the middle of a line";
            return Err(Down::new(DownReason::Incomplete, message));
        }
        let verdict = Self::verdict_on_body(&observation);
        self.observation = Some(observation);
        verdict
    }
}

/// Reads a whole body at hand: a file, standard input.
pub fn measure_bytes(
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
