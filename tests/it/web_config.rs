//! `--web.config.file`: what is refused, users, headers.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use manifesto_exporter::publish::Web;
use tokio::net::TcpStream;

use super::programs::{BINARY, Daemon, get};

pub(crate) const TLS: &str = "tls_server_config: {cert_file: server.pem, key_file: server.key}\n";

/// The daemon with a web configuration; its base is https where that says so.
pub(crate) async fn start(folder: &Path, web: &str, more: &[&str]) -> Daemon {
    std::fs::write(folder.join("web.yaml"), web).unwrap();
    let flags: Vec<&str> = ["--web.config.file=web.yaml"]
        .iter()
        .chain(more)
        .copied()
        .collect();
    let mut daemon = Daemon::start("scrape_configs: []\n", folder, &flags);
    let address = daemon.base.strip_prefix("http://").unwrap().to_owned();
    let begun = Instant::now();
    while TcpStream::connect(&address).await.is_err() {
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "{}",
            daemon.program.log()
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    if web.contains("tls_server_config") {
        daemon.base = format!("https://{address}");
    }
    daemon
}

/// Each is refused at start, with exactly this; what is written in it is never repeated.
#[test]
fn bad_web_configurations_are_refused_with_the_exact_message() {
    let cases = [
        (
            "",
            "web.yaml: nothing is configured\nhint: a web configuration without TLS and users is `{}`",
        ),
        (
            "tls_config: {}\n",
            "web.yaml:1:1: unknown key `tls_config`\nhint: one of `tls_server_config`, `http_server_config`, `basic_auth_users`, `rate_limit`",
        ),
        (
            "tls_server_config:\n  cert_file: a\n",
            "web.yaml:2:3: `tls_server_config`: a certificate and its key are needed: `cert_file` and `key_file`",
        ),
        (
            "tls_server_config: {cert: hunter2, cert_file: a}\n",
            "web.yaml:1:20: `tls_server_config`: `cert` and `cert_file` exclude each other",
        ),
        (
            "tls_server_config: {cert_file: a, key_file: b, client_auth_type: Always}\n",
            "web.yaml:1:66: `tls_server_config.client_auth_type`: unknown value `Always`\nhint: one of `NoClientCert`, `RequestClientCert`, `RequireAnyClientCert`, `RequireClientCert`, `VerifyClientCertIfGiven`, `RequireAndVerifyClientCert`",
        ),
        (
            "tls_server_config: {cert_file: a, key_file: b, client_auth_type: RequireAndVerifyClientCert}\n",
            "web.yaml:1:20: `tls_server_config`: `client_auth_type` verifies certificates: `client_ca_file` is needed",
        ),
        (
            "tls_server_config: {cert_file: a, key_file: b, client_ca_file: c}\n",
            "web.yaml:1:20: `tls_server_config`: `client_ca_file` has no effect without `client_auth_type`",
        ),
        (
            "tls_server_config: {cert_file: a, key_file: b, client_allowed_sans: [a]}\n",
            "web.yaml:1:69: `client_allowed_sans` needs a `client_auth_type` that requires a certificate",
        ),
        (
            "tls_server_config: {cert_file: a, key_file: b, min_version: TLS11}\n",
            "web.yaml:1:61: TLS below 1.2 is not spoken\nhint: one of `TLS12`, `TLS13`",
        ),
        (
            "tls_server_config: {cert_file: a, key_file: b, min_version: TLS13, max_version: TLS12}\n",
            "web.yaml:1:81: `max_version` is below `min_version`",
        ),
        (
            "tls_server_config: {cert_file: a, key_file: b, curve_preferences: [CurveP521]}\n",
            "web.yaml:1:68: `tls_server_config.curve_preferences[0]`: unknown value `CurveP521`\nhint: one of `CurveP256`, `CurveP384`, `X25519`",
        ),
        (
            "http_server_config: {headers: {Server: x}}\n",
            "web.yaml:1:32: unknown key `Server` in `http_server_config.headers`\nhint: one of `Content-Security-Policy`, `X-Frame-Options`, `X-Content-Type-Options`, `X-XSS-Protection`, `Strict-Transport-Security`",
        ),
        (
            "http_server_config: {headers: {X-Frame-Options: allow}}\n",
            "web.yaml:1:49: header `x-frame-options`: expected deny or sameorigin",
        ),
        (
            "basic_auth_users:\n  ada: hunter2\n",
            "web.yaml:2:8: user `ada`: not a bcrypt hash\nhint: `htpasswd -nBC 10 \"\"` makes one from a password",
        ),
        (
            "basic_auth_users:\n  ada: hunter2\n  ada: hunter2\n",
            "web.yaml:3:3: duplicate key `ada` in `basic_auth_users`",
        ),
        (
            "basic_auth_users:\n  ada: $2y$31$L6Bc/AlTQHyd9liGgGEZyOFLPHNgyxeEPfgYfBCVxJ7JIlwxyVU3u\n",
            "web.yaml:2:8: user `ada`: bcrypt cost 31 is not within 4 and 16",
        ),
        (
            "basic_auth_users: [hunter2]\n",
            "web.yaml:1:19: `basic_auth_users`: expected a mapping",
        ),
        (
            "rate_limit: {interval: 1x, burst: 2}\n",
            "web.yaml:1:24: `rate_limit.interval`: `1x` is not a duration",
        ),
        (
            "rate_limit: {interval: 1s}\n",
            "web.yaml:1:13: missing key `burst` in `rate_limit`",
        ),
        (
            "rate_limit: {interval: 1s, burst: 0}\n",
            "web.yaml:1:35: `rate_limit.burst` must be above 0",
        ),
    ];
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("web.yaml");
    let shown = format!("{}/", folder.path().display());
    let mut wrong = Vec::new();
    for (text, expected) in cases {
        std::fs::write(&file, text).unwrap();
        let said = Web::load(file.clone())
            .unwrap_err()
            .to_string()
            .replace(&shown, "");
        assert!(!said.contains("hunter2"), "{said}");
        if said != expected {
            wrong.push(format!("{text}  said     {said}\n  expected {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_web_configuration_that_cannot_be_used_is_exit_2() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("web.yaml"), TLS).unwrap();
    std::fs::write(folder.path().join("users.yaml"), users(4)).unwrap();
    for (flags, expected) in [
        (
            [
                "--web.config.file=web.yaml",
                "--web.listen-address=127.0.0.1:0",
            ],
            "cannot read cert",
        ),
        (
            [
                "--web.config.file=none.yaml",
                "--web.listen-address=127.0.0.1:0",
            ],
            "cannot be read",
        ),
        (
            [
                "--web.config.file=users.yaml",
                "--web.listen-address=0.0.0.0:0",
            ],
            "in the clear",
        ),
    ] {
        let output = Command::new(BINARY)
            .args(flags)
            .current_dir(folder.path())
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(expected), "{said}");
    }
}

#[tokio::test]
async fn fault_91_passwords_in_the_clear_need_a_flag() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("config.yaml"), "scrape_configs: []\n").unwrap();
    std::fs::write(folder.path().join("web.yaml"), users(4)).unwrap();
    let arguments = |more: &[&'static str]| {
        let all = [
            "--config.file=config.yaml",
            "--web.config.file=web.yaml",
            "--web.listen-address=0.0.0.0:0",
        ];
        all.iter().chain(more).copied().collect::<Vec<_>>()
    };
    let program = |more: &[&'static str]| {
        super::programs::Program::start(BINARY, &arguments(more), folder.path())
    };
    let refused = program(&[]);
    let log = folder.path().join("manifesto-exporter.log");
    assert_eq!(refused.wait().0.code(), Some(2));
    assert!(
        std::fs::read_to_string(&log)
            .unwrap()
            .contains("--web.allow-plaintext-auth")
    );
    let allowed = program(&["--web.allow-plaintext-auth"]);
    allowed.until_log("listening").await;
}

/// Two users: `ada` with `correct`, `bob` with `battery`.
pub(crate) fn users(cost: u32) -> String {
    let hash = |password| bcrypt::hash_with_salt(password, cost, *b"sixteen bytes ok").unwrap();
    format!(
        "basic_auth_users:\n  ada: {}\n  bob: {}\n",
        hash("correct"),
        hash("battery")
    )
}

async fn status_as(daemon: &Daemon, path: &str, user: Option<(&str, &str)>) -> u16 {
    let mut request = super::programs::client().get(daemon.url(path));
    if let Some((name, password)) = user {
        request = request.basic_auth(name, Some(password));
    }
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn fault_94_without_a_login_nothing_is_shown_or_done() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = start(folder.path(), &users(4), &["--web.enable-lifecycle"]).await;
    for path in [
        "/",
        "/metrics",
        "/sd",
        "/targets",
        "/-/healthy",
        "/-/ready",
        "/style.css",
        "/nowhere",
    ] {
        assert_eq!(status_as(&daemon, path, None).await, 401, "{path}");
        assert_eq!(
            status_as(&daemon, path, Some(("ada", "wrong"))).await,
            401,
            "{path}"
        );
        assert_eq!(
            status_as(&daemon, path, Some(("eve", "correct"))).await,
            401,
            "{path}"
        );
    }
    assert_eq!(
        status_as(&daemon, "/-/healthy", Some(("ada", "correct"))).await,
        200
    );
    assert_eq!(
        status_as(&daemon, "/metrics", Some(("bob", "battery"))).await,
        200
    );
    let reload = || super::programs::client().post(daemon.url("/-/reload"));
    let anonymous = reload().send().await.unwrap();
    assert_eq!(anonymous.status().as_u16(), 401);
    assert_eq!(
        anonymous.headers()["www-authenticate"],
        "Basic realm=\"manifesto-exporter\""
    );
    let known = reload().basic_auth("ada", Some("correct"));
    let foreign = known
        .try_clone()
        .unwrap()
        .header("origin", "http://evil.example");
    assert_eq!(foreign.send().await.unwrap().status().as_u16(), 403);
    assert_eq!(known.send().await.unwrap().status().as_u16(), 200);

    // A user that is taken out is out at the next connection.
    let one = users(4).lines().take(2).collect::<Vec<_>>().join("\n");
    std::fs::write(folder.path().join("web.yaml"), one).unwrap();
    assert_eq!(
        status_as(&daemon, "/metrics", Some(("bob", "battery"))).await,
        401
    );
    // All of them cannot be: a truncated file must not open the server.
    std::fs::write(folder.path().join("web.yaml"), "{}").unwrap();
    assert_eq!(status_as(&daemon, "/metrics", None).await, 401);
    assert!(
        !daemon.program.log().contains("$2"),
        "{}",
        daemon.program.log()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_90_a_flood_of_logins_does_not_keep_known_ones_out() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = Arc::new(start(folder.path(), &users(9), &[]).await);
    assert_eq!(
        status_as(&daemon, "/metrics", Some(("ada", "correct"))).await,
        200
    );
    let flood: Vec<_> = (0..100)
        .map(|n| {
            let daemon = Arc::clone(&daemon);
            tokio::spawn(async move {
                status_as(&daemon, "/metrics", Some(("eve", &n.to_string()))).await
            })
        })
        .collect();
    assert_eq!(
        status_as(&daemon, "/metrics", Some(("ada", "correct"))).await,
        200
    );
    let mut refused = [0, 0];
    for login in flood {
        match login.await.unwrap() {
            401 => refused[0] += 1,
            503 => refused[1] += 1,
            other => panic!("{other}"),
        }
    }
    assert!(refused[0] >= 32, "{refused:?}");
}

#[tokio::test]
async fn headers_and_rate_are_as_configured() {
    let folder = tempfile::tempdir().unwrap();
    let web = "http_server_config:\n  http2: false\n  headers: {X-Frame-Options: deny, Strict-Transport-Security: max-age=1, X-XSS-Protection: ''}\nrate_limit: {interval: 1h, burst: 3}\n";
    let daemon = start(folder.path(), web, &[]).await;
    let answer = super::programs::client()
        .get(daemon.url("/"))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.headers()["x-frame-options"], "deny");
    assert_eq!(answer.headers()["strict-transport-security"], "max-age=1");
    assert!(
        answer.headers()["content-security-policy"]
            .to_str()
            .unwrap()
            .contains("default-src 'self'")
    );
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(get(&daemon.url("/-/healthy")).await.unwrap().0);
    }
    assert_eq!(statuses, [200, 200, 429]);
}
