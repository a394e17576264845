//! Bringing accepted changes to disk where no editor does it, and taking them back.
//!
//! A plan is made first: every file must still be what was reviewed, else nothing is written at all. The plan
//! holds the record from which everything can be undone, so that it can be journalled before the first write.
//! Undoing merges: what was changed after the fact by others stays, and where both sides contradict each
//! other nothing is written and the conflict is told.

use crate::disk::{Stamp, open_regular, read_limited};
use crate::error::{ReadError, WriteError};
use crate::executable::is_script;
use crate::workspace::Workspace;
use galley_text::encoding::{Encoding, decode, encode};
use galley_text::format::FileChange;
use galley_text::merge::merge;
use galley_text::path::RelPath;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use thiserror::Error;

/// Changes that were not brought to disk. Unless said otherwise nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ApplyError {
    /// The file is not what was reviewed any more.
    #[error(
        "{path} has changed since it was reviewed; nothing was applied; review the change again on the new text"
    )]
    MovedOn {
        /// The file.
        path: RelPath,
    },
    /// A file stands where one was to be created.
    #[error("{path} exists already; nothing was applied; move it away or review the change again")]
    Exists {
        /// The file.
        path: RelPath,
    },
    /// The reviewed file is gone.
    #[error("{path} is gone; nothing was applied; review the change again")]
    Gone {
        /// The file.
        path: RelPath,
    },
    /// Two changes concern one file.
    #[error("two changes concern {path}; nothing was applied; apply them one after the other")]
    Twice {
        /// The file.
        path: RelPath,
    },
    /// The file cannot be read.
    #[error("{path} cannot be changed: {why}; nothing was applied")]
    Unreadable {
        /// The file.
        path: RelPath,
        /// Why not.
        why: ReadError,
    },
    /// A write failed. What was written before it was taken back, except for `left`.
    #[error("{why}; {}", left_as_text(left))]
    Write {
        /// What failed.
        why: WriteError,
        /// Files that could not be taken back either and carry the new text.
        left: Vec<RelPath>,
    },
}

fn left_as_text(left: &[RelPath]) -> String {
    if left.is_empty() {
        return "nothing was applied".into();
    }
    let names: Vec<_> = left.iter().map(RelPath::as_str).collect();
    format!("these files carry the new text and could not be taken back: {}", names.join(", "))
}

/// Changes that were not taken back. Nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UndoError {
    /// Later work contradicts the undo in these files.
    #[error("not undone, since later changes contradict it in: {}", names(conflicts))]
    Conflicts {
        /// The files, each with what stands in the way.
        conflicts: Vec<UndoConflict>,
    },
    /// A file cannot be read, or a write failed.
    #[error(transparent)]
    Apply(#[from] ApplyError),
}

fn names(conflicts: &[UndoConflict]) -> String {
    let names: Vec<_> = conflicts.iter().map(|conflict| conflict.path.as_str()).collect();
    names.join(", ")
}

/// A file whose undo contradicts what was done to it since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UndoConflict {
    /// The file.
    pub path: RelPath,
    /// Its text now, `None` when it is gone.
    pub now: Option<String>,
    /// The text that the undo would give it, `None` for no file.
    pub wanted: Option<String>,
    /// Both sides in one text with marks, when there are two texts to merge.
    pub marked: Option<String>,
}

/// A file as it was at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    /// Its text.
    pub text: String,
    /// How the text is written.
    pub encoding: Encoding,
    /// Its permission bits on Unix; zero elsewhere.
    pub mode: u32,
    /// Where it leads, when it is a symbolic link.
    pub link: Option<String>,
}

impl Saved {
    /// Whether it is a file that any editor makes: UTF-8, no link, not executable.
    pub fn is_plain(&self) -> bool {
        self.encoding == Encoding::Utf8 && self.link.is_none() && self.mode & 0o111 == 0
    }
}

/// One file of an [`UndoRecord`]: `None` stands for no file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndoFile {
    /// The file.
    pub path: RelPath,
    /// Before the change.
    pub before: Option<Saved>,
    /// After the change.
    pub after: Option<Saved>,
}

/// What is needed to take applied changes back, also days later.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct UndoRecord {
    /// Every file, once.
    pub files: Vec<UndoFile>,
}

/// Changes that were checked against the disk and can be written.
#[derive(Debug, Clone)]
pub struct ApplyPlan {
    workspace: Workspace,
    record: UndoRecord,
    modes: Vec<(RelPath, bool)>,
}

/// Checks changes against the disk without writing anything.
pub fn plan(workspace: &Workspace, changes: &[FileChange]) -> Result<ApplyPlan, ApplyError> {
    let mut record = UndoRecord::default();
    for change in changes {
        plan_one(workspace, change, &mut record.files)?;
    }
    let mut seen = BTreeSet::new();
    if let Some(twice) = record.files.iter().find(|file| !seen.insert(&file.path)) {
        return Err(ApplyError::Twice { path: twice.path.clone() });
    }
    Ok(ApplyPlan { workspace: workspace.clone(), record, modes: Vec::new() })
}

/// Plans and writes.
pub fn apply(workspace: &Workspace, changes: &[FileChange]) -> Result<UndoRecord, ApplyError> {
    plan(workspace, changes)?.write()
}

fn plan_one(workspace: &Workspace, change: &FileChange, files: &mut Vec<UndoFile>) -> Result<(), ApplyError> {
    let free = |path: &RelPath| match workspace.entry_place(path) {
        Ok(place) if place.symlink_metadata().is_ok() => Err(ApplyError::Exists { path: path.clone() }),
        Ok(_) => Ok(()),
        Err(why) => Err(ApplyError::Write { why, left: Vec::new() }),
    };
    match change {
        FileChange::Add { path, text } => {
            free(path)?;
            let after = Saved { text: text.clone(), encoding: Encoding::Utf8, mode: 0, link: None };
            files.push(UndoFile { path: path.clone(), before: None, after: Some(after) });
        }
        FileChange::Update { path, before, after } => {
            let saved = reviewed(workspace, path, before)?;
            let after = Saved { text: after.clone(), ..saved.clone() };
            files.push(UndoFile { path: path.clone(), before: Some(saved), after: Some(after) });
        }
        FileChange::Delete { path, before } => {
            let saved = reviewed(workspace, path, before)?;
            files.push(UndoFile { path: path.clone(), before: Some(saved), after: None });
        }
        FileChange::Move { from, to, before, after } => {
            let saved = reviewed(workspace, from, before)?;
            free(to)?;
            let after = Saved { text: after.clone(), link: None, ..saved.clone() };
            files.push(UndoFile { path: to.clone(), before: None, after: Some(after) });
            files.push(UndoFile { path: from.clone(), before: Some(saved), after: None });
        }
    }
    Ok(())
}

fn reviewed(workspace: &Workspace, path: &RelPath, before: &str) -> Result<Saved, ApplyError> {
    let saved = saved(workspace, path)
        .map_err(|why| ApplyError::Unreadable { path: path.clone(), why })?
        .ok_or_else(|| ApplyError::Gone { path: path.clone() })?;
    if saved.text == before { Ok(saved) } else { Err(ApplyError::MovedOn { path: path.clone() }) }
}

/// The file on disk, whatever an editor holds.
fn saved(workspace: &Workspace, path: &RelPath) -> Result<Option<Saved>, ReadError> {
    let roots = workspace.current_roots();
    let Some((root, inner)) = roots.split(path) else { return Ok(None) };
    let (mut file, metadata) = match open_regular(&roots, root, inner) {
        Err(ReadError::Missing) => return Ok(None),
        // A folder is no file; whether it gives way to one is found when that is written.
        Err(ReadError::NotAFile) if roots.absolute(path).is_some_and(|path| path.is_dir()) => {
            return Ok(None);
        }
        opened => opened?,
    };
    let bytes = read_limited(&mut file, metadata.len(), workspace.cache().file_limit())?;
    let decoded = decode(&bytes).map_err(|error| ReadError::from_decode(&error))?;
    let link = roots.absolute(path).and_then(|path| std::fs::read_link(path).ok());
    Ok(Some(Saved {
        text: decoded.text,
        encoding: decoded.encoding,
        mode: Stamp::of(&metadata).mode & 0o7777,
        link: link.map(|link| link.to_string_lossy().into_owned()),
    }))
}

impl ApplyPlan {
    /// What will be needed to take the changes back. Keep it before calling [`ApplyPlan::write`].
    pub fn undo_record(&self) -> &UndoRecord {
        &self.record
    }

    /// The same, and files become executable, or cease to be, when they are written.
    #[must_use]
    pub fn with_modes(self, modes: Vec<(RelPath, bool)>) -> ApplyPlan {
        ApplyPlan { modes, ..self }
    }

    /// Writes all files. When one fails, those written before are put back.
    pub fn write(self) -> Result<UndoRecord, ApplyError> {
        write_all(&self.workspace, &self.record)?;
        for (path, executable) in &self.modes {
            let left = || self.record.files.iter().map(|file| file.path.clone()).collect();
            self.workspace
                .set_executable(path, *executable)
                .map_err(|why| ApplyError::Write { why, left: left() })?;
        }
        Ok(self.record)
    }
}

fn write_all(workspace: &Workspace, record: &UndoRecord) -> Result<(), ApplyError> {
    // What frees a name goes first: a file may become a folder of the same name.
    let removals = record.files.iter().filter(|file| file.after.is_none());
    let writes = record.files.iter().filter(|file| file.after.is_some());
    let mut done: Vec<&UndoFile> = Vec::new();
    for file in removals.chain(writes) {
        if let Err(why) = check_and_put(workspace, file) {
            let is_left = |file: &&&UndoFile| put(workspace, &file.path, file.before.as_ref()).is_err();
            let left = done.iter().rev().filter(is_left).map(|file| file.path.clone()).collect();
            return Err(match why {
                ApplyError::Write { why, .. } => ApplyError::Write { why, left },
                other => other,
            });
        }
        done.push(file);
    }
    Ok(())
}

/// Looks once more right before writing, since planning and writing may lie apart.
fn check_and_put(workspace: &Workspace, file: &UndoFile) -> Result<(), ApplyError> {
    let now = saved(workspace, &file.path)
        .map_err(|why| ApplyError::Unreadable { path: file.path.clone(), why })?;
    let texts = |saved: &Option<Saved>| saved.as_ref().map(|saved| saved.text.clone());
    if texts(&now) != texts(&file.before) {
        return Err(ApplyError::MovedOn { path: file.path.clone() });
    }
    put(workspace, &file.path, file.after.as_ref()).map_err(|why| ApplyError::Write { why, left: Vec::new() })
}

fn put(workspace: &Workspace, path: &RelPath, wanted: Option<&Saved>) -> Result<(), WriteError> {
    let Some(saved) = wanted else { return workspace.remove_file(path) };
    let place = workspace.entry_place(path)?;
    if let Some(target) = &saved.link
        && place.symlink_metadata().is_err()
    {
        return make_link(&place, target);
    }
    let mode = (saved.mode != 0).then_some(saved.mode);
    let is_new = place.symlink_metadata().is_err();
    workspace.write_with_mode(path, &encode(&saved.text, saved.encoding), mode)?;
    if is_new && mode.is_none() && is_script(&saved.text) {
        workspace.set_executable(path, true)?;
    }
    Ok(())
}

fn make_link(place: &std::path::Path, target: &str) -> Result<(), WriteError> {
    let failed = |error: std::io::Error| WriteError::from_io(place, &error);
    if let Some(folder) = place.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    #[cfg(unix)]
    let made = std::os::unix::fs::symlink(target, place);
    #[cfg(windows)]
    let made = std::os::windows::fs::symlink_file(target, place);
    made.map_err(failed)
}

/// What an undo did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Undone {
    /// Files that are again exactly what they were.
    pub restored: Vec<RelPath>,
    /// Files in which the undo was merged with later changes, which are still there.
    pub merged: Vec<RelPath>,
    /// What takes the undo back.
    pub record: UndoRecord,
}

/// Takes applied changes back and leaves what was changed since: everything or, on a conflict, nothing.
pub fn undo(workspace: &Workspace, record: &UndoRecord) -> Result<Undone, UndoError> {
    let undone = plan_undo(workspace, record)?;
    write_all(workspace, &undone.record)?;
    Ok(undone)
}

/// What [`undo`] would do, without writing. Its record can be kept before [`redo`] writes it.
pub fn plan_undo(workspace: &Workspace, record: &UndoRecord) -> Result<Undone, UndoError> {
    let mut undone = Undone::default();
    let mut conflicts = Vec::new();
    for file in &record.files {
        let now = saved(workspace, &file.path)
            .map_err(|why| ApplyError::Unreadable { path: file.path.clone(), why })?;
        match inverse(file, now.as_ref()) {
            Inverse::Nothing => {}
            Inverse::Restore => {
                undone.restored.push(file.path.clone());
                undone.record.files.push(UndoFile {
                    path: file.path.clone(),
                    before: now,
                    after: file.before.clone(),
                });
            }
            Inverse::Merged(saved) => {
                undone.merged.push(file.path.clone());
                undone.record.files.push(UndoFile {
                    path: file.path.clone(),
                    before: now,
                    after: Some(saved),
                });
            }
            Inverse::Conflict(conflict) => conflicts.push(*conflict),
        }
    }
    if conflicts.is_empty() { Ok(undone) } else { Err(UndoError::Conflicts { conflicts }) }
}

/// Writes a record's `after` side where the disk still has its `before` side: performs a planned undo, or a
/// change once more.
pub fn redo(workspace: &Workspace, record: &UndoRecord) -> Result<(), ApplyError> {
    write_all(workspace, record)
}

enum Inverse {
    Nothing,
    Restore,
    Merged(Saved),
    Conflict(Box<UndoConflict>),
}

fn inverse(file: &UndoFile, now: Option<&Saved>) -> Inverse {
    let text = |saved: Option<&Saved>| saved.map(|saved| saved.text.clone());
    let (before, after) = (file.before.as_ref(), file.after.as_ref());
    if text(now) == text(before) {
        return Inverse::Nothing;
    }
    if text(now) == text(after) {
        return Inverse::Restore;
    }
    let mut marked = None;
    if let (Some(before), Some(after), Some(now)) = (before, after, now) {
        let merge = merge(&after.text, &now.text, &before.text);
        if merge.is_clean() {
            return Inverse::Merged(Saved { text: merge.text, ..now.clone() });
        }
        marked = Some(merge.text);
    }
    Inverse::Conflict(Box::new(UndoConflict {
        path: file.path.clone(),
        now: text(now),
        wanted: text(before),
        marked,
    }))
}
