//! Configuration: raw (what was written) becomes [`Config`] (ready to use), once.

pub mod discovery;
pub mod duration;
mod error;
pub(crate) mod files;
pub mod glob;
pub mod http;
pub mod job;
mod raw;
mod resolve;
mod resolve_http;
mod resolve_job;
mod resolve_rules;
mod resolve_sources;
pub mod rules;
pub mod secret;
mod sources;
pub mod tls;
pub(crate) mod value;
pub(crate) mod yaml;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub use self::discovery::{DiscoveryConfig, ShrinkGuard};
pub use self::error::{ConfigError, Origin, Position};
use self::job::ScrapeJob;
pub use self::rules::RulesConfig;
pub use self::sources::SourceConfig;
pub use self::value::{Day, Interval, Pattern, PortRange, Quarter};
use crate::discovery::relabel;

/// Everything that the configuration says, with every default filled in and every value checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Defaults of the jobs.
    pub global: Global,
    /// What to scrape, in order; the first job that names a target has it.
    pub jobs: Vec<JobConfig>,
    /// Which labels say whom a target belongs to.
    pub labels: LabelNames,
    /// What is special about a service, by its name.
    pub services: BTreeMap<String, ServiceOverride>,
    /// Files of the service catalogue, and patterns of files.
    pub catalogue: Vec<PathBuf>,
    /// Files of records beside it.
    pub records: RecordFiles,
    /// Servers that are asked for evidence.
    pub sources: Vec<Arc<SourceConfig>>,
    /// What is said about the manifesto's rules.
    pub rules: RulesConfig,
    /// Which addresses may be dialled.
    pub dial: DialConfig,
    /// When a shrunken list is believed.
    pub shrink_guard: ShrinkGuard,
    /// How many scrapes may be in flight at once; the scraper's default where not said.
    pub scrape_concurrency: Option<usize>,
    /// How many threads scrape; the daemon's default where not said. Taken at the start.
    pub scrape_threads: Option<usize>,
    /// `series_budget`: compliance series published at the most before targets are summarised.
    pub series_max: usize,
    /// What was accepted and means nothing here, a sentence each.
    pub warnings: Vec<String>,
}

/// `global`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Global {
    /// Time between two scrapes of a target.
    pub scrape_interval: Duration,
    /// Deadline of a scrape.
    pub scrape_timeout: Duration,
}

/// A scrape job with where its targets come from.
#[derive(Debug, Clone, PartialEq)]
pub struct JobConfig {
    /// How its targets are scraped.
    pub job: Arc<ScrapeJob>,
    /// Where they come from, in order: static, file, http.
    pub discovery: Vec<DiscoveryConfig>,
    /// How their labels are rewritten.
    pub relabel: Arc<[relabel::Rule]>,
    /// How many targets are taken after relabelling.
    pub target_limit: Option<usize>,
}

/// `labels`: the first of each that is not empty wins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelNames {
    /// The service's name; the job's name where none is set.
    pub service: Vec<String>,
    /// The environment.
    pub environment: Vec<String>,
    /// The owning team.
    pub team: Vec<String>,
}

impl Default for LabelNames {
    fn default() -> Self {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Self {
            service: names(&["service", "job"]),
            environment: names(&["environment", "env"]),
            team: names(&["team"]),
        }
    }
}

/// An entry of `services`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServiceOverride {
    /// Other names that mean this service.
    pub aliases: Vec<String>,
    /// Names of the series that the foundation rules look at.
    pub series: SeriesNames,
}

/// Where records are kept: paths and patterns of each kind. None: that kind is not kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RecordFiles {
    /// `attestations`.
    pub attestations: Vec<PathBuf>,
    /// `waivers`.
    pub waivers: Vec<PathBuf>,
    /// `objectives`.
    pub objectives: Vec<PathBuf>,
    /// `slos`.
    pub slos: Vec<PathBuf>,
}

/// `series`: where a service names its series otherwise than the manifesto.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SeriesNames {
    /// The series that carries the version.
    pub version: Option<String>,
    /// The series of availability.
    pub availability: Option<String>,
    /// The series of latency.
    pub latency: Option<String>,
}

/// `dial`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DialConfig {
    /// If not empty, only these networks may be dialled.
    pub allow: Vec<ipnet::IpNet>,
    /// These networks may not be dialled, on top of what is always denied.
    pub deny: Vec<ipnet::IpNet>,
    /// If not empty, only these ports may be dialled.
    pub ports: Vec<PortRange>,
    /// Whether credentials may travel over plain HTTP to another machine.
    pub plaintext_credentials: bool,
}

/// The text of the configuration that the binary carries: example and default of a first run.
pub const EMBEDDED: &str = include_str!("../../config.yaml");

/// Reads the configuration file at `path` and the files that it names.
pub fn load(path: &Path) -> Result<Config, ConfigError> {
    let origin = Origin::file(path);
    let text = files::read(&origin, path)?;
    Config::parse(&text, &origin)
}

/// The configuration of a first run: the one that the binary carries.
pub fn embedded() -> Result<Config, ConfigError> {
    Config::parse(EMBEDDED, &Origin::embedded())
}

impl Config {
    /// Whether anything beside targets is configured that could prove a rule.
    pub fn has_evidence(&self) -> bool {
        let asks = |source: &Arc<SourceConfig>| source.kind != crate::sources::SourceKind::Links;
        !self.catalogue.is_empty()
            || self.records != RecordFiles::default()
            || self.sources.iter().any(asks)
    }

    /// Reads a configuration, and the files that it names relative to the origin's folder.
    pub fn parse(text: &str, origin: &Origin) -> Result<Config, ConfigError> {
        let source = yaml::Source { origin, text };
        if text
            .lines()
            .all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'))
        {
            // A truncated file must not empty everything at a reload.
            return Err(ConfigError::of_file(origin, "nothing is configured")
                .with_hint("a minimal configuration is `scrape_configs: []`"));
        }
        resolve::config(source, yaml::parse(source)?)
    }
}
