//! The mechanisms by which a job finds its targets: all that the rest of discovery knows of them.

pub(super) mod file;
pub(super) mod http;
pub(super) mod kubernetes;
pub(super) mod static_list;

use std::sync::Arc;

use super::groups::{Listing, TargetGroup};
use super::refresh::{RefreshSender, RunnerGone};
use super::settings::raw::RawScrape;
use super::timing::Timing;
use super::watch::SharedWatcher;
use crate::document::DocumentError;
use crate::document::yaml::Source;
use crate::http_client::settings::HttpConfig;
use crate::kubernetes::Access;
use file::{FileSd, RawFileSd};
use http::{HttpSd, RawHttpSd};
use kubernetes::{KubernetesSd, RawKubernetesSd};

/// One source of targets of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DiscoveryConfig {
    /// `static_configs`: every group of the job.
    Static(Vec<TargetGroup>),
    /// An entry of `file_sd_configs`.
    File(FileSd),
    /// An entry of `http_sd_configs`.
    Http(Box<HttpSd>),
    /// An entry of `kubernetes_sd_configs`.
    Kubernetes(Box<KubernetesSd>),
}

impl DiscoveryConfig {
    /// The sources of a job, mechanism by mechanism.
    pub(super) fn resolve(
        source: Source<'_>,
        raw: RawScrape,
        relabelled: bool,
    ) -> Result<Vec<Self>, DocumentError> {
        let mut found = Vec::new();
        let groups = raw.static_configs.unwrap_or_default();
        if !groups.is_empty() {
            let groups = groups.into_iter();
            let groups = groups.map(|group| group.resolve(source, relabelled));
            found.push(Self::Static(groups.collect::<Result<_, _>>()?));
        }
        for raw in raw.file_sd_configs.unwrap_or_default() {
            found.push(Self::File(RawFileSd::resolve(source, raw)?));
        }
        for raw in raw.http_sd_configs.unwrap_or_default() {
            found.push(Self::Http(Box::new(RawHttpSd::resolve(source, raw)?)));
        }
        for raw in raw.kubernetes_sd_configs.unwrap_or_default() {
            let config = RawKubernetesSd::resolve(source, raw)?;
            found.push(Self::Kubernetes(Box::new(config)));
        }
        Ok(found)
    }

    /// The name of the source that it is as the `index`th of a job.
    pub(super) fn source_name(&self, job: &str, index: usize) -> String {
        format!("{job}/{}/{index}", self.mechanism())
    }

    /// The mechanism's name, as in `<name>_sd_configs`.
    pub fn mechanism(&self) -> &'static str {
        match self {
            DiscoveryConfig::Static(_) => "static",
            DiscoveryConfig::File(_) => "file",
            DiscoveryConfig::Http(_) => "http",
            DiscoveryConfig::Kubernetes(_) => "kubernetes",
        }
    }

    /// How it asks a server, where it does.
    pub(crate) fn http(&self) -> Option<&HttpConfig> {
        match self {
            DiscoveryConfig::Static(_) | DiscoveryConfig::File(_) => None,
            DiscoveryConfig::Http(config) => Some(&config.http),
            DiscoveryConfig::Kubernetes(config) => match &config.access {
                Access::Server { http, .. } => Some(http),
                Access::InCluster | Access::Kubeconfig(_) => None,
            },
        }
    }

    /// Whether the list of the one would be of use to the other: the same place, asked otherwise.
    pub(super) fn same_place(&self, other: &Self) -> bool {
        match self {
            DiscoveryConfig::Static(_) => false,
            DiscoveryConfig::File(own) => {
                matches!(other, DiscoveryConfig::File(other) if own.files == other.files)
            }
            DiscoveryConfig::Http(own) => {
                matches!(other, DiscoveryConfig::Http(other) if own.url == other.url)
            }
            DiscoveryConfig::Kubernetes(own) => {
                matches!(other, DiscoveryConfig::Kubernetes(other) if own.same_place(other))
            }
        }
    }

    /// The list of a mechanism that needs no asking.
    pub(super) fn fixed(&self) -> Option<Listing> {
        match self {
            DiscoveryConfig::Static(groups) => Some(Listing {
                groups: groups.iter().cloned().map(Arc::new).collect(),
                skipped: Vec::new(),
            }),
            DiscoveryConfig::File(_)
            | DiscoveryConfig::Http(_)
            | DiscoveryConfig::Kubernetes(_) => None,
        }
    }

    /// Reports what there is until the runner goes.
    pub(super) async fn run(
        self,
        timing: Timing,
        watcher: SharedWatcher,
        reports: RefreshSender,
    ) -> RunnerGone {
        match self {
            DiscoveryConfig::Static(_) => RunnerGone,
            DiscoveryConfig::File(config) => {
                let watch = watcher.folders_of(&config.files);
                file::run(config, timing.deleted_grace, watch, reports).await
            }
            DiscoveryConfig::Http(config) => http::run(*config, timing.retry, reports).await,
            DiscoveryConfig::Kubernetes(config) => kubernetes::run(*config, timing, reports).await,
        }
    }
}
