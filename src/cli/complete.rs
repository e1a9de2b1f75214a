//! `completions` and `man`: generated from the command line's own definition.

use clap::CommandFactory;
use clap_complete::Shell;

use super::console::{Exit, complain, print};

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
    print(&String::from_utf8_lossy(&out));
    Exit::Ok
}

pub(super) fn man<C: CommandFactory>() -> Exit {
    let mut out = Vec::new();
    match clap_mangen::Man::new(C::command()).render(&mut out) {
        Ok(()) => {
            print(&String::from_utf8_lossy(&out));
            Exit::Ok
        }
        Err(error) => {
            complain(&format!("the man page could not be written: {error}"));
            Exit::Usage
        }
    }
}
