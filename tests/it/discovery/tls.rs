//! `tls_config` against a real TLS server.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rcgen::{CertificateParams, CertifiedIssuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::rig::{Rig, source};

struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Self {
            issuer: CertifiedIssuer::self_signed(params, key).unwrap(),
        }
    }

    /// Certificate and key, in PEM.
    fn pair(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    fn pem(&self) -> String {
        self.issuer.pem()
    }
}

/// A server of one target that wants a client certificate of the same authority; gives its port.
async fn serve(authority: &Authority, name: &str) -> u16 {
    let (certificate, key) = authority.pair(name);
    let mut roots = rustls::RootCertStore::empty();
    let ca = CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap();
    roots.add(ca).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(clients.build().unwrap())
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()],
            PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            // A client that is refused goes away; the next may not be.
            if let Ok(mut socket) = acceptor.accept(socket).await {
                let mut request = [0; 4096];
                let _read = socket.read(&mut request).await;
                let body = r#"[{"targets": ["a:1"]}]"#;
                let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close";
                let answer = format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
                let _sent = socket.write_all(answer.as_bytes()).await;
                let _closed = socket.shutdown().await;
            }
        }
    });
    port
}

fn config(port: u16, folder: &Path, more: &str) -> String {
    let folder = folder.display();
    format!(
        "scrape_configs:
  - job_name: h
    http_sd_configs:
      - url: https://127.0.0.1:{port}/
        refresh_interval: 100ms
        tls_config:
          ca_file: {folder}/ca.pem
          cert_file: {folder}/client.pem
          key_file: {folder}/client-key.pem
          {more}
"
    )
}

#[tokio::test]
async fn both_sides_are_verified_and_a_wrong_name_is_said() {
    let authority = Authority::new();
    let port = serve(&authority, "inventory.example").await;
    let folder = TempDir::new().unwrap();
    let (certificate, key) = authority.pair("client.example");
    fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
    fs::write(folder.path().join("client.pem"), certificate).unwrap();
    fs::write(folder.path().join("client-key.pem"), key).unwrap();

    let mut rig = Rig::start(&config(port, folder.path(), ""));
    let now = rig
        .until("failed", |now| source(now, "h/http/0").last_error.is_some())
        .await;
    let error = source(&now, "h/http/0").last_error.clone().unwrap();
    assert!(error.contains("not valid for name"), "{error}");

    rig.reload(&config(
        port,
        folder.path(),
        "server_name: inventory.example",
    ));
    rig.until_targets(&["a:1"]).await;
    rig.stop().await;
}

#[tokio::test]
async fn fault_87_a_rotated_pair_is_used_without_a_restart() {
    let authority = Authority::new();
    let port = serve(&authority, "127.0.0.1").await;
    let folder = TempDir::new().unwrap();
    let stranger = Authority::new();
    let write = |(certificate, key): (String, String)| {
        fs::write(folder.path().join("client.pem"), certificate).unwrap();
        fs::write(folder.path().join("client-key.pem"), key).unwrap();
    };
    fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
    write(stranger.pair("client.example"));
    let mut rig = Rig::start(&config(port, folder.path(), ""));
    rig.until("refused", |now| {
        source(now, "h/http/0").last_error.is_some()
    })
    .await;
    write(authority.pair("client.example"));
    rig.until_targets(&["a:1"]).await;
    rig.stop().await;
}

#[tokio::test]
async fn fault_56_without_its_key_nothing_is_asked() {
    let folder = TempDir::new().unwrap();
    let authority = Authority::new();
    fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
    fs::write(
        folder.path().join("client.pem"),
        authority.pair("client.example").0,
    )
    .unwrap();
    let mut rig = Rig::start(&config(1, folder.path(), ""));
    let now = rig
        .until("failed", |now| source(now, "h/http/0").last_error.is_some())
        .await;
    let error = source(&now, "h/http/0").last_error.clone().unwrap();
    assert!(error.starts_with("cannot read key `"), "{error}");
    rig.stop().await;
}
