//! Any rules on any labels: no panic, no empty label left, keeping decided by the rules alone.

#![no_main]

use libfuzzer_sys::fuzz_target;
use manifesto_exporter::config::Config;
use manifesto_exporter::document::Origin;
use manifesto_exporter::discovery::relabel::apply;
use manifesto_exporter::labels::Labels;

fuzz_target!(|input: (&str, Vec<(&str, &str)>)| {
    let (rules, labels) = input;
    let indented: String = rules.lines().map(|line| format!("      {line}\n")).collect();
    let yaml = format!("scrape_configs:\n  - job_name: fuzz\n    relabel_configs:\n{indented}");
    let Ok(config) = Config::parse(&yaml, &Origin::embedded()) else { return };
    let Some(job) = config.discovery.jobs.first() else { return };
    let mut labels: Labels = labels.into_iter().collect();
    let before = labels.clone();
    let outcome = apply(&job.relabel, &mut labels);
    assert!(labels.iter().all(|(_, value)| !value.is_empty()));
    let mut again = before;
    assert_eq!(outcome, apply(&job.relabel, &mut again), "relabelling has no memory");
    assert_eq!(labels, again);
});
