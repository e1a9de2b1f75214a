//! `config check`: whether a configuration can be used, without using it.

use std::path::{Path, PathBuf};

use clap::Subcommand;

use super::console::{Exit, complain, deliver, print};
use crate::catalogue::{Attestation, Attestations};
use crate::config::Config;
use crate::daemon::{self, Loaded};
use crate::discovery::DiscoveryConfig;
use crate::snapshot::Ruleset;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check configuration files: every key, duration, expression, rule
    Check {
        /// The files
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Print the embedded example: the default of a first run
    Example,
}

pub(super) fn main(args: Args) -> Exit {
    match args.command {
        Command::Check { files } => {
            // Every file is checked, whatever is wrong with the first.
            let unusable = files.iter().filter(|file| !check(file)).count();
            if unusable == 0 { Exit::Ok } else { Exit::Usage }
        }
        Command::Example => deliver(crate::config::EMBEDDED, Exit::Ok),
    }
}

fn check(file: &Path) -> bool {
    match daemon::load(Some(file)) {
        Ok(Loaded {
            config, ruleset, ..
        }) => {
            for warning in config.warnings.iter().chain(ruleset.warnings()) {
                complain(&format!("warning: {warning}"));
            }
            let missing = missing_files(&config);
            for (job, path) in &missing {
                complain(&format!(
                    "{}: `{job}`: `{}` cannot be read, so it would not be asked",
                    file.display(),
                    path.display()
                ));
            }
            if !missing.is_empty() {
                return false;
            }
            print(&format!(
                "{}: ok, {} jobs, {} rules{}\n",
                file.display(),
                config.discovery.jobs.len(),
                ruleset.manifesto.rules().len(),
                records(&ruleset)
            ))
        }
        Err(error) => {
            complain(&error.to_string());
            false
        }
    }
}

/// What is written down beside the rules, where anything is; and what has ended.
fn records(ruleset: &Ruleset) -> String {
    let now = jiff::Timestamp::now();
    let records = &ruleset.records;
    let attestations: Vec<&Attestation> = records
        .attestations
        .iter()
        .flat_map(Attestations::all)
        .collect();
    let ended = |of: usize, all: usize| match all - of {
        0 => String::new(),
        ended => format!(" ({ended} expired)"),
    };
    let holding = attestations.iter().filter(|a| now < a.expires_at).count();
    let waiving = records
        .waivers
        .iter()
        .filter(|w| now < w.expires_at)
        .count();
    let counts = [
        (
            "services",
            ruleset.catalogue.entries().count(),
            String::new(),
        ),
        (
            "attestations",
            attestations.len(),
            ended(holding, attestations.len()),
        ),
        (
            "waivers",
            records.waivers.len(),
            ended(waiving, records.waivers.len()),
        ),
        (
            "objectives",
            records.objectives.iter().flatten().count(),
            String::new(),
        ),
        ("initiatives", records.initiatives.len(), String::new()),
        ("levels", ruleset.levels.len(), String::new()),
        ("SLOs", records.slos.iter().flatten().count(), String::new()),
    ];
    let written = counts.iter().filter(|(_, count, _)| *count > 0);
    written
        .map(|(what, count, ended)| format!(", {count} {what}{ended}"))
        .collect()
}

/// Files of credentials and certificates that are not there, each with its job. At run time each
/// is read anew for each use: here is where a typo shows.
fn missing_files(config: &Config) -> Vec<(String, PathBuf)> {
    let mut missing = Vec::new();
    for source in &config.sources {
        let unreadable = source
            .http
            .files()
            .into_iter()
            .filter(|path| std::fs::File::open(path).is_err());
        missing.extend(unreadable.map(|path| (source.name.clone(), path.to_path_buf())));
    }
    for job in &config.discovery.jobs {
        let of_discovery = job.discovery.iter().filter_map(DiscoveryConfig::http);
        for http in of_discovery.chain([&*job.job.http]) {
            let unreadable = http
                .files()
                .into_iter()
                .filter(|path| std::fs::File::open(path).is_err());
            missing.extend(unreadable.map(|path| (job.job.name.clone(), path.to_path_buf())));
        }
    }
    missing
}
