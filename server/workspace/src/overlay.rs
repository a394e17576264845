//! A snapshot with a task's edits on top, in memory. The person's files are not touched.
//!
//! For every path that a task changed the overlay remembers the text that stood there when it was first
//! touched, so that its changes are always told against what was really seen. A copy costs one reference
//! count; the first edit after it copies the list of changed files, not their texts.

use crate::error::ReadError;
use crate::snapshot::{Snapshot, tree_hash};
use galley_text::format::{FileChange, Tree};
use galley_text::path::RelPath;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use thiserror::Error;

/// An edit that an overlay refuses.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OverlayError {
    /// The path stands for a file that cannot be read, so that its change could not be shown.
    #[error("{path} cannot be changed: {why}")]
    Unreadable {
        /// The file.
        path: RelPath,
        /// Why it cannot be read.
        why: ReadError,
    },
    /// There is no such file.
    #[error("{path} does not exist")]
    Missing {
        /// The file.
        path: RelPath,
    },
    /// A rename would replace a file.
    #[error("{path} exists already; delete it first or choose another name")]
    Exists {
        /// The file in the way.
        path: RelPath,
    },
    /// A link was to be renamed, and where it then leads is not known.
    #[error("{path} is a symbolic link to {target}; rename {target}, or delete the link and write a file")]
    IsLink {
        /// The link.
        path: RelPath,
        /// Where it leads.
        target: RelPath,
    },
    /// A part of the path that would have to be a folder is a file, or the other way round.
    #[error("{path} cannot be written: {blocker} is in the way, and one name cannot be file and folder")]
    InTheWay {
        /// The path that was to be written.
        path: RelPath,
        /// The file that stands in its way.
        blocker: RelPath,
    },
}

/// What became of one path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edit {
    /// The text in the snapshot when the path was first touched; `None` when there was no file.
    pub before: Option<Arc<str>>,
    /// The text now; `None` when there is no file.
    pub after: Option<Arc<str>>,
    /// The path of the snapshot's file that this one was renamed from.
    pub from: Option<RelPath>,
    /// Whether the file can be run, where that was decided for it; else it follows from what it was or is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executable: Option<bool>,
}

/// A file that can be run after a task's edits and could not before, or the other way round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModeEdit {
    /// Where it lies after the edits.
    pub path: RelPath,
    /// Its text after the edits.
    pub text: Arc<str>,
    /// Whether it can be run after them.
    pub executable: bool,
}

/// The edits of an overlay in a form that the journal keeps.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Edits {
    /// By path, sorted.
    pub files: BTreeMap<RelPath, Edit>,
}

/// A snapshot plus a task's edits. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Overlay {
    snapshot: Snapshot,
    edits: Arc<BTreeMap<RelPath, Edit>>,
}

/// A state of an overlay that can be returned to.
#[derive(Debug, Clone)]
pub struct Checkpoint(Arc<BTreeMap<RelPath, Edit>>);

impl Overlay {
    /// An overlay without edits.
    pub fn new(snapshot: Snapshot) -> Overlay {
        Overlay { snapshot, edits: Arc::default() }
    }

    /// The snapshot below.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// The text of a file as the task sees it, also by the name of a link that leads to it.
    pub fn read(&self, path: &RelPath) -> Result<Arc<str>, ReadError> {
        let edit = self.edits.get(path).or_else(|| {
            let target = self.snapshot.link_target(path).filter(|_| !self.edits.is_empty())?;
            self.edits.get(&target)
        });
        match edit {
            Some(edit) => edit.after.clone().ok_or(ReadError::Missing),
            None => self.snapshot.read(path),
        }
    }

    /// As [`Overlay::read`], without keeping what the disk holds: for searching whole trees.
    pub fn peek(&self, path: &RelPath) -> Result<Arc<str>, ReadError> {
        match self.edits.get(path) {
            Some(edit) => edit.after.clone().ok_or(ReadError::Missing),
            None => self.snapshot.peek(path),
        }
    }

    /// Appends the bytes of a file as the task sees it, in UTF-8 where that is not the disk's; `false` if there are none.
    pub fn bytes(&self, path: &RelPath, bytes: &mut Vec<u8>) -> bool {
        match self.edits.get(path) {
            Some(edit) => edit.after.as_ref().is_some_and(|text| {
                bytes.extend_from_slice(text.as_bytes());
                true
            }),
            None => self.snapshot.bytes(path, bytes),
        }
    }

    /// True for a file whose text may be another here than on disk.
    pub fn is_apart(&self, path: &RelPath) -> bool {
        self.edits.contains_key(path) || self.snapshot.is_apart(path)
    }

    /// All files as the task sees them, sorted.
    pub fn files(&self) -> Arc<[RelPath]> {
        let listed = self.snapshot.files();
        let mut added = Vec::new();
        let mut removed = BTreeSet::new();
        for (path, edit) in self.edits.iter() {
            match (listed.binary_search(path).is_ok(), edit.after.is_some()) {
                (false, true) => added.push(path.clone()),
                (true, false) => {
                    removed.insert(path);
                }
                _ => {}
            }
        }
        if added.is_empty() && removed.is_empty() {
            return listed;
        }
        let kept = listed.iter().filter(|path| !removed.contains(path)).cloned();
        let mut files: Vec<_> = kept.chain(added).collect();
        files.sort_unstable();
        files.into()
    }

    /// Gives a file a text, creating it if need be. By the name of a link the file is changed that it leads to, and the
    /// link stays.
    pub fn write(&mut self, path: &RelPath, text: impl Into<Arc<str>>) -> Result<(), OverlayError> {
        let target = self.snapshot.link_target(path).filter(|_| !self.edits.contains_key(path));
        let path = target.as_ref().unwrap_or(path);
        let before = self.base_text(path)?;
        if self.read(path).is_err() {
            self.check_way(path)?;
        }
        let edit = self.edit_mut(path, before);
        edit.after = Some(text.into());
        Ok(())
    }

    /// Removes a file.
    pub fn delete(&mut self, path: &RelPath) -> Result<(), OverlayError> {
        let before = self.base_text(path)?;
        if self.read(path).is_err() {
            return Err(OverlayError::Missing { path: path.clone() });
        }
        let edit = self.edit_mut(path, before);
        (edit.after, edit.from, edit.executable) = (None, None, None);
        self.forget_unchanged(path);
        Ok(())
    }

    /// Gives a file another path, where none may stand.
    pub fn rename(&mut self, from: &RelPath, to: &RelPath) -> Result<(), OverlayError> {
        if let Some(target) = self.snapshot.link_target(from).filter(|_| !self.edits.contains_key(from)) {
            return Err(OverlayError::IsLink { path: from.clone(), target });
        }
        self.base_text(from)?;
        let text = self.read(from).map_err(|_| OverlayError::Missing { path: from.clone() })?;
        if from == to {
            return Ok(());
        }
        let before = self.base_text(to)?;
        if self.read(to).is_ok() {
            return Err(OverlayError::Exists { path: to.clone() });
        }
        self.check_way(to)?;
        let origin = match self.edits.get(from) {
            Some(Edit { from: Some(origin), .. }) => Some(origin.clone()),
            Some(Edit { before: None, .. }) => None,
            _ => Some(from.clone()),
        };
        let decided = self.edits.get(from).and_then(|edit| edit.executable);
        self.delete(from)?;
        let edit = self.edit_mut(to, before);
        (edit.after, edit.from) = (Some(text), origin.filter(|origin| origin != to));
        edit.executable = decided;
        Ok(())
    }

    /// Performs changes that were computed for this overlay's texts; all of them or none.
    pub fn apply(&mut self, changes: &[FileChange]) -> Result<(), OverlayError> {
        let checkpoint = self.checkpoint();
        let result = changes.iter().try_for_each(|change| self.apply_one(change));
        if result.is_err() {
            self.restore(&checkpoint);
        }
        result
    }

    fn apply_one(&mut self, change: &FileChange) -> Result<(), OverlayError> {
        match change {
            FileChange::Add { path, text } => self.write(path, text.as_str()),
            FileChange::Update { path, after, .. } => self.write(path, after.as_str()),
            FileChange::Delete { path, .. } => self.delete(path),
            FileChange::Move { from, to, after, .. } => {
                self.rename(from, to)?;
                self.write(to, after.as_str())
            }
        }
    }

    /// All changes against the snapshot, by path. Writing back what stood there is no change.
    pub fn changes(&self) -> Vec<FileChange> {
        let moved = self.moves();
        let mut changes = Vec::new();
        for (path, edit) in self.edits.iter() {
            let (before, after) = (edit.before.as_deref(), edit.after.as_deref());
            match (before, after) {
                (None, Some(after)) => changes.push(match moved.get(path) {
                    Some((from, before)) => FileChange::Move {
                        from: (*from).clone(),
                        to: path.clone(),
                        before: before.to_string(),
                        after: after.into(),
                    },
                    None => FileChange::Add { path: path.clone(), text: after.into() },
                }),
                (Some(before), Some(after)) if before != after => changes.push(FileChange::Update {
                    path: path.clone(),
                    before: before.into(),
                    after: after.into(),
                }),
                (Some(before), None) if !moved.values().any(|(from, _)| *from == path) => {
                    changes.push(FileChange::Delete { path: path.clone(), before: before.into() });
                }
                _ => {}
            }
        }
        changes
    }

    /// New files that are renamed ones: their path, and the old path with its text. A file that was renamed
    /// away and written anew, or whose target stood in the snapshot already, is told as separate changes.
    fn moves(&self) -> BTreeMap<&RelPath, (&RelPath, &str)> {
        let mut taken = BTreeSet::new();
        let mut moves = BTreeMap::new();
        for (path, edit) in self.edits.iter() {
            let (Some(from), None, Some(_)) = (&edit.from, &edit.before, &edit.after) else { continue };
            let Some(Edit { before: Some(before), after: None, .. }) = self.edits.get(from) else { continue };
            if taken.insert(from) {
                moves.insert(path, (from, &**before));
            }
        }
        moves
    }

    /// The paths whose presence, text or mode differs from the snapshot, sorted.
    pub fn changed_paths(&self) -> Vec<RelPath> {
        let differs = |(path, edit): &(&RelPath, &Edit)| {
            edit.before != edit.after || (edit.executable.is_some() && self.mode_edit(path).is_some())
        };
        self.edits.iter().filter(differs).map(|(path, _)| path.clone()).collect()
    }

    /// True when nothing differs from the snapshot.
    pub fn is_unchanged(&self) -> bool {
        self.changed_paths().is_empty()
    }

    /// A name for the content of the whole tree with the edits in it: equal exactly when paths, bytes and
    /// executable bits of all files are equal. A tree to which these edits were applied and saved has the same
    /// name. Reads and hashes what was not hashed before, so the first call may take long.
    pub fn content_hash(&self) -> String {
        let edited = |path: &RelPath| self.edits.get(path).and_then(|edit| edit.after.clone());
        let files = self.files();
        tree_hash(files.iter().map(|path| {
            let (hash, is_executable) = self.snapshot.file_hash(path, &edited);
            let is_edited = self.edits.contains_key(path);
            (path, (hash, if is_edited { self.is_executable(path) } else { is_executable }))
        }))
    }

    /// Takes the edits of one path back: it is again as the snapshot has it.
    pub fn revert(&mut self, path: &RelPath) {
        Arc::make_mut(&mut self.edits).remove(path);
    }

    /// Remembers the present state. Costs nothing.
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint(Arc::clone(&self.edits))
    }

    /// Is this the very state that was remembered? False may be said of an equal one.
    pub fn is_at(&self, checkpoint: &Checkpoint) -> bool {
        Arc::ptr_eq(&self.edits, &checkpoint.0)
    }

    /// Returns to a state of this overlay.
    pub fn restore(&mut self, checkpoint: &Checkpoint) {
        self.edits = Arc::clone(&checkpoint.0);
    }

    /// The edits in a form that can be kept.
    pub fn edits(&self) -> Edits {
        Edits { files: (*self.edits).clone() }
    }

    pub(crate) fn edited(&self) -> impl Iterator<Item = &RelPath> {
        self.edits.keys()
    }

    pub(crate) fn decide_mode(&mut self, path: &RelPath, executable: bool) {
        if let Some(edit) = Arc::make_mut(&mut self.edits).get_mut(path) {
            edit.executable = Some(executable);
        }
    }

    pub(crate) fn edit(&self, path: &RelPath) -> Option<&Edit> {
        self.edits.get(path)
    }

    pub(crate) fn with_edits(snapshot: Snapshot, edits: BTreeMap<RelPath, Edit>) -> Overlay {
        Overlay { snapshot, edits: Arc::new(edits) }
    }

    /// The snapshot's text of a path that is to be changed.
    fn base_text(&self, path: &RelPath) -> Result<Option<Arc<str>>, OverlayError> {
        if let Some(edit) = self.edits.get(path) {
            return Ok(edit.before.clone());
        }
        match self.snapshot.read(path) {
            Ok(text) => Ok(Some(text)),
            Err(ReadError::Missing) => Ok(None),
            Err(why) => Err(OverlayError::Unreadable { path: path.clone(), why }),
        }
    }

    /// Refuses a new file below a file, and in the place of a folder that holds files.
    fn check_way(&self, path: &RelPath) -> Result<(), OverlayError> {
        let blocked = |blocker: RelPath| OverlayError::InTheWay { path: path.clone(), blocker };
        let mut above = path.parent();
        while let Some(folder) = above {
            if self.edits.get(&folder).map_or_else(|| self.snapshot.exists(&folder), |e| e.after.is_some()) {
                return Err(blocked(folder));
            }
            above = folder.parent();
        }
        let below = self.edits.range(path.clone()..).map(|(other, edit)| (other, edit.after.is_some()));
        for (other, exists) in below.take_while(|(other, _)| other.as_str().starts_with(path.as_str())) {
            if exists && other != path && other.starts_with(path) {
                return Err(blocked(other.clone()));
            }
        }
        Ok(())
    }

    fn edit_mut(&mut self, path: &RelPath, before: Option<Arc<str>>) -> &mut Edit {
        let fresh = || Edit { before, after: None, from: None, executable: None };
        Arc::make_mut(&mut self.edits).entry(path.clone()).or_insert_with(fresh)
    }

    /// A file that never was in the snapshot and is gone again leaves no trace.
    fn forget_unchanged(&mut self, path: &RelPath) {
        if self.edits.get(path).is_some_and(|edit| edit.before.is_none() && edit.after.is_none()) {
            Arc::make_mut(&mut self.edits).remove(path);
        }
    }
}

impl Tree for Overlay {
    fn read(&self, path: &RelPath) -> Option<String> {
        Overlay::read(self, path).ok().map(|text| text.to_string())
    }

    /// Files whose name, or whose path's end, is the wanted one in any case of letters.
    fn near_paths(&self, wanted: &str) -> Vec<String> {
        let wanted = wanted.trim_start_matches("./").to_lowercase();
        let name = wanted.rsplit('/').next().unwrap_or(&wanted);
        let files = self.files();
        let by_name = files.iter().filter(|path| path.file_name().to_lowercase() == name);
        let mut near: Vec<_> = by_name.map(|path| path.as_str().to_string()).collect();
        let is_end = |path: &String| path.to_lowercase().ends_with(&wanted);
        near.sort_by_key(|path| (!is_end(path), path.len()));
        near.truncate(5);
        near
    }
}
