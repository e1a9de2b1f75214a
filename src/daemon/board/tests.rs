//! What a target is said to keep, scrape after scrape.

use std::time::Duration;

use super::*;
use crate::catalogue::{Catalogue, Records};
use crate::checks::Status;
use crate::config::Config;
use crate::document::Origin;
use crate::scrape::tests::support::target_at;

const TEXT: &str = "text/plain; version=0.0.4";

fn ruleset(config: &str) -> Arc<Ruleset> {
    let config = Config::parse(config, &Origin::embedded()).unwrap();
    Arc::new(
        config
            .ruleset(Catalogue::default(), Records::default())
            .unwrap(),
    )
}

fn plain() -> Arc<Ruleset> {
    ruleset("scrape_configs: []")
}

/// A body that carries a version.
fn versioned(version: &str) -> String {
    format!("# TYPE app_build_info gauge\napp_build_info{{version=\"{version}\"}} 1\n")
}

fn read(sink: &mut Sink, body: &str) {
    sink.begin(Some(TEXT)).unwrap();
    sink.chunk(body.as_bytes()).unwrap();
    sink.end(true).unwrap();
}

fn result(target: &Arc<Target>) -> ScrapeResult {
    ScrapeResult {
        target: Arc::clone(target),
        started: SystemTime::now(),
        duration: Duration::from_millis(1),
        body_bytes: 1,
        wire_bytes: 1,
        status: Some(200),
        reused_connection: false,
        retried: false,
        outcome: Ok(()),
    }
}

/// Scrapes a target that answers `body`; the version that it is then said to run.
fn scrape(board: &Board, target: &Arc<Target>, body: &str) -> String {
    let mut sink = board.sink(target);
    read(&mut sink, body);
    board.done(sink, result(target));
    version(board)
}

fn version(board: &Board) -> String {
    let states = board.states();
    states[0].version.as_deref().unwrap_or("none").to_owned()
}

fn board_of(target: &Arc<Target>, ruleset: Arc<Ruleset>) -> Board {
    let board = Board::new(ruleset);
    board.replace_targets(&[Arc::clone(target)], SystemTime::now());
    board
}

#[test]
fn a_body_is_judged_by_itself_however_bodies_take_turns() {
    let target = Arc::new(target_at("a", 8067));
    let board = board_of(&target, plain());
    // Long enough for every pause of the memory, in every order of three releases.
    let mut turn: u64 = 1;
    for _ in 0..2_000 {
        turn = turn.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let release = format!("1.{}.0", (turn >> 60) % 3);
        assert_eq!(scrape(&board, &target, &versioned(&release)), release);
    }
}

#[test]
fn a_scrape_that_began_under_other_rules_changes_nothing() {
    let target = Arc::new(target_at("a", 8067));
    let board = board_of(&target, plain());
    assert_eq!(scrape(&board, &target, &versioned("1.0.0")), "1.0.0");
    let mut sink = board.sink(&target);
    board.set_ruleset(plain());
    read(&mut sink, &versioned("2.0.0"));
    board.done(sink, result(&target));
    assert_eq!(version(&board), "1.0.0");
    assert_eq!(scrape(&board, &target, &versioned("2.0.0")), "2.0.0");
}

#[test]
fn a_target_given_to_another_service_while_scraped_takes_nothing_along() {
    let target = Arc::new(target_at("a", 8067));
    let board = board_of(&target, plain());
    let mut sink = board.sink(&target);
    let mut other = target_at("a", 8067);
    other.service.name = "other".to_owned();
    board.replace_targets(&[Arc::new(other)], SystemTime::now());
    read(&mut sink, &versioned("1.0.0"));
    board.done(sink, result(&target));
    let states = board.states();
    assert!(states[0].scrape.is_none() && states[0].version.is_none());
}

#[test]
fn new_overrides_hold_from_the_next_scrape_on() {
    let target = Arc::new(target_at("a", 8067));
    let board = board_of(&target, plain());
    scrape(&board, &target, &versioned("1.0.0"));
    let name = &target.service.name;
    let elsewhere =
        format!("scrape_configs: []\nservices: {{{name}: {{series: {{version: nowhere_info}}}}}}");
    board.set_ruleset(ruleset(&elsewhere));
    scrape(&board, &target, &versioned("1.0.0"));
    let states = board.states();
    let verdict = |rule: &str| {
        let of_rule = states[0]
            .verdicts
            .iter()
            .find(|v| v.rule.to_string() == rule);
        of_rule.unwrap().finding.status
    };
    assert_ne!(verdict("O-8"), Status::Pass);
}
