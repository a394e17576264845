//! The `galley/*` messages, version 1: the one place where they are written down. The clients' types and the JSON schema
//! (`galley protocol schema`) are made from these; every request is mirrored by `workspace/executeCommand` under the same
//! name with dots.

mod candidate;
mod editor;
mod review;
mod task;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use candidate::*;
pub use editor::*;
pub use review::*;
pub use task::*;

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
    /// The level at which commands are sandboxed on this machine; null until it is known.
    pub sandbox: Option<String>,
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
    "galley/candidate/list",
    "galley/candidate/choose",
    "galley/candidate/take",
    "galley/plan/get",
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
        "galley/candidate/list": OptionalTask => CandidateList,
        "galley/candidate/choose": TaskRef => Empty,
        "galley/candidate/take": TakeParams => Empty,
        "galley/plan/get": OptionalTask => PlanDocument,
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
        "galley/editor/diagnostics": EditorDiagnosticsParams => EditorDiagnostics,
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
