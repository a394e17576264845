//! The state directory of Galley: the journal of tasks, the blobs it speaks of, the ledger of what was spent.
//!
//! # Purpose
//! Everything that a task does is written here *before* its effect is visible; the state of a task is the fold
//! of its events. Live view, resume, rollback, audit and cost all read this one stream. Several processes (two
//! editors and a terminal) share one state directory.
//!
//! # Invariants
//! - **Append only, hash-chained.** Every event carries `blake3(previous hash ‖ sequence ‖ task ‖ time ‖ kind ‖
//!   payload)`; so does every entry of the ledger. [`Journal::verify`] recomputes both chains.
//! - **One order.** Sequence numbers come from one counter over all tasks and processes; a writer holds the
//!   write lock of SQLite (`BEGIN IMMEDIATE`) from reading the head of the chain to the commit.
//! - **Prefix.** Whatever is cut off by a crash is a tail: if an event is there, all earlier ones are.
//!
//! # What reaches the disk when (fsync policy)
//! The database is in WAL mode.
//! - [`Journal::append`], [`Journal::append_many`], [`Journal::create_task`], [`Journal::set_state`],
//!   [`Journal::record_cost`] and claims commit with `synchronous=FULL`: the call returns after one `fsync` of the
//!   log, so the event survives the loss of power. This is for whatever guards an effect. One call of
//!   `append_many` costs one `fsync` however many events it carries.
//! - [`Journal::commit`] writes several events, a spend and a state in one transaction, synced or not.
//! - [`Journal::append_progress`] commits with `synchronous=NORMAL`: the event is with the operating system when
//!   the call returns, so it survives `kill -9`, and costs some tens of microseconds. A loss of power may take it;
//!   the next guarded append makes it durable together with itself, since both lie in the same log.
//! - [`Journal::put_blob`] writes a temporary file, syncs it, renames it and syncs the folder.
//!
//! # Never
//! It never deletes or rewrites a damaged database or one of a newer version; it says what is wrong and leaves the
//! file as it found it. It never starts a process, never opens a socket and never touches anything outside the
//! state directory (except reading `/proc` to learn whether the owner of a task still lives).
#![forbid(unsafe_code)]

mod batch;
mod blob;
mod claim;
mod error;
mod event;
mod ledger;
mod schema;
mod task;
mod verify;
mod written;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, Transaction, TransactionBehavior};

pub use batch::Batch;
pub use blob::BlobId;
pub use claim::{Claim, Owner};
pub use error::JournalError;
pub use event::{Entry, NewEntry, Seq};
pub use ledger::{CostRow, Spend, Totals};
pub use schema::{DATABASE_FILE, SCHEMA_VERSION};
pub use task::{NewTask, TaskRow};
pub use verify::{Broken, Verified};
use written::Written;

/// What every call of this crate answers with.
pub type Result<T, E = JournalError> = std::result::Result<T, E>;

/// An open state directory. Clones share one connection; use from any thread, the calls block.
#[derive(Clone)]
pub struct Journal {
    inner: Arc<Inner>,
}

struct Inner {
    state_dir: PathBuf,
    database: PathBuf,
    connection: Mutex<Link>,
    written: Mutex<Written>,
}

/// The connection and the durability it is set to, so that the pragma is sent only when it changes.
struct Link {
    connection: Connection,
    synced: bool,
}

/// Whether a commit waits for the disk. See the policy at the head of the crate.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Durability {
    Synced,
    Progress,
}

impl Journal {
    /// Opens the journal under `state_dir`, making directory and database (readable by the person only) where
    /// they are missing, and migrating an older schema.
    ///
    /// # Errors
    /// [`JournalError::NewerVersion`] and [`JournalError::Damaged`] leave every file as it was.
    pub fn open(state_dir: &Path) -> Result<Journal> {
        let (database, connection) = schema::open(state_dir)?;
        let link = Mutex::new(Link { connection, synced: true });
        Ok(Journal {
            inner: Arc::new(Inner {
                state_dir: state_dir.to_owned(),
                database,
                connection: link,
                written: Mutex::default(),
            }),
        })
    }

    /// Moves the database of `state_dir` (with its log) to a name that says so and returns the new path of the
    /// main file, so that the next [`Journal::open`] starts afresh. The way out of [`JournalError::Damaged`];
    /// only ever done when the person asks for it.
    pub fn set_aside(state_dir: &Path) -> Result<PathBuf> {
        schema::set_aside(state_dir)
    }

    /// The directory this journal lives in.
    pub fn state_dir(&self) -> &Path {
        &self.inner.state_dir
    }

    /// A number that changes whenever *another* connection (of any process) committed something; a cheap poll
    /// for those who watch a task that runs elsewhere.
    pub fn data_version(&self) -> Result<u64> {
        let link = self.lock();
        let version: i64 = link
            .connection
            .query_row("PRAGMA data_version", [], |row| row.get(0))
            .map_err(|e| self.fault(e))?;
        Ok(u64::try_from(version).unwrap_or(0))
    }

    fn lock(&self) -> MutexGuard<'_, Link> {
        // A panic while the lock was held cannot leave a half-made change: SQLite rolls the transaction back.
        self.inner.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Turns an error of SQLite into one that names the file.
    fn fault(&self, error: rusqlite::Error) -> JournalError {
        JournalError::from_sqlite(&self.inner.database, error)
    }

    /// Runs `body` in one write transaction that several processes may contend for.
    fn write<T>(
        &self,
        durability: Durability,
        body: impl FnOnce(&Transaction<'_>) -> Result<T>,
    ) -> Result<T> {
        let mut link = self.lock();
        let synced = durability == Durability::Synced;
        if link.synced != synced {
            let level = if synced { "FULL" } else { "NORMAL" };
            link.connection.pragma_update(None, "synchronous", level).map_err(|e| self.fault(e))?;
            link.synced = synced;
        }
        let transaction = link
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(|e| self.fault(e))?;
        let last = event::head(&transaction, event::EVENTS).map_err(|e| self.fault(e))?.0;
        let done = body(&transaction).and_then(|value| {
            transaction.commit().map_err(|e| self.fault(e))?;
            Ok(value)
        });
        if done.is_err() {
            self.written().cut(last);
        }
        done
    }

    /// Whether this handle, or a clone of it, wrote the event of this number.
    pub fn is_own(&self, seq: Seq) -> bool {
        self.written().has(seq)
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        self.inner.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `body` on one consistent view.
    fn read<T>(&self, body: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        let mut link = self.lock();
        let transaction = link
            .connection
            .transaction_with_behavior(TransactionBehavior::Deferred)
            .map_err(|e| self.fault(e))?;
        body(&transaction)
    }
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal").field("database", &self.inner.database).finish()
    }
}
