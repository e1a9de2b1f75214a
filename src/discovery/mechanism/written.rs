//! What the entries of several mechanisms have in common, as it is written.

use std::time::Duration;

use serde::Deserialize;

use crate::document::DocumentError;
use crate::document::quantity::Period;
use crate::document::yaml::{At, Source};

/// An entry of `filters`: all of them have to hold, each by one of its values.
#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawFilter {
    pub(super) name: String,
    pub(super) values: Option<Vec<String>>,
}

/// `refresh_interval`. Zero is as if nothing were written, as in Prometheus.
pub(super) fn refresh_interval(written: Option<Period>, default: Duration) -> Duration {
    match written {
        Some(period) if !period.0.is_zero() => period.0,
        Some(_) | None => default,
    }
}

/// `port`.
pub(super) fn port(source: Source<'_>, written: &At<i64>) -> Result<u16, DocumentError> {
    u16::try_from(written.value).map_err(|_| {
        let message = format!("{} is no port", written.value);
        source.error(written.referenced, message)
    })
}
