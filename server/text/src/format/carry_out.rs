//! Carrying out the steps of a patch on a copy of the files it names.

use std::collections::BTreeMap;

use super::error::EditError;
use super::step::{Chunk, Name, Step};
use super::update::update;
use super::{EditFormat, FileChange, Tree};
use crate::encoding::dominant_line_ending;
use crate::locate::block::Block;
use crate::path::RelPath;

/// Carries out all steps, or none.
pub(super) fn carry_out(
    format: EditFormat,
    steps: Vec<Step>,
    tree: &dyn Tree,
) -> Result<Vec<FileChange>, EditError> {
    let mut copy = Copy { tree, files: BTreeMap::new(), order: Vec::new() };
    let mut steps = steps.into_iter().peekable();
    while let Some(step) = steps.next() {
        match step {
            Step::Add { path, lines, overwrite, unended } => copy.add(&path, &lines, overwrite, unended)?,
            Step::Delete { path, quoted } => copy.delete(&path, quoted.as_ref())?,
            Step::Move { from, to } => copy.rename(&from, &to)?,
            Step::Whole { path, lines } => copy.whole(&path, &lines)?,
            Step::Update { path, chunk } => {
                let path = copy.resolve(&path)?;
                let mut chunks = vec![chunk];
                // Neighbouring chunks of one file are placed together.
                while let Some(Step::Update { path: next, chunk }) = steps.peek() {
                    if chunk.anew || copy.resolve(next).ok().as_ref() != Some(&path) {
                        break;
                    }
                    if let Some(Step::Update { chunk, .. }) = steps.next() {
                        chunks.push(chunk);
                    }
                }
                copy.update(format, path, chunks)?;
            }
        }
    }
    copy.changes()
}

/// A file of the patch: what it was, what it is, and where it was before a move.
struct File {
    before: Option<String>,
    now: Option<String>,
    moved_from: Option<RelPath>,
}

struct Copy<'t> {
    tree: &'t dyn Tree,
    files: BTreeMap<RelPath, File>,
    /// Paths in the order in which the patch first names them.
    order: Vec<RelPath>,
}

impl Copy<'_> {
    fn read(&mut self, path: &RelPath) -> Option<String> {
        self.file(path).now.clone()
    }

    fn file(&mut self, path: &RelPath) -> &mut File {
        let tree = self.tree;
        if !self.files.contains_key(path) {
            self.order.push(path.clone());
        }
        self.files.entry(path.clone()).or_insert_with(|| {
            let before = tree.read(path);
            File { now: before.clone(), before, moved_from: None }
        })
    }

    fn exists(&self, path: &RelPath) -> bool {
        match self.files.get(path) {
            Some(file) => file.now.is_some(),
            None => self.tree.read(path).is_some(),
        }
    }

    /// The path that a name means: itself if there is such a file, else what else it may mean, else itself.
    fn resolve(&self, name: &Name) -> Result<RelPath, EditError> {
        let text = name.text.strip_prefix("./").unwrap_or(&name.text);
        let path = RelPath::new(text);
        if let Ok(path) = &path
            && self.exists(path)
        {
            return Ok(path.clone());
        }
        let mut otherwise = name.otherwise.iter().filter_map(|other| RelPath::new(other).ok());
        match otherwise.find(|other| self.exists(other)) {
            Some(other) => Ok(other),
            None => Ok(path?),
        }
    }

    fn existing(&mut self, name: &Name) -> Result<(RelPath, String), EditError> {
        let path = self.resolve(name)?;
        match self.read(&path) {
            Some(text) => Ok((path, text)),
            None => Err(self.missing(&path)),
        }
    }

    fn missing(&self, path: &RelPath) -> EditError {
        EditError::MissingFile { path: path.to_string(), near: self.tree.near_paths(path.as_str()) }
    }

    fn add(
        &mut self,
        name: &Name,
        lines: &[String],
        overwrite: bool,
        unended: bool,
    ) -> Result<(), EditError> {
        let path = RelPath::new(name.text.strip_prefix("./").unwrap_or(&name.text))?;
        if !overwrite && self.exists(&path) {
            return Err(EditError::Exists { path: path.to_string() });
        }
        let mut text: String = lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
        if unended {
            text.pop();
        }
        self.file(&path).now = Some(text);
        Ok(())
    }

    fn delete(&mut self, name: &Name, quoted: Option<&Block>) -> Result<(), EditError> {
        let (path, text) = self.existing(name)?;
        let lines = crate::locate::block::to_lines(&text);
        let fits = |quoted: &Block| {
            quoted.old.len() == lines.len()
                && quoted.old.iter().zip(&lines).all(|(a, b)| a.trim_end() == b.trim_end())
        };
        if quoted.is_some_and(|quoted| !fits(quoted)) {
            let source = crate::locate::LocateError::NotFound { nearest: Vec::new() };
            return Err(EditError::Place { path: path.to_string(), number: 1, source });
        }
        self.file(&path).now = None;
        Ok(())
    }

    fn rename(&mut self, from: &Name, to: &Name) -> Result<(), EditError> {
        let (from, text) = self.existing(from)?;
        let to = RelPath::new(to.text.strip_prefix("./").unwrap_or(&to.text))?;
        if from == to {
            return Ok(());
        }
        let origin = self.file(&from).moved_from.take();
        self.file(&from).now = None;
        let target = self.file(&to);
        target.now = Some(text);
        target.moved_from = Some(origin.unwrap_or(from));
        Ok(())
    }

    fn whole(&mut self, name: &Name, lines: &[String]) -> Result<(), EditError> {
        let path = self.resolve(name)?;
        let before = self.read(&path).unwrap_or_default();
        let ending = dominant_line_ending(&before).as_str();
        let mut text: String = lines.iter().flat_map(|line| [line.as_str(), ending]).collect();
        let ended = before.is_empty() || before.ends_with(['\n', '\r']);
        if !ended && !text.is_empty() {
            text.truncate(text.len() - ending.len());
        }
        if before.starts_with('\u{feff}') && !text.starts_with('\u{feff}') {
            text.insert(0, '\u{feff}');
        }
        self.file(&path).now = Some(text);
        Ok(())
    }

    fn update(&mut self, format: EditFormat, path: RelPath, chunks: Vec<Chunk>) -> Result<(), EditError> {
        let now = self.read(&path);
        if let ([only], EditFormat::SearchReplace) = (chunks.as_slice(), format)
            && only.readings.is_empty()
            && only.block.old.iter().all(|line| line.trim().is_empty())
        {
            // Nothing quoted: a new file, or one that has nothing to quote.
            let blank = now.as_ref().is_none_or(|text| text.trim().is_empty());
            return match blank {
                true => self.add(&Name::new(path.as_str()), &only.block.new, true, false),
                false if only.block.old.is_empty() => Err(EditError::Exists { path: path.to_string() }),
                false => self.place(format, path, now, &chunks),
            };
        }
        self.place(format, path, now, &chunks)
    }

    fn place(
        &mut self,
        format: EditFormat,
        path: RelPath,
        now: Option<String>,
        chunks: &[Chunk],
    ) -> Result<(), EditError> {
        let Some(text) = now else { return Err(self.missing(&path)) };
        let after = update(format, path.as_str(), &text, chunks)?;
        self.file(&path).now = Some(after);
        Ok(())
    }

    /// The difference between what the files were and what they are.
    fn changes(mut self) -> Result<Vec<FileChange>, EditError> {
        let mut changes = Vec::new();
        let moved: Vec<RelPath> = self.files.values().filter_map(|file| file.moved_from.clone()).collect();
        for path in std::mem::take(&mut self.order) {
            let Some(file) = self.files.remove(&path) else { continue };
            let File { before, now, moved_from } = file;
            if let (Some(from), Some(after)) = (moved_from, &now) {
                if let Some(before) = before {
                    changes.push(FileChange::Delete { path: path.clone(), before });
                }
                let before = self.tree.read(&from).unwrap_or_default();
                changes.push(FileChange::Move { from, to: path, before, after: after.clone() });
                continue;
            }
            match (before, now) {
                (None, Some(text)) => changes.push(FileChange::Add { path, text }),
                (Some(before), None) if !moved.contains(&path) => {
                    changes.push(FileChange::Delete { path, before });
                }
                (Some(before), Some(after)) if before != after => {
                    changes.push(FileChange::Update { path, before, after });
                }
                _ => {}
            }
        }
        if changes.is_empty() { Err(EditError::NoChange) } else { Ok(changes) }
    }
}
