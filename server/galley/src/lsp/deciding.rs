//! Decisions on hunks that change no document: which hunks are meant, reject, edit, comment, marks, and taking them back.

use galley_agent::decisions;
use galley_agent::event::{State as TaskState, TaskEvent, Verdict};
use galley_review::{FileProposal, Hunk, HunkId, HunkState};
use tokio::sync::oneshot;

use super::reviews::Review;
use super::state::State;
use crate::protocol::{Accepted, HunkChoice, UndoParams};
use crate::rollback;

/// What the taking back of decisions has come to so far.
pub enum Undoing {
    /// All of it is done: these hunks wait for a decision again.
    Done(Vec<String>),
    /// Accepted text is on its way out of the document.
    Waits(oneshot::Receiver<Accepted>, Vec<String>),
}

impl State {
    /// The hunks that a choice means, of one proposal; conflicted ones only where they are wanted too.
    pub fn chosen(&self, choice: &HunkChoice, conflicted: bool) -> Vec<HunkId> {
        if let Some(hunks) = &choice.hunks {
            return hunks.iter().map(|id| HunkId(id.clone())).collect();
        }
        let path = choice.uri.as_ref().and_then(|uri| self.locate(&uri.parse().ok()?));
        if choice.uri.is_some() && path.is_none() {
            return Vec::new();
        }
        let review = match &path {
            Some(path) if choice.proposal.is_none() => {
                self.reviews.open().find(|review| review.concerns(path))
            }
            _ => self.reviews.find(choice.proposal.as_deref()),
        };
        let here = |file: &FileProposal| {
            path.as_ref().is_none_or(|path| file.path == *path || file.document() == path)
        };
        let wanted = |hunk: &Hunk| hunk.state == HunkState::Pending || conflicted && hunk.is_open();
        review
            .into_iter()
            .flat_map(Review::open_hunks)
            .filter(|(file, hunk)| here(file) && wanted(hunk))
            .map(|(_, hunk)| hunk.id.clone())
            .collect()
    }

    /// Rejects hunks, and those that need them. Returns all that are rejected now.
    pub fn reject(&mut self, choice: &HunkChoice) -> Vec<String> {
        let ids = self.chosen(choice, true);
        let Some(review) = ids.first().and_then(|id| self.reviews.of_hunk_mut(id)) else { return Vec::new() };
        let rejected = review.proposal.reject(&ids);
        if rejected.is_empty() {
            return Vec::new();
        }
        let (task, proposal) = (review.proposal.task.clone(), review.proposal.id.0.clone());
        let reason = choice.reason.clone().filter(|reason| !reason.trim().is_empty());
        let told: Vec<String> = rejected
            .iter()
            .filter_map(|id| decisions::rejected(&review.proposal, id, reason.as_deref()))
            .collect();
        review.note_decided(&rejected);
        let event = TaskEvent::Decided { hunks: rejected.clone(), verdict: Verdict::Rejected, text: reason };
        self.record(&task, event);
        self.tell_running(&task, told.join("\n"));
        self.show_review(&proposal);
        self.close_if_decided(&task);
        rejected.into_iter().map(|id| id.0).collect()
    }

    /// Replaces the text that a hunk puts in place by the person's own.
    ///
    /// # Errors
    /// Words for the person.
    pub fn edit_hunk(&mut self, id: &HunkId, text: String) -> Result<(), String> {
        let review = self.reviews.of_hunk_mut(id).ok_or_else(|| unknown(id))?;
        let edited = review.proposal.edit_hunk(id, text).map_err(|error| error.to_string())?;
        review.stale = true;
        let (task, proposal) = (review.proposal.task.clone(), review.proposal.id.0.clone());
        let told = decisions::edited(&review.proposal, id, &edited.now).unwrap_or_default();
        let event =
            TaskEvent::Decided { hunks: vec![id.clone()], verdict: Verdict::Edited, text: Some(edited.now) };
        self.record(&task, event);
        self.tell_running(&task, told);
        self.show_review(&proposal);
        self.renew_soon(&proposal);
        Ok(())
    }

    /// Leaves a remark on a hunk for the model, which revises it.
    ///
    /// # Errors
    /// Words for the person.
    pub fn comment(&mut self, id: &HunkId, text: &str) -> Result<(), String> {
        let review = self.reviews.of_hunk_mut(id).ok_or_else(|| unknown(id))?;
        let (file, hunk) = review.proposal.hunk(id).ok_or_else(|| unknown(id))?;
        if !hunk.is_open() {
            return Err(format!("the hunk is {} already; take that back first", hunk.state));
        }
        let message = format!(
            "About your change in {}:\n```\n{}```\nthe person says: {text}\nRevise it, then finish again. Leave your other changes as they are.",
            file.path.as_str(),
            hunk.after
        );
        let (task, proposal) = (review.proposal.task.clone(), review.proposal.id.0.clone());
        review.comments.insert(id.clone(), text.to_owned());
        let said = Some(text.to_owned());
        let event = TaskEvent::Decided { hunks: vec![id.clone()], verdict: Verdict::Commented, text: said };
        self.record(&task, event);
        self.show_review(&proposal);
        match self.running(&task) {
            Some(handle) => {
                handle.steer(message);
                Ok(())
            }
            None => self.continue_task(&task, Some(message)).inspect_err(|_| {
                if let Some(review) = self.reviews.of_hunk_mut(id) {
                    review.comments.remove(id);
                }
            }),
        }
    }

    /// Marks hunks as looked at, or takes the mark away. Returns those that were meant.
    pub fn mark_hunks(&mut self, choice: &HunkChoice, reviewed: bool) -> Vec<String> {
        let ids = self.chosen(choice, true);
        let Some(review) = ids.first().and_then(|id| self.reviews.of_hunk_mut(id)) else { return Vec::new() };
        review.proposal.mark_reviewed(&ids, reviewed);
        let (task, proposal) = (review.proposal.task.clone(), review.proposal.id.0.clone());
        let verdict = if reviewed { Verdict::Reviewed } else { Verdict::Unreviewed };
        self.record(&task, TaskEvent::Decided { hunks: ids.clone(), verdict, text: None });
        self.show_review(&proposal);
        ids.into_iter().map(|id| id.0).collect()
    }

    /// Splits a hunk into its parts and returns them.
    ///
    /// # Errors
    /// Words for the person.
    pub fn split_hunk(&mut self, id: &HunkId) -> Result<Vec<String>, String> {
        let review = self.reviews.of_hunk_mut(id).ok_or_else(|| unknown(id))?;
        let parts = review.proposal.split_hunk(id);
        let parts = parts.map_err(|error| crate::rollback::numbered(&review.proposal, &error.to_string()))?;
        let (task, proposal) = (review.proposal.task.clone(), review.proposal.id.0.clone());
        let event = TaskEvent::Decided { hunks: vec![id.clone()], verdict: Verdict::Split, text: None };
        self.record(&task, event);
        self.show_review(&proposal);
        Ok(parts.into_iter().map(|id| id.0).collect())
    }

    /// Takes decisions back: those on the named hunks, or the latest that was made.
    ///
    /// # Errors
    /// Words for the person.
    pub fn undo_decision(&mut self, params: &UndoParams) -> Result<Undoing, String> {
        let ids = match &params.hunks {
            Some(hunks) => hunks.iter().map(|id| HunkId(id.clone())).collect(),
            None => {
                self.last_decided(params.proposal.as_deref()).ok_or("there is no decision to take back")?
            }
        };
        let first = ids.first().ok_or("there is no decision to take back")?;
        let Some(review) = self.reviews.of_hunk_mut(first) else {
            // Of a task that is closed: the checkpoints know what it changed.
            let answered = self.restore_hunks(&ids)?;
            return Ok(Undoing::Waits(answered, ids.into_iter().map(|id| id.0).collect()));
        };
        let accepted: Vec<HunkId> = ids
            .iter()
            .filter(|id| review.proposal.hunk(id).is_some_and(|(_, hunk)| hunk.state == HunkState::Accepted))
            .cloned()
            .collect();
        let (task, proposal) = (review.proposal.task.clone(), review.proposal.id.0.clone());
        if !accepted.is_empty() {
            let answered = self.revert(&accepted)?;
            return Ok(Undoing::Waits(answered, accepted.into_iter().map(|id| id.0).collect()));
        }
        let rejected: Vec<HunkId> = ids
            .into_iter()
            .filter(|id| review.proposal.hunk(id).is_some_and(|(_, hunk)| hunk.state == HunkState::Rejected))
            .collect();
        if rejected.is_empty() {
            return Err("nothing was decided about this hunk yet".to_owned());
        }
        review.proposal.reopen(&rejected);
        review.closed = false;
        review.forget_decided(&rejected);
        let event = TaskEvent::Decided { hunks: rejected.clone(), verdict: Verdict::Reopened, text: None };
        self.record(&task, event);
        self.show_review(&proposal);
        Ok(Undoing::Done(rejected.into_iter().map(|id| id.0).collect()))
    }

    /// The hunks of the latest decision that stands.
    fn last_decided(&self, proposal: Option<&str>) -> Option<Vec<HunkId>> {
        let wanted = |review: &&Review| proposal.is_none_or(|id| review.proposal.id.0 == id);
        let latest = self.reviews.iter().filter(wanted).max_by_key(|review| review.decided_at())?;
        latest.decided.last().map(|(_, hunks)| hunks.clone())
    }

    /// Accepted text out of the document again, by an inverse merge.
    fn revert(&mut self, ids: &[HunkId]) -> Result<oneshot::Receiver<Accepted>, String> {
        let review = ids.first().and_then(|id| self.reviews.of_hunk(id)).ok_or("the proposal is gone")?;
        let plan = review.proposal.plan_revert(ids, true);
        match plan {
            Ok(files) => {
                let task = review.proposal.task.clone();
                let hunks = files.iter().flat_map(|file| file.hunks.iter().cloned()).collect();
                Ok(self.send_revert(task, files, hunks))
            }
            // Where the hunk's place was rewritten since, the checkpoint still tells what it changed.
            Err(error) => {
                let told = rollback::numbered(&review.proposal, &error.to_string());
                self.restore_hunks(ids).map_err(|_| told)
            }
        }
    }

    /// A task's handle while its loop runs.
    pub fn running(&self, task: &str) -> Option<&galley_agent::TaskHandle> {
        let runs = self.tasks.get(task).is_some_and(|view| !view.state.is_over());
        self.handles.get(task).filter(|_| runs)
    }

    /// Tells a task that runs of a decision; one that is over is told when it goes on.
    fn tell_running(&self, task: &str, message: String) {
        if let Some(handle) = self.running(task).filter(|_| !message.is_empty()) {
            handle.steer(message);
        }
    }

    /// Records an event of the review and takes it into the task's view. False where it could not be written; the person was
    /// told, and what it guards must not happen.
    pub fn record(&mut self, task: &str, event: TaskEvent) -> bool {
        let at_ms = galley_agent::clock::now_ms();
        let written = match &self.journal {
            Ok(journal) => {
                galley_agent::record_in(journal, task, &event, at_ms).map_err(|error| error.to_string())
            }
            Err(error) => Err(error.clone()),
        };
        if let Err(error) = written {
            self.show(1, &format!("Galley: {error}"));
            return false;
        }
        if let Some(view) = self.tasks.get_mut(task) {
            view.apply(at_ms, &event);
        }
        self.dirty.tasks.insert(task.to_owned());
        self.dirty.status = true;
        true
    }

    /// Closes the review of a task when nothing is left to decide.
    pub fn close_if_decided(&mut self, task: &str) {
        let runs = self.running(task).is_some();
        let of_task = |review: &&mut Review| review.proposal.task == task && !review.closed;
        let Some(review) = self.reviews.iter_mut().find(of_task) else { return };
        if runs || review.is_open() {
            return;
        }
        review.closed = true;
        let all = review.proposal.all().count();
        let accepted = review.proposal.all().filter(|(_, hunk)| hunk.state == HunkState::Accepted).count();
        let message = format!("{accepted} of {all} hunks accepted");
        self.record(task, TaskEvent::Ended { state: TaskState::Done, message });
    }

    /// Notes that a proposal is to be shown again.
    pub fn show_review(&mut self, proposal: &str) {
        self.dirty.proposals.insert(proposal.to_owned());
        self.dirty.marks = true;
        self.dirty.status = true;
    }
}

fn unknown(id: &HunkId) -> String {
    format!("there is no hunk {id}; it may belong to a task that is closed")
}
