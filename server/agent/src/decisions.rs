//! Decisions that were made before, applied to a proposal again: what a front needs after a restart, and what a task needs
//! that goes on after its proposal was reviewed.

use galley_review::{AcceptFile, FileMode, HunkId, HunkState, Proposal};
use galley_text::path::RelPath;
use galley_workspace::{Overlay, OverlayError, Snapshot};

use crate::event::{TaskEvent, Verdict};
use crate::view::TaskView;

/// Bytes of a hunk's text that the model is told of a decision.
const TOLD: usize = 600;

/// The proposal of a task as it was made, with its hunks split as the person split them: what [`replay`] needs.
pub fn divided(view: &TaskView) -> Option<Proposal> {
    let mut proposal = view.proposal.clone()?;
    for (hunks, verdict, _) in &view.decisions {
        if *verdict == Verdict::Split {
            // Split before in a proposal that was made anew since: then there is nothing left to do.
            hunks.iter().for_each(|id| drop(proposal.split_hunk(id)));
        }
    }
    Some(proposal)
}

/// Brings a proposal, already on the texts as they are now, to where the person left its review.
pub fn replay(proposal: &mut Proposal, view: &TaskView) {
    for (hunks, verdict, text) in &view.decisions {
        match (verdict, text) {
            (Verdict::Accepted, _) => drop(settle_accepted(proposal, hunks)),
            (Verdict::Rejected, _) => drop(proposal.reject(hunks)),
            (Verdict::Reopened, _) => drop(proposal.reopen(hunks)),
            (Verdict::Reviewed, _) => proposal.mark_reviewed(hunks, true),
            (Verdict::Unreviewed, _) => proposal.mark_reviewed(hunks, false),
            (Verdict::Edited, Some(text)) => {
                if let Some(hunk) = hunks.first() {
                    // Settled or gone since: then there is nothing to edit any more.
                    let _ = proposal.edit_hunk(hunk, text.clone());
                }
            }
            (Verdict::Edited | Verdict::Commented | Verdict::Split, _) => {}
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

/// The proposal of a task on the files as they are now, with every decision.
pub fn as_left(view: &TaskView, snapshot: &Snapshot) -> Option<Proposal> {
    let mut proposal = divided(view)?;
    let paths: Vec<RelPath> = proposal.files.iter().map(|file| file.document().clone()).collect();
    for path in paths {
        match snapshot.read(&path) {
            Ok(text) => drop(proposal.document_replaced(&path, &text, None)),
            Err(_) => drop(proposal.file_deleted(&path)),
        }
        if let Some(executable) = snapshot.is_executable(&path) {
            let mode = if executable { FileMode::Executable } else { FileMode::Plain };
            proposal.mode_changed(&path, mode);
        }
    }
    replay(&mut proposal, view);
    Some(proposal)
}

/// How a task goes on whose proposal was offered: from the person's texts with the hunks in them that wait for a decision,
/// as the person left them. What was accepted is in the texts, what was rejected is in neither.
pub fn continued(view: &TaskView, snapshot: &Snapshot) -> Option<TaskEvent> {
    let left = as_left(view, snapshot)?;
    let can = |id: &HunkId| left.plan_accept(std::slice::from_ref(id), true).is_ok();
    let offered: Vec<HunkId> = left.pending().map(|(_, hunk)| hunk.id.clone()).filter(can).collect();
    let mut overlay = Overlay::new(snapshot.clone());
    if !offered.is_empty() {
        let plan = left.plan_accept(&offered, true).ok()?;
        lay(&mut overlay, &plan).ok()?;
    }
    Some(TaskEvent::Continued { left: Box::new(left), offered, overlay: overlay.edits() })
}

/// Lays what accepting some hunks comes to over a tree; all of it or nothing.
///
/// # Errors
/// When the tree is not the one that the plan was made for.
pub fn lay(overlay: &mut Overlay, plan: &[AcceptFile]) -> Result<(), OverlayError> {
    let before = overlay.checkpoint();
    let changes: Vec<_> = plan.iter().filter_map(AcceptFile::change).collect();
    overlay.apply(&changes)?;
    for file in plan {
        if let Some(executable) = file.executable() {
            overlay.set_executable(&file.path, executable).inspect_err(|_| overlay.restore(&before))?;
        }
    }
    Ok(())
}

/// What the model is told of the decisions that were made since it last proposed; empty where there were none.
pub fn told(view: &TaskView) -> String {
    let Some(proposal) = &view.proposal else { return String::new() };
    let mut lines: Vec<String> = Vec::new();
    let mut accepted = 0;
    for (hunks, verdict, text) in &view.decisions {
        let last = |id: &HunkId| last_verdict(view, id) == Some(*verdict);
        let current: Vec<&HunkId> = hunks.iter().filter(|id| last(id)).collect();
        match verdict {
            Verdict::Accepted => accepted += current.len(),
            Verdict::Rejected => {
                lines.extend(current.iter().filter_map(|id| rejected(proposal, id, text.as_deref())));
            }
            Verdict::Edited => lines.extend(
                current.iter().filter_map(|id| edited(proposal, id, text.as_deref().unwrap_or_default())),
            ),
            Verdict::Commented
            | Verdict::Reopened
            | Verdict::Reviewed
            | Verdict::Unreviewed
            | Verdict::Split => {}
        }
    }
    if accepted > 0 {
        lines.insert(0, format!("{accepted} of your changes are accepted and are in the files now."));
    }
    lines.join("\n")
}

/// The last word on a hunk, marks and remarks aside.
fn last_verdict(view: &TaskView, id: &HunkId) -> Option<Verdict> {
    let decides = |verdict: &Verdict| {
        !matches!(verdict, Verdict::Commented | Verdict::Reviewed | Verdict::Unreviewed | Verdict::Split)
    };
    let mut of_hunk =
        view.decisions.iter().rev().filter(|(hunks, verdict, _)| decides(verdict) && hunks.contains(id));
    of_hunk.next().map(|(_, verdict, _)| *verdict)
}

/// A rejected hunk in words for the model.
pub fn rejected(proposal: &Proposal, id: &HunkId, why: Option<&str>) -> Option<String> {
    let (file, hunk) = proposal.hunk(id)?;
    let why = why
        .filter(|why| !why.trim().is_empty())
        .map_or(String::new(), |why| format!(" Their reason: {why}."));
    Some(format!(
        "The person rejected this change of yours in {}; it is taken out, do not bring it back.{why}\n```\n{}```",
        file.path.as_str(),
        shortened(&hunk.after)
    ))
}

/// An edited hunk in words for the model.
pub fn edited(proposal: &Proposal, id: &HunkId, text: &str) -> Option<String> {
    let (file, _) = proposal.hunk(id)?;
    Some(format!(
        "The person rewrote a change of yours in {}; it reads now, and stays so:\n```\n{}```",
        file.path.as_str(),
        shortened(text)
    ))
}

fn shortened(text: &str) -> String {
    let end = text.char_indices().map(|(at, _)| at).find(|at| *at >= TOLD).unwrap_or(text.len());
    let ended = if text[..end].ends_with('\n') { "" } else { "\n" };
    let more = if end < text.len() { "…\n" } else { "" };
    format!("{}{ended}{more}", &text[..end])
}
