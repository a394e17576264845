//! Judging a command before it runs: a small language of words, rules and reasons.
//!
//! The line is parsed as a shell would; every simple command in it is judged alone, and the strictest
//! answer wins. What is not known is asked for.

mod allow;
mod confined;
mod forbid;
mod judge;
mod parse;
mod places;
#[cfg(test)]
mod tests;

pub use judge::judge;

use serde::{Deserialize, Serialize};

/// What may be done with a command, mildest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// It may run.
    Allow,
    /// The person is asked.
    Ask,
    /// It must not run.
    Forbid,
}

/// How much harm a command could do outside of a sandbox, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// It only reads.
    None,
    /// It changes what can be made again.
    Low,
    /// It changes files or reaches out.
    Medium,
    /// It destroys, discloses or gains rights.
    High,
}

/// The answer to a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// What may be done.
    pub decision: Decision,
    /// How much harm it could do.
    pub risk: Risk,
    /// Why, a sentence each, the weightiest first.
    pub reasons: Vec<String>,
}

/// What the workspace adds to the built-in rules.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// Known checks of the project; a command whose first words are these may run.
    pub checks: Vec<Vec<String>>,
    /// Commands that the person allowed, by their first words.
    pub allow: Vec<Vec<String>>,
    /// Commands to be asked for even if they are otherwise allowed, by their first words.
    pub ask: Vec<Vec<String>>,
    /// Commands that must not run, by their first words.
    pub forbid: Vec<Vec<String>>,
}
