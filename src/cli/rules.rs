//! `rules list` and `rules explain`.

use std::path::PathBuf;

use clap::Subcommand;

use super::console::{Exit, complain, print, runtime};
use super::once;
use crate::daemon::{self, Loaded};
use crate::manifesto::{Manifesto, Rule};
use crate::rule_id::RuleId;

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
        /// Judge the estate of the configuration once, and count who complies with each rule
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
            false => {
                print(&list(&manifesto, None));
                Exit::Ok
            }
            true => judged(loaded),
        },
        Command::Explain { rule } => match manifesto.rule(rule) {
            Some(rule) => {
                print(&explain(rule));
                Exit::Ok
            }
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
        Ok(snapshot) => {
            print(&list(snapshot.manifesto(), Some(&snapshot.rule_counts())));
            Exit::Ok
        }
        Err(error) => {
            complain(&error);
            Exit::Unmeasured
        }
    }
}

/// One line a rule; with counts where somebody has judged.
pub(super) fn list(manifesto: &Manifesto, counts: Option<&[[usize; 5]]>) -> String {
    let mut out = format!("{:5} {:9} {:8} ", "RULE", "SEVERITY", "SCOPE");
    if counts.is_some() {
        out += &format!(
            "{:>5} {:>5} {:>6} {:>7} {:>5}  ",
            "PASS", "FAIL", "WAIVED", "UNKNOWN", "N/A"
        );
    }
    out += &format!("{:28} {}\n", "EVIDENCE", "TITLE");
    for (place, rule) in manifesto.rules().iter().enumerate() {
        out += &format!(
            "{:5} {:9} {:8} ",
            rule.id,
            rule.severity.as_str(),
            rule.scope.as_str()
        );
        if let Some(counts) = counts {
            let [pass, fail, waived, unknown, not_applicable] = counts[place];
            out += &format!("{pass:>5} {fail:>5} {waived:>6} {unknown:>7} {not_applicable:>5}  ");
        }
        let from = rule
            .effective_from
            .map_or_else(String::new, |day| format!(" (counts from {})", day.0));
        out += &format!(
            "{:28} {}{from}\n",
            rule.checks.kinds().join(","),
            rule.title
        );
    }
    for (rule, reason) in manifesto.disabled() {
        out += &format!("{rule:5} disabled: {reason}\n");
    }
    let reviewed = manifesto
        .last_reviewed()
        .map_or_else(String::new, |day| format!(", last reviewed on {day}"));
    out + &format!(
        "{} rules, version {}{reviewed}\n",
        manifesto.rules().len(),
        manifesto.version()
    )
}

fn explain(rule: &Rule) -> String {
    let from = rule.effective_from.map_or_else(String::new, |day| {
        format!("  counts    from {} on\n", day.0)
    });
    format!(
        "{} {}\n\n  category  {}\n  severity  {} (weight {})\n  scope     {}\n  evidence  {}\n{from}\n\
         What it asks\n{}\n\nHow it is proved\n{}\n\nHow to fix it\n{}\n",
        rule.id,
        rule.title,
        rule.id.category().as_str(),
        rule.severity.as_str(),
        rule.severity.weight(),
        rule.scope.as_str(),
        rule.checks.kinds().join(", "),
        wrap(&rule.asks),
        wrap(&rule.proof),
        wrap(&rule.remediation),
    )
}

/// Columns of explanations.
const COLUMNS: usize = 88;

/// Paragraphs folded to lines, indented by two.
fn wrap(text: &str) -> String {
    let mut lines = vec![String::from(" ")];
    for word in text.split_whitespace() {
        let last = lines.len() - 1;
        if lines[last].len() + 1 + word.len() > COLUMNS {
            lines.push(format!("  {word}"));
        } else {
            lines[last].push(' ');
            lines[last].push_str(word);
        }
    }
    lines.join("\n")
}
