//! What can go wrong with the state directory, told so that a person knows what was kept and what to do next.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// An error of the state directory.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The database was written by a newer Galley.
    #[error(
        "the journal {} has schema version {found}, this Galley knows up to {known}; it was left untouched. \
         Use the newer Galley, or another state directory (GALLEY_STATE_DIR)", path.display()
    )]
    NewerVersion {
        /// The database file.
        path: PathBuf,
        /// Version found in the file.
        found: i64,
        /// Newest version this build can read.
        known: i64,
    },
    /// The database is no database, or its pages contradict each other.
    #[error(
        "the journal {} is damaged ({detail}); nothing was changed or deleted. Keep a copy of the file and of its \
         -wal beside it, then move both aside to start a new journal; `galley doctor` shows the command",
        path.display()
    )]
    Damaged {
        /// The database file.
        path: PathBuf,
        /// What was found to be wrong.
        detail: String,
    },
    /// Another program's database lies where the journal should be.
    #[error("{} is a database, but not one of Galley; it was left untouched. Choose another state directory", path.display())]
    Foreign {
        /// The database file.
        path: PathBuf,
    },
    /// No space (or quota) left; the event was not written.
    #[error("no space left on the disk of {}; the last event was not written. Free some space and resume the task", path.display())]
    DiskFull {
        /// The file that could not grow.
        path: PathBuf,
    },
    /// The file system or the permissions do not let us write.
    #[error("the journal {} cannot be written; check its permissions and that its disk is not read-only", path.display())]
    ReadOnly {
        /// The database file.
        path: PathBuf,
    },
    /// Another process held the write lock for longer than we wait.
    #[error("the journal {} is held by another process for more than {} s; is a Galley process stopped or hung?", path.display(), crate::schema::BUSY_SECONDS)]
    Busy {
        /// The database file.
        path: PathBuf,
    },
    /// The operating system refused to read or write.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// What was tried, as a verb.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// No task of this id.
    #[error("there is no task {task:?} in the journal; `galley task list` shows what is there")]
    UnknownTask {
        /// The id asked for.
        task: String,
    },
    /// A task of this id is there already.
    #[error("a task {task:?} is in the journal already")]
    TaskExists {
        /// The id asked for.
        task: String,
    },
    /// Several tasks begin like this.
    #[error("{prefix:?} fits several tasks: {}; give more of the id", ids.join(", "))]
    AmbiguousTask {
        /// The beginning that was asked for.
        prefix: String,
        /// Ids that fit, at most ten.
        ids: Vec<String>,
    },
    /// A payload that cannot be written as JSON, or a number out of the range of the database.
    #[error("the event {kind:?} cannot be stored: {detail}")]
    Unstorable {
        /// Kind of the event, or name of the table.
        kind: String,
        /// Why.
        detail: String,
    },
    /// Anything else that SQLite says.
    #[error("the journal {} answered: {source}", path.display())]
    Sqlite {
        /// The database file.
        path: PathBuf,
        /// The database's own words.
        source: rusqlite::Error,
    },
}

impl JournalError {
    pub(crate) fn from_sqlite(path: &Path, source: rusqlite::Error) -> JournalError {
        let path = path.to_owned();
        let detail = source.to_string();
        if let rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::Utf8Error(..) = source
        {
            return JournalError::Damaged { path, detail };
        }
        match source.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                JournalError::Damaged { path, detail }
            }
            Some(ErrorCode::DiskFull) => JournalError::DiskFull { path },
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => JournalError::ReadOnly { path },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => JournalError::Busy { path },
            _ => JournalError::Sqlite { path, source },
        }
    }

    pub(crate) fn from_io(doing: &'static str, path: &Path, source: io::Error) -> JournalError {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => JournalError::DiskFull { path },
            io::ErrorKind::ReadOnlyFilesystem => JournalError::ReadOnly { path },
            _ => JournalError::Io { doing, path, source },
        }
    }
}
