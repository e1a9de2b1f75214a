//! An instance as a target, with the labels of Prometheus 3.16. Pure.

use std::collections::{BTreeMap, HashSet};

use super::instances::{Instance, Interface};
use crate::discovery::meta::{ADDRESS, Meta, address, sanitised, surrounded};
use crate::labels::Labels;

const SEPARATOR: &str = ",";
/// Interfaces of one instance: the largest types have 60.
/// <https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-type-specifications.html>
const DEVICES_MAX: usize = 256;

/// The target, where the instance has an address.
pub(super) fn target(
    instance: &Instance,
    owner: Option<&str>,
    region: &str,
    zones: Option<&BTreeMap<String, String>>,
    port: u16,
) -> Option<Labels> {
    let ipv6 = Ipv6::of(instance);
    let private = instance.private_ip_address.as_deref();
    let host = private.or(ipv6.default)?;
    let mut meta = Meta::new("__meta_ec2_");
    meta.set_plain(ADDRESS, address(host, port));
    meta.set("region", region);
    let plain = [
        ("ami", &instance.image_id),
        ("architecture", &instance.architecture),
        ("instance_id", &instance.instance_id),
        ("instance_lifecycle", &instance.instance_lifecycle),
        ("instance_type", &instance.instance_type),
        ("platform", &instance.platform),
        ("private_dns_name", &instance.private_dns_name),
        ("private_ip", &instance.private_ip_address),
        ("public_ip", &instance.ip_address),
        ("vpc_id", &instance.vpc_id),
    ];
    for (name, value) in plain {
        meta.set_some(name, value.as_deref());
    }
    meta.set_some("owner_id", owner);
    meta.set_some("default_ipv6_address", ipv6.default);
    if instance.ip_address.is_some() {
        meta.set_some("public_dns_name", instance.dns_name.as_deref());
    }
    if let Some(state) = &instance.instance_state {
        meta.set_some("instance_state", state.name.as_deref());
    }
    let placement = instance.placement.as_ref();
    if let Some(zone) = placement.and_then(|placement| placement.availability_zone.as_ref()) {
        meta.set("availability_zone", zone.as_str());
        let id = zones.and_then(|zones| zones.get(zone));
        meta.set_some("availability_zone_id", id);
    }
    if instance.vpc_id.is_some() {
        meta.set_some("primary_subnet_id", instance.subnet_id.as_deref());
        meta.set("subnet_id", surrounded(&subnets(instance), SEPARATOR));
    }
    for (name, addresses) in [
        ("primary_ipv6_addresses", &ipv6.primary),
        ("ipv6_addresses", &ipv6.all),
    ] {
        if !addresses.is_empty() {
            meta.set(name, surrounded(addresses, SEPARATOR));
        }
    }
    for tag in &instance.tags.items {
        if let (Some(key), Some(value)) = (&tag.key, &tag.value) {
            meta.set(&format!("tag_{}", sanitised(key)), value.as_str());
        }
    }
    Some(meta.build())
}

/// Each once, in the order of the interfaces.
fn subnets(instance: &Instance) -> Vec<&str> {
    let mut seen = HashSet::new();
    let interfaces = instance.interfaces.items.iter();
    let subnets = interfaces.filter_map(|interface| interface.subnet_id.as_deref());
    subnets.filter(|subnet| seen.insert(*subnet)).collect()
}

/// The IPv6 addresses of an instance in a network of its owner.
#[derive(Default)]
struct Ipv6<'a> {
    /// By number of the device; empty where a device has none.
    primary: Vec<&'a str>,
    all: Vec<&'a str>,
    /// The first that is a primary one, else the first.
    default: Option<&'a str>,
}

impl<'a> Ipv6<'a> {
    fn of(instance: &'a Instance) -> Self {
        let mut found = Self::default();
        if instance.vpc_id.is_none() {
            return found;
        }
        let interfaces = instance.interfaces.items.iter();
        for interface in interfaces.filter(|interface| interface.subnet_id.is_some()) {
            for one in &interface.ipv6_addresses.items {
                let Some(address) = one.ipv6_address.as_deref() else {
                    continue;
                };
                found.all.push(address);
                if one.is_primary_ipv6.as_deref() != Some("true") {
                    continue;
                }
                let Some(device) = device(interface) else {
                    continue;
                };
                if found.primary.len() <= device {
                    found.primary.resize(device + 1, "");
                }
                if let Some(place) = found.primary.get_mut(device) {
                    *place = address;
                }
            }
        }
        let mut both = found.primary.iter().chain(&found.all);
        found.default = both.find(|address| !address.is_empty()).copied();
        found
    }
}

fn device(interface: &Interface) -> Option<usize> {
    let index = interface.attachment.as_ref()?.device_index.as_deref()?;
    index.parse().ok().filter(|index| *index < DEVICES_MAX)
}
