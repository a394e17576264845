//! Texts as they come: typing, an edit of ours that came back, the disk, and what they say of changes that were about to be
//! made when a process died.

use galley_agent::event::{Checkpoint, CheckpointFile, TaskEvent, Verdict};
use galley_agent::view::Intent;
use galley_review::{FileKind, FileMode, FileProposal, HunkId};
use galley_text::change::ChangeSet;
use galley_text::path::RelPath;
use galley_workspace::ReadError;
use ropey::Rope;

use super::accepting::Accepting;
use super::state::State;
use crate::rollback;

impl State {
    /// One change of an open document: an accept that came back, or the person's typing. `before` is the text before it.
    pub fn document_changed(
        &mut self,
        path: &RelPath,
        change: &ChangeSet,
        before: &Rope,
        rope: &Rope,
        version: i32,
    ) {
        if self.came_back_exactly(path, &|text| *rope == text, Some(version))
            || self.is_misplaced(path, before, rope, version)
        {
            return;
        }
        let touched = self.reviews.document_changed(path, change, &|| rope.to_string(), version);
        self.content_changed();
        if touched {
            self.settle_elsewhere(path);
            self.mark_reviews(path);
        }
        self.settle(path);
    }

    /// The whole text of a document, as an editor or the disk has it now.
    pub fn text_came_back(&mut self, path: &RelPath, text: &str, version: Option<i32>) {
        if self.came_back_exactly(path, &|known| known == text, version) {
            return;
        }
        if self.accepting.iter().any(|accept| accept.wrong.contains_key(path)) {
            return;
        }
        if self.reviews.document_replaced(path, text, version) {
            self.settle_elsewhere(path);
            self.mark_reviews(path);
        }
        self.settle(path);
    }

    /// Looks at a document wherever it is: open, or on disk.
    pub fn text_as_it_is(&mut self, path: &RelPath) {
        self.mode_from_disk(path);
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
        let concerned = self.reviews.iter().any(|review| review.concerns(path))
            || self.accepting.iter().any(|accept| accept.waits_for(path).is_some());
        if !concerned {
            return;
        }
        self.mode_from_disk(path);
        match self.workspace.snapshot().peek(path) {
            Ok(text) => self.text_came_back(path, &text, None),
            Err(ReadError::Missing) => self.file_gone(path),
            // What cannot be read now is not gone; the hunks stay as they are until it can.
            Err(error) => self.log(2, &format!("galley: {path}: {error}")),
        }
    }

    /// Looks at the mode of a file for which another is proposed.
    fn mode_from_disk(&mut self, path: &RelPath) {
        let Some(executable) = self.workspace.snapshot().is_executable(path) else { return };
        let mode = if executable { FileMode::Executable } else { FileMode::Plain };
        let waits = self.accepting.iter().any(|accept| accept.waits_for(path).is_some());
        for review in self.reviews.iter_mut().filter(|review| !waits && review.concerns(path)) {
            review.proposal.mode_changed(path, mode);
        }
    }

    /// A file is not there: never made, deleted by an accept, or deleted by the person.
    fn file_gone(&mut self, path: &RelPath) {
        let deleting =
            |accept: &Accepting| accept.waits_for(path).is_some_and(|file| file.kind == FileKind::Delete);
        if let Some(at) = self.accepting.iter().position(deleting) {
            return self.file_arrived(at, path, None);
        }
        // A file that is on its way here, or from here, is not one that the person deleted.
        if self.accepting.iter().any(|accept| accept.waits_for(path).is_some()) {
            return;
        }
        for review in self.reviews.iter_mut().filter(|review| review.concerns(path)) {
            let is_new = |file: &FileProposal| file.path == *path && file.kind == FileKind::Add;
            if !review.proposal.files.iter().any(is_new) {
                review.proposal.file_deleted(path);
            }
        }
        self.mark_reviews(path);
        self.settle_intents(path);
    }

    /// A document's text now, open or on disk, with the editor's version.
    pub fn text_now(&self, path: &RelPath) -> (Option<String>, Option<i32>) {
        match self.documents.by_path(path) {
            Some((_, buffer)) => (Some(buffer.rope.to_string()), Some(buffer.version)),
            None => (self.workspace.snapshot().peek(path).ok().map(|text| text.to_string()), None),
        }
    }

    /// Settles what was about to be changed at a path when nobody waits for it any more: its process died, or the editor
    /// refused and did it all the same. The text tells.
    pub fn settle_intents(&mut self, path: &RelPath) {
        let concerns =
            |intent: &Intent| intent.checkpoint.files.iter().any(|file| file.path == path.as_str());
        let waits = |id: &str| self.accepting.iter().any(|accept| accept.checkpoint == id);
        let open: Vec<(String, Intent)> = self
            .tasks
            .values()
            .flat_map(|view| view.applying.iter().map(|intent| (view.task.clone(), intent)))
            .filter(|(_, intent)| concerns(intent) && !waits(&intent.checkpoint.id))
            .filter(|(task, _)| !self.is_claimed_elsewhere(task))
            .map(|(task, intent)| (task, intent.clone()))
            .collect();
        for (task, intent) in open {
            self.settle_intent(&task, &intent);
        }
    }

    /// Settles all that was about to be changed by a task of an earlier process.
    pub fn settle_earlier(&mut self, task: &str) {
        let intents = self.tasks.get(task).map(|view| view.applying.clone()).unwrap_or_default();
        // Whoever has the turn is at it.
        if intents.is_empty() || self.is_claimed_elsewhere(task) {
            return;
        }
        for intent in intents {
            self.settle_intent(task, &intent);
        }
    }

    fn settle_intent(&mut self, task: &str, intent: &Intent) {
        // Whoever began it may have told of it just now.
        let is_open = |state: &State| {
            let view = state.tasks.get(task);
            view.is_some_and(|view| {
                view.applying.iter().any(|open| open.checkpoint.id == intent.checkpoint.id)
            })
        };
        if self.take_turn(task, &[]).is_err() || !is_open(self) {
            return;
        }
        let there = |file: &&CheckpointFile| {
            let now = RelPath::new(&file.path).ok().and_then(|path| self.text_now(&path).0);
            rollback::stands(file, now.as_deref())
        };
        let files: Vec<CheckpointFile> = intent.checkpoint.files.iter().filter(there).cloned().collect();
        if files.is_empty() {
            return;
        }
        // The text does not tell whether a mode was set before the process died; to set it again is no harm.
        for file in &files {
            if let (Some(mode), Ok(path)) = (file.mode, RelPath::new(&file.path)) {
                let executable = mode.after == FileMode::Executable;
                if let Err(error) = self.workspace.set_executable(&path, executable) {
                    self.log(2, &format!("galley: the mode of {path} could not be set: {error}"));
                }
            }
        }
        let paths: Vec<String> = files.iter().map(|file| file.path.clone()).collect();
        if intent.hunks.is_empty() {
            let first = intent.takes_back.last().cloned().unwrap_or_default();
            let made = Some(intent.checkpoint.id.clone());
            self.record(
                task,
                TaskEvent::RolledBack { checkpoint: first, conflicts: Vec::new(), made, paths },
            );
            return;
        }
        let hunks: Vec<HunkId> =
            files.iter().flat_map(|file| file.hunks.iter().map(|hunk| hunk.id.clone())).collect();
        if let Some(review) = hunks.first().and_then(|id| self.reviews.of_hunk_mut(id)) {
            galley_agent::decisions::settle_accepted(&mut review.proposal, &hunks);
            review.note_decided(&hunks);
            let proposal = review.proposal.id.0.clone();
            self.show_review(&proposal);
        }
        let checkpoint = Checkpoint { files: Vec::new(), ..intent.checkpoint.clone() };
        self.record(
            task,
            TaskEvent::Decided { hunks: hunks.clone(), verdict: Verdict::Accepted, text: None },
        );
        self.record(task, TaskEvent::Applied { hunks, checkpoint, paths });
        self.close_if_decided(task);
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
