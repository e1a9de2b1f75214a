//! Whether a page answers. Who may edit the catalogue chooses the address, so the dial policy holds:
//! the address that was checked is the one dialled, and redirects never leave their origin.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, SystemTime};

use jiff::fmt::rfc2822;
use reqwest::header::LAST_MODIFIED;
use url::{Host, Url};

use super::answer::{Answer, Link, Refusal, RefusalReason};
use super::ask::send;
use crate::config::SourceConfig;
use crate::http_client::Prepared;
use crate::scrape::DialPolicy;

pub(super) async fn answers(
    source: &SourceConfig,
    url: &Url,
    dial: &DialPolicy,
) -> Result<Answer, Refusal> {
    let pinned = checked(url, dial).await?;
    let deadline = source.timeout + Duration::from_secs(1);
    let http = Prepared::pinned(source.http.clone(), deadline, pinned).await;
    let http = http.map_err(|why| Refusal::new(RefusalReason::Credentials, why))?;
    // The body is not read: the connection is closed with it.
    let response = send(http.get(url)).await?;
    let modified = response.headers().get(LAST_MODIFIED);
    let modified = modified
        .and_then(|value| value.to_str().ok())
        .and_then(|text| rfc2822::parse(text).ok())
        .map(|time| SystemTime::from(time.timestamp()));
    Ok(Answer::Link(Link {
        status: response.status().as_u16(),
        modified,
    }))
}

/// The host's name with the addresses that it may stand for; `None` for an address.
async fn checked(
    url: &Url,
    dial: &DialPolicy,
) -> Result<Option<(String, Vec<SocketAddr>)>, Refusal> {
    let port = url.port_or_known_default().unwrap_or(80);
    let denied = |why: String| Refusal::new(RefusalReason::Denied, format!("{url}: {why}"));
    let check = |address: IpAddr| dial.check_not_denied(address).map_err(denied);
    let name = match url.host() {
        Some(Host::Ipv4(address)) => return check(address.into()).map(|()| None),
        Some(Host::Ipv6(address)) => return check(address.into()).map(|()| None),
        Some(Host::Domain(name)) => name,
        None => return Err(denied("it names no host".to_owned())),
    };
    // A proxy would resolve it itself.
    dial.check_host(name).map_err(denied)?;
    let found = tokio::net::lookup_host((name, port))
        .await
        .map_err(|error| {
            let message = format!("`{name}` does not resolve: {error}");
            Refusal::new(RefusalReason::Connect, message)
        })?;
    let addresses: Vec<SocketAddr> = found.collect();
    for address in &addresses {
        check(address.ip())?;
    }
    Ok(Some((name.to_owned(), addresses)))
}
