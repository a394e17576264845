//! Tasks that other processes run or review on the same workspace: another editor, a terminal. What they do is read from the
//! journal and shown as if it happened here; orders to their tasks go through the journal; and only one process at a time
//! applies hunks of a task.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use galley_agent::event::{State as TaskState, TaskEvent, Verdict};
use galley_agent::view::TaskView;
use galley_agent::{Order, Published};
use galley_journal::{Journal, Owner, Seq};
use galley_review::{HunkId, HunkState};
use galley_text::path::RelPath;
use galley_workspace::Bell;
use tokio::sync::Notify;

use super::event::Event;
use super::state::State;

/// So long the journal is let be after a look: writes come in bursts. Where nobody tells of writes, how often it is looked at.
const EVERY: Duration = Duration::from_millis(250);
/// After so many looks it is asked whether those who run tasks still live.
const LOOKS: u32 = 4;
/// The same while they are silent.
const SILENCE: Duration = Duration::from_secs(1);

/// What another process did.
#[derive(Debug, Clone)]
pub enum Elsewhere {
    /// An event of a task: its number, its time in milliseconds since the epoch.
    Event(Seq, i64, String, Box<TaskEvent>),
    /// The process that ran a task is dead.
    Died(String),
}

/// What is known of the doings of other processes.
#[derive(Debug, Default)]
pub struct Others {
    /// The newest event of each task that its view has taken in when it was read from the journal.
    read_to: BTreeMap<String, Seq>,
    /// Tasks that this process has claimed in order to change files for them.
    turns: BTreeSet<String>,
    /// Hunks that another process accepted and whose text has not come to this editor yet.
    accepted: BTreeSet<HunkId>,
}

impl State {
    /// Gives an order to the task that is meant (the named one, or the latest that runs), wherever it runs. Returns the
    /// order's id.
    ///
    /// # Errors
    /// Words for the person.
    pub fn order(&mut self, task: Option<&str>, order: Order) -> Result<String, String> {
        let here = self.meant_task(task).cloned();
        let runs = |view: &&TaskView| !view.state.is_over();
        if let Ok(handle) = &here
            && self.tasks.get(&handle.task).is_none_or(|view| runs(&view))
        {
            return Ok(handle.order(order));
        }
        let view = match task {
            Some(task) => self.tasks.get(task).ok_or_else(|| format!("there is no task {task}"))?,
            None => self.tasks.values().rfind(runs).ok_or("no task is running")?,
        };
        if !runs(&view) {
            return Err(format!("task {} does not run now ({})", view.task, view.state.word()));
        }
        let journal = self.journal.as_ref().map_err(Clone::clone)?;
        if !journal.owner(&view.task).ok().flatten().is_some_and(|claim| claim.alive) {
            return Err(format!("task {} was interrupted; resume it first", view.task));
        }
        galley_agent::order::give(journal, &view.task, order).map_err(|error| error.to_string())
    }

    /// Notes up to which event a task was read from the journal.
    pub fn read_to(&mut self, task: &str, seq: Seq) {
        self.others.read_to.insert(task.to_owned(), seq);
    }

    /// Looks at the journal from now on whenever somebody writes it. `after` is the newest event that was there before
    /// earlier tasks were read. While nobody does, and nobody runs a task elsewhere, nothing wakes up.
    pub fn watch_others(&self, after: Seq) {
        let Ok(journal) = self.journal.clone() else { return };
        let front = self.front.clone();
        let key = galley_agent::workspace_key(&self.workspace);
        self.tasks_runtime.spawn(async move {
            let written = Arc::new(Notify::new());
            let ring = Arc::clone(&written);
            let bell = Bell::new(journal.state_dir(), move || ring.notify_one()).ok();
            let mut watch = Watch { journal, key, after, version: 0, running: BTreeSet::new() };
            let mut in_silence = false;
            for look in 0_u32.. {
                let asked = tokio::task::spawn_blocking(move || {
                    let found = watch.look(in_silence || look % LOOKS == 0);
                    (watch, found)
                });
                let Ok((next, found)) = asked.await else { return };
                watch = next;
                found.into_iter().for_each(|found| front.send(Event::Elsewhere(found)));
                tokio::time::sleep(EVERY).await;
                in_silence = match bell {
                    None => false,
                    Some(_) if watch.running.is_empty() => {
                        written.notified().await;
                        false
                    }
                    Some(_) => tokio::time::timeout(SILENCE, written.notified()).await.is_err(),
                };
            }
        });
    }

    /// Takes in what another process did.
    pub fn elsewhere(&mut self, done: Elsewhere) {
        match done {
            Elsewhere::Event(seq, at_ms, task, event) => {
                let known = self.others.read_to.entry(task.clone()).or_default();
                if seq <= *known {
                    return;
                }
                *known = seq;
                self.task_elsewhere(at_ms, task, event);
            }
            Elsewhere::Died(task) => {
                if let Some(view) = self.tasks.get_mut(&task).filter(|view| !view.state.is_over()) {
                    view.state = TaskState::Interrupted;
                    view.activity = format!("interrupted at step {}; nothing was applied", view.steps.len());
                    self.dirty.tasks.insert(task);
                    self.dirty.status = true;
                }
            }
        }
    }

    fn task_elsewhere(&mut self, at_ms: i64, task: String, event: Box<TaskEvent>) {
        // A task that runs here hears its orders itself, and shows them.
        if matches!(*event, TaskEvent::Ordered { .. }) && self.running(&task).is_some() {
            return;
        }
        let reviewed = matches!(
            *event,
            TaskEvent::Decided { .. } | TaskEvent::Applied { .. } | TaskEvent::RolledBack { .. }
        );
        if let TaskEvent::Decided { hunks, verdict, .. } = &*event {
            match verdict {
                Verdict::Accepted => self.others.accepted.extend(hunks.iter().cloned()),
                Verdict::Reopened => self.others.accepted.retain(|id| !hunks.contains(id)),
                _ => {}
            }
        }
        let closed = matches!(*event, TaskEvent::Ended { .. });
        self.task_published(Published::Event { task: task.clone(), at_ms, event });
        if reviewed && let Some(view) = self.tasks.get(&task).cloned() {
            self.reopen(&view);
        }
        if closed {
            let of_task = self.reviews.iter_mut().find(|review| review.proposal.task == task);
            let proposal = of_task.map(|review| {
                review.closed = true;
                review.proposal.id.0.clone()
            });
            proposal.iter().for_each(|proposal| self.show_review(proposal));
        }
    }

    /// The hunks that another process accepted have come to a document.
    pub fn settle_elsewhere(&mut self, path: &RelPath) {
        if self.others.accepted.is_empty() {
            return;
        }
        let ids: Vec<HunkId> = self.others.accepted.iter().cloned().collect();
        for review in self.reviews.iter_mut().filter(|review| review.concerns(path)) {
            for id in galley_agent::decisions::settle_accepted(&mut review.proposal, &ids) {
                self.others.accepted.remove(&id);
            }
        }
    }

    /// Takes the turn to change files for a task, and takes in what was done for it elsewhere until then.
    ///
    /// # Errors
    /// Words for the person: another process has the turn, or has accepted these hunks.
    pub fn take_turn(&mut self, task: &str, ids: &[HunkId]) -> Result<(), String> {
        let journal = self.journal.clone()?;
        let claimed = journal.claim_task(task, &Owner::current(), galley_agent::clock::now_ms());
        if !claimed.map_err(|error| error.to_string())? {
            return Err("another editor or terminal works on this task right now; try again when it is done"
                .to_owned());
        }
        self.others.turns.insert(task.to_owned());
        let known = self.others.read_to.get(task).copied().unwrap_or(0);
        for entry in journal.events(task, known).map_err(|error| error.to_string())? {
            if !journal.is_own(entry.seq)
                && let Ok(event) = serde_json::from_str(&entry.payload)
            {
                self.elsewhere(Elsewhere::Event(entry.seq, entry.at_ms, task.to_owned(), Box::new(event)));
            }
        }
        let pending = |id: &&HunkId| {
            let hunk = self.reviews.of_hunk(id).and_then(|review| review.proposal.hunk(id));
            hunk.is_some_and(|(_, hunk)| hunk.state == HunkState::Pending)
        };
        match ids.iter().filter(|id| self.others.accepted.contains(*id)).find(pending) {
            Some(_) => {
                Err("this hunk was accepted in another editor or terminal; reload the file".to_owned())
            }
            None => Ok(()),
        }
    }

    /// Leaves the turn to the task that begins or goes on here: it keeps the claim until its end.
    pub fn yield_turn(&mut self, task: &str) {
        self.others.turns.remove(task);
    }

    /// Lets others have their turn where nothing is on its way any more.
    pub fn end_turns(&mut self) {
        if self.others.turns.is_empty() {
            return;
        }
        let Ok(journal) = self.journal.clone() else { return };
        for task in std::mem::take(&mut self.others.turns) {
            if self.accepting.iter().any(|accept| accept.task == task) {
                self.others.turns.insert(task);
            } else if self.running(&task).is_none() {
                // A claim that stays behind is recognised by its dead owner.
                let _ = journal.release_task(&task, &Owner::current());
            }
        }
    }

    /// Whether another living process has the turn to change files for a task.
    pub fn is_claimed_elsewhere(&self, task: &str) -> bool {
        let Ok(journal) = &self.journal else { return false };
        let claim = journal.owner(task).ok().flatten();
        claim.is_some_and(|claim| claim.alive && claim.owner != Owner::current())
    }
}

/// The look at the journal.
struct Watch {
    journal: Journal,
    key: String,
    after: Seq,
    version: u64,
    /// Tasks that run elsewhere.
    running: BTreeSet<String>,
}

impl Watch {
    fn look(&mut self, at_owners: bool) -> Vec<Elsewhere> {
        let mut found = Vec::new();
        let version = self.journal.data_version().unwrap_or(self.version);
        if version != self.version
            && let Ok((entries, after)) = self.journal.others(&self.key, self.after)
        {
            (self.version, self.after) = (version, after);
            for entry in entries {
                self.running.insert(entry.task.clone());
                if let Ok(event) = serde_json::from_str(&entry.payload) {
                    found.push(Elsewhere::Event(entry.seq, entry.at_ms, entry.task, Box::new(event)));
                }
            }
        }
        if at_owners {
            let journal = &self.journal;
            let dead = |task: &String| match journal.owner(task) {
                Ok(Some(claim)) => !claim.alive,
                // Released: it came to its end, which its events tell.
                Ok(None) => true,
                Err(_) => false,
            };
            let gone: Vec<String> = self.running.iter().filter(|task| dead(task)).cloned().collect();
            for task in gone {
                self.running.remove(&task);
                found.push(Elsewhere::Died(task));
            }
        }
        found
    }
}
