//! What must outlive a restart, does.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use manifesto_exporter::calendar::Span;
use manifesto_exporter::checks::Reason;
use manifesto_exporter::history::{Moment, Pace, Reader, Recorder, Unclean};
use manifesto_exporter::snapshot::{RuleStatus, Snapshot};

use crate::simulation::{Answer, End, World, body, ruleset, verdict};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

pub(super) fn start() -> Timestamp {
    "2026-01-05T08:00:00Z".parse().unwrap()
}

/// Looks are hours apart here.
pub(super) fn slow() -> Pace {
    Pace {
        heartbeat: std::time::Duration::ZERO,
        stall: std::time::Duration::from_secs(7 * 3_600),
    }
}

/// An exporter by this configuration, not running yet.
fn world(configuration: &str, folder: &Path) -> World {
    let rules = ruleset(configuration, folder);
    World::new(rules, start(), &folder.join("history.sqlite"), slow())
}

/// Guarantee: an exporter that is restarted every day knows on day 14 that a rule has been violated for 14
/// days.
#[test]
fn daily_restarts_hide_no_bypass() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = world("scrape_configs: []", folder.path());
    world.put("shop-1", "shop", "growth", body("shop", &["version"]));
    world.put("till-1", "till", "growth", body("till", &[]));
    let mut first_fail = None;
    let mut violated_since = None;
    for day in 0..30 {
        world.start();
        for look in 0..4 {
            let snapshot = world.look();
            let version = verdict(&snapshot, "shop", "O-8");
            if (day, look) >= (0, 2) {
                // The third good scrape ended the warm-up, once and for all.
                assert_eq!(version.status, RuleStatus::Fail, "day {day}");
                let since = version.failing.unwrap().since;
                assert_eq!(*violated_since.get_or_insert(since), since, "day {day}");
            }
            let bypass = verdict(&snapshot, "shop", "F-1");
            if bypass.status == RuleStatus::Fail {
                first_fail.get_or_insert(world.now());
            }
            if day > 0 {
                // Nobody saw it begin: until then it cannot be told.
                assert_ne!(bypass.status, RuleStatus::Pass, "day {day}");
            }
            assert_eq!(verdict(&snapshot, "till", "F-1").status, RuleStatus::Pass);
            world.pass(HOUR * 6);
        }
        world.end(if day % 2 == 0 { End::Kill } else { End::Stop });
    }
    let since = violated_since.unwrap();
    assert_eq!(since, start() + HOUR * 12);
    assert_eq!(first_fail.unwrap(), since + HOUR * 24 * 14);
}

/// Guarantee: what was measured in the first seconds is in a report made then: coverage does not wait for the first
/// minute.
#[test]
fn the_first_seconds_are_covered() {
    let folder = tempfile::tempdir().unwrap();
    let rules = Arc::new(ruleset("scrape_configs: []", folder.path()));
    let file = folder.path().join("history.sqlite");
    let (mut recorder, _) =
        Recorder::open(&file, start(), Unclean::Crash, Pace::default()).unwrap();
    let ever = Span {
        from: start(),
        to: start() + HOUR,
    };
    let mut after = Vec::new();
    for second in 0..300 {
        let wall = start() + SignedDuration::from_secs(second);
        let moment = Moment {
            wall,
            monotonic: Duration::from_secs(second.unsigned_abs()),
        };
        let snapshot = Snapshot::empty(&rules, wall.into());
        recorder.record(&snapshot, &[], moment).unwrap();
        if [2, 10, 60, 120, 299].contains(&second) {
            let timeline = Reader::open(&file).unwrap().timeline(ever).unwrap();
            after.push((second, timeline.covered.milliseconds(ever) / 1_000));
        }
    }
    // Each time it has doubled, then each minute.
    assert_eq!(after, [(2, 2), (10, 8), (60, 32), (120, 64), (299, 244)]);
}

/// Guarantee: a rule that could not be measured since the restart keeps the outcome from before it in the
/// score, for no longer than without a restart.
#[test]
fn a_carried_outcome_outlives_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = world("score: {carry_over: 2d}\nscrape_configs: []", folder.path());
    world.put("shop-1", "shop", "growth", body("shop", &[]));
    world.start();
    world.look();
    world.pass(HOUR);
    world.put("shop-1", "shop", "growth", Answer::Refused);
    let down = world.look();
    let until = verdict(&down, "shop", "O-8").carried.unwrap().until;
    assert_eq!(until, start() + HOUR * 49);
    world.end(End::Kill);
    world.pass(HOUR * 20);
    world.start();
    let again = world.look();
    let version = verdict(&again, "shop", "O-8");
    assert_eq!(version.status, RuleStatus::Unknown);
    assert_eq!(version.carried, verdict(&down, "shop", "O-8").carried);
    assert_eq!(again.services[0].score, down.services[0].score);
    world.end(End::Stop);
    world.pass(HOUR * 30);
    world.start();
    assert_eq!(verdict(&world.look(), "shop", "O-8").carried, None);
}

/// Guarantee: an outcome is no younger for a downtime: after a month nothing is carried over from before it.
#[test]
fn an_outcome_ages_while_nobody_looks() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = world("score: {carry_over: 2d}\nscrape_configs: []", folder.path());
    world.put("shop-1", "shop", "growth", body("shop", &[]));
    world.start();
    world.look();
    world.end(End::Stop);
    world.put("shop-1", "shop", "growth", Answer::Refused);
    world.pass(HOUR * 24);
    world.start();
    let carried = verdict(&world.look(), "shop", "O-8").carried.unwrap();
    assert_eq!(
        (carried.since, carried.until),
        (start(), start() + HOUR * 48)
    );
    world.end(End::Kill);
    world.pass(HOUR * 24 * 30);
    world.start();
    assert_eq!(verdict(&world.look(), "shop", "O-8").carried, None);
}

/// Guarantee: an outcome of a rule that is judged otherwise since is not carried over.
#[test]
fn an_outcome_of_other_checks_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = world("scrape_configs: []", folder.path());
    world.put("shop-1", "shop", "growth", body("shop", &[]));
    world.start();
    world.look();
    world.end(End::Stop);
    let other = "rules: {checks: {O-7: [{kind: endpoint, port: 9100}]}}\nscrape_configs: []";
    world.reload(ruleset(other, folder.path()));
    world.put("shop-1", "shop", "growth", Answer::Refused);
    world.start();
    let snapshot = world.look();
    assert_eq!(verdict(&snapshot, "shop", "O-7").carried, None);
    assert!(verdict(&snapshot, "shop", "O-8").carried.is_some());
}

/// Guarantee: what a target was seen to expose counts for its day, and a new service's time to attest runs
/// from when it was first seen.
#[test]
fn warm_up_and_first_sight_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = world(
        "attestations: [attestations-*.yaml]\nscrape_configs: []",
        folder.path(),
    );
    world.put("shop-1", "shop", "growth", body("shop", &[]));
    world.start();
    let seen = world.look().services[0].first_seen;
    world.end(End::Kill);
    world.put("shop-1", "shop", "growth", body("shop", &["latency"]));
    for hours in [5, 5, 5] {
        world.pass(HOUR * hours);
        world.start();
        let snapshot = world.look();
        assert_eq!(snapshot.services[0].first_seen, seen);
        assert_eq!(verdict(&snapshot, "shop", "O-9").status, RuleStatus::Pass);
        world.end(End::Kill);
    }
    world.pass(HOUR * 10);
    world.start();
    let snapshot = world.look();
    let latency = verdict(&snapshot, "shop", "O-9");
    assert_eq!(
        latency.finding.reason,
        Reason::Missing,
        "{:?}",
        latency.finding
    );
}
