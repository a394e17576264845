//! Going on with a task from its journal: after its process died, or after its proposal got a comment.

use std::collections::BTreeSet;

use galley_model::{Item, ToolCall};
use galley_workspace::{Edits, Overlay};

use super::candidate::Candidate;
use super::rounds::{Next, Rounds};
use super::{StartError, TaskHandle, claim, record, record_all, spawn, timed_events};
use crate::event::{Speaker, TaskEvent};
use crate::scope::Scope;
use crate::services::Services;
use crate::task::Planning;
use crate::tools::{self, Set};
use crate::transcript::{self, Kept, Past};
use crate::view::TaskView;
use crate::worked::Worked;
use crate::{checks, decisions};

/// What is told of a call that was under way when the process died.
const CUT_OFF: &str = "Galley's process ended while this ran. Whether it came to its end is not known, and what it changed in \
                       its copy of the files is lost; it was not run again. Run it again if that does no harm.";

/// What is said for a person who wants an ended task to go on and says nothing else.
const GO_ON: &str = "Go on.";

/// Goes on with a task from its journal: one that was interrupted, or that ended before its work did; with a message of the
/// person's any, as one whose proposal is to be revised.
///
/// # Errors
/// When it is at the end of its work and there is no message, is run by another process, or its journal cannot be read.
pub fn resume(services: Services, handle: TaskHandle, message: Option<String>) -> Result<(), StartError> {
    let task = handle.task.clone();
    let events = timed_events(&services.journal, &task)?;
    let begun = transcript::fold(events.iter().map(|(_, event)| event));
    let begun = begun.ok_or_else(|| StartError::NoBeginning(task.clone()))?;
    let message = match message {
        None if !begun.over => None,
        None if view(&task, &events).can_go_on() => Some(GO_ON.to_owned()),
        None => return Err(StartError::Over(task)),
        said => said,
    };
    claim(&services, &task)?;
    // Read again: until the claim another process may have gone on with it.
    let events = timed_events(&services.journal, &task)?;
    let mut past = transcript::fold(events.iter().map(|(_, event)| event))
        .ok_or_else(|| StartError::NoBeginning(task.clone()))?;
    if past.over && message.is_none() {
        let _ = services.journal.release_task(&task, &galley_journal::Owner::current());
        return Err(StartError::Over(task));
    }
    let resumed = TaskEvent::Resumed { seconds: Worked::over(&events).seconds() };
    record(&services, &task, &resumed)?;
    past.seconds = Worked::over(&events).seconds();
    if !past.declared.is_empty() && past.declared != transcript::declared(past.set) {
        let cause =
            "this version of Galley declares its tools in other words than the one that began the task";
        record(&services, &task, &TaskEvent::PrefixBroken { cause: cause.to_owned() })?;
    }
    let snapshot = services.workspace.snapshot();
    if past.over
        && let Some(continued) = decisions::continued(&view(&task, &events), &snapshot)
    {
        record(&services, &task, &continued)?;
        if let TaskEvent::Continued { left, offered, overlay } = continued {
            (past.left, past.overlay) = (Some((*left, offered)), Some(overlay));
            // Another change than the one that was looked at.
            past.look = None;
        }
    }
    if let Some(message) = message {
        let told = decisions::told(&view(&task, &events));
        let message = if told.is_empty() { message } else { format!("{told}\n\n{message}") };
        hear(&services, &task, &mut past, message)?;
    }
    // What was ordered before the process died is still to be obeyed.
    for queued in past.queue.take() {
        handle.control.enqueue(queued);
    }
    let found = checks::detect(&snapshot).map_err(StartError::Unreadable)?;
    let scope = Scope::new(past.scope.clone()).map_err(StartError::Unreadable)?;
    let overlay = match &past.overlay {
        Some(edits) => Overlay::from_edits(snapshot, edits).overlay,
        None => Overlay::new(snapshot),
    };
    spawn(services, handle, past, overlay, found, scope);
    Ok(())
}

/// Puts the person's words behind the conversation. A call that has no result yet gets one first: no provider takes words
/// between a call and its result.
fn hear(services: &Services, task: &str, past: &mut Past, message: String) -> Result<(), StartError> {
    let mut events = Vec::new();
    for call in transcript::unanswered(&past.items) {
        let output =
            if call.name == "finish" { "offered for review" } else { "not run: the task was stopped" };
        let summary = format!("{}: {output}", call.name);
        past.summaries.insert(call.call_id.clone(), summary.clone());
        past.items.push(result(&call, output));
        events.push(ended(&call, past.steps, output, summary));
    }
    past.begun.clear();
    events.push(TaskEvent::Said { text: message.clone(), by: Speaker::Person });
    record_all(services, task, &events, None)?;
    past.said.push(message.clone());
    past.items.push(Item::User(message));
    Ok(())
}

fn result(call: &ToolCall, output: &str) -> Item {
    Item::ToolResult {
        call_id: call.call_id.clone(),
        name: call.name.clone(),
        free_text: call.free_text,
        output: output.to_owned(),
        is_error: false,
    }
}

fn ended(call: &ToolCall, step: u32, output: &str, summary: String) -> TaskEvent {
    TaskEvent::CallEnded {
        step,
        call_id: call.call_id.clone(),
        tool: call.name.clone(),
        free_text: call.free_text,
        output: output.to_owned(),
        is_error: false,
        summary,
        ms: 0,
        overlay: None,
        partial: true,
        reverted: Vec::new(),
    }
}

fn view(task: &str, events: &[(i64, TaskEvent)]) -> TaskView {
    let mut view = TaskView::new(task);
    events.iter().for_each(|(_, event)| view.apply(1, event));
    view
}

impl Rounds {
    /// Takes up what was under way when the journal ends: the approval of a plan, or the calls of a reply that is paid for.
    pub(super) async fn take_up(&mut self) -> Next {
        if self.awaits_approval() {
            return self.approval().await;
        }
        let open = transcript::unanswered(&self.past.items);
        let begun = std::mem::take(&mut self.past.begun);
        let open = self.answer_cut_off(open, &begun);
        if open.is_empty() {
            return Next::Again;
        }
        self.run_calls(open).await
    }

    /// Whether a plan was submitted and nothing was said of it.
    fn awaits_approval(&self) -> bool {
        let submitted = matches!(self.past.items.last(), Some(Item::ToolResult { name, is_error: false, .. }) if name == "plan");
        self.past.set == Set::Planning && self.past.spec.planning != Planning::None && submitted
    }

    /// Tells the model of those that had begun and must not be run twice; the others are to be run.
    fn answer_cut_off(&mut self, open: Vec<ToolCall>, begun: &BTreeSet<String>) -> Vec<ToolCall> {
        let repeatable = |call: &ToolCall| !begun.contains(&call.call_id) || tools::is_repeatable(call);
        let (again, cut): (Vec<_>, Vec<_>) = open.into_iter().partition(repeatable);
        for call in cut {
            let summary = format!("{}: cut off, not run again", tools::announce(&call));
            self.past.summaries.insert(call.call_id.clone(), summary.clone());
            self.context.record(&ended(&call, self.context.step, CUT_OFF, summary));
            self.push(result(&call, CUT_OFF));
        }
        again
    }

    /// Answers a call that comes too late in its reply.
    pub(super) fn put_aside(&mut self, call: &ToolCall) {
        const TOO_LATE: &str =
            "not run: it came after the plan was submitted; call it again if it is still needed";
        let summary = format!("{}: not run", call.name);
        self.past.summaries.insert(call.call_id.clone(), summary.clone());
        self.context.record(&ended(call, self.context.step, TOO_LATE, summary));
        self.push(result(call, TOO_LATE));
    }

    /// A state of the edits that the journal tells of.
    pub(super) fn candidate_of(&self, kept: &Kept) -> Candidate {
        let Edits { files } = &kept.overlay;
        let snapshot = self.context.overlay.snapshot().clone();
        let overlay = Overlay::from_edits(snapshot, &Edits { files: files.clone() }).overlay;
        Candidate::new(&overlay, kept.evidence.clone(), Vec::new(), kept.attempt)
    }
}
