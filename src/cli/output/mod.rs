//! How `check` shows its verdicts: a file per format, each a pure function of the report.

mod github;
mod json;
mod junit;
mod markdown;
mod place;
pub(super) mod report;
mod sarif;
mod table;

use clap::ValueEnum;

use self::report::Report;

/// `--output`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For a terminal.
    Table,
    /// For programs: verdicts and faults.
    Json,
    /// For CI servers that show tests.
    Junit,
    /// For code scanning.
    Sarif,
    /// For a comment on a pull request.
    Markdown,
    /// For GitHub Actions: annotations.
    Github,
}

impl Format {
    /// Renders the report.
    pub(super) fn render(self, report: &Report<'_>, colour: bool) -> String {
        match self {
            Format::Table => table::write(report, colour),
            Format::Json => json::write(report),
            Format::Junit => junit::write(report),
            Format::Sarif => sarif::write(report),
            Format::Markdown => markdown::write(report),
            Format::Github => github::write(report),
        }
    }
}
