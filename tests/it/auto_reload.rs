//! The configuration and what it names are read again once they changed, as people and Kubernetes change them.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use super::programs::{Daemon, until};

const QUICK: &[&str] = &["--config.auto-reload-interval=1s"];
const GOOD: &str = "manifesto_exporter_config_last_reload_successful 1";
const BAD: &str = "manifesto_exporter_config_last_reload_successful 0";

fn jobs(name: &str) -> String {
    format!(
        "history: off\nscrape_configs: [{{job_name: {name}, static_configs: [{{targets: ['127.0.0.1:1']}}]}}]\ncatalogue: [catalogue/*.yaml]\n"
    )
}

async fn until_service(daemon: &Daemon, name: &str) {
    let service = format!("\"service_name\":\"{name}\"");
    until(&daemon.url("/api/v1/services"), |body| {
        body.contains(&service)
    })
    .await;
}

#[tokio::test]
async fn a_changed_file_is_read_again_and_a_broken_one_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.yaml");
    let daemon = Daemon::start(&jobs("one"), folder.path(), QUICK);
    until_service(&daemon, "one").await;
    fs::write(&config, jobs("two")).unwrap();
    until_service(&daemon, "two").await;
    fs::write(&config, "scrape_configs: [").unwrap();
    daemon.until_metric(BAD).await;
    until_service(&daemon, "two").await;
    daemon
        .program
        .until_log("configuration not reloaded, the old one stays in force: config.yaml:1:")
        .await;
    // Replaced, as editors do it.
    fs::write(folder.path().join("new"), jobs("three")).unwrap();
    fs::rename(folder.path().join("new"), &config).unwrap();
    daemon.until_metric(GOOD).await;
    until_service(&daemon, "three").await;
    // A file that only a pattern names.
    fs::create_dir(folder.path().join("catalogue")).unwrap();
    let entry = "services: [{name: written-down, owners: [ann], environments: [production]}]\n";
    fs::write(folder.path().join("catalogue/new.yaml"), entry).unwrap();
    until(&daemon.url("/api/v1/services"), |body| {
        body.contains("written-down")
    })
    .await;
    let log = daemon.program.log();
    assert!(log.contains("files of the configuration changed"), "{log}");
    assert!(log.contains("catalogue/new.yaml"), "{log}");
}

/// As the kubelet mounts a ConfigMap, and swaps it.
fn mount(folder: &Path, version: &str, config: &str) {
    fs::create_dir(folder.join(version)).unwrap();
    fs::write(folder.join(version).join("config.yaml"), config).unwrap();
    symlink(version, folder.join("..data_tmp")).unwrap();
    fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
}

#[tokio::test]
async fn a_config_map_that_is_swapped_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let mounted = folder.path().join("mounted");
    fs::create_dir(&mounted).unwrap();
    mount(&mounted, "..one", &jobs("one"));
    symlink("..data/config.yaml", mounted.join("config.yaml")).unwrap();
    let place = format!("--config.file={}", mounted.join("config.yaml").display());
    let address = super::programs::free_address().to_string();
    let flags = [place.as_str(), "--web.listen-address", &address, QUICK[0]];
    let daemon = Daemon {
        program: super::programs::Program::start(super::programs::BINARY, &flags, folder.path()),
        base: format!("http://{address}"),
    };
    until_service(&daemon, "one").await;
    mount(&mounted, "..two", &jobs("two"));
    fs::remove_dir_all(mounted.join("..one")).unwrap();
    until_service(&daemon, "two").await;
}

/// A file that is written over and over is read all the same.
#[tokio::test]
async fn a_file_that_never_rests_is_read_too() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(&jobs("one"), folder.path(), QUICK);
    until_service(&daemon, "one").await;
    let config = folder.path().join("config.yaml");
    let writing = tokio::spawn(async move {
        loop {
            // As a whole, so that no half of it is ever read.
            fs::write(config.with_extension("new"), jobs("two")).unwrap();
            fs::rename(config.with_extension("new"), &config).unwrap();
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    });
    until_service(&daemon, "two").await;
    writing.abort();
}

#[tokio::test]
async fn whoever_wants_to_reload_himself_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let never = ["--config.auto-reload-interval=0s"];
    let daemon = Daemon::start(&jobs("one"), folder.path(), &never);
    until_service(&daemon, "one").await;
    fs::write(folder.path().join("config.yaml"), jobs("two")).unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    until_service(&daemon, "one").await;
    daemon.program.signal("HUP");
    until_service(&daemon, "two").await;
}
