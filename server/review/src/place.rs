//! The place of an insertion that comes back.
//!
//! An insertion has no lines of its own in the document. While the person types, edits tell where its place went; but
//! after the lines on both sides were rewritten and restored, or its text was taken back together with lines around
//! it, several places fit the edits. Then the lines that it was proposed between decide, if they stand together.

use std::ops::Range;

use ropey::Rope;

use crate::hunk::{Hunk, HunkKind, HunkState, Neighbours};
use crate::lines;

/// How many lines up and down the neighbours are looked for.
const REACH: usize = 200;

/// Moves a pending insertion between the lines that it was proposed between, where it lies beside neither of them and
/// a change brought them together, in one place only. `changed` says whether it wrote in a range of the text: lines
/// like them that stand elsewhere for long are a copy.
pub(crate) fn between_neighbours(hunk: &mut Hunk, text: &Rope, changed: impl Fn(Range<usize>) -> bool) {
    if !waits(hunk) || hunk.range.start > text.len_bytes() {
        return;
    }
    let at = hunk.range.start;
    let first = hunk.neighbours.as_ref().map(|neighbours| found(neighbours, at, text, &changed));
    let place = match first {
        None | Some(Found::Here) => return,
        Some(Found::There(place)) => place,
        // The lines that stood there last know better than nothing.
        Some(Found::Nowhere) => match hunk.lost.as_ref().map(|lost| found(lost, at, text, &changed)) {
            Some(Found::There(place)) => place,
            _ => return,
        },
    };
    hunk.range = place..place;
}

fn waits(hunk: &Hunk) -> bool {
    hunk.kind == HunkKind::Lines && hunk.state == HunkState::Pending && hunk.range.is_empty()
}

/// Where two neighbours are.
enum Found {
    /// One of them stands beside the insertion.
    Here,
    /// Both stand together, in bytes.
    There(usize),
    Nowhere,
}

fn found(neighbours: &Neighbours, at: usize, text: &Rope, changed: &impl Fn(Range<usize>) -> bool) -> Found {
    let last = text.len_lines();
    // Line `at` begins at the place; the text's end is a line that is not there.
    let line = |at: usize| at < last && text.line_to_byte(at) < text.len_bytes();
    let is = |wanted: &Option<String>, at: Option<usize>| match (wanted, at.filter(|at| line(*at))) {
        (Some(wanted), Some(at)) => text.line(at) == wanted.as_str(),
        (None, None) => true,
        _ => false,
    };
    let telling =
        |wanted: &Option<String>| wanted.as_ref().is_some_and(|line| line.contains(char::is_alphanumeric));
    let above = |at: usize| is(&neighbours.above, at.checked_sub(1));
    let below = |at: usize| is(&neighbours.below, Some(at));
    let here = text.byte_to_line(at);
    let here = if text.line_to_byte(here) < at { here + 1 } else { here };
    let told = (above(here) && telling(&neighbours.above)) || (below(here) && telling(&neighbours.below));
    if told || (above(here) && below(here)) {
        return Found::Here;
    }
    let near = here.saturating_sub(REACH)..(here + REACH).min(last) + 1;
    let mut places = near.filter(|at| above(*at) && below(*at));
    if let (Some(only), None) = (places.next(), places.next()) {
        let start = |line: usize| if line < last { text.line_to_byte(line) } else { text.len_bytes() };
        if changed(start(only.saturating_sub(1))..start(only + 1)) {
            return Found::There(start(only));
        }
    }
    Found::Nowhere
}

/// Keeps in mind the lines beside a pending insertion when one of these deletions of the text takes the one above away.
pub(crate) fn note_lost(hunk: &mut Hunk, old: &Rope, deletions: impl Iterator<Item = Range<usize>>) {
    let at = hunk.range.start;
    if !waits(hunk) || hunk.neighbours.is_none() || at > old.len_bytes() {
        return;
    }
    let line = old.byte_to_line(at);
    let Some(start) = line.checked_sub(1).map(|line| old.line_to_byte(line)) else { return };
    if old.line_to_byte(line) != at {
        return;
    }
    let takes_above = |mut range: Range<usize>| {
        // Where what goes ends as what stays before it, the whole line went as well.
        while range.start > start && old.byte(range.start - 1) == old.byte(range.end - 1) {
            range = range.start - 1..range.end - 1;
        }
        while range.start < start && range.end < at && old.byte(range.start) == old.byte(range.end) {
            range = range.start + 1..range.end + 1;
        }
        range.start == start && range.end == at
    };
    if deletions.into_iter().any(takes_above) {
        let below = (at < old.len_bytes()).then(|| old.line(line).to_string());
        hunk.lost = Some(Neighbours { above: Some(old.line(line - 1).to_string()), below });
    }
}

/// Moves a pending insertion into the lines that it was proposed in, where these stand whole in the text, once, and it lies
/// elsewhere: the text was another one altogether and came back.
pub(crate) fn in_its_lines(hunk: &mut Hunk, text: &str) {
    let Some(origin) = hunk.origin.as_ref().filter(|_| waits(hunk)) else { return };
    let lines = origin.before.as_str();
    let Some(head) = inserted_at(lines, &origin.after, &hunk.after) else { return };
    let stands = |start: usize| text.get(start..).is_some_and(|rest| rest.starts_with(lines));
    if !lines.contains(char::is_alphanumeric) || hunk.range.start.checked_sub(head).is_some_and(stands) {
        return;
    }
    let mut places = text.match_indices(lines).map(|(at, _)| at).filter(|at| lines::starts_at(text, *at));
    if let (Some(only), None) = (places.next(), places.next()) {
        hunk.range = only + head..only + head;
    }
}

/// Where in `before` a text was inserted to make `after`, in bytes.
fn inserted_at(before: &str, after: &str, text: &str) -> Option<usize> {
    let is_place = |at: usize| {
        let (left, right) = (before.get(..at)?, before.get(at..)?);
        let rest = after.strip_prefix(left)?.strip_prefix(text)?;
        (rest == right).then_some(at)
    };
    let ends = before.split_inclusive('\n').scan(0, |at, line| {
        *at += line.len();
        Some(*at)
    });
    std::iter::once(0).chain(ends).find_map(is_place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hunk::HunkId;
    use galley_text::format::FileChange;
    use galley_text::path::RelPath;

    #[track_caller]
    fn check(before: &str, after: &str, text: &str, from: usize, to: usize) {
        let path = RelPath::new("f").unwrap();
        let change = FileChange::Update { path, before: before.into(), after: after.into() };
        let mut hunk =
            crate::split::file(change, &mut |_, _| Vec::new(), &mut || HunkId("h".into())).hunks.remove(0);
        hunk.range = from..from;
        between_neighbours(&mut hunk, &Rope::from_str(text), |_| true);
        assert_eq!(hunk.range, to..to);
    }

    #[test]
    fn only_a_place_beside_neither_neighbour_is_left() {
        let (before, after) = ("a\nb\nc\n", "a\nnew\nb\nc\n");
        check(before, after, "a\nb\nc\n", 4, 2);
        check(before, after, "a\nx\nb\nc\n", 2, 2);
        check(before, after, "a\nb\na\nb\nc\n", 8, 8);
        check(before, after, "x\ny\nz\n", 2, 2);
    }

    #[test]
    fn the_ends_of_a_file_are_neighbours_too() {
        check("a\nb\n", "a\nb\nnew\n", "a\nb\n", 0, 4);
        check("a\nb\n", "new\na\nb\n", "a\nb\n", 4, 0);
    }
}
