//! `file_sd_configs` with real files.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use manifesto_exporter::discovery::DropReason;
use tempfile::TempDir;

use super::rig::{QUICK, Rig, addresses, source};

/// A job over `*.json` and `*.yml` of a folder.
fn config(folder: &Path, refresh: &str) -> String {
    let folder = folder.display();
    format!(
        "scrape_configs:
  - job_name: f
    file_sd_configs:
      - files: ['{folder}/*.json', '{folder}/*.yml']
        refresh_interval: {refresh}
"
    )
}

fn json(targets: &[&str]) -> String {
    format!("[{{\"targets\": {targets:?}}}]")
}

/// Writes as a careful tool does: aside, then renamed.
fn replace(folder: &TempDir, name: &str, text: &str) {
    let aside = folder.path().join(format!("{name}.new"));
    fs::write(&aside, text).unwrap();
    fs::rename(aside, folder.path().join(name)).unwrap();
}

#[tokio::test]
async fn files_are_read_at_once_and_at_each_change() {
    let folder = TempDir::new().unwrap();
    replace(&folder, "a.json", &json(&["a:1"]));
    fs::write(
        folder.path().join("b.yml"),
        "- {targets: ['b:2'], labels: {team: x}}",
    )
    .unwrap();
    let mut rig = Rig::start(&config(folder.path(), "1h"));
    let found = rig.until_targets(&["a:1", "b:2"]).await;
    let path = folder.path().join("b.yml").display().to_string();
    assert_eq!(found.targets[1].found.labels().get("__meta_filepath"), path);
    assert_eq!(found.targets[1].team, "x");
    assert!(found.ready);

    replace(&folder, "a.json", &json(&["a:1", "a:2"]));
    rig.until_targets(&["a:1", "a:2", "b:2"]).await;
    fs::write(folder.path().join("c.json"), json(&["c:3"])).unwrap();
    rig.until_targets(&["a:1", "a:2", "b:2", "c:3"]).await;
    rig.stop().await;
}

/// Two copies of each would be in memory: the one that others know, and discovery's own.
#[tokio::test]
async fn targets_that_did_not_change_are_not_made_anew() {
    let folder = TempDir::new().unwrap();
    replace(&folder, "a.json", &json(&["a:1", "a:2"]));
    let mut rig = Rig::start(&config(folder.path(), "1h"));
    let before = rig.until_targets(&["a:1", "a:2"]).await;
    replace(&folder, "a.json", &json(&["a:2", "a:3"]));
    let after = rig.until_targets(&["a:2", "a:3"]).await;
    assert!(Arc::ptr_eq(&before.targets[1], &after.targets[0]));
    rig.stop().await;
}

#[tokio::test]
async fn fault_60_without_notifications_files_are_read_again() {
    let folder = TempDir::new().unwrap();
    // A folder reached through a link: the change behind it is not notified.
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    for (real, targets) in [(&one, ["a:1"]), (&two, ["b:2"])] {
        fs::create_dir(real).unwrap();
        fs::write(real.join("t.json"), json(&targets)).unwrap();
    }
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(&one, &link).unwrap();
    let mut rig = Rig::start(&config(&link, "100ms"));
    rig.until_targets(&["a:1"]).await;
    fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink(&two, &link).unwrap();
    rig.until_targets(&["b:2"]).await;
    rig.stop().await;
}

#[tokio::test]
async fn fault_38_zero_byte_file_keeps_last_good() {
    let folder = TempDir::new().unwrap();
    replace(&folder, "a.json", &json(&["a:1", "a:2"]));
    let mut rig = Rig::start(&config(folder.path(), "1h"));
    rig.until_targets(&["a:1", "a:2"]).await;
    for text in ["", " \n", "[{\"targets\": [\"a", "{}"] {
        let before = source(&rig.now(), "f/file/0").refreshes_total;
        replace(&folder, "a.json", text);
        let now = rig
            .until("read again", |now| {
                let status = source(now, "f/file/0");
                status.refreshes_total > before && status.last_error.is_some()
            })
            .await;
        assert_eq!(addresses(&now), ["a:1", "a:2"], "{text:?}");
        assert!(now.ready);
    }
    replace(&folder, "a.json", &json(&["a:3"]));
    let now = rig.until_targets(&["a:3"]).await;
    assert_eq!(source(&now, "f/file/0").last_error, None);
    rig.stop().await;
}

#[tokio::test]
async fn fault_37_one_bad_entry_is_skipped_with_a_reason() {
    let folder = TempDir::new().unwrap();
    let text =
        r#"[{"targets": ["a:1", "http://b/", 7]}, {"targets": "c:3"}, {"targets": ["d:4"]}]"#;
    replace(&folder, "a.json", text);
    let mut rig = Rig::start(&config(folder.path(), "1h"));
    let now = rig.until_targets(&["a:1", "d:4"]).await;
    let reasons: Vec<String> = now.dropped.iter().map(|d| d.reason.to_string()).collect();
    assert_eq!(
        reasons,
        [
            "entry 0: a target is a number or boolean",
            "entry 1: `targets` is a text",
            "address `http://b/` is not a `host:port`: it holds `/`",
        ]
    );
    rig.stop().await;
}

#[tokio::test]
async fn fault_39_deleted_file_is_removed_after_grace() {
    let folder = TempDir::new().unwrap();
    replace(&folder, "a.json", &json(&["a:1", "a:2", "a:3", "a:4"]));
    replace(&folder, "b.json", &json(&["b:1"]));
    let mut rig = Rig::start(&config(folder.path(), "1h"));
    rig.until_targets(&["a:1", "a:2", "a:3", "a:4", "b:1"])
        .await;
    // Gone for a moment, as some tools write: nothing is lost.
    let path = folder.path().join("a.json");
    fs::remove_file(&path).unwrap();
    rig.until("missed", |now| source(now, "f/file/0").last_error.is_some())
        .await;
    fs::write(&path, json(&["a:1", "a:2", "a:3", "a:4"])).unwrap();
    let now = rig
        .until("found again", |now| {
            source(now, "f/file/0").last_error.is_none()
        })
        .await;
    assert_eq!(now.targets.len(), 5);
    assert_eq!(now.generation, rig.now().generation);

    // Gone for good: no shrink guard holds what was deleted on purpose.
    let deleted = std::time::Instant::now();
    fs::remove_file(&path).unwrap();
    let now = rig.until_targets(&["b:1"]).await;
    assert!(deleted.elapsed() >= QUICK.deleted_grace);
    assert!(!source(&now, "f/file/0").held);
    assert_eq!(source(&now, "f/file/0").last_error, None);
    rig.stop().await;
}

#[tokio::test]
async fn fault_40_configmap_swap_is_seen_whole() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    for (version, target) in [("..v1", "a:1"), ("..v2", "b:2")] {
        fs::create_dir(at(version)).unwrap();
        fs::write(at(version).join("t.json"), json(&[target])).unwrap();
    }
    std::os::unix::fs::symlink("..v1", at("..data")).unwrap();
    std::os::unix::fs::symlink("..data/t.json", at("t.json")).unwrap();
    let mut rig = Rig::start(&config(folder.path(), "1h"));
    rig.until_targets(&["a:1"]).await;
    std::os::unix::fs::symlink("..v2", at("..data_tmp")).unwrap();
    fs::rename(at("..data_tmp"), at("..data")).unwrap();
    rig.until_targets(&["b:2"]).await;
    rig.stop().await;
}

#[tokio::test]
async fn fault_36_an_emptied_file_is_held_until_the_guard_is_turned_off() {
    let folder = TempDir::new().unwrap();
    replace(&folder, "a.json", &json(&["a:1", "a:2", "a:3", "a:4"]));
    let config = config(folder.path(), "1h");
    let mut rig = Rig::start(&config);
    rig.until("four", |now| now.targets.len() == 4).await;
    replace(&folder, "a.json", "[]");
    let now = rig.until("held", |now| source(now, "f/file/0").held).await;
    assert_eq!(now.targets.len(), 4);
    assert_eq!(source(&now, "f/file/0").held_targets, Some(0));
    rig.reload(&format!(
        "{config}discovery: {{shrink_guard: {{enabled: false}}}}\n"
    ));
    let now = rig.until("believed", |now| now.targets.is_empty()).await;
    assert!(!source(&now, "f/file/0").held);
    rig.stop().await;
}

#[tokio::test]
async fn fault_42_a_file_without_end_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.json");
    fs::File::create(&path)
        .unwrap()
        .set_len(17 * 1024 * 1024)
        .unwrap();
    let mut rig = Rig::start(&config(folder.path(), "1h"));
    let now = rig
        .until("refused", |now| now.sources[0].last_error.is_some())
        .await;
    let error = now.sources[0].last_error.clone().unwrap();
    assert!(
        error.ends_with("the list is larger than 16777216 bytes"),
        "{error}"
    );
    assert!(!now.ready);
    rig.stop().await;
}

#[tokio::test]
async fn fault_44_limits_are_explicit() {
    let folder = TempDir::new().unwrap();
    replace(&folder, "a.json", &json(&["a:1", "a:2", "a:3"]));
    let config = config(folder.path(), "1h") + "    target_limit: 2\n";
    let mut rig = Rig::start(&config);
    let now = rig.until_targets(&["a:1", "a:2"]).await;
    assert_eq!(now.dropped_counts.total(), 1);
    assert_eq!(now.dropped[0].reason, DropReason::Limit { limit: 2 });
    assert_eq!(now.dropped[0].labels().get("__address__"), "a:3");
    rig.stop().await;
}

#[tokio::test]
async fn dropped_targets_are_shown_up_to_a_bound_and_counted_past_it() {
    let folder = TempDir::new().unwrap();
    let many: Vec<String> = (0..1_500).map(|n| format!("a{n}:1")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    replace(&folder, "a.json", &json(&many));
    let config = config(folder.path(), "1h") + "    relabel_configs: [{action: drop}]\n";
    let mut rig = Rig::start(&config);
    let now = rig
        .until("dropped", |now| now.dropped_counts.total() > 0)
        .await;
    assert_eq!(
        (now.dropped.len(), now.dropped_counts.total()),
        (1_000, 1_500)
    );
    rig.stop().await;
}
