//! The daemon beside its peers: Debian's Prometheus and VictoriaMetrics, doing the same work in
//! turn on a simulated estate.
//!
//! ```text
//! cargo bench --bench peers -- --scenario 60k                   a minute each, twice in turn
//! cargo bench --bench peers -- --scenario 60k --seconds 15      quick
//! cargo bench --bench peers -- --scenario all --record          writes docs/performance.md
//! ```
//!
//! Peers that are not installed are passed over. Results are printed as a table and as JSON, which
//! `target/peers/` keeps. A program's warm-up, connecting to every target and scraping it twice,
//! is not counted. CPU is utime and stime of the process, memory its VmHWM, scrapes are counted by
//! the simulator. Say how busy the machine was: CPU time is fair on a busy one, not exact.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line program"
)]

mod exposition;
mod ours;
mod peer;
mod report;
mod scenario;
mod simulator;

use std::thread::sleep;
use std::time::{Duration, Instant};

use clap::Parser;

use peer::{Peer, Program, Usage};
use report::{Report, Run};
use scenario::{Name, Scenario, TARGET_PORT};
use simulator::Simulator;

#[derive(Debug, Parser)]
struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// What to measure; nothing without it, so that a bare `cargo bench` stays short
    #[arg(long, value_enum)]
    scenario: Option<Name>,
    /// Measured seconds of each program and round
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// How often each program has its turn
    #[arg(long, default_value_t = 2)]
    rounds: usize,
    /// Only these programs
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Program>,
    /// Write the result into docs/performance.md
    #[arg(long)]
    record: bool,
    /// What cargo says to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Serve targets: what the harness starts for itself
    #[command(hide = true)]
    Simulate(simulator::Args),
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    if let Some(Command::Simulate(wanted)) = args.command {
        return simulator::main(wanted);
    }
    match args.scenario {
        None => eprintln!("nothing measured: say --scenario 60k (see --help)"),
        Some(Name::All) => {
            for name in [
                Name::K60,
                Name::K5,
                Name::M1,
                Name::Targets10k,
                Name::Linear,
                Name::Churn,
            ] {
                measure(name, &args)?;
            }
        }
        Some(name) => measure(name, &args)?,
    }
    Ok(())
}

fn measure(name: Name, args: &Args) -> anyhow::Result<()> {
    match name {
        Name::Targets10k => ours::late(args.seconds, args.record),
        Name::Churn => ours::churn(args.seconds, args.record),
        Name::Linear => ours::linear(args.seconds, args.record),
        Name::K60 | Name::K5 | Name::M1 | Name::All => {
            for scenario in name.compared() {
                compare(&scenario, args)?;
            }
            Ok(())
        }
    }
}

/// A B C, A B C: whatever else the machine does meets all of them.
fn compare(scenario: &Scenario, args: &Args) -> anyhow::Result<()> {
    let programs = [Program::Ours, Program::Prometheus, Program::VictoriaMetrics];
    let wanted = |program: &Program| args.only.is_empty() || args.only.contains(program);
    let mut report = Report {
        scenario,
        seconds: args.seconds,
        load_before: report::load(),
        runs: Vec::new(),
    };
    for round in 1..=args.rounds {
        for program in programs.into_iter().filter(wanted) {
            if !program.is_installed() {
                eprintln!("{} is not installed, passed over", program.name());
                continue;
            }
            let mut estate = Estate::start(scenario, program)?;
            sleep(scenario.warm_up());
            let run = estate.measure(Duration::from_secs(args.seconds))?;
            eprintln!("{} round {round}: {run:?}", scenario.name);
            report.runs.push(run);
        }
    }
    report::publish(scenario.name, &report.table(), &report.json(), args.record)
}

impl Scenario {
    /// Every target found, connected to, and scraped once or twice.
    pub(crate) fn warm_up(&self) -> Duration {
        self.interval + Duration::from_secs(7)
    }
}

/// A simulator and one program that scrapes it.
pub(crate) struct Estate {
    pub(crate) peer: Peer,
    pub(crate) simulator: Simulator,
    pub(crate) targets: std::path::PathBuf,
    program: Program,
    _folder: tempfile::TempDir,
}

impl Estate {
    pub(crate) fn start(scenario: &Scenario, program: Program) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let targets = folder.path().join("targets.json");
        scenario::write_targets(&targets, 0..scenario.targets)?;
        let simulator = Simulator::start(TARGET_PORT, scenario.bytes, scenario.gzip)?;
        // Bodies are made before it listens.
        sleep(Duration::from_secs(2));
        Ok(Self {
            peer: Peer::start(program, scenario, &targets)?,
            simulator,
            targets,
            program,
            _folder: folder,
        })
    }

    pub(crate) fn measure(&mut self, time: Duration) -> anyhow::Result<Run> {
        let (before, served_before) = (self.peer.usage()?, self.simulator.served()?);
        let start = Instant::now();
        sleep(time);
        let took = start.elapsed().as_secs_f64();
        let (after, served_after): (Usage, u64) = (self.peer.usage()?, self.simulator.served()?);
        let scrapes = (served_after - served_before) as f64;
        anyhow::ensure!(scrapes > 0.0, "{} scraped nothing", self.program.name());
        Ok(Run {
            program: self.program,
            scrapes_per_second: scrapes / took,
            cpu_us_per_scrape: (after.cpu - before.cpu).as_secs_f64() * 1e6 / scrapes,
            rss_peak_mb: after.rss_peak_kb as f64 / 1024.0,
        })
    }
}
