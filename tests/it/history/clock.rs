//! The clock is set while history is kept: it is written on, nothing is rewritten, no time counts twice.

use std::path::Path;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use manifesto_exporter::calendar::Span;
use manifesto_exporter::history::{Ended, Pace, Reader, State};
use manifesto_exporter::report::{Question, due, is_settled, report};
use manifesto_exporter::snapshot::RuleStatus;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use tempfile::TempDir;

use super::kill_states::judged;
use super::restarts::start;
use crate::simulation::{End, World, body, ruleset, verdict};

const MINUTE: SignedDuration = SignedDuration::from_mins(1);
const HOUR: SignedDuration = SignedDuration::from_hours(1);
const YEAR: SignedDuration = SignedDuration::from_hours(24 * 365);

const EVER: Span = Span {
    from: Timestamp::MIN,
    to: Timestamp::MAX,
};

/// Every look is committed.
fn pace() -> Pace {
    Pace {
        heartbeat: Duration::ZERO,
        stall: Duration::from_secs(120),
    }
}

/// A look as it was made.
#[derive(Debug, Clone)]
struct Look {
    wall: Timestamp,
    status: RuleStatus,
    /// How often coverage had begun by then.
    interval: usize,
    /// Whether the clock was right.
    is_right: bool,
}

/// A world with what is expected of its history.
struct Watched {
    folder: TempDir,
    world: World,
    begun: Timestamp,
    looks: Vec<Look>,
    intervals: usize,
    /// What coverage is interrupted by, if anything, before the next look.
    is_interrupted: bool,
    error: SignedDuration,
    has_version: bool,
}

impl Watched {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let rules = ruleset("scrape_configs: []", folder.path());
        let file = folder.path().join("history.sqlite");
        let mut world = World::new(rules, start(), &file, pace());
        world.put("shop-1", "shop", "growth", body("shop", &["version"]));
        world.start();
        Self {
            folder,
            world,
            begun: start(),
            looks: Vec::new(),
            intervals: 0,
            is_interrupted: true,
            error: SignedDuration::ZERO,
            has_version: false,
        }
    }

    fn file(&self) -> std::path::PathBuf {
        self.folder.path().join("history.sqlite")
    }

    fn look(&mut self) {
        let snapshot = self.world.look();
        if std::mem::take(&mut self.is_interrupted) {
            self.intervals += 1;
        }
        self.looks.push(Look {
            wall: self.world.wall(),
            status: verdict(&snapshot, "shop", "O-8").status,
            interval: self.intervals,
            is_right: self.error.is_zero(),
        });
    }

    /// Looks once a minute.
    fn watch(&mut self, minutes: usize) {
        for _ in 0..minutes {
            self.look();
            self.world.pass(MINUTE);
        }
    }

    fn set_clock(&mut self, ahead: SignedDuration) {
        self.is_interrupted |= self.error != ahead;
        self.error = ahead;
        self.world.set_clock(ahead);
    }

    /// The service begins or ceases to say its version.
    fn toggle(&mut self) {
        self.has_version = !self.has_version;
        let without: &[&str] = if self.has_version { &[] } else { &["version"] };
        self.world
            .put("shop-1", "shop", "growth", body("shop", without));
    }

    fn sleep(&mut self, time: SignedDuration) {
        self.world.sleep(time);
        self.is_interrupted = true;
    }

    fn restart(&mut self, how: End) {
        self.world.end(how);
        self.world.start();
        self.is_interrupted = true;
    }

    /// Holds history to the looks that it was made of.
    fn check(&self) -> Result<Read, TestCaseError> {
        let read = Read::of(&self.file());
        let true_time = self.world.now().duration_since(self.begun);
        prop_assert!(
            read.covered() <= true_time,
            "{:?} of {true_time:?}",
            read.covered()
        );
        prop_assert!(
            read.spans.windows(2).all(|two| two[0].to <= two[1].from),
            "{:?}",
            read.spans
        );
        // From the first look to the last of each interval, in order.
        let mut spans: Vec<Span> = Vec::new();
        for look in &self.looks {
            match spans.get_mut(look.interval - 1) {
                Some(span) => span.to = span.to.max(look.wall),
                None => spans.push(Span {
                    from: look.wall,
                    to: look.wall,
                }),
            }
        }
        for look in &self.looks {
            let (earlier, its) = spans.split_at(look.interval - 1);
            let is_in = |span: &Span| span.from <= look.wall && look.wall < span.to;
            if earlier.iter().any(is_in) || !is_in(&its[0]) {
                continue;
            }
            prop_assert_eq!(read.at(look.wall), Some(look.status), "{:?}", look);
        }
        Ok(read)
    }
}

/// What a reader says.
struct Read {
    spans: Vec<Span>,
    version: Vec<(Span, State)>,
    ended: Vec<Ended>,
}

impl Read {
    fn of(file: &Path) -> Self {
        let reader = Reader::open(file).unwrap();
        let timeline = reader.timeline(EVER).unwrap();
        let services = reader.services().unwrap();
        let shop = services
            .iter()
            .find(|known| known.key.name == "shop")
            .unwrap();
        let rules = reader.service(shop, &timeline).unwrap().rules;
        let version = rules
            .into_iter()
            .find(|(rule, _)| rule.to_string() == "O-8");
        let mut spans: Vec<Span> = timeline
            .segments
            .into_iter()
            .flat_map(|s| s.owned)
            .collect();
        spans.sort_by_key(|span| span.from);
        let intervals = reader.intervals().unwrap();
        Self {
            spans,
            version: version.map(|(_, pieces)| pieces).unwrap_or_default(),
            ended: intervals.iter().map(|interval| interval.ended).collect(),
        }
    }

    fn covered(&self) -> SignedDuration {
        let spans = self.spans.iter();
        spans.map(|span| span.to.duration_since(span.from)).sum()
    }

    /// The status of the rule at a moment, where it is covered.
    fn at(&self, moment: Timestamp) -> Option<RuleStatus> {
        let mut pieces = self.version.iter();
        let found = pieces.find(|(span, _)| span.from <= moment && moment < span.to);
        found.and_then(|(_, state)| state.status)
    }
}

/// Half an hour with a right clock, something in the middle, and half an hour with a right clock again;
/// the version is said in the second half. Returns what was read, and what was so while the clock was right
/// and is not read so.
fn around(between: impl FnOnce(&mut Watched)) -> (Read, Vec<Look>) {
    let mut watched = Watched::new();
    watched.watch(30);
    let before = judged(&watched.file());
    between(&mut watched);
    let error = watched.error;
    watched.set_clock(SignedDuration::ZERO);
    watched.is_interrupted |= !error.is_zero();
    watched.toggle();
    watched.watch(30);
    let read = watched.check().unwrap();
    let after = judged(&watched.file());
    for row in &before {
        assert!(after.contains(row), "rewritten: {row}");
    }
    let right = watched.looks.iter().filter(|look| look.is_right);
    let wrong = right.filter(|look| read.at(look.wall) != Some(look.status));
    let wrong = wrong.cloned().collect();
    (read, wrong)
}

/// Each of the two stretches of a right clock ends with a look that nothing follows in its interval.
const ENDS: usize = 2;

/// Guarantee: a clock set back by hours counts no time twice, and what was measured before stands; once it
/// is right again everything is as if it had not been.
#[test]
fn fault_99_a_clock_set_back_three_hours_counts_nothing_twice() {
    let (read, wrong) = around(|watched| {
        watched.set_clock(HOUR * -3);
        watched.toggle();
        watched.watch(30);
        watched.toggle();
    });
    assert_eq!(wrong.len(), ENDS, "{wrong:?}");
    assert_eq!(read.ended, [Ended::Clock, Ended::Clock, Ended::Running]);
}

/// Guarantee: the same of a clock that was ahead.
#[test]
fn fault_99_a_clock_set_ahead_three_hours_leaves_what_was_right() {
    let (read, wrong) = around(|watched| {
        watched.set_clock(HOUR * 3);
        watched.watch(30);
    });
    assert_eq!(wrong.len(), ENDS, "{wrong:?}");
    assert_eq!(read.ended, [Ended::Clock, Ended::Clock, Ended::Running]);
}

/// Guarantee: a minute in another year or another age costs that minute.
#[test]
fn fault_99_a_minute_in_another_year_costs_that_minute() {
    let ages = start().duration_since("1980-01-06T00:00:00Z".parse().unwrap());
    for ahead in [YEAR, -ages] {
        let (read, wrong) = around(|watched| {
            watched.set_clock(ahead);
            watched.watch(1);
            watched.look();
        });
        assert_eq!(wrong.len(), ENDS, "{ahead:?}: {wrong:?}");
        // 30 looks are 29 minutes.
        assert_eq!(read.covered(), MINUTE * 59, "{ahead:?}");
    }
}

/// Guarantee: where the exporter is started while the clock is a year ahead, and again when it is right,
/// it goes on writing.
#[test]
fn fault_99_a_start_in_another_year_leaves_the_next_start_working() {
    let (read, wrong) = around(|watched| {
        watched.set_clock(YEAR);
        watched.restart(End::Stop);
        watched.watch(2);
        watched.restart(End::Kill);
    });
    assert_eq!(wrong.len(), ENDS, "{wrong:?}");
    assert_eq!(read.ended, [Ended::Stop, Ended::Crash, Ended::Running]);
}

/// Guarantee: rules and records that were read while the clock was a year ahead are in force when it is right.
#[test]
fn fault_99_a_start_in_another_year_loses_no_rule_and_no_record() {
    let folder = tempfile::tempdir().unwrap();
    let waivers = "waivers:\n  - {rule: O-8, service: shop, reason: a rewrite, discussion: 'http://chat.example/1', owner: ann, approver: sre, granted_at: 2026-01-02, expires_at: 2026-03-20}\n";
    std::fs::write(folder.path().join("waivers.yaml"), waivers).unwrap();
    let configuration =
        "scrape_configs: []\nwaivers: [waivers.yaml]\nrules: {severity: {O-8: critical}}";
    let rules = ruleset(configuration, folder.path());
    let calendar = rules.records.calendar.clone();
    let file = folder.path().join("history.sqlite");
    let mut world = World::new(rules, start(), &file, pace());
    world.put("shop-1", "shop", "growth", body("shop", &["version"]));
    world.set_clock(YEAR);
    world.start();
    for minute in 0..30 {
        if minute == 10 {
            world.set_clock(SignedDuration::ZERO);
        }
        world.look();
        world.pass(MINUTE);
    }
    let period = calendar.period("2026-Q1", world.now()).unwrap();
    let question = Question {
        period: &period,
        calendar: &calendar,
        team: None,
        now: world.now(),
    };
    let report = report(&Reader::open(&file).unwrap(), &question).unwrap();
    assert_eq!(report.method.rulesets.len(), 1);
    let version = report.rules.iter().find(|rule| rule.id == "O-8").unwrap();
    assert_eq!((&*version.severity, version.waived), ("critical", 1));
    let waivers: Vec<_> = report.waivers.iter().map(|one| &*one.rule).collect();
    assert_eq!(waivers, ["O-8"]);
}

/// Guarantee: a clock that is far ahead at the start freezes no quarter that is not over, and makes nothing old:
/// it is believed once half a day was covered by it.
#[test]
fn fault_99_a_start_in_another_year_freezes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let rules = ruleset("scrape_configs: []", folder.path());
    let calendar = rules.records.calendar.clone();
    let file = folder.path().join("history.sqlite");
    let pace = Pace {
        heartbeat: Duration::ZERO,
        stall: Duration::from_secs(2 * 3_600),
    };
    let mut world = World::new(rules, start(), &file, pace);
    world.put("shop-1", "shop", "growth", body("shop", &[]));
    world.start();
    for _ in 0..72 {
        world.look();
        world.pass(HOUR);
    }
    let reader = || Reader::open(&file).unwrap();
    assert!(is_settled(&reader(), world.wall()).unwrap());
    world.end(End::Kill);
    world.set_clock(YEAR);
    world.start();
    let mut believed_after = None;
    for hours in 0..20 {
        world.look();
        let now = world.wall();
        // The present quarter would be frozen for good.
        assert!(!due(&reader(), &calendar, now).unwrap().is_empty());
        if is_settled(&reader(), now).unwrap() {
            believed_after.get_or_insert(hours);
        }
        world.pass(HOUR);
    }
    assert_eq!(believed_after, Some(12));
}

/// Guarantee: a night in which the machine was suspended is not covered.
#[test]
fn fault_99_a_night_suspended_is_a_gap() {
    let (read, wrong) = around(|watched| watched.sleep(HOUR * 9));
    assert_eq!(wrong.len(), ENDS, "{wrong:?}");
    assert_eq!(read.ended, [Ended::Clock, Ended::Running]);
    assert_eq!(read.covered(), MINUTE * 58);
}

/// What happens in a random history.
#[derive(Debug, Clone)]
enum Event {
    Look,
    Toggle,
    SetClock(i64),
    Sleep,
    Restart(bool),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    // Seconds ahead: hours, days, years, and back again.
    let clocks = vec![
        0,
        0,
        0,
        10_800,
        -10_800,
        600,
        -600,
        31_536_000,
        -1_451_000_000,
        5,
        -5,
    ];
    let event = prop_oneof![
        8 => Just(Event::Look),
        1 => Just(Event::Toggle),
        2 => prop::sample::select(clocks).prop_map(Event::SetClock),
        1 => Just(Event::Sleep),
        1 => any::<bool>().prop_map(Event::Restart),
    ];
    prop::collection::vec(event, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// Guarantee: whatever the clock does, covered time is disjoint and no more than true time, and what is
    /// read back at a look's time in its own interval's time is what it saw.
    #[test]
    fn fault_99_whatever_the_clock_does_what_is_read_was_so(events in events()) {
        let mut watched = Watched::new();
        let mut toggles = 0;
        watched.watch(4);
        for event in events {
            match event {
                Event::Look => watched.watch(1),
                // More in an hour would be told as flapping.
                Event::Toggle if toggles < 10 => {
                    toggles += 1;
                    watched.toggle();
                }
                Event::Toggle => {}
                Event::SetClock(ahead) => watched.set_clock(SignedDuration::from_secs(ahead)),
                Event::Sleep => watched.sleep(HOUR * 9),
                Event::Restart(stops) => watched.restart(if stops { End::Stop } else { End::Kill }),
            }
        }
        watched.look();
        watched.check()?;
    }
}
