//! The edit formats that models write, from text to the files they change.
//!
//! A patch is parsed into steps, the steps are carried out on a copy of the files they name, and the outcome is
//! handed back as whole-file changes: all of a patch, or none of it. Placing quoted text is left to
//! [`crate::locate`]; line numbers in a patch are hints at most. [`Stream`] gives the hunks of a patch as the model
//! writes it, for showing; only [`apply`] decides.

mod anchor;
mod apply_patch;
mod carry_out;
mod error;
mod line_range;
mod names;
mod search_replace;
mod step;
mod stream;
mod unified;
mod update;
mod whole_file;

pub use error::EditError;
pub use stream::{Piece, Stream};

use serde::{Deserialize, Serialize};

use crate::path::RelPath;

/// How a patch is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EditFormat {
    /// A path, then `<<<<<<< SEARCH`, `=======` and `>>>>>>> REPLACE` around the quoted text and its replacement.
    SearchReplace,
    /// The envelope from `*** Begin Patch` to `*** End Patch`.
    ApplyPatch,
    /// A unified diff.
    Unified,
    /// A path and the file's whole text in a fence.
    WholeFile,
    /// A path, then `<<<<<<< LINES 3-5`, the new lines (after the quoted old ones and `=======`, if given) and
    /// `>>>>>>> REPLACE`. Lines are one-based and inclusive; `5-4` inserts before line 5. All numbers are those of
    /// the file before the patch.
    LineRange,
}

impl EditFormat {
    /// The format of a name, as the command line and the scorers write it.
    pub fn from_name(name: &str) -> Option<EditFormat> {
        Some(match name.replace('-', "_").as_str() {
            "search_replace" => EditFormat::SearchReplace,
            "apply_patch" => EditFormat::ApplyPatch,
            "unified" | "unified_diff" => EditFormat::Unified,
            "whole_file" => EditFormat::WholeFile,
            "line_range" => EditFormat::LineRange,
            _ => return None,
        })
    }
}

/// The files that a patch is applied to.
pub trait Tree {
    /// The text of a file; `None` where there is none.
    fn read(&self, path: &RelPath) -> Option<String>;

    /// Paths that resemble one that does not exist, best first; for the error message only.
    fn near_paths(&self, _path: &str) -> Vec<String> {
        Vec::new()
    }
}

/// What a patch does to one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FileChange {
    /// A file that did not exist.
    Add {
        /// Its path.
        path: RelPath,
        /// Its text.
        text: String,
    },
    /// A file with another text than before.
    Update {
        /// Its path.
        path: RelPath,
        /// Its text before.
        before: String,
        /// Its text afterwards.
        after: String,
    },
    /// A file that is gone.
    Delete {
        /// Its path.
        path: RelPath,
        /// Its text before.
        before: String,
    },
    /// A file under another path. A file that stood there before is deleted by a change of its own, before this one.
    Move {
        /// Its path before.
        from: RelPath,
        /// Its path afterwards.
        to: RelPath,
        /// Its text before.
        before: String,
        /// Its text afterwards, possibly the same.
        after: String,
    },
}

impl FileChange {
    /// The path that the file has afterwards, or had, if it is gone.
    pub fn path(&self) -> &RelPath {
        match self {
            FileChange::Add { path, .. }
            | FileChange::Update { path, .. }
            | FileChange::Delete { path, .. } => path,
            FileChange::Move { to, .. } => to,
        }
    }

    /// The path that the file has afterwards, its text before, and its text afterwards; `None` where there is no file.
    pub fn sides(&self) -> (&RelPath, Option<&str>, Option<&str>) {
        match self {
            FileChange::Add { path, text } => (path, None, Some(text)),
            FileChange::Update { path, before, after } => (path, Some(before), Some(after)),
            FileChange::Delete { path, before } => (path, Some(before), None),
            FileChange::Move { to, before, after, .. } => (to, Some(before), Some(after)),
        }
    }
}

/// Applies a patch to the files of `tree`: the changes in order, or why nothing is changed.
pub fn apply(format: EditFormat, patch: &str, tree: &dyn Tree) -> Result<Vec<FileChange>, EditError> {
    let mut parser = step::Parser::new(format);
    let mut steps = Vec::new();
    for line in step::patch_lines(patch) {
        parser.line(line, &mut steps)?;
    }
    parser.finish(patch.is_empty() || patch.ends_with('\n'), &mut steps)?;
    carry_out::carry_out(format, steps, tree)
}

#[cfg(test)]
mod tests;
