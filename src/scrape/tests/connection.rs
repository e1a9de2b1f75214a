//! Connections: refused, silent, reset, stale, kept.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

use super::support::{SHORT, Scraper, fails, target, within};
use crate::http_client::tests::server::{Server, hang, ok, request, send};
use crate::scrape::ScrapeErrorKind;

#[tokio::test]
async fn fault_01_refused_or_reset_is_a_connect_failure() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let message = fails(target(address), ScrapeErrorKind::Connect).await;
    assert!(
        message.starts_with(&format!("cannot connect to {address}: ")),
        "{message}"
    );

    let server = Server::start(async |stream, _| {
        stream.set_zero_linger().unwrap();
    })
    .await;
    let message = fails(target(server.address), ScrapeErrorKind::Connect).await;
    assert!(
        message.starts_with("the connection closed before any response"),
        "{message}"
    );
}

#[tokio::test]
async fn fault_02_silence_meets_the_deadline() {
    let server = Server::start(async |_stream, _| hang().await).await;
    let message = fails(
        within(target(server.address), SHORT),
        ScrapeErrorKind::Timeout,
    )
    .await;
    assert_eq!(
        message,
        "timed out after 200ms waiting for the response headers"
    );
}

#[tokio::test]
async fn fault_03_dripping_headers_meet_the_deadline() {
    let server = Server::start(async |mut stream, _| {
        request(&mut stream).await;
        send(&mut stream, b"HTTP/1.1 200 OK\r\nX: ").await;
        while send(&mut stream, b"a").await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    fails(
        within(target(server.address), SHORT),
        ScrapeErrorKind::Timeout,
    )
    .await;
}

#[tokio::test]
async fn fault_20_huge_headers_are_refused() {
    let long = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\nup 1\n", "a".repeat(17_000));
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\nup 1\n", "X: a\r\n".repeat(101));
    for response in [long, many] {
        let server = Server::answering_once(response).await;
        fails(target(server.address), ScrapeErrorKind::HeaderLimit).await;
    }
    let endless = Server::start(async |mut stream, _| {
        request(&mut stream).await;
        send(&mut stream, b"HTTP/1.1 200 OK\r\nX: ").await;
        while send(&mut stream, &[b'a'; 1000]).await {}
    })
    .await;
    fails(target(endless.address), ScrapeErrorKind::HeaderLimit).await;
}

#[tokio::test]
async fn what_is_not_http_is_a_protocol_failure() {
    let server = Server::answering_once("SSH-2.0-OpenSSH_9.9\r\n\r\n").await;
    fails(target(server.address), ScrapeErrorKind::Protocol).await;
}

#[tokio::test]
async fn requests_look_like_those_of_prometheus() {
    let (sender, mut heard) = tokio::sync::mpsc::channel(1);
    let server = Server::start(move |mut stream, _| {
        let sender = sender.clone();
        async move {
            let head = request(&mut stream).await.unwrap();
            sender.send(head).await.unwrap();
            send(&mut stream, &ok("", b"up 1\n")).await;
        }
    })
    .await;
    Scraper::new(target(server.address)).body().await;
    let head = heard.recv().await.unwrap();
    let expected = format!(
        "GET /metrics HTTP/1.1\r\n\
         host: {}\r\n\
         user-agent: manifesto-exporter/{}\r\n\
         accept: application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2\r\n\
         accept-encoding: gzip\r\n\
         x-prometheus-scrape-timeout-seconds: 10\r\n\r\n",
        server.address,
        env!("CARGO_PKG_VERSION"),
    );
    assert_eq!(head, expected);
}

#[tokio::test]
async fn a_target_without_compression_is_asked_for_none() {
    let server = Server::start(async |mut stream, _| {
        let head = request(&mut stream).await.unwrap();
        assert!(head.contains("accept-encoding: identity\r\n"), "{head}");
        send(&mut stream, &ok("", b"up 1\n")).await;
    })
    .await;
    let mut plain = target(server.address);
    Arc::make_mut(&mut plain.job).enable_compression = false;
    Scraper::new(plain).body().await;
}

#[tokio::test]
async fn a_connection_serves_scrape_after_scrape() {
    let server = Server::answering(ok("", b"up 1\n")).await;
    let mut scraper = Scraper::new(target(server.address));
    for round in 0..3 {
        let (result, _) = scraper.scrape().await;
        result.outcome.unwrap();
        assert_eq!(result.reused_connection, round > 0);
        assert!(scraper.keeps_a_connection());
    }
    assert_eq!(server.connections(), 1);
    assert_eq!(scraper.network.open_connections(), 1);
    let network = scraper.network.clone();
    drop(scraper);
    assert_eq!(network.open_connections(), 0);
}

#[tokio::test]
async fn a_connection_is_not_kept_against_the_servers_will_or_for_long() {
    let closing = Server::answering(ok("Connection: close\r\n", b"up 1\n")).await;
    let old = Server::answering_once("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nup 1\n").await;
    for server in [closing, old] {
        let mut scraper = Scraper::new(target(server.address));
        scraper.body().await;
        assert!(!scraper.keeps_a_connection());
    }
    let server = Server::answering(ok("", b"up 1\n")).await;
    let mut rare = target(server.address);
    rare.interval = Duration::from_secs(301);
    let mut scraper = Scraper::new(rare);
    scraper.body().await;
    assert!(!scraper.keeps_a_connection());
}

#[tokio::test]
async fn a_second_response_nobody_asked_for_is_never_read_as_the_next() {
    let two = [ok("", b"up 1\n"), ok("", b"forged 1\n")].concat();
    let server = Server::answering(two).await;
    let mut scraper = Scraper::new(target(server.address));
    for _ in 0..3 {
        assert_eq!(scraper.body().await, "up 1\n");
    }
}

#[tokio::test]
async fn fault_82_a_connection_closed_while_idle_is_replaced_without_a_retry() {
    let server = Server::answering_once(ok("", b"up 1\n")).await;
    let mut scraper = Scraper::new(target(server.address));
    scraper.body().await;
    scraper.until_closed().await;
    let (result, _) = scraper.scrape().await;
    result.outcome.unwrap();
    assert!(!result.retried && !result.reused_connection);
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn fault_82_a_stale_connection_gets_one_fresh_retry() {
    // The first connection dies on its second request, the others live.
    let server = Server::start(async |mut stream, number| {
        let mut requests = 0;
        while request(&mut stream).await.is_some() {
            requests += 1;
            if number == 0 && requests == 2 {
                return;
            }
            send(&mut stream, &ok("", b"up 1\n")).await;
        }
    })
    .await;
    let mut scraper = Scraper::new(target(server.address));
    scraper.body().await;
    let (result, _) = scraper.scrape().await;
    result.outcome.unwrap();
    assert!(result.retried && !result.reused_connection);
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn fault_82_a_retry_that_fails_too_is_the_end() {
    let server = Server::start(async |mut stream, number| {
        request(&mut stream).await;
        if number == 0 {
            send(&mut stream, &ok("", b"up 1\n")).await;
            request(&mut stream).await;
        }
    })
    .await;
    let mut scraper = Scraper::new(target(server.address));
    scraper.body().await;
    let (result, _) = scraper.scrape().await;
    assert!(result.retried);
    assert_eq!(result.outcome.unwrap_err().reason, ScrapeErrorKind::Connect);
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn fault_82_no_retry_once_a_byte_has_come() {
    let server = Server::start(async |mut stream, number| {
        assert_eq!(number, 0, "retried");
        request(&mut stream).await;
        send(&mut stream, &ok("", b"up 1\n")).await;
        request(&mut stream).await;
        send(&mut stream, b"H").await;
        stream.shutdown().await.unwrap();
    })
    .await;
    let mut scraper = Scraper::new(target(server.address));
    scraper.body().await;
    let (result, _) = scraper.scrape().await;
    assert!(!result.retried);
    assert_eq!(
        result.outcome.unwrap_err().reason,
        ScrapeErrorKind::Incomplete
    );
    assert_eq!(server.connections(), 1);
}
