//! What concerns the daemon alone: late scrapes, growth over time, growth with the targets.

use std::fmt::Write as _;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::json;

use crate::peer::{Program, own_metrics};
use crate::scenario::{CHURN, TARGETS_10K, linear as linear_scenarios, write_targets};
use crate::{Estate, report};

/// How often a tenth of the targets is replaced.
const CHURN_PERIOD: Duration = Duration::from_secs(60);

/// 10,000 targets: scrapes that started late, as our own metrics tell it, and memory.
pub(crate) fn late(seconds: u64, record: bool) -> anyhow::Result<()> {
    let scenario = TARGETS_10K;
    let load = report::load();
    let mut estate = Estate::start(&scenario, Program::Ours)?;
    sleep(scenario.warm_up());
    let run = estate.measure(Duration::from_secs(seconds))?;
    let metrics = own_metrics()?;
    let lateness = "manifesto_exporter_scrape_lateness_seconds";
    let within = |bound: &str| sum(&metrics, &format!("{lateness}_bucket{{le=\"{bound}\"}}"));
    let started = sum(&metrics, &format!("{lateness}_count"));
    let text = format!(
        "10,000 targets of 5 kB every 15 s for {seconds} s, load average {load} at the start: {:.1} scrapes/s, \
         {:.1} us CPU a scrape, peak RSS {:.1} MB.\n\
         Of {started} scrapes since the start, {} started more than 0.1 s late and {} more than 1 s; {} were skipped, {} failed.",
        run.scrapes_per_second,
        run.cpu_us_per_scrape,
        run.rss_peak_mb,
        started - within("0.1"),
        started - within("1"),
        sum(&metrics, "manifesto_exporter_scrapes_skipped_total"),
        sum(&metrics, "manifesto_exporter_scrapes_total{")
            - sum(&metrics, "manifesto_exporter_scrapes_total{result=\"ok\"}"),
    );
    let json = json!({
        "scenario": scenario.name,
        "scrapes_per_second": run.scrapes_per_second,
        "cpu_us_per_scrape": run.cpu_us_per_scrape,
        "rss_peak_mb": run.rss_peak_mb,
        "started": started,
        "late_100ms": started - within("0.1"),
        "late_1s": started - within("1"),
    });
    report::publish(scenario.name, &text, &json, record)
}

/// A tenth of the targets is replaced every minute; what is held is printed before each time.
/// `seconds` is raised to three replacements.
pub(crate) fn churn(seconds: u64, record: bool) -> anyhow::Result<()> {
    let scenario = CHURN;
    let mut estate = Estate::start(&scenario, Program::Ours)?;
    let start = Instant::now();
    let end = Duration::from_secs(seconds).max(4 * CHURN_PERIOD);
    let mut text = format!(
        "2,000 targets of 5 kB every 5 s, 200 of them replaced every minute; load average {} at the start.\n\n\
         | after s | RSS MB | peak MB | descriptors | series published |\n|---|---|---|---|---|\n",
        report::load()
    );
    let (mut first, mut rows) = (0, Vec::new());
    while start.elapsed() < end {
        sleep(CHURN_PERIOD);
        let usage = estate.peer.usage()?;
        let series = own_metrics()?
            .lines()
            .filter(|line| line.starts_with("manifesto_"))
            .count();
        let row = json!({
            "seconds": start.elapsed().as_secs(),
            "rss_mb": usage.rss_kb as f64 / 1024.0,
            "rss_peak_mb": usage.rss_peak_kb as f64 / 1024.0,
            "descriptors": usage.descriptors,
            "series": series,
        });
        writeln!(
            text,
            "| {} | {:.1} | {:.1} | {} | {series} |",
            start.elapsed().as_secs(),
            usage.rss_kb as f64 / 1024.0,
            usage.rss_peak_kb as f64 / 1024.0,
            usage.descriptors,
        )?;
        rows.push(row);
        first += scenario.targets / 10;
        write_targets(&estate.targets, first..first + scenario.targets)?;
    }
    report::publish(
        scenario.name,
        &text,
        &json!({"scenario": scenario.name, "rows": rows}),
        record,
    )
}

/// 100 to 10,000 targets: CPU a scrape should not depend on how many there are.
pub(crate) fn linear(seconds: u64, record: bool) -> anyhow::Result<()> {
    let mut text = format!(
        "5 kB every 5 s, {seconds} s each; load average {} at the start.\n\n\
         | targets | scrapes/s | CPU us a scrape | CPU of a core | peak RSS MB |\n|---|---|---|---|---|\n",
        report::load()
    );
    let mut rows = Vec::new();
    for scenario in linear_scenarios() {
        let mut estate = Estate::start(&scenario, Program::Ours)?;
        sleep(scenario.warm_up());
        let run = estate.measure(Duration::from_secs(seconds))?;
        writeln!(
            text,
            "| {} | {:.1} | {:.1} | {:.2} % | {:.1} |",
            scenario.targets,
            run.scrapes_per_second,
            run.cpu_us_per_scrape,
            run.cpu_us_per_scrape * run.scrapes_per_second / 1e4,
            run.rss_peak_mb
        )?;
        rows.push(json!({
            "targets": scenario.targets,
            "scrapes_per_second": run.scrapes_per_second,
            "cpu_us_per_scrape": run.cpu_us_per_scrape,
            "rss_peak_mb": run.rss_peak_mb,
        }));
    }
    report::publish(
        "linear",
        &text,
        &json!({"scenario": "linear", "rows": rows}),
        record,
    )
    .context("linear")
}

/// The sum of the samples whose lines begin with `series`.
fn sum(metrics: &str, series: &str) -> f64 {
    metrics
        .lines()
        .filter(|line| line.starts_with(series))
        .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        .sum()
}
