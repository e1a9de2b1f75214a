//! A simulated year: the report's figures are those that a slow count of what was seen comes to, hour by
//! hour, and a restart changes none of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use manifesto_exporter::calendar::FiscalCalendar;
use manifesto_exporter::config::Config;
use manifesto_exporter::document::Origin;
use manifesto_exporter::history::{Pace, Reader};
use manifesto_exporter::report::model::Mean;
use manifesto_exporter::report::{Question, Report, output, report};
use manifesto_exporter::snapshot::{RuleStatus, ServiceVerdict, Snapshot};

use crate::programs::tell;
use crate::simulation::{Answer, End, World, body, ruleset};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// Between two looks.
const STEP: SignedDuration = SignedDuration::from_hours(3);

/// Numbers that look random, the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        // Knuth's MMIX.
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// What a look saw of one service, the estate by an empty name.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    team: String,
    /// Rule, status, counted status, weight.
    rules: Vec<(String, RuleStatus, RuleStatus, u128)>,
}

/// One look: when, and what. `None` marks the end of a run.
type Log = Vec<(Timestamp, Option<BTreeMap<String, Seen>>)>;

fn saw(snapshot: &Snapshot) -> BTreeMap<String, Seen> {
    let rules = |verdicts: &[ServiceVerdict]| {
        let rules = verdicts.iter().map(|verdict| {
            let rule = snapshot.rule(verdict);
            let weight = u128::from(rule.severity.weight());
            (
                rule.id.to_string(),
                verdict.status,
                verdict.counted(),
                weight,
            )
        });
        rules.collect()
    };
    let mut seen: BTreeMap<String, Seen> = snapshot
        .services
        .iter()
        .map(|service| {
            let seen = Seen {
                team: service.team.clone(),
                rules: rules(&service.verdicts),
            };
            (service.key.name.clone(), seen)
        })
        .collect();
    let estate = Seen {
        team: String::new(),
        rules: rules(&snapshot.estate.verdicts),
    };
    seen.insert(String::new(), estate);
    seen
}

/// What happens in the year, by chance: the same chances whatever else is done.
struct Fate {
    dice: Dice,
    /// Host, team, what its body lacks, whether it is down.
    services: BTreeMap<String, (String, Vec<&'static str>, bool)>,
    born: u64,
}

const PARTS: [&str; 3] = ["version", "availability", "latency"];

impl Fate {
    fn new(seed: u64) -> Self {
        Self {
            dice: Dice(seed),
            services: BTreeMap::new(),
            born: 0,
        }
    }

    fn happen(&mut self, world: &mut World) {
        let happens = self.dice.roll(12);
        let names: Vec<String> = self.services.keys().cloned().collect();
        let chosen = self.dice.roll(names.len().max(1) as u64) as usize;
        let part = PARTS[self.dice.roll(3) as usize];
        let team = ["growth", "payments", "core"][self.dice.roll(3) as usize];
        if self.services.len() < 4 || happens == 0 && self.services.len() < 9 {
            self.born += 1;
            let name = format!("svc{}", self.born);
            let lacks = if happens.is_multiple_of(2) {
                vec![part]
            } else {
                vec![]
            };
            self.services
                .insert(name.clone(), (team.to_owned(), lacks, false));
            self.tell(world, &name);
            return;
        }
        let name = names[chosen].clone();
        let service = self.services.get_mut(&name).unwrap();
        match happens {
            1 if self.born.is_multiple_of(3) => {
                self.services.remove(&name);
                world.remove(&name);
                return;
            }
            2 | 3 => service.1 = vec![part],
            4 | 5 => service.1.clear(),
            6 => service.2 = true,
            7 | 8 => service.2 = false,
            9 => team.clone_into(&mut service.0),
            _ => return,
        }
        self.tell(world, &name);
    }

    fn tell(&self, world: &mut World, name: &str) {
        let (team, lacks, is_down) = &self.services[name];
        let answer = match is_down {
            true => Answer::Refused,
            false => body(name, lacks),
        };
        world.put(name, name, team, answer);
    }
}

/// How the exporter is treated in the year.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Care {
    /// It always runs.
    Undisturbed,
    /// It is restarted every few looks, within no time.
    Restarted,
    /// It is down now and then, for hours or days.
    Neglected,
}

fn pace() -> Pace {
    Pace {
        heartbeat: std::time::Duration::ZERO,
        stall: std::time::Duration::from_secs(4 * 3_600),
    }
}

/// Lives through a year and a half; what was seen.
fn live(care: Care, seed: u64, folder: &Path, days: i64) -> Log {
    let start: Timestamp = "2025-12-20T00:00:00Z".parse().unwrap();
    let rules = |text: &str| ruleset(&format!("{CONFIGURATION}\n{text}"), folder);
    let mut world = World::new(rules(""), start, &folder.join("history.sqlite"), pace());
    let (mut fate, mut luck) = (Fate::new(seed), Dice(seed + 1));
    let mut log = Log::new();
    let mut down_for = 0;
    world.start();
    for look in 0..days * 8 {
        if look % 3 == 0 {
            fate.happen(&mut world);
        }
        if look == days * 3 {
            world.reload(rules("rules: {severity: {O-8: critical}}"));
        }
        if down_for > 0 {
            down_for -= 1;
            if down_for == 0 {
                world.start();
            }
        }
        if world.is_running() {
            let snapshot = world.look();
            log.push((world.now(), Some(saw(&snapshot))));
            let chance = luck.roll(40);
            let how = if chance.is_multiple_of(2) {
                End::Stop
            } else {
                End::Kill
            };
            match care {
                Care::Undisturbed | Care::Restarted if chance < 4 => {
                    if care == Care::Restarted {
                        world.end(how);
                        world.start();
                    }
                    // A scrape more ends a warm-up sooner, restarted or not.
                    let again = world.look();
                    log.push((world.now(), Some(saw(&again))));
                }
                Care::Neglected if chance < 2 => {
                    world.end(how);
                    log.push((world.now(), None));
                    down_for = 1 + luck.roll(20);
                }
                Care::Undisturbed | Care::Restarted | Care::Neglected => {}
            }
        }
        world.pass(STEP);
    }
    if world.is_running() {
        world.end(End::Stop);
    }
    log
}

/// Midnights in Santiago come and go with daylight saving.
const CONFIGURATION: &str =
    "fiscal_year: {starts: 02-01, named_by: end, time_zone: America/Santiago}
score: {carry_over: 2d}
objectives: [objectives.yaml]
initiatives: [initiatives.yaml]
levels:
  - {name: bronze, rules: [O-6, O-7]}
  - {name: silver, rules: [O-8]}
  - {name: gold, rules: [O-9]}
scrape_configs: []";

const OBJECTIVES: &str = "objectives:
  - team: growth
    quarter: FY27-Q2
    title: seen
    key_results:
      - {title: latency, measure: {compliance: [O-9]}, target: 1}
      - {title: score, measure: {score: true}, baseline: 0.2, target: 0.9, kind: aspirational, services: {}}
";

const INITIATIVES: &str = "initiatives:
  - {title: versions, owner: ann, reason: incidents, rules: [O-8], started: 2026-05-10, due: 2026-07-20}
";

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("objectives.yaml"), OBJECTIVES).unwrap();
    std::fs::write(folder.path().join("initiatives.yaml"), INITIATIVES).unwrap();
    folder
}

fn calendar() -> FiscalCalendar {
    let origin = Origin::file(Path::new("config.yaml"));
    Config::parse(CONFIGURATION, &origin).unwrap().calendar
}

fn reported(folder: &Path, quarter: &str, team: Option<&str>) -> Report {
    let calendar = calendar();
    let now: Timestamp = "2027-12-01T00:00:00Z".parse().unwrap();
    let period = calendar.period(quarter, now).unwrap();
    let question = Question {
        period: &period,
        calendar: &calendar,
        team,
        now,
    };
    let reader = Reader::open(&folder.join("history.sqlite")).unwrap();
    report(&reader, &question).unwrap()
}

/// Sums of weight times hours.
#[derive(Default, Clone, Copy)]
struct Sums {
    passed: u128,
    counted: u128,
    measured: u128,
    applicable: u128,
}

impl Sums {
    fn add(&mut self, status: RuleStatus, counted: RuleStatus, amount: u128) {
        if status == RuleStatus::NotApplicable {
            return;
        }
        self.applicable += amount;
        if matches!(
            status,
            RuleStatus::Pass | RuleStatus::Fail | RuleStatus::Waived
        ) {
            self.measured += amount;
        }
        if matches!(
            counted,
            RuleStatus::Pass | RuleStatus::Fail | RuleStatus::Waived
        ) {
            self.counted += amount;
        }
        if counted == RuleStatus::Pass {
            self.passed += amount;
        }
    }

    fn score(&self) -> Option<f64> {
        (self.counted > 0).then(|| self.passed as f64 / self.counted as f64)
    }

    fn is(&self, mean: &Mean, what: &str) {
        assert_eq!(mean.score, self.score(), "score of {what}");
        let coverage = (self.applicable > 0).then(|| self.measured as f64 / self.applicable as f64);
        assert_eq!(mean.coverage, coverage, "coverage of {what}");
    }
}

/// What a slow count of the hours comes to.
#[derive(Default)]
struct Slow {
    overall: Sums,
    teams: BTreeMap<String, Sums>,
    rules: BTreeMap<String, Sums>,
    weeks: Vec<Sums>,
    hours: u128,
}

/// Counts each hour from one moment to another by what the look before it saw.
fn count(log: &Log, from: Timestamp, to: Timestamp, team: Option<&str>) -> Slow {
    let mut slow = Slow::default();
    for pair in log.windows(2) {
        let (at, Some(seen)) = &pair[0] else { continue };
        let mut hour = *at;
        while hour < pair[1].0 {
            if from <= hour && hour < to {
                slow.hours += 1;
                let week = hour.duration_since(from).as_hours() / (7 * 24);
                count_hour(&mut slow, seen, week as usize, team);
            }
            hour += HOUR;
        }
    }
    slow
}

fn count_hour(slow: &mut Slow, seen: &BTreeMap<String, Seen>, week: usize, team: Option<&str>) {
    for (name, service) in seen {
        if team.is_some_and(|team| name.is_empty() || service.team != team) {
            continue;
        }
        for (rule, status, counted, weight) in &service.rules {
            slow.overall.add(*status, *counted, *weight);
            slow.rules
                .entry(rule.clone())
                .or_default()
                .add(*status, *counted, 1);
            if !name.is_empty() {
                let team = slow.teams.entry(service.team.clone()).or_default();
                team.add(*status, *counted, *weight);
            }
            if slow.weeks.len() <= week {
                slow.weeks.resize(week + 1, Sums::default());
            }
            slow.weeks[week].add(*status, *counted, *weight);
        }
    }
}

/// The first and last look that tell where services stood in a span.
fn edges(
    log: &Log,
    from: Timestamp,
    to: Timestamp,
) -> (BTreeMap<String, Seen>, BTreeMap<String, Seen>) {
    let mut covered: Vec<&BTreeMap<String, Seen>> = Vec::new();
    for pair in log.windows(2) {
        if let (at, Some(seen)) = &pair[0]
            && *at < to
            && pair[1].0 > from
            && pair[1].0 > *at
        {
            covered.push(seen);
        }
    }
    (covered[0].clone(), covered.last().copied().unwrap().clone())
}

fn agrees(report: &Report, log: &Log, from: &str, to: &str) {
    let (from, to) = (from.parse().unwrap(), to.parse().unwrap());
    assert_eq!((report.period.from, report.period.to), (from, to));
    let team = report.team.as_deref();
    let slow = count(log, from, to, team);
    slow.overall.is(&report.summary.mean, "everything");
    let hours = to.duration_since(from).as_hours();
    assert_eq!(
        report.summary.mean.covered,
        slow.hours as f64 / hours as f64
    );
    for rule in &report.rules {
        let sums = slow.rules.get(&rule.id).copied().unwrap_or_default();
        assert_eq!(rule.mean, sums.score(), "{}", rule.id);
    }
    for one in &report.teams {
        let sums = slow.teams.get(&one.name).copied().unwrap_or_default();
        sums.is(&one.mean, &one.name);
    }
    // Weeks of seven days, daylight saving among them, begin at midnight in Santiago: those before the
    // first change have whole multiples of 168 hours.
    for (place, week) in report
        .weeks
        .iter()
        .enumerate()
        .take(slow.weeks.len().min(4))
    {
        slow.weeks[place].is(&week.mean, &format!("week {place}"));
    }
    let (start, end) = edges(log, from, to);
    let of_team = |seen: &BTreeMap<String, Seen>| -> BTreeMap<String, Seen> {
        let mut seen = seen.clone();
        seen.retain(|name, one| team.is_none_or(|team| !name.is_empty() && one.team == team));
        seen
    };
    ends_agree(report, &of_team(&end));
    changes_agree(report, &of_team(&start), &of_team(&end));
}

fn ends_agree(report: &Report, end: &BTreeMap<String, Seen>) {
    let mut sums = Sums::default();
    let (mut violated, mut waived, mut compliant, mut violating) = (0, 0, 0, 0);
    for (name, service) in end {
        let mut violates = false;
        for (_, status, counted, weight) in &service.rules {
            sums.add(*status, *counted, *weight);
            match counted {
                RuleStatus::Pass => compliant += 1,
                RuleStatus::Fail => violated += 1,
                RuleStatus::Waived => waived += 1,
                RuleStatus::Unknown | RuleStatus::NotApplicable => {}
            }
            violates |= matches!(counted, RuleStatus::Fail | RuleStatus::Waived);
        }
        violating += u64::from(violates && !name.is_empty());
    }
    let standing = &report.summary.end;
    assert_eq!(standing.score, sums.score());
    assert_eq!(
        (
            standing.violated,
            standing.waived,
            standing.compliant,
            standing.services_violating
        ),
        (violated, waived, compliant, violating)
    );
    let services = end.keys().filter(|name| !name.is_empty()).count();
    assert_eq!(standing.services, services as u64);
    let listed: u64 = report
        .offenders
        .iter()
        .map(|offender| offender.violations.len() as u64)
        .sum();
    assert_eq!(listed, violated + waived);
}

fn changes_agree(report: &Report, start: &BTreeMap<String, Seen>, end: &BTreeMap<String, Seen>) {
    let mut expected = BTreeSet::new();
    for (name, after) in end {
        let Some(before) = start.get(name) else {
            continue;
        };
        for (rule, _, now, _) in &after.rules {
            let then = before.rules.iter().find(|(id, ..)| id == rule);
            let Some((_, _, then, _)) = then else {
                continue;
            };
            let is_violated = |s: &RuleStatus| matches!(s, RuleStatus::Fail | RuleStatus::Waived);
            if is_violated(then) && *now == RuleStatus::Pass
                || *then == RuleStatus::Pass && is_violated(now)
            {
                expected.insert((name.clone(), rule.clone()));
            }
        }
    }
    let told = report.changes.iter();
    let told: BTreeSet<_> = told
        .map(|change| (change.service.clone(), change.rule.clone()))
        .collect();
    assert_eq!(told, expected);
}

/// The edges of the fiscal quarters in Santiago: midnight is 03:00 UTC in summer, 04:00 in winter.
const QUARTERS: [(&str, &str, &str); 4] = [
    ("FY27-Q1", "2026-02-01T03:00:00Z", "2026-05-01T04:00:00Z"),
    ("FY27-Q2", "2026-05-01T04:00:00Z", "2026-08-01T04:00:00Z"),
    ("FY27-Q3", "2026-08-01T04:00:00Z", "2026-11-01T03:00:00Z"),
    ("FY27-Q4", "2026-11-01T03:00:00Z", "2027-02-01T03:00:00Z"),
];

/// Guarantee: every figure of a report is what a slow count of the hours comes to: sums, weeks, teams, rules,
/// ends and changes; with downtime, across clock changes, for one team alone.
#[test]
fn a_years_reports_are_what_a_slow_count_says() {
    let folder = folder();
    let log = live(Care::Neglected, 7, folder.path(), 415);
    let mut figures = 0;
    for (name, from, to) in QUARTERS {
        for team in [None, Some("growth"), Some("core")] {
            let report = reported(folder.path(), name, team);
            agrees(&report, &log, from, to);
            figures += report.rules.len() + 3 * report.teams.len() + report.changes.len() + 8;
        }
    }
    let looks = log.iter().filter(|(_, seen)| seen.is_some()).count();
    tell(format_args!(
        "history: {looks} looks in a simulated year, {figures} figures as counted by hand"
    ));
    let report = reported(folder.path(), "FY27-Q2", None);
    assert!(report.summary.mean.covered < 0.95 && !report.method.gaps.is_empty());
    assert_eq!(
        report
            .rule_changes
            .iter()
            .filter(|change| change.what.contains("O-8"))
            .count(),
        1
    );
}

/// Guarantee: an exporter that is restarted or killed at any time, and started again at once, reports the
/// same to the byte; and so does the same history again.
#[test]
fn fault_103_restarts_and_repetition_change_no_byte() {
    let (one, other) = (folder(), folder());
    live(Care::Undisturbed, 3, one.path(), 250);
    live(Care::Restarted, 3, other.path(), 250);
    for name in ["FY26-Q4", "FY27-Q1", "FY27-Q2"] {
        let undisturbed = reported(one.path(), name, None);
        let json = output::json(&undisturbed);
        assert_eq!(
            json,
            output::json(&reported(other.path(), name, None)),
            "{name}"
        );
        assert_eq!(json, output::json(&reported(one.path(), name, None)));
        let page = output::html(&undisturbed).unwrap();
        assert_eq!(
            page,
            output::html(&reported(other.path(), name, None)).unwrap()
        );
    }
}
