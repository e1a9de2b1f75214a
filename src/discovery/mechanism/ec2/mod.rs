//! `ec2_sd_configs`: instances of a region, as Prometheus finds them.

mod instances;
mod settings;
mod targets;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::contract::{Mechanism, Surroundings};
use super::polled::{Polled, deadline, poll};
use crate::aws::{Aws, Service, Visit};
use crate::discovery::groups::{LIST_TARGETS_MAX, Layers, Listing, TargetGroup, check_bytes};
use crate::discovery::refresh::{Refresh, RunnerGone};
use crate::document::DocumentError;
use crate::document::yaml::{At, Source};
use crate::http_client::settings::HttpConfig;
use instances::{Instances, Zones};
pub(in crate::discovery) use settings::Ec2Sd;
pub(in crate::discovery) use settings::RawEc2Sd;
use targets::target;

/// Instances of an answer: the most that the API gives.
const PAGE: &str = "1000";
/// Answers of one list.
const PAGES_MAX: usize = 1000;
/// Bytes of what says where a list goes on.
const TOKEN_BYTES_MAX: usize = 16 * 1024;
/// The share of the time in which the zones have to be told.
const ZONES_SHARE: u32 = 4;

impl Mechanism for Ec2Sd {
    type Raw = RawEc2Sd;

    fn resolve(source: Source<'_>, raw: At<RawEc2Sd>) -> Result<Self, DocumentError> {
        RawEc2Sd::resolve(source, raw)
    }

    fn http(&self) -> Option<&HttpConfig> {
        Some(&self.access.http)
    }

    fn same_place(&self, other: &Self) -> bool {
        // Who asks decides whose instances there are.
        let (own, other) = (&self.access, &other.access);
        let same_place = own.region == other.region && own.endpoint == other.endpoint;
        same_place && own.key == other.key && own.profile == other.profile && own.role == other.role
    }

    async fn run(self, surroundings: Surroundings) -> RunnerGone {
        let deadline = deadline(self.refresh_interval);
        let region = Ec2 {
            aws: Aws::new(self.access.clone(), deadline),
            config: self,
            zones: None,
        };
        poll(region, surroundings).await
    }
}

/// A region.
struct Ec2 {
    config: Ec2Sd,
    aws: Aws,
    /// Ids of the zones by name, once they were told: the names differ from account to account, the ids do not.
    zones: Option<BTreeMap<String, String>>,
}

impl Polled for Ec2 {
    fn interval(&self) -> Duration {
        self.config.refresh_interval
    }

    async fn ask(&mut self, until: Instant) -> Refresh {
        self.instances(until).await.into()
    }
}

impl Ec2 {
    async fn instances(&mut self, until: Instant) -> Result<Listing, String> {
        let visit = self.aws.visit(Service::Ec2).await?;
        if self.zones.is_none() {
            // A label less is no reason to find nothing.
            let part = until.saturating_duration_since(Instant::now()) / ZONES_SHARE;
            match timeout(part, zones(&visit)).await {
                Ok(Ok(zones)) => self.zones = Some(zones),
                Ok(Err(error)) => tracing::debug!(error, "no ids of availability zones"),
                Err(_) => tracing::debug!("no ids of availability zones: no answer in time"),
            }
        }
        let mut asked = self.config.filters();
        let first = asked.len();
        asked.push(("MaxResults".to_owned(), PAGE.to_owned()));
        let (mut targets, mut seen, mut bytes) = (Vec::new(), HashSet::new(), 0);
        loop {
            let answer: Instances = visit.ask("DescribeInstances", &asked).await?;
            for reservation in answer.reservations.items {
                let owner = reservation.owner_id.as_deref();
                let found = reservation.instances.items.iter();
                let found = found.filter_map(|instance| {
                    let zones = self.zones.as_ref();
                    target(instance, owner, visit.region(), zones, self.config.port)
                });
                for target in found {
                    bytes += target.bytes();
                    targets.push(Layers::from(target));
                }
            }
            if targets.len() > LIST_TARGETS_MAX {
                return Err(format!("more than {LIST_TARGETS_MAX} targets"));
            }
            check_bytes(bytes)?;
            let Some(next) = answer.next_token.filter(|token| !token.is_empty()) else {
                break;
            };
            if next.len() > TOKEN_BYTES_MAX {
                let length = next.len();
                return Err(format!(
                    "NextToken has {length} bytes, more than {TOKEN_BYTES_MAX}"
                ));
            }
            asked.truncate(first + 1);
            asked.push(("NextToken".to_owned(), next.clone()));
            if !seen.insert(next) {
                return Err("the pages of the list go in a circle".to_owned());
            }
            if seen.len() >= PAGES_MAX {
                return Err(format!("the list has more than {PAGES_MAX} pages"));
            }
        }
        let group = TargetGroup {
            targets,
            common: Layers::default(),
        };
        Ok(Listing {
            groups: vec![Arc::new(group)],
            ..Listing::default()
        })
    }
}

async fn zones(visit: &Visit<'_>) -> Result<BTreeMap<String, String>, String> {
    let answer: Zones = visit.ask("DescribeAvailabilityZones", &[]).await?;
    let zones = answer.zones.items.into_iter();
    Ok(zones
        .filter_map(|zone| Some((zone.name?, zone.id?)))
        .collect())
}
