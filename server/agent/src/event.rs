//! The events of a task: what the journal holds, in order. Everything that is shown, resumed, audited or replayed of a task
//! is read from this stream, so a variant, once written by a released version, keeps its meaning.

use std::collections::HashMap;

use galley_model::{Item, Reply};
use galley_review::{HunkId, Proposal};
use galley_text::path::RelPath;
use galley_workspace::Edits;
use serde::{Deserialize, Serialize};

use crate::aside::Phase;
use crate::compact;
use crate::critic::Claim;
use crate::order::Queued;
use crate::task::{Budget, TaskSpec};
use crate::verify::Evidence;

/// The state of a task, in the words that a person sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// Waits for its turn.
    #[serde(rename = "queued")]
    Queued,
    /// Writes its plan.
    #[serde(rename = "planning")]
    Planning,
    /// Reads and searches.
    #[serde(rename = "exploring")]
    Exploring,
    /// Changes its overlay.
    #[serde(rename = "editing")]
    Editing,
    /// Runs checks in its shadow.
    #[serde(rename = "verifying")]
    Verifying,
    /// Compares its diff with goal and scope.
    #[serde(rename = "checking itself")]
    CheckingItself,
    /// Offers a proposal for review.
    #[serde(rename = "proposed")]
    Proposed,
    /// Closed: everything is decided, or there was nothing to change.
    #[serde(rename = "done")]
    Done,
    /// Stopped by the person until resumed.
    #[serde(rename = "paused")]
    Paused,
    /// Needs an answer of the person.
    #[serde(rename = "waiting")]
    Waiting,
    /// Ended without a result; the message says why.
    #[serde(rename = "failed")]
    Failed,
    /// Ended by the person.
    #[serde(rename = "cancelled")]
    Cancelled,
    /// Its process died; it can be resumed.
    #[serde(rename = "interrupted")]
    Interrupted,
}

impl State {
    /// The word for the state.
    pub fn word(self) -> &'static str {
        match self {
            State::Queued => "queued",
            State::Planning => "planning",
            State::Exploring => "exploring",
            State::Editing => "editing",
            State::Verifying => "verifying",
            State::CheckingItself => "checking itself",
            State::Proposed => "proposed",
            State::Done => "done",
            State::Paused => "paused",
            State::Waiting => "waiting",
            State::Failed => "failed",
            State::Cancelled => "cancelled",
            State::Interrupted => "interrupted",
        }
    }

    /// Whether the loop of the task is at an end (a proposal may still be open).
    pub fn is_over(self) -> bool {
        matches!(self, State::Proposed | State::Done | State::Failed | State::Cancelled | State::Interrupted)
    }
}

/// An item of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanItem {
    /// What is to be done.
    pub text: String,
    /// How far it is.
    pub state: PlanState,
    /// Nested items.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<PlanItem>,
}

/// How far an item of a plan is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PlanState {
    /// Not begun.
    Pending,
    /// Being worked on.
    Active,
    /// Finished.
    Done,
    /// Given up; stays readable.
    Dropped,
}

/// What the person did with hunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Applied as shown.
    Accepted,
    /// Not wanted.
    Rejected,
    /// Text changed by the person before accepting.
    Edited,
    /// A remark for the model.
    Commented,
    /// A decision was taken back.
    Reopened,
    /// Marked as looked at.
    Reviewed,
    /// The mark was taken away.
    Unreviewed,
    /// Split into its parts, which are named after it.
    Split,
}

/// One event of a task.
#[derive(Debug, Clone, Serialize, Deserialize)]
// Externally tagged: the raw items of a reply must pass through serde untouched, which tagged enums do not allow.
#[serde(rename_all = "snake_case")]
pub enum TaskEvent {
    /// The task began. Holds the frozen part of every request, so that a resumed task sends the same bytes.
    Started {
        /// What was asked for.
        spec: TaskSpec,
        /// `provider/model`.
        model: String,
        /// Whether the replies come from a recording.
        recorded: bool,
        /// The system text.
        instructions: String,
        /// The tool set by name, see [`crate::tools::Set`].
        tools: crate::tools::Set,
        /// Hash of the declarations of its tools; empty in journals of older versions.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        declared: String,
    },
    /// The state or the one-line activity changed.
    State {
        /// The new state.
        state: State,
        /// One line: what is happening.
        activity: String,
    },
    /// A text that was appended to the conversation in the person's role: the request itself, a steer, a note of the harness.
    Said {
        /// The text as the model gets it.
        text: String,
        /// Who said it.
        by: Speaker,
    },
    /// A complete reply of the model.
    Reply {
        /// The reply with the provider's own items.
        reply: Box<Reply>,
        /// US dollars, if the price is known.
        usd: Option<f64>,
    },
    /// Another model took over: it answers from the next reply on.
    Switched {
        /// `provider/model` that answered so far.
        from: String,
        /// `provider/model` that answers now.
        to: String,
        /// Why, in one line.
        reason: String,
    },
    /// A tool call is about to run.
    CallBegan {
        /// Number of the round, from 1.
        step: u32,
        /// The provider's id of the call.
        call_id: String,
        /// The tool.
        tool: String,
        /// One line for the person.
        summary: String,
    },
    /// A tool call has run.
    CallEnded {
        /// Number of the round, from 1.
        step: u32,
        /// The provider's id of the call.
        call_id: String,
        /// The tool.
        tool: String,
        /// Whether the call was of the free-text form.
        #[serde(default)]
        free_text: bool,
        /// What the model is told.
        output: String,
        /// Whether the call failed.
        is_error: bool,
        /// One line for the person: what came out.
        summary: String,
        /// Milliseconds that it took.
        ms: u64,
        /// The overlay's edits that are new with this call, or, unless `partial`, all of them; absent if none changed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        overlay: Option<Edits>,
        /// Whether `overlay` holds only what is new.
        #[serde(default)]
        partial: bool,
        /// Files that are as at the start again.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        reverted: Vec<RelPath>,
    },
    /// The plan was replaced.
    Plan {
        /// The new plan.
        items: Vec<PlanItem>,
        /// What it reaches beyond what it names, a line a symbol; empty where only states moved.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        touches: Vec<String>,
    },
    /// The plan is approved: from here on the task has tools that write.
    Approved {
        /// The system text from here on.
        instructions: String,
        /// The tool set from here on.
        tools: crate::tools::Set,
    },
    /// The person gave an order; it waits until it is taken.
    Ordered {
        /// The order.
        queued: Queued,
    },
    /// An order was carried out.
    Taken {
        /// The order's id.
        id: String,
    },
    /// The limits were changed.
    Budgeted {
        /// All limits from here on.
        budget: Budget,
    },
    /// Something that the person should know now.
    Warned {
        /// A sentence.
        text: String,
    },
    /// The next request does not begin with the bytes of the one before, so that the provider's cache starts anew.
    PrefixBroken {
        /// Why.
        cause: String,
    },
    /// The conversation was shortened to stay inside the model's window.
    Compacted {
        /// How.
        shortened: Shortened,
        /// Why.
        cause: String,
        /// Input tokens of the next request before, about.
        before: u64,
        /// The same after.
        after: u64,
    },
    /// This task shares its beginning with another.
    Forked {
        /// The other task.
        from: String,
        /// Its last round that is shared, from 1; 0 for none.
        step: u32,
    },
    /// The scope was changed.
    Scoped {
        /// The new scope.
        scope: crate::scope::ScopeSpec,
        /// Who changed it.
        by: Speaker,
    },
    /// An edit with its reason, for the hunks that come of it.
    Edited {
        /// The file, workspace-relative.
        path: String,
        /// The model's reason.
        why: String,
        /// Text that the edit put in place.
        new: String,
    },
    /// A reply outside of the conversation: to a critic, a sub-task, of a summary.
    Aside {
        /// What it was for.
        phase: Phase,
        /// By which a resumed task finds it: what it was asked in.
        key: String,
        /// `provider/model`.
        model: String,
        /// The reply.
        reply: Box<Reply>,
        /// US dollars, if the price is known.
        usd: Option<f64>,
    },
    /// A sub-task began.
    SubBegan {
        /// Number of the round, from 1.
        step: u32,
        /// Its id: that of the call which asks for it, with a number.
        sub: String,
        /// Whether it reads or edits.
        phase: Phase,
        /// What it is asked.
        ask: String,
    },
    /// A sub-task ended.
    SubEnded {
        /// Its id.
        sub: String,
        /// What it answered.
        output: String,
        /// Whether nothing came of it.
        is_error: bool,
        /// One line for the person.
        summary: String,
        /// Milliseconds that it took.
        ms: u64,
    },
    /// A critic looked at the change as it stood.
    Looked {
        /// Hash of the content.
        hash: String,
        /// What it said that nothing confirms, as notes for the person.
        notes: Vec<String>,
        /// What a command confirmed.
        confirmed: Vec<Claim>,
    },
    /// A check has run.
    Checked {
        /// The result.
        evidence: Evidence,
    },
    /// The person was asked.
    Asked {
        /// Id of the question.
        question: String,
        /// The question.
        text: String,
        /// What the answer allows or forbids for the rest of the task; empty where it does neither.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        grant: String,
    },
    /// The person answered, or did not.
    Answered {
        /// Id of the question.
        question: String,
        /// The chosen option, `None` when dismissed.
        option: Option<String>,
    },
    /// The edits as they are were verified, and are no worse than what was verified before: what a task keeps when it is
    /// stopped.
    Candidate {
        /// The attempt to finish that it came of, from 1; 0 where the model checked on its way.
        attempt: u32,
        /// All edits.
        overlay: Edits,
        /// What the checks said of them.
        evidence: Vec<Evidence>,
    },
    /// Another process goes on with the task.
    Resumed {
        /// Seconds that it ran before, its interruptions left out.
        seconds: u64,
    },
    /// A proposal is offered.
    Proposed {
        /// The proposal as it was made.
        proposal: Proposal,
        /// The checks that speak of it.
        evidence: Vec<Evidence>,
        /// The model's summary.
        summary: String,
    },
    /// The person decided on hunks.
    Decided {
        /// The hunks.
        hunks: Vec<HunkId>,
        /// The decision.
        verdict: Verdict,
        /// Comment, edited text, or why it was rejected.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<String>,
    },
    /// A task whose proposal was offered goes on, from the review as the person left it.
    Continued {
        /// The proposal with every decision so far.
        left: Box<Proposal>,
        /// Its hunks that are in the overlay again.
        offered: Vec<HunkId>,
        /// The overlay that the task goes on with.
        overlay: Edits,
    },
    /// Accepted hunks, or the taking back of some, are about to reach the person's files. Whether they did is told by
    /// [`TaskEvent::Applied`] or [`TaskEvent::RolledBack`] with the same checkpoint; a process that died in between leaves
    /// it to the texts to tell.
    Applying {
        /// The hunks; none when a checkpoint is returned to.
        hunks: Vec<HunkId>,
        /// What is to be changed, file by file.
        checkpoint: Checkpoint,
        /// The checkpoints that are taken back by it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        takes_back: Vec<String>,
    },
    /// Accepted hunks are in the person's files; with what is needed to take them back.
    Applied {
        /// The hunks.
        hunks: Vec<HunkId>,
        /// What was changed, file by file; no file when [`TaskEvent::Applying`] told them.
        checkpoint: Checkpoint,
        /// Of the files told before, those that were changed.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        paths: Vec<String>,
    },
    /// Applied changes were taken back.
    RolledBack {
        /// The checkpoint that was taken back; of several the earliest.
        checkpoint: String,
        /// Files with lines that both sides changed; these were left to the person.
        conflicts: Vec<String>,
        /// The checkpoint that this made: taking it back brings the change back.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        made: Option<String>,
        /// Of the files told before, those that were changed.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        paths: Vec<String>,
    },
    /// What is in the person's files after an accept was checked, as exactly that subset of the hunks.
    SubsetChecked {
        /// The accepted hunks.
        hunks: Vec<HunkId>,
        /// The results.
        evidence: Vec<Evidence>,
        /// Hunks without which it fails.
        lacks: Vec<HunkId>,
    },
    /// The loop of the task is over.
    Ended {
        /// How it ended.
        state: State,
        /// A sentence for the person.
        message: String,
    },
}

/// How a conversation was shortened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shortened {
    /// Old outputs of tools gave way to a line each.
    Masked {
        /// The items before this index.
        before: usize,
    },
    /// A record took the place of everything between the request and the latest rounds.
    Recorded {
        /// The items before this index.
        before: usize,
        /// The record.
        record: String,
    },
}

impl Shortened {
    /// Does it to a conversation; `summaries` has a line for each call.
    pub fn apply(&self, items: &mut Vec<Item>, summaries: &HashMap<String, String>) {
        match self {
            Shortened::Masked { before } => {
                compact::mask(items, *before, |id| summaries.get(id).cloned());
            }
            Shortened::Recorded { before, record } => compact::replace(items, *before, record),
        }
    }
}

/// Who put a text into the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Speaker {
    /// The person's request with its context.
    Request,
    /// A steer of the person's.
    Person,
    /// A note of the harness (a nudge, a repetition, a broken call).
    Harness,
}

/// A state that can be returned to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Its id.
    pub id: String,
    /// When it was made, milliseconds since the epoch.
    #[serde(default)]
    pub at_ms: i64,
    /// What was done, in a few words: `2 hunks accepted`.
    #[serde(default)]
    pub label: String,
    /// Whether it took something back.
    #[serde(default)]
    pub rollback: bool,
    /// What was changed, file by file.
    pub files: Vec<CheckpointFile>,
}

/// One file of a checkpoint: its text before and after the change; `None` where it did not exist.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckpointFile {
    /// Workspace-relative path.
    pub path: String,
    /// Text before.
    pub before: Option<String>,
    /// Text after.
    pub after: Option<String>,
    /// Where the file was moved from by the change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The hunks that made the difference, in the order of their places; empty where it is not known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hunks: Vec<CheckpointHunk>,
    /// The file as it was on disk, where it is gone after the change: how it was written, its permissions, its link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saved: Option<galley_workspace::apply::Saved>,
    /// What became of its mode, if anything did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<galley_review::ModeChange>,
}

/// One hunk within a file of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckpointHunk {
    /// Its id.
    pub id: HunkId,
    /// Its lines in the text after: bytes, half-open.
    pub range: std::ops::Range<usize>,
    /// What stood there before.
    pub before: String,
}

/// A decision on hunks in words, as the model may be told of it.
pub fn decision(hunks: usize, verdict: Verdict, text: Option<&str>) -> String {
    let word = match verdict {
        Verdict::Accepted => "accepted",
        Verdict::Rejected => "rejected",
        Verdict::Edited => "edited by the person",
        Verdict::Commented => "commented",
        Verdict::Reopened => "open again",
        Verdict::Reviewed => "looked at",
        Verdict::Unreviewed => "to be looked at again",
        Verdict::Split => "split",
    };
    let text = text.map(|text| format!(": {text}")).unwrap_or_default();
    format!("{hunks} hunk{} {word}{text}", if hunks == 1 { "" } else { "s" })
}

impl TaskEvent {
    /// The name under which the journal files the event.
    pub fn kind(&self) -> &'static str {
        match self {
            TaskEvent::Started { .. } => "started",
            TaskEvent::State { .. } => "state",
            TaskEvent::Said { .. } => "said",
            TaskEvent::Reply { .. } => "reply",
            TaskEvent::Switched { .. } => "switched",
            TaskEvent::CallBegan { .. } => "call_began",
            TaskEvent::CallEnded { .. } => "call_ended",
            TaskEvent::Plan { .. } => "plan",
            TaskEvent::Approved { .. } => "approved",
            TaskEvent::Ordered { .. } => "ordered",
            TaskEvent::Taken { .. } => "taken",
            TaskEvent::Budgeted { .. } => "budgeted",
            TaskEvent::Warned { .. } => "warned",
            TaskEvent::PrefixBroken { .. } => "prefix_broken",
            TaskEvent::Compacted { .. } => "compacted",
            TaskEvent::Forked { .. } => "forked",
            TaskEvent::Scoped { .. } => "scoped",
            TaskEvent::Edited { .. } => "edited",
            TaskEvent::Aside { .. } => "aside",
            TaskEvent::SubBegan { .. } => "sub_began",
            TaskEvent::SubEnded { .. } => "sub_ended",
            TaskEvent::Looked { .. } => "looked",
            TaskEvent::Checked { .. } => "checked",
            TaskEvent::Asked { .. } => "asked",
            TaskEvent::Answered { .. } => "answered",
            TaskEvent::Candidate { .. } => "candidate",
            TaskEvent::Resumed { .. } => "resumed",
            TaskEvent::Proposed { .. } => "proposed",
            TaskEvent::Decided { .. } => "decided",
            TaskEvent::Continued { .. } => "continued",
            TaskEvent::Applying { .. } => "applying",
            TaskEvent::Applied { .. } => "applied",
            TaskEvent::SubsetChecked { .. } => "subset_checked",
            TaskEvent::RolledBack { .. } => "rolled_back",
            TaskEvent::Ended { .. } => "ended",
        }
    }
}
