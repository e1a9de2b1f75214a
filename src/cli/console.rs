//! What every command does: print, complain, exit.

use std::io::Write as _;
use std::process::ExitCode;

use crate::document::inert::inert;

/// How a command ended, as its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0.
    Ok,
    /// 1: a rule is violated.
    NonCompliant,
    /// 2: the command line or the configuration is wrong.
    Usage,
    /// 3: something could not be measured.
    Unmeasured,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(match exit {
            Exit::Ok => 0,
            Exit::NonCompliant => 1,
            Exit::Usage => 2,
            Exit::Unmeasured => 3,
        })
    }
}

/// Writes what a command was asked for to stdout, and ends with `exit`; with 3 where it could not be written: a report
/// that is lost must not look like a good one. A reader that has gone (`| head`) is no error of ours.
pub(super) fn deliver(data: &str, exit: Exit) -> Exit {
    match print(data) {
        true => exit,
        false => Exit::Unmeasured,
    }
}

/// Writes data to stdout; false, and a message, where it could not be written.
pub(super) fn print(data: &str) -> bool {
    let mut stdout = std::io::stdout().lock();
    let written = stdout
        .write_all(data.as_bytes())
        .and_then(|()| stdout.flush());
    match written {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            complain(&format!("stdout: {error}"));
            false
        }
        Ok(()) | Err(_) => true,
    }
}

/// Writes a message to stderr.
pub(super) fn complain(message: &str) {
    // It may quote what others wrote, and has lines of its own.
    let lines: Vec<String> = message.lines().map(inert).collect();
    // Nobody is left to tell that stderr cannot be written.
    drop(writeln!(
        std::io::stderr().lock(),
        "manifesto-exporter: {}",
        lines.join("\n")
    ));
}

/// A runtime for commands that need one.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Exit> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            complain(&format!("the runtime could not be started: {error}"));
            Exit::Unmeasured
        })
}
