//! `rules list` and `rules explain`.

use std::path::PathBuf;

use clap::Subcommand;

use super::{Exit, complain, print};
use crate::daemon;
use crate::manifesto::{Manifesto, Rule, RuleId};

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
    List,
    /// Explain what a rule asks, how it is proved and how to mend it
    Explain {
        /// The rule, as in O-8
        rule: RuleId,
    },
}

pub(super) fn main(args: Args) -> Exit {
    let manifesto = match daemon::load(args.config_file.as_deref()) {
        Ok(loaded) => loaded.rulebook.manifesto,
        Err(error) => {
            complain(&error.to_string());
            return Exit::Usage;
        }
    };
    match args.command {
        Command::List => {
            print(&list(&manifesto));
            Exit::Ok
        }
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

fn list(manifesto: &Manifesto) -> String {
    let mut out = format!(
        "{:5} {:9} {:8} {:21} {}\n",
        "RULE", "SEVERITY", "SCOPE", "CHECKS", "TITLE"
    );
    for rule in manifesto.rules() {
        let checks: Vec<&str> = rule.checks.iter().map(|check| check.as_str()).collect();
        out += &format!(
            "{:5} {:9} {:8} {:21} {}\n",
            rule.id,
            rule.severity.as_str(),
            rule.scope.as_str(),
            checks.join(","),
            rule.title
        );
    }
    out
}

fn explain(rule: &Rule) -> String {
    let checks: Vec<&str> = rule.checks.iter().map(|check| check.as_str()).collect();
    format!(
        "{} {}\n\n  category  {}\n  severity  {} (weight {})\n  scope     {}\n  checks    {}\n\n\
         What it asks\n{}\n\nHow it is proved\n{}\n\nHow to mend it\n{}\n",
        rule.id,
        rule.title,
        rule.id.category().as_str(),
        rule.severity.as_str(),
        rule.severity.weight(),
        rule.scope.as_str(),
        checks.join(", "),
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
