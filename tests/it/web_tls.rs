//! TLS of the server: rotation, handshakes, client certificates.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use manifesto_exporter::daemon::Options;
use manifesto_exporter::document::secret::{Secret, SecretSource};
use manifesto_exporter::http_client::settings::TlsConfig;
use manifesto_exporter::http_client::tls::client_config;
use manifesto_exporter::publish::{ServerLimits, Web};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, SanType,
    date_time_ymd,
};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

use super::programs::{BINARY, Program, free_address, until};
use super::server::InProcess;
use super::web_config::{TLS, start, users};

/// A CA of our own.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// A certificate for `name`, and its key.
    fn pair(&self, name: &str, expired: bool) -> (String, String) {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params
            .subject_alt_names
            .push(SanType::IpAddress([127, 0, 0, 1].into()));
        params
            .subject_alt_names
            .push(SanType::URI(name.try_into().unwrap()));
        if expired {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2020, 12, 31);
        }
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    fn write_pair(&self, folder: &Path) {
        let (certificate, key) = self.pair("spiffe://test/server", false);
        std::fs::write(folder.join("server.pem"), certificate).unwrap();
        std::fs::write(folder.join("server.key"), key).unwrap();
    }
}

/// A client that trusts `authority` and shows `pair`; a connection for each request.
fn tls_client(authority: &Authority, pair: Option<(String, String)>) -> reqwest::Client {
    let inline = |text: String| Some(SecretSource::Inline(Secret::new(text)));
    let (cert, key) = pair.unzip();
    let tls = TlsConfig {
        ca: inline(authority.0.pem()),
        cert: cert.and_then(inline),
        key: key.and_then(inline),
        ..TlsConfig::default()
    };
    reqwest::Client::builder()
        .tls_backend_preconfigured(client_config(&tls).unwrap())
        .no_proxy()
        .pool_max_idle_per_host(0)
        .timeout(Duration::from_secs(10))
        .build()
        .unwrap()
}

async fn answers(client: &reqwest::Client, url: &str) -> bool {
    client
        .get(url)
        .send()
        .await
        .is_ok_and(|answer| answer.status().is_success())
}

#[tokio::test]
async fn fault_87_a_rotated_pair_is_served_without_a_restart_and_a_bad_one_keeps_the_old() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (Authority::new("old"), Authority::new("new"));
    old.write_pair(folder.path());
    let daemon = start(folder.path(), TLS, &[]).await;
    let (trusts_old, trusts_new) = (tls_client(&old, None), tls_client(&new, None));
    let metrics = daemon.url("/metrics");
    assert!(
        answers(&trusts_old, &metrics).await,
        "{}",
        daemon.program.log()
    );
    assert!(!answers(&trusts_new, &metrics).await);

    let key = std::fs::read(folder.path().join("server.key")).unwrap();
    let state = "manifesto_exporter_web_config_last_read_successful";
    // Cut short, of another pair, gone: the old pair stays.
    let another = KeyPair::generate().unwrap().serialize_pem();
    for bad in [Some(&key[..key.len() / 2]), Some(another.as_bytes()), None] {
        match bad {
            Some(bad) => std::fs::write(folder.path().join("server.key"), bad).unwrap(),
            None => std::fs::remove_file(folder.path().join("server.key")).unwrap(),
        }
        let answer = trusts_old.get(&metrics).send().await.unwrap();
        let body = answer.text().await.unwrap();
        assert!(body.contains(&format!("{state} 0\n")), "{body}");
    }
    daemon.program.until_log("cannot read key").await;
    // Once for each.
    let log = daemon.program.log();
    assert_eq!(log.matches("web configuration not taken").count(), 3);

    new.write_pair(folder.path());
    let answer = trusts_new.get(&metrics).send().await.unwrap();
    let body = answer.text().await.unwrap();
    assert!(body.contains(&format!("{state} 1\n")), "{body}");
    assert!(!answers(&trusts_old, &metrics).await);

    // A truncated file must not turn TLS off.
    std::fs::write(folder.path().join("web.yaml"), "{}\n").unwrap();
    assert!(answers(&trusts_new, &metrics).await);
    daemon.program.until_log("takes a restart").await;
}

#[tokio::test]
async fn fault_88_a_stalled_handshake_is_cut_off_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new("an authority");
    authority.write_pair(folder.path());
    std::fs::write(folder.path().join("web.yaml"), TLS).unwrap();
    let daemon = InProcess::start(Options {
        web: Some(Arc::new(Web::load(folder.path().join("web.yaml")).unwrap())),
        limits: ServerLimits {
            handshake_timeout: Duration::from_millis(200),
            ..ServerLimits::default()
        },
        ..Options::default()
    })
    .await;
    let mut silent = TcpStream::connect(daemon.address).await.unwrap();
    let mut answer = Vec::new();
    let ended = silent.read_to_end(&mut answer);
    drop(
        tokio::time::timeout(Duration::from_secs(5), ended)
            .await
            .unwrap(),
    );
    let url = format!("https://{}/metrics", daemon.address);
    let body = tls_client(&authority, None)
        .get(url)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let name = "manifesto_exporter_tls_handshakes_total";
    assert!(
        body.contains(&format!("{name}{{result=\"timeout\"}} 1\n")),
        "{body}"
    );
    // The handshake of this scrape.
    assert!(
        body.contains(&format!("{name}{{result=\"ok\"}} 1\n")),
        "{body}"
    );
}

#[tokio::test]
async fn fault_86_client_certificates_are_asked_for_and_verified_as_configured() {
    let folder = tempfile::tempdir().unwrap();
    let (authority, stranger) = (Authority::new("an authority"), Authority::new("a stranger"));
    authority.write_pair(folder.path());
    std::fs::write(folder.path().join("ca.pem"), authority.0.pem()).unwrap();
    let client = |pair| tls_client(&authority, pair);
    // None, a stranger's, an expired one, a good one, a good one of another name.
    let clients = [
        client(None),
        client(Some(stranger.pair("spiffe://test/good", false))),
        client(Some(authority.pair("spiffe://test/good", true))),
        client(Some(authority.pair("spiffe://test/good", false))),
        client(Some(authority.pair("spiffe://test/other", false))),
    ];
    let daemon = start(folder.path(), TLS, &[]).await;
    let cases = [
        ("client_auth_type: NoClientCert", "11111"),
        ("client_auth_type: RequestClientCert", "11111"),
        ("client_auth_type: RequireAnyClientCert", "01111"),
        (
            "client_auth_type: VerifyClientCertIfGiven, client_ca_file: ca.pem",
            "10011",
        ),
        (
            "client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.pem",
            "00011",
        ),
        (
            "client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.pem, client_allowed_sans: [\"spiffe://test/good\"]",
            "00010",
        ),
        (
            "client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.pem, client_allowed_sans: [127.0.0.1]",
            "00011",
        ),
        ("min_version: TLS13, curve_preferences: [X25519]", "11111"),
        (
            "max_version: TLS12, cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]",
            "11111",
        ),
    ];
    for (more, expected) in cases {
        let web = TLS.replace('}', &format!(", {more}}}"));
        std::fs::write(folder.path().join("web.yaml"), web).unwrap();
        let mut got = String::new();
        for client in &clients {
            got.push(if answers(client, &daemon.url("/metrics")).await {
                '1'
            } else {
                '0'
            });
        }
        assert_eq!(got, expected, "{more}\n{}", daemon.program.log());
    }
}

/// What the system trusts is a file here, as OpenSSL's variable says.
#[tokio::test]
async fn without_a_ca_the_roots_of_the_system_are_trusted_and_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let (authority, stranger) = (Authority::new("an authority"), Authority::new("a stranger"));
    authority.write_pair(folder.path());
    let daemon = start(folder.path(), TLS, &[]).await;
    let roots = folder.path().join("roots.pem");
    for (trusted, expected) in [(&authority, (Some(1), false)), (&stranger, (Some(3), true))] {
        std::fs::write(&roots, trusted.0.pem()).unwrap();
        let output = Command::new(BINARY)
            .args(["check", &daemon.url("/metrics")])
            .env("SSL_CERT_FILE", &roots)
            .output()
            .unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        // The table folds at words.
        let folded = said.split_whitespace().collect::<Vec<_>>().join(" ");
        let is_refused = folded.contains("the certificate is from an unknown issuer");
        assert_eq!((output.status.code(), is_refused), expected, "{said}");
    }
}

#[tokio::test]
async fn prometheus_scrapes_over_tls_with_a_login() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new("an authority");
    authority.write_pair(folder.path());
    std::fs::write(folder.path().join("ca.pem"), authority.0.pem()).unwrap();
    let (certificate, key) = authority.pair("spiffe://test/prometheus", false);
    std::fs::write(folder.path().join("client.pem"), certificate).unwrap();
    std::fs::write(folder.path().join("client.key"), key).unwrap();
    let more = ", client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.pem}";
    let web = format!("{}{}", TLS.replace('}', more), users(10));
    let daemon = start(folder.path(), &web, &[]).await;
    let scrape = format!(
        "global: {{scrape_interval: 1s}}\nscrape_configs:\n  - job_name: exporter\n    \
         scheme: https\n    basic_auth: {{username: ada, password: correct}}\n    \
         tls_config: {{ca_file: ca.pem, cert_file: client.pem, key_file: client.key}}\n    \
         static_configs: [{{targets: ['{}']}}]\n",
        daemon.base.strip_prefix("https://").unwrap()
    );
    std::fs::write(folder.path().join("prometheus.yml"), scrape).unwrap();
    // The file is Prometheus's own format: its tool reads it too.
    let checked = Command::new("promtool")
        .args(["check", "web-config", "web.yaml"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(checked.status.success(), "{checked:?}");
    let address = free_address();
    let listen = format!("--web.listen-address={address}");
    let arguments = [
        "--config.file=prometheus.yml",
        "--storage.tsdb.path=tsdb",
        &listen,
    ];
    let _prometheus = Program::start("prometheus", &arguments, folder.path());
    let query = format!("http://{address}/api/v1/query?query=up%7Bjob%3D%22exporter%22%7D");
    until(&query, |answer| answer.contains(",\"1\"]")).await;
}
