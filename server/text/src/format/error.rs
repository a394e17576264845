//! Why a patch is refused, in words that a model can act on.

use crate::locate::LocateError;
use crate::path::PathError;

/// A refused patch; nothing of it was applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The patch is not written as its format demands.
    #[error("{}{why}", at_line(*line))]
    Malformed {
        /// Line of the patch, zero-based, where that can be said.
        line: Option<usize>,
        /// What is wrong and what to write instead.
        why: String,
    },
    /// It changes a file that does not exist.
    #[error("there is no file {path}{}", did_you_mean(near))]
    MissingFile {
        /// The path as written.
        path: String,
        /// Paths that resemble it.
        near: Vec<String>,
    },
    /// It adds a file that exists.
    #[error("the file {path} exists; quote the part of it that is to be replaced")]
    Exists {
        /// The path.
        path: String,
    },
    /// It names a path outside the workspace, or none at all.
    #[error("{0}")]
    BadPath(#[from] PathError),
    /// A text that it quotes cannot be placed.
    #[error("{path}, edit {number}: {source}")]
    Place {
        /// The file.
        path: String,
        /// Which of the patch's edits to this file, from one.
        number: usize,
        /// Why it cannot be placed.
        source: LocateError,
    },
    /// Two of its edits change the same lines.
    #[error(
        "{path}, edit {number}: it changes lines that an earlier edit of the same patch changes; make them one edit"
    )]
    Overlap {
        /// The file.
        path: String,
        /// The later edit, from one.
        number: usize,
    },
    /// It changes nothing.
    #[error("the patch changes nothing: every file already has the text that it asks for")]
    NoChange,
}

impl EditError {
    /// The kind of error, one word: `malformed`, `missing_file`, `exists`, `bad_path`, `not_found`, `ambiguous`,
    /// `overlap` or `no_change`.
    pub fn kind(&self) -> &'static str {
        match self {
            EditError::Malformed { .. } => "malformed",
            EditError::MissingFile { .. } => "missing_file",
            EditError::Exists { .. } => "exists",
            EditError::BadPath(_) => "bad_path",
            EditError::Place { source: LocateError::Empty, .. } => "malformed",
            EditError::Place { source, .. } => source.kind(),
            EditError::Overlap { .. } => "overlap",
            EditError::NoChange => "no_change",
        }
    }

    pub(super) fn malformed(line: usize, why: impl Into<String>) -> EditError {
        EditError::Malformed { line: Some(line), why: why.into() }
    }
}

fn at_line(line: Option<usize>) -> String {
    line.map_or_else(String::new, |line| format!("line {} of the patch: ", line + 1))
}

fn did_you_mean(near: &[String]) -> String {
    match near {
        [] => "; give its path relative to the workspace root".to_owned(),
        near => format!("; did you mean {}?", near.join(" or ")),
    }
}
