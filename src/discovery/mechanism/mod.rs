//! The mechanisms by which a job finds its targets: all that the rest of discovery knows of them.

pub(super) mod consul;
mod contract;
pub(super) mod dns;
pub(super) mod docker;
pub(super) mod ec2;
pub(super) mod file;
pub(super) mod http;
mod json;
pub(super) mod kubernetes;
pub(super) mod nomad;
mod polled;
pub(super) mod prometheus;
mod pulse;
pub(super) mod static_list;
mod written;

use std::sync::Arc;

use super::groups::{Listing, TargetGroup};
use super::refresh::RunnerGone;
use super::settings::raw::RawScrape;
use crate::document::DocumentError;
use crate::document::yaml::Source;
use crate::http_client::settings::HttpConfig;
use contract::Mechanism;
pub(super) use contract::Surroundings;

/// Makes one kind of the mechanisms: each with the key that it is written under.
macro_rules! mechanisms {
    ($($(#[$doc:meta])* $variant:ident($config:ty) = $name:literal in $key:ident,)*) => {
        /// One source of targets of a job.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum DiscoveryConfig {
            /// `static_configs`: every group of the job.
            Static(Vec<TargetGroup>),
            $($(#[$doc])* $variant(Box<$config>),)*
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
                $(for raw in raw.$key.unwrap_or_default() {
                    let config = <$config as Mechanism>::resolve(source, raw)?;
                    found.push(Self::$variant(Box::new(config)));
                })*
                Ok(found)
            }

            /// The mechanism's name, as in `<name>_sd_configs`.
            pub fn mechanism(&self) -> &'static str {
                match self {
                    DiscoveryConfig::Static(_) => "static",
                    $(DiscoveryConfig::$variant(_) => $name,)*
                }
            }

            /// How it asks a server, where it does.
            pub(crate) fn http(&self) -> Option<&HttpConfig> {
                match self {
                    DiscoveryConfig::Static(_) => None,
                    $(DiscoveryConfig::$variant(config) => config.http(),)*
                }
            }

            /// Whether the list of the one would be of use to the other: the same place, asked otherwise.
            pub(super) fn same_place(&self, other: &Self) -> bool {
                match self {
                    DiscoveryConfig::Static(_) => false,
                    $(DiscoveryConfig::$variant(own) => {
                        matches!(other, DiscoveryConfig::$variant(other) if own.same_place(other))
                    })*
                }
            }

            /// The list of a mechanism that needs no asking.
            pub(super) fn fixed(&self) -> Option<Listing> {
                match self {
                    DiscoveryConfig::Static(groups) => Some(Listing {
                        groups: groups.iter().cloned().map(Arc::new).collect(),
                        ..Listing::default()
                    }),
                    $(DiscoveryConfig::$variant(_) => None,)*
                }
            }

            /// Reports what there is until the runner goes.
            pub(super) async fn run(self, surroundings: Surroundings) -> RunnerGone {
                match self {
                    DiscoveryConfig::Static(_) => RunnerGone,
                    $(DiscoveryConfig::$variant(config) => config.run(surroundings).await,)*
                }
            }
        }
    };
}

mechanisms! {
    /// An entry of `file_sd_configs`.
    File(file::FileSd) = "file" in file_sd_configs,
    /// An entry of `http_sd_configs`.
    Http(http::HttpSd) = "http" in http_sd_configs,
    /// An entry of `kubernetes_sd_configs`.
    Kubernetes(kubernetes::KubernetesSd) = "kubernetes" in kubernetes_sd_configs,
    /// An entry of `dns_sd_configs`.
    Dns(dns::DnsSd) = "dns" in dns_sd_configs,
    /// An entry of `consul_sd_configs`.
    Consul(consul::ConsulSd) = "consul" in consul_sd_configs,
    /// An entry of `docker_sd_configs`.
    Docker(docker::DockerSd) = "docker" in docker_sd_configs,
    /// An entry of `ec2_sd_configs`.
    Ec2(ec2::Ec2Sd) = "ec2" in ec2_sd_configs,
    /// An entry of `nomad_sd_configs`.
    Nomad(nomad::NomadSd) = "nomad" in nomad_sd_configs,
    /// An entry of `prometheus_sd_configs`.
    Prometheus(prometheus::PrometheusSd) = "prometheus" in prometheus_sd_configs,
}

impl DiscoveryConfig {
    /// The name of the source that it is as the `index`th of a job.
    pub(super) fn source_name(&self, job: &str, index: usize) -> String {
        format!("{job}/{}/{index}", self.mechanism())
    }
}
