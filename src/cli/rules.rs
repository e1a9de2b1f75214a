//! `rules list` and `rules explain`.

use std::path::PathBuf;

use clap::Subcommand;

use super::console::{Exit, complain, deliver, runtime};
use super::once;
use super::wrap::wrap;
use crate::daemon::{self, Loaded};
use crate::manifesto::{Manifesto, Rule};
use crate::rule_id::RuleId;
use crate::snapshot::{RuleStatus, Snapshot};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,

    /// Configuration whose changes of the rules count
    #[arg(long = "config.file", value_name = "FILE", global = true)]
    config_file: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the rules that are judged
    List {
        /// Judge the estate of the configuration once: how many comply with each rule, and who violates it
        #[arg(long)]
        judge: bool,
    },
    /// Explain what a rule asks, how it is proved and how to fix it
    Explain {
        /// The rule, as in O-8
        rule: RuleId,
    },
}

pub(super) fn main(args: Args) -> Exit {
    let loaded = match daemon::load(args.config_file.as_deref()) {
        Ok(loaded) => loaded,
        Err(error) => {
            complain(&error.to_string());
            return Exit::Usage;
        }
    };
    let manifesto = loaded.ruleset.manifesto.clone();
    match args.command {
        Command::List { judge } => match judge {
            false => deliver(&list(&manifesto, None), Exit::Ok),
            true => judged(loaded),
        },
        Command::Explain { rule } => match manifesto.rule(rule) {
            Some(rule) => deliver(&explain(rule), Exit::Ok),
            None => {
                let known: Vec<String> = manifesto
                    .rules()
                    .iter()
                    .map(|rule| rule.id.to_string())
                    .collect();
                complain(&format!(
                    "rule {rule} is not judged; the rules are {}",
                    known.join(", ")
                ));
                Exit::Usage
            }
        },
    }
}

/// Judges everybody whom discovery finds at once, by one scrape each.
fn judged(loaded: Loaded) -> Exit {
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(exit) => return exit,
    };
    match runtime.block_on(once::judge(loaded)) {
        Ok(snapshot) => deliver(&list(snapshot.manifesto(), Some(&snapshot)), Exit::Ok),
        Err(error) => {
            complain(&error);
            Exit::Unmeasured
        }
    }
}

/// Services that are named for each rule; the rest are counted.
const NAMED_MAX: usize = 10;

/// A rule in few lines; where somebody has judged, with counts and with who violates it.
pub(super) fn list(manifesto: &Manifesto, judged: Option<&Snapshot>) -> String {
    let counts = judged.map(Snapshot::rule_counts);
    let mut out = format!("{:5} {:9} {:8} ", "RULE", "SEVERITY", "SCOPE");
    let mut indent = 24;
    if counts.is_some() {
        out += &format!(
            "{:>4} {:>4} {:>6} {:>7} {:>4}  ",
            "PASS", "FAIL", "WAIVED", "UNKNOWN", "N/A"
        );
        indent += 31;
    }
    out += "TITLE\n";
    for (place, rule) in manifesto.rules().iter().enumerate() {
        out += &format!(
            "{:5} {:9} {:8} ",
            rule.id,
            rule.severity.as_str(),
            rule.scope.as_str()
        );
        if let Some(counts) = &counts {
            let [pass, fail, waived, unknown, not_applicable] = counts[place];
            out += &format!("{pass:>4} {fail:>4} {waived:>6} {unknown:>7} {not_applicable:>4}  ");
        }
        let from = rule
            .effective_from
            .map_or_else(String::new, |day| format!(" (counts from {})", day.0));
        out += &format!("{}\n", wrap(&format!("{}{from}", rule.title), indent));
        let below = match judged {
            None => format!("proved by {}", rule.checks.kinds().join(", ")),
            Some(snapshot) => violators(snapshot, place),
        };
        if !below.is_empty() {
            out += &format!("{:24}{}\n", "", wrap(&below, 24));
        }
    }
    for (rule, reason) in manifesto.disabled() {
        out += &format!("{rule:5} {}\n", wrap(&format!("disabled: {reason}"), 6));
    }
    out += &judged.map(next_steps).unwrap_or_default();
    let reviewed = manifesto
        .last_reviewed()
        .map_or_else(String::new, |day| format!(", last reviewed on {day}"));
    out + &format!(
        "{} rules, version {}{reviewed}\n",
        manifesto.rules().len(),
        manifesto.version()
    )
}

/// What to configure next.
fn next_steps(snapshot: &Snapshot) -> String {
    let steps = snapshot.next_steps().into_iter().map(|step| {
        let rules: Vec<String> = step
            .rules
            .iter()
            .map(|place| snapshot.manifesto().rules()[*place].id.to_string())
            .collect();
        let verdicts = match step.verdicts {
            1 => "1 verdict".to_owned(),
            several => format!("{several} verdicts"),
        };
        let line = format!(
            "not configured: {}; {verdicts} of {}",
            step.setup,
            rules.join(", ")
        );
        format!("{}\n", wrap(&line, 6))
    });
    steps.collect()
}

/// Who violates a rule, waived or not.
fn violators(snapshot: &Snapshot, place: usize) -> String {
    let services = snapshot.services.iter().filter_map(|service| {
        let mut verdicts = service.verdicts.iter();
        let verdict = verdicts.find(|verdict| verdict.rule == place)?;
        match verdict.status {
            RuleStatus::Fail => Some(service.key.to_string()),
            RuleStatus::Waived => Some(format!("{} (waived)", service.key)),
            RuleStatus::Pass | RuleStatus::Unknown | RuleStatus::NotApplicable => None,
        }
    });
    let all: Vec<String> = services.collect();
    if all.is_empty() {
        return String::new();
    }
    let named = all[..all.len().min(NAMED_MAX)].join(", ");
    match all.len().saturating_sub(NAMED_MAX) {
        0 => format!("violated by {named}"),
        more => format!("violated by {named} and {more} more"),
    }
}

fn explain(rule: &Rule) -> String {
    let from = rule.effective_from.map_or_else(String::new, |day| {
        format!("  counts    from {} on\n", day.0)
    });
    format!(
        "{} {}\n\n  category  {}\n  severity  {} (weight {})\n  scope     {}\n  evidence  {}\n{from}\n\
         What it asks\n  {}\n\nHow it is proved\n  {}\n\nHow to fix it\n  {}\n",
        rule.id,
        rule.title,
        rule.id.category().as_str(),
        rule.severity.as_str(),
        rule.severity.weight(),
        rule.scope.as_str(),
        rule.checks.kinds().join(", "),
        wrap(&rule.asks, 2),
        wrap(&rule.proof, 2),
        wrap(&rule.remediation, 2),
    )
}
