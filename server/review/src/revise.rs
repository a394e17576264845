//! A proposal that the model made anew, after a comment of the person's: it goes on from the earlier one.
//!
//! What is the same keeps its id and everything the person did to it; what was changed in place keeps its id and is
//! to be looked at again; what was decided stays in the list as it was.

use std::collections::BTreeMap;

use crate::hunk::{Hunk, HunkId, HunkKind};
use crate::proposal::{FileProposal, Proposal};

impl Proposal {
    /// Goes on from `earlier`. Both lie on the same texts. `offered` are the hunks of `earlier` that the model started
    /// from, so that one of them that is missing now was withdrawn; every other hunk is kept, as it was decided or left.
    /// `next_id` gives ids that no hunk of `earlier` has.
    pub fn revise(&mut self, earlier: &Proposal, offered: &[HunkId], next_id: &mut dyn FnMut() -> HunkId) {
        let mut renamed: BTreeMap<HunkId, HunkId> = BTreeMap::new();
        let mut taken: Vec<HunkId> = Vec::new();
        // Exact matches of all files go first, so that a changed hunk does not take the id of an unchanged one.
        for exact in [true, false] {
            for file in &mut self.files {
                let Some(known) = earlier.files.iter().find(|known| known.is_of(file)) else { continue };
                for hunk in &mut file.hunks {
                    if !renamed.contains_key(&hunk.id) {
                        let found = counterpart(known, hunk, offered, &taken, exact);
                        if let Some(found) = found {
                            renamed.insert(hunk.id.clone(), found.id.clone());
                            taken.push(found.id.clone());
                            hunk.go_on_from(found, exact);
                        }
                    }
                }
            }
        }
        for (_, hunk) in self.all() {
            renamed.entry(hunk.id.clone()).or_insert_with(&mut *next_id);
        }
        for hunk in self.files.iter_mut().flat_map(|file| file.hunks.iter_mut()) {
            if let Some(id) = renamed.get(&hunk.id) {
                hunk.id = id.clone();
            }
            for needed in &mut hunk.requires {
                if let Some(id) = renamed.get(needed) {
                    *needed = id.clone();
                }
            }
        }
        self.keep_decided(earlier, offered);
    }

    /// Takes over the hunks of `earlier` that the model did not start from.
    fn keep_decided(&mut self, earlier: &Proposal, offered: &[HunkId]) {
        let kept = |hunk: &&Hunk| !offered.contains(&hunk.id);
        for known in &earlier.files {
            let Some(file) = self.files.iter_mut().find(|file| known.is_of(file)) else {
                let hunks: Vec<Hunk> = known.hunks.iter().filter(kept).cloned().collect();
                if !hunks.is_empty() {
                    self.files.push(FileProposal { hunks, ..known.clone() });
                }
                continue;
            };
            let same_kind = file.kind == known.kind;
            for hunk in known.hunks.iter().filter(kept) {
                let fits = if hunk.kind == HunkKind::MoveFile { same_kind } else { !hunk.is_whole_file() };
                let free = |other: &Hunk| other.id != hunk.id && !other.overlaps(hunk);
                if fits && file.hunks.iter().all(free) {
                    file.hunks.push(hunk.clone());
                }
            }
            file.hunks.sort_by_key(|hunk| (!hunk.is_whole_file(), hunk.range.start, hunk.range.end));
        }
    }
}

impl FileProposal {
    /// Whether both speak of one document.
    fn is_of(&self, other: &FileProposal) -> bool {
        self.path == other.path || self.document() == other.document()
    }
}

fn counterpart<'a>(
    known: &'a FileProposal,
    hunk: &Hunk,
    offered: &[HunkId],
    taken: &[HunkId],
    exact: bool,
) -> Option<&'a Hunk> {
    known.hunks.iter().find(|old| {
        let free = offered.contains(&old.id) && !taken.contains(&old.id) && old.kind == hunk.kind;
        let same = old.before == hunk.before && old.after == hunk.after && old.range == hunk.range;
        free && if exact { same } else { old.touches(hunk) }
    })
}

impl Hunk {
    /// Whether both speak of the same place: a line in common, or one inserts where the other is.
    fn touches(&self, other: &Hunk) -> bool {
        if self.is_whole_file() || other.is_whole_file() {
            return self.kind == other.kind;
        }
        let (a, b) = (&self.range, &other.range);
        if a.is_empty() || b.is_empty() {
            a.start <= b.end && b.start <= a.end
        } else {
            a.start < b.end && b.start < a.end
        }
    }

    /// Whether both change the same line, or insert at the same place.
    pub fn overlaps(&self, other: &Hunk) -> bool {
        let (a, b) = (&self.range, &other.range);
        match (a.is_empty(), b.is_empty()) {
            _ if self.is_whole_file() || other.is_whole_file() => self.kind == other.kind,
            (true, true) => a == b,
            (true, false) => b.start < a.start && a.start < b.end,
            (false, true) => a.start < b.start && b.start < a.end,
            (false, false) => a.start < b.end && b.start < a.end,
        }
    }

    fn go_on_from(&mut self, earlier: &Hunk, same: bool) {
        if same {
            let requires = std::mem::take(&mut self.requires);
            let id = self.id.clone();
            *self = Hunk {
                id,
                requires,
                reason: earlier.reason.clone().or(self.reason.take()),
                ..earlier.clone()
            };
        } else if self.reason.is_none() {
            self.reason.clone_from(&earlier.reason);
        }
    }
}
