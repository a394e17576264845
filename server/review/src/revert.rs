//! Taking an accept back, after the person typed on.
//!
//! The inverse edit is a merge: what the accept changed is undone, what was typed into it since stays. Where both
//! are the same bytes the accept is not taken back, and both sides are given.

use galley_text::edit::{EditList, TextEdit};
use galley_text::merge;
use galley_text::path::RelPath;
use ropey::Rope;

use crate::accept::AcceptFile;
use crate::hunk::{ConflictSides, Hunk, HunkId, HunkKind, HunkState};
use crate::proposal::{FileKind, FileProposal, Proposal};
use crate::rebase::{self, Rebased};
use crate::settle::{self, Three};

/// Why an accept cannot be taken back. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RevertError {
    /// There is no such hunk.
    #[error("there is no hunk {hunk} in this proposal; it may belong to a task that is closed")]
    Unknown {
        /// The hunk named.
        hunk: HunkId,
    },
    /// It is not accepted.
    #[error("hunk {hunk} is {state}, not accepted; there is nothing to take back")]
    NotAccepted {
        /// The hunk named.
        hunk: HunkId,
        /// What it stands at.
        state: HunkState,
    },
    /// Other accepted hunks need it.
    #[error("hunk {hunk} is needed by accepted hunk {by}; take both back together")]
    Needed {
        /// The hunk named.
        hunk: HunkId,
        /// A hunk that needs it.
        by: HunkId,
    },
    /// What was typed since changed the same words.
    #[error(
        "hunk {hunk} in {path} cannot be taken back by itself: you changed the same words since; edit the file there"
    )]
    Conflicted {
        /// The hunk named.
        hunk: HunkId,
        /// Its file.
        path: RelPath,
        /// The text as accepted, as it is now, and as it was before the accept.
        sides: ConflictSides,
    },
    /// The file is not there any more.
    #[error("{path} was deleted; there is nothing to take back in it")]
    FileGone {
        /// The file.
        path: RelPath,
    },
}

impl Proposal {
    /// Which edits taking these accepts back consists of, a file each. With `with_dependents`, accepted hunks
    /// that need them are taken back too.
    pub fn plan_revert(&self, ids: &[HunkId], with_dependents: bool) -> Result<Vec<AcceptFile>, RevertError> {
        let mut wanted: Vec<HunkId> = Vec::new();
        for id in ids {
            let (_, hunk) = self.hunk(id).ok_or_else(|| RevertError::Unknown { hunk: id.clone() })?;
            if hunk.state != HunkState::Accepted {
                return Err(RevertError::NotAccepted { hunk: id.clone(), state: hunk.state });
            }
            wanted.push(id.clone());
        }
        let mut at = 0;
        while let Some(id) = wanted.get(at).cloned() {
            at += 1;
            for (_, hunk) in self.all() {
                let needs = hunk.state == HunkState::Accepted && hunk.requires.contains(&id);
                if !needs || wanted.contains(&hunk.id) {
                    continue;
                }
                if !with_dependents {
                    return Err(RevertError::Needed { hunk: id, by: hunk.id.clone() });
                }
                wanted.push(hunk.id.clone());
            }
        }
        self.files.iter().filter_map(|file| file.plan_revert(&wanted).transpose()).collect()
    }

    /// The edits of such a plan were made: the hunks wait for a decision again.
    pub fn reverted(&mut self, ids: &[HunkId]) -> Rebased {
        let mut out = Rebased::default();
        for file in &mut self.files {
            for at in 0..file.hunks.len() {
                if ids.contains(&file.hunks[at].id) && file.hunks[at].state == HunkState::Accepted {
                    file.reverted(at, &mut out);
                }
            }
        }
        out
    }
}

impl FileProposal {
    fn plan_revert(&self, wanted: &[HunkId]) -> Result<Option<AcceptFile>, RevertError> {
        let chosen: Vec<&Hunk> = self.hunks.iter().filter(|hunk| wanted.contains(&hunk.id)).collect();
        if chosen.is_empty() {
            return Ok(None);
        }
        if self.gone {
            return Err(RevertError::FileGone { path: self.document().clone() });
        }
        let mut edits = Vec::new();
        let (mut path, mut kind) = (self.document().clone(), FileKind::Modify);
        for hunk in &chosen {
            match (hunk.kind, &self.kind) {
                (HunkKind::AddFile, _) => kind = FileKind::Delete,
                (HunkKind::DeleteFile, _) => kind = FileKind::Add,
                (HunkKind::MoveFile, FileKind::Move { from }) => {
                    path = from.clone();
                    kind = FileKind::Move { from: self.path.clone() };
                }
                (HunkKind::MoveFile | HunkKind::Mode | HunkKind::Lines, _) => {}
            }
            if !hunk.is_textless() {
                edits.push(self.inverse(hunk)?);
            }
        }
        let base = self.current.to_string();
        let conflicted = || self.in_the_way(chosen[0], base.clone());
        let edits = EditList::new(edits).map_err(|_| conflicted())?;
        let result = edits.apply(&base).map_err(|_| conflicted())?;
        let mode = self.mode_back(&chosen);
        let hunks = chosen.iter().map(|hunk| hunk.id.clone()).collect();
        Ok(Some(AcceptFile { path, kind, base, version: self.version, edits, result, hunks, mode }))
    }

    /// The edit that takes an accepted hunk out of the current text and leaves what was typed into it.
    fn inverse(&self, hunk: &Hunk) -> Result<TextEdit, RevertError> {
        let yours = rebase::slice(&self.current, &hunk.range);
        let merged = merge::merge(&hunk.after, &yours, &hunk.before);
        // A file is not deleted with what the person wrote into it.
        let whole = hunk.is_whole_file() && yours != hunk.after;
        if whole || !merged.is_clean() {
            return Err(self.in_the_way(hunk, yours));
        }
        Ok(TextEdit::new(hunk.range.clone(), merged.text))
    }

    fn in_the_way(&self, hunk: &Hunk, yours: String) -> RevertError {
        let sides = ConflictSides { base: hunk.after.clone(), yours, theirs: hunk.before.clone() };
        RevertError::Conflicted { hunk: hunk.id.clone(), path: self.document().clone(), sides }
    }

    fn reverted(&mut self, at: usize, out: &mut Rebased) {
        let hunk = &self.hunks[at];
        if let (HunkKind::Mode, Some(mode)) = (hunk.kind, &mut self.mode) {
            mode.current = mode.before;
        }
        let hunk = &self.hunks[at];
        if hunk.is_textless() {
            self.hunks[at].state = HunkState::Pending;
            out.reopened.push(self.hunks[at].id.clone());
            return;
        }
        let Ok(edit) = self.inverse(hunk) else { return };
        if hunk.is_whole_file() {
            self.current = Rope::from_str(&edit.text);
            let hunk = &mut self.hunks[at];
            hunk.range = 0..edit.text.len();
            hunk.state = HunkState::Pending;
            out.reopened.push(hunk.id.clone());
            return;
        }
        let hunk = &mut self.hunks[at];
        let range = edit.range.start..edit.range.start + edit.text.len();
        let three = Three { base: hunk.before.clone(), yours: edit.text.clone(), theirs: hunk.after.clone() };
        let settled = settle::settle(three);
        hunk.range = range.start + settled.head..range.end - settled.tail;
        rebase::put(hunk, settled, out);
        self.replace(at, edit, out);
    }
}
