//! `report`: what a quarter came to.

use std::path::PathBuf;

use clap::ValueEnum;
use jiff::Timestamp;

use super::console::{Exit, complain, deliver};
use super::kept::Kept;
use crate::history::{Frozen, HistoryError, Reader, freeze};
use crate::report::output::{self, Table};
use crate::report::{Question, Report, compute, find, frozen};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One page, to look at and to print
    Html,
    /// Short, for a chat post
    Markdown,
    /// A table for spreadsheets, by --table
    Csv,
    /// Everything, as the API answers it
    Json,
}

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The quarter: its name, `current`, `last` (that has ended), or days FROM..TO, both included
    #[arg(long, default_value = "current", value_name = "QUARTER")]
    quarter: String,

    /// Only this team
    #[arg(long)]
    team: Option<String>,

    /// How it is written
    #[arg(long, value_enum, default_value_t = Format::Markdown, value_name = "FORMAT")]
    output: Format,

    /// Which table, with --output=csv; by default `violations`
    #[arg(long, value_enum)]
    table: Option<Table>,

    /// Keep the report of a quarter that is over, so that it never changes again
    #[arg(long, conflicts_with = "team")]
    freeze: bool,

    /// Compute it anew where a frozen one is kept, and say whether they differ
    #[arg(long, conflicts_with = "freeze")]
    recompute: bool,

    /// Configuration file that says where history is kept and how quarters are cut
    #[arg(long = "config.file", value_name = "FILE")]
    config_file: Option<PathBuf>,
}

pub(super) fn main(args: Args) -> Exit {
    let kept = match Kept::find(args.config_file.as_deref()) {
        Ok(kept) => kept,
        Err(message) => {
            complain(&message);
            return Exit::Usage;
        }
    };
    match make(&args, &kept) {
        Ok(report) => write(&args, &report),
        Err(message) => {
            complain(&message);
            Exit::Usage
        }
    }
}

fn make(args: &Args, kept: &Kept) -> Result<Report, String> {
    if args.table.is_some() && args.output != Format::Csv {
        return Err("--table chooses a table of --output=csv: say that too".to_owned());
    }
    let now = Timestamp::now();
    let period = kept.calendar.period(&args.quarter, now);
    let period = period.map_err(|error| format!("--quarter: {error}"))?;
    let failed = |error: HistoryError| error.to_string();
    let reader = Reader::open(&kept.file).map_err(failed)?;
    let question = Question {
        period: &period,
        calendar: &kept.calendar,
        team: args.team.as_deref(),
        now,
    };
    let found = match args.recompute {
        true => compute(&reader, &question),
        false => find(&reader, &question),
    };
    let found = found.map_err(|error| error.to_string())?;
    if let Some(known) = &found.frozen {
        complain(&format!(
            "{}: frozen on {:.0}, SHA-256 {}",
            known.name, known.made_at, known.digest
        ));
        return Ok(found.report);
    }
    let made = found.report;
    if args.recompute {
        match reader.frozen(period.span).map_err(failed)? {
            Some(known) => compare(&made, kept, &known),
            None => complain(&format!("{}: no frozen report is kept", period.name)),
        }
    }
    drop(reader);
    if args.freeze {
        let frozen: Frozen = frozen::closed(&made, &kept.calendar, now)?;
        let frozen = freeze(&kept.file, &frozen).map_err(failed)?;
        complain(&format!(
            "{}: frozen, SHA-256 {}",
            frozen.name, frozen.digest
        ));
    }
    Ok(made)
}

/// Says whether a report is the one that was frozen.
fn compare(made: &Report, kept: &Kept, known: &Frozen) {
    let now = frozen::of(made, &kept.calendar, known.made_at);
    complain(&match now.digest == known.digest {
        true => "the frozen report and this one are the same".to_owned(),
        false => format!(
            "the frozen report has SHA-256 {}, this one {}: what is recorded, or this program, changed since",
            known.digest, now.digest
        ),
    });
}

fn write(args: &Args, report: &Report) -> Exit {
    // What was never measured is no report.
    let exit = match report.period.through {
        Some(_) => Exit::Ok,
        None => Exit::Unmeasured,
    };
    let text = match args.output {
        Format::Html => match output::html(report) {
            Ok(page) => page,
            Err(error) => {
                complain(&format!("the page could not be written: {error}"));
                return Exit::Unmeasured;
            }
        },
        Format::Markdown => output::markdown(report),
        Format::Csv => output::csv(report, args.table.unwrap_or(Table::Violations)),
        Format::Json => output::json(report),
    };
    deliver(&text, exit)
}
