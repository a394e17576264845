//! Whether another place has a claim to a loose match.
//!
//! Where a file repeats itself, the place that was meant may have changed since it was quoted, and a copy of it may
//! be what matches now. A copy that resembles the quoted text in most of its lines makes a loose match a guess.

use std::collections::HashSet;
use std::ops::Range;

use super::block::{letters, weight};
use super::text_lines::TextLines;
use crate::diff::{is_word, split_tokens};

/// Lines that may have come in between since a place was quoted.
const SLACK: usize = 4;

/// What a line weighs that hardly stands anywhere else by chance.
const TELLING: usize = 12;

/// Whether most lines of `old` stand together elsewhere exactly as quoted, indentation included, and more of them
/// than at the chosen place.
pub(crate) fn exact_elsewhere(text: &TextLines<'_>, old: &[String], chosen: &Range<usize>) -> bool {
    let solid: HashSet<&str> = solid_lines(old).into_iter().map(|at| old[at].trim_end()).collect();
    if solid.len() < 2 {
        return false;
    }
    let hits: Vec<(usize, &str)> = (0..text.len())
        .map(|line| (line, text.content(line).trim_end()))
        .filter(|(_, content)| solid.contains(content))
        .collect();
    let (inside, outside): (Vec<_>, Vec<_>) = hits.into_iter().partition(|(line, _)| chosen.contains(line));
    let distinct =
        |hits: &[(usize, &str)]| hits.iter().map(|(_, content)| *content).collect::<HashSet<_>>().len();
    let kept = distinct(&inside);
    (0..outside.len()).any(|at| {
        let end = outside[at].0 + old.len() + SLACK;
        let window = outside[at..].iter().take_while(|(line, _)| *line < end).count();
        let score = distinct(&outside[at..at + window]);
        // One of two lines is enough where it is no line that stands everywhere.
        let telling = solid.len() == 2 && weight(outside[at].1) >= TELLING;
        score > kept && (5 * score >= 3 * solid.len() || telling)
    })
}

/// Whether every telling line of `old` has a line of the same words elsewhere that is indented as quoted, where the
/// chosen place is indented otherwise: that one may have changed since it was quoted.
pub(crate) fn indented_elsewhere(text: &TextLines<'_>, old: &[String], chosen: &Range<usize>) -> bool {
    let solid = solid_lines(old);
    fn indent(line: &str) -> &str {
        super::indent::split(line).0
    }
    let as_quoted = |at: &usize| indent(&old[*at]) == indent(text.content(chosen.start + at));
    if solid.is_empty() || solid.iter().any(as_quoted) {
        return false;
    }
    let wanted: Vec<HashSet<&str>> = solid.iter().map(|at| words(&old[*at])).collect();
    elsewhere(text, old.len(), chosen).any(|start| {
        solid.iter().zip(&wanted).all(|(at, wanted)| {
            let line = text.content(start + at);
            let words = words(line);
            let shared = words.intersection(wanted).count();
            indent(line) == indent(&old[*at]) && 2 * shared > words.len().max(wanted.len())
        })
    })
}

/// Whether most lines of `old` have another place where lines with the same words stand.
pub(crate) fn alike_elsewhere(text: &TextLines<'_>, old: &[String], chosen: &Range<usize>) -> bool {
    let solid = solid_lines(old);
    if solid.is_empty() {
        return false;
    }
    let wanted: Vec<HashSet<&str>> = solid.iter().map(|at| words(&old[*at])).collect();
    let lines: Vec<HashSet<&str>> = (0..text.len()).map(|line| words(text.content(line))).collect();
    elsewhere(text, old.len(), chosen).any(|start| {
        let alike = |(at, wanted): &(&usize, &HashSet<&str>)| {
            lines.get(start + **at).is_some_and(|line| {
                let shared = line.intersection(wanted).count();
                2 * shared > line.len().max(wanted.len())
            })
        };
        let score = solid.iter().zip(&wanted).filter(alike).count();
        3 * score >= 2 * solid.len()
    })
}

/// Starts of windows that share no line with the chosen one.
fn elsewhere(text: &TextLines<'_>, len: usize, chosen: &Range<usize>) -> impl Iterator<Item = usize> {
    let chosen = chosen.clone();
    (0..text.len()).filter(move |start| start + len <= chosen.start || *start >= chosen.end)
}

fn solid_lines(old: &[String]) -> Vec<usize> {
    (0..old.len()).filter(|at| letters(&old[*at]) > 2).collect()
}

fn words(line: &str) -> HashSet<&str> {
    split_tokens(line).into_iter().filter(|token| is_word(token)).collect()
}
