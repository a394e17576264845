//! From a changed file to hunks.
//!
//! A hunk is one thought: runs of changed lines that only one line without a word (blank, an indented bracket) keeps apart
//! belong together, unless they belong to two items of the text. What is done to a file as a whole (made, deleted, moved) is a hunk of its own; edits of a moved file need the move.

use galley_text::diff::{self, LineHunk};
use galley_text::format::FileChange;
use galley_text::path::RelPath;
use ropey::Rope;

use crate::hunk::{Hunk, HunkId, HunkKind, HunkState, Neighbours};
use crate::items::{self, Item, Outline};
use crate::lines;
use crate::proposal::{FileKind, FileProposal};

/// Tells the outermost items of a file's text.
pub(crate) type ItemsOf<'a> = dyn FnMut(&RelPath, &str) -> Vec<Item> + 'a;

/// The hunks of one changed file.
pub(crate) fn file(
    change: FileChange,
    items: &mut ItemsOf<'_>,
    next_id: &mut dyn FnMut() -> HunkId,
) -> FileProposal {
    let whole = |path, kind, hunk_kind, before: String, after, next_id: &mut dyn FnMut() -> HunkId| {
        let current = Rope::from_str(&before);
        let hunk = hunk(next_id(), hunk_kind, 0..before.len(), before, after);
        FileProposal { path, kind, current, version: None, gone: false, hunks: vec![hunk], mode: None }
    };
    match change {
        FileChange::Add { path, text } => {
            whole(path, FileKind::Add, HunkKind::AddFile, String::new(), text, next_id)
        }
        FileChange::Delete { path, before } => {
            whole(path, FileKind::Delete, HunkKind::DeleteFile, before, String::new(), next_id)
        }
        FileChange::Update { path, before, after } => FileProposal {
            kind: FileKind::Modify,
            current: Rope::from_str(&before),
            version: None,
            gone: false,
            hunks: edits(&path, (&before, &after), items, next_id),
            mode: None,
            path,
        },
        FileChange::Move { from, to, before, after } => {
            let moved = hunk(next_id(), HunkKind::MoveFile, 0..0, String::new(), String::new());
            let mut edits = edits(&to, (&before, &after), items, next_id);
            for edit in &mut edits {
                edit.requires.push(moved.id.clone());
            }
            FileProposal {
                path: to,
                kind: FileKind::Move { from },
                current: Rope::from_str(&before),
                version: None,
                gone: false,
                hunks: std::iter::once(moved).chain(edits).collect(),
                mode: None,
            }
        }
    }
}

fn edits(
    path: &RelPath,
    sides: (&str, &str),
    items: &mut ItemsOf<'_>,
    next_id: &mut dyn FnMut() -> HunkId,
) -> Vec<Hunk> {
    let (before, after) = sides;
    let (old, new) = (line_starts(before), line_starts(after));
    let old_items = Outline::new(before, &old, &items(path, before));
    let new_items = Outline::new(after, &new, &items(path, after));
    let solid = |line: usize| !after[new[line]..new[line + 1]].trim().is_empty();
    let name = |run: &LineHunk| items::name(run, &old_items, &new_items, solid);
    let runs = diff::lines(before, after).into_iter().flat_map(|run| items::cut(run, &old_items, &new_items));
    joined(runs.collect(), before, &old, name)
        .into_iter()
        .map(|lines| {
            let item = name(&lines);
            let range = old[lines.old.start]..old[lines.old.end];
            let text = after[new[lines.new.start]..new[lines.new.end]].to_owned();
            let neighbours = lines.old.is_empty().then(|| Neighbours {
                above: lines.old.start.checked_sub(1).map(|at| before[old[at]..old[at + 1]].to_owned()),
                below: old.get(lines.old.start + 1).map(|end| before[old[lines.old.start]..*end].to_owned()),
            });
            let hunk = hunk(next_id(), HunkKind::Lines, range.clone(), before[range].to_owned(), text);
            Hunk { neighbours, item, ..hunk }
        })
        .collect()
}

/// Joins runs of changed lines of one item that touch, or that one line keeps apart which is blank or an indented
/// bracket; a bracket at the margin ends an item, and with it the thought.
fn joined(
    runs: Vec<LineHunk>,
    before: &str,
    starts: &[usize],
    name: impl Fn(&LineHunk) -> Option<String>,
) -> Vec<LineHunk> {
    let mut out: Vec<LineHunk> = Vec::with_capacity(runs.len());
    for run in runs {
        match out.last_mut() {
            Some(last)
                if is_pause(&before[starts[last.old.end]..starts[run.old.start]])
                    && run.old.start - last.old.end <= 1
                    && name(last) == name(&run) =>
            {
                last.old.end = run.old.end;
                last.new.end = run.new.end;
            }
            _ => out.push(run),
        }
    }
    out
}

fn is_pause(between: &str) -> bool {
    let indented = between.starts_with([' ', '\t']);
    between.trim().is_empty() || (indented && !between.contains(char::is_alphanumeric))
}

/// Where each line starts, in bytes, and the text's length behind the last: the lines of `diff::lines`.
fn line_starts(text: &str) -> Vec<usize> {
    let mut starts = vec![0];
    let mut at = 0;
    for line in lines::split(text) {
        at += line.len();
        starts.push(at);
    }
    starts
}

pub(crate) fn hunk(
    id: HunkId,
    kind: HunkKind,
    range: std::ops::Range<usize>,
    before: String,
    after: String,
) -> Hunk {
    Hunk {
        id,
        kind,
        range,
        before,
        after,
        reason: None,
        requires: Vec::new(),
        state: HunkState::Pending,
        conflict: None,
        merged_by_token: false,
        reviewed: false,
        edited: false,
        origin: None,
        first: None,
        neighbours: None,
        lost: None,
        item: None,
    }
}
