//! `ec2_sd_configs` as written, and made ready.

use std::sync::Arc;
use std::time::Duration;

use crate::aws::{Access, Role, check_region, endpoint};
use crate::discovery::mechanism::written::{RawFilter, port, refresh_interval};
use crate::document::DocumentError;
use crate::document::quantity::Period;
use crate::document::secret::Secret;
use crate::document::yaml::{At, Source};
use crate::http_client::http;
use crate::http_client::raw::with_http_keys;

const REFRESH_DEFAULT: Duration = Duration::from_secs(60);
const PORT_DEFAULT: u16 = 80;

with_http_keys! {
    /// An entry of `ec2_sd_configs`.
    struct RawEc2Sd {
        endpoint: Option<At<String>>,
        region: Option<At<String>>,
        access_key: Option<String>,
        secret_key: Option<Secret>,
        profile: Option<String>,
        role_arn: Option<String>,
        external_id: Option<String>,
        port: Option<At<i64>>,
        filters: Option<Vec<At<RawFilter>>>,
        refresh_interval: Option<Period>,
    }
}

/// `ec2_sd_configs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ec2Sd {
    /// Who asks, and where.
    pub access: Access,
    /// The port of every target.
    pub port: u16,
    /// Which instances: names with the values of each.
    pub filters: Vec<(String, Vec<String>)>,
    /// Time between two requests.
    pub refresh_interval: Duration,
}

impl Ec2Sd {
    /// As the API wants them.
    pub(super) fn filters(&self) -> Vec<(String, String)> {
        let mut parameters = Vec::new();
        for ((name, values), nth) in self.filters.iter().zip(1..) {
            parameters.push((format!("Filter.{nth}.Name"), name.clone()));
            let values = values.iter().zip(1..);
            parameters.extend(
                values.map(|(value, other)| (format!("Filter.{nth}.Value.{other}"), value.clone())),
            );
        }
        parameters
    }
}

impl RawEc2Sd {
    /// Makes it ready.
    pub(super) fn resolve(source: Source<'_>, raw: At<Self>) -> Result<Ec2Sd, DocumentError> {
        let (at, mut raw) = (raw.referenced, raw.value);
        let http = http(source, raw.take_http())?;
        let said = |text: Option<String>| text.filter(|text| !text.is_empty());
        let written = raw.endpoint.filter(|written| !written.value.is_empty());
        let place = match written {
            None => None,
            Some(written) => Some(endpoint(&written.value).map_err(|error| {
                source.error(written.referenced, format!("`endpoint`: {error}"))
            })?),
        };
        let secret = raw.secret_key.filter(|key| !key.expose().is_empty());
        let key = match (said(raw.access_key), secret) {
            (Some(id), Some(secret)) => Some((id, secret)),
            (None, None) => None,
            // As in Prometheus.
            (Some(_), None) | (None, Some(_)) => {
                let message = "of `access_key` and `secret_key` one is missing: neither is used";
                source.warn(at, message);
                None
            }
        };
        let external_id = said(raw.external_id);
        let role = match said(raw.role_arn) {
            Some(arn) => Some(Role { arn, external_id }),
            None => {
                if external_id.is_some() {
                    source.warn(at, "`external_id` is of a `role_arn`, and there is none");
                }
                None
            }
        };
        let region = raw.region.filter(|region| !region.value.is_empty());
        if let Some(region) = &region {
            let checked = check_region(&region.value);
            checked.map_err(|error| source.error(region.referenced, error))?;
        }
        let port = match &raw.port {
            None => PORT_DEFAULT,
            Some(written) => port(source, written)?,
        };
        let mut filters = Vec::new();
        for filter in raw.filters.unwrap_or_default() {
            let values = filter.value.values.unwrap_or_default();
            if values.is_empty() {
                return Err(source.error(filter.referenced, "a filter without `values`"));
            }
            filters.push((filter.value.name, values));
        }
        Ok(Ec2Sd {
            access: Access {
                region: region.map(|region| region.value),
                endpoint: place,
                key,
                profile: said(raw.profile),
                role,
                http: Arc::new(http),
            },
            port,
            filters,
            refresh_interval: refresh_interval(raw.refresh_interval, REFRESH_DEFAULT),
        })
    }
}
