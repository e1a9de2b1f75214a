//! `dns_sd_configs`: what names stand for, asked for every so often.

mod client;
mod resolv_conf;
mod settings;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hickory_proto::rr::{RData, Record};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use self::client::{Lookup, Servers};
use super::contract::{Mechanism, Surroundings};
use super::polled::{Polled, poll};
use crate::discovery::groups::{Layers, Listing, TargetGroup};
use crate::discovery::meta::{ADDRESS, Meta, address};
use crate::discovery::refresh::{Refresh, RunnerGone};
use crate::document::DocumentError;
use crate::document::yaml::{At, Source};

pub(crate) use self::settings::{DnsSd, RawDnsSd};

/// Names that are asked for at the same time.
const CONCURRENT_MAX: usize = 16;

impl Mechanism for DnsSd {
    type Raw = RawDnsSd;

    fn resolve(source: Source<'_>, raw: At<RawDnsSd>) -> Result<Self, DocumentError> {
        RawDnsSd::resolve(source, raw)
    }

    fn same_place(&self, other: &Self) -> bool {
        self.names == other.names && self.kind == other.kind
    }

    async fn run(self, surroundings: Surroundings) -> RunnerGone {
        let names = Names {
            config: self,
            known: BTreeMap::new(),
        };
        poll(names, surroundings).await
    }
}

/// The names, with what each stood for last: one that cannot be asked for keeps it.
struct Names {
    config: DnsSd,
    known: BTreeMap<String, Known>,
}

#[derive(Clone)]
struct Known {
    group: Arc<TargetGroup>,
    skipped: Vec<String>,
}

impl Polled for Names {
    fn interval(&self) -> Duration {
        self.config.refresh_interval
    }

    async fn ask(&mut self, until: Instant) -> Refresh {
        let servers = match Servers::read(&self.config.servers).await {
            Ok(servers) => Arc::new(servers),
            Err(error) => return Refresh::failed(error),
        };
        let kind = self.config.kind;
        let mut waiting = self.config.names.clone().into_iter();
        let mut lookups = JoinSet::new();
        let mut errors = Vec::new();
        loop {
            while lookups.len() < CONCURRENT_MAX
                && let Some(name) = waiting.next()
            {
                let servers = Arc::clone(&servers);
                lookups.spawn(async move {
                    let found = servers.lookup(&name, kind).await;
                    (name, found)
                });
            }
            let Ok(ended) = timeout_at(until, lookups.join_next()).await else {
                // Those that wait keep what they stood for, and are asked again.
                let unheard = lookups.len() + waiting.count();
                errors.push(format!("{unheard} names were not answered for in time"));
                break;
            };
            match ended {
                None => break,
                Some(Ok((name, Ok(lookup)))) => self.note(name, lookup),
                Some(Ok((name, Err(error)))) => errors.push(format!("`{name}`: {error}")),
                Some(Err(error)) => errors.push(error.to_string()),
            }
        }
        errors.sort();
        Refresh::of_parts(self.listing(), errors)
    }
}

impl Names {
    /// Takes in what a name stands for. The very same group is not relabelled again.
    fn note(&mut self, name: String, lookup: Lookup) {
        let known = known(&self.config, &name, lookup);
        match self.known.get_mut(&name) {
            Some(before) if *before.group == *known.group => before.skipped = known.skipped,
            _ => {
                self.known.insert(name, known);
            }
        }
    }

    /// What is known; nothing before any name was answered for.
    fn listing(&self) -> Option<Listing> {
        let known = || self.known.values();
        let skipped = known().flat_map(|known| known.skipped.iter().cloned());
        (!self.known.is_empty()).then(|| Listing {
            groups: known().map(|known| Arc::clone(&known.group)).collect(),
            skipped: skipped.take(Listing::SKIPPED_MAX).collect(),
            ..Listing::default()
        })
    }
}

/// What the records of a name come to.
fn known(config: &DnsSd, name: &str, lookup: Lookup) -> Known {
    let mut skipped = Vec::new();
    let mut group = TargetGroup::default();
    for record in lookup.records {
        match target(config, name, &record) {
            Ok(None) => {}
            Ok(Some(target)) => group.targets.push(target),
            Err(what) => skipped.push(format!("`{name}`: a record of type {what} is no target")),
        }
    }
    // Servers give them in turns.
    group
        .targets
        .sort_by(|one, other| one.own.iter().cmp(other.own.iter()));
    Known {
        group: Arc::new(group),
        skipped,
    }
}

/// The labels of a record; `None` of one that names no target.
fn target(config: &DnsSd, name: &str, record: &Record) -> Result<Option<Layers>, String> {
    let mut meta = Meta::new("__meta_dns_");
    meta.set("name", name);
    let rootless = |name: String| name.trim_end_matches('.').to_owned();
    let place = match &record.data {
        // Whoever owns the name says that there is no such service (RFC 2782), where Prometheus scrapes `:0`.
        RData::SRV(srv) if srv.target.is_root() => return Ok(None),
        RData::SRV(srv) => {
            let target = srv.target.to_ascii();
            meta.set("srv_record_target", target.as_str());
            meta.set("srv_record_port", srv.port.to_string());
            address(&rootless(target), srv.port)
        }
        RData::MX(mx) => {
            let exchange = mx.exchange.to_ascii();
            meta.set("mx_record_target", exchange.as_str());
            address(&rootless(exchange), config.port)
        }
        RData::NS(ns) => {
            let server = ns.0.to_ascii();
            meta.set("ns_record_target", server.as_str());
            address(&rootless(server), config.port)
        }
        RData::A(a) => address(&a.0.to_string(), config.port),
        RData::AAAA(aaaa) => address(&aaaa.0.to_string(), config.port),
        RData::CNAME(_) => return Ok(None),
        other => return Err(other.record_type().to_string()),
    };
    meta.set_plain(ADDRESS, place);
    Ok(Some(Layers::from(meta.build())))
}
