//! Going back: what tasks changed is taken out again by an inverse merge, so that later work stays.

use galley_agent::event::{Checkpoint, TaskEvent, Verdict};
use galley_review::{AcceptFile, HunkId, Proposal};
use tokio::sync::oneshot;

use super::accepting::{Accepting, Restoring};
use super::reviews::Review;
use super::state::State;
use crate::protocol::{self, Accepted, RestoreParams};
use crate::rollback;

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
                label: checkpoint.label.clone(),
                at_ms: checkpoint.at_ms,
                files: checkpoint.files.iter().map(|file| file.path.clone()).collect(),
            }));
        }
        found.sort_by(|a, b| a.checkpoint.cmp(&b.checkpoint));
        found
    }

    /// Takes back what is meant: a checkpoint, all since one, a task, or some hunks. The answer comes when the text came
    /// back; with it the places that both sides changed, which stay as they are.
    ///
    /// # Errors
    /// Words for the person.
    pub fn restore(
        &mut self,
        params: &RestoreParams,
    ) -> Result<(oneshot::Receiver<Accepted>, Vec<String>), String> {
        let only: Option<Vec<HunkId>> =
            params.hunks.as_ref().map(|hunks| hunks.iter().map(|id| HunkId(id.clone())).collect());
        let meant = self.meant_checkpoints(params, only.as_deref())?;
        let task = meant[0].0.clone();
        self.take_turn(&task, &[])?;
        let checkpoints: Vec<&Checkpoint> = meant.iter().map(|(_, checkpoint)| checkpoint).collect();
        let mut taken = rollback::take_back(&checkpoints, only.as_deref(), &|path| self.text_now(path).0);
        let conflicts: Vec<String> = taken.conflicts.iter().map(rollback::told).collect();
        if taken.files.is_empty() && conflicts.is_empty() {
            return Err("nothing to take back: the change is not there any more".to_owned());
        }
        let whole = only.is_none();
        let takes_back = if whole {
            meant.iter().map(|(task, checkpoint)| (task.clone(), checkpoint.id.clone())).collect()
        } else {
            Vec::new()
        };
        let restoring = Restoring {
            takes_back,
            hunks: only.unwrap_or_default(),
            conflicts: std::mem::take(&mut taken.conflicts),
            brings_back: meant.iter().all(|(_, checkpoint)| checkpoint.rollback),
        };
        let (answer, answered) = oneshot::channel();
        let mut files = std::mem::take(&mut taken.files);
        for file in &mut files {
            file.version = self.documents.by_path(&file.path).map(|(_, buffer)| buffer.version);
        }
        self.send_edit(task, files, Vec::new(), answer, Some(restoring), &taken);
        Ok((answered, conflicts))
    }

    /// Takes accepted hunks back by what the checkpoints know of them.
    pub fn restore_hunks(&mut self, ids: &[HunkId]) -> Result<oneshot::Receiver<Accepted>, String> {
        let hunks = Some(ids.iter().map(|id| id.0.clone()).collect());
        let (answered, _) = self.restore(&RestoreParams { hunks, ..RestoreParams::default() })?;
        Ok(answered)
    }

    /// The checkpoints that are meant, with their tasks, latest first; never none.
    fn meant_checkpoints(
        &self,
        params: &RestoreParams,
        only: Option<&[HunkId]>,
    ) -> Result<Vec<(String, Checkpoint)>, String> {
        let mut all: Vec<(String, Checkpoint)> = self
            .tasks
            .values()
            .flat_map(|view| view.checkpoints.iter().map(|known| (view.task.clone(), known.clone())))
            .collect();
        all.sort_by(|(_, a), (_, b)| b.id.cmp(&a.id));
        rollback::meant(all, params, only)
    }

    /// The editor's text came back as meant, or in part: the taking back is recorded, and what both sides changed is put up
    /// for decision.
    pub fn record_restored(
        &mut self,
        accept: &Accepting,
        restoring: &Restoring,
        done: &[&AcceptFile],
        applied: bool,
    ) {
        if done.is_empty() && !applied {
            return;
        }
        let conflicts: Vec<String> = restoring.conflicts.iter().map(rollback::told).collect();
        let paths = done.iter().map(|file| file.path.as_str().to_owned()).collect();
        let first = restoring.takes_back.last().map(|(_, id)| id.clone()).unwrap_or_default();
        let made = Some(accept.checkpoint.clone());
        let event = TaskEvent::RolledBack { checkpoint: first, conflicts, made, paths };
        self.record(&accept.task, event);
        let others: Vec<(String, String)> =
            restoring.takes_back.iter().filter(|(task, _)| *task != accept.task).cloned().collect();
        for (task, checkpoint) in others {
            let event =
                TaskEvent::RolledBack { checkpoint, conflicts: Vec::new(), made: None, paths: Vec::new() };
            self.record(&task, event);
        }
        if !restoring.hunks.is_empty() {
            let hunks = restoring.hunks.clone();
            self.record(&accept.task, TaskEvent::Decided { hunks, verdict: Verdict::Reopened, text: None });
            self.reopened(&accept.task, &restoring.hunks);
        }
        let title =
            self.tasks.get(&accept.task).and_then(|view| view.spec.as_ref()).map(|spec| spec.title.clone());
        let title = title.unwrap_or_default();
        if let Some(proposal) =
            rollback::conflicts_to_decide(&accept.task, &title, &accept.checkpoint, &restoring.conflicts)
        {
            self.offer_conflicts(&accept.task, proposal);
        }
    }

    /// Hunks whose accept was taken back wait for a decision again.
    fn reopened(&mut self, task: &str, hunks: &[HunkId]) {
        let known = hunks.first().and_then(|id| self.reviews.of_hunk_mut(id));
        let Some(review) = known else {
            // The proposal of a task that was closed in an earlier session comes back with its decisions.
            if let Some(view) = self.tasks.get(task).cloned() {
                self.reopen(&view);
            }
            return;
        };
        review.closed = false;
        review.forget_decided(hunks);
        let proposal = review.proposal.id.0.clone();
        self.show_review(&proposal);
    }

    fn offer_conflicts(&mut self, task: &str, proposal: Proposal) {
        let id = proposal.id.0.clone();
        let count = proposal.all().count();
        let summary = format!(
            "rolled back but for {count} place{} that changed since; decide about these",
            if count == 1 { "" } else { "s" }
        );
        let event = TaskEvent::Proposed {
            proposal: proposal.clone(),
            evidence: Vec::new(),
            summary: summary.clone(),
        };
        self.record(task, event);
        let paths: Vec<_> = proposal.files.iter().map(|file| file.document().clone()).collect();
        self.reviews.add(Review::new(proposal, Vec::new()));
        paths.iter().for_each(|path| self.text_as_it_is(path));
        self.show(3, &format!("Galley: {summary}"));
        self.show_review(&id);
    }
}
