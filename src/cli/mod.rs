//! The command line: a file per command. Data goes to stdout, messages to stderr.

mod baseline;
mod check;
mod complete;
mod config;
mod console;
mod demo;
mod digest;
mod healthcheck;
mod history;
mod input;
mod kept;
mod log_queue;
pub mod logging;
mod once;
mod output;
mod report;
mod rules;
mod run;
mod wrap;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use self::console::Exit;

/// Examples come first: they answer most questions.
const EXAMPLES: &str = "\
Examples:
  manifesto-exporter                              Watch this exporter itself, on port 8067
  manifesto-exporter --config.file=config.yaml    Watch your services
  manifesto-exporter check http://localhost:8067/metrics --service=shop
  curl -s localhost:9090/metrics | manifesto-exporter check - --service=prometheus --output=json
  manifesto-exporter demo --once                  Judge a fleet of small services, good and bad
  manifesto-exporter rules explain O-8

Exit codes: 0 ok, 1 a rule is violated, 2 wrong usage or configuration, 3 could not be measured";

/// Tells which services comply with the reliability manifesto.
#[derive(Debug, Parser)]
#[command(name = "manifesto-exporter", version, before_help = EXAMPLES, max_term_width = 100)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_precedence_over_arg = true
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: run::Args,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Watch services and publish who complies with the manifesto (the default)
    Run(run::Args),
    /// Judge one exposition: a URL, a file, or - for standard input
    Check(check::Args),
    /// Show the rules of the manifesto
    Rules(rules::Args),
    /// Look at configuration files
    Config(config::Args),
    /// Report what a quarter came to: compliance, objectives, what changed
    Report(report::Args),
    /// Tell a team what changed, what is about to end and what to fix next
    Digest(digest::Args),
    /// Show what changed, and look after the history's file
    History(history::Args),
    /// Judge a fleet of small services started on loopback, one for each way to fail
    Demo(demo::Args),
    /// Ask a running exporter whether it is ready (for container health checks)
    Healthcheck(healthcheck::Args),
    /// Print a shell's completions
    Completions(complete::Args),
    /// Print a man page: the program's, or a command's
    Man(complete::ManArgs),
}

/// Parses the command line and runs the command.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let exit = if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Ok
            };
            // A closed pipe leaves nobody to tell.
            drop(error.print());
            return exit.into();
        }
    };
    let exit = match cli.command {
        None => run::main(cli.run),
        Some(Command::Run(args)) => run::main(args),
        Some(Command::Check(args)) => check::main(args),
        Some(Command::Rules(args)) => rules::main(args),
        Some(Command::Config(args)) => config::main(args),
        Some(Command::Report(args)) => report::main(args),
        Some(Command::Digest(args)) => digest::main(args),
        Some(Command::History(args)) => history::main(args),
        Some(Command::Demo(args)) => demo::main(args),
        Some(Command::Healthcheck(args)) => healthcheck::main(args),
        Some(Command::Completions(args)) => complete::completions::<Cli>(args),
        Some(Command::Man(args)) => complete::man::<Cli>(args),
    };
    logging::flush();
    exit.into()
}
