//! Going back: what a task changed is taken out again by an inverse merge, so that later work stays.

use galley_agent::event::{Checkpoint, CheckpointFile, TaskEvent};
use galley_review::{AcceptFile, FileKind};
use galley_text::diff;
use galley_text::format::FileChange;
use galley_text::path::RelPath;
use tokio::sync::oneshot;

use super::accepting::Restoring;
use super::state::State;
use crate::protocol::{self, Accepted, RestoreParams};
use crate::rollback::{self, Inverse};

impl State {
    /// The checkpoints of this workspace's tasks, latest last.
    pub fn checkpoints(&self) -> Vec<protocol::Checkpoint> {
        let mut found: Vec<protocol::Checkpoint> = Vec::new();
        for view in self.tasks.values() {
            let title = view.spec.as_ref().map(|spec| spec.title.clone()).unwrap_or_default();
            found.extend(view.checkpoints.iter().map(|checkpoint| protocol::Checkpoint {
                checkpoint: checkpoint.id.clone(),
                task: view.task.clone(),
                title: title.clone(),
                at_ms: checkpoint.at_ms,
                files: checkpoint.files.iter().map(|file| file.path.clone()).collect(),
            }));
        }
        found.sort_by(|a, b| a.checkpoint.cmp(&b.checkpoint));
        found
    }

    /// Takes back the latest checkpoint of a task, or the named one. The answer comes when the text came back; with it the
    /// files that both sides changed.
    ///
    /// # Errors
    /// Words for the person.
    pub fn restore(
        &mut self,
        params: &RestoreParams,
    ) -> Result<(oneshot::Receiver<Accepted>, Vec<String>), String> {
        let (task, checkpoint) = self.meant_checkpoint(params)?;
        let mut files = Vec::new();
        let mut conflicts = Vec::new();
        for file in &checkpoint.files {
            match self.inverse(file) {
                Ok(Some(inverse)) => files.push(inverse),
                Ok(None) => {}
                Err(path) => conflicts.push(path),
            }
        }
        if files.is_empty() && !conflicts.is_empty() {
            return Err(format!(
                "nothing was taken back: later changes touch the same lines in {}",
                conflicts.join(", ")
            ));
        }
        let (answer, answered) = oneshot::channel();
        let restoring = Restoring { task, checkpoint: checkpoint.id, conflicts: conflicts.clone() };
        self.send_edit(files, answer, Some(restoring));
        Ok((answered, conflicts))
    }

    fn meant_checkpoint(&self, params: &RestoreParams) -> Result<(String, Checkpoint), String> {
        let mut found: Vec<(&String, &Checkpoint)> = Vec::new();
        for view in
            self.tasks.values().filter(|view| params.task.as_ref().is_none_or(|task| view.task == *task))
        {
            let wanted = |known: &&Checkpoint| params.checkpoint.as_ref().is_none_or(|id| known.id == *id);
            found.extend(view.checkpoints.iter().filter(wanted).map(|checkpoint| (&view.task, checkpoint)));
        }
        let latest = found.into_iter().max_by(|(_, a), (_, b)| a.id.cmp(&b.id));
        latest
            .map(|(task, checkpoint)| (task.clone(), checkpoint.clone()))
            .ok_or_else(|| "there is nothing to take back".to_owned())
    }

    /// The edit that takes one file back; `None` when there is nothing to do, the path when both sides changed the same
    /// lines.
    fn inverse(&self, file: &CheckpointFile) -> Result<Option<AcceptFile>, String> {
        let path = RelPath::new(&file.path).map_err(|error| error.to_string())?;
        let (now, version) = self.text_now(&path);
        let (kind, base, result) = match rollback::inverse(&path, file, now) {
            Inverse::Nothing => return Ok(None),
            Inverse::Conflict | Inverse::Change(FileChange::Move { .. }) => return Err(file.path.clone()),
            Inverse::Change(FileChange::Update { before, after, .. }) => (FileKind::Modify, before, after),
            Inverse::Change(FileChange::Delete { before, .. }) => (FileKind::Delete, before, String::new()),
            Inverse::Change(FileChange::Add { text, .. }) => (FileKind::Add, String::new(), text),
        };
        let edits = if kind == FileKind::Modify { diff::edits(&base, &result) } else { Default::default() };
        Ok(Some(AcceptFile { path, kind, base, version, edits, result, hunks: Vec::new(), mode: None }))
    }

    fn text_now(&self, path: &RelPath) -> (Option<String>, Option<i32>) {
        match self.documents.by_path(path) {
            Some((_, buffer)) => (Some(buffer.rope.to_string()), Some(buffer.version)),
            None => (self.workspace.snapshot().peek(path).ok().map(|text| text.to_string()), None),
        }
    }

    /// The editor's text came back as meant: the restoring is recorded.
    pub fn record_restored(&mut self, restoring: Restoring) {
        let Restoring { task, checkpoint, conflicts } = restoring;
        self.record(&task, TaskEvent::RolledBack { checkpoint, conflicts });
    }
}
