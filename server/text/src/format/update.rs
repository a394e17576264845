//! Placing the chunks of one file.
//!
//! Chunks are placed on the text as it was before the patch, so that no chunk's context is spoiled by another, and
//! in two rounds: first those that can only mean one place, then the others, between their neighbours. A block that
//! quotes what an earlier block wrote is placed on the text after it.

use std::ops::Range;

use super::EditFormat;
use super::error::EditError;
use super::step::Chunk;
use crate::change::ChangeSet;
use crate::edit::{EditList, TextEdit};
use crate::locate::LocateError;
use crate::locate::block::Block;
use crate::locate::ladder::{Level, Placed, Scope, matches, place};
use crate::locate::loose::{is_about_omission, is_elision};
use crate::locate::text_lines::TextLines;

/// The text of a file after its chunks.
pub(super) fn update(
    format: EditFormat,
    path: &str,
    text: &str,
    chunks: &[Chunk],
) -> Result<String, EditError> {
    chunks.iter().try_for_each(refuse_omissions)?;
    match format {
        EditFormat::SearchReplace => one_by_one(path, text, chunks),
        _ => in_order(path, text, chunks),
    }
}

/// A replacement must not put "the rest stays as it is" into the file.
fn refuse_omissions(chunk: &Chunk) -> Result<(), EditError> {
    let said_before = |line: &str| chunk.block.old.iter().any(|old| old.trim() == line.trim());
    let is_omission = |line: &&String| is_elision(line) && is_about_omission(line) && !said_before(line);
    match chunk.block.new.iter().find(is_omission) {
        Some(line) => Err(EditError::malformed(
            chunk.patch_line,
            format!("the new text leaves something out ({}); write every line of it", line.trim()),
        )),
        None => Ok(()),
    }
}

/// Blocks that may come in any order.
fn one_by_one(path: &str, text: &str, chunks: &[Chunk]) -> Result<String, EditError> {
    let mut base = text.to_owned();
    let mut edits: Vec<TextEdit> = Vec::new();
    for (at, chunk) in chunks.iter().enumerate() {
        let refusal = match place_any(&TextLines::new(&base), chunk, path, at + 1) {
            Ok(placed) => match together(&edits, &placed.edits) {
                Some(all) => {
                    edits = all.into();
                    continue;
                }
                None => EditError::Overlap { path: path.to_owned(), number: at + 1 },
            },
            Err(refusal) => refusal,
        };
        if edits.is_empty() {
            return Err(refusal);
        }
        // Perhaps it quotes what the blocks before it wrote; nothing else can have made it fit now.
        let written = written(&base, &edits);
        base = apply(&base, std::mem::take(&mut edits), path, at)?;
        let lines = TextLines::new(&base);
        let placed = place_any(&lines, chunk, path, at + 1).map_err(|_| refusal.clone())?;
        let place = lines.bytes(placed.lines);
        if !written.iter().any(|range| range.start <= place.end && range.end >= place.start) {
            return Err(refusal);
        }
        edits = placed.edits;
    }
    apply(&base, edits, path, chunks.len())
}

/// What the edits write, in bytes of the text after them.
fn written(text: &str, edits: &[TextEdit]) -> Vec<Range<usize>> {
    let list = EditList::new(edits.to_vec()).ok();
    let change = list.and_then(|list| ChangeSet::from_edits(text.len(), &list).ok());
    change.map(|change| change.new_ranges().collect()).unwrap_or_default()
}

/// The first reading of a chunk that has a place; with several readings, only if it is the only one.
fn place_any(text: &TextLines<'_>, chunk: &Chunk, path: &str, number: usize) -> Result<Placed, EditError> {
    let refused = |source| EditError::Place { path: path.to_owned(), number, source };
    let scope = Scope::anywhere();
    let first = place_one(text, &chunk.block, &scope);
    if chunk.readings.is_empty() {
        return first.map_err(refused);
    }
    let others = chunk.readings.iter().map(|block| place_one(text, block, &scope));
    let mut found: Vec<Placed> = Vec::new();
    let mut refusal = None;
    for outcome in std::iter::once(first).chain(others) {
        match outcome {
            Ok(placed) => found.push(placed),
            Err(error) => refusal = refusal.or(Some(error)),
        }
    }
    match (found.len(), found.pop()) {
        (1, Some(placed)) => Ok(placed),
        (0, _) => Err(refused(refusal.unwrap_or(LocateError::Empty))),
        _ => Err(EditError::malformed(
            chunk.patch_line,
            "the block can be read in several ways, for its text has lines of `=======`; use longer markers",
        )),
    }
}

fn place_one(text: &TextLines<'_>, block: &Block, scope: &Scope) -> Result<Placed, LocateError> {
    if block.old.is_empty() {
        return Err(LocateError::Empty);
    }
    place(text, block, scope)
}

/// Chunks that come in the order of the file.
fn in_order(path: &str, text: &str, chunks: &[Chunk]) -> Result<String, EditError> {
    let lines = TextLines::new(text);
    let mut placed: Vec<Option<Placed>> = Vec::with_capacity(chunks.len());
    let mut refusals: Vec<Option<LocateError>> = Vec::with_capacity(chunks.len());
    for chunk in chunks {
        let cursor = placed.iter().flatten().next_back().map_or(0, |placed| placed.lines.end);
        if chunk.block.old.is_empty() && chunk.lines.is_none() && placed.len() + 1 < chunks.len() {
            // Without quoted lines the end of the file is meant, and nothing can come after that.
            placed.push(None);
            refusals.push(Some(LocateError::Empty));
            continue;
        }
        match place_after(&lines, chunk, cursor) {
            Ok(found) => {
                placed.push(Some(found));
                refusals.push(None);
            }
            Err(error) => {
                placed.push(None);
                refusals.push(Some(error));
            }
        }
    }
    for at in 0..chunks.len() {
        let Some(refusal) = refusals[at].take() else { continue };
        let doubtful = matches!(refusal, LocateError::Ambiguous { .. } | LocateError::Empty);
        let settled = if doubtful { place_between(&lines, chunks, &placed, at) } else { None };
        match settled {
            Some(found) => placed[at] = Some(found),
            None => return Err(EditError::Place { path: path.to_owned(), number: at + 1, source: refusal }),
        }
    }
    let at_end = |found: &Placed| found.lines.end >= lines.len();
    if let (Some(last), Some(Some(found))) = (chunks.last(), placed.last())
        && last.may_be_cut
        && !at_end(found)
    {
        let why = "the patch seems to end in the middle of this hunk: lines that its header counts are missing; \
                   send the whole patch again";
        return Err(EditError::malformed(last.patch_line, why));
    }
    let mut edits: Vec<TextEdit> = Vec::new();
    for (at, found) in placed.into_iter().flatten().enumerate() {
        let overlap = || EditError::Overlap { path: path.to_owned(), number: at + 1 };
        edits = together(&edits, &found.edits).ok_or_else(overlap)?.into();
    }
    apply(text, edits, path, chunks.len())
}

fn place_after(text: &TextLines<'_>, chunk: &Chunk, cursor: usize) -> Result<Placed, LocateError> {
    if let Some(lines) = chunk.lines.clone() {
        return at_lines(text, chunk, lines);
    }
    if chunk.block.old.is_empty() {
        return insert_only(text, chunk);
    }
    let scope = Scope { lines: cursor..usize::MAX, at_end: chunk.at_end, ..Scope::anywhere() };
    if chunk.anchors.is_empty() {
        return place(text, &chunk.block, &scope).and_then(|placed| by_number_too(text, chunk, placed));
    }
    let scopes = match super::anchor::scopes(text, &chunk.anchors, cursor) {
        Ok(scopes) => scopes,
        Err(_) if cursor > 0 => super::anchor::scopes(text, &chunk.anchors, 0)?,
        Err(error) => return Err(error),
    };
    let mut found: Vec<Placed> = Vec::new();
    let mut refusal = None;
    for lines in scopes {
        match place(text, &chunk.block, &Scope { lines, first: true, ..scope.clone() }) {
            Ok(placed) if found.iter().all(|other| other.lines != placed.lines) => found.push(placed),
            Ok(_) => {}
            Err(error) => refusal = refusal.or(Some(error)),
        }
    }
    match (found.len(), found.pop()) {
        (1, Some(placed)) => Ok(placed),
        (0, _) => Err(refusal.unwrap_or(LocateError::Empty)),
        (_, last) => {
            let places = found.iter().chain(&last).map(|placed| placed.lines.start).collect();
            Err(LocateError::Ambiguous { places })
        }
    }
}

/// The place, unless the chunk's line number speaks for another that differs from it in blanks only.
fn by_number_too(text: &TextLines<'_>, chunk: &Chunk, placed: Placed) -> Result<Placed, LocateError> {
    let other = chunk.hint.filter(|hint| *hint != placed.lines.start);
    match other.filter(|hint| matches(text, &chunk.block.old, Level::Indentation).contains(hint)) {
        Some(hint) => Err(LocateError::Ambiguous { places: vec![placed.lines.start, hint] }),
        None => Ok(placed),
    }
}

/// Lines that are given by number alone.
fn at_lines(text: &TextLines<'_>, chunk: &Chunk, lines: Range<usize>) -> Result<Placed, LocateError> {
    if lines.end > text.len() {
        return Err(LocateError::NotFound { nearest: Vec::new() });
    }
    let edits = vec![text.replace(lines.clone(), &chunk.block.new, None)];
    Ok(Placed { lines, edits, how: crate::locate::How::Exact })
}

/// New lines without any quoted: they go to the file's end, if nothing else is said.
fn insert_only(text: &TextLines<'_>, chunk: &Chunk) -> Result<Placed, LocateError> {
    let elsewhere = !chunk.anchors.is_empty() || chunk.hint.is_some_and(|hint| hint < text.len());
    if elsewhere {
        return Err(LocateError::Empty);
    }
    let end = text.len()..text.len();
    let edits = vec![text.replace(end.clone(), &chunk.block.new, chunk.block.final_newline)];
    let new = Block { old: chunk.block.new.clone(), ..Block::default() };
    let there = text.len().checked_sub(new.old.len()).filter(|_| new.weight() >= 6);
    if let Some(line) =
        there.filter(|line| (0..new.old.len()).all(|at| text.content(line + at) == new.old[at]))
    {
        return Err(LocateError::AlreadyApplied { line });
    }
    Ok(Placed { lines: end, edits, how: crate::locate::How::Exact })
}

/// A chunk that fits several places: the one between its neighbours, or the one at its line number as far as the
/// other chunks' numbers are right.
fn place_between(
    text: &TextLines<'_>,
    chunks: &[Chunk],
    placed: &[Option<Placed>],
    at: usize,
) -> Option<Placed> {
    let chunk = &chunks[at];
    if !chunk.anchors.is_empty() || chunk.block.old.is_empty() {
        return None;
    }
    let from = placed[..at].iter().flatten().next_back().map_or(0, |placed| placed.lines.end);
    let to = placed[at + 1..].iter().flatten().next().map_or(usize::MAX, |placed| placed.lines.start);
    let off = chunks
        .iter()
        .zip(placed)
        .filter_map(|(chunk, placed)| Some(placed.as_ref()?.lines.start as isize - chunk.hint? as isize));
    let off: Vec<isize> = off.collect();
    let agreed = off.windows(2).all(|pair| pair[0] == pair[1]);
    let shift = off.first().copied().filter(|_| agreed).unwrap_or(0);
    let near = chunk.hint.filter(|_| agreed).and_then(|hint| hint.checked_add_signed(shift));
    let scope = Scope { lines: from..to, near, at_end: chunk.at_end, first: false };
    place(text, &chunk.block, &scope).and_then(|placed| by_number_too(text, chunk, placed)).ok()
}

fn together(edits: &[TextEdit], more: &[TextEdit]) -> Option<EditList> {
    EditList::new(edits.iter().chain(more).cloned().collect()).ok()
}

fn apply(text: &str, edits: Vec<TextEdit>, path: &str, number: usize) -> Result<String, EditError> {
    let overlap = EditError::Overlap { path: path.to_owned(), number };
    let list = EditList::new(edits).map_err(|_| overlap.clone())?;
    list.apply(text).map_err(|_| overlap)
}
