//! The rows of tasks: what a list of tasks shows without folding their events.

use rusqlite::{OptionalExtension, Row, Transaction, params};
use serde::{Deserialize, Serialize};

use crate::{Durability, Journal, JournalError, Result};

/// A task to be entered into the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewTask {
    /// Its id, unique in the state directory.
    pub id: String,
    /// The workspace it works on, as a path or URI of the caller's choice.
    pub workspace: String,
    /// A short name.
    pub title: String,
    /// The request in the person's words.
    pub goal: String,
    /// When it was created, in milliseconds since 1970 UTC.
    pub created_ms: i64,
}

/// A task as the journal knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskRow {
    /// Its id.
    pub id: String,
    /// The workspace it works on.
    pub workspace: String,
    /// A short name.
    pub title: String,
    /// The request in the person's words.
    pub goal: String,
    /// Its state; `queued` until [`Journal::set_state`] says otherwise.
    pub state: String,
    /// When it was created, in milliseconds since 1970 UTC.
    pub created_ms: i64,
    /// The latest time named by its events or changes of state.
    pub updated_ms: i64,
}

const SELECT: &str = "SELECT id, workspace, title, goal, state, created_ms, max(updated_ms, ifnull(\
    (SELECT at_ms FROM events WHERE events.task=tasks.id ORDER BY seq DESC LIMIT 1), updated_ms)) AS updated \
    FROM tasks";

impl Journal {
    /// Enters a task, in the state `queued`.
    pub fn create_task(&self, task: &NewTask) -> Result<()> {
        self.write(Durability::Synced, |transaction| {
            if exists(transaction, &task.id).map_err(|e| self.fault(e))? {
                return Err(JournalError::TaskExists { task: task.id.clone() });
            }
            enter(transaction, task).map_err(|e| self.fault(e))
        })
    }

    /// The tasks (of one workspace, or all), latest change first.
    pub fn tasks(&self, workspace: Option<&str>) -> Result<Vec<TaskRow>> {
        self.read(|transaction| {
            let filter = "WHERE ?1 IS NULL OR workspace=?1 ORDER BY updated DESC, id";
            let rows = transaction.prepare_cached(&format!("{SELECT} {filter}")).and_then(|mut s| {
                s.query_map([workspace], row_of_row)?.collect::<rusqlite::Result<Vec<_>>>()
            });
            rows.map_err(|e| self.fault(e))
        })
    }

    /// The task of exactly this id.
    pub fn task(&self, id: &str) -> Result<Option<TaskRow>> {
        self.read(|transaction| {
            transaction
                .prepare_cached(&format!("{SELECT} WHERE id=?1"))
                .and_then(|mut s| s.query_row([id], row_of_row).optional())
                .map_err(|e| self.fault(e))
        })
    }

    /// The task of this id, or the only one whose id begins so.
    ///
    /// # Errors
    /// [`JournalError::AmbiguousTask`] if several begin so and none is called exactly so.
    pub fn find_task(&self, prefix: &str) -> Result<Option<TaskRow>> {
        if let Some(task) = self.task(prefix)? {
            return Ok(Some(task));
        }
        let mut found = self.read(|transaction| {
            let filter = "WHERE substr(id, 1, length(?1))=?1 ORDER BY id LIMIT 10";
            let rows = transaction
                .prepare_cached(&format!("{SELECT} {filter}"))
                .and_then(|mut s| s.query_map([prefix], row_of_row)?.collect::<rusqlite::Result<Vec<_>>>());
            rows.map_err(|e| self.fault(e))
        })?;
        if found.len() > 1 {
            let ids = found.into_iter().map(|t| t.id).collect();
            return Err(JournalError::AmbiguousTask { prefix: prefix.to_owned(), ids });
        }
        Ok(found.pop())
    }

    /// Sets the state of a task.
    pub fn set_state(&self, task: &str, state: &str, at_ms: i64) -> Result<()> {
        self.change_task(task, |row| enter_state(row, state, at_ms))
    }

    /// Gives a task another short name.
    pub fn set_title(&self, task: &str, title: &str, at_ms: i64) -> Result<()> {
        self.change_task(task, |row| {
            row.title = title.to_owned();
            row.updated_ms = row.updated_ms.max(at_ms);
        })
    }

    fn change_task(&self, id: &str, change: impl FnOnce(&mut TaskRow)) -> Result<()> {
        self.write(Durability::Synced, |transaction| self.change_row(transaction, id, change))
    }

    /// Changes a task's row, inside a write transaction.
    pub(crate) fn change_row(
        &self,
        transaction: &Transaction<'_>,
        id: &str,
        change: impl FnOnce(&mut TaskRow),
    ) -> Result<()> {
        let row = transaction
            .prepare_cached(
                "SELECT id, workspace, title, goal, state, created_ms, updated_ms FROM tasks WHERE id=?1",
            )
            .and_then(|mut s| s.query_row([id], row_of_row).optional())
            .map_err(|e| self.fault(e))?;
        let mut row = row.ok_or_else(|| JournalError::UnknownTask { task: id.to_owned() })?;
        change(&mut row);
        store(transaction, &row).map_err(|e| self.fault(e))
    }
}

/// Enters a task that is not there yet.
pub(crate) fn enter(transaction: &Transaction<'_>, task: &NewTask) -> rusqlite::Result<()> {
    let row = TaskRow {
        id: task.id.clone(),
        workspace: task.workspace.clone(),
        title: task.title.clone(),
        goal: task.goal.clone(),
        state: "queued".to_owned(),
        created_ms: task.created_ms,
        updated_ms: task.created_ms,
    };
    store(transaction, &row)
}

/// A row in another state.
pub(crate) fn enter_state(row: &mut TaskRow, state: &str, at_ms: i64) {
    row.state = state.to_owned();
    row.updated_ms = row.updated_ms.max(at_ms);
}

pub(crate) fn exists(transaction: &Transaction<'_>, id: &str) -> rusqlite::Result<bool> {
    transaction.prepare_cached("SELECT 1 FROM tasks WHERE id=?1")?.exists([id])
}

/// Digest over a row, so that a change outside of Galley is seen by [`Journal::verify`].
pub(crate) fn digest(row: &TaskRow) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&row.created_ms.to_le_bytes()).update(&row.updated_ms.to_le_bytes());
    for text in [&row.id, &row.workspace, &row.title, &row.goal, &row.state] {
        hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
    }
    *hasher.finalize().as_bytes()
}

fn store(transaction: &Transaction<'_>, row: &TaskRow) -> rusqlite::Result<()> {
    let TaskRow { id, workspace, title, goal, state, created_ms, updated_ms } = row;
    transaction
        .prepare_cached(
            "INSERT OR REPLACE INTO tasks(id, workspace, title, goal, state, created_ms, updated_ms, digest) \
             VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![id, workspace, title, goal, state, created_ms, updated_ms, digest(row)])?;
    Ok(())
}

pub(crate) fn row_of_row(row: &Row<'_>) -> rusqlite::Result<TaskRow> {
    Ok(TaskRow {
        id: row.get(0)?,
        workspace: row.get(1)?,
        title: row.get(2)?,
        goal: row.get(3)?,
        state: row.get(4)?,
        created_ms: row.get(5)?,
        updated_ms: row.get(6)?,
    })
}
