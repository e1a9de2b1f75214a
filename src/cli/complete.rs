//! `completions` and `man`: generated from the command line's own definition.

use std::path::PathBuf;

use clap::CommandFactory;
use clap_complete::Shell;

use super::console::{Exit, complain, deliver};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Whose completions
    #[arg(value_enum)]
    shell: Shell,
}

pub(super) fn completions<C: CommandFactory>(args: Args) -> Exit {
    let mut out = Vec::new();
    clap_complete::generate(
        args.shell,
        &mut C::command(),
        "manifesto-exporter",
        &mut out,
    );
    deliver(&String::from_utf8_lossy(&out), Exit::Ok)
}

#[derive(Debug, clap::Args)]
pub(super) struct ManArgs {
    /// The command whose page is printed, as in `rules list`; the program's own where none is given
    #[arg(value_name = "COMMAND")]
    command: Vec<String>,

    /// Write every page that these pages name into a folder instead
    #[arg(long, value_name = "FOLDER", conflicts_with = "command")]
    directory: Option<PathBuf>,
}

pub(super) fn man<C: CommandFactory>(args: ManArgs) -> Exit {
    let mut program = C::command();
    // Gives each command its full name, as the pages name it.
    program.build();
    let failed = |error: std::io::Error| {
        complain(&format!("the man page could not be written: {error}"));
        Exit::Usage
    };
    if let Some(folder) = args.directory {
        return match clap_mangen::generate_to(program, folder) {
            Ok(()) => Exit::Ok,
            Err(error) => failed(error),
        };
    }
    let mut command = &program;
    for name in &args.command {
        match command.find_subcommand(name) {
            Some(found) => command = found,
            None => {
                let known = command.get_subcommands().map(clap::Command::get_name);
                let known: Vec<&str> = known.collect();
                complain(&format!(
                    "no command {name:?} has a page; those that have: {}",
                    known.join(", ")
                ));
                return Exit::Usage;
            }
        }
    }
    let mut out = Vec::new();
    match clap_mangen::Man::new(command.clone()).render(&mut out) {
        Ok(()) => deliver(&String::from_utf8_lossy(&out), Exit::Ok),
        Err(error) => failed(error),
    }
}
