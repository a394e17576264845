//! The way of an edit to the editor and of its text back.
//!
//! What is to be done is in the journal before the edit is sent, and settled by the text that comes back, never by the
//! editor's word. An edit that the editor dropped, or put in the wrong place because the person typed in the same moment, is
//! seen by comparing texts, and mended.

use std::collections::HashMap;

use galley_agent::event::{Checkpoint, TaskEvent, Verdict};
use galley_review::{AcceptFile, FileKind, HunkId, HunkState};
use galley_text::path::RelPath;
use galley_workspace::apply::{self, UndoFile, UndoRecord};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tower_lsp::lsp_types::ApplyWorkspaceEditResponse;
use tower_lsp::lsp_types::request::Request;

use super::accepting::{self, Accepting, Restoring};
use super::arriving::mend;
use super::event::Event;
use super::state::State;
use crate::protocol::{Accepted, HunkChoice};
use crate::rollback::{self, TakenBack};

/// How long the editor's text is waited for after it said that it applied an edit.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(3);
/// How long newer text is waited for after the editor refused: editors send their changes a little later.
const HINDSIGHT: std::time::Duration = std::time::Duration::from_millis(300);
/// How long another process's turn to change files is waited for before it is looked at again, and how often.
const TURN: std::time::Duration = std::time::Duration::from_millis(100);
const TURNS: u32 = 20;
/// How often an edit is sent anew on newer text.
const TRIES: u32 = 6;

/// `workspace/applyEdit` with the edit as we write it.
enum ApplyEdit {}

impl Request for ApplyEdit {
    type Params = Value;
    type Result = ApplyWorkspaceEditResponse;
    const METHOD: &'static str = "workspace/applyEdit";
}

impl State {
    /// Accepts hunks: plans the edit and sends it to the editor. The answer comes when the text came back.
    pub fn accept(&mut self, choice: &HunkChoice) -> oneshot::Receiver<Accepted> {
        let (answer, answered) = oneshot::channel();
        self.accept_in_turn(choice, answer, 0);
        answered
    }

    /// Accepts when no other process changes files for the task: one whose task has just ended, or who accepts another hunk,
    /// is done in a moment.
    fn accept_in_turn(&mut self, choice: &HunkChoice, answer: oneshot::Sender<Accepted>, looks: u32) {
        let ids = self.chosen(choice, false);
        let task = ids.first().and_then(|id| self.reviews.of_hunk(id)).map(|review| &review.proposal.task);
        if looks < TURNS && task.is_some_and(|task| self.is_claimed_elsewhere(task)) {
            let (front, choice) = (self.front.clone(), choice.clone());
            tokio::spawn(async move {
                tokio::time::sleep(TURN).await;
                let again = move |state: &mut State| state.accept_in_turn(&choice, answer, looks + 1);
                front.send(Event::Query(Box::new(again)));
            });
            return;
        }
        let prerequisites = choice.prerequisites || choice.hunks.is_none();
        let planned = match ids.is_empty() {
            true => Err(self.nothing_pending(choice)),
            false => self.plan(&ids, prerequisites),
        };
        match planned {
            Ok((task, files)) => {
                if choice.unchecked || !self.checked_before() {
                    self.send_accept(task, files, answer);
                } else {
                    self.prove_before(ids, prerequisites, files, answer);
                }
            }
            Err(reason) => refuse(answer, reason),
        }
    }

    /// Why none of the hunks that were meant can be accepted.
    fn nothing_pending(&self, choice: &HunkChoice) -> String {
        let open = self.chosen(choice, true);
        let why = open.iter().find_map(|id| {
            let review = self.reviews.of_hunk(id)?;
            let error = review.proposal.plan_accept(std::slice::from_ref(id), true).err()?;
            Some(rollback::numbered(&review.proposal, &error.to_string()))
        });
        why.unwrap_or_else(|| "there is no pending hunk to accept here".to_owned())
    }

    /// Accepts hunks that were checked before; the person may have typed meanwhile.
    pub fn accept_checked(&mut self, ids: &[HunkId], prerequisites: bool, answer: oneshot::Sender<Accepted>) {
        match self.plan(ids, prerequisites) {
            Ok((task, files)) => self.send_accept(task, files, answer),
            Err(reason) => refuse(answer, reason),
        }
    }

    fn plan(&mut self, ids: &[HunkId], prerequisites: bool) -> Result<(String, Vec<AcceptFile>), String> {
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
        let task = self.reviews.of_hunk(first).map(|review| review.proposal.task.clone());
        self.take_turn(&task.unwrap_or_default(), ids)?;
        let review = self.reviews.of_hunk(first).ok_or("the proposal is gone")?;
        let plan = review.proposal.plan_accept(ids, prerequisites);
        let plan = plan.map_err(|error| rollback::numbered(&review.proposal, &error.to_string()))?;
        Ok((review.proposal.task.clone(), plan))
    }

    fn send_accept(&mut self, task: String, files: Vec<AcceptFile>, answer: oneshot::Sender<Accepted>) {
        let hunks = files.iter().flat_map(|file| file.hunks.iter().cloned()).collect();
        self.send_edit(task, files, hunks, answer, None, &TakenBack::default());
    }

    /// Sends the edit that takes accepted hunks of a live proposal back.
    pub fn send_revert(
        &mut self,
        task: String,
        files: Vec<AcceptFile>,
        hunks: Vec<HunkId>,
    ) -> oneshot::Receiver<Accepted> {
        let (answer, answered) = oneshot::channel();
        if let Err(reason) = self.take_turn(&task, &[]) {
            refuse(answer, reason);
            return answered;
        }
        let restoring =
            Restoring { takes_back: Vec::new(), hunks, conflicts: Vec::new(), brings_back: false };
        self.send_edit(task, files, Vec::new(), answer, Some(restoring), &TakenBack::default());
        answered
    }

    /// Writes the intent into the journal, then sends the edit.
    pub fn send_edit(
        &mut self,
        task: String,
        files: Vec<AcceptFile>,
        hunks: Vec<HunkId>,
        answer: oneshot::Sender<Accepted>,
        restoring: Option<Restoring>,
        taken: &TakenBack,
    ) {
        let forth = restoring.as_ref().is_some_and(|known| known.brings_back);
        let mut checkpoint = self.checkpoint(&files, &hunks, restoring.is_some());
        if forth {
            (checkpoint.label, checkpoint.rollback) = ("brought back".to_owned(), false);
        }
        let id = checkpoint.id.clone();
        let takes_back =
            restoring.iter().flat_map(|known| &known.takes_back).map(|(_, id)| id.clone()).collect();
        if !self.record(&task, TaskEvent::Applying { hunks, checkpoint, takes_back }) {
            return refuse(answer, "the journal could not be written; nothing was changed".to_owned());
        }
        let number = self.next_accept;
        self.next_accept += 1;
        let accepting = Accepting {
            number,
            task,
            checkpoint: id,
            waiting: files.iter().map(|file| file.path.clone()).collect(),
            sent: files.clone(),
            files,
            wrong: HashMap::new(),
            answered: false,
            refused: None,
            tries: 0,
            answer: Some(answer),
            restoring,
        };
        self.accepting.push(accepting);
        let own = self.own_files(number, taken);
        if let Err(reason) = self.write_own(&own, taken) {
            return self.give_up(number, reason);
        }
        for file in &own {
            // What a link shows is the text of another file, which may be about to change too.
            let is_link = taken.saved.get(&file.path).is_some_and(|saved| saved.link.is_some());
            match self.accepting.iter().position(|known| known.number == number) {
                Some(at) if is_link => self.file_arrived(at, &file.path, None),
                _ => self.text_as_it_is(&file.path),
            }
        }
        self.dispatch(number);
    }

    fn checkpoint(&self, files: &[AcceptFile], hunks: &[HunkId], restoring: bool) -> Checkpoint {
        let with_saved = |file: &AcceptFile| {
            let mut known = rollback::checkpoint_file(file);
            if file.kind == FileKind::Delete {
                let plan = apply::plan(&self.workspace, &file.change().into_iter().collect::<Vec<_>>());
                known.saved = plan.ok().and_then(|plan| plan.undo_record().files.first()?.before.clone());
            }
            known
        };
        let plural = if hunks.len() == 1 { "" } else { "s" };
        let label = if restoring {
            "rolled back".to_owned()
        } else {
            format!("{} hunk{plural} accepted", hunks.len())
        };
        Checkpoint {
            id: galley_agent::clock::new_id("c"),
            at_ms: galley_agent::clock::now_ms(),
            label,
            rollback: restoring,
            files: files.iter().map(with_saved).collect(),
        }
    }

    /// The files that the client cannot write, and those that come back as what no client can make.
    fn own_files(&self, number: u64, taken: &TakenBack) -> Vec<AcceptFile> {
        let Some(accept) = self.accepting.iter().find(|known| known.number == number) else {
            return Vec::new();
        };
        let is_open = |path: &RelPath| self.documents.by_path(path).is_some();
        let mut own = accepting::own_files(&accept.files, &self.facts, &is_open);
        let special = |file: &&AcceptFile| {
            let saved = taken.saved.get(&file.path).filter(|_| file.kind == FileKind::Add);
            saved.is_some_and(|saved| !saved.is_plain()) && !own.contains(file)
        };
        let special: Vec<&AcceptFile> = accept.files.iter().filter(special).collect();
        own.extend(special);
        own.into_iter().cloned().collect()
    }

    /// Makes, changes, moves and removes the files that the client cannot: all of them or none.
    fn write_own(&self, own: &[AcceptFile], taken: &TakenBack) -> Result<(), String> {
        if own.is_empty() {
            return Ok(());
        }
        let back = |file: &&AcceptFile| file.kind == FileKind::Add && taken.saved.contains_key(&file.path);
        let (back, plain): (Vec<&AcceptFile>, Vec<&AcceptFile>) = own.iter().partition(back);
        let changes: Vec<_> = plain.iter().filter_map(|file| file.change()).collect();
        let plan = apply::plan(&self.workspace, &changes).map_err(|error| error.to_string())?;
        let files = back.iter().filter_map(|file| {
            let saved = taken.saved.get(&file.path)?.clone();
            let after = Some(apply::Saved { text: file.result.clone(), ..saved });
            Some(UndoFile { path: file.path.clone(), before: None, after })
        });
        let record = UndoRecord { files: files.collect() };
        plan.write().map_err(|error| error.to_string())?;
        apply::redo(&self.workspace, &record).map_err(|error| error.to_string())
    }

    /// Sends what is still waited for, on the texts as they are now.
    fn dispatch(&mut self, number: u64) {
        let Some(at) = self.accepting.iter().position(|known| known.number == number) else { return };
        let accept = &mut self.accepting[at];
        accept.tries += 1;
        (accept.answered, accept.refused) = (false, None);
        let mends: Vec<AcceptFile> =
            accept.wrong.iter().map(|(path, (now, wanted))| mend(path, now, wanted)).collect();
        let wrong = |file: &&AcceptFile| !accept.wrong.contains_key(&file.path);
        let mut files: Vec<AcceptFile> = accept
            .files
            .iter()
            .filter(|file| accept.waiting.contains(&file.path))
            .filter(wrong)
            .cloned()
            .collect();
        files.extend(mends);
        for file in &mut files {
            if let Some((_, buffer)) = self.documents.by_path(&file.path) {
                file.version = Some(buffer.version);
            }
        }
        self.accepting[at].sent.clone_from(&files);
        let label = label(&self.accepting[at]);
        let is_open = |path: &RelPath| self.documents.by_path(path).is_some();
        let own: Vec<RelPath> = accepting::own_files(&files, &self.facts, &is_open)
            .into_iter()
            .map(|file| file.path.clone())
            .collect();
        let through: Vec<&AcceptFile> = files.iter().filter(|file| !own.contains(&file.path)).collect();
        if !through.is_empty() && !self.facts.apply_edit {
            return self.give_up(
                number,
                "this editor takes no edits; save and close the file, then accept again".to_owned(),
            );
        }
        let edit = accepting::workspace_edit(&through, &self.facts, &|path| self.address(path), &label);
        let has_edits = edit["documentChanges"].as_array().is_some_and(|list| !list.is_empty())
            || edit["changes"].as_object().is_some_and(|map| !map.is_empty());
        if !has_edits {
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

    /// The editor answered to the edit of an accept.
    pub fn edit_answered(&mut self, number: u64, outcome: Result<(), String>) {
        let Some(accept) = self.accepting.iter_mut().find(|known| known.number == number) else { return };
        accept.answered = true;
        accept.refused = outcome.err();
        let refused = accept.refused.is_some();
        // Kinds that leave no text behind: a deleted file, or one that the editor wrote without opening it.
        let waiting = accept.waiting.clone();
        for path in waiting.iter().filter(|path| self.documents.by_path(path).is_none()).collect::<Vec<_>>() {
            self.text_from_disk(path);
        }
        let Some(accept) = self.accepting.iter().find(|known| known.number == number) else { return };
        if self.moved_on(accept) {
            return self.again(number);
        }
        let (front, tries) = (self.front.clone(), accept.tries);
        let patience = if refused { HINDSIGHT } else { PATIENCE };
        tokio::spawn(async move {
            tokio::time::sleep(patience).await;
            front.send(Event::AcceptExpired(number, tries));
        });
    }

    /// Whether a document that is waited for has newer text than the edit was sent for, so that the editor dropped it.
    pub(super) fn moved_on(&self, accept: &Accepting) -> bool {
        accept.sent.iter().filter(|file| accept.waiting.contains(&file.path)).any(|file| {
            let now = self.documents.by_path(&file.path).map(|(_, buffer)| buffer.version);
            file.kind == FileKind::Modify && now.is_some() && now != file.version
        })
    }

    /// Sends an edit anew, if what it does is still what was reviewed.
    pub(super) fn again(&mut self, number: u64) {
        let Some(accept) = self.accepting.iter().find(|known| known.number == number) else { return };
        if accept.tries < TRIES && self.is_as_reviewed(accept) {
            return self.dispatch(number);
        }
        let reason = accept
            .refused
            .clone()
            .unwrap_or_else(|| "the text changed under it; look at the hunk again".to_owned());
        self.give_up(number, reason);
    }

    fn is_as_reviewed(&self, accept: &Accepting) -> bool {
        if accept.restoring.is_some() || !accept.wrong.is_empty() {
            return true;
        }
        let pending = |id: &HunkId| {
            let hunk = self.reviews.of_hunk(id).and_then(|review| review.proposal.hunk(id));
            hunk.is_some_and(|(_, hunk)| hunk.state == HunkState::Pending && !hunk.merged_by_token)
        };
        let open = accept.files.iter().filter(|file| accept.waiting.contains(&file.path));
        open.flat_map(|file| &file.hunks).all(pending)
    }

    /// The editor's text did not come back in time.
    pub fn accept_expired(&mut self, number: u64, tries: u32) {
        let Some(accept) = self.accepting.iter().find(|known| known.number == number && known.tries == tries)
        else {
            return;
        };
        if accept.refused.is_none() {
            for path in accept.waiting.clone() {
                self.text_as_it_is(&path);
            }
        }
        let Some(accept) = self.accepting.iter().find(|known| known.number == number) else { return };
        if self.moved_on(accept) {
            return self.again(number);
        }
        let said = "the editor did not change the text; the hunk is still pending";
        let reason = accept.refused.clone().unwrap_or_else(|| said.to_owned());
        self.give_up(number, reason);
    }

    fn give_up(&mut self, number: u64, reason: String) {
        let Some(at) = self.accepting.iter().position(|known| known.number == number) else { return };
        let accept = self.accepting.remove(at);
        // Nothing is lost: whatever stands there now is what the hunks lie on.
        for (path, (now, _)) in &accept.wrong {
            self.reviews.document_replaced(path, now, None);
            self.mark_reviews(path);
        }
        self.finish_accept(accept, Some(reason));
    }

    pub(super) fn finish_accept(&mut self, accept: Accepting, reason: Option<String>) {
        let done: Vec<&AcceptFile> =
            accept.files.iter().filter(|file| !accept.waiting.contains(&file.path)).collect();
        let hunks: Vec<HunkId> = done.iter().flat_map(|file| file.hunks.iter().cloned()).collect();
        let applied = reason.is_none();
        let reason = reason.map(|reason| partly(&accept, &done, reason));
        match &accept.restoring {
            Some(restoring) => self.record_restored(&accept, restoring, &done, applied),
            None if !hunks.is_empty() => self.record_accepted(&accept, &done, &hunks),
            None => {}
        }
        if let Some(reason) = &reason {
            let what = if accept.restoring.is_some() { "not taken back" } else { "not accepted" };
            self.show(2, &format!("Galley: {what}: {reason}"));
        }
        if let Some(answer) = accept.answer {
            let hunks = hunks.into_iter().map(|id| id.0).collect();
            let _ = answer.send(Accepted { applied, reason, hunks });
        }
    }

    fn record_accepted(&mut self, accept: &Accepting, done: &[&AcceptFile], hunks: &[HunkId]) {
        let task = accept.task.clone();
        let intended = self
            .tasks
            .get(&task)
            .and_then(|view| view.applying.iter().find(|known| known.checkpoint.id == accept.checkpoint));
        // Told in full only where the texts are other ones than those that were intended.
        let files: Vec<_> = done.iter().map(|file| rollback::checkpoint_file(file)).collect();
        let same = |file: &galley_agent::event::CheckpointFile| {
            intended.is_some_and(|known| {
                known.checkpoint.files.iter().any(|told| {
                    told.before == file.before && told.after == file.after && told.path == file.path
                })
            })
        };
        let as_intended = files.iter().all(same);
        let paths = done.iter().map(|file| file.path.as_str().to_owned()).collect();
        let mut checkpoint = self.checkpoint(&[], hunks, false);
        checkpoint.id.clone_from(&accept.checkpoint);
        checkpoint.files = if as_intended { Vec::new() } else { files };
        self.record(
            &task,
            TaskEvent::Decided { hunks: hunks.to_vec(), verdict: Verdict::Accepted, text: None },
        );
        self.record(&task, TaskEvent::Applied { hunks: hunks.to_vec(), checkpoint, paths });
        if let Some(review) = hunks.first().and_then(|id| self.reviews.of_hunk_mut(id)) {
            review.note_decided(hunks);
        }
        self.close_if_decided(&task);
        self.prove_accepted(&task);
    }
}

fn refuse(answer: oneshot::Sender<Accepted>, reason: String) {
    let _ = answer.send(Accepted { applied: false, reason: Some(reason), hunks: Vec::new() });
}

/// A refusal that names what was done all the same.
fn partly(accept: &Accepting, done: &[&AcceptFile], reason: String) -> String {
    if done.is_empty() {
        return reason;
    }
    let names =
        |files: &mut dyn Iterator<Item = &RelPath>| files.map(RelPath::as_str).collect::<Vec<_>>().join(", ");
    let there = names(&mut done.iter().map(|file| &file.path));
    format!("{reason}; done in {there}, not in {}", names(&mut accept.waiting.iter()))
}

fn label(accept: &Accepting) -> String {
    if accept.restoring.is_some() {
        return "Galley: rolled back".to_owned();
    }
    let hunks = accept.hunks().len();
    let plural = if hunks == 1 { "" } else { "s" };
    format!("Galley: {hunks} hunk{plural} accepted")
}
