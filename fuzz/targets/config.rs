//! Any configuration: an error that shows where, or a configuration; never a panic.

#![no_main]

use libfuzzer_sys::fuzz_target;
use manifesto_exporter::config::Config;
use manifesto_exporter::document::Origin;

fuzz_target!(|text: &str| {
    // Other files are not this target's business.
    if text.contains("scrape_config_files") {
        return;
    }
    if let Err(error) = Config::parse(text, &Origin::embedded()) {
        assert!(!error.to_string().is_empty());
    }
});
