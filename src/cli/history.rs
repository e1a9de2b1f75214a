//! `history`: what changed, and looking after the file.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::console::{Exit, complain, deliver};
use super::kept::Kept;
use crate::calendar::{FiscalCalendar, Span};
use crate::document::duration;
use crate::document::inert::inert;
use crate::history::{self, HistoryError, Reader, Transition};
use crate::rule_id::RuleId;

/// Rows that are shown.
const ROWS_MAX: usize = 10_000;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,

    /// Configuration file that says where history is kept
    #[arg(long = "config.file", value_name = "FILE", global = true)]
    config_file: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For a terminal
    Table,
    /// For programs
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show what changed for a service, a team or a rule
    Show {
        /// Only this service
        #[arg(long)]
        service: Option<String>,
        /// Only this environment
        #[arg(long)]
        environment: Option<String>,
        /// Only services that this team owned at the time
        #[arg(long)]
        team: Option<String>,
        /// Only this rule
        #[arg(long)]
        rule: Option<RuleId>,
        /// Start: a duration ago (7d) or a day
        #[arg(long, default_value = "7d")]
        since: String,
        /// End: a day, included; by default now
        #[arg(long)]
        #[arg(value_name = "DAY", value_parser = parse_day)]
        until: Option<Date>,
        /// How it is written
        #[arg(long, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
        output: Format,
    },
    /// Look for damage: exit 1 where there is any
    Verify,
    /// Copy the history into a new file, while it is written
    Backup {
        /// The new file
        file: PathBuf,
    },
    /// Forget what lies before a day, as far as its quarters are frozen; the exporter must not run
    Prune {
        /// The first day that stays
        #[arg(long, value_name = "DAY", value_parser = parse_day)]
        before: Date,
    },
}

pub(super) fn main(args: Args) -> Exit {
    let kept = match Kept::find(args.config_file.as_deref()) {
        Ok(kept) => kept,
        Err(message) => {
            complain(&message);
            return Exit::Usage;
        }
    };
    let done = match &args.command {
        Command::Show { .. } => show(&args.command, &kept),
        Command::Verify => verify(&kept),
        Command::Backup { file } => history::backup(&kept.file, file)
            .map(|bytes| {
                let text = format!("{} ({bytes} bytes)\n", file.display());
                deliver(&text, Exit::Ok)
            })
            .map_err(|error| error.to_string()),
        Command::Prune { before } => prune(&kept, *before),
    };
    done.unwrap_or_else(|message| {
        complain(&message);
        Exit::Usage
    })
}

fn show(command: &Command, kept: &Kept) -> Result<Exit, String> {
    let Command::Show {
        service,
        environment,
        team,
        rule,
        since,
        until,
        output,
    } = command
    else {
        return Ok(Exit::Usage);
    };
    let now = Timestamp::now();
    let span = Span {
        from: since_when(since, &kept.calendar, now)?,
        to: match until {
            Some(day) => kept.calendar.span(*day, *day).to,
            None => now,
        },
    };
    if span.from >= span.to {
        return Err(format!(
            "--since {:.0} is not before --until {:.0}",
            span.from, span.to
        ));
    }
    let failed = |error: HistoryError| error.to_string();
    let reader = Reader::open(&kept.file).map_err(failed)?;
    let wanted = history::Wanted {
        service: service.as_deref(),
        environment: environment.as_deref(),
        team: team.as_deref(),
        rule: *rule,
    };
    let mut found = reader.transitions(span, &wanted).map_err(failed)?;
    if found.is_empty()
        && let Some(unknown) = reader.unknown(&wanted).map_err(failed)?
    {
        return Err(unknown);
    }
    let left = found.len().saturating_sub(ROWS_MAX);
    found.drain(..left);
    if left > 0 {
        complain(&format!(
            "{left} earlier changes are not shown: narrow the span"
        ));
    }
    let text = match output {
        Format::Json => as_json(&found),
        Format::Table => as_table(&found),
    };
    Ok(deliver(&text, Exit::Ok))
}

/// So long ago, or a day.
fn since_when(text: &str, calendar: &FiscalCalendar, now: Timestamp) -> Result<Timestamp, String> {
    if let Ok(length) = duration::parse(text) {
        let length = SignedDuration::try_from(length).unwrap_or(SignedDuration::MAX);
        return Ok(now.saturating_sub(length).unwrap_or(Timestamp::MIN));
    }
    let day: Date = text.parse().map_err(|_| {
        format!("--since: `{text}` is neither a length of time, such as `7d`, nor a day, such as `2026-11-20`")
    })?;
    Ok(calendar.span(day, day).from)
}

fn parse_day(text: &str) -> Result<Date, String> {
    let day = text.parse();
    day.map_err(|_| "it is not a day, such as `2026-11-20`".to_owned())
}

fn as_json(found: &[Transition]) -> String {
    let rows = found.iter().map(|one| {
        json!({
            "at": one.at.to_string(),
            "service": one.key.name,
            "environment": one.key.environment,
            "team": one.team,
            "rule": one.rule.to_string(),
            "from": one.from.map(|status| status.as_str()),
            "to": one.to.map(|status| status.as_str()),
            "reason": &*one.reason,
            "message": one.message,
        })
    });
    let rows: Vec<_> = rows.collect();
    let mut text =
        serde_json::to_string_pretty(&json!({ "transitions": rows })).unwrap_or_default();
    text.push('\n');
    text
}

fn as_table(found: &[Transition]) -> String {
    if found.is_empty() {
        return "nothing changed\n".to_owned();
    }
    let words = |status: Option<crate::snapshot::RuleStatus>| {
        status.map_or("not judged", |status| status.in_words())
    };
    let mut text = String::new();
    for one in found {
        let who = match one.key.name.as_str() {
            "" => "the estate".to_owned(),
            _ => inert(&one.key.to_string()),
        };
        let _written = writeln!(
            text,
            "{:.0}  {who}  {}  {} -> {}  {}",
            one.at,
            one.rule,
            words(one.from),
            words(one.to),
            inert(&one.message)
        );
    }
    text
}

fn verify(kept: &Kept) -> Result<Exit, String> {
    let problems = history::verify(&kept.file).map_err(|error| error.to_string())?;
    let file = kept.file.display();
    if problems.is_empty() {
        return Ok(deliver(&format!("{file}: sound\n"), Exit::Ok));
    }
    let listed: Vec<String> = problems
        .iter()
        .map(|problem| format!("{file}: {problem}\n"))
        .collect();
    Ok(deliver(&listed.concat(), Exit::NonCompliant))
}

fn prune(kept: &Kept, before: Date) -> Result<Exit, String> {
    let failed = |error: HistoryError| error.to_string();
    let wanted = kept.calendar.span(before, before).from;
    let reader = Reader::open(&kept.file).map_err(failed)?;
    let now = Timestamp::now();
    let until = crate::report::prunable(&reader, &kept.calendar, wanted, now).map_err(failed)?;
    drop(reader);
    if until < wanted {
        complain(&format!(
            "only what lies before {until:.0} is forgotten: later quarters are not frozen, or compared with by one that is not"
        ));
    }
    let rows = history::prune(&kept.file, until, now).map_err(failed)?;
    Ok(deliver(&format!("{rows} rows forgotten\n"), Exit::Ok))
}
