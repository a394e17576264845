//! Making large replacements small again.
//!
//! An editor may send a whole document for one changed letter, and a formatter rewrites every line. What such a
//! replacement really changed is found by lines, and where only white space differs, line by line, so that hunks
//! far from any real change see none.

use galley_text::diff;
use galley_text::edit::TextEdit;
use ropey::Rope;

use crate::hunk::{Hunk, HunkKind};
use crate::lines;

/// A rewritten block of more lines than this is looked at by tokens, so that no hunk in it has to be merged as a
/// part of the whole block.
const BLOCK_LIMIT: usize = 400;

/// The same change, with every replacement of several lines that reaches a hunk cut into what it changed.
pub(crate) fn edits(old: &Rope, list: Vec<TextEdit>, hunks: &[Hunk]) -> Vec<TextEdit> {
    let wide = |edit: &TextEdit| {
        !edit.text.is_empty()
            && old.byte_to_line(edit.range.start) != old.byte_to_line(edit.range.end)
            && hunks.iter().any(|hunk| {
                hunk.kind == HunkKind::Lines
                    && hunk.range.start <= edit.range.end
                    && hunk.range.end >= edit.range.start
            })
    };
    if !list.iter().any(wide) {
        return list;
    }
    list.into_iter().flat_map(|edit| if wide(&edit) { split(old, edit) } else { vec![edit] }).collect()
}

fn split(old: &Rope, edit: TextEdit) -> Vec<TextEdit> {
    let Some(text) = old.get_byte_slice(edit.range.clone()).map(String::from) else {
        return vec![edit];
    };
    let (before, new) = (text.as_str(), edit.text.as_str());
    let head = shared_head(before, new);
    let tail = shared_tail(&before[head..], &new[head..]);
    let (before, new) = (&before[head..before.len() - tail], &new[head..new.len() - tail]);
    let start = edit.range.start + head;
    diff::edits(before, new)
        .into_iter()
        .flat_map(|run| by_line(&before[run.range.clone()], &run.text, start + run.range.start))
        .collect()
}

/// A rewritten block at byte `start`, with lines that differ only in white space on their own.
fn by_line(before: &str, new: &str, start: usize) -> Vec<TextEdit> {
    let (old_lines, new_lines) = (lines::split(before), lines::split(new));
    if old_lines.len() < 2 || new_lines.is_empty() {
        return vec![TextEdit::new(start..start + before.len(), new)];
    }
    let plain = |lines: &[&str]| lines.iter().flat_map(|line| [line.trim(), "\n"]).collect::<String>();
    let runs = diff::lines(&plain(&old_lines), &plain(&new_lines));
    let mut out = Vec::new();
    let (mut old_at, mut new_at, mut at) = (0, 0, start);
    let last =
        diff::LineHunk { old: old_lines.len()..old_lines.len(), new: new_lines.len()..new_lines.len() };
    for run in runs.into_iter().chain([last]) {
        while old_at < run.old.start && new_at < run.new.start {
            let (old_line, new_line) = (old_lines[old_at], new_lines[new_at]);
            if old_line != new_line {
                out.push(TextEdit::new(at..at + old_line.len(), new_line));
            }
            at += old_line.len();
            old_at += 1;
            new_at += 1;
        }
        let (from, to) = (old_lines[run.old.clone()].concat(), new_lines[run.new.clone()].concat());
        if run.old.len() > BLOCK_LIMIT {
            let tokens = diff::words(&from, &to);
            out.extend(
                tokens
                    .into_iter()
                    .map(|edit| TextEdit::new(at + edit.range.start..at + edit.range.end, edit.text)),
            );
        } else if from != to {
            out.push(TextEdit::new(at..at + from.len(), to));
        }
        at += from.len();
        (old_at, new_at) = (run.old.end, run.new.end);
    }
    out
}

/// Length of the whole lines that both texts begin with, in bytes.
fn shared_head(one: &str, other: &str) -> usize {
    let same = one.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
    one.as_bytes()[..same].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1)
}

/// Length of the whole lines that both texts end with, in bytes.
fn shared_tail(one: &str, other: &str) -> usize {
    let same = one.bytes().rev().zip(other.bytes().rev()).take_while(|(a, b)| a == b).count();
    if same == one.len() && same == other.len() {
        return same;
    }
    let from = one.len() - same;
    // The first shared line may be only the end of a line; leave it to the diff.
    one.as_bytes()[from..].iter().position(|byte| *byte == b'\n').map_or(0, |at| same - at - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hunk_everywhere(len: usize) -> Vec<Hunk> {
        let text = "x".repeat(len);
        let change = galley_text::format::FileChange::Update {
            path: galley_text::path::RelPath::new("f").unwrap(),
            before: text,
            after: String::new(),
        };
        crate::split::file(change, &mut |_, _| Vec::new(), &mut || crate::HunkId("h".into())).hunks
    }

    #[track_caller]
    fn check(old: &str, new: &str, expected: &[(std::ops::Range<usize>, &str)]) {
        let whole = vec![TextEdit::new(0..old.len(), new)];
        let list = edits(&Rope::from_str(old), whole, &hunk_everywhere(old.len()));
        let found: Vec<_> = list.iter().map(|edit| (edit.range.clone(), edit.text.as_str())).collect();
        assert_eq!(found, expected);
        let list = galley_text::edit::EditList::new(list).unwrap();
        assert_eq!(list.apply(old).unwrap(), new);
    }

    #[test]
    fn a_whole_document_becomes_the_line_that_changed() {
        check("a\nb\nc\n", "a\nB\nc\n", &[(2..4, "B\n")]);
        check("a\nb\nc\n", "a\nc\n", &[(2..4, "")]);
    }

    #[test]
    fn a_formatter_is_seen_line_by_line() {
        check("a\n b\nc", "\ta\n\tb\n\tc", &[(0..2, "\ta\n"), (2..5, "\tb\n"), (5..6, "\tc")]);
    }
}
