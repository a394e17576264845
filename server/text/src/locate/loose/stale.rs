//! Quoted text with context from an older version.

use super::{LEAST_WEIGHT, LEVEL, Outcome, finish};
use crate::diff::split_tokens;
use crate::locate::block::{Block, letters, weight};
use crate::locate::ladder::{Level, Scope, matches};
use crate::locate::text_lines::TextLines;
use crate::locate::{How, LocateError, nearest};

/// Quoted text in which a line or two of context are from an older version.
pub(crate) fn stale_context(text: &TextLines<'_>, block: &Block, scope: &Scope) -> Outcome {
    let len = block.old.len();
    if len > text.len() || scope.first {
        return None;
    }
    let hunks = block.hunks(|line| LEVEL.own_key(line));
    let mut replaced = vec![false; len];
    hunks.iter().for_each(|hunk| replaced[hunk.old.clone()].fill(true));
    block.removed.iter().filter(|at| **at < len).for_each(|at| replaced[*at] = true);
    let allowed = if len < 10 { 1 } else { 2 };
    let mut candidates = Vec::new();
    for at in 0..=text.len() - len {
        let stale: Vec<usize> =
            (0..len).filter(|i| block.old[*i].trim_end() != text.content(at + i).trim_end()).collect();
        // One more than allowed still counts against the uniqueness of the place.
        if stale.len() <= allowed + 1
            && (proves_enough(block, &stale) || replaced_once(text, block, &replaced, &stale))
        {
            candidates.push((at, stale));
        }
    }
    let [(at, stale)] = candidates.as_slice() else {
        return match candidates.len() {
            0 => None,
            _ => Some(Err(LocateError::Ambiguous {
                places: candidates.into_iter().map(|(at, _)| at).collect(),
            })),
        };
    };
    let edges = plain_edges(block);
    let harmless = |i: &usize| !replaced[*i] && edges(*i) && alike(&block.old[*i], text.content(at + i));
    if stale.len() > allowed || !stale.iter().all(harmless) || !scope.lines.contains(at) {
        return Some(Err(LocateError::NotFound { nearest: nearest::at(text, *at..at + len) }));
    }
    Some(finish(text, block, (*at..at + len).map(Some).collect(), How::StaleContext))
}

/// Which quoted lines are context however old and new lines are compared: those before the first change and after the
/// last, as far as the two do not overlap, and only if neither side has them twice.
fn plain_edges(block: &Block) -> impl Fn(usize) -> bool + '_ {
    let (old, new) = (&block.old, &block.new);
    let same = |(a, b): &(&String, &String)| a.trim_end() == b.trim_end();
    let ahead = old.iter().zip(new).take_while(same).count();
    let behind = old.iter().rev().zip(new.iter().rev()).take_while(same).count();
    let shorter = old.len().min(new.len());
    let (ahead, behind) = (ahead.min(shorter - behind), behind.min(shorter - ahead));
    let once = |side: &[String], line: &String| side.iter().filter(|other| *other == line).count() == 1;
    move |at| (at < ahead || at >= old.len() - behind) && once(old, &old[at]) && once(new, &old[at])
}

/// Whether the lines that do match are most of them and say something.
fn proves_enough(block: &Block, stale: &[usize]) -> bool {
    let solid: Vec<usize> = (0..block.old.len()).filter(|i| letters(&block.old[*i]) > 2).collect();
    let kept: Vec<&usize> = solid.iter().filter(|i| !stale.contains(i)).collect();
    let mass: usize = kept.iter().map(|i| weight(&block.old[**i])).sum();
    kept.len() >= 2 && 5 * kept.len() >= 3 * solid.len() && mass >= LEAST_WEIGHT
}

/// Whether what the block replaces is all there, says something, and is in the file only once.
fn replaced_once(text: &TextLines<'_>, block: &Block, replaced: &[bool], stale: &[usize]) -> bool {
    let lines: Vec<String> = block
        .old
        .iter()
        .zip(replaced)
        .filter(|(_, replaced)| **replaced)
        .map(|(line, _)| line.clone())
        .collect();
    let first = replaced.iter().position(|replaced| *replaced);
    let in_a_row =
        first.is_some_and(|first| replaced[first..].iter().take_while(|r| **r).count() == lines.len());
    let mass: usize = lines.iter().map(|line| weight(line)).sum();
    in_a_row
        && mass >= LEAST_WEIGHT
        && !stale.iter().any(|at| replaced[*at])
        && matches(text, &lines, Level::Indentation).len() == 1
}

/// Whether two lines share more than half of their tokens, or are both blank.
fn alike(a: &str, b: &str) -> bool {
    let tokens = |line| -> Vec<&str> {
        split_tokens(line).into_iter().filter(|token| !token.trim().is_empty()).collect()
    };
    let (a, b) = (tokens(a), tokens(b));
    let changed: usize = crate::diff::slices(&a, &b).iter().map(|hunk| hunk.old.len() + hunk.new.len()).sum();
    2 * changed <= a.len() + b.len()
}
