//! Proposals under review: the live state that follows the person's typing, and the decisions.
//!
//! Pure with regard to the editor: it plans edits and takes in texts; sending and waiting is [`super::accepting`]'s.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use galley_agent::verify::Evidence;
use galley_review::{Hunk, HunkId, HunkState, Proposal};
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
    /// What the person wants to be revised, while it is not.
    pub comments: BTreeMap<HunkId, String>,
    /// The hunks of each accept or reject that stands, in order, with the number of the decision among all.
    pub decided: Vec<(u64, Vec<HunkId>)>,
    /// The check of exactly what was accepted.
    pub accepted_checks: Option<AcceptedChecks>,
}

/// A check of exactly what was accepted.
#[derive(Debug, Clone, PartialEq)]
pub struct AcceptedChecks {
    /// The accepted hunks.
    pub hunks: Vec<HunkId>,
    /// What it proves.
    pub proof: Proof,
    /// The results.
    pub evidence: Vec<Evidence>,
    /// Hunks without which it fails.
    pub lacks: Vec<HunkId>,
}

/// What a check of the accepted hunks proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// It runs.
    Running,
    /// They are no worse than the whole proposal.
    Passed,
    /// They fail where the whole proposal does not.
    Failed,
    /// No check could be run.
    NotRun,
}

impl AcceptedChecks {
    /// A check that has just begun.
    pub fn running(hunks: Vec<HunkId>) -> AcceptedChecks {
        AcceptedChecks { hunks, proof: Proof::Running, evidence: Vec::new(), lacks: Vec::new() }
    }
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
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Review> {
        self.list.iter()
    }

    /// All of them, to be changed.
    pub fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut Review> {
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

    /// A proposal by its id, to be changed.
    pub fn find_mut(&mut self, id: &str) -> Option<&mut Review> {
        self.list.iter_mut().find(|review| review.proposal.id.0 == id)
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

/// Counts the decisions of this process, so that the latest of all proposals is known.
static DECISIONS: AtomicU64 = AtomicU64::new(1);

impl Review {
    /// A review that begins.
    pub fn new(proposal: Proposal, evidence: Vec<Evidence>) -> Review {
        Review {
            proposal,
            evidence,
            stale: false,
            closed: false,
            comments: BTreeMap::new(),
            decided: Vec::new(),
            accepted_checks: None,
        }
    }

    /// Notes hunks that were accepted or rejected together.
    pub fn note_decided(&mut self, hunks: &[HunkId]) {
        self.decided.push((DECISIONS.fetch_add(1, Ordering::Relaxed), hunks.to_vec()));
        self.comments.retain(|id, _| !hunks.contains(id));
    }

    /// Notes that decisions on hunks were taken back.
    pub fn forget_decided(&mut self, hunks: &[HunkId]) {
        for (_, known) in &mut self.decided {
            known.retain(|id| !hunks.contains(id));
        }
        self.decided.retain(|(_, known)| !known.is_empty());
    }

    /// When the latest decision that stands was made, 0 without one.
    pub fn decided_at(&self) -> u64 {
        self.decided.last().map_or(0, |(at, _)| *at)
    }

    /// The open hunks that fall when this one is rejected.
    pub fn needed_by(&self, id: &HunkId) -> Vec<HunkId> {
        let mut fall = vec![id.clone()];
        let mut at = 0;
        while let Some(needed) = fall.get(at).cloned() {
            at += 1;
            for (_, hunk) in self.open_hunks() {
                if hunk.requires.contains(&needed) && !fall.contains(&hunk.id) {
                    fall.push(hunk.id.clone());
                }
            }
        }
        fall.split_off(1)
    }

    /// The hunks that this one needs and that are not in the document, those that these need included.
    pub fn lacks(&self, id: &HunkId) -> Vec<HunkId> {
        let (mut lacks, mut next): (Vec<HunkId>, Vec<HunkId>) = (Vec::new(), vec![id.clone()]);
        while let Some((_, hunk)) = next.pop().as_ref().and_then(|id| self.proposal.hunk(id)) {
            for needed in &hunk.requires {
                let open = self.proposal.hunk(needed).is_some_and(|(_, needed)| {
                    !matches!(needed.state, HunkState::Accepted | HunkState::Obsolete)
                });
                if open && needed != id && !lacks.contains(needed) {
                    lacks.push(needed.clone());
                    next.push(needed.clone());
                }
            }
        }
        lacks
    }

    /// The numbers of hunks, in order, as a person reads them: `2, 3`.
    pub fn numbers(&self, ids: &[HunkId]) -> String {
        let mut numbers: Vec<usize> =
            ids.iter().filter_map(|id| self.proposal.number(id)).map(|(number, _)| number).collect();
        numbers.sort_unstable();
        numbers.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")
    }

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
        let lacks = self.lacks(id);
        if !lacks.is_empty() {
            text.push_str(&format!("Needs hunk {}.\n\n", self.numbers(&lacks)));
        }
        let needed_by = self.needed_by(id);
        match &needed_by[..] {
            [] => {}
            [_] => {
                text.push_str(&format!("Hunk {} needs it and falls with it.\n\n", self.numbers(&needed_by)));
            }
            _ => text.push_str(&format!("Hunks {} need it and fall with it.\n\n", self.numbers(&needed_by))),
        }
        if hunk.edited {
            text.push_str("You rewrote it; the checks ran on the text before.\n\n");
        }
        if let Some(comment) = self.comments.get(id) {
            text.push_str(&format!("Being revised, since you said: {comment}\n\n"));
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
        if let Some(checks) = &self.accepted_checks {
            text.push_str(&format!("- {}\n", self.accepted_words(checks)));
        }
        for warning in &self.proposal.warnings {
            text.push_str(&format!("- look twice: {warning}\n"));
        }
        Some(text)
    }

    /// The check of what was accepted, in a line.
    pub fn accepted_words(&self, checks: &AcceptedChecks) -> String {
        let count = checks.hunks.len();
        let what = if count == 1 {
            "the accepted hunk".to_owned()
        } else {
            format!("exactly the {count} accepted hunks")
        };
        let summaries: Vec<String> =
            checks.evidence.iter().map(|one| format!("`{}`: {}", one.command, one.summary)).collect();
        let told = summaries.join("; ");
        match checks.proof {
            Proof::Running => format!("checking {what}…"),
            Proof::Passed => format!("{what} passed: {told}"),
            Proof::Failed if checks.lacks.is_empty() => format!("{what} failed: {told}"),
            Proof::Failed => format!("{what} failed: {told}; lacking hunk {}", self.numbers(&checks.lacks)),
            Proof::NotRun => format!("{what}: not verified"),
        }
    }
}
