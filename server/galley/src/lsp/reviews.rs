//! Proposals under review: the live state that follows the person's typing, and the decisions.
//!
//! Pure with regard to the editor: it plans edits and takes in texts; sending and waiting is [`super::accepting`]'s.

use galley_agent::verify::Evidence;
use galley_review::{Hunk, HunkId, Proposal};
use galley_text::change::ChangeSet;
use galley_text::path::RelPath;

/// A proposal under review.
#[derive(Debug, Clone)]
pub struct Review {
    /// The proposal with its hunks as they lie now.
    pub proposal: Proposal,
    /// The checks that speak of it as it was made.
    pub evidence: Vec<Evidence>,
    /// Whether the content changed since the checks ran.
    pub stale: bool,
    /// Whether it was shown as closed.
    pub closed: bool,
}

/// All proposals of the workspace, latest last.
#[derive(Debug, Default)]
pub struct Reviews {
    list: Vec<Review>,
}

impl Reviews {
    /// Takes in a new proposal, or the revised one of a task.
    pub fn add(&mut self, review: Review) {
        self.list.retain(|known| known.proposal.id != review.proposal.id);
        self.list.push(review);
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Review> {
        self.list.iter()
    }

    /// All of them, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Review> {
        self.list.iter_mut()
    }

    /// Those with a hunk to decide.
    pub fn open(&self) -> impl Iterator<Item = &Review> {
        self.list.iter().filter(|review| review.is_open())
    }

    /// A proposal by its id; without one, the latest that is open.
    pub fn find(&self, id: Option<&str>) -> Option<&Review> {
        match id {
            Some(id) => self.list.iter().find(|review| review.proposal.id.0 == id),
            None => self.list.iter().rev().find(|review| review.is_open()).or_else(|| self.list.last()),
        }
    }

    /// The review that a hunk belongs to.
    pub fn of_hunk(&self, id: &HunkId) -> Option<&Review> {
        self.list.iter().find(|review| review.proposal.hunk(id).is_some())
    }

    /// The review that a hunk belongs to, to be changed.
    pub fn of_hunk_mut(&mut self, id: &HunkId) -> Option<&mut Review> {
        self.list.iter_mut().find(|review| review.proposal.hunk(id).is_some())
    }

    /// Follows one change of a document. True if a hunk moved or changed.
    pub fn document_changed(
        &mut self,
        path: &RelPath,
        change: &ChangeSet,
        text: &dyn Fn() -> String,
        version: i32,
    ) -> bool {
        let mut touched = false;
        for review in self.list.iter_mut().filter(|review| review.concerns(path)) {
            touched = true;
            let rebased = review.proposal.document_changed(path, change, Some(version));
            if rebased.out_of_step {
                review.proposal.document_replaced(path, &text(), Some(version));
            }
            review.stale = true;
        }
        touched
    }

    /// Takes in the whole text of a document: opened, reloaded, checked out. True if a proposal speaks of it.
    pub fn document_replaced(&mut self, path: &RelPath, text: &str, version: Option<i32>) -> bool {
        let mut touched = false;
        for review in self.list.iter_mut().filter(|review| review.concerns(path)) {
            touched = true;
            let rebased = review.proposal.document_replaced(path, text, version);
            review.stale |= rebased.is_telling();
        }
        touched
    }
}

impl Review {
    /// Whether the proposal speaks of a document.
    pub fn concerns(&self, path: &RelPath) -> bool {
        self.proposal.files.iter().any(|file| file.document() == path || file.path == *path)
    }

    /// Whether a hunk is still to be decided.
    pub fn is_open(&self) -> bool {
        !self.closed && self.proposal.all().any(|(_, hunk)| hunk.is_open())
    }

    /// The hunks still to be decided.
    pub fn open_hunks(&self) -> impl Iterator<Item = (&galley_review::FileProposal, &Hunk)> {
        self.proposal.all().filter(|(_, hunk)| hunk.is_open())
    }

    /// Reason and evidence of a hunk, for a person.
    pub fn why(&self, id: &HunkId) -> Option<String> {
        let (file, hunk) = self.proposal.hunk(id)?;
        let (number, of) = self.proposal.number(id)?;
        let mut text =
            format!("**{}** · hunk {number} of {of} · {}\n\n", file.path.as_str(), hunk.state.as_str());
        text.push_str(hunk.reason.as_deref().unwrap_or("The model gave no reason for this hunk."));
        text.push_str("\n\n");
        if !hunk.requires.is_empty() {
            let numbers: Vec<String> = hunk
                .requires
                .iter()
                .filter_map(|needed| self.proposal.number(needed))
                .map(|(number, _)| number.to_string())
                .collect();
            text.push_str(&format!("Needs hunk {}.\n\n", numbers.join(", ")));
        }
        if hunk.merged_by_token {
            text.push_str("Merged word by word with what you typed on these lines; worth a second look.\n\n");
        }
        if let Some(sides) = &hunk.conflict {
            text.push_str(&format!(
                "You changed the same lines.\n\nYours:\n```\n{}```\nProposed:\n```\n{}```\n\n",
                sides.yours, sides.theirs
            ));
        }
        for evidence in &self.evidence {
            let stale = if self.stale { " (stale: the text changed since)" } else { "" };
            text.push_str(&format!("- `{}`{stale}\n", evidence.receipt()));
        }
        if self.evidence.is_empty() {
            text.push_str("- not verified: no check was run\n");
        }
        for warning in &self.proposal.warnings {
            text.push_str(&format!("- look twice: {warning}\n"));
        }
        Some(text)
    }
}
