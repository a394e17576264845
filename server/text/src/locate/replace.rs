//! Replacing quoted text that need not be whole lines.

use std::ops::Range;

use super::block::{Block, weight};
use super::ladder::{Scope, place};
use super::text_lines::TextLines;
use super::{How, LocateError};
use crate::edit::{EditList, TextEdit};
use crate::encoding::dominant_line_ending;

/// A text after a replacement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replaced {
    /// The whole new text.
    pub text: String,
    /// What was written, as byte ranges of the new text.
    pub places: Vec<Range<usize>>,
    /// How the quoted text matched.
    pub how: How,
}

/// Replaces quoted text: its only place, the one at the line `near` (zero-based), or with `all` every exact one.
///
/// Line endings of `new` become the file's. On an error nothing is replaced.
pub fn replace(
    text: &str,
    old: &str,
    new: &str,
    near: Option<usize>,
    all: bool,
) -> Result<Replaced, LocateError> {
    if old.trim().is_empty() && !text.contains(old) || old.is_empty() {
        return Err(LocateError::Empty);
    }
    let lines = TextLines::new(text);
    let ending = dominant_line_ending(text).as_str();
    if all {
        let edits: Vec<TextEdit> = text
            .match_indices(old)
            .map(|(at, _)| TextEdit::new(at..at + old.len(), with_ending(new, ending)))
            .collect();
        if !edits.is_empty() {
            return Ok(apply(text, edits, How::Exact));
        }
    }
    if let Some((range, how)) = by_characters(text, &lines, old, near)? {
        if already(text, &range, old, new) {
            return Err(LocateError::AlreadyApplied { line: lines.line_of(range.start) });
        }
        return Ok(apply(text, by_own_lines(text, range, new, ending), how));
    }
    let scope = Scope { near, ..Scope::anywhere() };
    let placed = place(&lines, &Block::new(old, new), &scope)?;
    Ok(apply(text, placed.edits, placed.how))
}

/// The only place of `old` as a run of characters, exactly or but for line endings.
pub(super) fn by_characters(
    text: &str,
    lines: &TextLines<'_>,
    old: &str,
    near: Option<usize>,
) -> Result<Option<(Range<usize>, How)>, LocateError> {
    let exact: Vec<Range<usize>> = occurrences(text, old).map(|at| at..at + old.len()).collect();
    if let Some(range) = only(lines, exact, near)? {
        return Ok(Some((range, How::Exact)));
    }
    if !old.contains(['\n', '\r']) {
        return Ok(None);
    }
    let (plain, offsets) = plain_endings(text);
    let (old, _) = plain_endings(old);
    let loose: Vec<Range<usize>> =
        occurrences(&plain, &old).map(|at| offsets[at]..offsets[at + old.len()]).collect();
    Ok(only(lines, loose, near)?.map(|range| (range, How::LineEndings)))
}

/// Every place of `old`, overlapping ones too: they are as ambiguous as others.
fn occurrences<'a>(text: &'a str, old: &'a str) -> impl Iterator<Item = usize> + 'a {
    let mut from = 0;
    std::iter::from_fn(move || {
        let at = from + text.get(from..)?.find(old)?;
        from = at + text[at..].chars().next().map_or(1, char::len_utf8);
        Some(at)
    })
}

fn only(
    lines: &TextLines<'_>,
    places: Vec<Range<usize>>,
    near: Option<usize>,
) -> Result<Option<Range<usize>>, LocateError> {
    let mut near_ones = places.iter().filter(|range| Some(lines.line_of(range.start)) == near);
    match (places.as_slice(), near_ones.next(), near_ones.next()) {
        ([], _, _) => Ok(None),
        ([one], _, _) | (_, Some(one), None) => Ok(Some(one.clone())),
        _ => {
            let places = places.iter().map(|range| lines.line_of(range.start)).collect();
            Err(LocateError::Ambiguous { places })
        }
    }
}

/// A text with `\n` for every line ending, and for each byte of it (and its end) the byte in the original.
fn plain_endings(text: &str) -> (String, Vec<usize>) {
    let mut plain = String::with_capacity(text.len());
    let mut offsets = Vec::with_capacity(text.len() + 1);
    let mut at = 0;
    for line in crate::lines::split(text) {
        let content = crate::lines::without_ending(line);
        plain.push_str(content);
        offsets.extend(at..at + content.len());
        if content.len() < line.len() {
            plain.push('\n');
            offsets.push(at + content.len());
        }
        at += line.len();
    }
    offsets.push(text.len());
    (plain, offsets)
}

fn with_ending(text: &str, ending: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in crate::lines::split(text) {
        let content = crate::lines::without_ending(line);
        out.push_str(content);
        if content.len() < line.len() {
            out.push_str(ending);
        }
    }
    out
}

/// Whether the replacement adds to what it quotes, and what it adds stands there already.
fn already(text: &str, range: &Range<usize>, old: &str, new: &str) -> bool {
    let (new, _) = plain_endings(new);
    let (old, _) = plain_endings(old);
    let added = new.len().saturating_sub(old.len());
    let Some(at) = new.find(&old).filter(|_| added > 0) else { return false };
    let (before, after) = (&new[..at], &new[at + old.len()..]);
    if weight(before) + weight(after) < 6 {
        return false;
    }
    let (ahead, _) = plain_endings(&text[..range.start]);
    let (behind, _) = plain_endings(&text[range.end..]);
    ahead.ends_with(before) && behind.starts_with(after)
}

/// The replacement in edits that leave unchanged lines, and so their endings, alone.
fn by_own_lines(text: &str, range: Range<usize>, new: &str, ending: &str) -> Vec<TextEdit> {
    let old = crate::lines::split(&text[range.clone()]);
    let new = with_ending(new, ending);
    let new_lines = crate::lines::split(&new);
    // A last line without its ending must not be taken for a whole one.
    let key = |lines: &[&str]| -> Vec<String> {
        lines
            .iter()
            .map(|line| {
                let content = crate::lines::without_ending(line);
                if content.len() < line.len() { format!("{content}\n") } else { content.to_owned() }
            })
            .collect()
    };
    let (old_keys, new_keys) = (key(&old), key(&new_lines));
    let (a, b): (Vec<&str>, Vec<&str>) =
        (old_keys.iter().map(String::as_str).collect(), new_keys.iter().map(String::as_str).collect());
    let mut starts = vec![range.start];
    starts.extend(old.iter().scan(range.start, |at, line| {
        *at += line.len();
        Some(*at)
    }));
    let hunks = crate::diff::slices(&a, &b).into_iter();
    hunks.map(|h| TextEdit::new(starts[h.old.start]..starts[h.old.end], new_lines[h.new].concat())).collect()
}

fn apply(text: &str, edits: Vec<TextEdit>, how: How) -> Replaced {
    let unchanged = Replaced { text: text.to_owned(), places: Vec::new(), how };
    let Ok(list) = EditList::new(edits) else { return unchanged };
    let Ok(change) = crate::change::ChangeSet::from_edits(text.len(), &list) else { return unchanged };
    match change.apply(text) {
        Ok(text) => Replaced { text, places: change.new_ranges().collect(), how },
        Err(_) => unchanged,
    }
}
