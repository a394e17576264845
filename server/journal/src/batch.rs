//! Several things that are true together or not at all: events, a spend, the state that they lead to.

use crate::event::{EVENTS, head};
use crate::{Durability, Journal, JournalError, NewEntry, NewTask, Owner, Result, Seq, Spend, claim, task};

/// What one transaction writes.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// A task that begins with it, in the state `queued`.
    pub task: Option<NewTask>,
    /// Who has the task from here on; the task is the one that begins.
    pub claim: Option<Owner>,
    /// Events, in order.
    pub entries: Vec<NewEntry>,
    /// What a call of a model cost.
    pub spend: Option<Spend>,
    /// A task's state from here on, with the time of it in milliseconds since 1970 UTC.
    pub state: Option<(String, String, i64)>,
    /// Whether the call returns only when all of it is on the disk; otherwise it survives the death of the process, and a
    /// loss of power may take it.
    pub synced: bool,
}

impl Journal {
    /// Writes all of a batch or nothing. Returns the sequence number of its last event, or of the newest event there is.
    ///
    /// # Errors
    /// When the task is not known, one that begins is there already, or the file cannot be written; then nothing was.
    pub fn commit(&self, batch: &Batch) -> Result<Seq> {
        if let Some(owner) = &batch.claim {
            self.hold_lock_of(owner)?;
        }
        let durability = if batch.synced { Durability::Synced } else { Durability::Progress };
        self.write(durability, |transaction| {
            let mut last = head(transaction, EVENTS).map_err(|e| self.fault(e))?.0;
            if let Some(new) = &batch.task {
                if task::exists(transaction, &new.id).map_err(|e| self.fault(e))? {
                    return Err(JournalError::TaskExists { task: new.id.clone() });
                }
                task::enter(transaction, new).map_err(|e| self.fault(e))?;
                if let Some(owner) = &batch.claim {
                    claim::enter(transaction, &new.id, owner, new.created_ms).map_err(|e| self.fault(e))?;
                }
            }
            for entry in &batch.entries {
                last = self.link(transaction, entry)?;
            }
            if let Some(spend) = &batch.spend {
                self.enter(transaction, spend)?;
            }
            if let Some((id, state, at_ms)) = &batch.state {
                self.change_row(transaction, id, |row| task::enter_state(row, state, *at_ms))?;
            }
            Ok(last)
        })
    }
}
