//! The file: found, locked, checked, opened; damaged ones set aside.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::error::HistoryError;
use super::migrations::{self, APPLICATION_ID, VERSION};
use super::paths::{beside, folder, with_suffix};

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

/// Damaged files that are kept beside the one in use. More would fill a disk that damages each new one.
const SET_ASIDE_MAX: usize = 16;

/// What SQLite keeps beside a file that is not closed: both are part of it.
const LOGS: [&str; 2] = ["-wal", "-journal"];

/// The file, open for writing by this process alone.
#[derive(Debug)]
pub(super) struct Store {
    pub(super) connection: Connection,
    pub(super) path: PathBuf,
    /// Device and inode of the file.
    pub(super) identity: (u64, u64),
    /// Its size when it was opened: it does not become smaller.
    pub(super) bytes: u64,
    /// Held while it lives.
    pub(super) _lock: Lock,
}

impl Store {
    /// Of an open connection.
    pub(super) fn of(
        connection: Connection,
        path: &Path,
        lock: Lock,
    ) -> Result<Self, HistoryError> {
        let file = fs::metadata(path).map_err(HistoryError::io(path))?;
        Ok(Self {
            connection,
            path: path.to_owned(),
            identity: (file.dev(), file.ino()),
            bytes: file.len(),
            _lock: lock,
        })
    }

    /// Whether the file is still the one that was opened: nobody put another in its place, removed or cut it.
    pub(super) fn is_there(&self) -> Result<(), HistoryError> {
        let path = &self.path;
        let what = match fs::metadata(path) {
            Ok(now) if (now.dev(), now.ino()) != self.identity => {
                "another file was put in its place while it was in use"
            }
            // What is left of it is no history.
            Ok(now) if now.len() < self.bytes => {
                return Err(HistoryError::Damaged {
                    path: path.clone(),
                    what: "it was truncated while it was in use".to_owned(),
                });
            }
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                "it was removed while it was in use"
            }
            Err(error) => return Err(HistoryError::io(path)(error)),
        };
        Err(HistoryError::Content {
            path: path.clone(),
            what: what.to_owned(),
        })
    }
}

/// The right to write the file, held while this lives.
#[derive(Debug)]
pub(super) struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // Closed alone, it would be held on by a child that was forked and has not begun its program yet.
        // What cannot be unlocked is unlocked by being closed.
        let _closed = self.0.unlock();
    }
}

/// What a file was that is not in use any more: where it is now, and what was wrong with it.
pub(super) type Aside = (PathBuf, String);

/// Opens the file for writing, made anew where there is none.
pub(super) fn open(
    path: &Path,
    now: Timestamp,
) -> Result<(Connection, Option<Aside>), HistoryError> {
    let mut set_aside = None;
    if !path.try_exists().map_err(HistoryError::io(path))? {
        let what = "its log was there without it".to_owned();
        set_aside = begin_anew(path, now)?.map(|aside| (aside, what));
    }
    check_header(path)?;
    Ok((connect(path)?, set_aside))
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

/// Keeps other processes out. SQLite's own locks would let two take turns.
pub(super) fn lock(path: &Path) -> Result<Lock, HistoryError> {
    let folder = folder(path);
    fs::create_dir_all(folder).map_err(HistoryError::io(folder))?;
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
    Ok(Lock(file))
}

/// Puts an empty file with the newest schema in the place of what is there, whole or not at all. Returns
/// where what was there is now.
///
/// A log that lies there without its file is put aside too: SQLite would take it for the new file's and
/// write its pages into it.
pub(super) fn begin_anew(path: &Path, now: Timestamp) -> Result<Option<PathBuf>, HistoryError> {
    // First what takes room: on a full disk everything stays as it is.
    let new = make(path)?;
    let aside = put_aside(path, now)?;
    fs::rename(&new, path).map_err(HistoryError::io(path))?;
    let folder = folder(path);
    let opened = File::open(folder).map_err(HistoryError::io(folder))?;
    opened.sync_all().map_err(HistoryError::io(folder))?;
    Ok(aside)
}

/// Makes an empty file with the newest schema under another name.
fn make(path: &Path) -> Result<PathBuf, HistoryError> {
    let new = beside(path, "new");
    for leftover in [&new, &with_suffix(&new, "-journal")] {
        remove(leftover)?;
    }
    let make = || {
        let mut connection = Connection::open(&new)?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        migrations::migrate(&mut connection)?;
        connection.close().map_err(|(_, error)| error)
    };
    make().map_err(HistoryError::sqlite(&new))?;
    Ok(new)
}

/// Refuses what is not ours before anything is written to it.
fn check_header(path: &Path) -> Result<(), HistoryError> {
    let mut header = Vec::with_capacity(HEADER_BYTES);
    // A pipe would be waited for.
    let kind = fs::metadata(path).map_err(HistoryError::io(path))?;
    if !kind.is_file() {
        return Err(HistoryError::Foreign {
            path: path.to_owned(),
            what: "not a regular file".to_owned(),
        });
    }
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
    let is_left = has_logs(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || {
        let connection = Connection::open_with_flags(path, flags)?;
        // Not before it was looked through: what is damaged or newer stays as it is.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        let version = migrations::version(&connection)?;
        Ok((connection, version))
    };
    let (mut connection, version) = open().map_err(HistoryError::sqlite(path))?;
    check_version(path, version)?;
    let prepare = |connection: &mut Connection| {
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
        migrations::migrate(connection)?;
        ended_unwell(connection)
    };
    let ended_unwell = prepare(&mut connection).map_err(HistoryError::sqlite(path))?;
    if is_left || ended_unwell {
        check(&connection, path, "quick_check")?;
    }
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)
        .map_err(HistoryError::sqlite(path))?;
    Ok(connection)
}

/// Whether a writer left a log: who stops leaves none.
fn has_logs(path: &Path) -> Result<bool, HistoryError> {
    for log in LOGS {
        match fs::metadata(with_suffix(path, log)) {
            Ok(log) if log.len() > 0 => return Ok(true),
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(HistoryError::io(path)(error));
            }
            _ => {}
        }
    }
    Ok(false)
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

/// Renames what is there, with its logs, so that a person may still look at it; `None` where nothing is.
fn put_aside(path: &Path, now: Timestamp) -> Result<Option<PathBuf>, HistoryError> {
    let mut moved = None;
    for suffix in ["", LOGS[0], LOGS[1]] {
        let from = with_suffix(path, suffix);
        if !from.try_exists().map_err(HistoryError::io(&from))? {
            continue;
        }
        let aside = match &moved {
            Some(aside) => aside,
            None => moved.insert(aside_name(path, now)?),
        };
        fs::rename(&from, with_suffix(aside, suffix)).map_err(HistoryError::io(&from))?;
    }
    remove(&with_suffix(path, "-shm"))?;
    Ok(moved)
}

/// A name for a damaged file that no other has.
fn aside_name(path: &Path, now: Timestamp) -> Result<PathBuf, HistoryError> {
    let stamp = now.strftime("%Y%m%dT%H%M%SZ").to_string();
    let prefix = beside(path, "damaged-");
    let prefix = prefix.file_name().unwrap_or_default().to_owned();
    let folder = folder(path);
    let mut there = HashSet::new();
    for entry in fs::read_dir(folder).map_err(HistoryError::io(folder))? {
        let name = entry.map_err(HistoryError::io(folder))?.file_name();
        let name = name.to_string_lossy();
        let name = LOGS
            .iter()
            .find_map(|log| name.strip_suffix(log))
            .unwrap_or(&name);
        if name.starts_with(&*prefix.to_string_lossy()) {
            there.insert(name.to_owned());
        }
    }
    if there.len() >= SET_ASIDE_MAX {
        return Err(HistoryError::Damaged {
            path: path.to_owned(),
            what: format!(
                "and {} damaged ones were set aside already, as {}*: look at them and at the disk",
                there.len(),
                prefix.display()
            ),
        });
    }
    let numbered = (1..).map(|n| format!("{stamp}-{n}"));
    let names = std::iter::once(stamp.clone()).chain(numbered);
    let mut paths = names.map(|stamp| beside(path, &format!("damaged-{stamp}")));
    let free = paths.find(|path| {
        let name = path.file_name().unwrap_or_default();
        !there.contains(&*name.to_string_lossy())
    });
    Ok(free.unwrap_or_else(|| beside(path, "damaged")))
}

/// Removes a file if it is there.
fn remove(path: &Path) -> Result<(), HistoryError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(HistoryError::io(path)(error)),
        _ => Ok(()),
    }
}
