//! What a file of history holds, as text to compare.

use std::path::Path;

use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags};

/// What an older version wrote would be of version 1; the first migration makes it of nothing but this.
const APPLICATION_ID: i32 = 0x4D41_4E46;

/// Every row of a query, as text.
fn rows(connection: &Connection, query: &str) -> Vec<String> {
    let mut select = connection.prepare(query).unwrap();
    let columns = select.column_count();
    let found = select.query_map((), |row| {
        let values = (0..columns).map(|column| row.get::<_, Value>(column));
        Ok(format!(
            "{:?}",
            values.collect::<rusqlite::Result<Vec<_>>>()?
        ))
    });
    found.unwrap().map(Result::unwrap).collect()
}

/// Opens a file as SQLite finds it: with what its logs hold.
fn open(file: &Path) -> Connection {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags).unwrap();
    let check = rows(&connection, "PRAGMA integrity_check");
    assert_eq!(check, ["[Text(\"ok\")]"]);
    let broken = rows(&connection, "PRAGMA foreign_key_check");
    assert!(broken.is_empty(), "{broken:?}");
    connection
}

/// Everything in a file, table by table, its version first; nothing where there is no file.
pub(super) fn everything(file: &Path) -> Vec<String> {
    if !file.exists() {
        return Vec::new();
    }
    let connection = open(file);
    let mut all = rows(&connection, "PRAGMA user_version");
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name";
    let mut select = connection.prepare(tables).unwrap();
    let tables = select.query_map((), |row| row.get::<_, String>(0)).unwrap();
    for table in tables.map(Result::unwrap) {
        let mut rows = rows(&connection, &format!("SELECT * FROM {table}"));
        rows.sort();
        all.push(table);
        all.extend(rows);
    }
    all
}

/// What was judged when, whichever commits hold it: in the order of commits.
pub(super) fn judged(file: &Path) -> Vec<String> {
    let connection = open(file);
    let verdicts = "SELECT m.at, s.name, r.name, v.status, v.counted, n.name, d.message, v.failing_since, \
         v.failing_is_exact, v.carried_since, v.carried_until, w.body FROM verdict v JOIN moment m USING (seq) \
         JOIN service s ON s.id = v.service JOIN rule r ON r.id = v.rule JOIN reason n ON n.id = v.reason \
         JOIN detail d ON d.id = v.detail LEFT JOIN record w ON w.id = v.waiver ORDER BY v.seq, 2, 3";
    let owners = "SELECT m.at, s.name, o.is_present, o.team, o.tier FROM ownership o \
         JOIN moment m USING (seq) JOIN service s ON s.id = o.service ORDER BY o.seq, 2";
    let records = "SELECT a.at, b.at, r.kind, r.body FROM record_seen s JOIN record r ON r.id = s.record \
         JOIN moment a ON a.seq = s.seq LEFT JOIN moment b ON b.seq = s.seq_to ORDER BY s.seq, r.digest";
    let rules = "SELECT m.at, r.body FROM ruleset r JOIN moment m USING (seq) ORDER BY seq";
    let queries = [verdicts, owners, records, rules];
    queries
        .iter()
        .flat_map(|query| rows(&connection, query))
        .collect()
}

/// A file of ours from before the first version: it is to be brought up to date.
pub(super) fn write_unversioned(file: &Path) {
    let connection = Connection::open(file).unwrap();
    connection
        .pragma_update(None, "application_id", APPLICATION_ID)
        .unwrap();
}
