//! Clients whose names are resolved by a test, and one request.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::http_client::settings::HttpConfig;
use crate::http_client::{HttpClient, Reach, Resolver, reason};

pub(super) fn addresses(written: &[&str]) -> io::Result<Vec<IpAddr>> {
    Ok(written.iter().map(|a| a.parse().unwrap()).collect())
}

/// A client to whom every name is this machine.
pub(super) fn client(http: HttpConfig) -> HttpClient {
    let reach = Reach {
        resolver: Resolver::new(|_| addresses(&["127.0.0.1"])),
        dial: None,
    };
    HttpClient::new(Arc::new(http), reach)
}

/// The status of one answer, asked for as a list is.
pub(super) async fn get(client: &HttpClient, url: &str) -> Result<u16, String> {
    let prepared = client.prepare(Duration::from_secs(10)).await?;
    let sent = prepared.get(&url.parse().unwrap()).send().await;
    let response = sent.map_err(|error| reason(&error))?;
    Ok(response.status().as_u16())
}
