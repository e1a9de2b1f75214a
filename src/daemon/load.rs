//! Reading a configuration with all that it names.

use std::path::PathBuf;
use std::time::SystemTime;

use crate::catalogue::{Catalogue, Records};
use crate::config::{self, Config};
use crate::document::DocumentError;
use crate::manifesto::ManifestoError;
use crate::scrape::{Capacity, ScrapeSettings};
use crate::snapshot::Ruleset;

/// Where a configuration comes from.
#[derive(Debug, Clone, Default)]
pub enum ConfigSource {
    /// A file, read again at each reload.
    File(PathBuf),
    /// The default that the binary carries.
    #[default]
    Embedded,
    /// Put together by the caller: it cannot be read again.
    Fixed,
}

/// Why the daemon did not start, or ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration cannot be used.
    #[error("{0}")]
    Config(#[from] DocumentError),
    /// Its changes of the rules cannot.
    #[error("{0}")]
    Manifesto(#[from] ManifestoError),
    /// Two of our own metrics have the same name.
    #[error("own telemetry: {0}")]
    Telemetry(#[from] prometheus::Error),
    /// No threads to scrape with.
    #[error("the threads that scrape could not be started: {0}")]
    Threads(#[from] std::io::Error),
    /// A task that runs until shutdown ended before: a defect of ours.
    #[error("the daemon's {task} ended: {why}")]
    TaskEnded {
        /// Which.
        task: &'static str,
        /// How.
        why: String,
    },
    /// There is nothing to read again.
    #[error("this configuration was not read from a file and cannot be reloaded")]
    Fixed,
}

/// A configuration with the rules that it makes.
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// The rules.
    pub ruleset: Ruleset,
    /// When it began to be read.
    pub begun: SystemTime,
}

/// Reads the configuration file, or the embedded default.
pub fn load(config_file: Option<&std::path::Path>) -> Result<Loaded, StartError> {
    let begun = SystemTime::now();
    let config = match config_file {
        Some(path) => config::load(path)?,
        None => config::embedded()?,
    };
    let catalogue = Catalogue::load(&config.catalogue)?;
    let records = Records::load(&config.records, &config.calendar)?;
    let ruleset = config.ruleset(catalogue, records)?;
    Ok(Loaded {
        config,
        ruleset,
        begun,
    })
}

/// How the configuration wants scraping done.
pub(super) fn scrape_settings(config: &Config) -> ScrapeSettings {
    let mut capacity = Capacity::of_this_process();
    if let Some(wanted) = config.scrape_concurrency {
        capacity.in_flight_max = wanted;
        capacity.suspects_max = wanted.div_ceil(2);
    }
    ScrapeSettings {
        dial: config.dial.clone(),
        capacity,
        allow_plaintext_credentials: config.plaintext_credentials,
    }
}
