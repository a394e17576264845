//! Which process runs a task. A claim whose owner is dead means that the task was interrupted.
//!
//! A process that claims anything holds a lock on `owners/PID-START` until it ends, in whatever way; the system
//! lets go of the lock, so a dead owner is recognised from any process on the machine, also from one that sees
//! other process numbers (a container that shares the state directory). Where that file is missing, `/proc` is
//! asked for a process of this number and this start time.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{OptionalExtension, Transaction, params};
use serde::{Deserialize, Serialize};

use crate::{Durability, Journal, JournalError, Result, TaskRow, task};

/// A process, told from a later one of the same number by the time it was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Owner {
    /// Process number.
    pub pid: u32,
    /// On Linux clock ticks from boot to the start of the process; elsewhere milliseconds since 1970 UTC at which
    /// the process first asked. Only ever compared with itself.
    pub start_time: u64,
}

impl Owner {
    /// This process.
    pub fn current() -> Owner {
        static START: OnceLock<u64> = OnceLock::new();
        let pid = std::process::id();
        let start_time = *START.get_or_init(|| start_time(pid).unwrap_or_else(now_ms));
        Owner { pid, start_time }
    }
}

/// A claim on a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Who claimed it.
    pub owner: Owner,
    /// When, in milliseconds since 1970 UTC.
    pub at_ms: i64,
    /// Whether that process still lives; if not, the task was interrupted.
    pub alive: bool,
}

impl Journal {
    /// Claims `task` for `owner`. False if another living process has it; a claim of a dead one is taken over.
    pub fn claim_task(&self, task: &str, owner: &Owner, at_ms: i64) -> Result<bool> {
        self.hold_lock_of(owner)?;
        self.write(Durability::Synced, |transaction| {
            if !task::exists(transaction, task).map_err(|e| self.fault(e))? {
                return Err(JournalError::UnknownTask { task: task.to_owned() });
            }
            let held = claim_of(transaction, task).map_err(|e| self.fault(e))?;
            if let Some((other, _)) = held
                && other != *owner
                && self.is_alive(&other)
            {
                return Ok(false);
            }
            enter(transaction, task, owner, at_ms).map_err(|e| self.fault(e))?;
            Ok(true)
        })
    }

    /// Gives up the claim of `owner` on `task`; false if it had none.
    pub fn release_task(&self, task: &str, owner: &Owner) -> Result<bool> {
        self.write(Durability::Synced, |transaction| {
            let gone = transaction
                .prepare_cached("DELETE FROM claims WHERE task=?1 AND pid=?2 AND start_time=?3")
                .and_then(|mut s| s.execute(params![task, owner.pid, owner.start_time.cast_signed()]))
                .map_err(|e| self.fault(e))?;
            Ok(gone > 0)
        })
    }

    /// Who has claimed `task`, and whether that process lives.
    pub fn owner(&self, task: &str) -> Result<Option<Claim>> {
        let claim = self.read(|transaction| claim_of(transaction, task).map_err(|e| self.fault(e)))?;
        Ok(claim.map(|(owner, at_ms)| Claim { owner, at_ms, alive: self.is_alive(&owner) }))
    }

    /// The tasks that a process had claimed and died with.
    pub fn interrupted(&self, workspace: Option<&str>) -> Result<Vec<TaskRow>> {
        let mut found = Vec::new();
        for task in self.tasks(workspace)? {
            if self.owner(&task.id)?.is_some_and(|claim| !claim.alive) {
                found.push(task);
            }
        }
        Ok(found)
    }

    fn is_alive(&self, owner: &Owner) -> bool {
        if *owner == Owner::current() {
            return true;
        }
        match OpenOptions::new().write(true).open(self.owner_file(owner)) {
            // Shared, so that two who ask at once do not take each other for the owner.
            Ok(file) => match file.try_lock_shared() {
                Ok(()) => false,
                // An error says nothing; to take a task away from a living process is the worse mistake.
                Err(TryLockError::WouldBlock | TryLockError::Error(_)) => true,
            },
            Err(_) => start_time(owner.pid) == Some(owner.start_time),
        }
    }

    fn owner_file(&self, owner: &Owner) -> PathBuf {
        self.inner.state_dir.join("owners").join(format!("{}-{}", owner.pid, owner.start_time))
    }

    /// As [`Journal::claim_task`] needs it: a claim of this process is backed by its lock.
    pub(crate) fn hold_lock_of(&self, owner: &Owner) -> Result<()> {
        if owner.pid == std::process::id() { self.hold_owner_lock(owner) } else { Ok(()) }
    }

    /// Locks this process's file for as long as the process lives.
    fn hold_owner_lock(&self, owner: &Owner) -> Result<()> {
        static HELD: LazyLock<Mutex<HashMap<PathBuf, File>>> = LazyLock::new(Mutex::default);
        let path = self.owner_file(owner);
        let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
        if held.contains_key(&path) {
            return Ok(());
        }
        let folder = self.inner.state_dir.join("owners");
        fs::create_dir_all(&folder).map_err(|e| JournalError::from_io("make the folder", &folder, e))?;
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(|e| JournalError::from_io("open", &path, e))?;
        file.lock().map_err(|e| JournalError::from_io("lock", &path, e))?;
        clear_old_locks(&folder);
        held.insert(path, file);
        Ok(())
    }
}

pub(crate) fn enter(
    transaction: &Transaction<'_>,
    task: &str,
    owner: &Owner,
    at_ms: i64,
) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("INSERT OR REPLACE INTO claims(task, pid, start_time, at_ms) VALUES(?1, ?2, ?3, ?4)")?
        .execute(params![task, owner.pid, owner.start_time.cast_signed(), at_ms])?;
    Ok(())
}

/// Removes the files of owners dead for long. A young file may belong to a process that is about to lock it.
fn clear_old_locks(folder: &Path) {
    const OLD: Duration = Duration::from_secs(24 * 3600);
    let paths = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    for path in paths {
        let age = fs::metadata(&path).and_then(|m| m.modified()).ok().and_then(|at| at.elapsed().ok());
        if age.is_some_and(|age| age > OLD) && File::open(&path).is_ok_and(|file| file.try_lock().is_ok()) {
            // A file that stays is only untidy.
            let _ = fs::remove_file(&path);
        }
    }
}

fn claim_of(transaction: &Transaction<'_>, task: &str) -> rusqlite::Result<Option<(Owner, i64)>> {
    transaction
        .prepare_cached("SELECT pid, start_time, at_ms FROM claims WHERE task=?1")?
        .query_row([task], |row| {
            let start_time = row.get::<_, i64>(1)?.cast_unsigned();
            Ok((Owner { pid: row.get(0)?, start_time }, row.get(2)?))
        })
        .optional()
}

/// The start time of a living process; none if there is none of this number, or no `/proc` to tell.
fn start_time(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat")).ok()?;
    // The name in parentheses may hold anything; the fields after it do not. The start is field 22, the state 3.
    let after_name = &stat[stat.rfind(')')? + 1..];
    let mut fields = after_name.split_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

fn now_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX))
}
