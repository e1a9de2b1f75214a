//! `config check`: whether a configuration can be used, without using it.

use std::path::{Path, PathBuf};

use clap::Subcommand;

use super::{Exit, complain, print};
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
            for warning in &config.warnings {
                complain(&format!("warning: {warning}"));
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
