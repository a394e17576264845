//! A proposal and its files, and how to find things in it.

use std::fmt;

use galley_text::format::FileChange;
use galley_text::path::RelPath;
use ropey::Rope;
use serde::{Deserialize, Serialize};

use crate::hunk::{Hunk, HunkId, HunkKind, HunkState};
use crate::items::Item;
use crate::mode::ModeChange;
use crate::split;

/// Names a proposal; given by the caller.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProposalId(pub String);

impl fmt::Display for ProposalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a proposal does to a file as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum FileKind {
    /// Changes lines in it.
    Modify,
    /// Makes it.
    Add,
    /// Deletes it.
    Delete,
    /// Moves it here, and perhaps changes lines in it.
    Move {
        /// Where it lies until then.
        from: RelPath,
    },
}

/// What is proposed for one file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FileProposal {
    /// Where the file lies when everything is accepted.
    pub path: RelPath,
    /// What happens to it as a whole.
    pub kind: FileKind,
    /// The text that the hunks lie on: the person's, as it is now. Empty for a file that is not there yet.
    #[serde(with = "crate::rope_text")]
    pub current: Rope,
    /// The editor's version of that text, where it is open.
    pub version: Option<i32>,
    /// Whether the person deleted the file under the proposal.
    pub gone: bool,
    /// The hunks in the order of their places.
    pub hunks: Vec<Hunk>,
    /// What becomes of its mode, if anything does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<ModeChange>,
}

/// What is offered for review.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Proposal {
    /// Its name.
    pub id: ProposalId,
    /// The task that it comes from.
    pub task: String,
    /// One line for the person.
    pub title: String,
    /// Its files in the order the model gave them.
    pub files: Vec<FileProposal>,
    /// Whether the task ended before it was done.
    pub partial: bool,
    /// What the person should know before deciding.
    pub warnings: Vec<String>,
}

impl FileProposal {
    /// Where the document lies that the person types into: at the old path until a move is made.
    pub fn document(&self) -> &RelPath {
        match &self.kind {
            FileKind::Move { from } if !self.is_moved() => from,
            _ => &self.path,
        }
    }

    /// Whether the move was accepted, or made by the person.
    pub(crate) fn is_moved(&self) -> bool {
        self.hunks
            .iter()
            .find(|hunk| hunk.kind == HunkKind::MoveFile)
            .is_none_or(|hunk| matches!(hunk.state, HunkState::Accepted | HunkState::Obsolete))
    }

    /// Length of the current text in bytes.
    pub fn len(&self) -> usize {
        self.current.len_bytes()
    }

    /// Whether the current text is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Proposal {
    /// Splits changes of files into hunks; `next_id` gives each its id, in the order in which they are shown.
    pub fn new(
        id: ProposalId,
        task: impl Into<String>,
        title: impl Into<String>,
        changes: Vec<FileChange>,
        next_id: &mut dyn FnMut() -> HunkId,
    ) -> Proposal {
        Proposal::with_items(id, task, title, changes, &mut |_, _| Vec::new(), next_id)
    }

    /// As [`Proposal::new`], for texts whose outermost items are known: `items` gives those of a text at a path. A
    /// hunk then belongs to one item, and changes of two items are two hunks.
    pub fn with_items(
        id: ProposalId,
        task: impl Into<String>,
        title: impl Into<String>,
        changes: Vec<FileChange>,
        items: &mut dyn FnMut(&RelPath, &str) -> Vec<Item>,
        next_id: &mut dyn FnMut() -> HunkId,
    ) -> Proposal {
        let files = changes.into_iter().map(|change| split::file(change, items, next_id)).collect();
        Proposal { id, task: task.into(), title: title.into(), files, partial: false, warnings: Vec::new() }
    }

    /// A hunk and the file it belongs to.
    pub fn hunk(&self, id: &HunkId) -> Option<(&FileProposal, &Hunk)> {
        self.all().find(|(_, hunk)| hunk.id == *id)
    }

    /// Every hunk with its file, in the order in which they are shown.
    pub fn all(&self) -> impl Iterator<Item = (&FileProposal, &Hunk)> {
        self.files.iter().flat_map(|file| file.hunks.iter().map(move |hunk| (file, hunk)))
    }

    /// The hunks that can be accepted now.
    pub fn pending(&self) -> impl Iterator<Item = (&FileProposal, &Hunk)> {
        self.all().filter(|(_, hunk)| hunk.state == HunkState::Pending)
    }

    /// Whether no hunk waits for the person any more.
    pub fn is_decided(&self) -> bool {
        self.all().all(|(_, hunk)| !hunk.is_open())
    }

    /// A hunk's number in the whole proposal, from one, and how many there are: the *3 of 4* on screen.
    pub fn number(&self, id: &HunkId) -> Option<(usize, usize)> {
        let at = self.all().position(|(_, hunk)| hunk.id == *id)?;
        Some((at + 1, self.all().count()))
    }

    pub(crate) fn hunk_mut(&mut self, id: &HunkId) -> Option<&mut Hunk> {
        self.files.iter_mut().flat_map(|file| file.hunks.iter_mut()).find(|hunk| hunk.id == *id)
    }

    /// Which file and which of its hunks, as indices.
    pub(crate) fn place(&self, id: &HunkId) -> Option<(usize, usize)> {
        self.files.iter().enumerate().find_map(|(file, proposal)| {
            proposal.hunks.iter().position(|hunk| hunk.id == *id).map(|hunk| (file, hunk))
        })
    }
}
