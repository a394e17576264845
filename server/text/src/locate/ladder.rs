//! From an exact match to a loose one, step by step; the first step at which anything matches decides.
//!
//! At each step the quoted lines must match one place only. A step never gives way to a looser one because it
//! found too much: several matches are ambiguous, whatever a looser comparison might single out.

use std::borrow::Cow;
use std::ops::Range;

use super::block::Block;
use super::fold::{Escape, fold};
use super::rewrite::{Alignment, rewrite};
use super::text_lines::TextLines;
use super::{How, LocateError, loose, nearest, rival};
use crate::edit::TextEdit;

/// A match that is not quite exact must rest on lines of at least this weight,
const LEAST_WEIGHT: usize = 5;
/// one that is looser than by trailing blanks on more,
const LEAST_LOOSE_WEIGHT: usize = 12;
/// and on even more if indentation is not compared and only one line says anything.
const LEAST_LINE_WEIGHT: usize = 20;

/// Where a match may begin, in lines.
#[derive(Debug, Clone)]
pub(crate) struct Scope {
    /// The first line at which it may begin, and the line before which it must.
    pub(crate) lines: Range<usize>,
    /// Settles several matches when one begins exactly here.
    pub(crate) near: Option<usize>,
    /// Settles several matches when one ends with the file.
    pub(crate) at_end: bool,
    /// Whether the range was pointed at, so that the first match in it is meant.
    pub(crate) first: bool,
}

impl Scope {
    pub(crate) fn anywhere() -> Scope {
        Scope { lines: 0..usize::MAX, near: None, at_end: false, first: false }
    }
}

/// A block that found its place.
#[derive(Debug, Clone)]
pub(crate) struct Placed {
    /// The file's lines from the first matched to the last, half-open.
    pub(crate) lines: Range<usize>,
    pub(crate) edits: Vec<TextEdit>,
    pub(crate) how: How,
}

/// How lines are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    Exact,
    TrailingBlanks,
    Indentation,
    Typography,
    InnerBlanks,
}

impl Level {
    fn key(self, line: &str) -> Cow<'_, str> {
        match self {
            Level::Exact => Cow::Borrowed(line),
            Level::TrailingBlanks => Cow::Borrowed(line.trim_end()),
            Level::Indentation => Cow::Borrowed(line.trim_end().trim_start_matches([' ', '\t'])),
            Level::Typography => match fold(line) {
                Cow::Borrowed(line) => Cow::Borrowed(line.trim()),
                Cow::Owned(line) => Cow::Owned(line.trim().to_owned()),
            },
            Level::InnerBlanks => Cow::Owned(fold(line).split_whitespace().collect::<Vec<_>>().join(" ")),
        }
    }

    /// How the edit's own old and new lines are compared: both come from one hand, so indentation counts.
    pub(crate) fn own_key(self, line: &str) -> String {
        match self {
            Level::Exact => line.to_owned(),
            Level::TrailingBlanks | Level::Indentation => line.trim_end().to_owned(),
            Level::Typography | Level::InnerBlanks => fold(line).trim_end().to_owned(),
        }
    }

    fn how(self) -> How {
        match self {
            Level::Exact => How::Exact,
            Level::TrailingBlanks => How::TrailingBlanks,
            Level::Indentation => How::Indentation,
            Level::Typography => How::Typography,
            Level::InnerBlanks => How::InnerBlanks,
        }
    }
}

/// Finds the place of a block that quotes at least one line, and the edits that carry it out there.
pub(crate) fn place(text: &TextLines<'_>, block: &Block, scope: &Scope) -> Result<Placed, LocateError> {
    if block.old.iter().all(|line| line.trim().is_empty()) && !scope.first && scope.near.is_none() {
        return Err(LocateError::Empty);
    }
    for level in
        [Level::Exact, Level::TrailingBlanks, Level::Indentation, Level::Typography, Level::InnerBlanks]
    {
        if let Some(found) = at_level(text, block, scope, level) {
            return found;
        }
    }
    if let Some(found) = unescaped(text, block, scope) {
        return found;
    }
    for plain in super::marks::without(block) {
        if let Some(found) = exactly(text, &plain, scope, How::Marks) {
            return found;
        }
    }
    if let Some(line) = already_there(text, block) {
        return Err(LocateError::AlreadyApplied { line });
    }
    if let Some(found) = loose::elided(text, block, scope) {
        return found;
    }
    if let Some(found) = loose::blank_lines(text, block, scope) {
        return found;
    }
    if let Some(found) = loose::stale_context(text, block, scope) {
        return found;
    }
    Err(LocateError::NotFound { nearest: nearest::find(text, &block.old) })
}

fn at_level(
    text: &TextLines<'_>,
    block: &Block,
    scope: &Scope,
    level: Level,
) -> Option<Result<Placed, LocateError>> {
    if !is_weighty(block, level) {
        return None;
    }
    let shorter = block.without_blank_ends().filter(|shorter| shorter.weight() >= LEAST_WEIGHT);
    for (block, whole) in [(Some(block), true), (shorter.as_ref(), false)] {
        let Some(block) = block else { continue };
        let all = matches(text, &block.old, level);
        match choose(text, &all, block.old.len(), scope, level == Level::Exact) {
            Choice::None => {}
            Choice::One(at) => {
                let lines = at..at + block.old.len();
                let rival = match (level, whole) {
                    (Level::Exact, true) => false,
                    (Level::TrailingBlanks, true) => rival::exact_elsewhere(text, &block.old, &lines),
                    (_, true) => {
                        rival::exact_elsewhere(text, &block.old, &lines)
                            || rival::indented_elsewhere(text, &block.old, &lines)
                    }
                    (_, false) => rival::alike_elsewhere(text, &block.old, &lines),
                };
                if rival && !scope.first {
                    return Some(Err(LocateError::NotFound { nearest: nearest::find(text, &block.old) }));
                }
                let exact = level == Level::Exact && whole;
                if let Some(line) = already_there(text, block).filter(|_| !exact && !scope.first) {
                    // The place that was meant is done, and this one only resembles what it was.
                    return Some(Err(LocateError::AlreadyApplied { line }));
                }
                return Some(finish(text, block, at, level, level.how()));
            }
            Choice::Many(places) => return Some(Err(LocateError::Ambiguous { places })),
        }
    }
    None
}

/// Whether the quoted lines say enough to be compared as loosely as this. Of a single line that does not match as
/// quoted, a like one is too easily found elsewhere.
fn is_weighty(block: &Block, level: Level) -> bool {
    let solid = block.old.iter().filter(|line| super::block::letters(line) > 2).count();
    match level {
        Level::Exact | Level::TrailingBlanks => true,
        Level::Indentation if solid < 2 => block.weight() >= LEAST_LINE_WEIGHT,
        _ => block.weight() >= LEAST_LOOSE_WEIGHT,
    }
}

/// Lines at which all of `old` matches.
pub(crate) fn matches(text: &TextLines<'_>, old: &[String], level: Level) -> Vec<usize> {
    let wanted: Vec<Cow<'_, str>> = old.iter().map(|line| level.key(line)).collect();
    if wanted.is_empty() || wanted.len() > text.len() {
        return Vec::new();
    }
    let lines: Vec<Cow<'_, str>> = (0..text.len()).map(|line| level.key(text.content(line))).collect();
    lines
        .windows(wanted.len())
        .enumerate()
        .filter(|(_, window)| *window == wanted)
        .map(|(at, _)| at)
        .collect()
}

pub(crate) enum Choice {
    None,
    One(usize),
    Many(Vec<usize>),
}

/// The match that is meant, if the scope leaves no doubt.
pub(crate) fn choose(text: &TextLines<'_>, all: &[usize], len: usize, scope: &Scope, exact: bool) -> Choice {
    let mut inside: Vec<usize> = all.iter().copied().filter(|at| scope.lines.contains(at)).collect();
    if scope.at_end {
        // What is said to be the end and is not was the end once; nobody knows what came after it since.
        let rest_is_blank =
            |at: &usize| (at + len..text.len()).all(|line| text.content(line).trim().is_empty());
        inside.retain(rest_is_blank);
        if inside.len() > 1 {
            inside.retain(|at| at + len == text.len());
        }
        return match inside.as_slice() {
            [] => Choice::None,
            [only] => Choice::One(*only),
            several => Choice::Many(several.to_vec()),
        };
    }
    match inside.as_slice() {
        // Out of order or past what was pointed at, but the only such text in the file.
        [] => match all {
            [only] if exact && (!scope.first || *only >= scope.lines.start) => Choice::One(*only),
            [] => Choice::None,
            _ if exact => Choice::Many(all.to_vec()),
            _ => Choice::None,
        },
        [only] => Choice::One(*only),
        [first, ..] if scope.first && exact => Choice::One(*first),
        several => match scope.near {
            Some(near) if exact && several.contains(&near) => Choice::One(near),
            _ => Choice::Many(several.to_vec()),
        },
    }
}

fn finish(
    text: &TextLines<'_>,
    block: &Block,
    at: usize,
    level: Level,
    how: How,
) -> Result<Placed, LocateError> {
    let lines = (at..at + block.old.len()).map(Some).collect();
    let alignment = Alignment { lines, level };
    let found = rewrite(text, block, &alignment)
        .ok_or_else(|| LocateError::NotFound { nearest: nearest::at(text, at..at + block.old.len()) })?;
    if found.repeats_neighbours {
        return Err(LocateError::AlreadyApplied { line: at });
    }
    Ok(Placed { lines: at..at + block.old.len(), edits: found.edits, how })
}

/// An edit that was escaped once too often, all of it.
fn unescaped(text: &TextLines<'_>, block: &Block, scope: &Scope) -> Option<Result<Placed, LocateError>> {
    if block.old.len() == 1 && block.new.len() <= 1 && block.old[0].contains("\\n") {
        let undo = |lines: &[String]| super::fold::undo_backslashes(&lines.concat(), true);
        let plain = Block::new(&undo(&block.old), &undo(&block.new));
        return exactly(text, &plain, scope, How::Escapes);
    }
    [Escape::Entities, Escape::Backslashes].into_iter().find_map(|escape| {
        let plain = block.map(|line| escape.undo(line));
        let mixed = block.old.iter().chain(&block.new).any(|line| escape.is_mixed(line));
        if plain.old == block.old || mixed {
            return None;
        }
        exactly(text, &plain, scope, How::Escapes)
    })
}

fn exactly(
    text: &TextLines<'_>,
    block: &Block,
    scope: &Scope,
    how: How,
) -> Option<Result<Placed, LocateError>> {
    if block.weight() < LEAST_WEIGHT {
        return None;
    }
    let all = matches(text, &block.old, Level::TrailingBlanks);
    match choose(text, &all, block.old.len(), scope, false) {
        Choice::None => None,
        Choice::One(at) => Some(finish(text, block, at, Level::TrailingBlanks, how)),
        Choice::Many(places) => Some(Err(LocateError::Ambiguous { places })),
    }
}

/// The line at which the replacement already stands, where it brings something that can be recognised.
fn already_there(text: &TextLines<'_>, block: &Block) -> Option<usize> {
    let is_quoted = |line: &&String| block.old.iter().any(|old| old.trim() == line.trim());
    let fresh = block.new.iter().filter(|line| !is_quoted(line));
    let weight: usize = fresh.map(|line| super::block::weight(line)).sum();
    if weight < LEAST_WEIGHT {
        return None;
    }
    matches(text, &block.new, Level::Indentation).first().copied()
}
