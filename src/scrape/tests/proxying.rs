//! HTTP proxies.

use super::support::{Scraper, fails, target, target_at, with_http};
use crate::discovery::settings::Scheme;
use crate::discovery::target::Target;
use crate::document::secret::{Secret, SecretSource};
use crate::http_client::settings::Auth;
use crate::http_client::tests::server::{Server, ok, request};
use crate::http_client::tests::support::through;
use crate::scrape::ScrapeErrorKind;

fn secure(mut target: Target) -> Target {
    target.url.scheme = Scheme::Https;
    target
}

#[tokio::test]
async fn plain_requests_go_through_whole() {
    let (server, heard) = Server::listening(ok("", b"up 1\n")).await;
    let url = format!("http://user:p%40ss@{}", server.address);
    let mut scraper = Scraper::new(with_http(
        target_at("payments.example", 8067),
        through(&url, ""),
    ));
    for _ in 0..2 {
        scraper.body().await;
    }
    assert_eq!(server.connections(), 1);
    for head in heard.lock().unwrap().iter() {
        assert!(
            head.starts_with("GET http://payments.example:8067/metrics HTTP/1.1\r\n"),
            "{head}"
        );
        assert!(head.contains("host: payments.example:8067\r\n"), "{head}");
        // "user:p@ss"
        assert!(
            head.contains("proxy-authorization: Basic dXNlcjpwQHNz\r\n"),
            "{head}"
        );
        assert!(!head.contains("x-gate"), "{head}");
    }
}

#[tokio::test]
async fn no_proxy_is_dialled_directly() {
    let server = Server::answering(ok("", b"up 1\n")).await;
    let unused = Server::start(async |_, _| panic!("asked")).await;
    let http = through(&format!("http://{}", unused.address), "127.0.0.0/8");
    Scraper::new(with_http(target(server.address), http))
        .body()
        .await;
    assert_eq!(unused.connections(), 0);
}

#[tokio::test]
async fn tls_is_asked_a_tunnel_and_a_refusal_is_shown() {
    let (server, heard) =
        Server::listening("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n").await;
    let http = through(&format!("http://{}", server.address), "");
    let target = secure(with_http(target_at("payments.example", 8067), http));
    let message = fails(target, ScrapeErrorKind::Proxy).await;
    assert_eq!(
        message,
        format!(
            "proxy {}: it answered CONNECT payments.example:8067 with \"HTTP/1.1 407 Proxy Authentication Required\"",
            server.address
        )
    );
    let heard = heard.lock().unwrap();
    assert!(
        heard[0].starts_with("CONNECT payments.example:8067 HTTP/1.1\r\n"),
        "{}",
        heard[0]
    );
    assert!(heard[0].contains("x-gate: east\r\n"), "{}", heard[0]);
}

#[tokio::test]
async fn an_endless_or_broken_answer_to_connect_fails() {
    for answer in [vec![b'a'; 20_000], b"HTTP/1.1 2\r\n\r\n".to_vec()] {
        let (server, _) = Server::listening(answer).await;
        let http = through(&format!("http://{}", server.address), "");
        fails(
            secure(with_http(target_at("a.example", 1), http)),
            ScrapeErrorKind::Proxy,
        )
        .await;
    }
    let closing = Server::start(async |_, _| {}).await;
    let http = through(&format!("http://{}", closing.address), "");
    fails(
        secure(with_http(target_at("a.example", 1), http)),
        ScrapeErrorKind::Proxy,
    )
    .await;
}

#[tokio::test]
async fn metadata_hosts_are_refused_behind_a_proxy_and_as_one() {
    let unused = Server::start(async |_, _| panic!("asked")).await;
    for host in [
        "169.254.169.254",
        "2852039166",
        "metadata.google.internal",
        "fd00:ec2::254",
    ] {
        let http = through(&format!("http://{}", unused.address), "");
        fails(
            with_http(target_at(host, 80), http),
            ScrapeErrorKind::Blocked,
        )
        .await;
    }
    assert_eq!(unused.connections(), 0);
    let http = through("http://169.254.169.254:3128", "");
    fails(
        with_http(target_at("a.example", 80), http),
        ScrapeErrorKind::Blocked,
    )
    .await;
}

#[tokio::test]
async fn proxies_that_cannot_be_used_say_so() {
    let http = through("socks5://127.0.0.1:1080", "");
    let message = fails(
        with_http(target_at("a.example", 80), http),
        ScrapeErrorKind::Proxy,
    )
    .await;
    assert_eq!(
        message,
        "proxy scheme \"socks5\" is not supported, only \"http\""
    );
    let http = through("http://127.0.0.1:1", "");
    let message = fails(
        with_http(target_at("a.example", 80), http),
        ScrapeErrorKind::Proxy,
    )
    .await;
    assert!(
        message.starts_with("proxy: cannot connect to 127.0.0.1:1: "),
        "{message}"
    );
}

#[tokio::test]
async fn fault_91_a_forwarding_proxy_is_a_network_too() {
    let unused = Server::start(async |mut stream, _| {
        assert_eq!(request(&mut stream).await, None);
    })
    .await;
    let mut http = through(&format!("http://{}", unused.address), "");
    http.auth = Auth::Authorization {
        scheme: "Bearer".to_owned(),
        credentials: SecretSource::Inline(Secret::new("token")),
    };
    fails(
        with_http(target_at("a.example", 80), http),
        ScrapeErrorKind::Credentials,
    )
    .await;
}
