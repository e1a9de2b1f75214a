//! What EC2 says of instances.
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Instance.html>

use serde::Deserialize;

/// A list.
#[derive(Deserialize)]
pub(super) struct Set<T> {
    #[serde(rename = "item", default = "Vec::new")]
    pub(super) items: Vec<T>,
}

impl<T> Default for Set<T> {
    fn default() -> Self {
        Self { items: Vec::new() }
    }
}

/// An answer to `DescribeInstances`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Instances {
    /// An answer without one is none of this API.
    #[serde(rename = "reservationSet")]
    pub(super) reservations: Set<Reservation>,
    #[serde(default)]
    pub(super) next_token: Option<String>,
}

/// Instances that were asked for at once.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Reservation {
    pub(super) owner_id: Option<String>,
    #[serde(rename = "instancesSet")]
    pub(super) instances: Set<Instance>,
}

/// An instance: every field is optional in the API.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Instance {
    pub(super) architecture: Option<String>,
    pub(super) image_id: Option<String>,
    pub(super) instance_id: Option<String>,
    pub(super) instance_lifecycle: Option<String>,
    pub(super) instance_state: Option<State>,
    pub(super) instance_type: Option<String>,
    #[serde(rename = "networkInterfaceSet")]
    pub(super) interfaces: Set<Interface>,
    pub(super) placement: Option<Placement>,
    pub(super) platform: Option<String>,
    pub(super) private_dns_name: Option<String>,
    pub(super) private_ip_address: Option<String>,
    /// The public name.
    pub(super) dns_name: Option<String>,
    /// The public address.
    pub(super) ip_address: Option<String>,
    pub(super) subnet_id: Option<String>,
    #[serde(rename = "tagSet")]
    pub(super) tags: Set<Tag>,
    pub(super) vpc_id: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct State {
    pub(super) name: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Placement {
    pub(super) availability_zone: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Interface {
    pub(super) attachment: Option<Attachment>,
    #[serde(rename = "ipv6AddressesSet")]
    pub(super) ipv6_addresses: Set<Ipv6Address>,
    pub(super) subnet_id: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Attachment {
    pub(super) device_index: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Ipv6Address {
    pub(super) ipv6_address: Option<String>,
    pub(super) is_primary_ipv6: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Tag {
    pub(super) key: Option<String>,
    pub(super) value: Option<String>,
}

/// An answer to `DescribeAvailabilityZones`.
#[derive(Deserialize)]
pub(super) struct Zones {
    #[serde(rename = "availabilityZoneInfo")]
    pub(super) zones: Set<Zone>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Zone {
    #[serde(rename = "zoneName")]
    pub(super) name: Option<String>,
    #[serde(rename = "zoneId")]
    pub(super) id: Option<String>,
}
