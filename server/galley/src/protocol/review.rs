//! The review on the wire: proposals, hunks, decisions, evidence, and the way back.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Range;

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
