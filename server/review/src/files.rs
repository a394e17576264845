//! Files that are renamed or deleted under a proposal.
//!
//! The hunks go with a renamed file. Under a deleted one they are conflicted and wait: the text they lie on is
//! kept, and when the file is back (undo, checkout, a branch switch) they are settled against what it holds then.

use galley_text::path::RelPath;
use ropey::Rope;

use crate::hunk::{ConflictSides, HunkKind, HunkState, Sides};
use crate::proposal::{FileKind, FileProposal, Proposal};
use crate::rebase::Rebased;

impl Proposal {
    /// The person renamed a file or a folder.
    pub fn file_renamed(&mut self, from: &RelPath, to: &RelPath) -> Rebased {
        let mut out = Rebased::default();
        for file in &mut self.files {
            if let Some(new) = renamed(file.document(), from, to)
                && file.exists()
            {
                file.renamed(new, &mut out);
            }
        }
        out
    }

    /// The person deleted a file or a folder.
    pub fn file_deleted(&mut self, path: &RelPath) -> Rebased {
        let mut out = Rebased::default();
        for file in &mut self.files {
            if is_at_or_below(file.document(), path) && file.exists() {
                file.deleted(&mut out);
            }
        }
        out
    }
}

impl FileProposal {
    /// Whether there is a file on the person's side.
    fn exists(&self) -> bool {
        let made = |state| matches!(state, HunkState::Accepted | HunkState::Obsolete | HunkState::Conflicted);
        let unmade = self.hunks.iter().any(|hunk| match hunk.kind {
            HunkKind::AddFile => !made(hunk.state) && self.is_empty(),
            HunkKind::DeleteFile => hunk.state == HunkState::Accepted,
            HunkKind::Lines | HunkKind::MoveFile | HunkKind::Mode => false,
        });
        !(self.gone || unmade)
    }

    fn renamed(&mut self, new: RelPath, out: &mut Rebased) {
        let FileKind::Move { from } = &mut self.kind else {
            self.path = new;
            return;
        };
        let Some(hunk) = self.hunks.iter_mut().find(|hunk| hunk.kind == HunkKind::MoveFile) else { return };
        let moved = matches!(hunk.state, HunkState::Accepted | HunkState::Obsolete);
        if moved && new == *from {
            hunk.state = HunkState::Pending;
            out.reopened.push(hunk.id.clone());
        } else if moved {
            self.path = new;
        } else if new == self.path {
            hunk.state = HunkState::Obsolete;
            out.obsolete.push(hunk.id.clone());
        } else {
            *from = new;
        }
    }

    fn deleted(&mut self, out: &mut Rebased) {
        self.gone = true;
        self.version = None;
        let mut undone = false;
        for hunk in &mut self.hunks {
            match (hunk.kind, hunk.state) {
                (HunkKind::AddFile, HunkState::Rejected) => {}
                (HunkKind::AddFile, _) => {
                    // Deleting a file that an accept made takes the accept back.
                    hunk.after = hunk.proposed().to_owned();
                    (hunk.range, hunk.before, hunk.origin) = (0..0, String::new(), None);
                    (hunk.state, hunk.conflict) = (HunkState::Pending, None);
                    out.reopened.push(hunk.id.clone());
                    undone = true;
                }
                (_, HunkState::Accepted | HunkState::Rejected | HunkState::Obsolete) => {}
                (HunkKind::DeleteFile, _) => {
                    (hunk.state, hunk.conflict) = (HunkState::Obsolete, None);
                    out.obsolete.push(hunk.id.clone());
                }
                (HunkKind::MoveFile | HunkKind::Mode | HunkKind::Lines, _) => {
                    let (base, theirs) = (hunk.base().to_owned(), hunk.proposed().to_owned());
                    hunk.origin = Some(Sides { before: base.clone(), after: theirs.clone() });
                    hunk.after.clone_from(&theirs);
                    hunk.state = HunkState::Conflicted;
                    hunk.conflict = Some(ConflictSides { base, yours: String::new(), theirs });
                    hunk.merged_by_token = false;
                    out.conflicted.push(hunk.id.clone());
                }
            }
        }
        if undone {
            self.gone = false;
            self.current = Rope::new();
        }
    }
}

fn is_at_or_below(path: &RelPath, folder: &RelPath) -> bool {
    path == folder || path.starts_with(folder)
}

/// Where `path` lies after `from` became `to`; `None` if it is not at or below `from`.
fn renamed(path: &RelPath, from: &RelPath, to: &RelPath) -> Option<RelPath> {
    if path == from {
        return Some(to.clone());
    }
    let below = path.as_str().strip_prefix(from.as_str())?.strip_prefix('/')?;
    to.join(below).ok()
}
