//! `check`: judges one exposition, for a service team's own CI.

use std::path::PathBuf;

use std::time::Duration;

use clap::ValueEnum;

use super::input::{Input, InputError, Measured};
use super::output::{self, Output, Report};
use super::{Exit, complain, print, runtime};
use crate::checks::{Status, Verdict};
use crate::daemon;

/// Examples come first.
const EXAMPLES: &str = "\
Examples:
  manifesto-exporter check http://localhost:8067/metrics --service=shop
  curl -s localhost:8067/metrics | manifesto-exporter check - --service=shop --strict
  manifesto-exporter check metrics.txt --service=shop --output=junit > report.xml";

#[derive(Debug, clap::Args)]
#[command(before_help = EXAMPLES)]
pub(super) struct Args {
    /// A URL, a file, or - for standard input
    #[arg(value_name = "URL|FILE|-")]
    input: String,

    /// The service whose metrics these should be; without it any name passes O-6
    #[arg(long, value_name = "NAME", default_value = "")]
    service: String,

    /// How to show the verdicts
    #[arg(long, value_enum, default_value_t = Output::Table, value_name = "FORMAT")]
    output: Output,

    /// Format of a file or standard input; told from the text where not given
    #[arg(long = "content-type", value_name = "TYPE")]
    content_type: Option<String>,

    /// Fail (exit 3) on what the format forbids and Prometheus tolerates
    #[arg(long)]
    strict: bool,

    /// Deadline of the scrape of a URL
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = parse_timeout)]
    timeout: Duration,

    /// Configuration whose rules, aliases and series overrides count
    #[arg(long = "config.file", value_name = "FILE")]
    config_file: Option<PathBuf>,

    /// When to use colour in tables
    #[arg(long, value_enum, default_value_t = Colour::Auto, value_name = "WHEN")]
    color: Colour,
}

/// `--color`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Colour {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    Always,
    Never,
}

impl Colour {
    fn wanted(self) -> bool {
        use std::io::IsTerminal as _;
        match self {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => {
                std::io::stdout().is_terminal()
                    && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
            }
        }
    }
}

/// The deadline of `--timeout`, at most an hour.
fn parse_timeout(text: &str) -> Result<Duration, String> {
    let timeout = crate::config::duration::parse(text).map_err(|error| error.to_string())?;
    if timeout.is_zero() || timeout > Duration::from_secs(3600) {
        return Err("must be above 0 and at most 1h".to_owned());
    }
    Ok(timeout)
}

pub(super) fn main(args: Args) -> Exit {
    let rulebook = match daemon::load(args.config_file.as_deref()) {
        Ok(loaded) => loaded.rulebook,
        Err(error) => {
            complain(&error.to_string());
            return Exit::Usage;
        }
    };
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(exit) => return exit,
    };
    let measured = Input::parse(&args.input).and_then(|input| {
        let (name, subject) = (input.name(), rulebook.subject(&args.service));
        let measuring = input.measure(subject, args.content_type.as_deref(), args.timeout);
        runtime.block_on(measuring).map(|measured| (name, measured))
    });
    // A name lookup that hangs cannot be cancelled: leave it.
    runtime.shutdown_background();
    let (name, measured) = match measured {
        Ok(measured) => measured,
        Err(error) => {
            complain(&error.to_string());
            return match error {
                InputError::TooLarge { .. } => Exit::Unmeasured,
                _ => Exit::Usage,
            };
        }
    };
    // One scrape has no history: it is judged as it stands.
    let verdicts = rulebook.judge(
        &args.service,
        measured.url.as_ref(),
        measured.down.as_ref(),
        measured.observation.as_ref(),
    );
    let exit = exit(&verdicts, &measured, args.strict);
    let report = Report {
        input: &name,
        service: &args.service,
        strict: args.strict,
        manifesto: &rulebook.manifesto,
        verdicts: &verdicts,
        measured: &measured,
    };
    print(&output::write(args.output, &report, args.color.wanted()));
    exit
}

/// Nothing measured outweighs everything; then a rule that is not kept.
fn exit(verdicts: &[Verdict], measured: &Measured, strict: bool) -> Exit {
    let has = |status| {
        verdicts
            .iter()
            .any(|verdict| verdict.finding.status == status)
    };
    let violations = measured
        .observation
        .as_ref()
        .map_or(0, |o| o.summary.violations);
    if measured.down.is_some() || (strict && violations > 0) {
        Exit::Unmeasured
    } else if has(Status::Fail) {
        Exit::NonCompliant
    } else if has(Status::Unknown) {
        Exit::Unmeasured
    } else {
        Exit::Ok
    }
}
