//! One request, one answer, without state: what `galley batch` serves.
//!
//! JSON belongs to the binary; here are typed values in and out, so that the same functions can be scored, served
//! and tested.

use std::collections::BTreeMap;

use crate::format::{EditFormat, FileChange, Tree};
use crate::path::RelPath;

/// Merges a proposal into what the person has meanwhile; `None` where a person must decide.
pub fn merge(base: &str, user: &str, proposal: &str) -> Option<String> {
    let merged = crate::merge::merge(base, user, proposal);
    merged.is_clean().then_some(merged.text)
}

/// A refused edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The kind of error, one word.
    pub kind: &'static str,
    /// What a model can act on.
    pub message: String,
}

/// Applies a patch to a set of files, by path, and gives the resulting set.
pub fn edit(
    format: &str,
    patch: &str,
    mut files: BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, Refusal> {
    let Some(format) = EditFormat::from_name(format) else {
        return Err(Refusal { kind: "malformed", message: format!("there is no edit format {format:?}") });
    };
    let changes = crate::format::apply(format, patch, &Files(&files))
        .map_err(|error| Refusal { kind: error.kind(), message: error.to_string() })?;
    for change in changes {
        match change {
            FileChange::Add { path, text } | FileChange::Update { path, after: text, .. } => {
                files.insert(path.to_string(), text);
            }
            FileChange::Delete { path, .. } => {
                files.remove(path.as_str());
            }
            FileChange::Move { from, to, after, .. } => {
                files.remove(from.as_str());
                files.insert(to.to_string(), after);
            }
        }
    }
    Ok(files)
}

struct Files<'a>(&'a BTreeMap<String, String>);

impl Tree for Files<'_> {
    fn read(&self, path: &RelPath) -> Option<String> {
        self.0.get(path.as_str()).cloned()
    }

    fn near_paths(&self, path: &str) -> Vec<String> {
        let name = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
        self.0.keys().filter(|known| name(known) == name(path)).take(3).cloned().collect()
    }
}
