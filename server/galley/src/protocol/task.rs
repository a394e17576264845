//! Tasks on the wire: their start, the person's orders, what they do and cost, what they ask.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Range;

/// `galley/task/start`
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct StartParams {
    /// The request in the person's words.
    pub goal: String,
    /// The document it was made in.
    pub uri: Option<String>,
    /// The place in it.
    pub range: Option<Range>,
    /// fix, implement, refactor, tests, document, explain or free.
    pub mode: Option<String>,
    /// Globs of what may be changed.
    pub scope: Vec<String>,
    /// What else binds the change.
    pub limits: ScopeParams,
    /// Whether a plan comes first: none, auto (then goes on by itself) or ask; absent: as set.
    pub plan: Option<String>,
    /// Limits.
    pub budget: Option<BudgetParams>,
    /// `provider/model` for this task.
    pub model: Option<String>,
    /// Gives the request to so many tasks, at most 8, which share the budget; the best of what they propose is put under
    /// review.
    pub best_of: Option<u32>,
    /// `provider/model` of these tasks, taken in turn.
    pub models: Vec<String>,
    /// Diagnostics at the place, as the editor shows them.
    pub diagnostics: Vec<String>,
}

/// What a task may change. What is not given does not bind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ScopeParams {
    /// Globs of paths.
    pub paths: Vec<String>,
    /// Globs of paths that may be changed whole beside those.
    pub also: Vec<String>,
    /// Names of symbols.
    pub symbols: Vec<String>,
    /// Lines, added and removed ones together.
    pub lines: Option<u32>,
    /// tests, ci, locks, api, generated or rules: asked for before each change.
    pub protect: Vec<String>,
}

/// `galley/task/change`: other limits, scope or model for a task that runs.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ChangeParams {
    /// The task; absent: the latest that runs.
    pub task: Option<String>,
    /// Limits; absent ones stay.
    pub budget: Option<BudgetParams>,
    /// The scope, in place of the present one.
    pub scope: Option<ScopeParams>,
    /// `provider/model`, from the next turn on.
    pub model: Option<String>,
}

/// `galley/plan/update`: another plan in place of the present one.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PlanParams {
    /// The task; absent: the latest that runs.
    pub task: Option<String>,
    /// The items.
    pub plan: Vec<PlanItem>,
    /// The items as a text, in the form of `galley/plan/get`; given, `plan` does not count.
    pub text: Option<String>,
    /// Whether work on it may begin, where it waits for approval.
    pub approve: bool,
}

/// Answer to `galley/plan/get`: the plan as a text that a person can edit.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanDocument {
    /// The task.
    pub task: String,
    /// A line an item, with marks; lines that begin with `#` are notes.
    pub text: String,
    /// Whether the task waits for the plan's approval.
    pub waits: bool,
}

/// `galley/task/fork`: a new task that shares the beginning of another.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ForkParams {
    /// The other task.
    pub task: String,
    /// Its last round that is shared, from 1; 0 for none.
    pub step: u32,
    /// The words to go on with.
    pub message: String,
}

/// `galley/task/requeue`: new words for a message that waits, or none to take it back.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RequeueParams {
    /// The task; absent: the latest that runs.
    pub task: Option<String>,
    /// The message's id.
    pub message: String,
    /// Its new text; absent: it is taken back.
    pub text: Option<String>,
}

/// Answer to what waits in the queue: its id.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageRef {
    /// The message's id.
    pub message: String,
}

/// A message that waits for the next safe point.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WaitingMessage {
    /// Its id.
    pub message: String,
    /// Its text, or what is ordered.
    pub text: String,
}

/// Limits of a task.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct BudgetParams {
    /// US dollars.
    pub usd: Option<f64>,
    /// Input and output tokens.
    pub tokens: Option<u64>,
    /// Rounds.
    pub steps: Option<u32>,
    /// Seconds of wall time.
    pub seconds: Option<u64>,
}

/// Answer of `galley/task/start`, and parameters of those requests that name a task.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskRef {
    /// The task's id.
    pub task: String,
}

/// `galley/task/steer`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SteerParams {
    /// The task; absent: the latest that runs.
    pub task: Option<String>,
    /// The message.
    pub message: String,
}

/// `galley/task/pause`, `resume`, `cancel`
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct OptionalTask {
    /// The task; absent: the latest that runs.
    pub task: Option<String>,
}

/// A task.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Task {
    /// Its id.
    pub task: String,
    /// A few words.
    pub title: String,
    /// The request.
    pub goal: String,
    /// The state's word.
    pub state: String,
    /// One line: what happens now.
    pub activity: String,
    /// The plan.
    pub plan: Vec<PlanItem>,
    /// What its last replanning changed, as lines that begin with `+`, `-` or `~`.
    #[serde(default)]
    pub plan_changes: Vec<String>,
    /// What the plan reaches beyond what it names, a line a symbol.
    #[serde(default)]
    pub touches: Vec<String>,
    /// Messages that wait.
    #[serde(default)]
    pub queue: Vec<WaitingMessage>,
    /// What it may change.
    #[serde(default)]
    pub scope: ScopeParams,
    /// What the person was told beside: warnings, shortened conversations.
    #[serde(default)]
    pub notes: Vec<String>,
    /// The tool calls.
    pub steps: Vec<Step>,
    /// What it used.
    pub usage: Usage,
    /// What of it each phase used, in the order in which they were first entered.
    #[serde(default)]
    pub phases: Vec<Phase>,
    /// `provider/model`.
    pub model: String,
    /// Whether the replies come from a recording.
    pub recorded: bool,
    /// Whether `galley/task/resume` goes on with it: it is paused, or ended before its work did.
    #[serde(default)]
    pub resumable: bool,
    /// Its proposal.
    pub proposal: Option<String>,
    /// The closing sentence.
    pub message: Option<String>,
    /// Milliseconds since the epoch.
    pub created_ms: i64,
    /// Milliseconds since the epoch.
    pub updated_ms: i64,
    /// Milliseconds that it ran; what it rested for a review, or while nobody ran it, does not count.
    #[serde(default)]
    pub worked_ms: i64,
}

/// An item of a plan.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanItem {
    /// What is to be done.
    pub text: String,
    /// pending, active, done or dropped.
    pub state: String,
    /// Nested items.
    #[serde(default)]
    pub items: Vec<PlanItem>,
}

/// A tool call as a line.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// The round.
    pub step: u32,
    /// The tool.
    pub tool: String,
    /// One line.
    pub summary: String,
    /// running, ok or error.
    pub state: String,
    /// Milliseconds.
    pub ms: u64,
    /// What the model was told.
    pub detail: Option<String>,
}

/// `galley/task/didDraft`: the edits of the call that the model is writing; none when the call is whole or void.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Drafts {
    /// The task.
    pub task: String,
    /// Its edits so far, in the order in which they are written.
    pub drafts: Vec<Draft>,
}

/// An edit that is being written. Nothing can be decided about it yet.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Draft {
    /// The document.
    pub uri: String,
    /// Workspace-relative path.
    pub path: String,
    /// The first line that it replaces in the task's tree, zero-based; null for a new file, or where it is not known.
    pub line: Option<u32>,
    /// The lines that go.
    pub old: String,
    /// The lines that come, as far as they are written.
    pub new: String,
}

/// Tokens and dollars.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// Input tokens, cached ones included.
    pub input: u64,
    /// Of these, read from the provider's cache.
    pub cached: u64,
    /// Output tokens.
    pub output: u64,
    /// Of these, reasoning.
    pub reasoning: u64,
    /// US dollars; null while no price is known.
    pub usd: Option<f64>,
}

/// What the turns of one phase of a task used.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Phase {
    /// The word of the task's state in it: planning, exploring, editing.
    pub phase: String,
    /// Turns.
    pub turns: u32,
    /// What they used.
    pub usage: Usage,
}

/// Answer to `galley/task/list`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskList {
    /// Latest last.
    pub tasks: Vec<Task>,
}

/// `galley/approval/request`, from the server
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApprovalParams {
    /// Id of the question.
    pub approval: String,
    /// The task that asks.
    pub task: String,
    /// The question.
    pub title: String,
    /// What they need to know.
    pub detail: String,
    /// The answers, the safe one first.
    pub options: Vec<ApprovalOption>,
}

/// One answer to choose.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ApprovalOption {
    /// What is answered.
    pub id: String,
    /// What is shown.
    pub label: String,
}

/// Answer to `galley/approval/request`
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ApprovalAnswer {
    /// The chosen id; null: no.
    pub option: Option<String>,
}
