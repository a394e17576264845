//! Splitting a hunk at the person's wish, to decide about its parts one by one.
//!
//! The parts are found from the hunk as it was proposed, and their names follow from its name, so that a split is the same
//! whenever it is made again from a journal. A hunk that the person typed into, or rewrote, is therefore not split.

use galley_text::diff::{self, LineHunk};

use crate::hunk::{Hunk, HunkId, HunkKind, HunkState};
use crate::lines;
use crate::proposal::Proposal;

/// Why a hunk cannot be split. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    /// There is no such hunk.
    #[error("there is no hunk {hunk} in this proposal; it may belong to a task that is closed")]
    Unknown {
        /// The hunk named.
        hunk: HunkId,
    },
    /// It is decided, conflicted, or not about lines.
    #[error("hunk {hunk} is {state} or concerns the file as a whole; only pending lines can be split")]
    NotPending {
        /// The hunk named.
        hunk: HunkId,
        /// What it stands at.
        state: HunkState,
    },
    /// The person's own text is in it.
    #[error("hunk {hunk} has text of yours in it and is not split; edit it to say what should stand there")]
    Touched {
        /// The hunk named.
        hunk: HunkId,
    },
    /// It is one change.
    #[error("hunk {hunk} cannot be split further; edit it to take only some of it")]
    Whole {
        /// The hunk named.
        hunk: HunkId,
    },
}

impl Proposal {
    /// Splits a pending hunk into its parts: at lines that stay, or else, where as many lines come as go, line by line.
    /// What needs the hunk needs all parts. Returns their names in the order of their places.
    ///
    /// # Errors
    /// See [`SplitError`].
    pub fn split_hunk(&mut self, id: &HunkId) -> Result<Vec<HunkId>, SplitError> {
        let (file, at) = self.place(id).ok_or_else(|| SplitError::Unknown { hunk: id.clone() })?;
        let hunk = &self.files[file].hunks[at];
        if hunk.state != HunkState::Pending || hunk.kind != HunkKind::Lines {
            return Err(SplitError::NotPending { hunk: id.clone(), state: hunk.state });
        }
        if hunk.origin.is_some() || hunk.edited {
            return Err(SplitError::Touched { hunk: id.clone() });
        }
        let parts = parts(hunk);
        if parts.len() < 2 {
            return Err(SplitError::Whole { hunk: id.clone() });
        }
        let names: Vec<HunkId> = parts.iter().map(|part| part.id.clone()).collect();
        self.files[file].hunks.splice(at..=at, parts);
        for hunk in self.files.iter_mut().flat_map(|file| &mut file.hunks) {
            if let Some(needed) = hunk.requires.iter().position(|known| known == id) {
                hunk.requires.splice(needed..=needed, names.iter().cloned());
            }
        }
        Ok(names)
    }
}

/// The hunk in pieces; one piece where it cannot be split.
fn parts(hunk: &Hunk) -> Vec<Hunk> {
    let (old, new) = (lines::split(&hunk.before), lines::split(&hunk.after));
    let mut runs = diff::lines(&hunk.before, &hunk.after);
    if runs.len() < 2 && old.len() == new.len() {
        runs = (0..old.len()).map(|at| LineHunk { old: at..at + 1, new: at..at + 1 }).collect();
    }
    let length = |lines: &[&str]| lines.iter().map(|line| line.len()).sum::<usize>();
    let part = |(number, run): (usize, LineHunk)| {
        let start = hunk.range.start + length(&old[..run.old.start]);
        let before = old[run.old.clone()].concat();
        Hunk {
            id: HunkId(format!("{}.{}", hunk.id.0, number + 1)),
            range: start..start + before.len(),
            before,
            after: new[run.new].concat(),
            first: None,
            neighbours: None,
            ..hunk.clone()
        }
    };
    runs.into_iter().enumerate().map(part).collect()
}
