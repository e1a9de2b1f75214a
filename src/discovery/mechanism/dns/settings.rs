//! `dns_sd_configs` as written, and made ready.

use std::time::Duration;

use hickory_proto::rr::RecordType;
use serde::Deserialize;

use crate::discovery::mechanism::written::{port, refresh_interval};
use crate::document::DocumentError;
use crate::document::quantity::Period;
use crate::document::yaml::{At, Source};

const REFRESH_DEFAULT: Duration = Duration::from_secs(30);
/// Names of one entry.
const NAMES_MAX: usize = 10_000;

/// An entry of `dns_sd_configs`.
#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawDnsSd {
    names: Option<Vec<String>>,
    refresh_interval: Option<Period>,
    #[serde(rename = "type")]
    kind: Option<At<String>>,
    port: Option<At<i64>>,
    /// Ours: Prometheus asks those of `/etc/resolv.conf` alone.
    servers: Option<Vec<At<String>>>,
}

/// The kind of record that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordKind {
    /// Servers with their ports.
    Srv,
    /// IPv4 addresses.
    A,
    /// IPv6 addresses.
    Aaaa,
    /// Mail exchanges.
    Mx,
    /// Name servers.
    Ns,
}

impl RecordKind {
    pub(super) fn record_type(self) -> RecordType {
        match self {
            RecordKind::Srv => RecordType::SRV,
            RecordKind::A => RecordType::A,
            RecordKind::Aaaa => RecordType::AAAA,
            RecordKind::Mx => RecordType::MX,
            RecordKind::Ns => RecordType::NS,
        }
    }
}

/// `dns_sd_configs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsSd {
    /// What is asked for.
    pub names: Vec<String>,
    /// The kind of record.
    pub kind: RecordKind,
    /// The port of targets whose records name none.
    pub port: u16,
    /// Whom to ask, `host:port`; those of `/etc/resolv.conf` where none is named.
    pub servers: Vec<std::net::SocketAddr>,
    /// Time between two requests.
    pub refresh_interval: Duration,
}

impl RawDnsSd {
    /// Makes it ready.
    pub(super) fn resolve(source: Source<'_>, raw: At<Self>) -> Result<DnsSd, DocumentError> {
        let (at, raw) = (raw.referenced, raw.value);
        let mut names = raw.names.unwrap_or_default();
        if names.is_empty() {
            let message = "`dns_sd_configs` needs at least one name in `names`";
            return Err(source.error(at, message));
        }
        if names.len() > NAMES_MAX {
            let message = format!("{} names are more than {NAMES_MAX}", names.len());
            return Err(source.error(at, message));
        }
        names.sort();
        names.dedup();
        let kind = match &raw.kind {
            None => RecordKind::Srv,
            Some(written) => match written.value.to_ascii_uppercase().as_str() {
                "SRV" => RecordKind::Srv,
                "A" => RecordKind::A,
                "AAAA" => RecordKind::Aaaa,
                "MX" => RecordKind::Mx,
                "NS" => RecordKind::Ns,
                _ => {
                    let message = format!("`{}` is no type of record for targets", written.value);
                    let error = source.error(written.referenced, message);
                    return Err(error.with_hint("one of `SRV`, `A`, `AAAA`, `MX`, `NS`"));
                }
            },
        };
        let port = match raw.port.filter(|port| port.value != 0) {
            None if kind == RecordKind::Srv => 0,
            None => {
                let message = "`port` is missing: records of this type name none";
                return Err(source.error(at, message));
            }
            Some(written) => port(source, &written)?,
        };
        let servers = raw.servers.unwrap_or_default().into_iter().map(|server| {
            let parsed = server.value.parse();
            parsed.map_err(|_| {
                let message = format!("`{}` is no address with a port", server.value);
                let error = source.error(server.referenced, message);
                error.with_hint("as `127.0.0.1:8600`")
            })
        });
        Ok(DnsSd {
            names,
            kind,
            port,
            servers: servers.collect::<Result<_, _>>()?,
            refresh_interval: refresh_interval(raw.refresh_interval, REFRESH_DEFAULT),
        })
    }
}
