//! The interval of coverage that goes on, as it is written.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::Transaction;

use super::timeline::Ended;

/// A moment by the wall clock, and by one that nobody sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The wall clock.
    pub wall: Timestamp,
    /// Since any fixed point in this process.
    pub monotonic: Duration,
}

/// The interval of coverage that goes on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Coverage {
    pub(super) id: i64,
    /// When it began, or anything changed last, by the clock that nobody sets.
    pub(super) news: Duration,
    /// The last snapshot in it.
    pub(super) last: Moment,
}

pub(super) fn begin(
    transaction: &Transaction<'_>,
    seq: i64,
    moment: Moment,
) -> rusqlite::Result<Coverage> {
    let at = moment.wall.as_millisecond();
    transaction.execute(
        "INSERT INTO coverage (seq, began, until, ended) VALUES (?1, ?2, ?2, ?3)",
        (seq, at, Ended::Running.as_str()),
    )?;
    Ok(Coverage {
        id: transaction.last_insert_rowid(),
        news: moment.monotonic,
        last: moment,
    })
}

pub(super) fn cover(
    transaction: &Transaction<'_>,
    coverage: Coverage,
    ended: Ended,
) -> rusqlite::Result<()> {
    let until = coverage.last.wall.as_millisecond();
    transaction.execute(
        "UPDATE coverage SET until = max(until, ?2), ended = ?3 WHERE id = ?1",
        (coverage.id, until, ended.as_str()),
    )?;
    Ok(())
}
