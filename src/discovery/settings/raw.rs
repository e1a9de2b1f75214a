//! An entry of `scrape_configs` as written.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::discovery::mechanism::file::RawFileSd;
use crate::discovery::mechanism::http::RawHttpSd;
use crate::discovery::mechanism::static_list::RawGroup;
use crate::discovery::relabel::RawRule;
use crate::document::quantity::{ByteSize, Count, Period};
use crate::document::value::{Ignored, NullableText};
use crate::document::yaml::At;
use crate::http_client::raw::with_http_keys;

/// Adds the keys that are accepted and mean nothing here, and the mechanisms not supported.
macro_rules! scrape_keys {
    (
        own { $($own:tt)* }
        mechanisms { $($supported:ident: $entry:ty,)* }
        ignored_keys { $($passed:ident,)* }
        unsupported { $($mechanism:ident => $name:literal,)* }
    ) => {
        with_http_keys! {
            /// An entry of `scrape_configs`.
            struct RawScrape {
                $($own)*
                $($supported: Option<Vec<$entry>>,)*
                $($passed: Option<Ignored>,)*
                $($mechanism: Option<At<Vec<Ignored>>>,)*
            }
        }

        /// The mechanisms that are supported, for a message about one that is not.
        pub(super) fn supported() -> String {
            let all = [$(concat!("`", stringify!($supported), "`")),*];
            let (last, others) = all.split_last().unwrap_or((&"", &[]));
            format!("supported are {} and {last}", others.join(", "))
        }

        impl RawScrape {
            /// The keys that are accepted and mean nothing here.
            pub(super) fn ignored_keys(&self) -> Vec<&'static str> {
                super::global::written(&[
                    $((stringify!($passed), self.$passed),)*
                    ("enable_http2", self.enable_http2),
                ])
            }

            /// A discovery mechanism of Prometheus that is not supported, and where it stands.
            pub(super) fn unsupported(
                &self,
            ) -> Option<(&'static str, serde_saphyr::Location)> {
                // An empty list finds nothing, as one that is not there.
                $(if let Some(written) = &self.$mechanism
                    && !written.value.is_empty()
                {
                    return Some(($name, written.referenced));
                })*
                None
            }
        }
    };
}

scrape_keys! {
    own {
        job_name: Option<At<String>>,
        scrape_interval: Option<At<Period>>,
        scrape_timeout: Option<At<Period>>,
        metrics_path: Option<At<String>>,
        params: Option<BTreeMap<String, Option<Vec<NullableText>>>>,
        scheme: Option<At<String>>,
        body_size_limit: Option<ByteSize>,
        sample_limit: Option<At<Count>>,
        label_limit: Option<At<Count>>,
        label_name_length_limit: Option<At<Count>>,
        label_value_length_limit: Option<At<Count>>,
        target_limit: Option<At<Count>>,
        enable_compression: Option<At<bool>>,
        fallback_scrape_protocol: Option<At<RawProtocol>>,
        relabel_configs: Option<Vec<At<RawRule>>>,
    }
    mechanisms {
        static_configs: RawGroup,
        file_sd_configs: At<RawFileSd>,
        http_sd_configs: At<RawHttpSd>,
    }
    ignored_keys {
        metric_relabel_configs,
        honor_labels,
        honor_timestamps,
        track_timestamps_staleness,
        scrape_protocols,
        scrape_native_histograms,
        scrape_classic_histograms,
        always_scrape_classic_histograms,
        convert_classic_histograms_to_nhcb,
        native_histogram_bucket_limit,
        native_histogram_min_bucket_factor,
        keep_dropped_targets,
        scrape_failure_log_file,
        metric_name_validation_scheme,
        metric_name_escaping_scheme,
        extra_scrape_metrics,
    }
    unsupported {
        aws_sd_configs => "aws",
        azure_sd_configs => "azure",
        consul_sd_configs => "consul",
        digitalocean_sd_configs => "digitalocean",
        dns_sd_configs => "dns",
        docker_sd_configs => "docker",
        dockerswarm_sd_configs => "dockerswarm",
        ec2_sd_configs => "ec2",
        ecs_sd_configs => "ecs",
        elasticache_sd_configs => "elasticache",
        eureka_sd_configs => "eureka",
        gce_sd_configs => "gce",
        hetzner_sd_configs => "hetzner",
        ionos_sd_configs => "ionos",
        kubernetes_sd_configs => "kubernetes",
        kuma_sd_configs => "kuma",
        lightsail_sd_configs => "lightsail",
        linode_sd_configs => "linode",
        marathon_sd_configs => "marathon",
        msk_sd_configs => "msk",
        nerve_sd_configs => "nerve",
        nomad_sd_configs => "nomad",
        oci_sd_configs => "oci",
        openstack_sd_configs => "openstack",
        outscale_sd_configs => "outscale",
        ovhcloud_sd_configs => "ovhcloud",
        puppetdb_sd_configs => "puppetdb",
        rds_sd_configs => "rds",
        scaleway_sd_configs => "scaleway",
        serverset_sd_configs => "serverset",
        stackit_sd_configs => "stackit",
        triton_sd_configs => "triton",
        uyuni_sd_configs => "uyuni",
        vultr_sd_configs => "vultr",
    }
}

/// `fallback_scrape_protocol`.
#[derive(Debug, Clone, Copy, Deserialize, PartialEq, Eq)]
pub(crate) enum RawProtocol {
    PrometheusProto,
    #[serde(rename = "PrometheusText0.0.4")]
    PrometheusText004,
    #[serde(rename = "PrometheusText1.0.0")]
    PrometheusText100,
    #[serde(rename = "OpenMetricsText0.0.1")]
    OpenMetricsText001,
    #[serde(rename = "OpenMetricsText1.0.0")]
    OpenMetricsText100,
    /// None, as where the key is not written.
    #[serde(rename = "")]
    None,
}
