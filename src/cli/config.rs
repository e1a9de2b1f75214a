//! `config check`: whether a configuration can be used, without using it.

use std::path::{Path, PathBuf};

use clap::Subcommand;

use super::{Exit, complain, print};
use crate::config::{Config, DiscoveryConfig};
use crate::daemon::{self, Loaded};

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
        Command::Example => {
            print(crate::config::EMBEDDED);
            Exit::Ok
        }
    }
}

fn check(file: &Path) -> bool {
    match daemon::load(Some(file)) {
        Ok(Loaded { config, rulebook }) => {
            for warning in config.warnings.iter().chain(&rulebook.catalogue.warnings) {
                complain(&format!("warning: {warning}"));
            }
            let missing = missing_files(&config);
            for (job, path) in &missing {
                complain(&format!(
                    "{}: job `{job}`: `{}` cannot be read, so nothing would be scraped",
                    file.display(),
                    path.display()
                ));
            }
            if !missing.is_empty() {
                return false;
            }
            print(&format!(
                "{}: ok, {} jobs, {} rules\n",
                file.display(),
                config.jobs.len(),
                rulebook.manifesto.rules().len()
            ));
            true
        }
        Err(error) => {
            complain(&error.to_string());
            false
        }
    }
}

/// Files of credentials and certificates that are not there, each with its job. At run time each
/// is read anew for each use: here is where a typo shows.
fn missing_files(config: &Config) -> Vec<(String, PathBuf)> {
    let mut missing = Vec::new();
    for job in &config.jobs {
        let of_discovery = job
            .discovery
            .iter()
            .filter_map(|discovery| match discovery {
                DiscoveryConfig::Http(http) => Some(&http.http),
                DiscoveryConfig::Static(_) | DiscoveryConfig::File(_) => None,
            });
        for http in of_discovery.chain([&job.job.http]) {
            let unreadable = http
                .files()
                .into_iter()
                .filter(|path| std::fs::File::open(path).is_err());
            missing.extend(unreadable.map(|path| (job.job.name.clone(), path.to_path_buf())));
        }
    }
    missing
}
