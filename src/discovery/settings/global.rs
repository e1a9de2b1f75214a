//! `global`: what jobs inherit.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use super::passed::{EscapingScheme, Passed as _, RawProtocol, ValidationScheme};
use crate::document::DocumentError;
use crate::document::duration::display;
use crate::document::quantity::{ByteSize, Count, Period};
use crate::document::value::{LabelName, NullableText};
use crate::document::yaml::{At, Source};

/// As in Prometheus.
const INTERVAL_DEFAULT: Duration = Duration::from_secs(60);
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(10);

/// `global`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Global {
    /// Time between two scrapes of a target.
    pub scrape_interval: Duration,
    /// Deadline of a scrape.
    pub scrape_timeout: Duration,
}

/// Adds the keys that are accepted and mean nothing here.
macro_rules! global_keys {
    (own { $($own:ident: $type:ty,)* } passed { $($passed:ident: $value:ty,)* }) => {
        /// `global` as written: Prometheus's.
        #[derive(Debug, Deserialize, Default)]
        #[serde(deny_unknown_fields, default)]
        pub(crate) struct RawGlobal {
            $(pub(super) $own: Option<$type>,)*
            $($passed: Option<$value>,)*
        }

        impl RawGlobal {
            /// The keys that are accepted and mean nothing here.
            pub(super) fn ignored_keys(&self) -> Vec<&'static str> {
                written(&[$((stringify!($passed), self.$passed.is_some()),)*])
            }

            /// Refuses values of such keys that Prometheus refuses.
            pub(super) fn check_passed(&self, source: Source<'_>) -> Result<(), DocumentError> {
                $(if let Some(written) = &self.$passed {
                    written.clone().check(source)?;
                })*
                Ok(())
            }
        }
    };
}

global_keys! {
    own {
        scrape_interval: At<Period>,
        scrape_timeout: At<Period>,
        body_size_limit: ByteSize,
        sample_limit: At<Count>,
        target_limit: At<Count>,
        label_limit: At<Count>,
        label_name_length_limit: At<Count>,
        label_value_length_limit: At<Count>,
    }
    passed {
        external_labels: BTreeMap<LabelName, NullableText>,
        evaluation_interval: At<Period>,
        rule_query_offset: At<Period>,
        query_log_file: At<String>,
        scrape_failure_log_file: At<String>,
        scrape_protocols: At<Vec<At<RawProtocol>>>,
        keep_dropped_targets: At<Count>,
        metric_name_validation_scheme: At<ValidationScheme>,
        metric_name_escaping_scheme: At<EscapingScheme>,
        scrape_native_histograms: At<bool>,
        convert_classic_histograms_to_nhcb: At<bool>,
        always_scrape_classic_histograms: At<bool>,
        extra_scrape_metrics: At<bool>,
    }
}

impl RawGlobal {
    /// Makes it ready.
    pub(super) fn resolve(&self, source: Source<'_>) -> Result<Global, DocumentError> {
        let scrape_interval =
            set(&self.scrape_interval).map_or(INTERVAL_DEFAULT, |written| written.value.0);
        let scrape_timeout = match set(&self.scrape_timeout) {
            None => TIMEOUT_DEFAULT.min(scrape_interval),
            Some(timeout) if timeout.value.0 > scrape_interval => {
                let message = format!(
                    "`scrape_timeout` {} is longer than `scrape_interval` {}",
                    display(timeout.value.0),
                    display(scrape_interval)
                );
                return Err(source.error(timeout.referenced, message));
            }
            Some(timeout) => timeout.value.0,
        };
        Ok(Global {
            scrape_interval,
            scrape_timeout,
        })
    }
}

/// A duration that says something: 0 is none, as in Prometheus.
pub(super) fn set(written: &Option<At<Period>>) -> Option<&At<Period>> {
    written
        .as_ref()
        .filter(|written| !written.value.0.is_zero())
}

/// The names of those keys that were written.
pub(super) fn written(keys: &[(&'static str, bool)]) -> Vec<&'static str> {
    keys.iter()
        .filter(|(_, is_written)| *is_written)
        .map(|(name, _)| *name)
        .collect()
}
