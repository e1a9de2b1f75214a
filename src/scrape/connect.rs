//! From a host and port to a TCP connection: resolve, check, dial what was checked.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::error::{ScrapeError, ScrapeErrorKind};
use super::progress::{Phase, Progress};
use super::stream::{OpenGuard, Stream};
use crate::http_client::{DialPolicy, Resolver};

/// How long an address may go unanswered before the next one is tried beside it (RFC 8305).
const HEAD_START: Duration = Duration::from_millis(250);

/// Addresses of one name that are tried: no name makes us dial hundreds.
const ADDRESSES_MAX: usize = 8;

/// Who chose the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AddressOrigin {
    /// Discovery: the whole policy holds.
    Discovery,
    /// The operator, for a proxy: what is denied holds, the lists of what targets
    /// are limited to do not.
    Operator,
}

/// Connects to `host:port`, at the first of its allowed addresses that answers.
pub(super) async fn connect(
    (host, port, address_origin): (&str, u16, AddressOrigin),
    policy: &DialPolicy,
    (resolver, open): (&Resolver, &Arc<AtomicUsize>),
    progress: &Progress,
) -> Result<Stream, ScrapeError> {
    let blocked = |why| ScrapeError::new(ScrapeErrorKind::Blocked, format!("dial policy: {why}"));
    if address_origin == AddressOrigin::Discovery {
        policy.check_port(port).map_err(blocked)?;
    }
    progress.enter(Phase::Resolving);
    let resolved = resolver.resolve(host).await;
    let resolved = resolved.map_err(|why| ScrapeError::new(ScrapeErrorKind::Dns, why))?;
    let mut refused = None;
    let mut allowed = Vec::new();
    for address in resolved.iter() {
        let checked = match address_origin {
            AddressOrigin::Discovery => policy.check_address(*address),
            AddressOrigin::Operator => policy.check_not_denied(*address),
        };
        match checked {
            Ok(()) => allowed.push(SocketAddr::new(*address, port)),
            Err(why) => refused = Some(why),
        }
    }
    if let (true, Some(why)) = (allowed.is_empty(), refused) {
        let why = match host.parse::<IpAddr>() {
            Ok(_) => why,
            Err(_) => format!("{host} resolves to refused addresses: {why}"),
        };
        return Err(blocked(why));
    }
    progress.enter(Phase::Connecting);
    let addresses = interleave(allowed);
    let guard = OpenGuard::new(open);
    match race(&addresses).await {
        Ok((tcp, address)) => {
            // Requests are one small write: waiting to fill a segment only delays them.
            if let Err(error) = tcp.set_nodelay(true) {
                tracing::debug!(%address, %error, "cannot set TCP_NODELAY");
            }
            Ok(Stream::new(tcp, address, guard))
        }
        Err((address, error)) => Err(ScrapeError::new(
            ScrapeErrorKind::Connect,
            format!("cannot connect to {address}: {error}"),
        )),
    }
}

/// Alternates between the families, beginning with the first address's, so that one broken
/// family costs one head start. Keeps the resolver's order (RFC 6724) within a family.
fn interleave(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) = addresses
        .into_iter()
        .partition(|address| address.is_ipv6() == first_is_v6);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut mixed = Vec::new();
    while mixed.len() < ADDRESSES_MAX {
        let pair = [first.next(), second.next()];
        if pair == [None, None] {
            break;
        }
        mixed.extend(pair.into_iter().flatten());
    }
    mixed
}

/// Dials the addresses in turn, each with a head start on the next; the last failure where all
/// fail. Attempts that lose are aborted with the set.
async fn race(
    addresses: &[SocketAddr],
) -> Result<(TcpStream, SocketAddr), (SocketAddr, io::Error)> {
    // Nearly every target has one address: no tasks for it.
    if let [address] = addresses {
        return match TcpStream::connect(address).await {
            Ok(tcp) => Ok((tcp, *address)),
            Err(error) => Err((*address, error)),
        };
    }
    let mut attempts = JoinSet::new();
    let mut waiting = addresses.iter().copied();
    let mut failure = None;
    loop {
        let more = match waiting.next() {
            Some(address) => {
                attempts.spawn(async move { (address, TcpStream::connect(address).await) });
                waiting.len() > 0
            }
            None => false,
        };
        let ended = if more {
            match tokio::time::timeout(HEAD_START, attempts.join_next()).await {
                Ok(ended) => ended,
                Err(_) => continue,
            }
        } else {
            attempts.join_next().await
        };
        match ended {
            Some(Ok((address, Ok(tcp)))) => return Ok((tcp, address)),
            Some(Ok((address, Err(error)))) => failure = Some((address, error)),
            Some(Err(error)) => {
                failure = Some((([0, 0, 0, 0], 0).into(), io::Error::other(error)));
            }
            None => break,
        }
    }
    Err(failure.unwrap_or_else(|| {
        (
            ([0, 0, 0, 0], 0).into(),
            io::Error::other("no address to dial"),
        )
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_alternate() {
        let order = |list: &[&str]| {
            let parsed = list.iter().map(|a| a.parse().unwrap()).collect();
            interleave(parsed)
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            order(&["[::1]:1", "[::2]:1", "1.1.1.1:1", "2.2.2.2:1"]),
            ["[::1]:1", "1.1.1.1:1", "[::2]:1", "2.2.2.2:1"]
        );
        assert_eq!(order(&["1.1.1.1:1"]), ["1.1.1.1:1"]);
        assert_eq!(order(&[]), [""; 0]);
    }
}
