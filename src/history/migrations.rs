//! The schema, version by version. A file is brought to the newest one transaction at a time: a process
//! that is killed leaves one version or the next.

use rusqlite::Connection;

/// `MANF`: tells our files from others.
pub(super) const APPLICATION_ID: i32 = 0x4D41_4E46;

/// Each leads from its place to the next version.
const MIGRATIONS: &[&str] = &[include_str!("schema/0001.sql")];

/// The newest version.
pub(super) const VERSION: i64 = MIGRATIONS.len() as i64;

/// The version of a file.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", (), |row| row.get(0))
}

/// Brings a file to the newest version.
pub(super) fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    run(connection, MIGRATIONS)
}

fn run(connection: &mut Connection, migrations: &[&str]) -> rusqlite::Result<()> {
    let done = version(connection)?;
    let from = usize::try_from(done).unwrap_or(migrations.len());
    for (place, sql) in migrations.iter().enumerate().skip(from) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(sql)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", place as i64 + 1)?;
        transaction.commit()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_migration_that_fails_leaves_the_version_before() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection).unwrap();
        let next = "ALTER TABLE service ADD COLUMN note TEXT; SELECT nothing FROM nowhere;";
        let broken = [MIGRATIONS, &[next]].concat();
        assert!(run(&mut connection, &broken).is_err());
        assert_eq!(version(&connection).unwrap(), VERSION);
        assert!(connection.prepare("SELECT note FROM service").is_err());
        let good = [MIGRATIONS, &["ALTER TABLE service ADD COLUMN note TEXT"]].concat();
        run(&mut connection, &good).unwrap();
        assert_eq!(version(&connection).unwrap(), VERSION + 1);
        run(&mut connection, &good).unwrap();
    }
}
