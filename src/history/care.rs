//! Looking after a history: checked, copied, cut.

use std::fs::{self, File};
use std::path::Path;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior};

use super::error::HistoryError;
use super::paths::{self, beside};
use super::store;
use crate::document::digest::sha256;

/// Looks for everything that may be wrong with a history: a sentence each, none where it is sound.
pub fn verify(path: &Path) -> Result<Vec<String>, HistoryError> {
    let connection = store::open_to_read(path)?;
    let mut problems = Vec::new();
    match store::check(&connection, path, "integrity_check") {
        Err(HistoryError::Damaged { what, .. }) => return Ok(vec![what]),
        other => other?,
    }
    let questions = [
        (
            "rows refer to what is not there",
            "SELECT count(*) FROM pragma_foreign_key_check",
        ),
        (
            "verdicts have a status that means nothing",
            "SELECT count(*) FROM verdict WHERE status NOT BETWEEN 0 AND 5 OR counted NOT BETWEEN 0 AND 5",
        ),
        (
            "intervals of coverage end before they begin",
            "SELECT count(*) FROM coverage WHERE until < began",
        ),
        (
            "intervals of coverage are said to go on before the last",
            "SELECT count(*) FROM coverage WHERE ended = 'running' AND id < (SELECT max(id) FROM coverage)",
        ),
        (
            "records are not JSON",
            "SELECT (SELECT count(*) FROM record WHERE NOT json_valid(body)) + (SELECT count(*) FROM ruleset WHERE NOT json_valid(body))",
        ),
    ];
    for (problem, question) in questions {
        let count: i64 = connection
            .query_row(question, (), |row| row.get(0))
            .map_err(HistoryError::sqlite(path))?;
        if count > 0 {
            problems.push(format!("{count} {problem}"));
        }
    }
    let frozen = || {
        let mut select = connection.prepare("SELECT name, digest, report FROM frozen")?;
        let rows = select.query_map((), |row| {
            Ok((
                row.get::<_, String>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, String>(2)?,
            ))
        })?;
        rows.collect::<rusqlite::Result<Vec<_>>>()
    };
    for (name, digest, report) in frozen().map_err(HistoryError::sqlite(path))? {
        if sha256(&report) != digest {
            problems.push(format!(
                "the frozen report of {name} does not match its digest"
            ));
        }
    }
    Ok(problems)
}

/// Copies a history, while it is written too, into a file that is not there yet; returns its bytes.
pub fn backup(path: &Path, to: &Path) -> Result<u64, HistoryError> {
    if to.try_exists().map_err(HistoryError::io(to))? {
        let exists = std::io::Error::new(std::io::ErrorKind::AlreadyExists, "it exists already");
        return Err(HistoryError::io(to)(exists));
    }
    let connection = store::open_to_read(path)?;
    // Whole or not at all. An absolute name is no URI.
    let to = &std::path::absolute(to).map_err(HistoryError::io(to))?;
    let unfinished = beside(to, &format!("unfinished-{}", std::process::id()));
    let copied = copy(&connection, &unfinished, to);
    if copied.is_err() {
        // What is left of it is of no use; that it cannot be removed is no news.
        drop(fs::remove_file(&unfinished));
    }
    copied
}

fn copy(connection: &Connection, unfinished: &Path, to: &Path) -> Result<u64, HistoryError> {
    let folder = to.parent().unwrap_or(to);
    fs::metadata(folder).map_err(HistoryError::io(folder))?;
    let Some(name) = unfinished.to_str() else {
        let message = "its name is not UTF-8";
        let error = std::io::Error::new(std::io::ErrorKind::InvalidInput, message);
        return Err(HistoryError::io(to)(error));
    };
    let copy = || {
        connection.pragma_update(None, "query_only", false)?;
        connection.execute("VACUUM INTO ?1", (name,))
    };
    copy().map_err(HistoryError::sqlite(to))?;
    let file = File::open(unfinished).map_err(HistoryError::io(unfinished))?;
    file.sync_all().map_err(HistoryError::io(unfinished))?;
    fs::rename(unfinished, to).map_err(HistoryError::io(to))?;
    let opened = File::open(folder).map_err(HistoryError::io(folder))?;
    opened.sync_all().map_err(HistoryError::io(folder))?;
    let bytes = file.metadata().map_err(HistoryError::io(to))?;
    Ok(bytes.len())
}

/// Forgets what lies before a moment, in a history that nobody else writes; returns how many rows that were.
pub fn prune(path: &Path, before: Timestamp, now: Timestamp) -> Result<usize, HistoryError> {
    let path = &paths::resolved(path)?;
    let _lock = store::lock(path)?;
    // What is damaged is told, and left to the exporter.
    let (mut connection, _) = store::open(path, now)?;
    let rows = cut(&mut connection, before).map_err(HistoryError::sqlite(path))?;
    let vacuumed = connection.execute_batch("VACUUM");
    vacuumed.map_err(HistoryError::sqlite(path))?;
    Ok(rows)
}

/// Deletes what lies before a moment. Of each state the last change before it stays, so that what holds from
/// then on is known.
pub(super) fn cut(connection: &mut Connection, before: Timestamp) -> rusqlite::Result<usize> {
    // What is deleted here is referred to by nothing: to let SQLite look for that costs a scan for each row.
    connection.pragma_update(None, "foreign_keys", false)?;
    let rows = cut_unchecked(connection, before);
    connection.pragma_update(None, "foreign_keys", true)?;
    rows
}

fn cut_unchecked(connection: &mut Connection, before: Timestamp) -> rusqlite::Result<usize> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let first = "SELECT min(seq) FROM moment WHERE at >= ?1";
    let first: Option<i64> = transaction
        .query_row(first, (before.as_millisecond(),), |row| row.get(0))
        .optional()?
        .flatten();
    let Some(seq) = first else {
        // Everything lies before: the last states are all that there is.
        return Ok(0);
    };
    let ended = "DELETE FROM coverage WHERE ended <> 'running' AND until <= ?1";
    let mut rows = transaction.execute(ended, (before.as_millisecond(),))?;
    // What is forgotten was not measured, as far as anybody can tell.
    let begins = "UPDATE coverage SET began = ?1 WHERE began < ?1 AND until > ?1";
    transaction.execute(begins, (before.as_millisecond(),))?;
    let sampled = "DELETE FROM key_result_sample WHERE at < ?1";
    rows += transaction.execute(sampled, (before.as_millisecond(),))?;
    // Services that left before, with all that is known of them.
    transaction
        .execute_batch("CREATE TEMP TABLE IF NOT EXISTS gone (service INTEGER PRIMARY KEY)")?;
    transaction.execute(
        "INSERT INTO gone SELECT service FROM ownership o WHERE seq < ?1 AND NOT is_present \
         AND NOT EXISTS (SELECT 1 FROM ownership later WHERE later.service = o.service AND later.seq > o.seq)",
        (seq,),
    )?;
    for delete in [
        "DELETE FROM verdict WHERE service IN (SELECT service FROM gone)",
        "DELETE FROM ownership WHERE service IN (SELECT service FROM gone)",
        "DELETE FROM service WHERE id IN (SELECT service FROM gone)",
    ] {
        rows += transaction.execute(delete, ())?;
    }
    transaction.execute("DELETE FROM gone", ())?;
    for delete in [
        "DELETE FROM verdict WHERE seq < ?1 AND EXISTS (SELECT 1 FROM verdict later \
         WHERE later.service = verdict.service AND later.rule = verdict.rule \
         AND later.seq > verdict.seq AND later.seq < ?1)",
        "DELETE FROM ownership WHERE seq < ?1 AND EXISTS (SELECT 1 FROM ownership later \
         WHERE later.service = ownership.service AND later.seq > ownership.seq AND later.seq < ?1)",
        "DELETE FROM ruleset WHERE seq < ?1 AND EXISTS (SELECT 1 FROM ruleset later \
         WHERE later.seq > ruleset.seq AND later.seq < ?1)",
        "DELETE FROM record_seen WHERE seq_to < ?1",
        "DELETE FROM record WHERE id NOT IN (SELECT record FROM record_seen) \
         AND id NOT IN (SELECT waiver FROM verdict WHERE waiver IS NOT NULL) AND ?1 > 0",
        "DELETE FROM detail WHERE id NOT IN (SELECT detail FROM verdict) AND ?1 > 0",
        "DELETE FROM moment WHERE seq < ?1 AND seq NOT IN (SELECT seq FROM verdict) \
         AND seq NOT IN (SELECT seq FROM ownership) AND seq NOT IN (SELECT seq FROM ruleset) \
         AND seq NOT IN (SELECT seq FROM coverage) AND seq NOT IN (SELECT seq FROM record_seen) \
         AND seq NOT IN (SELECT seq_to FROM record_seen WHERE seq_to IS NOT NULL)",
    ] {
        rows += transaction.execute(delete, (seq,))?;
    }
    transaction.commit()?;
    Ok(rows)
}
