//! Credentials: what is sent, and when nothing is.

use std::io::Write as _;
use std::time::Duration;

use super::support::{
    SHORT, Scraper, fails, fails_with, pass, target, target_at, with_http, within,
};
use crate::document::secret::{Secret, SecretSource};
use crate::http_client::settings::{Auth, Header, HttpConfig};
use crate::http_client::tests::oauth2::{granting, oauth2};
use crate::http_client::tests::server::{Server, hang, ok, request, send};
use crate::http_client::{DialPolicy, Resolver};
use crate::scrape::{ScrapeErrorKind, ScrapeSettings};

fn inline(text: &str) -> SecretSource {
    SecretSource::Inline(Secret::new(text))
}

fn with_auth(auth: Auth) -> HttpConfig {
    HttpConfig {
        auth,
        ..HttpConfig::default()
    }
}

fn bearer(credentials: SecretSource) -> HttpConfig {
    with_auth(Auth::Authorization {
        scheme: "Bearer".to_owned(),
        credentials,
    })
}

#[tokio::test]
async fn credentials_and_headers_travel() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "from file").unwrap();
    let mut basic = with_auth(Auth::Basic {
        username: inline("user"),
        password: inline("pass"),
    });
    basic.headers = vec![Header {
        name: "x-tenant".to_owned(),
        values: vec!["a".to_owned(), "b".to_owned()],
        secrets: vec![Secret::new("c")],
        files: vec![file.path().to_owned()],
    }];
    let (server, heard) = Server::listening(ok("", b"up 1\n")).await;
    for http in [basic, bearer(inline("token"))] {
        Scraper::new(with_http(target(server.address), http))
            .body()
            .await;
    }
    let heard = heard.lock().unwrap();
    assert!(
        heard[0].contains("authorization: Basic dXNlcjpwYXNz\r\n"),
        "{}",
        heard[0]
    );
    assert!(
        heard[0].contains("x-tenant: a\r\nx-tenant: b\r\nx-tenant: c\r\nx-tenant: from file\r\n"),
        "{}",
        heard[0]
    );
    assert!(
        heard[1].contains("authorization: Bearer token\r\n"),
        "{}",
        heard[1]
    );
}

#[tokio::test]
async fn fault_56_without_its_file_a_request_is_not_made() {
    let (server, heard) = Server::listening(ok("", b"up 1\n")).await;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("token");
    let http = bearer(SecretSource::File(path.clone()));
    let mut scraper = Scraper::new(with_http(target(server.address), http));
    let (result, _) = scraper.scrape().await;
    let down = result.outcome.unwrap_err();
    assert_eq!(down.reason, ScrapeErrorKind::Credentials);
    assert!(
        down.message.starts_with("cannot read credentials file /"),
        "{down}"
    );
    assert_eq!(server.connections(), 0);
    // It appears, and is used at once; it rotates, and the new one is used soon.
    std::fs::write(&path, "one\n").unwrap();
    scraper.body().await;
    std::fs::write(&path, "two\n").unwrap();
    pass(Duration::from_secs(1)).await;
    scraper.body().await;
    let heard = heard.lock().unwrap();
    assert!(heard[0].contains("Bearer one\r\n") && heard[1].contains("Bearer two\r\n"));
}

#[tokio::test]
async fn a_secret_is_never_in_a_message() {
    let http = bearer(inline("hush\nhush"));
    let message = fails(
        with_http(target_at("127.0.0.1", 1), http),
        ScrapeErrorKind::Credentials,
    )
    .await;
    assert!(!message.contains("hush"), "{message}");
}

/// An address of this machine that is not loopback, where it has one.
fn outward() -> Option<std::net::IpAddr> {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback() && !address.is_unspecified()).then_some(address)
}

#[tokio::test]
async fn fault_91_credentials_do_not_cross_a_network_in_the_clear() {
    let Some(address) = outward() else {
        let without = std::env::var_os("MANIFESTO_TESTS_WITHOUT_NETNS");
        let is_skipped = without.is_some_and(|value| value == "1");
        assert!(is_skipped, "this machine has no address but loopback");
        return;
    };
    let listener = tokio::net::TcpListener::bind((address, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let serve = tokio::spawn(async move {
        let mut heads = 0;
        while let Ok((mut stream, _)) = listener.accept().await {
            if request(&mut stream).await.is_some() {
                heads += 1;
                send(&mut stream, &ok("Connection: close\r\n", b"up 1\n")).await;
            }
            if heads == 2 {
                break;
            }
        }
    });
    let secret_header = HttpConfig {
        headers: vec![Header {
            name: "x-key".to_owned(),
            values: Vec::new(),
            secrets: vec![Secret::new("hush")],
            files: Vec::new(),
        }],
        ..HttpConfig::default()
    };
    for http in [bearer(inline("token")), secret_header] {
        let refused = with_http(target(address), http.clone());
        let message = fails(refused.clone(), ScrapeErrorKind::Credentials).await;
        assert_eq!(
            message,
            format!(
                "credentials are not sent to {address} over plain http: use https, or allow plaintext credentials"
            )
        );
        let settings = ScrapeSettings {
            allow_plaintext_credentials: true,
            ..ScrapeSettings::default()
        };
        Scraper::with(refused, settings, Resolver::system())
            .body()
            .await;
    }
    serve.await.unwrap();
}

#[tokio::test]
async fn an_oauth2_token_is_fetched_once_and_renewed_when_refused_or_expired() {
    let (tokens, asked) = granting("3600").await;
    // Takes t0 twice, then only those that follow.
    let server = Server::start(async |mut stream, _| {
        let mut taken = 0;
        while let Some(head) = request(&mut stream).await {
            let accepted = match head.contains("Bearer t0\r\n") {
                true => taken < 2,
                false => head.contains("Bearer t"),
            };
            taken += 1;
            let answer = match accepted {
                true => ok("", b"up 1\n"),
                false => b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n".to_vec(),
            };
            send(&mut stream, &answer).await;
        }
    })
    .await;
    let http = oauth2(&format!("http://{}/token?x=1", tokens.address));
    let mut scraper = Scraper::new(with_http(target(server.address), http));
    scraper.body().await;
    scraper.body().await;
    assert_eq!(tokens.connections(), 1);
    {
        let asked = asked.lock().unwrap();
        assert!(
            asked[0].starts_with("POST /token?x=1 HTTP/1.1\r\n"),
            "{}",
            asked[0]
        );
        // "id:se+cret"
        assert!(
            asked[0].contains("authorization: Basic aWQ6c2UrY3JldA==\r\n"),
            "{}",
            asked[0]
        );
    }
    pass(Duration::from_millis(500)).await;
    scraper.body().await;
    assert_eq!(tokens.connections(), 2);
    // It expires within the hour.
    pass(Duration::from_secs(3_600)).await;
    scraper.body().await;
    assert_eq!(tokens.connections(), 3);
}

#[tokio::test]
async fn a_target_that_refuses_every_token_is_not_a_token_storm() {
    let (tokens, _) = granting("3600").await;
    let server = Server::answering("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n").await;
    let http = oauth2(&format!("http://{}/token?x=1", tokens.address));
    let mut scraper = Scraper::new(with_http(target(server.address), http));
    for _ in 0..5 {
        let (result, _) = scraper.scrape().await;
        assert_eq!(result.outcome.unwrap_err().reason, ScrapeErrorKind::Http);
    }
    assert_eq!(tokens.connections(), 1);
}

#[tokio::test]
async fn a_token_server_that_refuses_fails_the_scrape_before_its_request() {
    let refusing = Server::answering("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n").await;
    let server = Server::start(async |_, _| panic!("asked")).await;
    let http = oauth2(&format!("http://{}/token?x=1", refusing.address));
    let scraper = Scraper::new(with_http(target(server.address), http));
    let message = fails_with(scraper, ScrapeErrorKind::Credentials).await;
    assert_eq!(
        message,
        format!(
            "oauth2 token server http://{}/token: it answered with status 403 Forbidden",
            refusing.address
        )
    );
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn the_settings_of_scrapes_hold_for_token_servers_and_reload() {
    let (tokens, _) = granting("3600").await;
    let server = Server::answering(ok("", b"up 1\n")).await;
    let port = tokens.address.port();
    let idp = |name: &str| oauth2(&format!("http://{name}:{port}/token"));
    let resolver = Resolver::new(|name| {
        let address = match name {
            "near.example" => "127.0.0.1",
            "metadata.example" => "169.254.169.254",
            _ => "192.0.2.1",
        };
        Ok(vec![address.parse().unwrap()])
    });
    // Addresses that targets are limited to: token servers may be elsewhere.
    let settings = ScrapeSettings {
        dial: DialPolicy {
            allow: vec![server.address.ip().into()],
            deny: vec!["10.0.0.0/8".parse().unwrap()],
            ports: vec![server.address.port().to_string().parse().unwrap()],
        },
        ..ScrapeSettings::default()
    };
    let target = target(server.address);
    for (host, why) in [
        (
            "metadata.example",
            "dial policy: 169.254.169.254 is a link-local address",
        ),
        (
            "10.1.2.3",
            "dial policy: 10.1.2.3 is in the denied range 10.0.0.0/8",
        ),
        (
            "far.example",
            "credentials are not sent to 192.0.2.1 over plain http: use https, or allow plaintext credentials",
        ),
    ] {
        let target = with_http(target.clone(), idp(host));
        let scraper = Scraper::with(target, settings.clone(), resolver.clone());
        let message = fails_with(scraper, ScrapeErrorKind::Credentials).await;
        let server = format!("oauth2 token server http://{host}:{port}/token");
        assert_eq!(message, format!("{server}: {why}"));
    }
    let target = with_http(target, idp("near.example"));
    let mut scraper = Scraper::with(target, settings, resolver);
    assert_eq!(scraper.body().await, "up 1\n");
    assert_eq!(tokens.connections(), 1);
}

#[tokio::test]
async fn a_token_server_that_hangs_meets_the_deadline() {
    let hanging = Server::start(async |_, _| hang().await).await;
    let http = oauth2(&format!("http://{}/token", hanging.address));
    let target = within(with_http(target_at("127.0.0.1", 1), http), SHORT);
    let message = fails(target, ScrapeErrorKind::Timeout).await;
    assert!(
        message.ends_with("ms fetching the oauth2 token"),
        "{message}"
    );
}
