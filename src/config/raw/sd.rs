//! Discovery mechanisms as written.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use super::super::value::{Interval, LabelName, ShownUrl};
use super::super::yaml::At;
use super::http::with_http_keys;

/// An entry of `static_configs`.
#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(in crate::config) struct RawGroup {
    pub(in crate::config) targets: Option<Vec<At<String>>>,
    pub(in crate::config) labels: Option<BTreeMap<LabelName, String>>,
}

/// An entry of `file_sd_configs`.
#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(in crate::config) struct RawFileSd {
    pub(in crate::config) files: Option<Vec<At<PathBuf>>>,
    pub(in crate::config) refresh_interval: Option<Interval>,
}

with_http_keys! {
    /// An entry of `http_sd_configs`.
    struct RawHttpSd {
        url: Option<At<ShownUrl>>,
        refresh_interval: Option<Interval>,
    }
}
