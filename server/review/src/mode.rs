//! Executable files as parts of a proposal: a change of a file's mode is a hunk of its own, without text.

use galley_text::path::RelPath;
use ropey::Rope;
use serde::{Deserialize, Serialize};

use crate::hunk::{HunkId, HunkKind, HunkState};
use crate::proposal::{FileKind, FileProposal, Proposal};
use crate::rebase::Rebased;
use crate::split;

/// What a file is, beside its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileMode {
    /// A file that cannot be run.
    #[default]
    Plain,
    /// A file that can be run.
    Executable,
}

/// What becomes of a file's mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModeChange {
    /// What it was when this was proposed; for a new file, plain.
    pub before: FileMode,
    /// What it is when the hunk is accepted.
    pub after: FileMode,
    /// What it is now.
    pub current: FileMode,
}

impl ModeChange {
    /// The same change the other way.
    pub fn back(self) -> ModeChange {
        ModeChange { before: self.after, after: self.before, current: self.current }
    }
}

impl FileMode {
    /// The mode as git writes it.
    pub fn as_git(self) -> &'static str {
        match self {
            FileMode::Plain => "100644",
            FileMode::Executable => "100755",
        }
    }
}

impl Proposal {
    /// Proposes another mode for a file. A file that the proposal adds is made with it, without a hunk of its own;
    /// for a file that it does not change otherwise `text` is what the person has there. Returns the hunk, where
    /// there is one; nothing where the modes are the same or the file is deleted.
    pub fn change_mode(
        &mut self,
        path: &RelPath,
        text: &str,
        (before, after): (FileMode, FileMode),
        next_id: &mut dyn FnMut() -> HunkId,
    ) -> Option<HunkId> {
        if before == after {
            return None;
        }
        let mode = ModeChange { before, after, current: before };
        let at = self.files.iter().position(|file| file.path == *path).unwrap_or_else(|| {
            self.files.push(FileProposal {
                path: path.clone(),
                kind: FileKind::Modify,
                current: Rope::from_str(text),
                version: None,
                gone: false,
                hunks: Vec::new(),
                mode: None,
            });
            self.files.len() - 1
        });
        let file = &mut self.files[at];
        match file.kind {
            FileKind::Delete => return None,
            FileKind::Add => {
                file.mode = Some(ModeChange { before: FileMode::Plain, current: FileMode::Plain, ..mode });
                return None;
            }
            FileKind::Modify | FileKind::Move { .. } => file.mode = Some(mode),
        }
        let id = next_id();
        let mut hunk = split::hunk(id.clone(), HunkKind::Mode, 0..0, String::new(), String::new());
        hunk.requires
            .extend(file.hunks.iter().filter(|other| other.kind == HunkKind::MoveFile).map(|h| h.id.clone()));
        file.hunks.insert(0, hunk);
        Some(id)
    }

    /// The person changed a file's mode.
    pub fn mode_changed(&mut self, path: &RelPath, now: FileMode) -> Rebased {
        let mut out = Rebased::default();
        for file in self.files.iter_mut().filter(|file| file.document() == path) {
            let Some(mode) = &mut file.mode else { continue };
            mode.current = now;
            let (before, after) = (mode.before, mode.after);
            let Some(hunk) = file.hunks.iter_mut().find(|hunk| hunk.kind == HunkKind::Mode) else { continue };
            let was = hunk.state;
            if was == HunkState::Rejected || (was == HunkState::Accepted && now != before) {
                continue;
            }
            hunk.state = match now {
                now if now == after => HunkState::Obsolete,
                _ => HunkState::Pending,
            };
            let list = match hunk.state {
                HunkState::Obsolete => &mut out.obsolete,
                _ => &mut out.reopened,
            };
            if was != hunk.state {
                list.push(hunk.id.clone());
            }
        }
        out
    }
}

impl FileProposal {
    /// What accepting these hunks does to the file's mode; `None` where it stays what it is.
    pub(crate) fn mode_forth(&self, chosen: &[&crate::hunk::Hunk]) -> Option<ModeChange> {
        let brings = |hunk: &&&crate::hunk::Hunk| matches!(hunk.kind, HunkKind::Mode | HunkKind::AddFile);
        self.mode.filter(|_| chosen.iter().any(|hunk| brings(&hunk)))
    }

    /// What taking these hunks back does to the file's mode; `None` where it stays what it is.
    pub(crate) fn mode_back(&self, chosen: &[&crate::hunk::Hunk]) -> Option<ModeChange> {
        self.mode.filter(|_| chosen.iter().any(|hunk| hunk.kind == HunkKind::Mode)).map(ModeChange::back)
    }
}
