//! What was measured, as text, as JSON, and as a table in docs/performance.md.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::peer::Program;
use crate::scenario::Scenario;

/// One program's measured time in one round.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    pub(crate) program: Program,
    pub(crate) scrapes_per_second: f64,
    pub(crate) cpu_us_per_scrape: f64,
    pub(crate) rss_peak_mb: f64,
}

/// The medians of one program.
struct Line {
    program: Program,
    rounds: usize,
    scrapes_per_second: f64,
    cpu_us_per_scrape: f64,
    rss_peak_mb: f64,
}

/// All rounds of one scenario.
pub(crate) struct Report<'a> {
    pub(crate) scenario: &'a Scenario,
    pub(crate) seconds: u64,
    pub(crate) load_before: String,
    pub(crate) runs: Vec<Run>,
}

impl Report<'_> {
    fn lines(&self) -> Vec<Line> {
        let programs = [Program::Ours, Program::Prometheus, Program::VictoriaMetrics];
        programs
            .into_iter()
            .filter_map(|program| {
                let runs: Vec<&Run> = self.runs.iter().filter(|r| r.program == program).collect();
                let of = |figure: fn(&Run) -> f64| median(runs.iter().map(|run| figure(run)));
                (!runs.is_empty()).then(|| Line {
                    program,
                    rounds: runs.len(),
                    scrapes_per_second: of(|run| run.scrapes_per_second),
                    cpu_us_per_scrape: of(|run| run.cpu_us_per_scrape),
                    rss_peak_mb: of(|run| run.rss_peak_mb),
                })
            })
            .collect()
    }

    /// A Markdown table: text for a person, and what the documentation holds.
    pub(crate) fn table(&self) -> String {
        let scenario = self.scenario;
        let mut out = format!(
            "{}: {} targets of {} bytes every {} s{}; medians of rounds of {} s; load average {} at the start\n\n",
            scenario.name,
            scenario.targets,
            scenario.bytes,
            scenario.interval.as_secs(),
            if scenario.gzip { ", gzipped" } else { "" },
            self.seconds,
            self.load_before,
        );
        out.push_str(
            "| | rounds | scrapes/s | CPU us a scrape | ours is 1/ | peak RSS MB | ours is 1/ |\n|---|---|---|---|---|---|---|\n",
        );
        let lines = self.lines();
        let ours = lines.iter().find(|line| line.program == Program::Ours);
        for line in &lines {
            let (cpu, rss) = ours.map_or((f64::NAN, f64::NAN), |ours| {
                (
                    line.cpu_us_per_scrape / ours.cpu_us_per_scrape,
                    line.rss_peak_mb / ours.rss_peak_mb,
                )
            });
            let _ = writeln!(
                out,
                "| {} | {} | {:.1} | {:.1} | {cpu:.1} | {:.1} | {rss:.1} |",
                line.program.name(),
                line.rounds,
                line.scrapes_per_second,
                line.cpu_us_per_scrape,
                line.rss_peak_mb,
            );
        }
        out
    }

    pub(crate) fn json(&self) -> Value {
        let medians: Vec<_> = self
            .lines()
            .iter()
            .map(|line| {
                json!({
                    "program": line.program.name(),
                    "rounds": line.rounds,
                    "scrapes_per_second": line.scrapes_per_second,
                    "cpu_us_per_scrape": line.cpu_us_per_scrape,
                    "rss_peak_mb": line.rss_peak_mb,
                })
            })
            .collect();
        let runs: Vec<_> = self
            .runs
            .iter()
            .map(|run| {
                json!({
                    "program": run.program.name(),
                    "scrapes_per_second": run.scrapes_per_second,
                    "cpu_us_per_scrape": run.cpu_us_per_scrape,
                    "rss_peak_mb": run.rss_peak_mb,
                })
            })
            .collect();
        json!({
            "scenario": self.scenario.name,
            "targets": self.scenario.targets,
            "bytes": self.scenario.bytes,
            "interval_seconds": self.scenario.interval.as_secs(),
            "gzip": self.scenario.gzip,
            "seconds": self.seconds,
            "load_before": self.load_before,
            "medians": medians,
            "runs": runs,
        })
    }
}

fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = figures.collect();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() % 2 {
        0 => (sorted[middle - 1] + sorted[middle]) / 2.0,
        _ => sorted[middle],
    }
}

/// The one-minute load average: what else the machine did.
pub(crate) fn load() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').next().unwrap_or_default().to_owned()
}

/// Prints a result, keeps its JSON under `target/peers`, and with `record` puts the text between
/// the scenario's markers in docs/performance.md.
pub(crate) fn publish(name: &str, text: &str, json: &Value, record: bool) -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    println!("{text}\n{json}\n");
    let folder = root.join("target/peers");
    std::fs::create_dir_all(&folder)?;
    std::fs::write(
        folder.join(format!("{name}.json")),
        serde_json::to_vec_pretty(json)?,
    )?;
    if !record {
        return Ok(());
    }
    let path = root.join("docs/performance.md");
    let page = std::fs::read_to_string(&path)?;
    let (begin, end) = (format!("<!-- peers {name} -->\n"), "<!-- end -->");
    let start = page
        .find(&begin)
        .with_context(|| format!("docs/performance.md has no {begin:?}"))?
        + begin.len();
    let length = page[start..]
        .find(end)
        .with_context(|| format!("docs/performance.md has no {end:?} after {begin:?}"))?;
    let (before, after) = (&page[..start], &page[start + length..]);
    Ok(std::fs::write(
        &path,
        format!("{before}{}\n{after}", text.trim_end()),
    )?)
}
