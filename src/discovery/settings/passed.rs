//! Settings of Prometheus that mean nothing here: read all the same, so that what Prometheus refuses is refused.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::discovery::relabel::{RawRule, rules};
use crate::document::DocumentError;
use crate::document::quantity::{Count, Period, Real};
use crate::document::value::{LabelName, NullableText};
use crate::document::yaml::{At, Source};

/// A setting whose value is checked and not used.
pub(super) trait Passed: Sized {
    /// Refuses what Prometheus refuses, as far as its type does not.
    fn check(self, _: Source<'_>) -> Result<(), DocumentError> {
        Ok(())
    }
}

/// Booleans.
impl Passed for At<bool> {
    fn check(self, source: Source<'_>) -> Result<(), DocumentError> {
        source.boolean(&self).map(drop)
    }
}

/// Numbers of things.
impl Passed for At<Count> {
    fn check(self, source: Source<'_>) -> Result<(), DocumentError> {
        source.unquoted(&self, "a number").map(drop)
    }
}

/// `native_histogram_min_bucket_factor`.
impl Passed for At<Real> {
    fn check(self, source: Source<'_>) -> Result<(), DocumentError> {
        source.unquoted(&self, "a number").map(drop)
    }
}

/// Files.
impl Passed for At<String> {}

/// Durations.
impl Passed for At<Period> {}

/// `metric_relabel_configs`.
impl Passed for Vec<At<RawRule>> {
    fn check(self, source: Source<'_>) -> Result<(), DocumentError> {
        rules(source, self).map(drop)
    }
}

/// `scrape_protocols`: each once, and one at least.
impl Passed for At<Vec<At<RawProtocol>>> {
    fn check(self, source: Source<'_>) -> Result<(), DocumentError> {
        if self.value.is_empty() {
            return Err(source.error(self.referenced, "no protocol is named"));
        }
        for (at, protocol) in self.value.iter().enumerate() {
            if protocol.value == RawProtocol::None {
                return Err(source.error(protocol.referenced, "a protocol is empty"));
            }
            if self.value[..at]
                .iter()
                .any(|before| before.value == protocol.value)
            {
                return Err(source.error(protocol.referenced, "the protocol is named twice"));
            }
        }
        Ok(())
    }
}

/// `external_labels`.
impl Passed for BTreeMap<LabelName, NullableText> {}

/// `metric_name_validation_scheme`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ValidationScheme {
    Utf8,
    Legacy,
    #[serde(rename = "")]
    None,
}

impl Passed for At<ValidationScheme> {}

/// `metric_name_escaping_scheme`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum EscapingScheme {
    #[serde(rename = "allow-utf-8")]
    AllowUtf8,
    Underscores,
    Dots,
    Values,
    #[serde(rename = "")]
    None,
}

impl Passed for At<EscapingScheme> {}

/// A protocol of `scrape_protocols` and `fallback_scrape_protocol`.
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
    #[serde(rename = "OpenMetricsText2.0.0")]
    OpenMetricsText200,
    /// None, as where the key is not written.
    #[serde(rename = "")]
    None,
}
