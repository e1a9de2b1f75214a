//! Why history could not be read or written.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// Why history could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// Nobody says where it should be kept.
    #[error(
        "no state directory: neither STATE_DIRECTORY, XDG_STATE_HOME nor HOME is set\n\
         hint: say where with `history: {{path: FILE}}`, or `history: off`"
    )]
    NoFolder,
    /// Another process writes it.
    #[error("{}: another manifesto-exporter{} keeps its history there", path.display(), of(pid))]
    Locked {
        /// The file.
        path: PathBuf,
        /// The other process, by its own word.
        pid: Option<u32>,
    },
    /// There is no history yet.
    #[error("{}: there is no history there", .0.display())]
    Missing(PathBuf),
    /// It is something else, or nothing.
    #[error("{}: {what}, not a history of this program: it is left untouched", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What it is.
        what: String,
    },
    /// A newer version of this program wrote it.
    #[error(
        "{}: written by a newer version of this program (schema {found}, this one knows up to {known}): it is left untouched",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest one that is known.
        known: i64,
    },
    /// It is damaged.
    #[error("{}: damaged: {what}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// The system refuses.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// SQLite refuses.
    #[error("{}: {error}", path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// Why.
        error: rusqlite::Error,
    },
    /// This program failed: a defect of ours.
    #[error("history: {0}")]
    Defect(String),
    /// What is stored cannot be understood.
    #[error("{}: {what}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What.
        what: String,
    },
}

fn of(pid: &Option<u32>) -> String {
    pid.map_or_else(String::new, |pid| format!(" (process {pid})"))
}

/// Whether only a damaged file can be the cause. Tables are strict and every value in them was written by
/// this program: one that it cannot read was changed by something else.
fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::Error;
    match error {
        Error::FromSqlConversionFailure(..)
        | Error::IntegralValueOutOfRange(..)
        | Error::InvalidColumnType(..)
        | Error::Utf8Error(..) => true,
        other => matches!(
            other.sqlite_error_code(),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
        ),
    }
}

/// Why history fails: a bounded set, fit for a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[derive(strum::IntoStaticStr, strum::VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum HistoryFailure {
    /// Another process holds it.
    Locked,
    /// The disk is full.
    Full,
    /// It may not be written.
    ReadOnly,
    /// The disk fails.
    Io,
    /// It is damaged.
    Damaged,
    /// It is not ours, or of a newer version.
    Foreign,
    /// Anything else.
    Other,
}

impl HistoryFailure {
    /// As in labels.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl HistoryError {
    pub(super) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |error| Self::Io { path, error }
    }

    pub(super) fn sqlite(path: &Path) -> impl FnOnce(rusqlite::Error) -> Self {
        let path = path.to_owned();
        move |error| match is_damage(&error) {
            true => Self::Damaged {
                path,
                what: error.to_string(),
            },
            false => Self::Sqlite { path, error },
        }
    }

    /// What kind of failure it is.
    pub fn failure(&self) -> HistoryFailure {
        match self {
            Self::Locked { .. } => HistoryFailure::Locked,
            Self::Foreign { .. } | Self::Newer { .. } => HistoryFailure::Foreign,
            Self::Damaged { .. } => HistoryFailure::Damaged,
            Self::NoFolder | Self::Missing(_) | Self::Defect(_) | Self::Content { .. } => {
                HistoryFailure::Other
            }
            Self::Io { error, .. } => match error.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => HistoryFailure::Full,
                io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
                    HistoryFailure::ReadOnly
                }
                _ => HistoryFailure::Io,
            },
            Self::Sqlite { error, .. } => match error.sqlite_error_code() {
                Some(ErrorCode::DiskFull) => HistoryFailure::Full,
                Some(
                    ErrorCode::ReadOnly
                    | ErrorCode::CannotOpen
                    | ErrorCode::PermissionDenied
                    | ErrorCode::AuthorizationForStatementDenied,
                ) => HistoryFailure::ReadOnly,
                Some(ErrorCode::SystemIoFailure | ErrorCode::NoLargeFileSupport) => {
                    HistoryFailure::Io
                }
                Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => HistoryFailure::Locked,
                _ => HistoryFailure::Other,
            },
        }
    }
}
