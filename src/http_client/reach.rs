//! What a client may connect to: the address that was checked is the one dialled.

use std::error::Error;
use std::net::{IpAddr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use super::dial::DialPolicy;
use super::resolver::Resolver;

/// How a client looks names up, and which of their addresses it is told.
#[derive(Debug, Clone)]
pub(crate) struct Reach {
    pub(crate) resolver: Resolver,
    /// What is denied here is not dialled; the lists of what targets are limited to do not concern it.
    pub(crate) dial: Option<DialPolicy>,
    /// Whether credentials may go over plain HTTP to another machine.
    pub(crate) allow_plaintext: bool,
}

impl Reach {
    /// Anything: for servers that the operator named.
    pub(crate) fn unlimited() -> Self {
        Self {
            resolver: Resolver::system(),
            dial: None,
            allow_plaintext: true,
        }
    }

    /// The host of a URL, before it is looked up. An address is never looked up, so this is its one
    /// check.
    pub(super) fn check_url(&self, url: &Url) -> Result<(), Denied> {
        let checked = match (&self.dial, url.host()) {
            (_, Some(Host::Ipv4(address))) => return self.check(address.into()),
            (_, Some(Host::Ipv6(address))) => return self.check(address.into()),
            (Some(dial), Some(Host::Domain(name))) => dial.check_host(name),
            (None, Some(Host::Domain(_))) => Ok(()),
            (_, None) => Err("it names no host".to_owned()),
        };
        checked.map_err(Denied::by_policy)
    }

    /// Every address of a URL's host, where that is limited: for who lets others look it up.
    pub(super) async fn check_addresses(&self, url: &Url) -> Result<(), Denied> {
        let (Some(dial), Some(Host::Domain(name))) = (&self.dial, url.host()) else {
            return Ok(());
        };
        // What cannot be looked up cannot be checked.
        let addresses = self.resolver.resolve(name).await.map_err(Denied)?;
        let mut checked = addresses
            .iter()
            .map(|address| dial.check_not_denied(*address));
        checked
            .try_for_each(|checked| checked)
            .map_err(Denied::by_policy)
    }

    fn check(&self, address: IpAddr) -> Result<(), Denied> {
        if let Some(dial) = &self.dial {
            let checked = dial.check_not_denied(address);
            checked.map_err(Denied::by_policy)?;
        }
        match address.is_loopback() {
            true => Ok(()),
            false => self.check_plaintext(&address.to_string()),
        }
    }

    /// Whether credentials may go to `peer`, which is not this machine, if it is not over TLS.
    pub(super) fn check_plaintext(&self, peer: &str) -> Result<(), Denied> {
        match self.allow_plaintext {
            true => Ok(()),
            false => Err(Denied(format!(
                "credentials are not sent to {peer} over plain http: use https, or allow plaintext credentials"
            ))),
        }
    }
}

impl Resolve for Reach {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.clone();
        Box::pin(async move {
            let resolved = reach.resolver.resolve(name.as_str()).await?;
            let (mut allowed, mut denied) = (Vec::new(), Ok(()));
            for address in resolved.iter() {
                match reach.check(*address) {
                    Ok(()) => allowed.push(SocketAddr::new(*address, 0)),
                    refused => denied = refused,
                }
            }
            if allowed.is_empty() {
                denied?;
            }
            Ok::<Addrs, _>(Box::new(allowed.into_iter()))
        })
    }
}

/// An address that may not be dialled, and why.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Denied(String);

impl Denied {
    fn by_policy(why: String) -> Self {
        Self(format!("dial policy: {why}"))
    }

    /// That, where it is behind another error.
    pub(crate) fn behind<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Self> {
        let mut cause = Some(error);
        while let Some(error) = cause {
            if let Some(denied) = error.downcast_ref() {
                return Some(denied);
            }
            cause = error.source();
        }
        None
    }
}
