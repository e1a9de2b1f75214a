//! What queries of key results yield, as it is written.

use jiff::Timestamp;
use rusqlite::Transaction;

/// What the query of a key result yielded.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyResultSample {
    /// The quarter's name.
    pub quarter: String,
    /// The team.
    pub team: String,
    /// The objective's id.
    pub objective: String,
    /// The key result's id.
    pub key_result: String,
    /// The day, counted from any day of the calendar's zone.
    pub day: i64,
    /// When.
    pub at: Timestamp,
    /// What.
    pub value: f64,
}

/// Of each day the first value stays, and the last is written anew.
pub(super) fn write_sample(
    transaction: &Transaction<'_>,
    sample: &KeyResultSample,
) -> rusqlite::Result<()> {
    let mut upsert = transaction.prepare_cached(
        "INSERT INTO key_result_sample \
         (quarter, team, objective, key_result, day, first_at, first_value, at, value) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?6, ?7) \
         ON CONFLICT DO UPDATE SET at = excluded.at, value = excluded.value",
    )?;
    upsert.execute(rusqlite::params![
        sample.quarter,
        sample.team,
        sample.objective,
        sample.key_result,
        sample.day,
        sample.at.as_millisecond(),
        sample.value,
    ])?;
    Ok(())
}
