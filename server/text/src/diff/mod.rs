//! Differences between two texts: by line, by token, and as a unified diff.
//!
//! Lines are compared byte for byte, endings included, so a changed line ending is a change. [`lines`] cuts lines
//! as an editor does and aligns on lines that are unique in both texts first, which keeps hunks to what a person
//! would call one change; [`git_lines`] cuts and aligns as git's merge does, because a merge must agree with it.

mod myers;
mod slide;
mod tokens;
mod unified;

use std::collections::HashMap;
use std::ops::Range;

pub use unified::unified;

pub(crate) use tokens::{is_word, split as split_tokens};

use crate::edit::{EditList, TextEdit};

/// A run of lines that differs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LineHunk {
    /// Lines of the old text, zero-based, half-open; empty where lines were only added.
    pub old: Range<usize>,
    /// Lines of the new text, zero-based, half-open; empty where lines were only removed.
    pub new: Range<usize>,
}

/// The differing lines of two texts, in order; lines end at `\n`, `\r\n` and lone `\r`.
pub fn lines(old: &str, new: &str) -> Vec<LineHunk> {
    hunks(&crate::lines::split(old), &crate::lines::split(new), Style::Readable)
}

/// The differing lines of two texts, aligned as `git merge-file` does; lines end at `\n` only.
pub fn git_lines(old: &str, new: &str) -> Vec<LineHunk> {
    hunks(&crate::lines::split_lf(old), &crate::lines::split_lf(new), Style::Git)
}

/// The edits that turn `old` into `new`, whole lines each.
pub fn edits(old: &str, new: &str) -> EditList {
    let (old, new) = (crate::lines::split(old), crate::lines::split(new));
    to_edits(&old, &new, hunks(&old, &new, Style::Readable))
}

/// The edits that turn `old` into `new`, as small as tokens (words, runs of blanks, single other characters).
pub fn words(old: &str, new: &str) -> EditList {
    // Lines first: a token diff over whole files would pair words of unrelated lines, and be slow.
    let mut found = Vec::new();
    let (old_lines, new_lines) = (crate::lines::split(old), crate::lines::split(new));
    for edit in to_edits(&old_lines, &new_lines, hunks(&old_lines, &new_lines, Style::Readable)) {
        let start = edit.range.start;
        found.extend(tokens(&old[edit.range.clone()], &edit.text).into_iter().map(|mut inner| {
            inner.range = inner.range.start + start..inner.range.end + start;
            inner
        }));
    }
    EditList::new(found).unwrap_or_default()
}

/// As [`words`], but without regard to lines: tokens of one line may be paired with those of another.
pub(crate) fn tokens(old: &str, new: &str) -> EditList {
    let (old, new) = (split_tokens(old), split_tokens(new));
    to_edits(&old, &new, hunks(&old, &new, Style::Git))
}

/// The differing stretches of two lists of lines or tokens, with as few changes as possible.
pub(crate) fn slices(old: &[&str], new: &[&str]) -> Vec<LineHunk> {
    hunks(old, new, Style::Git)
}

/// What an alignment is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    Readable,
    Git,
}

fn hunks(old: &[&str], new: &[&str], style: Style) -> Vec<LineHunk> {
    let prefix = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let suffix =
        old[prefix..].iter().rev().zip(new[prefix..].iter().rev()).take_while(|(a, b)| a == b).count();
    let mid_old = prefix..old.len() - suffix;
    let mid_new = prefix..new.len() - suffix;
    if mid_old.is_empty() && mid_new.is_empty() {
        return Vec::new();
    }
    let mut ids = HashMap::new();
    let old_ids: Vec<u32> = old.iter().map(|line| intern(&mut ids, line)).collect();
    let new_ids: Vec<u32> = new.iter().map(|line| intern(&mut ids, line)).collect();
    let mut old_changed = vec![false; old.len()];
    let mut new_changed = vec![false; new.len()];
    let mut sides = myers::Sides {
        old: &old_ids,
        new: &new_ids,
        old_changed: &mut old_changed,
        new_changed: &mut new_changed,
    };
    match style {
        Style::Readable => myers::by_unique_lines(&mut sides, mid_old, mid_new),
        Style::Git => myers::compare(&mut sides, mid_old, mid_new),
    }
    slide::compact(&old_ids, &mut old_changed, &new_changed);
    slide::compact(&new_ids, &mut new_changed, &old_changed);
    collect(&old_changed, &new_changed)
}

fn intern<'a>(ids: &mut HashMap<&'a str, u32>, line: &'a str) -> u32 {
    let next = u32::try_from(ids.len()).unwrap_or(u32::MAX);
    *ids.entry(line).or_insert(next)
}

/// Runs of changed lines, paired by walking the unchanged ones of both sides together.
fn collect(old_changed: &[bool], new_changed: &[bool]) -> Vec<LineHunk> {
    let mut hunks = Vec::new();
    let (mut i, mut j) = (0, 0);
    while i < old_changed.len() || j < new_changed.len() {
        let (old_start, new_start) = (i, j);
        while old_changed.get(i) == Some(&true) {
            i += 1;
        }
        while new_changed.get(j) == Some(&true) {
            j += 1;
        }
        if i > old_start || j > new_start {
            hunks.push(LineHunk { old: old_start..i, new: new_start..j });
        }
        i += 1;
        j += 1;
    }
    hunks
}

fn to_edits(old: &[&str], new: &[&str], hunks: Vec<LineHunk>) -> EditList {
    let mut edits = Vec::with_capacity(hunks.len());
    let (mut line, mut offset) = (0, 0);
    for hunk in hunks {
        offset += old[line..hunk.old.start].iter().map(|l| l.len()).sum::<usize>();
        let len: usize = old[hunk.old.clone()].iter().map(|l| l.len()).sum();
        edits.push(TextEdit::new(offset..offset + len, new[hunk.new].concat()));
        offset += len;
        line = hunk.old.end;
    }
    // Hunks are disjoint and ascending by construction.
    EditList::new(edits).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hunk(old: Range<usize>, new: Range<usize>) -> LineHunk {
        LineHunk { old, new }
    }

    #[test]
    fn finds_the_lines_that_differ() {
        assert_eq!(lines("a\nb\nc\n", "a\nB\nc\n"), [hunk(1..2, 1..2)]);
        assert_eq!(lines("a\nb\n", "a\nb"), [hunk(1..2, 1..2)]);
        assert_eq!(lines("", "a\n"), [hunk(0..0, 0..1)]);
        assert_eq!(lines("a\r\nb\rc", "a\r\nc"), [hunk(1..2, 1..1)]);
        assert_eq!(lines("same", "same"), []);
    }

    #[test]
    fn an_added_function_is_one_hunk() {
        let old = "fn a() {\n    x();\n}\n\nfn c() {\n    z();\n}\n";
        let new = "fn a() {\n    x();\n}\n\nfn b() {\n    y();\n}\n\nfn c() {\n    z();\n}\n";
        assert_eq!(lines(old, new).len(), 1);
        assert_eq!(edits(old, new).apply(old).unwrap(), new);
    }

    #[test]
    fn words_change_no_more_than_needed() {
        let list = words("let alpha = one(1);\nsame\n", "let beta = one(2);\nsame\n");
        assert_eq!(list.edits(), [TextEdit::new(4..9, "beta"), TextEdit::new(16..17, "2")]);
    }
}
