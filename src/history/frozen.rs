//! Reports that do not change any more: kept whole, with their digest.

use std::path::Path;

use jiff::Timestamp;
use jiff::civil::Date;
use rusqlite::{OptionalExtension as _, Row};

use super::codes::moment;
use super::error::HistoryError;
use super::read::Reader;
use super::store;
use crate::calendar::Span;
use crate::document::digest::sha256;

/// A report that does not change any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frozen {
    /// The quarter's name.
    pub name: String,
    /// Its first day.
    pub first: Date,
    /// Its last day.
    pub last: Date,
    /// The time zone in which its days begin.
    pub zone: String,
    /// The version of the time zone database that its edges are by.
    pub tzdb: String,
    /// Its edges.
    pub span: Span,
    /// When it was frozen.
    pub made_at: Timestamp,
    /// SHA-256 of the report, hexadecimal.
    pub digest: String,
    /// The report, JSON.
    pub report: String,
}

/// Keeps a report, unless one of its days is kept already: then that one stays, and is returned.
///
/// One short transaction, beside whoever records: SQLite's own locks are enough for that.
pub fn freeze(path: &Path, frozen: &Frozen) -> Result<Frozen, HistoryError> {
    let connection = store::open_to_amend(path)?;
    let insert = "INSERT INTO frozen (name, first, last, zone, tzdb, from_at, to_at, made_at, digest, report) \
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO NOTHING";
    let values = rusqlite::params![
        frozen.name,
        frozen.first.to_string(),
        frozen.last.to_string(),
        frozen.zone,
        frozen.tzdb,
        frozen.span.from.as_millisecond(),
        frozen.span.to.as_millisecond(),
        frozen.made_at.as_millisecond(),
        frozen.digest,
        frozen.report,
    ];
    connection
        .execute(insert, values)
        .map_err(HistoryError::sqlite(path))?;
    drop(connection);
    let kept = Reader::open(path)?.frozen(frozen.span)?;
    kept.ok_or_else(|| HistoryError::Content {
        path: path.to_owned(),
        what: format!("the report of {} was not kept", frozen.name),
    })
}

const COLUMNS: &str = "name, first, last, zone, tzdb, from_at, to_at, made_at, digest, report";

impl Reader {
    /// The frozen report of these days, if there is one; one whose digest is wrong is an error.
    pub fn frozen(&self, span: Span) -> Result<Option<Frozen>, HistoryError> {
        let select = format!("SELECT {COLUMNS} FROM frozen WHERE from_at = ?1 AND to_at = ?2");
        let of = (span.from.as_millisecond(), span.to.as_millisecond());
        let found = self.connection.query_row(&select, of, row).optional();
        let found = found.map_err(self.failed())?;
        match found {
            Some(found) if sha256(&found.report) != found.digest => Err(HistoryError::Content {
                path: self.path.clone(),
                what: format!(
                    "the frozen report of {} does not match its digest",
                    found.name
                ),
            }),
            found => Ok(found),
        }
    }

    /// Every frozen report, the newest quarter first, without what it says.
    pub fn all_frozen(&self) -> Result<Vec<Frozen>, HistoryError> {
        let read = || {
            let columns = COLUMNS.replace(", report", ", ''");
            let select = format!("SELECT {columns} FROM frozen ORDER BY from_at DESC");
            let mut select = self.connection.prepare(&select)?;
            let found = select.query_map((), row)?;
            found.collect::<rusqlite::Result<_>>()
        };
        read().map_err(self.failed())
    }
}

fn row(row: &Row<'_>) -> rusqlite::Result<Frozen> {
    let day = |place: usize| -> rusqlite::Result<Date> {
        let text: String = row.get(place)?;
        // What is no day was never written.
        Ok(text.parse().unwrap_or(Date::ZERO))
    };
    Ok(Frozen {
        name: row.get(0)?,
        first: day(1)?,
        last: day(2)?,
        zone: row.get(3)?,
        tzdb: row.get(4)?,
        span: Span {
            from: moment(row.get(5)?),
            to: moment(row.get(6)?),
        },
        made_at: moment(row.get(7)?),
        digest: row.get(8)?,
        report: row.get(9)?,
    })
}
