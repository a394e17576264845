//! Quoted text in pieces.

use super::{LEAST_WEIGHT, LEVEL, Outcome, finish};
use crate::locate::block::Block;
use crate::locate::ladder::{Scope, matches};
use crate::locate::text_lines::TextLines;
use crate::locate::{How, LocateError};

/// Whether a line stands for others that were left out: dots, alone or in a comment.
pub(crate) fn is_elision(line: &str) -> bool {
    let line = line.trim();
    let dots = line.contains("...") || line.contains('…');
    let says = line.trim_matches(|c: char| !c.is_alphanumeric());
    let comment = line.starts_with(['/', '#', '-', '<', '*', ';', '%', '.', '…', '(']);
    dots && comment && (says.is_empty() || is_about_omission(says))
}

/// Whether words speak of code that is left out.
pub(crate) fn is_about_omission(words: &str) -> bool {
    let words = words.to_lowercase();
    let named = ["existing", "rest of", "unchanged", "omitted", "same as", "remaining", "other "];
    named.iter().any(|word| words.contains(word))
}

/// Quoted text in pieces, with a line of dots between them that the replacement repeats.
pub(crate) fn elided(text: &TextLines<'_>, block: &Block, scope: &Scope) -> Outcome {
    let elisions = |lines: &[String]| lines.iter().filter(|line| is_elision(line)).count();
    if elisions(&block.old) == 0
        || elisions(&block.old) != elisions(&block.new)
        || block.weight() < LEAST_WEIGHT
    {
        return None;
    }
    let hunks = block.hunks(|line| LEVEL.own_key(line));
    let changes_dots =
        hunks.iter().any(|hunk| block.old[hunk.old.clone()].iter().any(|line| is_elision(line)));
    if changes_dots {
        return None;
    }
    let pieces = pieces(&block.old);
    let places: Vec<Vec<usize>> =
        pieces.iter().map(|piece| matches(text, &block.old[piece.clone()], LEVEL)).collect();
    let mut lines = vec![None; block.old.len()];
    for (at, piece) in pieces.iter().enumerate() {
        let changed = hunks.iter().any(|hunk| hunk.old.start <= piece.end && hunk.old.end >= piece.start);
        let possible = possible_places(&pieces, &places, at, scope);
        match possible.as_slice() {
            [] => return None,
            [only] => fill(&mut lines[piece.clone()], *only),
            // The text left out is most likely the rest of a body whose beginning is quoted.
            several if changed => match inside_body(text, &lines, several) {
                Some(only) => fill(&mut lines[piece.clone()], only),
                None => return Some(Err(LocateError::Ambiguous { places: several.to_vec() })),
            },
            _ => {}
        }
    }
    Some(finish(text, block, lines, How::Elided))
}

/// The stretches between the lines of dots.
fn pieces(old: &[String]) -> Vec<std::ops::Range<usize>> {
    let mut pieces = Vec::new();
    let mut start = 0;
    for (at, line) in old.iter().enumerate() {
        if is_elision(line) {
            pieces.push(start..at);
            start = at + 1;
        }
    }
    pieces.push(start..old.len());
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

/// Where a piece may stand if all pieces are to stand in order.
fn possible_places(
    pieces: &[std::ops::Range<usize>],
    places: &[Vec<usize>],
    wanted: usize,
    scope: &Scope,
) -> Vec<usize> {
    let mut earliest = scope.lines.start;
    for at in 0..wanted {
        match places[at].iter().find(|place| **place >= earliest) {
            Some(place) => earliest = place + pieces[at].len(),
            None => return Vec::new(),
        }
    }
    let mut latest = usize::MAX;
    for at in (wanted + 1..pieces.len()).rev() {
        match places[at].iter().rev().find(|place| **place + pieces[at].len() <= latest) {
            Some(place) => latest = *place,
            None => return Vec::new(),
        }
    }
    let fits = |place: &&usize| **place >= earliest && **place + pieces[wanted].len() <= latest;
    places[wanted].iter().filter(fits).copied().collect()
}

fn fill(lines: &mut [Option<usize>], from: usize) {
    lines.iter_mut().enumerate().for_each(|(at, slot)| *slot = Some(from + at));
}

/// The only one of the places that lies in the body which the pieces found so far begin.
fn inside_body(text: &TextLines<'_>, found: &[Option<usize>], places: &[usize]) -> Option<usize> {
    let solid = |line: &usize| !text.content(*line).trim().is_empty();
    let first = found.iter().flatten().copied().find(solid)?;
    let end = text.body_end(first);
    let mut inside = places.iter().copied().filter(|place| *place < end);
    let only = inside.next()?;
    inside.next().is_none().then_some(only)
}
