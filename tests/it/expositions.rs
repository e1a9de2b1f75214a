//! The corpus in `tests/expositions`: bodies, and the faults they must and must not have.
//!
//! `text` and `openmetrics` each have `valid` bodies, without any fault, and `faulty` ones, each beside a file
//! of the same name with `.faults` added, one fault a line: severity, line, column, message.
//! `UPDATE_EXPOSITIONS=1` writes these files anew, to be read over before they are committed.

use std::fs;
use std::path::{Path, PathBuf};

use manifesto_exporter::exposition::{Event, Format, Limits, Scanner, Severity};

/// Judges every body of one format, given in chunks of several sizes.
fn check(format: Format, folder: &str) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/expositions")
        .join(folder);
    let mut wrong = Vec::new();
    for (kind, valid) in [("valid", true), ("faulty", false)] {
        let bodies = bodies(&corpus.join(kind));
        assert!(bodies.len() > 10, "{kind} bodies in {}", corpus.display());
        for path in bodies {
            let body = fs::read(&path).unwrap();
            let expected_path = PathBuf::from(format!("{}.faults", path.display()));
            let found = faults(format, &body, body.len().max(1));
            for chunk_bytes in [1, 2, 7, 64] {
                assert_eq!(
                    faults(format, &body, chunk_bytes),
                    found,
                    "{} in chunks of {chunk_bytes}",
                    path.display()
                );
            }
            if !valid && std::env::var_os("UPDATE_EXPOSITIONS").is_some() {
                fs::write(&expected_path, &found).unwrap();
            }
            let expected = if valid {
                String::new()
            } else {
                fs::read_to_string(&expected_path).unwrap_or_default()
            };
            if found != expected || found.is_empty() != valid {
                wrong.push(format!(
                    "{}\nexpected:\n{expected}found:\n{found}",
                    path.display()
                ));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} bodies judged otherwise:\n\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// The bodies in a folder, without the files that tell their faults.
pub(crate) fn bodies(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut bodies: Vec<_> = entries
        .filter(|path| {
            path.extension()
                .is_none_or(|extension| extension != "faults")
        })
        .collect();
    bodies.sort();
    bodies
}

fn faults(format: Format, body: &[u8], chunk_bytes: usize) -> String {
    let mut found = String::new();
    let mut errors = 0;
    let mut sink = |event: Event<'_>| {
        if let Event::Fault(fault) = event {
            errors += u64::from(fault.severity == Severity::Error);
            found.push_str(&format!("{fault}\n"));
        }
    };
    let mut scanner = Scanner::new(format, Limits::default());
    for chunk in body.chunks(chunk_bytes) {
        scanner.feed(chunk, &mut sink);
    }
    let summary = scanner.finish(&mut sink);
    assert_eq!(summary.errors, errors);
    assert_eq!(summary.bytes, body.len() as u64);
    found
}

#[test]
fn text_bodies_are_judged_as_written_beside_them() {
    check(Format::Text, "text");
}

#[test]
fn openmetrics_bodies_are_judged_as_written_beside_them() {
    check(Format::OpenMetrics, "openmetrics");
}
