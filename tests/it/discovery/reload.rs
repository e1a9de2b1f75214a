//! Several sources together, and a change of configuration.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::header;
use axum::routing::get;
use manifesto_exporter::discovery::{DropReason, Timing};
use tokio::net::TcpListener;

use super::rig::{QUICK, Rig, source};

/// A server of one target that counts how often it was asked.
async fn counted() -> (String, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = asked.clone();
    let list = move || async move {
        counter.fetch_add(1, Ordering::SeqCst);
        (
            [(header::CONTENT_TYPE, "application/json")],
            r#"[{"targets": ["h:1"]}]"#,
        )
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let router = Router::new().route("/", get(list));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, asked)
}

#[tokio::test(start_paused = true)]
async fn fault_48_one_target_from_two_sources_is_scraped_once_and_both_are_shown() {
    let mut rig = Rig::with_timing(
        "scrape_configs:
  - job_name: one
    static_configs:
      - {targets: ['A.example:80', 'b:1'], labels: {service: shop}}
      - {targets: ['b:1'], labels: {service: shop}}
  - job_name: two
    static_configs:
      - {targets: [a.example], labels: {service: shop}}
      - {targets: ['b:1'], labels: {service: other}}
",
        Timing::default(),
    );
    let now = rig.until_targets(&["a.example:80", "b:1"]).await;
    assert_eq!(now.targets[0].sources, ["one/static/0", "two/static/0"]);
    assert_eq!(now.targets[0].job.name, "one");
    assert_eq!(now.targets[1].sources, ["one/static/0"]);
    assert_eq!((now.dropped.len(), now.dropped_counts.total()), (1, 1));
    assert_eq!(now.dropped[0].source, "two/static/0");
    let winner = "one/static/0".to_owned();
    assert_eq!(
        now.dropped[0].reason,
        DropReason::Duplicate { source: winner }
    );
    rig.stop().await;
}

#[tokio::test]
async fn the_first_result_waits_for_nobody() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = format!(
        "scrape_configs:
  - job_name: s
    static_configs: [{{targets: ['s:1']}}]
    http_sd_configs: [{{url: 'http://{}/'}}]
",
        listener.local_addr().unwrap()
    );
    let timing = Timing {
        publish_every: Duration::from_secs(3_600),
        ..QUICK
    };
    let mut rig = Rig::with_timing(&config, timing);
    let now = rig.until_targets(&["s:1"]).await;
    // The server has not answered: what is missing may only not have been found yet.
    assert!(!now.ready);
    assert!(source(&now, "s/static/0").last_success.is_some());
    assert_eq!(source(&now, "s/http/0").refreshes_total, 0);
    rig.stop().await;
}

#[tokio::test]
async fn fault_57_a_reload_leaves_unchanged_sources_undisturbed() {
    let (url, asked) = counted().await;
    let job = |name: &str, refresh: &str| {
        format!(
            "  - job_name: {name}
    http_sd_configs: [{{url: '{url}', refresh_interval: {refresh}}}]
"
        )
    };
    let first = format!("scrape_configs:\n{}", job("h", "1h"));
    let mut rig = Rig::start(&first);
    rig.until_targets(&["h:1"]).await;
    for n in 0..100 {
        let added = format!("  - {{job_name: s{n}, static_configs: [{{targets: ['s:{n}1']}}]}}\n");
        rig.reload(&format!("scrape_configs:\n{added}{}", job("h", "1h")));
    }
    rig.until_targets(&["h:1", "s:991"]).await;
    assert_eq!(asked.load(Ordering::SeqCst), 1);

    // Relabelled otherwise, the list at hand is used; nobody is asked.
    let relabelled =
        format!("{first}    relabel_configs: [{{target_label: service, replacement: renamed}}]\n");
    rig.reload(&relabelled);
    rig.until("renamed", |now| {
        now.targets.len() == 1 && now.targets[0].service.name == "renamed"
    })
    .await;
    assert_eq!(asked.load(Ordering::SeqCst), 1);

    // The same place asked otherwise: asked anew, without a gap in between.
    rig.reload(&format!("scrape_configs:\n{}", job("h", "2h")));
    let mut gap = false;
    rig.until("asked again", |now| {
        gap |= now.targets.is_empty();
        asked.load(Ordering::SeqCst) == 2 && now.targets[0].service.name == "h"
    })
    .await;
    assert!(!gap);

    // The job is gone, and its targets with it.
    rig.reload("scrape_configs: []");
    let now = rig.until("empty", |now| now.targets.is_empty()).await;
    assert!(now.sources.is_empty() && now.ready);
    rig.stop().await;
}

#[tokio::test(start_paused = true)]
async fn fault_58_changed_limits_hold_at_once() {
    let config = |limit: &str| {
        format!(
            "scrape_configs:
  - job_name: s
    target_limit: {limit}
    sample_limit: {limit}
    static_configs: [{{targets: ['a:1', 'b:1', 'c:1']}}]
"
        )
    };
    let mut rig = Rig::with_timing(&config("0"), Timing::default());
    rig.until_targets(&["a:1", "b:1", "c:1"]).await;
    rig.reload(&config("2"));
    let now = rig.until_targets(&["a:1", "b:1"]).await;
    assert_eq!(now.targets[0].job.limits.samples_max, 2);
    rig.stop().await;
}

#[tokio::test]
async fn a_set_that_did_not_change_keeps_its_generation_and_its_targets() {
    let (url, asked) = counted().await;
    let config = format!(
        "scrape_configs:
  - job_name: h
    http_sd_configs: [{{url: '{url}', refresh_interval: 20ms}}]
"
    );
    let mut rig = Rig::start(&config);
    let first = rig.until_targets(&["h:1"]).await;
    let later = rig
        .until("asked again", |_| asked.load(Ordering::SeqCst) > 5)
        .await;
    assert_eq!(first.generation, later.generation);
    assert!(Arc::ptr_eq(&first.targets[0], &later.targets[0]));
    rig.stop().await;
}
