//! The scanner beside a second reader of expositions, written to be plain and slow.
//!
//! The reader goes through a body once, character by character, as the descriptions of the text
//! format 0.0.4 and of OpenMetrics 1.0 go, and where Prometheus takes more than they allow (quoted
//! names, labels without commas between them) as its parser does. It says what was read, and
//! whether a scrape of the body fails. It shares no code with `src/exposition`.
//!
//! It judges nothing that Prometheus tolerates: the rules of OpenMetrics on families (their names,
//! their order, what their values may be) are for `tests/expositions`. It claims nothing where a
//! body has a NUL byte (Prometheus ends some bodies there and reads past it in others), or a time
//! that no 64-bit count of milliseconds holds.

mod agreement;
mod cursor;
mod edits;
mod openmetrics;
mod series;
mod text;
mod valid;
mod words;

use manifesto_exporter::exposition::Format;

/// One thing that a body says.
#[derive(Debug, Clone, PartialEq)]
enum Entry {
    Sample {
        name: String,
        labels: Vec<(String, String)>,
        /// Of the value, every NaN being one.
        bits: u64,
        /// In milliseconds.
        time: Option<i64>,
    },
    Type {
        name: String,
        kind: String,
    },
    Help {
        name: String,
        text: String,
    },
    Unit {
        name: String,
        unit: String,
    },
}

/// What is to be compared of a value.
fn bits(value: f64) -> u64 {
    if value.is_nan() {
        f64::NAN.to_bits()
    } else {
        value.to_bits()
    }
}

/// Why reading ended before the body did.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Stop {
    /// The scrape fails here.
    Fails(String),
    /// What this should be is not for this reader to say.
    OutOfScope(&'static str),
}

type Read<T> = Result<T, Stop>;

fn fails<T>(why: impl Into<String>) -> Read<T> {
    Err(Stop::Fails(why.into()))
}

/// Everything read before the body ended or reading did, and why it did.
fn read(format: Format, body: &[u8]) -> (Vec<Entry>, Read<()>) {
    let mut entries = Vec::new();
    let outcome = match format {
        _ if body.contains(&0) => Err(Stop::OutOfScope("a NUL byte")),
        // Nothing is parsed of nothing.
        _ if body.is_empty() => Ok(()),
        Format::Text => text::read(body, &mut entries),
        Format::OpenMetrics => openmetrics::read(body, &mut entries),
    };
    (entries, outcome)
}
