//! The database file: finding it, judging whether it may be touched at all, making and migrating its tables.
//!
//! The surprising part is what happens before SQLite sees the file. SQLite takes an empty file for a new database
//! and throws its log away, and opening a file of a newer version may already fold the log into it. So the first
//! hundred bytes are read here, and a file that is not ours to touch is refused first.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::{JournalError, Result};

/// Name of the database inside the state directory.
pub const DATABASE_FILE: &str = "journal.db";
/// Version of the tables that this build writes.
pub const SCHEMA_VERSION: i64 = 1;
/// How long a writer waits for another one, in seconds.
pub(crate) const BUSY_SECONDS: u64 = 15;
/// Folder of the blobs; it is made after the tables, so where it exists the database once did.
pub(crate) const BLOB_FOLDER: &str = "blobs";

const OPEN_LOCK: &str = "journal.lock";
/// "Glly", at byte 68 of the file: tells our databases from others.
const APPLICATION_ID: i32 = 0x476c_6c79;
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// One step a version; step N leads from version N to N+1.
const MIGRATIONS: [&str; SCHEMA_VERSION as usize] = ["
CREATE TABLE tasks(
    id TEXT PRIMARY KEY, workspace TEXT NOT NULL, title TEXT NOT NULL, goal TEXT NOT NULL, state TEXT NOT NULL,
    created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL, digest BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE events(
    seq INTEGER PRIMARY KEY, task TEXT NOT NULL, at_ms INTEGER NOT NULL, kind TEXT NOT NULL,
    payload TEXT NOT NULL, hash BLOB NOT NULL) STRICT;
CREATE INDEX events_of_task ON events(task, seq);
CREATE TABLE costs(
    seq INTEGER PRIMARY KEY, task TEXT NOT NULL, model TEXT NOT NULL, at_ms INTEGER NOT NULL,
    input INTEGER NOT NULL, cached INTEGER NOT NULL, cache_write INTEGER NOT NULL, output INTEGER NOT NULL,
    reasoning INTEGER NOT NULL, usd REAL, hash BLOB NOT NULL) STRICT;
CREATE INDEX costs_of_task ON costs(task);
CREATE INDEX costs_by_time ON costs(at_ms);
CREATE TABLE heads(chain TEXT PRIMARY KEY, seq INTEGER NOT NULL, hash BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE claims(
    task TEXT PRIMARY KEY, pid INTEGER NOT NULL, start_time INTEGER NOT NULL, at_ms INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
"];

/// Opens or makes the database of `state_dir`.
pub(crate) fn open(state_dir: &Path) -> Result<(PathBuf, Connection)> {
    make_private_dir(state_dir)?;
    // SQLite does not wait when two processes switch a new file to WAL at once; this lock makes them take turns.
    let _turn = take_turn(state_dir)?;
    let path = state_dir.join(DATABASE_FILE);
    let fresh = inspect(state_dir, &path)?;
    if fresh {
        make_private_file(&path)?;
    }
    let connection = connect(&path, fresh).map_err(|e| match e {
        Refusal::Sqlite(e) => JournalError::from_sqlite(&path, e),
        Refusal::Ours(e) => e,
    })?;
    make_private_dir(&state_dir.join(BLOB_FOLDER))?;
    Ok((path, connection))
}

/// Renames database and log to the first free `journal.damaged-N.db`.
pub(crate) fn set_aside(state_dir: &Path) -> Result<PathBuf> {
    let _turn = take_turn(state_dir)?;
    let path = state_dir.join(DATABASE_FILE);
    let free = (1u32..).map(|n| state_dir.join(format!("journal.damaged-{n}.db"))).find(|p| !p.exists());
    let aside = free.unwrap_or_else(|| state_dir.join("journal.damaged.db"));
    // The log goes first: a crash in between leaves the main file alone, and never a new database beside an old log.
    for suffix in ["-wal", "-shm", ""] {
        let from = with_suffix(&path, suffix);
        match fs::rename(&from, with_suffix(&aside, suffix)) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            other => other.map_err(|e| JournalError::from_io("move aside", &from, e))?,
        }
    }
    Ok(aside)
}

fn take_turn(state_dir: &Path) -> Result<File> {
    let path = state_dir.join(OPEN_LOCK);
    let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let lock = lock.map_err(|e| JournalError::from_io("open", &path, e))?;
    lock.lock().map_err(|e| JournalError::from_io("lock", &path, e))?;
    Ok(lock)
}

/// Judges the file by its first bytes, without SQLite. True if there is nothing yet.
fn inspect(state_dir: &Path, path: &Path) -> Result<bool> {
    let damaged = |detail: &str| JournalError::Damaged { path: path.to_owned(), detail: detail.to_owned() };
    let mut header = Vec::new();
    match File::open(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            if log_length(path) > 0 {
                return Err(damaged("its log is there, but the file itself is missing"));
            }
            return Ok(true);
        }
        Err(e) => return Err(JournalError::from_io("open", path, e)),
        Ok(file) => {
            file.take(100).read_to_end(&mut header).map_err(|e| JournalError::from_io("read", path, e))?;
        }
    }
    if header.is_empty() {
        // A crash while it was being made leaves an empty file; a truncation too, but then blobs or a log are there.
        if log_length(path) > 0 || state_dir.join(BLOB_FOLDER).exists() {
            return Err(damaged("the file is empty"));
        }
        return Ok(true);
    }
    if header.len() < 100 || !header.starts_with(MAGIC) {
        return Err(damaged("it does not begin like a database"));
    }
    let number = |at: usize| i32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    refuse_others(path, i64::from(number(60)), number(68))?;
    Ok(false)
}

fn refuse_others(path: &Path, version: i64, application: i32) -> Result<()> {
    if application != APPLICATION_ID && application != 0 {
        return Err(JournalError::Foreign { path: path.to_owned() });
    }
    if version > SCHEMA_VERSION {
        return Err(JournalError::NewerVersion {
            path: path.to_owned(),
            found: version,
            known: SCHEMA_VERSION,
        });
    }
    Ok(())
}

fn log_length(path: &Path) -> u64 {
    fs::metadata(with_suffix(path, "-wal")).map_or(0, |m| m.len())
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

enum Refusal {
    Sqlite(rusqlite::Error),
    Ours(JournalError),
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        Refusal::Sqlite(error)
    }
}

fn connect(path: &Path, fresh: bool) -> std::result::Result<Connection, Refusal> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_secs(BUSY_SECONDS))?;
    // Until we know that the version in the log is ours, closing must not fold the log into the file.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let application: i32 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    refuse_others(path, version, application).map_err(Refusal::Ours)?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if application == 0 && tables > 0 {
        return Err(Refusal::Ours(JournalError::Foreign { path: path.to_owned() }));
    }
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    connection.execute_batch(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA journal_size_limit=67108864; \
         PRAGMA temp_store=MEMORY; PRAGMA cell_size_check=ON;",
    )?;
    if version < SCHEMA_VERSION {
        migrate(&mut connection, version)?;
    }
    if fresh {
        // Afterwards the version stands in the file itself, where `inspect` of any later build sees it.
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    }
    connection.set_prepared_statement_cache_capacity(48);
    Ok(connection)
}

fn migrate(connection: &mut Connection, from: i64) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    for step in MIGRATIONS.iter().skip(usize::try_from(from).unwrap_or(0)) {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    transaction.commit()
}

fn make_private_dir(path: &Path) -> Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|e| JournalError::from_io("make the folder", path, e))
}

fn make_private_file(path: &Path) -> Result<()> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop).map_err(|e| JournalError::from_io("make", path, e))
}
