//! Limits of this very process, reached in a process of its own.

use std::process::Command;

use super::support::{Scraper, target};
use crate::http_client::tests::server::{Server, ok};
use crate::scrape::ScrapeErrorKind;

#[test]
fn fault_71_running_out_of_file_descriptors_fails_scrapes_and_recovers() {
    // Other tests share this process: only a child may use up its descriptors.
    let status = Command::new("sh")
        .args([
            "-c",
            "ulimit -n 64 && exec \"$0\" --exact \"$1\" --ignored --nocapture",
        ])
        .arg(std::env::current_exe().unwrap())
        .arg("scrape::tests::limits::with_few_descriptors")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&status.stdout);
    assert!(status.status.success(), "{told}");
    assert!(told.contains("1 passed"), "{told}");
}

#[tokio::test]
#[ignore = "run by fault_71, with few descriptors"]
async fn with_few_descriptors() {
    let server = Server::answering(ok("", b"up 1\n")).await;
    let mut scraper = Scraper::new(target(server.address));
    let mut hoard = Vec::new();
    while let Ok(file) = std::fs::File::open("/dev/null") {
        hoard.push(file);
        assert!(hoard.len() < 100, "the limit was not set");
    }
    let (result, _) = scraper.scrape().await;
    let down = result.outcome.unwrap_err();
    assert_eq!(down.reason, ScrapeErrorKind::Connect);
    assert!(down.message.contains("Too many open files"), "{down}");
    drop(hoard);
    assert_eq!(scraper.body().await, "up 1\n");
}
