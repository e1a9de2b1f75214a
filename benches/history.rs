//! What history costs: a year of a thousand services, written and reported.
//!
//! `cargo bench --bench history`. Each pair of a service and a rule changes a dozen times in the year, in commits of
//! some 25 changes. Printed: the size of the file, the processor time of writing, and for the report of the last
//! quarter, made by the binary, its time and its memory.
//!
//! `cargo bench --bench history -- interrupted` is the same with an exporter that measures five minutes of each half
//! hour: 17,520 intervals.

#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]
#![expect(clippy::print_stdout, reason = "its figures are what it is for")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use manifesto_exporter::catalogue::{Catalogue, Records};
use manifesto_exporter::checks::{Finding, Reason};
use manifesto_exporter::config;
use manifesto_exporter::discovery::target::ServiceKey;
use manifesto_exporter::history::{Moment, Pace, Recorder, Unclean};
use manifesto_exporter::snapshot::{
    Failing, RuleStatus, Score, ServiceState, ServiceVerdict, Snapshot,
};

const SERVICES: usize = 1_000;
const DAYS: u32 = 365;
const COMMITS_A_DAY: u32 = 48;
const CHANGES: usize = 25;

/// Numbers that look random, the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }
}

/// Some thousand sentences, as services earn them.
fn finding(dice: &mut Dice) -> Arc<Finding> {
    let text = format!(
        "no series carries a version: looked for service_{}_build_info",
        dice.roll(20_000)
    );
    Arc::new(match dice.roll(10) {
        0..6 => Finding::pass(text, "evidence"),
        6..9 => Finding::fail(Reason::Missing, text, vec![]),
        _ => Finding::unknown(Reason::TargetDown, text),
    })
}

fn verdict(rule: usize, finding: Arc<Finding>, since: Timestamp) -> ServiceVerdict {
    let status = RuleStatus::from(finding.status);
    ServiceVerdict {
        rule,
        status,
        failing: (status == RuleStatus::Fail).then_some(Failing {
            since,
            is_exact: true,
        }),
        finding,
        target: None,
        waiver: None,
        carried: None,
    }
}

fn service(place: usize, rules: usize, dice: &mut Dice, now: Timestamp) -> ServiceState {
    ServiceState {
        key: ServiceKey {
            name: format!("service-{place:04}"),
            environment: "production".to_owned(),
        },
        entry: None,
        team: format!("team-{}", place % 40),
        version: "1.0.0".to_owned(),
        verdicts: (0..rules)
            .map(|rule| verdict(rule, finding(dice), now))
            .collect(),
        series: Vec::new(),
        score: Score::default(),
        level: None,
        instrumentation: None,
        targets: Vec::new(),
        first_seen: now,
    }
}

/// User and system time of this process, in seconds.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    ticks / 100.0
}

fn main() {
    let folder = std::env::temp_dir().join(format!("history-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("history.sqlite");
    write(
        &file,
        std::env::args().any(|argument| argument == "interrupted"),
    );
    report(&folder);
    std::fs::remove_dir_all(&folder).unwrap();
}

fn write(file: &Path, is_interrupted: bool) {
    let config = config::embedded().unwrap();
    let ruleset = config
        .ruleset(Catalogue::default(), Records::default())
        .unwrap();
    let ruleset = Arc::new(ruleset);
    let rules = ruleset.manifesto.rules().len();
    let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let mut dice = Dice(7);
    let mut snapshot = Snapshot::empty(&ruleset, start.into());
    snapshot.services = (0..SERVICES)
        .map(|at| Arc::new(service(at, rules, &mut dice, start)))
        .collect();
    let pace = Pace {
        heartbeat: Duration::from_secs(60),
        stall: Duration::from_secs(if is_interrupted { 600 } else { 2 * 86_400 }),
    };
    let (mut recorder, _) = Recorder::open(file, start, Unclean::Crash, pace).unwrap();
    let step = SignedDuration::from_secs(86_400 / i64::from(COMMITS_A_DAY));
    let (mut now, mut rows) = (start, 0);
    let (began, processor) = (Instant::now(), processor_seconds());
    for _ in 0..DAYS * COMMITS_A_DAY {
        for _ in 0..CHANGES {
            let place = dice.roll(SERVICES);
            let mut changed = (*snapshot.services[place]).clone();
            let rule = dice.roll(rules);
            changed.verdicts[rule] = verdict(rule, finding(&mut dice), now);
            snapshot.services[place] = Arc::new(changed);
        }
        snapshot.at = now.into();
        rows += recorder
            .record(&snapshot, &[], moment(start, now))
            .unwrap()
            .rows;
        if is_interrupted {
            let later = now + SignedDuration::from_mins(5);
            snapshot.at = later.into();
            recorder
                .record(&snapshot, &[], moment(start, later))
                .unwrap();
        }
        now += step;
    }
    let (took, processor) = (began.elapsed(), processor_seconds() - processor);
    let commits = DAYS * COMMITS_A_DAY;
    println!(
        "written: {SERVICES} services x {rules} rules, {rows} rows in {commits} commits, {:.0} s, {:.1} s of a core: {:.2} ms a commit; if one came each 2 s, {:.2} % of a core",
        took.as_secs_f64(),
        processor,
        1_000.0 * processor / f64::from(commits),
        100.0 * processor / f64::from(commits) / 2.0
    );
    idle(&mut recorder, &mut snapshot, start, now);
    recorder.stop().unwrap();
    let bytes = std::fs::metadata(file).unwrap().len();
    println!(
        "size: {:.1} MB, {:.0} bytes a row",
        bytes as f64 / 1e6,
        bytes as f64 / rows as f64
    );
}

/// What snapshots cost in which nothing changed: shared ones, each second; and anew, as each minute.
fn idle(recorder: &mut Recorder, snapshot: &mut Snapshot, start: Timestamp, mut now: Timestamp) {
    let second = SignedDuration::from_secs(1);
    let processor = processor_seconds();
    for _ in 0..3_600 {
        now += second;
        snapshot.at = now.into();
        recorder.record(snapshot, &[], moment(start, now)).unwrap();
    }
    let shared = processor_seconds() - processor;
    let processor = processor_seconds();
    for _ in 0..60 {
        now += second * 60;
        let anew = snapshot
            .services
            .iter()
            .map(|service| Arc::new((**service).clone()));
        snapshot.services = anew.collect();
        snapshot.at = now.into();
        recorder.record(snapshot, &[], moment(start, now)).unwrap();
    }
    let anew = processor_seconds() - processor;
    println!(
        "idle: an hour without changes takes {:.2} s of a core, {:.3} %",
        shared + anew,
        (shared + anew) / 36.0
    );
}

fn moment(start: Timestamp, now: Timestamp) -> Moment {
    Moment {
        wall: now,
        monotonic: now.duration_since(start).unsigned_abs(),
    }
}

/// The report of the last quarter, by the binary.
fn report(folder: &Path) {
    std::fs::write(
        folder.join("config.yaml"),
        "scrape_configs: []\nhistory: {path: history.sqlite}\n",
    )
    .unwrap();
    for output in ["json", "html"] {
        let began = Instant::now();
        let mut child = Command::new(env!("CARGO_BIN_EXE_manifesto-exporter"))
            .args([
                "report",
                "--config.file=config.yaml",
                "--quarter=2026-10-01..2026-12-31",
            ])
            .arg(format!("--output={output}"))
            .current_dir(folder)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let status = format!("/proc/{}/status", child.id());
        let mut peak = 0;
        while child.try_wait().unwrap().is_none() {
            let text = std::fs::read_to_string(&status).unwrap_or_default();
            let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let kilobytes =
                line.and_then(|line| line.trim().trim_end_matches(" kB").trim().parse().ok());
            peak = peak.max(kilobytes.unwrap_or(0));
            std::thread::sleep(Duration::from_millis(2));
        }
        println!(
            "report --output={output}: {:.2} s, {:.0} MB at the most",
            began.elapsed().as_secs_f64(),
            f64::from(peak) / 1_000.0
        );
    }
}
