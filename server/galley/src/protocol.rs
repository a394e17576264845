//! The `galley/*` messages, version 1: the one place where they are written down. The clients' types and the JSON schema
//! (`galley protocol schema`) are made from these; every request is mirrored by `workspace/executeCommand` under the same
//! name with dots.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Version that both sides announce under `capabilities.experimental.galley.version`.
pub const VERSION: u32 = 1;

/// A position as LSP counts: zero-based, in the negotiated encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Position {
    /// Zero-based line.
    pub line: u32,
    /// Zero-based code unit of the negotiated encoding.
    pub character: u32,
}

/// A half-open range of positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Range {
    /// Its start.
    pub start: Position,
    /// Its end, exclusive.
    pub end: Position,
}

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
    /// Whether work on it may begin, where it waits for approval.
    pub approve: bool,
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

/// Which hunks are meant: these, or every pending one of a file, of a proposal, or of all.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct HunkChoice {
    /// Ids of hunks.
    pub hunks: Option<Vec<String>>,
    /// A document.
    pub uri: Option<String>,
    /// A proposal.
    pub proposal: Option<String>,
    /// Whether the hunks that are needed are taken along.
    pub prerequisites: bool,
    /// For a reject: why, for the model.
    pub reason: Option<String>,
    /// For an accept: apply it even if it fails the checks that are configured to run before.
    pub unchecked: bool,
}

/// `galley/hunk/mark`: hunks that were looked at. A choice as for an accept, and the mark.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct MarkParams {
    /// Ids of hunks.
    pub hunks: Option<Vec<String>>,
    /// A document.
    pub uri: Option<String>,
    /// A proposal.
    pub proposal: Option<String>,
    /// The mark; absent: it is taken away.
    pub reviewed: bool,
}

/// `galley/hunk/undo`: decisions that are taken back; absent: the latest.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct UndoParams {
    /// Ids of hunks that were accepted or rejected.
    pub hunks: Option<Vec<String>>,
    /// A proposal, for the latest decision in it.
    pub proposal: Option<String>,
}

/// Answer to `galley/hunk/undo`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Undone {
    /// Whether the decision was taken back.
    pub applied: bool,
    /// Why not.
    pub reason: Option<String>,
    /// The hunks that wait for a decision again.
    pub hunks: Vec<String>,
}

/// Answer to an accept.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Accepted {
    /// Whether the edit went to the editor and came back as meant.
    pub applied: bool,
    /// Why not.
    pub reason: Option<String>,
    /// The hunks that are accepted now.
    pub hunks: Vec<String>,
}

/// Answer to a reject.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HunkList {
    /// The hunks.
    pub hunks: Vec<String>,
}

/// `galley/hunk/edit` and `galley/hunk/comment`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HunkText {
    /// The hunk.
    pub hunk: String,
    /// Its new text, or the comment.
    pub text: String,
}

/// `galley/hunk/why`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HunkRef {
    /// The hunk.
    pub hunk: String,
}

/// Answer to `galley/hunk/why`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Why {
    /// Reason and evidence.
    pub markdown: String,
}

/// `galley/proposal/get` and `galley/proposal/diff`
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ProposalRef {
    /// The proposal; absent: the latest.
    pub proposal: Option<String>,
    /// Only this document.
    pub uri: Option<String>,
}

/// Answer to `galley/proposal/diff`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DiffDocument {
    /// A file with the diff.
    pub uri: String,
}

/// `galley/checkpoint/restore`
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct RestoreParams {
    /// The checkpoint; absent: the latest of the task.
    pub checkpoint: Option<String>,
    /// The task; absent: the latest with a checkpoint.
    pub task: Option<String>,
    /// Everything of the task, not only its latest checkpoint.
    pub all: bool,
    /// Everything since the checkpoint, of any task, and the checkpoint itself.
    pub since: bool,
    /// Only these hunks of what was accepted.
    pub hunks: Option<Vec<String>>,
}

/// Answer to `galley/checkpoint/restore`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Restored {
    /// Whether anything was taken back.
    pub applied: bool,
    /// Why not.
    pub reason: Option<String>,
    /// Places that both sides changed, in words; they stay as they are, and come as hunks to decide.
    pub conflicts: Vec<String>,
}

/// One checkpoint.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Checkpoint {
    /// Its id.
    pub checkpoint: String,
    /// The task.
    pub task: String,
    /// The task's title.
    pub title: String,
    /// What was done: `2 hunks accepted`, `rolled back`.
    pub label: String,
    /// When it was made, milliseconds since the epoch.
    pub at_ms: i64,
    /// Workspace-relative paths.
    pub files: Vec<String>,
}

/// Answer to `galley/checkpoint/list`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckpointList {
    /// Latest last.
    pub checkpoints: Vec<Checkpoint>,
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
    /// `provider/model`.
    pub model: String,
    /// Whether the replies come from a recording.
    pub recorded: bool,
    /// Its proposal.
    pub proposal: Option<String>,
    /// The closing sentence.
    pub message: Option<String>,
    /// Milliseconds since the epoch.
    pub created_ms: i64,
    /// Milliseconds since the epoch.
    pub updated_ms: i64,
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

/// Answer to `galley/task/list`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskList {
    /// Latest last.
    pub tasks: Vec<Task>,
}

/// A proposal under review.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Proposal {
    /// Its id.
    pub proposal: String,
    /// Its task.
    pub task: String,
    /// A few words.
    pub title: String,
    /// Whether the task ended before it was finished.
    pub partial: bool,
    /// Whether a hunk is still to be decided.
    pub open: bool,
    /// What a reviewer should look at twice.
    pub warnings: Vec<String>,
    /// What was checked.
    pub evidence: Vec<Evidence>,
    /// The check of exactly what was accepted; null before the first accept.
    pub accepted_checks: Option<AcceptedChecks>,
    /// File by file.
    pub files: Vec<ProposedFile>,
}

/// The check of exactly what was accepted.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AcceptedChecks {
    /// running, passed, failed or notRun.
    pub state: String,
    /// One line.
    pub summary: String,
    /// The accepted hunks that it speaks of.
    pub hunks: Vec<String>,
    /// Hunks without which it fails.
    pub lacks: Vec<String>,
}

/// The hunks of a file.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProposedFile {
    /// The document.
    pub uri: String,
    /// Workspace-relative path.
    pub path: String,
    /// modify, add, delete or move.
    pub kind: String,
    /// For a move: where it was.
    pub from_uri: Option<String>,
    /// The document's version that the ranges belong to; null when it is not open.
    pub version: Option<i32>,
    /// In order of position.
    pub hunks: Vec<Hunk>,
}

/// One hunk.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Hunk {
    /// Its id, stable over rebases.
    pub hunk: String,
    /// Its place among the proposal's hunks, from 1.
    pub number: usize,
    /// How many hunks the proposal has.
    pub of: usize,
    /// pending, accepted, rejected, conflicted or obsolete.
    pub state: String,
    /// What it does to the file as a whole, in words; null where it only changes lines.
    pub whole_file: Option<String>,
    /// The lines that it replaces in the document as it is now.
    pub range: Range,
    /// Their text.
    pub before: String,
    /// The text that takes their place.
    pub after: String,
    /// The model's reason.
    pub reason: Option<String>,
    /// Hunks that it needs.
    pub requires: Vec<String>,
    /// Open hunks that need it, and are rejected with it.
    pub needed_by: Vec<String>,
    /// Whether the person marked it as looked at.
    pub reviewed: bool,
    /// Whether the person rewrote its text.
    pub edited: bool,
    /// The person's comment, while the model revises the hunk.
    pub comment: Option<String>,
    /// Whether lines that the person typed into were merged token by token.
    pub merged_by_token: bool,
    /// Both sides, when conflicted.
    pub conflict: Option<Conflict>,
}

/// The sides of a conflict.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Conflict {
    /// The text that both started from.
    pub base: String,
    /// The person's.
    pub yours: String,
    /// The proposal's.
    pub theirs: String,
}

/// The result of a check.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
    /// The check.
    pub check: String,
    /// The command.
    pub command: String,
    /// Its exit code.
    pub exit_code: Option<i32>,
    /// passed, failed or notRun.
    pub status: String,
    /// One line.
    pub summary: String,
    /// Failed before, does not any more.
    pub fixed: Vec<String>,
    /// Did not fail before, fails now.
    pub newly_failing: Vec<String>,
    /// Failed before, fails still.
    pub still_failing: Vec<String>,
    /// Tests that failed and passed on the same content.
    pub flaky: Vec<String>,
    /// Tests that passed before and are not run any more.
    pub gone: Vec<String>,
    /// Seconds.
    pub seconds: f64,
    /// Level of the sandbox.
    pub sandbox: String,
    /// Hash of the content.
    pub hash: String,
    /// Whether the content has changed since.
    pub stale: bool,
}

/// Answer to `galley/proposal/list`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProposalList {
    /// Latest last.
    pub proposals: Vec<Proposal>,
}

/// The status line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// The line.
    pub text: String,
    /// ok, busy, review, warning or error.
    pub level: String,
    /// Known symbols.
    pub symbols: usize,
    /// `provider/model`; null when none is configured.
    pub model: Option<String>,
    /// Running tasks.
    pub tasks: usize,
    /// Hunks to decide.
    pub hunks: usize,
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

/// `galley/document/text`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DocumentRef {
    /// The document.
    pub uri: String,
}

/// Answer to `galley/document/text`: an open document as the server has it, so that a client can make sure.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DocumentText {
    /// Its text.
    pub text: String,
    /// The client's version of it.
    pub version: i32,
}

/// Nothing.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct Empty {}

/// The requests of a client: method, and whether the mirrored command is offered.
pub const REQUESTS: &[&str] = &[
    "galley/task/start",
    "galley/task/list",
    "galley/task/get",
    "galley/task/steer",
    "galley/task/requeue",
    "galley/task/change",
    "galley/task/fork",
    "galley/plan/update",
    "galley/task/pause",
    "galley/task/resume",
    "galley/task/cancel",
    "galley/proposal/list",
    "galley/proposal/get",
    "galley/proposal/diff",
    "galley/hunk/accept",
    "galley/hunk/reject",
    "galley/hunk/edit",
    "galley/hunk/comment",
    "galley/hunk/mark",
    "galley/hunk/split",
    "galley/hunk/undo",
    "galley/hunk/why",
    "galley/hunk/show",
    "galley/checkpoint/list",
    "galley/checkpoint/restore",
    "galley/document/text",
    "galley/status",
];

/// The mirrored command of a request: `galley/task/start` is `galley.task.start`.
pub fn command(method: &str) -> String {
    method.replace('/', ".")
}

/// The request that a command mirrors.
pub fn method(command: &str) -> String {
    command.replace('.', "/")
}

/// The JSON schema of all messages, by name.
pub fn schema() -> serde_json::Value {
    let mut generator = schemars::SchemaGenerator::default();
    let mut messages: BTreeMap<&str, schemars::Schema> = BTreeMap::new();
    macro_rules! add {
        ($($method:literal: $params:ty => $answer:ty),* $(,)?) => {
            $(
                messages.insert(concat!($method, " params"), generator.subschema_for::<$params>());
                messages.insert(concat!($method, " result"), generator.subschema_for::<$answer>());
            )*
        };
    }
    add! {
        "galley/task/start": StartParams => TaskRef,
        "galley/task/list": Empty => TaskList,
        "galley/task/get": TaskRef => Task,
        "galley/task/steer": SteerParams => MessageRef,
        "galley/task/requeue": RequeueParams => Empty,
        "galley/task/change": ChangeParams => Empty,
        "galley/task/fork": ForkParams => TaskRef,
        "galley/plan/update": PlanParams => Empty,
        "galley/task/pause": OptionalTask => Empty,
        "galley/task/resume": OptionalTask => Empty,
        "galley/task/cancel": OptionalTask => Empty,
        "galley/proposal/list": Empty => ProposalList,
        "galley/proposal/get": ProposalRef => Proposal,
        "galley/proposal/diff": ProposalRef => DiffDocument,
        "galley/hunk/accept": HunkChoice => Accepted,
        "galley/hunk/reject": HunkChoice => HunkList,
        "galley/hunk/edit": HunkText => Empty,
        "galley/hunk/comment": HunkText => Empty,
        "galley/hunk/mark": MarkParams => HunkList,
        "galley/hunk/undo": UndoParams => Undone,
        "galley/hunk/split": HunkRef => HunkList,
        "galley/hunk/why": HunkRef => Why,
        "galley/hunk/show": HunkRef => Empty,
        "galley/checkpoint/list": Empty => CheckpointList,
        "galley/checkpoint/restore": RestoreParams => Restored,
        "galley/document/text": DocumentRef => DocumentText,
        "galley/status": Empty => Status,
        "galley/approval/request": ApprovalParams => ApprovalAnswer,
        "galley/task/didUpdate": Task => Empty,
        "galley/task/didDraft": Drafts => Empty,
        "galley/proposal/didChange": Proposal => Empty,
        "galley/status/didChange": Status => Empty,
    }
    serde_json::json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Galley protocol",
        "version": VERSION,
        "messages": messages,
        "$defs": generator.definitions(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_is_in_the_schema_and_has_a_command() {
        let schema = schema();
        for request in REQUESTS {
            assert!(schema["messages"][format!("{request} params")].is_object(), "{request}");
            assert_eq!(method(&command(request)), *request);
        }
    }
}
