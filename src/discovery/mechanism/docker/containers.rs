//! Containers as targets. Pure.
//! <https://docs.docker.com/reference/api/engine/>

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use super::settings::DockerSd;
use crate::discovery::groups::{Layers, Listing, OBJECT_TARGETS_MAX, TargetGroup};
use crate::discovery::meta::{ADDRESS, Meta, address};
use crate::document::value::nullable;
use crate::labels::Labels;

/// A container that shares another's network has this and the other's id as its mode.
const SHARED: &str = "container:";
/// Containers that share one another's network, one after the other.
const SHARED_DEPTH_MAX: usize = 64;

type Map = BTreeMap<String, String>;

#[derive(Debug, Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Container {
    id: String,
    #[serde(deserialize_with = "nullable")]
    names: Vec<String>,
    image: String,
    #[serde(rename = "ImageID")]
    image_id: String,
    #[serde(deserialize_with = "nullable")]
    labels: Map,
    #[serde(deserialize_with = "nullable")]
    ports: Vec<Port>,
    host_config: HostConfig,
    #[serde(deserialize_with = "nullable")]
    network_settings: NetworkSettings,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct HostConfig {
    network_mode: String,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct NetworkSettings {
    #[serde(deserialize_with = "nullable")]
    networks: BTreeMap<String, Option<Endpoint>>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
struct Endpoint {
    #[serde(rename = "NetworkID")]
    network_id: String,
    #[serde(rename = "IPAddress")]
    ip_address: String,
    #[serde(rename = "GlobalIPv6Address")]
    ipv6_address: String,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct Port {
    #[serde(rename = "IP")]
    ip: String,
    private_port: u16,
    public_port: u16,
    #[serde(rename = "Type")]
    kind: String,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Network {
    name: String,
    id: String,
    scope: String,
    internal: bool,
    ingress: bool,
    #[serde(deserialize_with = "nullable")]
    labels: Map,
}

/// All targets. One container that would have too many has none.
pub(super) fn listing(
    config: &DockerSd,
    containers: &[Container],
    networks: &[Network],
) -> Listing {
    let by_id = containers
        .iter()
        .map(|container| (container.id.as_str(), container));
    let by_id: BTreeMap<&str, &Container> = by_id.collect();
    let networks = networks
        .iter()
        .map(|network| (network.id.as_str(), network));
    let networks: BTreeMap<&str, &Network> = networks.collect();
    let (mut listing, mut group) = (Listing::default(), TargetGroup::default());
    for container in containers {
        let Some(name) = container.names.first() else {
            continue;
        };
        let mut endpoints: Vec<&Endpoint> = endpoints(container, &by_id);
        if config.match_first_network {
            endpoints.truncate(1);
        }
        let ports = container.ports.iter().filter(|port| port.kind == "tcp");
        let ports: Vec<&Port> = ports.collect();
        let count = endpoints.len().saturating_mul(ports.len());
        if count > OBJECT_TARGETS_MAX {
            listing.skip(format_args!(
                "container {name}: {} ports in {} networks are {count} targets, more than {OBJECT_TARGETS_MAX}",
                ports.len(),
                endpoints.len()
            ));
            continue;
        }
        for endpoint in endpoints {
            let network = networks.get(endpoint.network_id.as_str()).copied();
            let target = |port: Option<&Port>| {
                Layers::from(target(config, container, name, endpoint, network, port))
            };
            match ports.is_empty() {
                true => group.targets.push(target(None)),
                false => {
                    let ports = ports.iter();
                    group.targets.extend(ports.map(|port| target(Some(*port))));
                }
            }
        }
    }
    listing.groups.push(Arc::new(group));
    listing
}

/// The networks that a container is in, by name: its own, or those of the container whose network it shares.
fn endpoints<'a>(
    container: &'a Container,
    by_id: &BTreeMap<&str, &'a Container>,
) -> Vec<&'a Endpoint> {
    let mut at = container;
    for _ in 0..SHARED_DEPTH_MAX {
        let networks = &at.network_settings.networks;
        if !networks.is_empty() {
            return networks.values().flatten().collect();
        }
        let shared = at.host_config.network_mode.strip_prefix(SHARED);
        match shared.and_then(|id| by_id.get(id)) {
            Some(other) => at = other,
            None => break,
        }
    }
    Vec::new()
}

fn target(
    config: &DockerSd,
    container: &Container,
    name: &str,
    endpoint: &Endpoint,
    network: Option<&Network>,
    port: Option<&Port>,
) -> Labels {
    let ip = match endpoint.ip_address.as_str() {
        "" => &endpoint.ipv6_address,
        _ => &endpoint.ip_address,
    };
    let mut meta = Meta::new("__meta_docker_");
    meta.set_all("container_label", &container.labels);
    meta.set("container_id", container.id.as_str());
    meta.set("container_name", name);
    let mode = container.host_config.network_mode.as_str();
    meta.set("container_network_mode", mode);
    meta.set("container_image", container.image.as_str());
    meta.set("container_image_id", container.image_id.as_str());
    if let Some(network) = network {
        meta.set_all("network_label", &network.labels);
        meta.set("network_id", network.id.as_str());
        meta.set("network_name", network.name.as_str());
        meta.set("network_scope", network.scope.as_str());
        meta.set("network_internal", network.internal.to_string());
        meta.set("network_ingress", network.ingress.to_string());
    }
    meta.set("network_ip", ip.as_str());
    let place = match port {
        Some(port) => {
            meta.set("port_private", port.private_port.to_string());
            if port.public_port > 0 {
                meta.set("port_public", port.public_port.to_string());
                meta.set("port_public_ip", port.ip.as_str());
            }
            address(ip, port.private_port)
        }
        // There are no ports in the host's network.
        None if mode == "host" => config.host_networking_host.clone(),
        None => address(ip, config.port),
    };
    meta.set_plain(ADDRESS, place);
    meta.build()
}
