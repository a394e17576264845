//! The turn to change files for a task: one process at a time has it, so that two reviews at once apply nothing twice.

use std::time::Duration;

use galley_agent::event::Verdict;
use galley_agent::view::TaskView;
use galley_journal::{Journal, Owner};
use galley_review::HunkId;

use super::session::Session;

/// How long another process's turn is waited for before it is asked for again, and how often.
const TURN: Duration = Duration::from_millis(100);
const TURNS: u32 = 20;

/// The turn; given back when dropped.
pub struct Turn {
    journal: Journal,
    task: String,
}

impl Turn {
    /// Takes the turn for a task.
    ///
    /// # Errors
    /// Words for the person: another process has it.
    pub fn of(session: &Session, task: &str) -> Result<Turn, String> {
        let journal = session.journal.clone();
        let claim = || journal.claim_task(task, &Owner::current(), galley_agent::clock::now_ms());
        let mut has_it = claim().map_err(|error| error.to_string())?;
        for _ in 0..TURNS {
            if has_it {
                break;
            }
            std::thread::sleep(TURN);
            has_it = claim().map_err(|error| error.to_string())?;
        }
        if !has_it {
            return Err("another editor or terminal works on this task right now; try again when it is done"
                .to_owned());
        }
        Ok(Turn { journal, task: task.to_owned() })
    }

    /// As [`Turn::of`], to accept `hunks`. `seen` is the task as the person saw it when they decided.
    ///
    /// # Errors
    /// Words for the person: another process has the turn, or has decided about these hunks since.
    pub fn take(session: &Session, seen: &TaskView, hunks: &[HunkId]) -> Result<Turn, String> {
        let turn = Turn::of(session, &seen.task)?;
        let fresh = super::task::view(&turn.journal, &turn.task)?;
        let since = fresh.decisions.get(seen.decisions.len()..).unwrap_or_default();
        let decided = |id: &HunkId| {
            since.iter().any(|(ids, verdict, _)| {
                ids.contains(id) && matches!(verdict, Verdict::Accepted | Verdict::Rejected)
            })
        };
        match hunks.iter().find(|id| decided(id)) {
            Some(id) => Err(format!(
                "hunk {id} was decided in another editor or terminal meanwhile; nothing was applied, review again"
            )),
            None => Ok(turn),
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        // A claim that stays behind is recognised by its dead owner.
        let _ = self.journal.release_task(&self.task, &Owner::current());
    }
}
