//! An entry of `scrape_configs` as written.

use std::collections::BTreeMap;

use super::passed::{EscapingScheme, Passed as _, RawProtocol, ValidationScheme};
use super::proof::RawProof;
use crate::discovery::mechanism::consul::RawConsulSd;
use crate::discovery::mechanism::dns::RawDnsSd;
use crate::discovery::mechanism::docker::RawDockerSd;
use crate::discovery::mechanism::ec2::RawEc2Sd;
use crate::discovery::mechanism::file::RawFileSd;
use crate::discovery::mechanism::http::RawHttpSd;
use crate::discovery::mechanism::kubernetes::RawKubernetesSd;
use crate::discovery::mechanism::nomad::RawNomadSd;
use crate::discovery::mechanism::prometheus::RawPrometheusSd;
use crate::discovery::mechanism::static_list::RawGroup;
use crate::discovery::relabel::RawRule;
use crate::document::DocumentError;
use crate::document::quantity::{ByteSize, Count, Period, Real};
use crate::document::value::{Ignored, NullableText};
use crate::document::yaml::{At, Source};
use crate::http_client::raw::with_http_keys;

/// Adds the keys that are accepted and mean nothing here, and the mechanisms not supported.
macro_rules! scrape_keys {
    (
        own { $($own:tt)* }
        mechanisms { $($supported:ident: $entry:ty,)* }
        passed { $($passed:ident: $value:ty,)* }
        unsupported { $($mechanism:ident => $name:literal,)* }
    ) => {
        with_http_keys! {
            /// An entry of `scrape_configs`.
            struct RawScrape {
                $($own)*
                $($supported: Option<Vec<$entry>>,)*
                $($passed: Option<$value>,)*
                $($mechanism: Option<At<Vec<Ignored>>>,)*
            }
        }

        /// What to do about a mechanism that is not supported.
        pub(super) fn instead() -> String {
            let all = [$(concat!("`", stringify!($supported), "`")),*];
            let (last, others) = all.split_last().unwrap_or((&"", &[]));
            format!(
                "a Prometheus that finds the targets already can be asked by `prometheus_sd_configs`, a program that lists them by `http_sd_configs`; built in are {} and {last}",
                others.join(", ")
            )
        }

        impl RawScrape {
            /// The keys that are accepted and mean nothing here.
            pub(super) fn ignored_keys(&self) -> Vec<&'static str> {
                super::global::written(&[
                    $((stringify!($passed), self.$passed.is_some()),)*
                    ("enable_http2", self.enable_http2.is_some()),
                ])
            }

            /// Refuses values of such keys that Prometheus refuses.
            pub(super) fn check_passed(
                &mut self,
                source: Source<'_>,
            ) -> Result<(), DocumentError> {
                $(if let Some(written) = self.$passed.take() {
                    written.check(source)?;
                })*
                Ok(())
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
        proof: Option<At<RawProof>>,
        relabel_configs: Option<Vec<At<RawRule>>>,
    }
    mechanisms {
        static_configs: RawGroup,
        file_sd_configs: At<RawFileSd>,
        http_sd_configs: At<RawHttpSd>,
        kubernetes_sd_configs: At<RawKubernetesSd>,
        dns_sd_configs: At<RawDnsSd>,
        consul_sd_configs: At<RawConsulSd>,
        docker_sd_configs: At<RawDockerSd>,
        ec2_sd_configs: At<RawEc2Sd>,
        nomad_sd_configs: At<RawNomadSd>,
        prometheus_sd_configs: At<RawPrometheusSd>,
    }
    passed {
        metric_relabel_configs: Vec<At<RawRule>>,
        honor_labels: At<bool>,
        honor_timestamps: At<bool>,
        track_timestamps_staleness: At<bool>,
        scrape_protocols: At<Vec<At<RawProtocol>>>,
        scrape_native_histograms: At<bool>,
        always_scrape_classic_histograms: At<bool>,
        convert_classic_histograms_to_nhcb: At<bool>,
        native_histogram_bucket_limit: At<Count>,
        native_histogram_min_bucket_factor: At<Real>,
        keep_dropped_targets: At<Count>,
        scrape_failure_log_file: At<String>,
        metric_name_validation_scheme: At<ValidationScheme>,
        metric_name_escaping_scheme: At<EscapingScheme>,
        extra_scrape_metrics: At<bool>,
    }
    unsupported {
        aws_sd_configs => "aws",
        azure_sd_configs => "azure",
        digitalocean_sd_configs => "digitalocean",
        dockerswarm_sd_configs => "dockerswarm",
        ecs_sd_configs => "ecs",
        elasticache_sd_configs => "elasticache",
        eureka_sd_configs => "eureka",
        gce_sd_configs => "gce",
        hetzner_sd_configs => "hetzner",
        ionos_sd_configs => "ionos",
        kuma_sd_configs => "kuma",
        lightsail_sd_configs => "lightsail",
        linode_sd_configs => "linode",
        marathon_sd_configs => "marathon",
        msk_sd_configs => "msk",
        nerve_sd_configs => "nerve",
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
