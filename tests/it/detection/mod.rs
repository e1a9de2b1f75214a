//! What a scrape proves of O-6, O-8 and O-9.

mod cases;
mod real;
mod rows;

use std::sync::Arc;

use manifesto_exporter::catalogue::SeriesNames;
use manifesto_exporter::checks::{Finding, Observation, Subject};
use manifesto_exporter::discovery::settings::ScrapeLimits;
use manifesto_exporter::exposition::Format;
use manifesto_exporter::ingest::read_body;

/// The four things that a scrape is asked for.
const KINDS: [&str; 4] = ["version", "availability", "latency", "identity"];

/// Where the corpora say that they were scraped.
const PATH: &str = "/metrics";

/// A service and what its scrape told.
struct Scrape {
    subject: Arc<Subject>,
    observation: Observation,
}

impl Scrape {
    /// Reads a body as a scrape of `service` does.
    fn new(service: &str, aliases: &[String], series: SeriesNames, body: &str) -> Self {
        let subject = Arc::new(Subject::new(service, aliases, series));
        let body = format!("{}\n", body.trim_end());
        let observation = read_body(
            Arc::clone(&subject),
            Format::Text,
            &ScrapeLimits::default(),
            10,
            body.as_bytes(),
        );
        assert_eq!(observation.error(), None, "not a body of {service}: {body}");
        Self {
            subject,
            observation,
        }
    }

    /// What the check named `kind` says of it, scraped under `path`.
    fn judge(&self, kind: &str, path: &str) -> Finding {
        let Scrape {
            subject,
            observation,
        } = self;
        match kind {
            "version" => {
                observation
                    .version
                    .judge(subject, &observation.namespaces, &observation.constants)
            }
            "availability" => observation
                .availability
                .judge(subject, &observation.namespaces),
            "latency" => observation.latency.judge(subject, &observation.namespaces),
            "identity" => observation
                .identity
                .judge(subject, &observation.constants, Some(path)),
            other => panic!("no check named {other}"),
        }
    }
}
