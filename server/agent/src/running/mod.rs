//! The loop of a task: turn by turn, tool by tool, until there is a proposal or an honest end.

mod approval;
mod candidate;
mod control;
mod ending;
mod exchange;
mod fork;
mod keeping;
mod listening;
mod looking;
mod obeying;
mod resuming;
mod rounds;
mod shortening;

use std::sync::Arc;

use futures::FutureExt;
use galley_journal::{Batch, Journal, JournalError, NewEntry, NewTask, Spend};
use galley_model::{Item, Kind};
use galley_workspace::{Overlay, Workspace};

pub(crate) use candidate::badness;
pub use control::Control;
pub use fork::fork;
pub use resuming::resume;

use crate::aside::Answered;
use crate::event::{Speaker, State, TaskEvent, Verdict};
use crate::order::{Order, Queued};
use crate::scope::Scope;
use crate::services::{Published, Services};
use crate::task::{Planning, TaskSpec};
use crate::tools::{Context, Set};
use crate::transcript::{self, Past};
use crate::verify::Verifier;
use crate::{checks, clock, prompt};
use rounds::Rounds;

/// A running task, as the front ends hold it.
#[derive(Debug, Clone)]
pub struct TaskHandle {
    /// Its id.
    pub task: String,
    control: Arc<Control>,
}

/// Why a task could not begin.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The journal cannot be written; without it nothing may happen.
    #[error("the task was not started: {0}")]
    Journal(#[from] JournalError),
    /// Scope or checks cannot be read.
    #[error("the task was not started: {0}")]
    Unreadable(String),
    /// There is no such task, or it has no beginning.
    #[error("task {0} cannot be resumed: its journal has no beginning")]
    NoBeginning(String),
    /// The task came to its end.
    #[error(
        "task {0} is at the end of its work; say what is to be done beyond it (steer it), or start a new one"
    )]
    Over(String),
    /// Another process runs it.
    #[error("task {0} is running in another process; steer it there, or with `galley task`")]
    Claimed(String),
}

impl TaskHandle {
    /// A handle for a task that is about to begin, or to go on, under this id.
    pub fn new(task: String) -> TaskHandle {
        TaskHandle { task, control: Arc::default() }
    }

    /// Gives an order and returns its id.
    pub fn order(&self, order: Order) -> String {
        let queued = Queued::new(order);
        let id = queued.id.clone();
        self.control.give(queued);
        id
    }

    /// Leaves a message for the model.
    pub fn steer(&self, message: impl Into<String>) {
        self.order(Order::Say { text: message.into() });
    }

    /// Holds the task.
    pub fn pause(&self) {
        self.order(Order::Pause);
    }

    /// Lets a held task go on.
    pub fn resume(&self) {
        self.order(Order::Resume);
    }

    /// Ends the task; what it has so far is kept as a partial proposal.
    pub fn stop(&self) {
        self.order(Order::Stop);
    }

    /// Lets go of the task because this process ends: nothing is recorded, so that it shows as interrupted and can be
    /// resumed.
    pub fn interrupt(&self) {
        self.control.interrupt();
    }
}

/// Begins a task on the current runtime. Returns as soon as the journal knows of it; may wait for the disk before.
///
/// # Errors
/// When journal, scope or checks do not allow it; then nothing has begun.
pub fn start(services: Services, handle: TaskHandle, spec: TaskSpec) -> Result<(), StartError> {
    let task = handle.task.clone();
    let snapshot = services.workspace.snapshot();
    let found = checks::detect(&snapshot).map_err(StartError::Unreadable)?;
    let scope = Scope::new(spec.scope_spec()).map_err(StartError::Unreadable)?;
    let endpoint = services.client.endpoint();
    let model = format!("{}/{}", endpoint.provider, endpoint.model);
    let recorded = endpoint.kind == Kind::Replay;
    let family = endpoint.capabilities().edit_family;
    let set = match spec.planning {
        Planning::None => prompt::tool_set(spec.mode, family),
        _ if !spec.mode.edits() => Set::ReadOnly,
        Planning::Auto | Planning::Ask => Set::Planning,
    };
    let walls = services.walls();
    let instructions = prompt::instructions(set, &found, &walls, &snapshot, &spec);
    let overlay = Overlay::new(snapshot);
    let request = prompt::request(&spec, &overlay, &services.index.snapshot());
    let started = TaskEvent::Started {
        spec: spec.clone(),
        model,
        recorded,
        instructions: instructions.clone(),
        tools: set,
        declared: transcript::declared(set),
    };
    let said = TaskEvent::Said { text: request.clone(), by: Speaker::Request };
    begin(&services, &task, &spec, &[started, said])?;
    let mut past = Past::new(spec, instructions, set);
    past.items.push(Item::User(request));
    spawn(services, handle, past, overlay, found, scope);
    Ok(())
}

/// Enters a task with its first events: there is no task without a beginning, and none that nobody has.
fn begin(services: &Services, task: &str, spec: &TaskSpec, events: &[TaskEvent]) -> Result<(), StartError> {
    let at_ms = clock::now_ms();
    let entries = events.iter().map(|event| NewEntry::new(task, event.kind(), event, at_ms));
    services.journal.commit(&Batch {
        task: Some(NewTask {
            id: task.to_owned(),
            workspace: workspace_key(&services.workspace),
            title: spec.title.clone(),
            goal: spec.goal.clone(),
            created_ms: at_ms,
        }),
        claim: Some(galley_journal::Owner::current()),
        entries: entries.collect::<Result<_, _>>()?,
        synced: true,
        ..Batch::default()
    })?;
    for event in events {
        let event = Box::new(event.clone());
        let _ = services.published.send(Published::Event { task: task.to_owned(), at_ms, event });
    }
    Ok(())
}

fn claim(services: &Services, task: &str) -> Result<(), StartError> {
    if services.journal.claim_task(task, &galley_journal::Owner::current(), clock::now_ms())? {
        return Ok(());
    }
    Err(StartError::Claimed(task.to_owned()))
}

fn spawn(
    services: Services,
    handle: TaskHandle,
    past: Past,
    overlay: Overlay,
    found: Vec<checks::Check>,
    scope: Scope,
) {
    let TaskHandle { task, control } = handle;
    let context = Context {
        task: task.clone(),
        verifier: Verifier::new(services.bench(), overlay.snapshot().clone()),
        services: services.clone(),
        set: past.set,
        overlay,
        overlaid: Default::default(),
        checks: found,
        scope,
        step: past.steps,
        evidence: past.evidence.clone(),
        answers: Vec::new(),
        call: String::new(),
        aside: Vec::new(),
        allowance: Default::default(),
        answered: Answered::new(past.asides.clone()),
        seen: Default::default(),
        outputs: Default::default(),
        grants: past.grants.clone(),
        patience: None,
        control: control.clone(),
        cancel: control.stop_token().clone(),
    };
    let after = services.journal.last_seq(&task).unwrap_or(0);
    let listener = tokio::spawn(listening::listen(services.clone(), task.clone(), control.clone(), after));
    let faults = control.clone();
    let rounds = Rounds::new(context, past, control);
    tokio::spawn(async move {
        // A fault inside one task ends that one only, and says so.
        let ran = std::panic::AssertUnwindSafe(rounds.run()).catch_unwind().await;
        if let Some(message) = faults.fault() {
            // The journal ends where it could not be written any more: so it shows, and can be resumed, as interrupted.
            let event = Box::new(TaskEvent::Ended { state: State::Interrupted, message });
            let _ = services.published.send(Published::Event {
                task: task.clone(),
                at_ms: clock::now_ms(),
                event,
            });
        } else if ran.is_err() {
            let message = "an internal fault ended the task; nothing was applied (see the log)".to_owned();
            let _ = record(&services, &task, &TaskEvent::Ended { state: State::Failed, message });
        }
        listener.abort();
        // A claim that stays behind is recognised by its dead owner.
        let _ = services.journal.release_task(&task, &galley_journal::Owner::current());
    });
}

/// Puts an event into the journal, then shows it.
///
/// # Errors
/// When the journal cannot be written; then nothing is shown.
pub(crate) fn record(services: &Services, task: &str, event: &TaskEvent) -> Result<(), JournalError> {
    record_all(services, task, std::slice::from_ref(event), None)
}

/// Puts events into the journal that are true together or not at all, with what a call of a model cost, then shows them.
///
/// # Errors
/// When the journal cannot be written; then nothing was, and nothing is shown.
pub(crate) fn record_all(
    services: &Services,
    task: &str,
    events: &[TaskEvent],
    spend: Option<Spend>,
) -> Result<(), JournalError> {
    let at_ms = clock::now_ms();
    commit(&services.journal, task, events, spend, at_ms)?;
    for event in events {
        let published = Published::Event { task: task.to_owned(), at_ms, event: Box::new(event.clone()) };
        // Nobody may be watching; the journal has it.
        let _ = services.published.send(published);
    }
    Ok(())
}

/// Puts an event of a task into the journal, with the state that it leads to.
///
/// # Errors
/// When the journal cannot be written.
pub fn record_in(journal: &Journal, task: &str, event: &TaskEvent, at_ms: i64) -> Result<(), JournalError> {
    commit(journal, task, std::slice::from_ref(event), None, at_ms)
}

fn commit(
    journal: &Journal,
    task: &str,
    events: &[TaskEvent],
    spend: Option<Spend>,
    at_ms: i64,
) -> Result<(), JournalError> {
    let entries = events.iter().map(|event| NewEntry::new(task, event.kind(), event, at_ms));
    let state = events.iter().rev().find_map(state_after);
    journal.commit(&Batch {
        entries: entries.collect::<Result<_, _>>()?,
        spend,
        state: state.map(|state| (task.to_owned(), state.word().to_owned(), at_ms)),
        synced: events.iter().any(guards_an_effect),
        ..Batch::default()
    })?;
    Ok(())
}

/// The state that an event leads to, where it tells one.
fn state_after(event: &TaskEvent) -> Option<State> {
    match event {
        TaskEvent::State { state, .. } | TaskEvent::Ended { state, .. } => Some(*state),
        TaskEvent::Asked { .. } => Some(State::Waiting),
        TaskEvent::Resumed { .. } => Some(State::Queued),
        TaskEvent::Proposed { .. } => Some(State::Proposed),
        TaskEvent::Decided { verdict: Verdict::Reopened, .. } => Some(State::Proposed),
        _ => None,
    }
}

/// Whether an event must be on the disk before anything else happens. The others survive the death of the process; where a
/// loss of power takes them, nothing but a look at text or an edit in memory is done again.
fn guards_an_effect(event: &TaskEvent) -> bool {
    // What these do happens in memory and follows from the reply, which is on the disk.
    let stays_inside = |tool: &str| matches!(tool, "read" | "search" | "plan" | "edit" | "apply_patch");
    match event {
        TaskEvent::State { .. } | TaskEvent::Warned { .. } | TaskEvent::Edited { .. } => false,
        TaskEvent::CallBegan { tool, .. } | TaskEvent::CallEnded { tool, .. } => !stays_inside(tool),
        _ => true,
    }
}

/// The events of a task. Those that this version does not know are left out.
///
/// # Errors
/// When the journal cannot be read.
pub fn events(journal: &Journal, task: &str) -> Result<Vec<TaskEvent>, JournalError> {
    Ok(timed_events(journal, task)?.into_iter().map(|(_, event)| event).collect())
}

/// The events of a task with their times, milliseconds since the epoch.
///
/// # Errors
/// When the journal cannot be read.
pub fn timed_events(journal: &Journal, task: &str) -> Result<Vec<(i64, TaskEvent)>, JournalError> {
    let entries = journal.events(task, 0)?;
    let read = |entry: galley_journal::Entry| {
        serde_json::from_str(&entry.payload).ok().map(|event| (entry.at_ms, event))
    };
    Ok(entries.into_iter().filter_map(read).collect())
}

/// The name under which the journal files a workspace.
pub fn workspace_key(workspace: &Workspace) -> String {
    galley_workspace::workspace_key(&workspace.current_roots())
}
