//! Quoted text with blank lines forgotten or made up.

use super::{LEAST_WEIGHT, LEVEL, Outcome, finish};
use crate::diff::split_tokens;
use crate::locate::block::Block;
use crate::locate::ladder::{Choice, Scope, choose};
use crate::locate::text_lines::TextLines;
use crate::locate::{How, LocateError, indent, nearest};

/// Quoted text without, or with, blank lines that the file has or lacks.
pub(crate) fn blank_lines(text: &TextLines<'_>, block: &Block, scope: &Scope) -> Outcome {
    if block.weight() < LEAST_WEIGHT {
        return None;
    }
    let solid: Vec<usize> = (0..text.len()).filter(|line| !text.content(*line).trim().is_empty()).collect();
    let wanted: Vec<&str> =
        block.old.iter().map(|line| line.trim_end()).filter(|line| !line.is_empty()).collect();
    if wanted.len() < 2 || wanted.len() > solid.len() {
        return None;
    }
    let all: Vec<usize> = solid
        .windows(wanted.len())
        .filter(|window| window.iter().zip(&wanted).all(|(line, old)| text.content(*line).trim_end() == *old))
        .map(|window| window[0])
        .collect();
    let start = match choose(text, &all, block.old.len(), scope, false) {
        Choice::None => return None,
        Choice::One(start) => start,
        Choice::Many(places) => return Some(Err(LocateError::Ambiguous { places })),
    };
    let lines = align(text, block, &solid[solid.partition_point(|line| *line < start)..]);
    if is_doubtful(block, &lines) {
        let nearest = nearest::at(text, start..start + block.old.len());
        return Some(Err(LocateError::NotFound { nearest }));
    }
    Some(finish(text, block, lines, How::BlankLines))
}

/// The file's line for each quoted one, given the file's lines that are not blank from the first quoted one on.
fn align(text: &TextLines<'_>, block: &Block, solid: &[usize]) -> Vec<Option<usize>> {
    let mut solid = solid.iter();
    let mut lines: Vec<Option<usize>> = Vec::with_capacity(block.old.len());
    for old in &block.old {
        if !old.trim().is_empty() {
            lines.push(solid.next().copied());
            continue;
        }
        // A quoted blank line stands for the file's if there is one directly after the line before it.
        let after = lines.last().copied().flatten().map(|line| line + 1);
        lines.push(after.filter(|line| *line < text.len() && text.content(*line).trim().is_empty()));
    }
    // Blank lines before the first other one stand for those directly before it.
    let leading = block.old.iter().take_while(|line| line.trim().is_empty()).count();
    for at in (0..leading).rev() {
        let before = lines.get(at + 1).copied().flatten().and_then(|line| line.checked_sub(1));
        lines[at] = before.filter(|line| text.content(*line).trim().is_empty());
    }
    lines
}

/// Whether the edit depends on which blank line is which: it removes one, or inserts among some of them while the
/// file has another number of them there.
fn is_doubtful(block: &Block, lines: &[Option<usize>]) -> bool {
    let is_solid = |at: &usize| !block.old[*at].trim().is_empty();
    if lines.iter().any(Option::is_none) {
        // Blank lines that the file lacks may be what told this place from another.
        return true;
    }
    block.hunks(|line| LEVEL.own_key(line)).iter().any(|hunk| {
        if !hunk.old.is_empty() {
            return !hunk.old.clone().all(|at| is_solid(&at));
        }
        let before = (0..hunk.old.start).rev().find(is_solid);
        let after = (hunk.old.start..block.old.len()).find(is_solid);
        let (Some(before), Some(after)) = (before, after) else { return false };
        let (Some(first), Some(last)) = (lines[before], lines[after]) else { return true };
        after - before > 1 && last - first != after - before
    })
}

/// Where to insert lines between two that the edit quotes as neighbours, but that have blank lines between them.
///
/// A blank line at one end of the new lines says which side they were written against; otherwise they go with the
/// neighbour that they look like, if they look like only one of them.
pub(crate) fn side_of_gap(
    text: &TextLines<'_>,
    before: usize,
    after: usize,
    new: &[String],
) -> Option<usize> {
    let blank = |line: Option<&String>| line.is_some_and(|line| line.trim().is_empty());
    match (blank(new.first()), blank(new.last())) {
        (true, false) => return Some(before + 1),
        (false, true) => return Some(after),
        (true, true) => return None,
        (false, false) => {}
    }
    let like_before = same_shape(text.content(before), new.first()?);
    let like_after = same_shape(text.content(after), new.last()?);
    match (like_before, like_after) {
        (true, false) => Some(before + 1),
        (false, true) => Some(after),
        _ => None,
    }
}

/// Whether two lines are indented alike and have the same structure, whatever their words.
fn same_shape(a: &str, b: &str) -> bool {
    let shape = |line| -> Vec<&str> {
        let tokens = split_tokens(line).into_iter().filter(|token| !token.trim().is_empty());
        tokens.map(|token| if crate::diff::is_word(token) { "w" } else { token }).collect()
    };
    if indent::split(a).0 != indent::split(b).0 {
        return false;
    }
    let (a, b) = (shape(a), shape(b));
    let changed: usize = crate::diff::slices(&a, &b).iter().map(|hunk| hunk.old.len() + hunk.new.len()).sum();
    4 * changed <= a.len() + b.len()
}
