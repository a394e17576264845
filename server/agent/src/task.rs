//! What a person asked for: the goal, where it came from, and its limits.

use galley_text::path::RelPath;
use serde::{Deserialize, Serialize};

use crate::scope::ScopeSpec;

/// One request of the person's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskSpec {
    /// The request in the person's own words.
    pub goal: String,
    /// A few words for lists and status lines.
    pub title: String,
    /// What kind of work was asked for.
    pub mode: Mode,
    /// Where in the workspace the request was made, if anywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// Globs of the paths that the task may change; empty: the whole workspace.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scope: Vec<String>,
    /// What else binds the task's changes: symbols, lines, protected classes. Its paths are `scope`.
    #[serde(default, skip_serializing_if = "ScopeSpec::is_empty")]
    pub limits: ScopeSpec,
    /// Whether a plan comes before anything is changed.
    #[serde(default, skip_serializing_if = "Planning::is_none")]
    pub planning: Planning,
    /// Limits on what the task may spend.
    #[serde(default)]
    pub budget: Budget,
    /// Where the same request is given to several tasks, of which the person takes one: which of them it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contest: Option<Contest>,
}

/// One of several tasks with the same request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contest {
    /// The id that they share.
    pub group: String,
    /// Its number, from 1.
    pub number: u32,
    /// How many there are.
    pub of: u32,
}

impl TaskSpec {
    /// The scope as one.
    pub fn scope_spec(&self) -> ScopeSpec {
        let mut scope = self.limits.clone();
        scope.paths.extend(self.scope.iter().cloned());
        scope
    }
}

/// Whether a task explores and plans before it may change anything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Planning {
    /// It begins at once; a plan is the model's choice.
    #[default]
    None,
    /// It plans first and goes on by itself.
    Auto,
    /// It plans first and waits for the person's approval.
    Ask,
}

impl Planning {
    /// Whether there is no plan before the work.
    pub fn is_none(&self) -> bool {
        *self == Planning::None
    }
}

/// The kind of work that was asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Make a diagnostic or a failing test go away by its cause.
    Fix,
    /// Write what is missing at the place.
    Implement,
    /// Change the shape and keep the behaviour.
    Refactor,
    /// Write tests for the place.
    Tests,
    /// Write documentation for the place.
    Document,
    /// Answer in words; nothing may be edited.
    Explain,
    /// Whatever the goal says.
    #[default]
    Free,
}

impl Mode {
    /// Whether the mode may edit at all. The harness enforces it: an explaining task is given no tool that writes.
    pub fn edits(self) -> bool {
        self != Mode::Explain
    }
}

/// A place that a request was made at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Origin {
    /// The file.
    pub path: RelPath,
    /// First and last line of the selection or symbol, one-based and inclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines: Option<(u32, u32)>,
    /// The name of the symbol at the place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symbol: Option<String>,
    /// The diagnostics that the editor showed there, as text with one-based lines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diagnostics: Vec<String>,
}

/// Limits of a task. A limit that is absent does not bind.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Budget {
    /// US dollars, over all turns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usd: Option<f64>,
    /// Input and output tokens together, over all turns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// Rounds of the loop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<u32>,
    /// Seconds of wall time while the task runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<u64>,
}

impl Budget {
    /// No limit at all.
    pub const NONE: Budget = Budget { usd: None, tokens: None, steps: None, seconds: None };

    /// These limits, replaced by those that are given.
    pub fn with(&self, given: &Budget) -> Budget {
        Budget {
            usd: given.usd.or(self.usd),
            tokens: given.tokens.or(self.tokens),
            steps: given.steps.or(self.steps),
            seconds: given.seconds.or(self.seconds),
        }
    }

    /// Half as much again of every limit.
    pub fn larger(&self) -> Budget {
        Budget {
            usd: self.usd.map(|usd| usd * 1.5),
            tokens: self.tokens.map(|tokens| tokens + tokens / 2),
            steps: self.steps.map(|steps| steps + steps.div_ceil(2)),
            seconds: self.seconds.map(|seconds| seconds + seconds / 2),
        }
    }
}

impl Default for Budget {
    fn default() -> Self {
        Budget { usd: Some(2.0), tokens: None, steps: Some(60), seconds: Some(1800) }
    }
}

/// Cuts a goal down to a title of one line.
pub fn title_of(goal: &str) -> String {
    let line = goal.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("task");
    let mut title: String = line.chars().take(72).collect();
    if line.chars().count() > 72 {
        title.push('…');
    }
    title
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_one_short_line() {
        assert_eq!(title_of("\n  fix the test\nand more"), "fix the test");
        assert_eq!(title_of(""), "task");
        assert_eq!(title_of(&"é".repeat(100)).chars().count(), 73);
    }

    #[test]
    fn a_spec_of_an_older_version_reads_with_defaults() {
        let spec: TaskSpec = serde_json::from_str(r#"{"goal":"g","title":"t","mode":"fix"}"#).unwrap();
        assert_eq!(spec.budget, Budget::default());
        assert_eq!(spec.scope, Vec::<String>::new());
    }
}
