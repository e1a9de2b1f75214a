//! How `check` shows its verdicts: a file per format, each a pure function of the report.

mod format;
mod github;
mod json;
mod junit;
mod markdown;
pub(super) mod report;
mod sarif;
mod table;

pub(super) use self::format::Format;
