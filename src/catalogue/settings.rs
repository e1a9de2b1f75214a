//! What the configuration says of what people write down.

use std::path::PathBuf;

use serde::Deserialize;

/// Where records are: paths and patterns of each kind. None: that kind is not configured.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RecordFiles {
    /// `attestations`.
    pub attestations: Vec<PathBuf>,
    /// `waivers`.
    pub waivers: Vec<PathBuf>,
    /// `objectives`.
    pub objectives: Vec<PathBuf>,
    /// `initiatives`.
    pub initiatives: Vec<PathBuf>,
    /// `slos`.
    pub slos: Vec<PathBuf>,
}

/// An entry of `services`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServiceOverride {
    /// Other names that mean this service.
    pub aliases: Vec<String>,
    /// Names of the series that the foundation rules look at.
    pub series: SeriesNames,
}

/// `series`: where a service names its series otherwise than the manifesto.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SeriesNames {
    /// The series that carries the version.
    pub version: Option<String>,
    /// The series of availability.
    pub availability: Option<String>,
    /// The series of latency.
    pub latency: Option<String>,
}
