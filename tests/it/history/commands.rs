//! The commands and paths that show history, by the real binary.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use jiff::{SignedDuration, Timestamp};
use manifesto_exporter::history::Reader;
use manifesto_exporter::report::Report;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::restarts::slow;
use crate::programs::{BINARY, Daemon, get, until};
use crate::simulation::{End, World, body, ruleset};

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Ten weeks until today; a service loses its version on the last day but two.
fn history(folder: &Path) {
    let configuration = "scrape_configs: []\nhistory: {path: history.sqlite}\n";
    std::fs::write(folder.join("config.yaml"), configuration).unwrap();
    let now = Timestamp::now();
    let rules = ruleset("scrape_configs: []", folder);
    let start = now - DAY * 70;
    let mut world = World::new(rules, start, &folder.join("history.sqlite"), slow());
    world.start();
    while world.now() < now {
        let lacks: &[&str] = match world.now() > now - DAY * 2 {
            true => &["version"],
            false => &[],
        };
        world.put("shop-1", "shop", "=growth", body("shop", lacks));
        world.put("till-1", "till", "payments", body("till", &[]));
        world.look();
        world.pass(SignedDuration::from_hours(6));
    }
    world.end(End::Stop);
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(BINARY);
    command.args(arguments).arg("--config.file=config.yaml");
    command.current_dir(folder).output().unwrap()
}

/// What it prints; it must succeed.
fn printed(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {told}");
    String::from_utf8(output.stdout).unwrap()
}

fn day(ago: i64) -> String {
    let at = Timestamp::now() - DAY * i32::try_from(ago).unwrap();
    at.to_zoned(jiff::tz::TimeZone::UTC).date().to_string()
}

#[test]
fn a_report_is_printed_in_each_format() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    history(folder);
    let span = format!("--quarter={}..{}", day(30), day(0));
    let json = printed(folder, &["report", &span, "--output=json"]);
    let report: Report = serde_json::from_str(&json).unwrap();
    assert_eq!(report.summary.end.services, 2);
    assert!(report.changes.iter().any(|change| change.rule == "O-8"));
    let html = printed(folder, &["report", &span, "--output=html"]);
    assert!(html.starts_with("<!doctype html>") && html.contains("svg"));
    for outside in ["<script", "http://", "https://", " src="] {
        assert!(!html.contains(outside), "{outside}");
    }
    let markdown = printed(folder, &["report", &span]);
    assert!(markdown.contains("- shop O-8: "), "{markdown}");
    let csv = printed(
        folder,
        &["report", &span, "--output=csv", "--table=violations"],
    );
    let row = csv.lines().find(|line| line.contains(",O-8,")).unwrap();
    assert!(row.starts_with("shop,,\"'=growth\","), "{row}");
    let team = printed(
        folder,
        &["report", &span, "--team=payments", "--output=json"],
    );
    let team: Report = serde_json::from_str(&team).unwrap();
    assert_eq!(
        (team.summary.end.services, team.summary.end.violated),
        (1, 0)
    );
}

#[test]
fn what_cannot_be_reported_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    history(folder);
    let refused = |arguments: &[&str], code: i32, message: &str| {
        let output = run(folder, arguments);
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {told}");
        assert!(told.contains(message), "{arguments:?}: {told}");
    };
    refused(
        &["report", "--quarter=FY27-Q1"],
        2,
        "the year starts in January",
    );
    refused(
        &["report", "--team=nobody"],
        2,
        "team `nobody` has no services and no objectives",
    );
    refused(&["report", "--freeze"], 2, "it is not over before");
    refused(&["report", "--quarter=2011-Q1"], 3, "");
    refused(
        &["history", "show", "--since=tomorrow"],
        2,
        "is neither a length of time",
    );
    refused(&["history", "show", "--until=1d"], 2, "is not a day");
    refused(
        &["history", "show", "--service=nosuch"],
        2,
        "no service `nosuch` was ever seen",
    );
    refused(
        &["history", "show", "--team=nosuch"],
        2,
        "no team `nosuch` was ever seen",
    );
    refused(
        &["history", "show", "--rule=O-99"],
        2,
        "rule `O-99` was never judged",
    );
    refused(
        &[
            "history",
            "show",
            "--since=2026-01-02",
            "--until=2026-01-01",
        ],
        2,
        "is not before",
    );
    refused(&["history", "prune", "--before=30d"], 2, "is not a day");
    refused(&["report", "--quarter=2199-Q1"], 2, "has not begun");
    refused(&["report", "--quarter=next"], 2, "or ask for `current`");
    refused(&["report", "--table=rules"], 2, "--output=csv");
    refused(
        &["digest", "--team=payments", "--since=1h"],
        2,
        "it is not in 1d..=366d",
    );
    std::fs::write(
        folder.join("config.yaml"),
        "scrape_configs: []\nhistory: off\n",
    )
    .unwrap();
    refused(&["report"], 2, "keeps no history");
    let elsewhere = "scrape_configs: []\nhistory: {path: elsewhere.sqlite}\n";
    std::fs::write(folder.join("config.yaml"), elsewhere).unwrap();
    refused(&["report"], 2, "there is no history there");
}

#[test]
fn history_is_shown_checked_and_copied() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    history(folder);
    let shown = printed(
        folder,
        &[
            "history",
            "show",
            "--service=shop",
            "--rule=O-8",
            "--since=4d",
        ],
    );
    assert_eq!(shown.lines().count(), 1, "{shown}");
    assert!(shown.contains("compliant -> "), "{shown}");
    let json = printed(
        folder,
        &[
            "history",
            "show",
            "--team=payments",
            "--since=90d",
            "--output=json",
        ],
    );
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let transitions = json["transitions"].as_array().unwrap();
    assert!(!transitions.is_empty());
    assert!(transitions.iter().all(|one| one["service"] == "till"));
    assert!(printed(folder, &["history", "verify"]).contains("sound"));
    printed(folder, &["history", "backup", "copy.sqlite"]);
    let copied = Reader::open(&folder.join("copy.sqlite"))
        .unwrap()
        .services()
        .unwrap();
    let original = Reader::open(&folder.join("history.sqlite"))
        .unwrap()
        .services()
        .unwrap();
    assert_eq!(copied, original);
    let again = run(folder, &["history", "backup", "copy.sqlite"]);
    assert_eq!(again.status.code(), Some(2));
}

/// A webhook that answers 200; how often it was asked, and with what last.
async fn webhook() -> (
    String,
    Arc<AtomicUsize>,
    tokio::sync::watch::Receiver<String>,
) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!(
        "http://{}/hooks/secret-token",
        listener.local_addr().unwrap()
    );
    let asked = Arc::new(AtomicUsize::new(0));
    let (told, last) = tokio::sync::watch::channel(String::new());
    let counted = Arc::clone(&asked);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            counted.fetch_add(1, Relaxed);
            let mut text = Vec::new();
            let mut buffer = [0; 4096];
            // The body is JSON: it ends with its brace.
            while !text.ends_with(b"}") {
                let read = stream.read(&mut buffer).await.unwrap();
                text.extend_from_slice(&buffer[..read]);
            }
            told.send_replace(String::from_utf8(text).unwrap());
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
            stream.write_all(answer).await.unwrap();
        }
    });
    (url, asked, last)
}

/// Guarantee: a team hears of what changed, and of nothing where nothing did; the webhook's URL is in no message.
#[tokio::test(flavor = "multi_thread")]
async fn a_digest_is_posted_where_something_changed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    history(folder);
    let (url, asked, last) = webhook().await;
    std::fs::write(folder.join("url"), format!("{url}\n")).unwrap();
    let digest = |team: &str| {
        let team = format!("--team={team}");
        run(
            folder,
            &["digest", &team, "--since=4d", "--post-url-file=url"],
        )
    };
    let posted = digest("=growth");
    let told = String::from_utf8_lossy(&posted.stderr);
    assert!(posted.status.success(), "{told}");
    let body = last.borrow().clone();
    let (head, json) = body.split_once("\r\n\r\n").unwrap();
    assert!(
        head.starts_with("POST /hooks/secret-token HTTP/1.1"),
        "{head}"
    );
    let json: serde_json::Value = serde_json::from_str(json).unwrap();
    assert!(
        json["text"].as_str().unwrap().contains("shop O-8: "),
        "{json}"
    );
    let quiet = digest("payments");
    assert!(quiet.status.success());
    assert_eq!(asked.load(Relaxed), 1, "nothing changed, nothing is posted");
    // Nobody listens there.
    std::fs::write(folder.join("url"), "http://127.0.0.1:9/hooks/secret-token").unwrap();
    let failed = digest("=growth");
    let told = String::from_utf8_lossy(&failed.stderr);
    assert_eq!(failed.status.code(), Some(3), "{told}");
    assert!(
        told.contains("does not answer") && !told.contains("secret-token"),
        "{told}"
    );
}

/// Guarantee: the daemon serves the same report, as a page that may use nothing but its own style.
#[tokio::test(flavor = "multi_thread")]
async fn the_daemon_serves_reports() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    history(folder);
    let configuration = std::fs::read_to_string(folder.join("config.yaml")).unwrap();
    let daemon = Daemon::start(&configuration, folder, &[]);
    let span = format!("{}..{}", day(30), day(3));
    let api = until(
        &daemon.url(&format!("/api/v1/report?quarter={span}")),
        |_| true,
    )
    .await;
    let quarter = format!("--quarter={span}");
    assert_eq!(api, printed(folder, &["report", &quarter, "--output=json"]));
    let url = daemon.url(&format!("/reports/{span}"));
    let response = crate::programs::client().get(&url).send().await.unwrap();
    let policy = response.headers()["content-security-policy"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-"),
        "{policy}"
    );
    let page = response.text().await.unwrap();
    assert_eq!(
        page,
        printed(folder, &["report", &quarter, "--output=html"])
    );
    let (_, list) = get(&daemon.url("/reports")).await.unwrap();
    assert!(list.contains("href=\"/reports/"), "{list}");
    for (path, status) in [
        ("/api/v1/report?quarter=nonsense", 400),
        ("/api/v1/report?quarters=last", 400),
        ("/reports/last?team=nobody", 400),
    ] {
        assert_eq!(get(&daemon.url(path)).await.unwrap().0, status, "{path}");
    }
}
