//! Configuration: raw (what was written) becomes [`Config`] (ready to use), once. Each stage reads its
//! own settings; this is the only place that knows them all.

mod raw;
mod resolve;
mod settings;

use std::path::Path;

pub use self::settings::Config;
use crate::document::{DocumentError, Origin, files, yaml};

/// The text of the configuration that the binary carries: example and default of a first run.
pub const EMBEDDED: &str = include_str!("../../config.yaml");

/// Reads the configuration file at `path` and the files that it names.
pub fn load(path: &Path) -> Result<Config, DocumentError> {
    let origin = Origin::file(path);
    let text = files::read(&origin, path)?;
    Config::parse(&text, &origin)
}

/// The configuration of a first run: the one that the binary carries.
pub fn embedded() -> Result<Config, DocumentError> {
    Config::parse(EMBEDDED, &Origin::embedded())
}

impl Config {
    /// Reads a configuration, and the files that it names relative to the origin's folder.
    pub fn parse(text: &str, origin: &Origin) -> Result<Config, DocumentError> {
        let warnings = yaml::Warnings::default();
        let source = yaml::Source::new(origin, text).with_warnings(&warnings);
        if text
            .lines()
            .all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'))
        {
            // A truncated file must not empty everything at a reload.
            return Err(DocumentError::of_file(origin, "nothing is configured")
                .with_hint("a minimal configuration is `scrape_configs: []`"));
        }
        let mut config = resolve::config(source, yaml::parse(source)?)?;
        config.warnings.extend(warnings.into_vec());
        Ok(config)
    }
}
