//! Redirects: within the origin or not at all.

use super::support::{Scraper, fails, target, with_http};
use crate::http_client::settings::{FollowRedirects, HttpConfig};
use crate::http_client::tests::server::{Server, ok, request, send};
use crate::scrape::ScrapeErrorKind;

fn to(location: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n")
}

#[tokio::test]
async fn a_redirect_within_the_origin_is_followed_on_its_connection() {
    let server = Server::start(async |mut stream, _| {
        while let Some(head) = request(&mut stream).await {
            let answer = match head.split(' ').nth(1) {
                Some("/metrics") => to("real?all=1").into_bytes(),
                Some("/real?all=1") => ok("", b"up 1\n"),
                other => panic!("{other:?}"),
            };
            send(&mut stream, &answer).await;
        }
    })
    .await;
    let mut scraper = Scraper::new(target(server.address));
    assert_eq!(scraper.body().await, "up 1\n");
    let (result, _) = scraper.scrape().await;
    assert_eq!(result.status, Some(200));
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn fault_16_redirect_loops_are_named() {
    let server = Server::answering(to("/metrics")).await;
    let message = fails(target(server.address), ScrapeErrorKind::Redirect).await;
    assert_eq!(message, "redirect loop: \"/metrics\" was asked before");

    let server = Server::start(async |mut stream, _| {
        let mut hop = 0;
        while request(&mut stream).await.is_some() {
            hop += 1;
            send(&mut stream, to(&format!("/{hop}")).as_bytes()).await;
        }
        assert_eq!(hop, 11);
    })
    .await;
    let message = fails(target(server.address), ScrapeErrorKind::Redirect).await;
    assert_eq!(message, "more than 10 redirects");
}

#[tokio::test]
async fn fault_17_a_redirect_to_the_metadata_service_is_blocked() {
    for location in [
        "http://169.254.169.254/latest/meta-data/",
        "//0xa9fea9fe/",
        "http://[::ffff:169.254.169.254]/",
        "http://metadata.google.internal/",
    ] {
        let server = Server::answering(to(location)).await;
        let message = fails(target(server.address), ScrapeErrorKind::Blocked).await;
        assert!(message.contains(location), "{message}");
    }
}

#[tokio::test]
async fn fault_18_a_redirect_to_another_origin_is_refused() {
    let elsewhere = Server::start(async |_, _| panic!("asked")).await;
    let port = elsewhere.address.port();
    for location in [
        format!("http://127.0.0.1:{port}/metrics"),
        format!("http://localhost:{port}/metrics"),
        "https://evil.example/".to_owned(),
        "ftp://127.0.0.1/".to_owned(),
        "file:///etc/passwd".to_owned(),
    ] {
        let server = Server::answering(to(&location)).await;
        let message = fails(target(server.address), ScrapeErrorKind::Redirect).await;
        assert_eq!(
            message,
            format!("redirected to another origin: {location:?}")
        );
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn a_redirect_to_nowhere_or_against_the_settings_fails() {
    let server = Server::answering("HTTP/1.1 301 Moved\r\nContent-Length: 0\r\n\r\n").await;
    let message = fails(target(server.address), ScrapeErrorKind::Redirect).await;
    assert_eq!(message, "status 301 without a location");

    let server = Server::answering(to("/real")).await;
    let http = HttpConfig {
        follow_redirects: FollowRedirects(false),
        ..HttpConfig::default()
    };
    let message = fails(
        with_http(target(server.address), http),
        ScrapeErrorKind::Http,
    )
    .await;
    assert_eq!(message, "status 302 Found, expected 200 OK");
}
