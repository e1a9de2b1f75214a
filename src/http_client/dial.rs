//! The dial policy: which addresses a discovered target may make us connect to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use serde::Deserialize;
use url::Host;

use crate::document::value::{Cidr, PortRange};

/// Cloud metadata addresses outside the link-local ranges: Alibaba, Oracle, Azure.
const METADATA_V4: [Ipv4Addr; 3] = [
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(192, 0, 0, 192),
    Ipv4Addr::new(168, 63, 129, 16),
];

/// AWS's metadata address over IPv6.
const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);

/// Names that a proxy would resolve to a metadata address for us.
const METADATA_NAMES: [&str; 2] = ["metadata.google.internal", "metadata.goog"];

/// What may be dialled. Whoever can edit discovery can choose addresses, so this is checked on
/// the address itself, after resolution, and the checked address is the one dialled.
///
/// Private ranges and loopback are allowed: that is where services live. Link-local and cloud
/// metadata addresses are never allowed, whatever the lists say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DialPolicy {
    /// Only these, where any is given.
    pub allow: Vec<IpNet>,
    /// Not these, even if allowed above.
    pub deny: Vec<IpNet>,
    /// Only these ports, where any is given.
    pub ports: Vec<PortRange>,
}

/// `dial` as written.
#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawDial {
    allow: Option<Vec<Cidr>>,
    deny: Option<Vec<Cidr>>,
    ports: Option<Vec<PortRange>>,
    /// Whether credentials may travel over plain HTTP to another machine.
    pub(crate) plaintext_credentials: Option<bool>,
}

impl From<RawDial> for DialPolicy {
    fn from(raw: RawDial) -> Self {
        let networks = |raw: Option<Vec<Cidr>>| {
            let networks = raw.unwrap_or_default().into_iter();
            networks.map(|network| network.0).collect()
        };
        Self {
            allow: networks(raw.allow),
            deny: networks(raw.deny),
            ports: raw.ports.unwrap_or_default(),
        }
    }
}

impl DialPolicy {
    /// Whether `address:port` may be dialled; if not, why.
    pub fn check(&self, address: IpAddr, port: u16) -> Result<(), String> {
        self.check_port(port)?;
        self.check_address(address)
    }

    /// The port alone.
    pub fn check_port(&self, port: u16) -> Result<(), String> {
        if self.ports.is_empty() || self.ports.iter().any(|range| range.contains(port)) {
            Ok(())
        } else {
            Err(format!(
                "port {port} is not among the allowed ports {}",
                list(&self.ports)
            ))
        }
    }

    /// The address alone.
    pub fn check_address(&self, address: IpAddr) -> Result<(), String> {
        self.check_not_denied(address)?;
        let real = embedded(address);
        let within = |net: &IpNet| net.contains(&address) || net.contains(&real);
        if !self.allow.is_empty() && !self.allow.iter().any(within) {
            return Err(format!(
                "{} is in none of the allowed ranges",
                shown(address)
            ));
        }
        Ok(())
    }

    /// The address alone, against what is denied: for servers that the operator named, which the
    /// lists of what targets are limited to do not concern.
    pub fn check_not_denied(&self, address: IpAddr) -> Result<(), String> {
        let real = embedded(address);
        if let Some(kind) = never_dialled(address).or_else(|| never_dialled(real)) {
            return Err(format!("{} is {kind}", shown(address)));
        }
        // A net may be written in either form of an embedded address.
        let within = |net: &&IpNet| net.contains(&address) || net.contains(&real);
        match self.deny.iter().find(within) {
            Some(net) => Err(format!("{} is in the denied range {net}", shown(address))),
            None => Ok(()),
        }
    }

    /// A host that somebody else (a proxy, a redirect) would resolve: refused where it is an
    /// address literal that may not be dialled, or a known metadata name. Literals are read as
    /// URLs read them, so that `0xa9fea9fe` and `2852039166` are addresses too.
    pub fn check_host(&self, host: &str) -> Result<(), String> {
        if let Ok(address) = host.parse::<IpAddr>() {
            return self.check_address(address);
        }
        match Host::parse(host.trim_end_matches('.')) {
            Ok(Host::Ipv4(address)) => self.check_address(address.into()),
            Ok(Host::Ipv6(address)) => self.check_address(address.into()),
            Ok(Host::Domain(name)) if METADATA_NAMES.contains(&name.as_str()) => {
                Err(format!("{name} is a cloud metadata name"))
            }
            Ok(Host::Domain(_)) => Ok(()),
            Err(error) => Err(format!("{host:?} is not a host: {error}")),
        }
    }
}

/// The address, with the one it stands for.
fn shown(address: IpAddr) -> String {
    match embedded(address) {
        real if real == address => address.to_string(),
        real => format!("{address} ({real})"),
    }
}

/// The kind of an address that is never dialled.
fn never_dialled(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(v4) if v4.is_link_local() => Some("a link-local address"),
        IpAddr::V4(v4) if METADATA_V4.contains(&v4) => Some("a cloud metadata address"),
        // All of 0.0.0.0/8: on Linux 0.0.0.0 connects to this very machine.
        IpAddr::V4(v4) if v4.octets()[0] == 0 => Some("an unspecified address"),
        IpAddr::V4(v4) if v4.is_multicast() => Some("a multicast address"),
        IpAddr::V4(v4) if v4.is_broadcast() => Some("the broadcast address"),
        IpAddr::V6(v6) if v6.is_unicast_link_local() => Some("a link-local address"),
        IpAddr::V6(v6) if v6 == METADATA_V6 => Some("a cloud metadata address"),
        IpAddr::V6(v6) if v6.is_unspecified() => Some("an unspecified address"),
        IpAddr::V6(v6) if v6.is_multicast() => Some("a multicast address"),
        _ => None,
    }
}

/// The IPv4 address that an IPv6 one stands for: mapped (`::ffff:0:0/96`), compatible (`::/96`),
/// translated (NAT64 `64:ff9b::/96`) or tunnelled (6to4 `2002::/16`); otherwise the address itself.
fn embedded(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else {
        return address;
    };
    let segments = v6.segments();
    let v4 = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    };
    match segments {
        [0, 0, 0, 0, 0, 0xffff, high, low] => v4(high, low),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => v4(high, low),
        [0x2002, high, low, ..] => v4(high, low),
        // `::` and `::1` are addresses of their own.
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => v4(high, low),
        _ => address,
    }
}

/// Ports as they are written in the configuration.
fn list(ports: &[PortRange]) -> String {
    let ports: Vec<String> = ports.iter().map(PortRange::to_string).collect();
    ports.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(policy: &DialPolicy, address: &str) -> Result<(), String> {
        policy.check(address.parse().unwrap(), 8067)
    }

    #[test]
    fn link_local_and_metadata_are_never_dialled() {
        let all = DialPolicy {
            allow: vec!["0.0.0.0/0".parse().unwrap(), "::/0".parse().unwrap()],
            ..DialPolicy::default()
        };
        for denied in [
            "169.254.169.254",
            "169.254.0.1",
            "::ffff:169.254.169.254",
            "::169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:a9fe:a9fe::1",
            "100.100.100.200",
            "::ffff:100.100.100.200",
            "192.0.0.192",
            "168.63.129.16",
            "fd00:ec2::254",
            "fe80::1",
            "febf::1",
            "0.0.0.0",
            "0.1.2.3",
            "::",
            "224.0.0.1",
            "ff02::1",
            "255.255.255.255",
        ] {
            assert!(check(&DialPolicy::default(), denied).is_err(), "{denied}");
            assert!(check(&all, denied).is_err(), "{denied} despite allow");
        }
    }

    #[test]
    fn private_ranges_and_loopback_are_allowed() {
        for allowed in [
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "127.0.0.1",
            "::1",
            "fd00::1",
            "::ffff:10.0.0.1",
        ] {
            assert_eq!(check(&DialPolicy::default(), allowed), Ok(()), "{allowed}");
        }
    }

    #[test]
    fn lists_narrow_what_may_be_dialled() {
        let policy = DialPolicy {
            allow: vec!["10.0.0.0/8".parse().unwrap()],
            deny: vec!["10.9.0.0/16".parse().unwrap()],
            ports: vec![PortRange {
                first: 8067,
                last: 8067,
            }],
        };
        assert_eq!(check(&policy, "10.1.2.3"), Ok(()));
        assert_eq!(check(&policy, "::ffff:10.1.2.3"), Ok(()));
        assert_eq!(
            check(&policy, "10.9.1.1").unwrap_err(),
            "10.9.1.1 is in the denied range 10.9.0.0/16"
        );
        assert_eq!(
            check(&policy, "192.168.0.1").unwrap_err(),
            "192.168.0.1 is in none of the allowed ranges"
        );
        assert_eq!(
            policy.check("10.1.2.3".parse().unwrap(), 22).unwrap_err(),
            "port 22 is not among the allowed ports 8067"
        );
    }

    #[test]
    fn hosts_left_to_others_are_read_as_urls_read_them() {
        let policy = DialPolicy::default();
        for denied in [
            "169.254.169.254",
            "0xa9fea9fe",
            "2852039166",
            "0251.0376.0251.0376",
            "metadata.google.internal.",
            "fe80::1",
        ] {
            assert!(policy.check_host(denied).is_err(), "{denied}");
        }
        assert_eq!(policy.check_host("payments.example"), Ok(()));
    }
}
