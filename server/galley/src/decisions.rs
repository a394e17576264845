//! Decisions that were made before, applied to a proposal again: what both fronts need after a restart.

use galley_agent::event::Verdict;
use galley_agent::view::TaskView;
use galley_review::{HunkId, HunkState, Proposal};

/// Brings a proposal, already on the texts as they are now, to where the person left its review.
pub fn replay(proposal: &mut Proposal, view: &TaskView) {
    for (hunks, verdict, text) in &view.decisions {
        match (verdict, text) {
            (Verdict::Accepted, _) => drop(settle_accepted(proposal, hunks)),
            (Verdict::Rejected, _) => drop(proposal.reject(hunks)),
            (Verdict::Reopened, _) => drop(proposal.reopen(hunks)),
            (Verdict::Edited, Some(text)) => {
                if let Some(hunk) = hunks.first() {
                    // Settled or gone since: then there is nothing to edit any more.
                    let _ = proposal.edit_hunk(hunk, text.clone());
                }
            }
            (Verdict::Edited | Verdict::Commented, _) => {}
        }
    }
}

/// Marks as accepted those of the given hunks whose text stands in the document, and returns them.
pub fn settle_accepted(proposal: &mut Proposal, ids: &[HunkId]) -> Vec<HunkId> {
    let mut settled = Vec::new();
    for file in &mut proposal.files {
        for hunk in file.hunks.iter_mut().filter(|hunk| ids.contains(&hunk.id)) {
            if hunk.state == HunkState::Obsolete {
                hunk.state = HunkState::Accepted;
            }
            if hunk.state == HunkState::Accepted {
                settled.push(hunk.id.clone());
            }
        }
    }
    settled
}
