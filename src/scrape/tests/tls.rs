//! TLS: who is verified, and how failures are named.

use std::sync::Arc;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::support::{SHORT, Scraper, fails, target, target_at, with_http, within};
use crate::discovery::settings::Scheme;
use crate::discovery::target::Target;
use crate::document::secret::{Secret, SecretSource};
use crate::http_client::settings::{HttpConfig, Proxy, TlsConfig};
use crate::http_client::tests::server::{Server, hang, ok, request, send};
use crate::scrape::ScrapeErrorKind;
use crate::scrape::tls::{CHECK_EVERY, Tls};

/// A CA of our own.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        Self::called("an authority")
    }

    fn called(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    fn trusted(&self) -> TlsConfig {
        TlsConfig {
            ca: Some(SecretSource::Inline(Secret::new(self.0.pem()))),
            ..TlsConfig::default()
        }
    }

    /// A server's side for `name`.
    fn acceptor(&self, name: &str, expired: bool) -> TlsAcceptor {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        if expired {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2020, 12, 31);
        }
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}

/// Answers requests inside TLS.
async fn answer(stream: TcpStream, acceptor: TlsAcceptor) {
    let Ok(mut stream) = acceptor.accept(stream).await else {
        return;
    };
    let mut head = Vec::new();
    while let Ok(byte) = stream.read_u8().await {
        head.push(byte);
        if head.ends_with(b"\r\n\r\n") {
            head.clear();
            stream.write_all(&ok("", b"up 1\n")).await.unwrap();
        }
    }
}

async fn serving(acceptor: TlsAcceptor) -> Server {
    Server::start(move |stream, _| answer(stream, acceptor.clone())).await
}

fn secure(target: Target, tls: TlsConfig) -> Target {
    let mut target = with_http(
        target,
        HttpConfig {
            tls,
            ..HttpConfig::default()
        },
    );
    target.url.scheme = Scheme::Https;
    target
}

#[tokio::test]
async fn a_verified_connection_is_kept() {
    let authority = Authority::new();
    let server = serving(authority.acceptor("127.0.0.1", false)).await;
    let mut scraper = Scraper::new(secure(target(server.address), authority.trusted()));
    for _ in 0..3 {
        assert_eq!(scraper.body().await, "up 1\n");
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn fault_86_certificate_failures_are_specific() {
    let authority = Authority::new();
    for (name, expired, trusted, expected) in [
        (
            "127.0.0.1",
            true,
            authority.trusted(),
            "the certificate has expired",
        ),
        (
            "other.example",
            false,
            authority.trusted(),
            "the certificate is for another name",
        ),
        (
            "127.0.0.1",
            false,
            Authority::called("another").trusted(),
            "the certificate is from an unknown issuer",
        ),
    ] {
        let server = serving(authority.acceptor(name, expired)).await;
        let target = secure(target(server.address), trusted);
        let message = fails(target, ScrapeErrorKind::Tls).await;
        let start = format!("tls with 127.0.0.1 at {}: {expected}", server.address);
        assert!(message.starts_with(&start), "{message}");
    }
}

#[tokio::test]
async fn the_configured_server_name_is_the_one_verified() {
    let authority = Authority::new();
    let server = serving(authority.acceptor("other.example", false)).await;
    let tls = TlsConfig {
        server_name: Some("other.example".to_owned()),
        ..authority.trusted()
    };
    Scraper::new(secure(target(server.address), tls))
        .body()
        .await;
}

#[tokio::test]
async fn verification_can_be_turned_off() {
    let server = serving(Authority::new().acceptor("other.example", true)).await;
    let tls = TlsConfig {
        insecure_skip_verify: true,
        ..TlsConfig::default()
    };
    Scraper::new(secure(target(server.address), tls))
        .body()
        .await;
}

#[tokio::test]
async fn fault_88_a_stalled_handshake_meets_the_deadline() {
    let server = Server::start(async |_stream, _| hang().await).await;
    let target = secure(target(server.address), Authority::new().trusted());
    let message = fails(within(target, SHORT), ScrapeErrorKind::Timeout).await;
    assert!(message.ends_with("ms in the TLS handshake"), "{message}");
}

#[tokio::test]
async fn a_server_without_tls_is_a_tls_failure() {
    let server = Server::answering_once("HTTP/1.1 400 Bad Request\r\n\r\n").await;
    let server_target = secure(target(server.address), Authority::new().trusted());
    // It waits for the end of a request head that never comes, or reads one by chance.
    let (result, _) = Scraper::new(within(server_target, SHORT)).scrape().await;
    let reason = result.outcome.unwrap_err().reason;
    assert!(
        matches!(reason, ScrapeErrorKind::Tls | ScrapeErrorKind::Timeout),
        "{reason:?}"
    );

    let shouting = Server::start(async |mut stream, _| {
        send(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        hang().await;
    })
    .await;
    let target = secure(target(shouting.address), Authority::new().trusted());
    fails(target, ScrapeErrorKind::Tls).await;
}

#[tokio::test]
async fn fault_19_a_redirect_from_https_to_http_is_refused() {
    let authority = Authority::new();
    let acceptor = authority.acceptor("127.0.0.1", false);
    let server = Server::start(move |stream, _| {
        let acceptor = acceptor.clone();
        async move {
            let mut stream = acceptor.accept(stream).await.unwrap();
            let mut head = [0; 64];
            stream.read_exact(&mut head).await.unwrap();
            let answer = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/metrics\r\n\r\n";
            stream.write_all(answer.as_bytes()).await.unwrap();
            hang().await;
        }
    })
    .await;
    let target = secure(target(server.address), authority.trusted());
    let message = fails(target, ScrapeErrorKind::Redirect).await;
    assert_eq!(
        message,
        "redirected from https to http: \"http://127.0.0.1/metrics\""
    );
}

#[tokio::test(start_paused = true)]
async fn fault_87_rotated_certificates_are_taken_up_and_a_bad_file_keeps_the_old() {
    let (old, new) = (Authority::new(), Authority::new());
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ca.pem");
    let tls = TlsConfig {
        ca: Some(SecretSource::File(path.clone())),
        ..TlsConfig::default()
    };
    let client = Tls::new(&tls);
    assert!(client.client().is_err(), "no file yet");
    std::fs::write(&path, old.0.pem()).unwrap();
    let first = client.client().unwrap();
    assert!(Arc::ptr_eq(&first, &client.client().unwrap()));
    std::fs::write(&path, "no certificate").unwrap();
    tokio::time::advance(CHECK_EVERY).await;
    assert!(Arc::ptr_eq(&first, &client.client().unwrap()));
    std::fs::write(&path, [new.0.pem(), old.0.pem()].concat()).unwrap();
    tokio::time::advance(CHECK_EVERY).await;
    assert!(!Arc::ptr_eq(&first, &client.client().unwrap()));
}

#[tokio::test]
async fn a_tunnel_carries_tls_to_the_target() {
    let authority = Authority::new();
    let acceptor = authority.acceptor("payments.example", false);
    let proxy = Server::start(move |mut stream, _| {
        let acceptor = acceptor.clone();
        async move {
            let head = request(&mut stream).await.unwrap();
            assert!(head.starts_with("CONNECT payments.example:8067 "), "{head}");
            send(&mut stream, b"HTTP/1.1 200 Connection established\r\n\r\n").await;
            answer(stream, acceptor).await;
        }
    })
    .await;
    let mut target = secure(target_at("payments.example", 8067), authority.trusted());
    target.interval = Duration::from_secs(15);
    let mut http = (*target.job.http).clone();
    http.proxy = Proxy::Url {
        url: format!("http://{}", proxy.address).parse().unwrap(),
        no_proxy: Vec::new(),
        connect_headers: Vec::new(),
    };
    let mut tunnelled = with_http(target, http);
    tunnelled.url.scheme = Scheme::Https;
    let mut scraper = Scraper::new(tunnelled);
    for _ in 0..2 {
        assert_eq!(scraper.body().await, "up 1\n");
    }
    assert_eq!(proxy.connections(), 1);
}
