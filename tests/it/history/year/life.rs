//! What happens in a simulated year, and what each look at it saw.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use jiff::{SignedDuration, Timestamp};
use manifesto_exporter::history::Pace;
use manifesto_exporter::labels::Labels;
use manifesto_exporter::snapshot::{RuleStatus, ServiceVerdict, Snapshot};
use manifesto_exporter::sources::{
    Answer as SourceAnswer, Answered, Answers, KnownSource, Query, Sample, SourceKind, Vector,
};

use crate::simulation::{Answer, End, World, body, ruleset};

/// Between two looks.
const STEP: SignedDuration = SignedDuration::from_hours(3);

/// The first look.
pub(super) fn start() -> Timestamp {
    "2025-12-20T00:00:00Z".parse().unwrap()
}

/// Numbers that look random, the same each time.
pub(super) struct Dice(u64);

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

/// What a look saw of a rule.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Judged {
    pub(super) rule: String,
    pub(super) status: RuleStatus,
    pub(super) counted: RuleStatus,
    pub(super) weight: u128,
    pub(super) is_not_configured: bool,
    /// Since when it is violated, and whether that is exact.
    pub(super) failing: Option<(Timestamp, bool)>,
    pub(super) message: String,
}

/// What a look saw of one service, the estate by an empty name.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Seen {
    pub(super) team: String,
    pub(super) rules: Vec<Judged>,
}

/// Everybody, at one look.
pub(super) type Everybody = BTreeMap<String, Seen>;

/// What a look saw.
#[derive(Debug, Clone)]
pub(super) struct Look {
    pub(super) at: Timestamp,
    pub(super) everybody: Everybody,
    /// What the query of a key result yielded.
    pub(super) queue: Option<f64>,
}

/// Looks, and the ends of runs.
#[derive(Debug, Clone)]
pub(super) enum Event {
    Look(Look),
    End(Timestamp),
}

impl Event {
    pub(super) fn at(&self) -> Timestamp {
        match self {
            Self::Look(look) => look.at,
            Self::End(at) => *at,
        }
    }
}

pub(super) type Log = Vec<Event>;

fn saw(world: &World, snapshot: &Snapshot, queue: Option<f64>) -> Event {
    let judged = |verdict: &ServiceVerdict| {
        let rule = snapshot.rule(verdict);
        Judged {
            rule: rule.id.to_string(),
            status: verdict.status,
            counted: verdict.counted(),
            weight: u128::from(rule.severity.weight()),
            is_not_configured: verdict.is_not_configured(),
            failing: verdict.failing.map(|one| (one.since, one.is_exact)),
            message: verdict.finding.message.clone(),
        }
    };
    let rules = |verdicts: &[ServiceVerdict]| verdicts.iter().map(judged).collect();
    let services = snapshot.services.iter().map(|service| {
        let seen = Seen {
            team: service.team.clone(),
            rules: rules(&service.verdicts),
        };
        (service.key.name.clone(), seen)
    });
    let mut everybody: Everybody = services.collect();
    let estate = Seen {
        team: String::new(),
        rules: rules(&snapshot.estate.verdicts),
    };
    everybody.insert(String::new(), estate);
    Event::Look(Look {
        at: world.now(),
        everybody,
        queue,
    })
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
pub(super) enum Care {
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

/// Midnights in Santiago come and go with daylight saving.
pub(super) const CONFIGURATION: &str =
    "fiscal_year: {starts: 02-01, named_by: end, time_zone: America/Santiago}
score: {carry_over: 2d}
objectives: [objectives.yaml]
initiatives: [initiatives.yaml]
waivers: [waivers.yaml]
attestations: [attestations.yaml]
sources: [{kind: prometheus, name: main, url: 'http://prometheus.example:9090'}]
levels:
  - {name: bronze, rules: [O-6, O-7]}
  - {name: silver, rules: [O-8]}
  - {name: gold, rules: [O-9]}
scrape_configs: []";

pub(super) const OBJECTIVES: &str = "objectives:
  - team: growth
    quarter: FY27-Q2
    title: seen
    key_results:
      - {title: latency, measure: {compliance: [O-9]}, target: 1}
      - {title: score, measure: {score: true}, baseline: 0.2, target: 0.9, kind: aspirational, services: {}}
      - {title: queue, measure: {promql: max(queue)}, target: 20, unit: jobs, better: lower}
  - team: core
    quarter: FY27-Q2
    title: known
    key_results:
      - {title: measured, measure: {coverage: true}, target: 0.95}
      - {title: versions, measure: {compliance: [O-8, O-9]}, target: 1, services: {}}
  - team: core
    quarter: FY27-Q3
    title: versions
    key_results:
      - {title: versions, measure: {compliance: [O-8]}, target: 0.8, services: {}}
      - {title: score, measure: {score: true}, target: 0.6}
";

const INITIATIVES: &str = "initiatives:
  - {title: versions, owner: ann, reason: incidents, rules: [O-8], started: 2026-05-10, due: 2026-07-20}
  - {title: seen by growth, owner: bob, reason: outages, rules: [O-9, O-8], services: {team: growth}, started: 2026-03-02, due: 2026-10-01, archived: 2026-11-20}
";

/// A waiver of a team's rule that is renewed twice, and one that is taken away early.
const WAIVERS: [&str; 3] = [
    "waivers:
  - {rule: O-8, team: growth, reason: a rewrite, discussion: 'http://chat.example/1', owner: ann, approver: sre, granted_at: 2026-03-01, expires_at: 2026-05-10T07:30:00Z}
  - {rule: O-9, team: core, reason: a move, discussion: 'http://chat.example/2', owner: bob, approver: sre, granted_at: 2026-04-01, expires_at: 2026-06-25}
",
    "waivers:
  - {rule: O-8, team: growth, reason: a rewrite, discussion: 'http://chat.example/1', owner: ann, approver: sre, granted_at: 2026-03-01, expires_at: 2026-05-10T07:30:00Z}
  - {rule: O-8, team: growth, reason: a rewrite goes on, discussion: 'http://chat.example/1', owner: ann, approver: sre, granted_at: 2026-05-12, expires_at: 2026-08-05}
",
    "waivers:
  - {rule: O-8, team: growth, reason: a rewrite goes on, discussion: 'http://chat.example/1', owner: ann, approver: sre, granted_at: 2026-05-12, expires_at: 2026-08-05}
  - {rule: O-8, team: growth, reason: the last time, discussion: 'http://chat.example/1', owner: ann, approver: sre, granted_at: 2026-08-20, expires_at: 2026-11-17}
",
];

/// Days after the first look on which the next waivers are written.
pub(super) const WAIVERS_WRITTEN: [i64; 2] = [145, 244];

const ATTESTATIONS: &str = "attestations:
  - {rule: D-1, service: svc1, owner: ann, statement: review finished, evidence_url: 'http://docs.example/1', signed_at: 2026-01-10, expires_at: 2026-07-10}
  - {rule: S-1, service: svc2, owner: bob, statement: approved, evidence_url: 'http://docs.example/2', signed_at: 2026-05-20, expires_at: 2027-05-20}
  - {rule: C-4, estate: true, owner: sre, statement: the template blames nobody, evidence_url: 'http://docs.example/3', signed_at: 2026-02-01, expires_at: 2026-08-20, facts: {template: 'http://docs.example/t'}}
";

/// A folder with everything that the configuration names.
pub(super) fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("objectives.yaml", OBJECTIVES);
    write("initiatives.yaml", INITIATIVES);
    write("waivers.yaml", WAIVERS[0]);
    write("attestations.yaml", ATTESTATIONS);
    folder
}

/// What Prometheus says to the key result's query: a number that falls, and now and then nothing.
fn queue(look: i64) -> Option<f64> {
    (look % 50 > 3).then_some(100.0 - (look / 40) as f64)
}

fn answers(queue: Option<f64>, at: Timestamp) -> Arc<Answers> {
    let mut answers = Answers::of(vec![KnownSource {
        name: "main".to_owned(),
        kind: SourceKind::Prometheus,
        url: None,
        environments: Vec::new(),
    }]);
    let sample = |value| Sample {
        labels: Labels::default(),
        value,
    };
    let vector = Vector::new(queue.map(sample).into_iter().collect());
    let answered = Answered {
        at: SystemTime::from(at),
        outcome: Ok(SourceAnswer::Vector(vector)),
    };
    answers.put(0, Query::Promql("max(queue)".into()), answered);
    Arc::new(answers)
}

/// Lives through `days` days; what was seen.
pub(super) fn live(care: Care, seed: u64, folder: &Path, days: i64) -> Log {
    let rules = |text: &str| ruleset(&format!("{CONFIGURATION}\n{text}"), folder);
    let history = folder.join("history.sqlite");
    let mut world = World::new(rules(""), start(), &history, pace());
    let (mut fate, mut luck) = (Fate::new(seed), Dice(seed + 1));
    let mut log = Log::new();
    let mut down_for = 0;
    let mut severity = "";
    world.start();
    for look in 0..days * 8 {
        if look % 3 == 0 {
            fate.happen(&mut world);
        }
        if look == days * 3 {
            severity = "rules: {severity: {O-8: critical}}";
            world.reload(rules(severity));
        }
        if let Some(next) = WAIVERS_WRITTEN.iter().position(|day| day * 8 == look) {
            std::fs::write(folder.join("waivers.yaml"), WAIVERS[next + 1]).unwrap();
            world.reload(rules(severity));
        }
        world.answers = answers(queue(look), world.now());
        if down_for > 0 {
            down_for -= 1;
            if down_for == 0 {
                world.start();
            }
        }
        if world.is_running() {
            let snapshot = world.look();
            log.push(saw(&world, &snapshot, queue(look)));
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
                    log.push(saw(&world, &again, queue(look)));
                }
                Care::Neglected if chance < 2 => {
                    world.end(how);
                    log.push(Event::End(world.now()));
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
