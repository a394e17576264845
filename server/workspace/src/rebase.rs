//! Carrying kept edits over to a newer snapshot.
//!
//! A task that is resumed finds a tree that people went on working on. Where a file still has the text that
//! the task saw, its edit is taken as it is; where not, both sides are merged; what cannot be merged is told
//! and the person's text stays.

use crate::overlay::{Edit, Edits, Overlay};
use crate::snapshot::Snapshot;
use galley_text::merge;
use galley_text::path::RelPath;
use std::collections::BTreeMap;
use std::sync::Arc;

/// An overlay on a new snapshot, and what had to be done to get there.
#[derive(Debug)]
pub struct Rebased {
    /// The overlay; files in `conflicts` are in it as the new snapshot has them.
    pub overlay: Overlay,
    /// Files whose edit was merged with somebody else's.
    pub merged: Vec<RelPath>,
    /// Files whose edit was left out because it contradicts what happened to them since.
    pub conflicts: Vec<RelPath>,
}

impl Overlay {
    /// Lays kept edits over a snapshot, newer or not than the one they were made on.
    pub fn from_edits(snapshot: Snapshot, edits: &Edits) -> Rebased {
        let mut files = BTreeMap::new();
        let (mut merged, mut conflicts) = (Vec::new(), Vec::new());
        for (path, edit) in &edits.files {
            let now = match snapshot.read(path) {
                Ok(text) => Some(text),
                Err(crate::ReadError::Missing) => None,
                Err(_) => {
                    conflicts.push(path.clone());
                    continue;
                }
            };
            if now == edit.before {
                files.insert(path.clone(), edit.clone());
                continue;
            }
            match merge_edit(edit, now.as_deref()) {
                Some(after) => {
                    merged.push(path.clone());
                    files.insert(path.clone(), Edit { before: now, after, ..edit.clone() });
                }
                None => conflicts.push(path.clone()),
            }
        }
        let overlay = Overlay::with_edits(snapshot, files);
        Rebased { overlay, merged, conflicts }
    }

    /// The same edits over another snapshot.
    pub fn rebased(&self, snapshot: Snapshot) -> Rebased {
        Overlay::from_edits(snapshot, &self.edits())
    }
}

/// The text that an edit leads to when the file is not what it was; `None` when both contradict each other.
fn merge_edit(edit: &Edit, now: Option<&str>) -> Option<Option<Arc<str>>> {
    if edit.after.as_deref() == now {
        return Some(edit.after.clone());
    }
    let (before, after, now) = (edit.before.as_deref()?, edit.after.as_deref()?, now?);
    let merge = merge::merge(before, now, after);
    merge.is_clean().then(|| Some(Arc::from(merge.text)))
}
