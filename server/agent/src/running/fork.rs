//! Forks: a new task that shares the beginning of another and goes on with other words.

use galley_journal::{Journal, NewEntry, NewTask};

use super::StartError;
use crate::clock;
use crate::event::{State, TaskEvent};

/// Makes task `new` of the events of `from` up to the end of its round `step` (0: before the first), to be gone on with by
/// [`super::resume`] and a message. The other task stays as it is.
///
/// # Errors
/// When the task is not known, has fewer rounds, or the journal cannot be written.
pub fn fork(journal: &Journal, from: &str, step: u32, new: &str) -> Result<(), StartError> {
    let row = journal.task(from)?.ok_or_else(|| StartError::NoBeginning(from.to_owned()))?;
    let mut kept = Vec::new();
    let mut reached = 0;
    for entry in journal.events(from, 0)? {
        let Ok(event) = serde_json::from_str::<TaskEvent>(&entry.payload) else { continue };
        match &event {
            TaskEvent::Reply { .. } if reached == step => break,
            TaskEvent::Reply { .. } => reached += 1,
            // What came of the other task is not of this one, nor are words that were meant for what follows.
            TaskEvent::Proposed { .. } | TaskEvent::Ended { .. } | TaskEvent::Decided { .. } => break,
            TaskEvent::Ordered { .. } | TaskEvent::Taken { .. } => continue,
            _ => {}
        }
        kept.push(NewEntry {
            task: new.to_owned(),
            kind: entry.kind,
            payload: entry.payload,
            at_ms: entry.at_ms,
        });
    }
    if reached < step || kept.is_empty() {
        return Err(StartError::Unreadable(format!("task {from} has only {reached} steps before its end")));
    }
    let now = clock::now_ms();
    let title = format!("{} (from step {step})", row.title);
    journal.create_task(&NewTask {
        id: new.to_owned(),
        workspace: row.workspace,
        title,
        goal: row.goal,
        created_ms: now,
    })?;
    kept.push(NewEntry::new(new, "forked", &TaskEvent::Forked { from: from.to_owned(), step }, now)?);
    journal.append_many(&kept)?;
    journal.set_state(new, State::Interrupted.word(), now)?;
    Ok(())
}
