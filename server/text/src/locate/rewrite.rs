//! Carrying out a block on the lines it was matched with.
//!
//! Only what the block changes is written: its context lines stay as the file has them, however loosely they
//! matched. Lines that the block brings get the file's indentation and its line ending. Where more than one outcome
//! is possible there is none.

use std::borrow::Cow;

use super::block::{Block, weight};
use super::fold::{Family, fold, plain};
use super::indent::Indent;
use super::ladder::Level;
use super::text_lines::TextLines;
use crate::diff::LineHunk;
use crate::edit::TextEdit;

/// Which line of the file each quoted line stands for.
#[derive(Debug, Clone)]
pub(crate) struct Alignment {
    /// Zero-based lines of the file, ascending; `None` for a quoted line that stands for no particular one.
    pub(crate) lines: Vec<Option<usize>>,
    pub(crate) level: Level,
}

pub(crate) struct Rewritten {
    pub(crate) edits: Vec<TextEdit>,
    /// Whether all it does is to insert what already stands there.
    pub(crate) repeats_neighbours: bool,
}

/// The edits that a block makes, or nothing where they are in doubt.
pub(crate) fn rewrite(text: &TextLines<'_>, block: &Block, alignment: &Alignment) -> Option<Rewritten> {
    let hunks = block.hunks(|line| alignment.level.own_key(line));
    let pairs: Vec<(&str, &str)> = block
        .old
        .iter()
        .zip(&alignment.lines)
        .filter_map(|(old, line)| Some((old.as_str(), text.content((*line)?))))
        .collect();
    let indents = match alignment.level {
        Level::Exact | Level::TrailingBlanks => vec![Indent::Same],
        Level::Indentation => Indent::explaining(&pairs),
        Level::Typography | Level::InnerBlanks => {
            let folded: Vec<(Cow<'_, str>, Cow<'_, str>)> =
                pairs.iter().map(|(old, file)| (fold(old), fold(file))).collect();
            let folded: Vec<(&str, &str)> = folded.iter().map(|(old, file)| (&**old, &**file)).collect();
            Indent::explaining(&folded)
        }
    };
    let removed: Vec<usize> = hunks.iter().flat_map(|hunk| hunk.old.clone()).collect();
    let mut edits = Vec::new();
    let mut repeats = 0;
    for hunk in &hunks {
        let new = incoming(text, block, alignment, hunk, &indents, &pairs, &removed)?;
        let lines = target(text, &new, alignment, hunk)?;
        if hunk.old.is_empty() && new.iter().map(|line| weight(line)).sum::<usize>() >= 6 {
            // Only at the edge of what is quoted can the lines be there already; within, the match would have failed.
            let after = hunk.old.start == block.old.len() && stands_at(text, Some(lines.start), &new);
            let before = hunk.old.start == 0 && stands_at(text, lines.start.checked_sub(new.len()), &new);
            repeats += usize::from(after || before);
        }
        edits.extend(replace_lines(text, lines, hunk, alignment, &new, block.final_newline)?);
    }
    let repeats_neighbours = !hunks.is_empty() && repeats == hunks.len();
    edits.extend(change_final_newline(text, block, alignment, &edits));
    Some(Rewritten { edits, repeats_neighbours })
}

/// The file's lines that a hunk replaces; an empty range where it inserts.
fn target(
    text: &TextLines<'_>,
    new: &[String],
    alignment: &Alignment,
    hunk: &LineHunk,
) -> Option<std::ops::Range<usize>> {
    let lines = &alignment.lines;
    if !hunk.old.is_empty() {
        let first = lines[hunk.old.start]?;
        let last = lines[hunk.old.end - 1]?;
        return Some(first..last + 1);
    }
    let before = hunk.old.start.checked_sub(1).and_then(|at| lines[at]);
    let after = lines.get(hunk.old.start).copied().flatten();
    let at = match (before, after) {
        (Some(before), Some(after)) if before + 1 == after => after,
        (Some(before), Some(after)) => super::loose::side_of_gap(text, before, after, new)?,
        (Some(before), None) => before + 1,
        (None, Some(after)) => after,
        (None, None) => return None,
    };
    Some(at..at)
}

/// The replacement of a hunk's lines. Blank lines that the block forgot stay: they are cut around.
fn replace_lines(
    text: &TextLines<'_>,
    lines: std::ops::Range<usize>,
    hunk: &LineHunk,
    alignment: &Alignment,
    new: &[String],
    final_newline: Option<bool>,
) -> Option<Vec<TextEdit>> {
    if lines.len() == hunk.old.len() {
        return Some(vec![text.replace(lines, new, final_newline)]);
    }
    let replaced: Vec<usize> = alignment.lines[hunk.old.clone()].iter().copied().collect::<Option<_>>()?;
    if !new.is_empty() && new.len() != replaced.len() {
        // Which of the new lines stand before the forgotten blank line is anybody's guess.
        return None;
    }
    let edits = replaced.iter().enumerate().map(|(at, line)| {
        let new = new.get(at).map(std::slice::from_ref).unwrap_or_default();
        text.replace(*line..*line + 1, new, final_newline)
    });
    Some(edits.collect())
}

/// The lines that a hunk brings, as the file would have them.
fn incoming(
    text: &TextLines<'_>,
    block: &Block,
    alignment: &Alignment,
    hunk: &LineHunk,
    indents: &[Indent],
    pairs: &[(&str, &str)],
    removed: &[usize],
) -> Option<Vec<String>> {
    let mut new = block.new[hunk.new.clone()].to_vec();
    if matches!(alignment.level, Level::Typography | Level::InnerBlanks) {
        let file: Option<Vec<&str>> = alignment.lines[hunk.old.clone()]
            .iter()
            .map(|line| line.map(|line| text.content(line)))
            .collect();
        if let Some(done) = transplant(&block.old[hunk.old.clone()], &file?, &new)? {
            return Some(done);
        }
        new = new.iter().map(|line| settle_typography(line, pairs)).collect::<Option<_>>()?;
    }
    // Blanks at the end of a line are that line's own; indentation is the same for all lines that are written alike.
    let known: Vec<(&str, &str)> = match alignment.level {
        Level::Exact | Level::TrailingBlanks => removed
            .iter()
            .filter(|at| super::block::letters(&block.old[**at]) > 2)
            .filter_map(|at| Some((block.old[*at].as_str(), text.content(alignment.lines[*at]?))))
            .collect(),
        _ => pairs.to_vec(),
    };
    let own: Vec<Option<&str>> = block.new[hunk.new.clone()].iter().map(|line| moved(line, &known)).collect();
    if let [Indent::Add(_) | Indent::Strip(_)] = indents
        && new.iter().any(|line| is_between_steps(text, line, pairs))
    {
        return None;
    }
    let mut outcomes = indents.iter().filter_map(|indent| {
        let lines = new.iter().enumerate();
        lines
            .map(|(at, line)| match own[at] {
                Some(own) if alignment.level != Level::Exact => Some(own.to_owned()),
                _ => indent.apply(line, hunk.new.start + at == 0),
            })
            .collect::<Option<Vec<String>>>()
    });
    let first = outcomes.next()?;
    outcomes.all(|other| other == first).then_some(first)
}

/// Whether a line is deeper or less deep than all that is quoted by no whole number of the file's steps: then the
/// edit may count its steps otherwise, and one depth alone does not tell.
fn is_between_steps(text: &TextLines<'_>, line: &str, pairs: &[(&str, &str)]) -> bool {
    let width = |line: &str| super::indent::split(line).0.len();
    let mut quoted = pairs.iter().filter(|(old, _)| !old.trim().is_empty()).map(|(old, _)| width(old));
    let Some(first) = quoted.next() else { return false };
    let one_depth = quoted.all(|other| other == first);
    let step = text.indent_step();
    one_depth && step > 0 && !line.trim().is_empty() && !width(line).abs_diff(first).is_multiple_of(step)
}

/// The file's own form of a line that the block quotes and brings again, elsewhere.
fn moved<'a>(line: &str, known: &[(&str, &'a str)]) -> Option<&'a str> {
    let mut forms =
        known.iter().filter(|(old, _)| *old == line && !line.trim().is_empty()).map(|(_, file)| *file);
    let first = forms.next()?;
    forms.all(|other| other == first).then_some(first)
}

/// A line that the block brings, with plain characters where the block wrote typographic ones throughout.
///
/// Where the file has plain quotes and the block quoted them typographically, always, its new lines are meant to be
/// plain as well. Where it mixed both, nobody knows.
fn settle_typography(line: &str, pairs: &[(&str, &str)]) -> Option<String> {
    let mut out = String::with_capacity(line.len());
    for character in line.chars() {
        let (Some(plain), Some(family)) = (plain(character), Family::of(character)) else {
            out.push(character);
            continue;
        };
        let mistaken = pairs.iter().any(|(old, file)| family.is_in(old) && !family.is_in(file));
        if !mistaken {
            out.push(character);
            continue;
        }
        if pairs.iter().any(|(old, file)| family.is_in(file) || family.is_plain_in(old)) {
            return None;
        }
        out.push_str(plain);
    }
    Some(out)
}

/// For replaced lines whose typographic characters the block wrote plainly: the block's change of words, carried out
/// on the file's own line. `Some(None)` where there is no such line, `None` where it cannot be done.
#[allow(clippy::option_option)]
fn transplant(old: &[String], file: &[&str], new: &[String]) -> Option<Option<Vec<String>>> {
    let special = |line: &str| line.chars().any(|c| plain(c).is_some());
    let own = old.iter().zip(file).any(|(old, file)| special(file) && old.trim() != file.trim());
    if !own {
        return Some(None);
    }
    let ([old], [file], [new]) = (old, file, new) else { return None };
    let ((old_blanks, old), (new_blanks, new)) = (super::indent::split(old), super::indent::split(new));
    let (blanks, file) = super::indent::split(file);
    let (old, new) = (old.trim_end(), new.trim_end());
    if old_blanks != new_blanks || old.chars().count() != file.trim_end().chars().count() {
        return None;
    }
    let byte_of: Vec<(usize, usize)> =
        old.char_indices().map(|(at, _)| at).zip(file.char_indices().map(|(at, _)| at)).collect();
    let in_file = |offset: usize| match byte_of.binary_search_by_key(&offset, |(old, _)| *old) {
        Ok(at) => byte_of[at].1,
        Err(_) => file.len(),
    };
    let edits = crate::diff::words(old, new).into_iter().map(|mut edit| {
        edit.range = in_file(edit.range.start)..in_file(edit.range.end);
        edit
    });
    let list = crate::edit::EditList::new(edits.collect()).ok()?;
    Some(Some(vec![blanks.to_owned() + &list.apply(file).ok()?]))
}

fn stands_at(text: &TextLines<'_>, line: Option<usize>, new: &[String]) -> bool {
    line.is_some_and(|line| {
        line + new.len() <= text.len()
            && new.iter().enumerate().all(|(at, new)| text.content(line + at).trim_end() == new.trim_end())
    })
}

/// The edit that adds or removes the file's last line ending, where the block says so and changes nothing else there.
fn change_final_newline(
    text: &TextLines<'_>,
    block: &Block,
    alignment: &Alignment,
    edits: &[TextEdit],
) -> Option<TextEdit> {
    let wanted = block.final_newline?;
    let last = text.len().checked_sub(1)?;
    let at_end = alignment.lines.last().copied().flatten() == Some(last);
    let done = edits.iter().any(|edit| edit.range.end >= text.start(last + 1));
    if !at_end || done {
        return None;
    }
    let line = vec![text.content(last).to_owned()];
    let edit = text.replace(last..last + 1, &line, Some(wanted));
    let unchanged = edit.range.len() == edit.text.len();
    (!unchanged).then_some(edit)
}
