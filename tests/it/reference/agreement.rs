//! The scanner and the reader, asked the same.

use std::path::Path;

use manifesto_exporter::exposition::{Event, Format, Limits, Scanner, Severity};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::TestCaseError;

use super::edits::{apply, edits};
use super::valid::valid;
use super::{Entry, Stop, bits, read};
use crate::expositions::bodies;

/// What the scanner makes of a body in pieces.
#[derive(Debug)]
struct Scanned {
    /// Up to the first error: behind that the scanner reads on, which a reader need not.
    entries: Vec<Entry>,
    fails: bool,
    faults: Vec<String>,
}

fn scanned<'a>(format: Format, pieces: impl Iterator<Item = &'a [u8]>) -> Scanned {
    let mut scanned = Scanned {
        entries: Vec::new(),
        fails: false,
        faults: Vec::new(),
    };
    let mut sink = |event: Event<'_>| {
        let entry = match event {
            Event::Fault(fault) => {
                scanned.fails |= fault.severity == Severity::Error;
                scanned.faults.push(fault.to_string());
                return;
            }
            Event::Sample(sample) => Entry::Sample {
                name: sample.name().into_owned(),
                labels: sample
                    .labels()
                    .map(|(name, value)| (name.into_owned(), value.into_owned()))
                    .collect(),
                bits: bits(sample.value),
                time: sample.timestamp,
            },
            Event::Type { name, kind } => Entry::Type {
                name: name.into_owned(),
                kind: kind.as_str().to_owned(),
            },
            Event::Help { name, text } => Entry::Help {
                name: name.into_owned(),
                text: text.into_owned(),
            },
            Event::Unit { name, unit } => Entry::Unit {
                name: name.into_owned(),
                unit: unit.to_owned(),
            },
        };
        if !scanned.fails {
            scanned.entries.push(entry);
        }
    };
    let mut scanner = Scanner::new(format, Limits::default());
    for piece in pieces {
        scanner.feed(piece, &mut sink);
    }
    scanner.finish(&mut sink);
    scanned
}

/// Scans a body cut at these places.
fn scanned_in_pieces(format: Format, body: &[u8], cuts: &[Index]) -> Scanned {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(body.len() + 1)).collect();
    cuts.extend([0, body.len()]);
    cuts.sort_unstable();
    scanned(format, cuts.windows(2).map(|cut| &body[cut[0]..cut[1]]))
}

/// That the two agree about a body, where the reader makes a claim.
fn agree(format: Format, body: &[u8], cuts: &[Index]) -> Result<(), TestCaseError> {
    let (entries, outcome) = read(format, body);
    if matches!(outcome, Err(Stop::OutOfScope(_))) {
        return Ok(());
    }
    let scanned = scanned_in_pieces(format, body, cuts);
    if scanned.fails == outcome.is_err() && scanned.entries == entries {
        return Ok(());
    }
    Err(TestCaseError::fail(format!(
        "{format:?} {}\nreader: {outcome:?} {entries:#?}\nscanner: {scanned:#?}",
        body.escape_ascii()
    )))
}

/// Every body of `tests/expositions`, good and bad.
fn corpus() -> Vec<(Format, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/expositions");
    let formats = [(Format::Text, "text"), (Format::OpenMetrics, "openmetrics")];
    let folders = formats.iter().flat_map(|(format, name)| {
        ["valid", "faulty"].map(|kind| (*format, folder.join(name).join(kind)))
    });
    let files = folders.flat_map(|(format, folder)| {
        let paths = bodies(&folder).into_iter();
        paths.map(move |path| (format, std::fs::read(path).unwrap()))
    });
    files.collect()
}

#[test]
fn the_corpus_is_read_alike() {
    for (format, body) in corpus() {
        agree(format, &body, &[]).unwrap();
    }
}

fn cuts() -> impl Strategy<Value = Vec<Index>> {
    prop::collection::vec(any::<Index>(), 0..6)
}

/// A body as a program would make it, or one of the corpus.
fn body() -> impl Strategy<Value = (Format, Vec<u8>)> {
    prop_oneof![
        3 => valid().prop_map(|valid| (valid.format, valid.body.into_bytes())),
        1 => select(corpus()),
    ]
}

/// As many cases as take a second, unless `PROPTEST_CASES` asks for others.
fn config() -> ProptestConfig {
    let default = ProptestConfig::default();
    let cases = match std::env::var_os("PROPTEST_CASES") {
        Some(_) => default.cases,
        None => 500,
    };
    ProptestConfig {
        cases,
        max_shrink_iters: 20_000,
        ..default
    }
}

proptest! {
    #![proptest_config(config())]

    /// Both read what was written, and neither finds anything wrong with it.
    #[test]
    fn valid_expositions_are_read_as_written(valid in valid(), cuts in cuts()) {
        let (entries, outcome) = read(valid.format, valid.body.as_bytes());
        prop_assert_eq!(outcome, Ok(()));
        prop_assert_eq!(&entries, &valid.entries);
        let scanned = scanned_in_pieces(valid.format, valid.body.as_bytes(), &cuts);
        prop_assert!(scanned.faults.is_empty(), "{:?}", scanned.faults);
        prop_assert_eq!(scanned.entries, entries);
    }

    /// Damaged, they fail for both or for neither, and up to there both read the same.
    #[test]
    fn damaged_expositions_are_read_alike((format, body) in body(), edits in edits(), cuts in cuts()) {
        let body = apply(&edits, &body);
        agree(format, &body, &cuts)?;
    }
}
