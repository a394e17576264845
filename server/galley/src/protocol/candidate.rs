//! Candidates on the wire: what each of several tasks with the same request came to.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Evidence;

/// Answer to `galley/candidate/list`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CandidateList {
    /// Best first.
    pub candidates: Vec<Candidate>,
}

/// One task of several with the same request.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Candidate {
    /// The task.
    pub task: String,
    /// Whether its proposal can be chosen.
    pub open: bool,
    /// `provider/model`.
    pub model: String,
    /// What its checks say, in a line.
    pub summary: String,
    /// What is to be looked at twice.
    pub warnings: usize,
    /// Lines added and removed.
    pub lines: usize,
    /// US dollars; null while no price is known.
    pub usd: Option<f64>,
    /// Its checks.
    pub evidence: Vec<Evidence>,
    /// Its hunks.
    pub hunks: Vec<CandidateHunk>,
}

/// A hunk of a candidate.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CandidateHunk {
    /// Its id.
    pub hunk: String,
    /// Workspace-relative path.
    pub path: String,
    /// The text that goes.
    pub before: String,
    /// The text that comes.
    pub after: String,
}

/// `galley/candidate/take`: hunks of another candidate into the proposal of this one.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TakeParams {
    /// The candidate that gets them.
    pub task: String,
    /// The hunks, with those that they need.
    pub hunks: Vec<String>,
}
