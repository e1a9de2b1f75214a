//! Downtime across a quarter's edge, and what is forgotten.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use manifesto_exporter::calendar::FiscalCalendar;
use manifesto_exporter::config::Config;
use manifesto_exporter::document::Origin;
use manifesto_exporter::history::{Reader, freeze, prune, verify};
use manifesto_exporter::report::{Question, Report, due, find, prunable, report};

use super::kill_states::judged;
use super::restarts::slow;
use crate::simulation::{End, World, body, ruleset};

const DAY: SignedDuration = SignedDuration::from_hours(24);

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A year in which one service violates O-8 until the first of October, and the exporter is down from 24 September
/// to 8 October.
fn year(file: &Path) {
    let rules = ruleset("scrape_configs: []", file.parent().unwrap());
    let mut world = World::new(rules, at("2026-01-10T00:00:00Z"), file, slow());
    world.start();
    while world.now() < at("2027-01-10T00:00:00Z") {
        let (lacks, now): (&[&str], _) = (&["version"], world.now());
        let is_fixed = now >= at("2026-10-01T00:00:00Z");
        world.put(
            "shop-1",
            "shop",
            "growth",
            body("shop", if is_fixed { &[] } else { lacks }),
        );
        let is_down = at("2026-09-24T00:00:00Z") <= now && now < at("2026-10-08T00:00:00Z");
        match (is_down, world.is_running()) {
            (true, true) => world.end(End::Kill),
            (false, false) => world.start(),
            (true, false) | (false, true) => {}
        }
        if world.is_running() {
            world.look();
        }
        world.pass(SignedDuration::from_hours(6));
    }
    world.end(End::Stop);
}

fn reported(file: &Path, quarter: &str, now: Timestamp) -> Report {
    let calendar = FiscalCalendar::default();
    let period = calendar.period(quarter, now).unwrap();
    let question = Question {
        period: &period,
        calendar: &calendar,
        team: None,
        now,
    };
    report(&Reader::open(file).unwrap(), &question).unwrap()
}

/// Guarantee: what happened while nothing was measured is told of no quarter; coverage and gaps show it.
#[test]
fn fault_102_nothing_is_interpolated_over_an_edge() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("history.sqlite");
    year(&file);
    let now = at("2027-02-01T00:00:00Z");
    let third = reported(&file, "2026-Q3", now);
    let last = at("2026-09-23T18:00:00Z");
    assert_eq!(third.period.through, Some(last));
    let hours = |from: Timestamp| last.duration_since(from).as_hours() as f64;
    let covered = hours(at("2026-07-01T00:00:00Z")) / (92.0 * 24.0);
    assert!((third.summary.mean.covered - covered).abs() < 1e-12);
    assert_eq!(third.method.gaps.last().unwrap().from, last);
    assert_eq!(
        third.method.gaps.last().unwrap().to,
        at("2026-10-01T00:00:00Z")
    );
    assert!(third.method.gaps.last().unwrap().why.contains("died"));
    let version = |report: &Report| {
        report
            .rules
            .iter()
            .find(|rule| rule.id == "O-8")
            .unwrap()
            .mean
    };
    assert_eq!(version(&third), Some(0.0));
    assert!(third.changes.is_empty());
    let fourth = reported(&file, "2026-Q4", now);
    assert_eq!(fourth.method.gaps[0].to, at("2026-10-08T00:00:00Z"));
    assert_eq!(version(&fourth), Some(1.0));
    // It was fixed while nobody looked: the quarter began, as far as anybody knows, with it fixed.
    assert!(fourth.changes.iter().all(|change| change.rule != "O-8"));
}

/// Guarantee: what is forgotten is of frozen quarters that none is compared with, whose reports stay; later ones come
/// to the same to the byte.
#[test]
fn fault_69_no_quarter_is_forgotten_before_it_was_reported() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("history.sqlite");
    year(&file);
    let calendar = FiscalCalendar::default();
    let now = at("2027-02-20T00:00:00Z");
    let wanted = at("2026-11-15T00:00:00Z");
    let until = prunable(&Reader::open(&file).unwrap(), &calendar, wanted, now).unwrap();
    assert!(
        until < at("2026-01-01T00:00:00Z"),
        "nothing is frozen yet: {until}"
    );
    assert_eq!(prune(&file, until, now).unwrap(), 0);
    let frozen = due(&Reader::open(&file).unwrap(), &calendar, now).unwrap();
    let names: Vec<&str> = frozen.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["2026-Q1", "2026-Q2", "2026-Q3", "2026-Q4"]);
    // The last one has to wait: the one before it is needed to compare with.
    for one in &frozen[..3] {
        assert_eq!(&freeze(&file, one).unwrap(), one);
    }
    let until = prunable(&Reader::open(&file).unwrap(), &calendar, wanted, now).unwrap();
    assert_eq!(until, at("2026-07-01T00:00:00Z"));
    let before = reported(&file, "2026-Q4", now);
    assert!(prune(&file, until, now).unwrap() > 0);
    assert_eq!(reported(&file, "2026-Q4", now), before);
    // What is forgotten was not measured.
    let forgotten = reported(&file, "2026-05-01..2026-07-10", now);
    assert_eq!(forgotten.method.gaps[0].to, until);
    let share = forgotten.summary.mean.covered;
    assert!(share < 10.01 / 71.0, "{share}");
    assert_eq!(verify(&file).unwrap(), Vec::<String>::new());
    let kept = Reader::open(&file)
        .unwrap()
        .frozen(frozen[0].span)
        .unwrap()
        .unwrap();
    assert_eq!(kept, frozen[0]);
    // Frozen is frozen: another report of the same quarter does not take its place.
    let mut other = frozen[0].clone();
    other.made_at += DAY;
    assert_eq!(freeze(&file, &other).unwrap(), frozen[0]);
}

/// Guarantee: quarters that are listed and begin after the first look, or leave a gap, are frozen and kept as others.
#[test]
fn fault_69_quarters_that_are_listed_late_are_frozen_too() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("history.sqlite");
    year(&file);
    let listed = "scrape_configs: []\nfiscal_year: {quarters: [{name: A, from: 2026-03-01, to: 2026-05-31}, {name: B, from: 2026-06-15, to: 2026-09-30}]}";
    let origin = Origin::file(Path::new("config.yaml"));
    let calendar = Config::parse(listed, &origin).unwrap().calendar;
    let now = at("2027-02-20T00:00:00Z");
    let reader = || Reader::open(&file).unwrap();
    let wanted = at("2026-11-15T00:00:00Z");
    assert!(prunable(&reader(), &calendar, wanted, now).unwrap() < at("2026-03-02T00:00:00Z"));
    let frozen = due(&reader(), &calendar, now).unwrap();
    let names: Vec<&str> = frozen.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["A", "B"]);
    for one in &frozen {
        freeze(&file, one).unwrap();
    }
    // A name that means other days now has another report.
    let other = listed.replace("2026-09-30", "2026-08-31");
    let other = Config::parse(&other, &origin).unwrap().calendar;
    let again = due(&reader(), &other, now).unwrap();
    let names: Vec<&str> = again.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["B"]);
    // What was frozen of the days that it meant is there by these days.
    let period = other.period("2026-06-15..2026-09-30", now).unwrap();
    let question = Question {
        period: &period,
        calendar: &other,
        team: None,
        now,
    };
    let found = find(&reader(), &question).unwrap();
    assert_eq!(found.frozen.as_ref(), Some(&frozen[1]));
    assert_eq!(prunable(&reader(), &calendar, wanted, now).unwrap(), wanted);
}

/// Guarantee: of a service that left before, nothing is kept, and should it come back, it is recorded as any other.
#[test]
fn fault_69_a_service_that_left_is_forgotten_and_may_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("history.sqlite");
    let rules = ruleset("scrape_configs: []", folder.path());
    let mut world = World::new(rules, at("2026-01-10T00:00:00Z"), &file, slow());
    world.put("shop-1", "shop", "growth", body("shop", &[]));
    world.put("till-1", "till", "growth", body("till", &["version"]));
    world.start();
    for day in 0..40 {
        if day == 10 {
            world.remove("till-1");
        }
        // Something changes, now and then.
        let without: &[&str] = if day % 4 < 2 { &["latency"] } else { &[] };
        world.put("shop-1", "shop", "growth", body("shop", without));
        for _ in 0..4 {
            world.look();
            world.pass(DAY / 4);
        }
    }
    world.end(End::Stop);
    let names = || {
        let services = Reader::open(&file).unwrap().services().unwrap();
        let names = services.into_iter().map(|known| known.key.name);
        names.collect::<Vec<_>>()
    };
    assert_eq!(names(), ["", "shop", "till"]);
    assert!(prune(&file, at("2026-02-10T00:00:00Z"), world.now()).unwrap() > 0);
    assert_eq!(names(), ["", "shop"]);
    // Nothing refers to what is gone.
    let kept = judged(&file);
    assert!(!kept.iter().any(|row| row.contains("till")));
    world.put("till-1", "till", "growth", body("till", &["version"]));
    world.start();
    world.look();
    world.pass(DAY / 4);
    world.look();
    world.end(End::Stop);
    assert_eq!(names(), ["", "shop", "till"]);
    assert!(judged(&file).iter().any(|row| row.contains("till")));
    assert_eq!(verify(&file).unwrap(), Vec::<String>::new());
}
