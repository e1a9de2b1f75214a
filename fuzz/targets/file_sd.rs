//! Any list of targets: an error, or groups with what was skipped; never a panic.

#![no_main]

use libfuzzer_sys::fuzz_target;
use manifesto_exporter::discovery::lists::{parse, Language};

fuzz_target!(|text: &str| {
    for language in [Language::Json, Language::Yaml] {
        match parse(text, language) {
            Ok(listing) => assert!(listing.skipped.len() <= 100),
            Err(error) => assert!(!error.is_empty()),
        }
    }
});
