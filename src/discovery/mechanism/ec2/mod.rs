//! `ec2_sd_configs`: instances of a region, as Prometheus finds them.

mod instances;
mod settings;
mod targets;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::contract::{Mechanism, Surroundings};
use super::polled::{Polled, deadline, poll};
use crate::aws::{Aws, Service, Visit};
use crate::discovery::groups::{LIST_TARGETS_MAX, Layers, Listing, TargetGroup};
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

impl Mechanism for Ec2Sd {
    type Raw = RawEc2Sd;

    fn resolve(source: Source<'_>, raw: At<RawEc2Sd>) -> Result<Self, DocumentError> {
        RawEc2Sd::resolve(source, raw)
    }

    fn http(&self) -> Option<&HttpConfig> {
        Some(&self.access.http)
    }

    fn same_place(&self, other: &Self) -> bool {
        self.access.region == other.access.region && self.access.endpoint == other.access.endpoint
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

    async fn ask(&mut self, _until: Instant) -> Refresh {
        self.instances().await.into()
    }
}

impl Ec2 {
    async fn instances(&mut self) -> Result<Listing, String> {
        let visit = self.aws.visit(Service::Ec2).await?;
        if self.zones.is_none() {
            // A label less is no reason to find nothing.
            match zones(&visit).await {
                Ok(zones) => self.zones = Some(zones),
                Err(error) => tracing::debug!(error, "no ids of availability zones"),
            }
        }
        let mut asked = self.config.filters();
        let first = asked.len();
        asked.push(("MaxResults".to_owned(), PAGE.to_owned()));
        let (mut targets, mut seen) = (Vec::new(), HashSet::new());
        loop {
            let answer: Instances = visit.ask("DescribeInstances", &asked).await?;
            for reservation in answer.reservations.items {
                let owner = reservation.owner_id.as_deref();
                let found = reservation.instances.items.iter();
                let found = found.filter_map(|instance| {
                    let zones = self.zones.as_ref();
                    target(instance, owner, visit.region(), zones, self.config.port)
                });
                targets.extend(found.map(Layers::from));
            }
            if targets.len() > LIST_TARGETS_MAX {
                return Err(format!("more than {LIST_TARGETS_MAX} targets"));
            }
            let Some(next) = answer.next_token.filter(|token| !token.is_empty()) else {
                break;
            };
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
