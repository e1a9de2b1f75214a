//! `host:port` as targets write it.

use url::Host;

/// Reads an address: a name, an IPv4 or IPv6 address, with a port or the scheme's own.
/// The host comes back in its canonical form, so that one target written in two ways is one.
pub(super) fn parse(address: &str, default_port: u16) -> Result<(String, u16), String> {
    if let Some(odd) = address
        .chars()
        .find(|c| matches!(c, '/' | '@' | '%' | '?' | '#' | '\\') || c.is_whitespace())
    {
        return Err(format!(
            "address `{address}` is not a `host:port`: it holds `{}`",
            odd.escape_default()
        ));
    }
    let invalid = |what: &str| format!("address `{address}` is not a `host:port`: {what}");
    let (host, port) = match address.strip_prefix('[') {
        Some(rest) => {
            let (host, tail) = rest
                .split_once(']')
                .ok_or_else(|| invalid("`]` is missing"))?;
            host.parse::<std::net::Ipv6Addr>()
                .map_err(|_| invalid("not an IPv6 address"))?;
            match tail.strip_prefix(':') {
                Some(port) => (format!("[{host}]"), Some(port)),
                None if tail.is_empty() => (format!("[{host}]"), None),
                None => return Err(invalid("what follows `]` is no port")),
            }
        }
        // `fd00::11:8067` reads as an address without a port, and is seldom meant so.
        None if address.parse::<std::net::Ipv6Addr>().is_ok() => {
            let (host, port) = address.rsplit_once(':').unwrap_or((address, ""));
            let host = host
                .strip_suffix(':')
                .map_or(host.to_owned(), |host| format!("{host}::"));
            return Err(invalid(&format!(
                "an IPv6 address stands in brackets, as in `[{address}]` or `[{host}]:{port}`"
            )));
        }
        None => match address.split_once(':') {
            // As dialling takes it.
            Some(("", port)) => ("localhost".to_owned(), Some(port)),
            Some((host, port)) => (host.to_owned(), Some(port)),
            None => (address.to_owned(), None),
        },
    };
    let port = match port {
        None => default_port,
        Some(port) => match port.parse::<u16>() {
            Ok(port) if port > 0 && !address.ends_with(['+', '-']) => port,
            _ => return Err(invalid("the port is not in 1 to 65535")),
        },
    };
    match Host::parse(&host) {
        Ok(Host::Domain(name)) if name.len() <= 253 => Ok((name, port)),
        Ok(Host::Ipv4(ip)) => Ok((ip.to_string(), port)),
        Ok(Host::Ipv6(ip)) => Ok((ip.to_string(), port)),
        Ok(Host::Domain(_)) => Err(invalid("the name is longer than 253 characters")),
        Err(error) => Err(invalid(&error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_an_address() {
        for (address, host, port) in [
            ("a.example", "a.example", 80),
            ("A.example:8067", "a.example", 8067),
            ("a_b:1", "a_b", 1),
            ("10.0.0.1:9", "10.0.0.1", 9),
            ("[2001:db8::1]:9", "2001:db8::1", 9),
            ("[2001:DB8:0::1]", "2001:db8::1", 80),
            (":9090", "localhost", 9090),
        ] {
            assert_eq!(parse(address, 80), Ok((host.to_owned(), port)), "{address}");
        }
    }

    #[test]
    fn what_is_none() {
        for address in [
            "",
            ":",
            "::1",
            "fd00::11:8067",
            "a:0",
            "a:65536",
            "a:b",
            "a:",
            "a:1:2",
            "http://a",
            "a/metrics",
            "u@a:1",
            "[::1",
            "[a]:1",
            "[::1]x",
            "a b",
            "fe80::1%eth0",
            "a\n",
        ] {
            assert!(parse(address, 80).is_err(), "{address:?}");
        }
    }
}
