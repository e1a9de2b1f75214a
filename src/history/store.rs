//! The file: found, locked, checked, opened; damaged ones set aside.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags};

use super::error::HistoryError;
use super::migrations::{self, APPLICATION_ID, VERSION};

/// How every SQLite file begins (<https://sqlite.org/fileformat2.html>, 1.3).
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// Where the header holds the version of the schema and the application's id.
const HEADER_BYTES: usize = 100;
const USER_VERSION_AT: usize = 60;
const APPLICATION_ID_AT: usize = 68;

/// How long a reader's lock may keep the writer, or the other way round, waiting.
const BUSY_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(5);

/// Of the write-ahead log, what is kept on disk once it was used.
const JOURNAL_BYTES_MAX: i64 = 16 * 1024 * 1024;

/// The file, open for writing by this process alone.
#[derive(Debug)]
pub(super) struct Store {
    pub(super) connection: Connection,
    pub(super) path: PathBuf,
    /// Held while it lives.
    _lock: File,
}

/// What opening it took.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) store: Store,
    /// Where a damaged file was put.
    pub(super) set_aside: Option<(PathBuf, String)>,
}

/// Opens the file for writing, made anew where there is none. `now` names a damaged one that is set aside.
pub(super) fn open(path: &Path, now: Timestamp) -> Result<Opened, HistoryError> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(folder).map_err(HistoryError::io(folder))?;
    let lock = lock(path)?;
    let mut set_aside = None;
    if !path.try_exists().map_err(HistoryError::io(path))? {
        create(path)?;
    }
    check_header(path)?;
    let connection = match connect(path) {
        Err(HistoryError::Damaged { what, .. }) => {
            let aside = put_aside(path, now)?;
            set_aside = Some((aside, what));
            create(path)?;
            connect(path)?
        }
        other => other?,
    };
    Ok(Opened {
        store: Store {
            connection,
            path: path.to_owned(),
            _lock: lock,
        },
        set_aside,
    })
}

/// Opens the file for reading, beside a process that writes it.
pub(super) fn open_to_read(path: &Path) -> Result<Connection, HistoryError> {
    if !path.try_exists().map_err(HistoryError::io(path))? {
        return Err(HistoryError::Missing(path.to_owned()));
    }
    check_header(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.pragma_update(None, "trusted_schema", false)?;
        connection.pragma_update(None, "query_only", true)?;
        let version = migrations::version(&connection)?;
        Ok((connection, version))
    };
    let (connection, version) = open().map_err(HistoryError::sqlite(path))?;
    check_version(path, version)?;
    if version < VERSION {
        return Err(HistoryError::Content {
            path: path.to_owned(),
            what: format!(
                "written by an older version of this program (schema {version} of {VERSION}): start the exporter once, it brings it up to date"
            ),
        });
    }
    Ok(connection)
}

/// Opens the file for one short change beside the process that records in it.
pub(super) fn open_to_amend(path: &Path) -> Result<Connection, HistoryError> {
    drop(open_to_read(path)?);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "trusted_schema", false)?;
        Ok(connection)
    };
    open().map_err(HistoryError::sqlite(path))
}

/// Keeps other processes out while the file lives. SQLite's own locks would let two take turns.
fn lock(path: &Path) -> Result<File, HistoryError> {
    let beside = beside(path, "lock");
    let mut options = OpenOptions::new();
    let options = options.read(true).write(true).create(true).truncate(false);
    let mut file = options.open(&beside).map_err(HistoryError::io(&beside))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            // Only a help to who reads the message.
            let read = (&file).take(16).read_to_string(&mut pid);
            return Err(HistoryError::Locked {
                path: path.to_owned(),
                pid: read.ok().and_then(|_| pid.trim().parse().ok()),
            });
        }
        Err(TryLockError::Error(error)) => return Err(HistoryError::io(&beside)(error)),
    }
    // A full disk must not keep a lock from being taken.
    let _written = file
        .set_len(0)
        .and_then(|()| writeln!(file, "{}", std::process::id()));
    Ok(file)
}

/// Makes an empty file with the newest schema, whole or not at all.
fn create(path: &Path) -> Result<(), HistoryError> {
    let new = beside(path, "new");
    for leftover in [&new, &beside(&new, "journal")] {
        match fs::remove_file(leftover) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(HistoryError::io(leftover)(error));
            }
            _ => {}
        }
    }
    let make = || {
        let mut connection = Connection::open(&new)?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        migrations::migrate(&mut connection)?;
        connection.close().map_err(|(_, error)| error)
    };
    make().map_err(HistoryError::sqlite(&new))?;
    fs::rename(&new, path).map_err(HistoryError::io(path))?;
    let folder = path.parent().unwrap_or(Path::new("/"));
    let folder_file = File::open(folder).map_err(HistoryError::io(folder))?;
    folder_file.sync_all().map_err(HistoryError::io(folder))
}

/// Refuses what is not ours before anything is written to it.
fn check_header(path: &Path) -> Result<(), HistoryError> {
    let mut header = Vec::with_capacity(HEADER_BYTES);
    let file = File::open(path).map_err(HistoryError::io(path))?;
    file.take(HEADER_BYTES as u64)
        .read_to_end(&mut header)
        .map_err(HistoryError::io(path))?;
    let foreign = |what: &str| {
        Err(HistoryError::Foreign {
            path: path.to_owned(),
            what: what.to_owned(),
        })
    };
    if header.is_empty() {
        return foreign("an empty file");
    }
    if !header.starts_with(MAGIC) || header.len() < HEADER_BYTES {
        return foreign("no SQLite file");
    }
    let number = |at: usize| {
        let bytes = [header[at], header[at + 1], header[at + 2], header[at + 3]];
        i32::from_be_bytes(bytes)
    };
    if number(APPLICATION_ID_AT) != APPLICATION_ID {
        return foreign("a SQLite file of another program");
    }
    check_version(path, i64::from(number(USER_VERSION_AT)))
}

fn check_version(path: &Path, found: i64) -> Result<(), HistoryError> {
    match found > VERSION {
        true => Err(HistoryError::Newer {
            path: path.to_owned(),
            found,
            known: VERSION,
        }),
        false => Ok(()),
    }
}

/// Opens a file that is ours, checks it where a writer did not end well, and brings it up to date.
fn connect(path: &Path) -> Result<Connection, HistoryError> {
    let open = || {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
        // A commit survives the loss of power, not only the death of the process.
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "trusted_schema", false)?;
        connection.pragma_update(None, "cell_size_check", true)?;
        connection.pragma_update(None, "mmap_size", 0)?;
        connection.pragma_update_and_check(
            None,
            "journal_size_limit",
            JOURNAL_BYTES_MAX,
            |_| Ok(()),
        )?;
        Ok(connection)
    };
    let mut connection = open().map_err(HistoryError::sqlite(path))?;
    let version = migrations::version(&connection).map_err(HistoryError::sqlite(path))?;
    check_version(path, version)?;
    migrations::migrate(&mut connection).map_err(HistoryError::sqlite(path))?;
    if ended_unwell(&connection).map_err(HistoryError::sqlite(path))? {
        check(&connection, path, "quick_check")?;
    }
    Ok(connection)
}

/// Whether the last writer did not say that it stopped.
fn ended_unwell(connection: &Connection) -> rusqlite::Result<bool> {
    let running = "SELECT EXISTS (SELECT 1 FROM coverage WHERE ended = 'running')";
    connection.query_row(running, (), |row| row.get(0))
}

/// Lets SQLite look for damage. `pragma`: `quick_check` or `integrity_check`.
pub(super) fn check(
    connection: &Connection,
    path: &Path,
    pragma: &str,
) -> Result<(), HistoryError> {
    let found = || {
        let mut found = Vec::new();
        connection.pragma_query(None, pragma, |row| {
            found.push(row.get::<_, String>(0)?);
            Ok(())
        })?;
        Ok(found)
    };
    let found = found().map_err(HistoryError::sqlite(path))?;
    match found.as_slice() {
        [only] if only == "ok" => Ok(()),
        found => Err(HistoryError::Damaged {
            path: path.to_owned(),
            what: found.first().cloned().unwrap_or_default(),
        }),
    }
}

/// Renames a damaged file, with its write-ahead log, so that a person may still look at it.
fn put_aside(path: &Path, now: Timestamp) -> Result<PathBuf, HistoryError> {
    let stamp = now.strftime("%Y%m%dT%H%M%SZ").to_string();
    let aside = beside(path, &format!("damaged-{stamp}"));
    for (from, to) in [
        (path.to_owned(), aside.clone()),
        (with_suffix(path, "-wal"), with_suffix(&aside, "-wal")),
    ] {
        match fs::rename(&from, &to) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(HistoryError::io(&from)(error));
            }
            _ => {}
        }
    }
    match fs::remove_file(with_suffix(path, "-shm")) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(HistoryError::io(path)(error))
        }
        _ => Ok(aside),
    }
}

/// `history.sqlite` and `lock`: `history.sqlite.lock`.
pub(super) fn beside(path: &Path, extension: &str) -> PathBuf {
    with_suffix(path, &format!(".{extension}"))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
