//! Accepting: which edits it consists of, why it may not be done, and what is true after it.
//!
//! An accept is planned, applied by whoever owns the document, and only then entered here. The plan names the text
//! that it applies to and the text that comes out, so that what came back can be compared with what was meant.

use galley_text::edit::{EditList, TextEdit};
use galley_text::format::FileChange;
use galley_text::path::RelPath;
use serde::{Deserialize, Serialize};

use crate::hunk::{Hunk, HunkId, HunkKind, HunkState};
use crate::mode::{FileMode, ModeChange};
use crate::proposal::{FileKind, FileProposal, Proposal};
use crate::rebase::{self, Rebased};
use crate::span;

/// What happens to one file when hunks are accepted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AcceptFile {
    /// Where the file lies afterwards.
    pub path: RelPath,
    /// What happens to it as a whole.
    pub kind: FileKind,
    /// The text that the edits apply to; empty for a new file.
    pub base: String,
    /// The editor's version of that text, where it is open.
    pub version: Option<i32>,
    /// The edits, in bytes of `base`.
    pub edits: EditList,
    /// The text afterwards; empty for a deleted file.
    pub result: String,
    /// The hunks that these edits are, prerequisites included.
    pub hunks: Vec<HunkId>,
    /// What becomes of its mode; `None` where it keeps its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<ModeChange>,
}

impl AcceptFile {
    /// The same as a change of the file's text or place; `None` where its mode alone changes.
    pub fn change(&self) -> Option<FileChange> {
        if self.is_mode_only() {
            return None;
        }
        let (path, base, result) = (self.path.clone(), self.base.clone(), self.result.clone());
        Some(match &self.kind {
            FileKind::Modify => FileChange::Update { path, before: base, after: result },
            FileKind::Add => FileChange::Add { path, text: result },
            FileKind::Delete => FileChange::Delete { path, before: base },
            FileKind::Move { from } => {
                FileChange::Move { from: from.clone(), to: path, before: base, after: result }
            }
        })
    }

    /// Whether the file keeps its text and its place.
    pub fn is_mode_only(&self) -> bool {
        self.kind == FileKind::Modify && self.edits.is_empty() && self.mode.is_some()
    }

    /// Whether the file can be run afterwards, where that changes.
    pub fn executable(&self) -> Option<bool> {
        self.mode.map(|mode| mode.after == FileMode::Executable)
    }
}

/// Why hunks cannot be accepted. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AcceptError {
    /// No hunk was named.
    #[error("there is no pending hunk to accept here")]
    Nothing,
    /// There is no such hunk.
    #[error("there is no hunk {hunk} in this proposal; it may belong to a task that is closed")]
    Unknown {
        /// The hunk named.
        hunk: HunkId,
    },
    /// It was accepted or rejected before.
    #[error("hunk {hunk} in {path} was {state} already{}", reopen_hint(.state))]
    AlreadyDecided {
        /// The hunk named.
        hunk: HunkId,
        /// Its file.
        path: RelPath,
        /// What was decided.
        state: HunkState,
    },
    /// The person changed the same lines in another way.
    #[error(
        "hunk {hunk} in {path} conflicts with what you typed there; edit the hunk to say what should stand there, or reject it"
    )]
    Conflicted {
        /// The hunk named.
        hunk: HunkId,
        /// Its file.
        path: RelPath,
    },
    /// The person made the change already.
    #[error("hunk {hunk} has nothing left to apply: {path} has that change already")]
    Obsolete {
        /// The hunk named.
        hunk: HunkId,
        /// Its file.
        path: RelPath,
    },
    /// It needs hunks that are not accepted, and these were not asked for.
    #[error("hunk {hunk} needs {}, not accepted yet; accept it with its prerequisites", listed(.lacks))]
    MissingPrerequisites {
        /// The hunk named.
        hunk: HunkId,
        /// The hunks it needs, those that these need included.
        lacks: Vec<HunkId>,
    },
    /// It needs a hunk that cannot be accepted.
    #[error("hunk {hunk} needs hunk {needs}, which is {state}; {} that one first", way_out(.state))]
    BlockedPrerequisite {
        /// The hunk named.
        hunk: HunkId,
        /// The hunk it needs.
        needs: HunkId,
        /// What that one stands at.
        state: HunkState,
    },
    /// The person deleted the file.
    #[error("{path} was deleted, so its hunks cannot be applied; restore the file or reject them")]
    FileGone {
        /// The file.
        path: RelPath,
    },
    /// The text under it is not the one it was shown on.
    #[error("hunk {hunk} does not lie on the text of {path} any more; nothing was applied, look at it again")]
    Stale {
        /// The hunk named.
        hunk: HunkId,
        /// Its file.
        path: RelPath,
    },
}

fn reopen_hint(state: &HunkState) -> &'static str {
    if *state == HunkState::Rejected { "; reopen it to decide again" } else { "" }
}

fn way_out(state: &HunkState) -> &'static str {
    match state {
        HunkState::Rejected => "reopen",
        _ => "settle",
    }
}

fn listed(ids: &[HunkId]) -> String {
    let names: Vec<&str> = ids.iter().map(|id| id.0.as_str()).collect();
    format!("{} {}", if names.len() == 1 { "hunk" } else { "hunks" }, names.join(", "))
}

impl Proposal {
    /// Which edits accepting these hunks consists of, a file each. With `with_prerequisites`, the hunks that they
    /// need are taken along.
    pub fn plan_accept(
        &self,
        ids: &[HunkId],
        with_prerequisites: bool,
    ) -> Result<Vec<AcceptFile>, AcceptError> {
        let wanted = self.closure(ids, with_prerequisites)?;
        let plans = self
            .files
            .iter()
            .filter_map(|file| file.plan(&wanted).transpose())
            .collect::<Result<Vec<_>, _>>()?;
        if plans.is_empty() { Err(AcceptError::Nothing) } else { Ok(plans) }
    }

    /// The edits of a plan were made: the hunks are accepted, their files' texts are now exactly the plan's
    /// results, and the other hunks are moved on. Hunks that are not pending are left alone.
    pub fn accepted(&mut self, ids: &[HunkId]) -> Rebased {
        let mut out = Rebased::default();
        for file in &mut self.files {
            for at in 0..file.hunks.len() {
                if ids.contains(&file.hunks[at].id) && file.hunks[at].state == HunkState::Pending {
                    file.accepted(at, &mut out);
                }
            }
        }
        out
    }

    /// The hunks named and, if they may be taken along, those that they need.
    fn closure(&self, ids: &[HunkId], with_prerequisites: bool) -> Result<Vec<HunkId>, AcceptError> {
        let mut wanted: Vec<HunkId> = Vec::new();
        for id in ids {
            self.check_open(id)?;
            if !wanted.contains(id) {
                wanted.push(id.clone());
            }
        }
        for id in ids {
            let lacks = self.lacks(id, &wanted)?;
            if lacks.is_empty() {
                continue;
            }
            if !with_prerequisites {
                return Err(AcceptError::MissingPrerequisites { hunk: id.clone(), lacks });
            }
            wanted.extend(lacks);
        }
        Ok(wanted)
    }

    fn check_open(&self, id: &HunkId) -> Result<(), AcceptError> {
        let Some((file, hunk)) = self.hunk(id) else { return Err(AcceptError::Unknown { hunk: id.clone() }) };
        let (hunk, path) = (hunk, file.document().clone());
        let id = id.clone();
        match hunk.state {
            HunkState::Accepted | HunkState::Rejected => {
                Err(AcceptError::AlreadyDecided { hunk: id, path, state: hunk.state })
            }
            _ if file.gone => Err(AcceptError::FileGone { path }),
            HunkState::Conflicted => Err(AcceptError::Conflicted { hunk: id, path }),
            HunkState::Obsolete => Err(AcceptError::Obsolete { hunk: id, path }),
            HunkState::Pending => Ok(()),
        }
    }

    /// The hunks that `id` needs, directly or not, and that are neither in the document nor in `wanted`.
    fn lacks(&self, id: &HunkId, wanted: &[HunkId]) -> Result<Vec<HunkId>, AcceptError> {
        let mut lacks: Vec<HunkId> = Vec::new();
        let mut seen = vec![id];
        let mut next = vec![id];
        while let Some(at) = next.pop() {
            let Some((_, hunk)) = self.hunk(at) else { continue };
            for needed in &hunk.requires {
                let Some((_, prerequisite)) = self.hunk(needed) else { continue };
                if seen.contains(&needed) {
                    continue;
                }
                seen.push(needed);
                match prerequisite.state {
                    HunkState::Accepted | HunkState::Obsolete => continue,
                    HunkState::Rejected | HunkState::Conflicted => {
                        let (hunk, needs) = (id.clone(), needed.clone());
                        return Err(AcceptError::BlockedPrerequisite {
                            hunk,
                            needs,
                            state: prerequisite.state,
                        });
                    }
                    HunkState::Pending => {}
                }
                if !wanted.contains(needed) {
                    lacks.push(needed.clone());
                }
                next.push(needed);
            }
        }
        Ok(lacks)
    }
}

impl FileProposal {
    fn plan(&self, wanted: &[HunkId]) -> Result<Option<AcceptFile>, AcceptError> {
        let chosen: Vec<&Hunk> = self.hunks.iter().filter(|hunk| wanted.contains(&hunk.id)).collect();
        let Some(first) = chosen.first() else { return Ok(None) };
        let stale = |hunk: &Hunk| AcceptError::Stale { hunk: hunk.id.clone(), path: self.document().clone() };
        if self.gone {
            return Err(AcceptError::FileGone { path: self.document().clone() });
        }
        for hunk in &chosen {
            let stands =
                self.current.get_byte_slice(hunk.range.clone()).is_some_and(|text| text == *hunk.before);
            let in_place = hunk.kind != HunkKind::Lines || span::starts_line(&self.current, hunk.range.start);
            if !stands || !in_place {
                return Err(stale(hunk));
            }
        }
        let edits = EditList::new(edits(&chosen)).map_err(|_| stale(first))?;
        let base = self.current.to_string();
        let result = edits.apply(&base).map_err(|_| stale(first))?;
        let as_whole = chosen.iter().any(|hunk| hunk.is_whole_file() && hunk.kind != HunkKind::Mode);
        let mode = self.mode_forth(&chosen);
        // A new file where the person made one meanwhile, and settled the conflict, is an edit of theirs.
        let overwrites = self.kind == FileKind::Add && !base.is_empty();
        Ok(Some(AcceptFile {
            path: if as_whole { &self.path } else { self.document() }.clone(),
            kind: if as_whole && !overwrites { self.kind.clone() } else { FileKind::Modify },
            base,
            version: self.version,
            edits,
            result,
            hunks: chosen.iter().map(|hunk| hunk.id.clone()).collect(),
            mode,
        }))
    }

    /// Enters the accept of the hunk at `at`.
    fn accepted(&mut self, at: usize, out: &mut Rebased) {
        let hunk = &mut self.hunks[at];
        let edit = TextEdit::new(hunk.range.clone(), hunk.after.as_str());
        let range = edit.range.start..edit.range.start + edit.text.len();
        hunk.state = HunkState::Accepted;
        (hunk.origin, hunk.conflict) = (None, None);
        if let (HunkKind::Mode, Some(mode)) = (hunk.kind, &mut self.mode) {
            mode.current = mode.after;
        }
        if !hunk.is_textless() {
            hunk.range = range;
            self.replace(at, edit, out);
        }
    }

    /// Makes an edit that is the whole of the hunk at `at` in the current text, and moves the other hunks on:
    /// those before it in order stay before it, those behind it go behind it, however close they are.
    pub(crate) fn replace(&mut self, at: usize, edit: TextEdit, out: &mut Rebased) {
        let shift = edit.text.len() as isize - edit.range.len() as isize;
        let old = self.current.clone();
        splice(&mut self.current, &edit);
        let change = rebase::Single::new(&old, &self.current, edit.clone());
        let mut touched = false;
        for (index, hunk) in self.hunks.iter_mut().enumerate() {
            if index == at || hunk.is_whole_file() {
                continue;
            }
            if index > at && hunk.range.start >= edit.range.end {
                let range = &mut hunk.range;
                *range = range.start.saturating_add_signed(shift)..range.end.saturating_add_signed(shift);
            } else if index > at || hunk.range.end > edit.range.start {
                touched |= change.follow(hunk, out);
            }
        }
        if touched {
            self.settle_overlaps(out);
        }
    }
}

fn splice(text: &mut ropey::Rope, edit: &TextEdit) {
    let (from, to) = (text.byte_to_char(edit.range.start), text.byte_to_char(edit.range.end));
    text.remove(from..to);
    text.insert(from, &edit.text);
}

/// One edit a hunk. Insertions at one place stay in the order of the hunks.
fn edits(hunks: &[&Hunk]) -> Vec<TextEdit> {
    let lines = hunks.iter().filter(|hunk| !hunk.is_textless());
    lines.map(|hunk| TextEdit::new(hunk.range.clone(), hunk.after.as_str())).collect()
}
