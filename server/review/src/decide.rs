//! Decisions that change no document: reject, reopen, edit a hunk's text, marks.

use galley_text::diff;

use crate::hunk::{Hunk, HunkId, HunkKind, HunkState, Sides};
use crate::lines;
use crate::proposal::{FileProposal, Proposal};
use crate::rebase::{self, Rebased};

/// What an edit of a hunk's text did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// What accepting would have put there before the edit.
    pub was: String,
    /// What it puts there now: the text given, ended as a line where another line follows.
    pub now: String,
}

/// Why a hunk's text cannot be edited. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditHunkError {
    /// There is no such hunk.
    #[error("there is no hunk {hunk} in this proposal; it may belong to a task that is closed")]
    Unknown {
        /// The hunk named.
        hunk: HunkId,
    },
    /// It was accepted or rejected.
    #[error("hunk {hunk} was {state} already; take that back first, then edit it")]
    AlreadyDecided {
        /// The hunk named.
        hunk: HunkId,
        /// What was decided.
        state: HunkState,
    },
    /// The person made the change already.
    #[error("hunk {hunk} has nothing left to edit: the file has that change already; edit the file itself")]
    Obsolete {
        /// The hunk named.
        hunk: HunkId,
    },
    /// It deletes or moves its file, or changes its mode.
    #[error(
        "hunk {hunk} deletes or moves a file or changes its mode, and has no text to edit; accept or reject it"
    )]
    NoText {
        /// The hunk named.
        hunk: HunkId,
    },
}

impl Proposal {
    /// Rejects hunks, and with them the open hunks that need them. Returns all that are rejected by this: the
    /// given ones first, then those that need them. Accepted hunks stay as they are.
    pub fn reject(&mut self, ids: &[HunkId]) -> Vec<HunkId> {
        let mut rejected: Vec<HunkId> = Vec::new();
        for id in ids {
            if let Some((file, at)) = self.place(id)
                && !self.files[file].hunks[at].state.is_decided()
            {
                self.files[file].reject(at);
                rejected.push(id.clone());
            }
        }
        let mut at = 0;
        while let Some(id) = rejected.get(at).cloned() {
            at += 1;
            for file in &mut self.files {
                for at in 0..file.hunks.len() {
                    if file.hunks[at].is_open() && file.hunks[at].requires.contains(&id) {
                        file.reject(at);
                        rejected.push(file.hunks[at].id.clone());
                    }
                }
            }
        }
        rejected
    }

    /// Takes rejections back. What the hunks stand at then follows from the person's text as it is now.
    pub fn reopen(&mut self, ids: &[HunkId]) -> Rebased {
        let mut out = Rebased::default();
        for id in ids {
            if let Some((file, hunk)) = self.place(id)
                && self.files[file].hunks[hunk].state == HunkState::Rejected
            {
                self.files[file].reopen(hunk, &mut out);
            }
        }
        out
    }

    /// Replaces what accepting a hunk puts into the document by the person's own text. This settles a conflict:
    /// the hunk is pending and replaces the lines that stand there now.
    pub fn edit_hunk(&mut self, id: &HunkId, after: impl Into<String>) -> Result<Edited, EditHunkError> {
        let edited = self.write_hunk(id, after.into())?;
        if let Some(hunk) = self.hunk_mut(id) {
            hunk.edited = true;
        }
        Ok(edited)
    }

    /// Replaces what accepting a hunk puts there by what the model answered to a comment on it, in place.
    ///
    /// The answer may come from somebody who did not see what the person typed into the hunk's lines. Where it lacks
    /// some of that, it is merged with it as the first proposal was, and conflicts if it has to.
    pub fn revise_hunk(
        &mut self,
        id: &HunkId,
        after: impl Into<String>,
        reason: Option<String>,
    ) -> Result<Edited, EditHunkError> {
        let after = after.into();
        let unseen = self.hunk(id).filter(|(file, hunk)| lacks_typing(file, hunk, &after));
        let base = unseen.map(|(_, hunk)| hunk.base().to_owned());
        let edited = self.write_hunk(id, after)?;
        if let (Some(base), Some((file, at))) = (base, self.place(id)) {
            let file = &mut self.files[file];
            let hunk = &mut file.hunks[at];
            hunk.origin = Some(Sides { before: base, after: edited.now.clone() });
            rebase::settle_in_place(hunk, &file.current, &mut Rebased::default());
        }
        if let Some(hunk) = self.hunk_mut(id) {
            hunk.reason = reason.or_else(|| hunk.reason.take());
            hunk.reviewed = false;
            hunk.edited = false;
        }
        Ok(edited)
    }

    /// Marks hunks as looked at, or takes the mark away. Unknown ids are passed over.
    pub fn mark_reviewed(&mut self, ids: &[HunkId], reviewed: bool) {
        for id in ids {
            if let Some(hunk) = self.hunk_mut(id) {
                hunk.reviewed = reviewed;
            }
        }
    }

    /// Gives a hunk its reason; `false` if there is no such hunk.
    pub fn give_reason(&mut self, id: &HunkId, reason: impl Into<String>) -> bool {
        let hunk = self.hunk_mut(id);
        let found = hunk.is_some();
        if let Some(hunk) = hunk {
            hunk.reason = Some(reason.into());
        }
        found
    }

    fn write_hunk(&mut self, id: &HunkId, after: String) -> Result<Edited, EditHunkError> {
        let unknown = || EditHunkError::Unknown { hunk: id.clone() };
        let (file, at) = self.place(id).ok_or_else(unknown)?;
        let file = &mut self.files[file];
        let hunk = &file.hunks[at];
        if hunk.state.is_decided() {
            return Err(EditHunkError::AlreadyDecided { hunk: id.clone(), state: hunk.state });
        }
        if hunk.state == HunkState::Obsolete && hunk.kind == HunkKind::Lines {
            return Err(EditHunkError::Obsolete { hunk: id.clone() });
        }
        if hunk.kind == HunkKind::DeleteFile || hunk.is_textless() {
            return Err(EditHunkError::NoText { hunk: id.clone() });
        }
        let now = file.as_lines(at, after);
        let before = rebase::slice(&file.current, &file.hunks[at].range);
        let hunk = &mut file.hunks[at];
        let was = std::mem::replace(&mut hunk.after, now.clone());
        hunk.before = before;
        hunk.state = HunkState::Pending;
        (hunk.conflict, hunk.origin, hunk.first) = (None, None, None);
        hunk.merged_by_token = false;
        let mut out = Rebased::default();
        file.settle_overlaps(&mut out);
        Ok(Edited { was, now })
    }
}

/// Whether words that the person typed into a hunk's lines are not in a text that is to replace them.
fn lacks_typing(file: &FileProposal, hunk: &Hunk, after: &str) -> bool {
    let yours = rebase::slice(&file.current, &hunk.range);
    if hunk.kind != HunkKind::Lines || hunk.origin.is_none() || yours == hunk.base() {
        return false;
    }
    if yours.is_empty() {
        // They deleted those lines, and may bring them back.
        return true;
    }
    let known: Vec<&str> = words(after).collect();
    let typed = diff::words(hunk.base(), &yours);
    typed.edits().iter().flat_map(|edit| words(&edit.text)).any(|word| !known.contains(&word))
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

impl FileProposal {
    fn reject(&mut self, at: usize) {
        let hunk = &mut self.hunks[at];
        if hunk.state == HunkState::Obsolete {
            // A rejected hunk shows what stands there; should the person take their own change back, it stays
            // rejected.
            let yours = rebase::slice(&self.current, &hunk.range);
            let base = std::mem::replace(&mut hunk.before, yours);
            hunk.origin = Some(Sides { before: base, after: hunk.after.clone() });
        }
        hunk.state = HunkState::Rejected;
        hunk.conflict = None;
    }

    fn reopen(&mut self, at: usize, out: &mut Rebased) {
        let hunk = &mut self.hunks[at];
        match hunk.kind {
            HunkKind::Lines => rebase::settle_in_place(hunk, &self.current, out),
            HunkKind::AddFile | HunkKind::DeleteFile => {
                rebase::settle_whole_file(hunk, &self.current, out);
            }
            HunkKind::MoveFile | HunkKind::Mode => {
                hunk.state = HunkState::Pending;
                out.reopened.push(hunk.id.clone());
            }
        }
        self.settle_overlaps(out);
    }

    /// `text` ended as a line if another line follows the hunk's place, with the line ending used there.
    fn as_lines(&self, at: usize, mut text: String) -> String {
        let hunk = &self.hunks[at];
        let last = hunk.kind != HunkKind::Lines || hunk.range.end >= self.len();
        if !last && !text.is_empty() && !lines::is_ended(&text) {
            let before = self.current.byte_slice(..hunk.range.end.max(1).min(self.len()));
            let crlf = before.len_bytes() >= 2 && before.byte_slice(before.len_bytes() - 2..) == "\r\n";
            text.push_str(if crlf { "\r\n" } else { "\n" });
        }
        text
    }
}
