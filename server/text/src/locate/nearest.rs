//! What in the file looks most like text that was not found, so that a model can quote it anew.

use std::collections::HashSet;
use std::ops::Range;

use super::Nearest;
use super::text_lines::TextLines;
use crate::diff::split_tokens;

/// How many places are shown.
const PLACES: usize = 3;
/// How many lines of a place are shown.
const LINES: usize = 12;

/// The places that share most with `old`.
pub(crate) fn find(text: &TextLines<'_>, old: &[String]) -> Vec<Nearest> {
    let wanted: Vec<&str> = old.iter().map(|line| line.trim()).collect();
    let solid: HashSet<&str> =
        wanted.iter().copied().filter(|line| super::block::letters(line) > 2).collect();
    let len = old.len().max(1);
    // A place's score is how many of the wanted lines stand in a window of that length.
    let hits: Vec<usize> =
        (0..text.len()).filter(|line| solid.contains(text.content(*line).trim())).collect();
    let mut places: Vec<(usize, usize)> = hits
        .iter()
        .enumerate()
        .map(|(at, line)| (hits[at..].iter().take_while(|hit| **hit < line + len).count(), *line))
        .collect();
    places.sort_by_key(|(score, line)| (std::cmp::Reverse(*score), *line));
    let mut chosen: Vec<usize> = Vec::new();
    for (_, hit) in places {
        let offset = wanted.iter().position(|line| *line == text.content(hit).trim()).unwrap_or(0);
        let start = hit.saturating_sub(offset);
        if chosen.len() < PLACES && chosen.iter().all(|other| other.abs_diff(start) >= len) {
            chosen.push(start);
        }
    }
    if chosen.is_empty() {
        chosen.extend(most_alike(text, &wanted));
    }
    chosen.into_iter().flat_map(|start| at(text, start..start + len)).collect()
}

/// One place as it is shown.
pub(crate) fn at(text: &TextLines<'_>, lines: Range<usize>) -> Vec<Nearest> {
    let end = lines.end.min(text.len()).min(lines.start + LINES);
    if lines.start >= end {
        return Vec::new();
    }
    let shown: Vec<&str> = (lines.start..end).map(|line| text.content(line)).collect();
    vec![Nearest { line: lines.start, text: shown.join("\n") }]
}

/// The line that shares most tokens with the most telling wanted line, if it shares half of them.
fn most_alike(text: &TextLines<'_>, wanted: &[&str]) -> Option<usize> {
    let telling = wanted.iter().max_by_key(|line| super::block::letters(line))?;
    let tokens: HashSet<&str> =
        split_tokens(telling).into_iter().filter(|token| !token.trim().is_empty()).collect();
    let score =
        |line: &str| split_tokens(line).into_iter().collect::<HashSet<_>>().intersection(&tokens).count();
    let (best, line) = (0..text.len())
        .map(|line| (score(text.content(line)), std::cmp::Reverse(line)))
        .max()
        .map(|(score, line)| (score, line.0))?;
    (2 * best >= tokens.len() && best > 0).then_some(line)
}
