//! Instances of a service as targets. Pure.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::settings::ConsulSd;
use crate::discovery::groups::{Layers, TargetGroup};
use crate::discovery::meta::{ADDRESS, Meta, address, surrounded};
use crate::document::value::nullable;
use crate::labels::Labels;

/// The check that puts a node into maintenance, and the prefix of those that do so with a service.
const NODE_MAINTENANCE: &str = "_node_maintenance";
const SERVICE_MAINTENANCE: &str = "_service_maintenance:";

type Map = BTreeMap<String, String>;

/// An instance, as the health API says it.
#[derive(Debug, Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Instance {
    node: Node,
    service: Service,
    #[serde(deserialize_with = "nullable")]
    checks: Vec<Check>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct Node {
    node: String,
    address: String,
    #[serde(deserialize_with = "nullable")]
    meta: Map,
    #[serde(deserialize_with = "nullable")]
    tagged_addresses: Map,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct Service {
    #[serde(rename = "ID")]
    id: String,
    address: String,
    port: i64,
    namespace: String,
    partition: String,
    #[serde(deserialize_with = "nullable")]
    tags: Vec<String>,
    #[serde(deserialize_with = "nullable")]
    meta: Map,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct Check {
    #[serde(rename = "CheckID")]
    id: String,
    status: String,
}

impl Check {
    fn is_maintenance(&self) -> bool {
        self.id == NODE_MAINTENANCE || self.id.starts_with(SERVICE_MAINTENANCE)
    }
}

/// The worst that the checks say; `""` where one says what is not known.
fn health(checks: &[Check]) -> &'static str {
    let mut worst = 0;
    for check in checks {
        let level = match check.status.as_str() {
            _ if check.is_maintenance() => 3,
            "critical" => 2,
            "warning" => 1,
            "passing" => 0,
            _ => return "",
        };
        worst = worst.max(level);
    }
    ["passing", "warning", "critical", "maintenance"][worst]
}

/// The group of a service.
pub(super) fn group(
    config: &ConsulSd,
    datacenter: &str,
    service: &str,
    instances: &[Instance],
) -> TargetGroup {
    let mut common = Meta::new("__meta_consul_");
    common.set("service", service);
    common.set("dc", datacenter);
    let targets = instances
        .iter()
        .map(|instance| Layers::from(target(config, instance)));
    TargetGroup {
        targets: targets.collect(),
        common: Layers::from(common.build()),
    }
}

fn target(config: &ConsulSd, instance: &Instance) -> Labels {
    let (node, service) = (&instance.node, &instance.service);
    let mut meta = Meta::new("__meta_consul_");
    meta.set_all("metadata", &node.meta);
    meta.set_all("service_metadata", &service.meta);
    meta.set_all("tagged_address", &node.tagged_addresses);
    meta.set("address", node.address.as_str());
    meta.set("node", node.node.as_str());
    meta.set("namespace", service.namespace.as_str());
    meta.set("partition", service.partition.as_str());
    meta.set("tags", surrounded(&service.tags, &config.tag_separator));
    meta.set("service_address", service.address.as_str());
    meta.set("service_port", service.port.to_string());
    meta.set("service_id", service.id.as_str());
    meta.set("health", health(&instance.checks));
    // A service may be registered through a node that it does not run on.
    let host = match service.address.as_str() {
        "" => &node.address,
        _ => &service.address,
    };
    meta.set_plain(ADDRESS, address(host, service.port));
    meta.build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_check_counts() {
        let check = |id: &str, status: &str| Check {
            id: id.to_owned(),
            status: status.to_owned(),
        };
        for (checks, expected) in [
            (vec![], "passing"),
            (
                vec![check("a", "passing"), check("b", "warning")],
                "warning",
            ),
            (
                vec![check("a", "critical"), check("b", "warning")],
                "critical",
            ),
            (vec![check("_node_maintenance", "critical")], "maintenance"),
            (
                vec![
                    check("_service_maintenance:x", "critical"),
                    check("b", "passing"),
                ],
                "maintenance",
            ),
            (vec![check("a", "passing"), check("b", "odd")], ""),
        ] {
            assert_eq!(health(&checks), expected, "{checks:?}");
        }
    }
}
