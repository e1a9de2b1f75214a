//! Clients whose names are resolved by a test, and one request.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::document::secret::Secret;
use crate::http_client::settings::{Header, HttpConfig, Proxy};
use crate::http_client::{DialPolicy, HttpClient, Reach, Resolver};

pub(super) fn addresses(written: &[&str]) -> io::Result<Vec<IpAddr>> {
    Ok(written.iter().map(|a| a.parse().unwrap()).collect())
}

/// A client to whom every name is this machine.
pub(super) fn client(http: HttpConfig) -> HttpClient {
    client_with(http, Resolver::new(|_| addresses(&["127.0.0.1"])))
}

/// A client that may ask anybody but for tokens, as those of lists and most evidence.
pub(super) fn client_with(http: HttpConfig, resolver: Resolver) -> HttpClient {
    let reach = Reach {
        resolver,
        ..Reach::unlimited()
    };
    HttpClient::new(Arc::new(http), reach, DialPolicy::default())
}

/// The status of one answer, asked for as a list is.
pub(super) async fn get(client: &HttpClient, url: &str) -> Result<u16, String> {
    let prepared = client.prepare(Duration::from_secs(10)).await?;
    let sent = prepared.send(prepared.get(&url.parse().unwrap())).await;
    let response = sent.map_err(|error| error.to_string())?;
    Ok(response.status().as_u16())
}

/// Lets time pass for our timers alone: connections must be at rest.
pub(crate) async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

/// Settings with a proxy, whose CONNECT requests have a header.
pub(crate) fn through(proxy: &str, no_proxy: &str) -> HttpConfig {
    HttpConfig {
        proxy: Proxy::Url {
            url: proxy.parse().unwrap(),
            no_proxy: vec![no_proxy.to_owned()],
            connect_headers: vec![Header {
                name: "x-gate".to_owned(),
                values: Vec::new(),
                secrets: vec![Secret::new("east")],
                files: Vec::new(),
            }],
        },
        ..HttpConfig::default()
    }
}
