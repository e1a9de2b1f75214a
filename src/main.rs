//! The thin binary: see [`manifesto_exporter::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    manifesto_exporter::cli::main()
}
