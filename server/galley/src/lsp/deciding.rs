//! Decisions on hunks, and the texts that come back from the editor.

use galley_agent::event::{Checkpoint, State as TaskState, TaskEvent, Verdict};
use galley_review::{AcceptFile, FileKind, HunkId, HunkState};
use galley_text::change::ChangeSet;
use galley_text::path::RelPath;
use ropey::Rope;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tower_lsp::lsp_types::ApplyWorkspaceEditResponse;
use tower_lsp::lsp_types::request::Request;

use super::accepting::{self, Accepting, Restoring};
use super::event::Event;
use super::state::State;
use crate::decisions;
use crate::protocol::{Accepted, HunkChoice};
use crate::rollback;

/// How long the editor's text is waited for after it said that it applied an edit.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(3);

/// `workspace/applyEdit` with the edit as we write it.
pub(super) enum ApplyEdit {}

impl Request for ApplyEdit {
    type Params = Value;
    type Result = ApplyWorkspaceEditResponse;
    const METHOD: &'static str = "workspace/applyEdit";
}

impl State {
    /// The hunks that a choice means, of one proposal.
    pub fn chosen(&self, choice: &HunkChoice) -> Vec<HunkId> {
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
        let Some(review) = review else { return Vec::new() };
        review
            .open_hunks()
            .filter(|(file, hunk)| {
                hunk.state == HunkState::Pending
                    && path.as_ref().is_none_or(|path| file.path == *path || file.document() == path)
            })
            .map(|(_, hunk)| hunk.id.clone())
            .collect()
    }

    /// Accepts hunks: plans the edit and sends it to the editor. The answer comes when the text came back.
    pub fn accept(&mut self, choice: &HunkChoice) -> oneshot::Receiver<Accepted> {
        let (answer, answered) = oneshot::channel();
        let ids = self.chosen(choice);
        match self.plan(&ids, choice.prerequisites || choice.hunks.is_none()) {
            Ok(files) => self.send_edit(files, answer, None),
            Err(reason) => {
                let _ = answer.send(Accepted { applied: false, reason: Some(reason), hunks: Vec::new() });
            }
        }
        answered
    }

    fn plan(&mut self, ids: &[HunkId], prerequisites: bool) -> Result<Vec<AcceptFile>, String> {
        let first = ids.first().ok_or("there is no pending hunk to accept here")?;
        let busy = |id: &HunkId| self.accepting.iter().any(|accept| accept.hunks().contains(id));
        if ids.iter().any(busy) {
            return Err("this hunk is being accepted already".to_owned());
        }
        let paths: Vec<RelPath> = match self.reviews.of_hunk(first) {
            Some(review) => review.proposal.files.iter().map(|file| file.document().clone()).collect(),
            None => return Err(format!("there is no hunk {first}; it may belong to a task that is closed")),
        };
        // Files that no editor has open are looked at now: what was reviewed must be what is there.
        for path in paths {
            if self.documents.by_path(&path).is_none() {
                self.text_from_disk(&path);
            }
        }
        let review = self.reviews.of_hunk(first).ok_or("the proposal is gone")?;
        review.proposal.plan_accept(ids, prerequisites).map_err(|error| error.to_string())
    }

    /// Sends the edit of an accept, or of a return to a checkpoint, to the editor.
    pub fn send_edit(
        &mut self,
        files: Vec<AcceptFile>,
        answer: oneshot::Sender<Accepted>,
        restoring: Option<Restoring>,
    ) {
        let number = self.next_accept;
        self.next_accept += 1;
        let own: Vec<AcceptFile> = accepting::own_files(&files, &self.facts).into_iter().cloned().collect();
        if let Err(reason) = own.iter().try_for_each(|file| self.write_own(file)) {
            let _ = answer.send(Accepted { applied: false, reason: Some(reason), hunks: Vec::new() });
            return;
        }
        let label = label(&files, restoring.is_some());
        let edit = accepting::workspace_edit(&files, &self.facts, &|path| self.address(path), &label);
        let waiting = files.iter().map(|file| file.path.clone()).collect();
        self.accepting.push(Accepting {
            number,
            files,
            waiting,
            answered: false,
            answer: Some(answer),
            restoring,
        });
        for file in &own {
            self.text_from_disk(&file.path);
        }
        let through_editor = edit["documentChanges"].as_array().is_some_and(|list| !list.is_empty())
            || edit["changes"].as_object().is_some_and(|map| !map.is_empty());
        if !through_editor {
            return self.edit_answered(number, Ok(()));
        }
        let (client, front) = (self.client.clone(), self.front.clone());
        tokio::spawn(async move {
            let params = json!({ "label": label, "edit": edit });
            let outcome = match client.send_request::<ApplyEdit>(params).await {
                Ok(answer) if answer.applied => Ok(()),
                Ok(answer) => {
                    Err(answer.failure_reason.unwrap_or_else(|| "the editor refused the edit".to_owned()))
                }
                Err(error) => Err(format!("the editor could not apply the edit: {error}")),
            };
            front.send(Event::EditAnswered { accept: number, outcome });
        });
    }

    /// Makes, removes or moves a file that the client cannot.
    fn write_own(&self, file: &AcceptFile) -> Result<(), String> {
        let written = match &file.kind {
            FileKind::Add => self.workspace.write_file(&file.path, file.result.as_bytes()),
            FileKind::Delete => self.workspace.remove_file(&file.path),
            FileKind::Move { from } => self
                .workspace
                .rename_file(from, &file.path)
                .and_then(|()| self.workspace.write_file(&file.path, file.result.as_bytes())),
            FileKind::Modify => Ok(()),
        };
        written.map_err(|error| error.to_string())
    }

    /// The editor answered to the edit of an accept.
    pub fn edit_answered(&mut self, accept: u64, outcome: Result<(), String>) {
        let Some(at) = self.accepting.iter().position(|known| known.number == accept) else { return };
        if let Err(reason) = outcome {
            let known = self.accepting.remove(at);
            return self.answer_accept(known, Some(reason));
        }
        self.accepting[at].answered = true;
        // Kinds that leave no text behind: a deleted file, or one that the editor wrote without opening it.
        let unseen: Vec<RelPath> = self.accepting[at]
            .waiting
            .iter()
            .filter(|path| self.documents.by_path(path).is_none())
            .cloned()
            .collect();
        for path in unseen {
            self.text_from_disk(&path);
        }
        if self.accepting.iter().any(|known| known.number == accept) {
            let front = self.front.clone();
            tokio::spawn(async move {
                tokio::time::sleep(PATIENCE).await;
                front.send(Event::AcceptExpired(accept));
            });
        }
    }

    /// The editor's text did not come back in time.
    pub fn accept_expired(&mut self, accept: u64) {
        let Some(at) = self.accepting.iter().position(|known| known.number == accept) else { return };
        for path in self.accepting[at].waiting.clone() {
            self.text_as_it_is(&path);
        }
        if let Some(at) = self.accepting.iter().position(|known| known.number == accept) {
            let known = self.accepting.remove(at);
            self.answer_accept(
                known,
                Some("the editor did not change the text; the hunk is still pending".to_owned()),
            );
        }
    }

    fn answer_accept(&mut self, accept: Accepting, reason: Option<String>) {
        let done: Vec<&AcceptFile> =
            accept.files.iter().filter(|file| !accept.waiting.contains(&file.path)).collect();
        let hunks: Vec<HunkId> = done.iter().flat_map(|file| file.hunks.iter().cloned()).collect();
        if !hunks.is_empty() {
            self.record_accepted(&done, &hunks);
        }
        if let Some(restoring) = accept.restoring.filter(|_| reason.is_none()) {
            self.record_restored(restoring);
        }
        if let Some(reason) = &reason {
            self.show(2, &format!("Galley: not accepted: {reason}"));
        }
        if let Some(answer) = accept.answer {
            let hunks = hunks.into_iter().map(|id| id.0).collect();
            let _ = answer.send(Accepted { applied: reason.is_none(), reason, hunks });
        }
    }

    fn record_accepted(&mut self, files: &[&AcceptFile], hunks: &[HunkId]) {
        let Some(task) =
            hunks.first().and_then(|id| self.reviews.of_hunk(id)).map(|review| review.proposal.task.clone())
        else {
            return;
        };
        let checkpoint = Checkpoint {
            id: galley_agent::clock::new_id("c"),
            at_ms: galley_agent::clock::now_ms(),
            files: files.iter().flat_map(|file| rollback::checkpoint_files(file)).collect(),
        };
        self.record(
            &task,
            TaskEvent::Decided { hunks: hunks.to_vec(), verdict: Verdict::Accepted, text: None },
        );
        self.record(&task, TaskEvent::Applied { hunks: hunks.to_vec(), checkpoint });
        self.close_if_decided(&task);
    }

    /// Rejects hunks, and those that need them. Returns all that are rejected now.
    pub fn reject(&mut self, choice: &HunkChoice) -> Vec<String> {
        let mut ids = self.chosen(choice);
        if choice.hunks.is_none() {
            // A conflicted hunk cannot be accepted, but it can be refused with the rest.
            let review = ids
                .first()
                .and_then(|id| self.reviews.of_hunk(id))
                .or_else(|| self.reviews.find(choice.proposal.as_deref()));
            let conflicted = review.into_iter().flat_map(|review| review.open_hunks());
            ids.extend(
                conflicted
                    .filter(|(_, hunk)| hunk.state == HunkState::Conflicted)
                    .map(|(_, hunk)| hunk.id.clone()),
            );
        }
        let Some(review) = ids.first().and_then(|id| self.reviews.of_hunk_mut(id)) else { return Vec::new() };
        let rejected = review.proposal.reject(&ids);
        let (task, proposal) = (review.proposal.task.clone(), review.proposal.id.0.clone());
        if !rejected.is_empty() {
            self.record(
                &task,
                TaskEvent::Decided { hunks: rejected.clone(), verdict: Verdict::Rejected, text: None },
            );
            self.dirty.proposals.insert(proposal);
            self.dirty.marks = true;
            self.close_if_decided(&task);
        }
        rejected.into_iter().map(|id| id.0).collect()
    }

    /// Replaces the text that a hunk puts in place by the person's own.
    ///
    /// # Errors
    /// Words for the person.
    pub fn edit_hunk(&mut self, id: &HunkId, text: String) -> Result<(), String> {
        let review = self.reviews.of_hunk_mut(id).ok_or_else(|| format!("there is no hunk {id}"))?;
        review.proposal.edit_hunk(id, text.clone()).map_err(|error| error.to_string())?;
        review.stale = true;
        let (task, proposal) = (review.proposal.task.clone(), review.proposal.id.0.clone());
        self.record(
            &task,
            TaskEvent::Decided { hunks: vec![id.clone()], verdict: Verdict::Edited, text: Some(text) },
        );
        self.dirty.proposals.insert(proposal);
        self.dirty.marks = true;
        Ok(())
    }

    /// Leaves a remark on a hunk for the model, which revises it.
    ///
    /// # Errors
    /// Words for the person.
    pub fn comment(&mut self, id: &HunkId, text: &str) -> Result<(), String> {
        let review = self.reviews.of_hunk(id).ok_or_else(|| format!("there is no hunk {id}"))?;
        let (file, hunk) = review.proposal.hunk(id).ok_or("the hunk is gone")?;
        let message = format!(
            "About your change in {}:\n```\n{}```\nthe person says: {text}\nRevise it, then finish again. Leave your other changes as they are.",
            file.path.as_str(),
            hunk.after
        );
        let task = review.proposal.task.clone();
        self.record(
            &task,
            TaskEvent::Decided {
                hunks: vec![id.clone()],
                verdict: Verdict::Commented,
                text: Some(text.to_owned()),
            },
        );
        match self
            .handles
            .get(&task)
            .filter(|_| self.tasks.get(&task).is_some_and(|view| !view.state.is_over()))
        {
            Some(handle) => {
                handle.steer(message);
                Ok(())
            }
            None => self.continue_task(&task, Some(message)),
        }
    }

    /// Records an event of the review and takes it into the task's view.
    pub fn record(&mut self, task: &str, event: TaskEvent) {
        let at_ms = galley_agent::clock::now_ms();
        match &self.journal {
            Ok(journal) => {
                if let Err(error) = galley_agent::record_in(journal, task, &event, at_ms) {
                    self.show(1, &format!("Galley: {error}"));
                }
            }
            Err(error) => self.show(1, &format!("Galley: {error}")),
        }
        if let Some(view) = self.tasks.get_mut(task) {
            view.apply(at_ms, &event);
        }
        self.dirty.tasks.insert(task.to_owned());
        self.dirty.status = true;
    }

    fn close_if_decided(&mut self, task: &str) {
        let Some(review) = self.reviews.iter_mut().find(|review| review.proposal.task == task) else {
            return;
        };
        if review.closed || review.is_open() {
            return;
        }
        review.closed = true;
        let all = review.proposal.all().count();
        let accepted = review.proposal.all().filter(|(_, hunk)| hunk.state == HunkState::Accepted).count();
        let message = format!("{accepted} of {all} hunks accepted");
        self.record(task, TaskEvent::Ended { state: TaskState::Done, message });
    }

    /// One change of an open document: an accept that came back, or the person's typing.
    pub fn document_changed(&mut self, path: &RelPath, change: &ChangeSet, rope: &Rope, version: i32) {
        if self.came_back_exactly(path, rope, Some(version)) {
            return;
        }
        let touched = self.reviews.document_changed(path, change, &|| rope.to_string(), version);
        if touched {
            self.mark_reviews(path);
            self.settle(path);
        }
    }

    /// The whole text of a document, as an editor or the disk has it now.
    pub fn text_came_back(&mut self, path: &RelPath, text: &str, version: Option<i32>) {
        if self.came_back_exactly(path, &Rope::from_str(text), version) {
            return;
        }
        if self.reviews.document_replaced(path, text, version) {
            self.mark_reviews(path);
            self.settle(path);
        }
    }

    /// Looks at a document wherever it is: open, or on disk.
    pub fn text_as_it_is(&mut self, path: &RelPath) {
        match self.documents.by_path(path) {
            Some((_, buffer)) => {
                let (text, version) = (buffer.rope.to_string(), buffer.version);
                self.text_came_back(path, &text, Some(version));
            }
            None => self.text_from_disk(path),
        }
    }

    /// Looks at a file that no editor has open.
    pub fn text_from_disk(&mut self, path: &RelPath) {
        let concerned = self.reviews.iter().any(|review| review.concerns(path));
        if !concerned {
            return;
        }
        match self.workspace.snapshot().peek(path) {
            Ok(text) => self.text_came_back(path, &text, None),
            Err(_) => self.file_gone(path),
        }
    }

    /// A file is not there: never made, deleted by an accept, or deleted by the person.
    fn file_gone(&mut self, path: &RelPath) {
        let deleting =
            |accept: &Accepting| accept.waits_for(path).is_some_and(|file| file.kind == FileKind::Delete);
        if let Some(at) = self.accepting.iter().position(deleting) {
            return self.file_accepted(at, path, None);
        }
        for review in self.reviews.iter_mut().filter(|review| review.concerns(path)) {
            let is_new =
                |file: &galley_review::FileProposal| file.path == *path && file.kind == FileKind::Add;
            if !review.proposal.files.iter().any(is_new) {
                review.proposal.file_deleted(path);
            }
        }
        self.mark_reviews(path);
    }

    /// Whether a document now is exactly what an accept meant; then its hunks are accepted.
    fn came_back_exactly(&mut self, path: &RelPath, rope: &Rope, version: Option<i32>) -> bool {
        let exact =
            |accept: &Accepting| accept.waits_for(path).is_some_and(|file| *rope == file.result.as_str());
        let Some(at) = self.accepting.iter().position(exact) else { return false };
        self.file_accepted(at, path, version);
        true
    }

    fn file_accepted(&mut self, at: usize, path: &RelPath, version: Option<i32>) {
        let Some(file) = self.accepting[at].waits_for(path).cloned() else { return };
        if let Some(review) = file.hunks.first().and_then(|id| self.reviews.of_hunk_mut(id)) {
            review.proposal.accepted(&file.hunks);
            for known in review.proposal.files.iter_mut().filter(|known| known.path == file.path) {
                known.version = version;
            }
        }
        self.others_follow(&file, version);
        self.mark_reviews(path);
        self.arrived(at, &file.path);
    }

    /// Other proposals on the same file see the accepted edit as any change.
    fn others_follow(&mut self, file: &AcceptFile, version: Option<i32>) {
        let owner = file.hunks.first().cloned();
        for review in self.reviews.iter_mut().filter(|review| review.concerns(&file.path)) {
            let owns = owner.as_ref().is_some_and(|id| review.proposal.hunk(id).is_some());
            if !owns {
                review.proposal.document_replaced(&file.path, &file.result, version);
                review.stale = true;
            }
        }
    }

    /// After a change that was not exactly an accept's: perhaps its text is there among the person's own.
    fn settle(&mut self, path: &RelPath) {
        let Some(at) = self.accepting.iter().position(|accept| accept.waits_for(path).is_some()) else {
            return;
        };
        let Some(file) = self.accepting[at].waits_for(path).cloned() else { return };
        let Some(review) = file.hunks.first().and_then(|id| self.reviews.of_hunk_mut(id)) else { return };
        let settled = decisions::settle_accepted(&mut review.proposal, &file.hunks);
        if settled.len() == file.hunks.len() {
            self.arrived(at, &file.path);
        }
    }

    fn arrived(&mut self, at: usize, path: &RelPath) {
        self.accepting[at].waiting.retain(|known| known != path);
        if self.accepting[at].waiting.is_empty() {
            let accept = self.accepting.remove(at);
            self.answer_accept(accept, None);
        }
    }

    /// Notes that the proposals on a document are to be shown again.
    pub fn mark_reviews(&mut self, path: &RelPath) {
        let ids: Vec<String> = self
            .reviews
            .iter()
            .filter(|review| review.concerns(path))
            .map(|review| review.proposal.id.0.clone())
            .collect();
        self.dirty.proposals.extend(ids);
        self.dirty.marks = true;
        self.dirty.status = true;
    }
}

fn label(files: &[AcceptFile], restoring: bool) -> String {
    if restoring {
        return "Galley: rolled back".to_owned();
    }
    let hunks: usize = files.iter().map(|file| file.hunks.len()).sum();
    let plural = if hunks == 1 { "" } else { "s" };
    format!("Galley: {hunks} hunk{plural} accepted")
}
