//! What time alone changes: waivers end at their second, bypasses grow old, rules come into force.

use std::time::{Duration, SystemTime};

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use manifesto_exporter::snapshot::Snapshot;

use super::case::{Judge, shown, timed, verdict, write};
use super::server::serve;

const DAY: Duration = Duration::from_secs(24 * 3600);

async fn vulnerable() -> String {
    let series = json!([[{"namespace": "shop"}, 3]]);
    let queries = json!([{"holds": "trivy_image_vulnerabilities", "series": series}]);
    let server = serve(json!({ "queries": queries })).await;
    format!("sources: [{{kind: prometheus, url: 'http://{server}'}}]\nscrape_configs: []\n")
}

#[tokio::test]
async fn an_expired_waiver_stops_counting_at_that_second() {
    let folder = tempfile::tempdir().unwrap();
    let now = Timestamp::now();
    let ends = now.round(jiff::Unit::Second).unwrap() + SignedDuration::from_secs(90);
    let waiver = json!({
        "rule": "S-6", "service": "shop", "reason": "later", "discussion": "http://chat.example/1",
        "owner": "ann", "approver": "bob", "granted_at": "@day-1", "expires_at": ends.to_string(),
    });
    let waivers = timed(&json!({"waivers": [waiver]}), now, "");
    write(folder.path(), "waivers.yaml", &waivers);
    let config = format!("{}waivers: [waivers.yaml]\n", vulnerable().await);
    let judge = Judge::new(folder.path(), &config);
    let first = judge.judge(&["shop"]).await;
    assert_eq!(shown(verdict(&first, "shop", "S-6")), "waived threshold");
    assert_eq!(judge.ruleset.next_change(now), Some(ends));
    // Waived is no pass: it weighs as a fail does, beside F-1 which is kept.
    assert_eq!(first.services[0].score.ratio(), Some(0.5));

    let at = |seconds: i64| SystemTime::from(ends + SignedDuration::from_secs(seconds));
    let before = judge.later(&first, at(-1));
    assert_eq!(shown(verdict(&before, "shop", "S-6")), "waived threshold");
    let after = judge.later(&before, at(0));
    assert_eq!(shown(verdict(&after, "shop", "S-6")), "fail threshold");
}

#[tokio::test]
async fn a_failure_that_nobody_waives_becomes_a_bypass() {
    let folder = tempfile::tempdir().unwrap();
    let judge = Judge::new(folder.path(), &vulnerable().await);
    let first = judge.judge(&["shop"]).await;
    let bypass = |snapshot| shown(verdict(snapshot, "shop", "F-1"));
    // It failed at the first look: since when is not known.
    assert_eq!(bypass(&first), "unknown too_early");
    let young = judge.later(&first, first.at + 13 * DAY);
    assert_eq!(bypass(&young), "unknown too_early");
    let old = judge.later(&young, first.at + 14 * DAY);
    assert_eq!(bypass(&old), "fail bypassed");
}

#[tokio::test]
async fn what_is_kept_is_no_bypass() {
    let folder = tempfile::tempdir().unwrap();
    let series = json!([[{"namespace": "shop"}, 0]]);
    let queries = json!([{"holds": "trivy_image_vulnerabilities", "series": series}]);
    let server = serve(json!({ "queries": queries })).await;
    let config =
        format!("sources: [{{kind: prometheus, url: 'http://{server}'}}]\nscrape_configs: []\n");
    let snapshot = Judge::new(folder.path(), &config).judge(&["shop"]).await;
    assert_eq!(shown(verdict(&snapshot, "shop", "F-1")), "pass proven");
}

#[tokio::test]
async fn a_rule_ahead_of_its_day_is_shown_and_not_counted() {
    let folder = tempfile::tempdir().unwrap();
    let today = Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let day = today.checked_add(jiff::Span::new().days(30)).unwrap();
    let config = format!(
        "{}rules: {{effective_from: {{S-6: {day}}}}}\n",
        vulnerable().await
    );
    let judge = Judge::new(folder.path(), &config);
    let first = judge.judge(&["shop"]).await;
    let ahead = verdict(&first, "shop", "S-6");
    assert_eq!(shown(ahead), "not_applicable not_in_force");
    let message = &ahead.finding.message;
    assert!(
        message.starts_with(&format!("counts from {day} on; today it would be fail")),
        "{message}"
    );
    assert_eq!(first.services[0].score.ratio(), None);
    let later = judge.later(&first, first.at + 31 * DAY);
    assert_eq!(shown(verdict(&later, "shop", "S-6")), "fail threshold");
}

#[tokio::test]
async fn what_nobody_attests_fails_after_thirty_days() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        "attestations.yaml",
        &json!({"attestations": []}),
    );
    let config = "scrape_configs: []\nattestations: [attestations.yaml]\n";
    let judge = Judge::new(folder.path(), config);
    let first = judge.judge(&["shop"]).await;
    assert_eq!(shown(verdict(&first, "shop", "D-6")), "unknown too_early");
    let later = judge.later(&first, first.at + 30 * DAY);
    assert_eq!(shown(verdict(&later, "shop", "D-6")), "fail not_attested");
}

/// A service whose only instance is deployed anew keeps its past.
#[tokio::test]
async fn a_gap_does_not_hide_a_bypass() {
    let folder = tempfile::tempdir().unwrap();
    let judge = Judge::new(folder.path(), &vulnerable().await);
    let first = judge.judge(&["shop"]).await;
    let answers = std::sync::Arc::clone(&first.answers);
    let ruleset = std::sync::Arc::clone(&judge.ruleset);
    let at = |days: u32| first.at + days * DAY;
    let gone = Snapshot::after(&first, at(7), &ruleset, &answers, Vec::new());
    assert!(gone.services.is_empty());
    let back = Snapshot::after(&gone, at(7), &ruleset, &answers, first.targets.clone());
    let old = judge.later(&back, at(14));
    assert_eq!(shown(verdict(&old, "shop", "F-1")), "fail bypassed");
}
