//! Secrets in every place that a configuration has for them, and a look everywhere that the
//! daemon shows anything: none may be seen.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use manifesto_exporter::daemon;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::programs::{BINARY, Program, client, free_address};

/// Part of every secret.
const CANARY: &str = "c4n4ry";

/// The password of the web configuration's user.
const PASSWORD: &str = "c4n4ry-web-password";

const EXPOSITION: &str = "# TYPE shop_requests_total counter\nshop_requests_total 5\n";

/// Answers by the end of the path; counts the requests that carried a secret.
struct Server {
    address: String,
    secrets_seen: Arc<AtomicUsize>,
}

impl Server {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let secrets_seen = Arc::new(AtomicUsize::new(0));
        let (seen, own) = (Arc::clone(&secrets_seen), address.clone());
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let (seen, own) = (Arc::clone(&seen), own.clone());
                tokio::spawn(async move {
                    let mut request = vec![0; 16 * 1024];
                    let Ok(bytes) = stream.read(&mut request).await else {
                        return;
                    };
                    let request = String::from_utf8_lossy(&request[..bytes]).into_owned();
                    // `Y2FuYXJ5` and its like: basic authentication is base64.
                    if request.contains(CANARY) || request.contains("Basic ") {
                        seen.fetch_add(1, Ordering::Relaxed);
                    }
                    drop(stream.write_all(answer(&request, &own).as_bytes()).await);
                });
            }
        });
        Self {
            address,
            secrets_seen,
        }
    }
}

fn answer(request: &str, own: &str) -> String {
    let path = request.split(' ').nth(1).unwrap_or("");
    let path = path.split('?').next().unwrap_or(path);
    let (status, kind, body) = match path.rsplit('/').next().unwrap_or("") {
        "ok" => ("200 OK", "text/plain; version=0.0.4", EXPOSITION.to_owned()),
        "token" => (
            "200 OK",
            "application/json",
            format!(
                "{{\"access_token\":\"{CANARY}-token\",\"token_type\":\"Bearer\",\"expires_in\":60}}"
            ),
        ),
        "sd" => (
            "200 OK",
            "application/json",
            format!(
                "[{{\"targets\":[\"{own}\"],\"labels\":{{\"__metrics_path__\":\"/discovered/ok\"}}}}]"
            ),
        ),
        // As debugging proxies do: what came is sent back.
        _ => ("401 Unauthorized", "text/plain", request.to_owned()),
    };
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// A job for each way to hold a secret; each with a target that answers, one that refuses and
/// one that is not there.
fn configuration(server: &str) -> String {
    let ways = [
        (
            "basic",
            format!("    basic_auth:\n      username: ada\n      password: {CANARY}-basic\n"),
        ),
        (
            "basic-flow",
            format!("    basic_auth: {{username: ada, password: {CANARY}-flow}}\n"),
        ),
        (
            "basic-file",
            "    basic_auth:\n      username: ada\n      password_file: secret.txt\n".to_owned(),
        ),
        ("bearer", format!("    bearer_token: {CANARY}-bearer\n")),
        (
            "bearer-file",
            "    bearer_token_file: secret.txt\n".to_owned(),
        ),
        (
            "credentials",
            format!("    authorization:\n      credentials: {CANARY}-credentials\n"),
        ),
        (
            "credentials-block",
            format!("    authorization:\n      credentials: >-\n        {CANARY}-block\n"),
        ),
        (
            "oauth2",
            format!(
                "    oauth2:\n      client_id: id\n      client_secret: {CANARY}-client\n      token_url: http://{server}/token\n      endpoint_params:\n        password: {CANARY}-param\n"
            ),
        ),
        (
            "oauth2-refused",
            format!(
                "    oauth2:\n      client_id: id\n      client_secret: {CANARY}-client\n      token_url: http://{server}/refused\n"
            ),
        ),
        (
            "headers",
            format!(
                "    http_headers:\n      X-Api-Key:\n        secrets:\n          - {CANARY}-header\n      X-Other:\n        files: [secret.txt]\n"
            ),
        ),
        (
            "proxy",
            format!("    proxy_url: http://ada:{CANARY}-proxy@{server}\n"),
        ),
        (
            "proxy-header",
            format!(
                "    proxy_url: http://{server}\n    proxy_connect_header:\n      X-Proxy-Key:\n        - {CANARY}-connect\n"
            ),
        ),
    ];
    let mut text =
        "global: {scrape_interval: 1s, scrape_timeout: 500ms}\nscrape_configs:\n".to_owned();
    for (name, way) in ways {
        text.push_str(&format!("  - job_name: {name}\n{way}    static_configs:\n"));
        for (path, address) in [
            ("ok", server),
            ("refused", server),
            ("gone", "127.0.71.2:1"),
        ] {
            text.push_str(&format!(
                "      - targets: ['{address}']\n        labels: {{__metrics_path__: /{name}/{path}}}\n"
            ));
        }
    }
    text.push_str(&format!(
        "  - job_name: sd\n    basic_auth: {{username: ada, password: {CANARY}-sd-scrape}}\n    http_sd_configs:\n      - url: http://{server}/sd?token={CANARY}-query\n        basic_auth:\n          username: ada\n          password: {CANARY}-sd\n      - url: http://{server}/refused\n        authorization:\n          credentials: {CANARY}-sd-refused\n"
    ));
    text
}

fn web_configuration() -> String {
    let hash = bcrypt::hash_with_salt(PASSWORD, 4, *b"sixteen bytes ok").unwrap();
    // A hash may hold the word too: its letters are those of base64.
    let other = format!("$2b$04$......................{CANARY}{}", ".".repeat(25));
    format!("basic_auth_users:\n  ada: {hash}\n  bob: {other}\n")
}

fn assert_clean(what: &str, text: &str) {
    for secret in [CANARY, "$2b$", "YzRuNHJ5"] {
        if let Some(at) = text.find(secret) {
            let start = text[..at]
                .char_indices()
                .rev()
                .nth(200)
                .map_or(0, |(at, _)| at);
            panic!("{what} shows a secret: {}", &text[start..at + secret.len()]);
        }
    }
}

async fn fetch(base: &str, path: &str, accept: &str) -> (u16, String) {
    let request = client()
        .get(format!("{base}{path}"))
        .header("accept", accept)
        .basic_auth("ada", Some(PASSWORD));
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// Whether every target was found and scraped.
fn is_settled(metrics: &str) -> bool {
    let mut pending = metrics
        .lines()
        .filter(|line| line.contains("state=\"pending\""));
    metrics.contains("discovered/ok") && pending.all(|line| line.ends_with(" 0"))
}

async fn nothing_is_shown(format: &str) {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start().await;
    std::fs::write(folder.path().join("secret.txt"), format!("{CANARY}-file\n")).unwrap();
    std::fs::write(folder.path().join("web.yaml"), web_configuration()).unwrap();
    let good = configuration(&server.address);
    std::fs::write(folder.path().join("config.yaml"), &good).unwrap();
    let address = free_address().to_string();
    let flags = [
        "--config.file=config.yaml",
        "--web.config.file=web.yaml",
        "--web.enable-lifecycle",
        "--log.level=debug",
        &format!("--log.format={format}"),
        "--web.listen-address",
        &address,
    ];
    let program = Program::start(BINARY, &flags, folder.path());
    let base = format!("http://{address}");
    let begun = Instant::now();
    loop {
        let ready = client()
            .get(format!("{base}/-/healthy"))
            .send()
            .await
            .is_ok();
        // The canaries do sing: the wire is the one place where they belong.
        let seen = server.secrets_seen.load(Ordering::Relaxed);
        if ready && seen > 10 && is_settled(&fetch(&base, "/metrics", "*/*").await.1) {
            break;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "{}",
            program.log()
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    for path in [
        "/",
        "/targets",
        "/targets?q=c4n4r",
        "/metrics",
        "/sd",
        "/api/v1/services",
        "/api/v1/targets",
        &format!("/probe?target=http://{}/basic/ok", server.address),
        &format!("/probe?target=http://{}/headers/refused", server.address),
        "/nowhere",
    ] {
        for accept in ["*/*", "application/openmetrics-text"] {
            let (status, body) = fetch(&base, path, accept).await;
            assert!(matches!(status, 200 | 404), "{path}: {status}");
            assert_clean(path, &body);
        }
    }
    // Reloads that fail on lines that hold secrets answer and log.
    for (line, _) in good
        .lines()
        .enumerate()
        .filter(|(_, line)| line.contains(CANARY))
    {
        std::fs::write(
            folder.path().join("config.yaml"),
            damaged(&good, line, Damage::Key),
        )
        .unwrap();
        let reload = client()
            .post(format!("{base}/-/reload"))
            .basic_auth("ada", Some(PASSWORD));
        let answer = reload.send().await.unwrap().text().await.unwrap();
        assert_clean("/-/reload", &answer);
    }
    std::fs::write(
        folder.path().join("web.yaml"),
        web_configuration().replace("$2b$04", "$9"),
    )
    .unwrap();
    fetch(&base, "/metrics", "*/*").await;
    program.until_log("web configuration not taken").await;
    assert_clean("the log", &program.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_shown_by_the_daemon_logging_text() {
    nothing_is_shown("text").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_shown_by_the_daemon_logging_json() {
    nothing_is_shown("json").await;
}

#[derive(Clone, Copy)]
enum Damage {
    /// A letter more in the line's key.
    Key,
    /// A bracket that closes nothing.
    Bracket,
    /// A quote that is not closed.
    Quote,
    /// Nothing follows.
    Cut,
    /// One space more than its neighbours.
    Indented,
    /// Written twice.
    Twice,
    /// A list where a value belongs.
    List,
    /// A mapping where a value belongs.
    Mapping,
    /// A character that YAML forbids.
    Control,
    /// An alias of nothing.
    Alias,
}

fn damaged(text: &str, line: usize, damage: Damage) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let old = lines[line].clone();
    let with_value = |open: &str, close: &str| match old.split_once(": ") {
        Some((key, value)) => format!("{key}: {open}{value}{close}"),
        None => format!("{old}{close}"),
    };
    lines[line] = match damage {
        Damage::Key => old.replacen(':', "x:", 1),
        Damage::Bracket => format!("{old} }}"),
        Damage::Quote => with_value("\"", ""),
        Damage::Cut | Damage::Twice => old.clone(),
        Damage::Indented => format!(" {old}"),
        Damage::List => with_value("[", "]"),
        Damage::Mapping => with_value("{", ": 1}"),
        Damage::Control => format!("{old}\u{7}"),
        Damage::Alias => with_value("*", ""),
    };
    match damage {
        Damage::Cut => lines.truncate(line + 1),
        Damage::Twice => lines.insert(line, old),
        _ => {}
    }
    lines.join("\n") + "\n"
}

const DAMAGES: [Damage; 10] = [
    Damage::Key,
    Damage::Bracket,
    Damage::Quote,
    Damage::Cut,
    Damage::Indented,
    Damage::Twice,
    Damage::List,
    Damage::Mapping,
    Damage::Control,
    Damage::Alias,
];

/// `config check` prints what loading says.
#[test]
fn no_secret_is_in_what_a_damaged_configuration_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.yaml");
    let good = configuration("127.0.71.3:8067");
    std::fs::write(&file, &good).unwrap();
    daemon::load(Some(&file)).unwrap_or_else(|error| panic!("{error}"));
    let (mut refused, mut leaks) = (0, Vec::new());
    let lines: Vec<&str> = good.lines().collect();
    for line in 0..lines.len() {
        // The fault is where a secret is, or on the line before it.
        if !lines[line..]
            .iter()
            .take(2)
            .any(|line| line.contains(CANARY))
        {
            continue;
        }
        for damage in DAMAGES {
            let text = damaged(&good, line, damage);
            std::fs::write(&file, &text).unwrap();
            if let Err(error) = daemon::load(Some(&file)) {
                refused += 1;
                let said = error.to_string();
                if said.contains(CANARY) {
                    leaks.push(said);
                }
            }
        }
    }
    assert!(refused > 150, "{refused}");
    assert!(
        leaks.is_empty(),
        "{} of {refused}:\n{}",
        leaks.len(),
        leaks.join("\n")
    );
    check_says_nothing(folder.path(), &damaged(&good, 4, Damage::Key));
}

fn check_says_nothing(folder: &Path, text: &str) {
    std::fs::write(folder.join("config.yaml"), text).unwrap();
    let arguments = ["config", "check", "config.yaml"];
    let output = Command::new(BINARY)
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_clean("config check", &String::from_utf8_lossy(&output.stderr));
}
