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
}

impl Reach {
    /// Anything: for servers that the operator named.
    pub(crate) fn unlimited() -> Self {
        Self {
            resolver: Resolver::system(),
            dial: None,
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
        checked.map_err(Denied)
    }

    fn check(&self, address: IpAddr) -> Result<(), Denied> {
        match &self.dial {
            Some(dial) => dial.check_not_denied(address).map_err(Denied),
            None => Ok(()),
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
