//! Where a hunk's lines went when the document changed.
//!
//! An edit is outside a hunk, or it takes part in it; one that takes part belongs to the hunk with everything it
//! changed, widened to whole lines. The rules at a hunk's ends are chosen so that typing next to a hunk is not
//! typing in it:
//! * whole lines inserted directly before its first line, and anything inserted at the start of the line behind
//!   its last, are outside; text without a line ending at the start of its first line changes that line: inside;
//! * an insertion-only hunk stays before whatever is inserted at its place, and keeps in mind the lines that are
//!   deleted beside it;
//! * an edit that ends or begins at the hunk's end is outside as long as both ends remain starts of lines.

use std::ops::Range;

use galley_text::edit::TextEdit;
use ropey::Rope;

/// A sorted, disjoint list of edits and by how much each prefix of it shifts what follows.
pub(crate) struct Edits {
    pub(crate) list: Vec<TextEdit>,
    /// `shift[i]` is what the first `i` edits add to a byte offset.
    shift: Vec<isize>,
}

/// What became of a hunk's lines.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Trace {
    /// No edit took part in them; they are now here.
    Moved(Range<usize>),
    /// Edits took part. `old` are whole lines of the old text that hold the hunk and all that those edits
    /// changed, `new` the same place in the new text.
    Touched { old: Range<usize>, new: Range<usize> },
}

impl Edits {
    pub(crate) fn new(list: Vec<TextEdit>) -> Edits {
        let mut shift = Vec::with_capacity(list.len() + 1);
        let mut sum = 0isize;
        shift.push(sum);
        for edit in &list {
            sum += edit.text.len() as isize - edit.range.len() as isize;
            shift.push(sum);
        }
        Edits { list, shift }
    }

    /// An offset of the old text behind the first `count` edits and before the others, in the new text.
    pub(crate) fn moved(&self, at: usize, count: usize) -> usize {
        at.saturating_add_signed(self.shift[count])
    }

    /// The edits that touch `range`, its ends included, as indices.
    pub(crate) fn near(&self, range: &Range<usize>) -> Range<usize> {
        let first = self.list.partition_point(|edit| edit.range.end < range.start);
        let behind = self.list.partition_point(|edit| edit.range.start <= range.end);
        first..behind.max(first)
    }

    /// What the edit at `index` wrote, as a range of the new text.
    pub(crate) fn written(&self, index: usize) -> Range<usize> {
        let start = self.moved(self.list[index].range.start, index);
        start..start + self.list[index].text.len()
    }
}

/// Which insertions directly at a hunk's ends take part in it. That is how lines that were deleted there come back
/// to where they belong.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Absorb<'a> {
    /// None.
    Nothing,
    /// Whole lines.
    Lines,
    /// Whole lines, and into an empty place also how this lost text begins.
    Lost(&'a str),
}

/// Follows `range` (whole lines of `old`) through the edits.
pub(crate) fn trace(
    old: &Rope,
    new: &Rope,
    edits: &Edits,
    range: &Range<usize>,
    absorb: Absorb<'_>,
) -> Trace {
    let near = edits.near(range);
    if near.is_empty() {
        return Trace::Moved(edits.moved(range.start, near.start)..edits.moved(range.end, near.start));
    }
    let (mut lo, mut hi) = (range.start, range.end);
    loop {
        let inside = taking_part((old, new), edits, range, lo..hi, absorb);
        let (new_lo, new_hi) = (edits.moved(lo, inside.start), edits.moved(hi, inside.end));
        let (mut next_lo, mut next_hi) = (lo, hi);
        if let (Some(first), Some(last)) =
            (edits.list.get(inside.start), edits.list.get(inside.end.wrapping_sub(1)))
            && !inside.is_empty()
        {
            next_lo = line_start(old, lo.min(first.range.start));
            next_hi = line_end(old, hi.max(last.range.end));
        }
        if next_lo == lo && !starts_line(new, new_lo) {
            next_lo = line_start(old, lo.saturating_sub(1));
        }
        if next_hi == hi && !ends_line(new, new_hi) {
            next_hi = line_end(old, (hi + 1).min(old.len_bytes()));
        }
        if (next_lo, next_hi) == (lo, hi) {
            let widened = (lo, hi) != (range.start, range.end);
            return if inside.is_empty() && !widened {
                Trace::Moved(new_lo..new_hi)
            } else {
                Trace::Touched { old: lo..hi, new: new_lo..new_hi }
            };
        }
        (lo, hi) = (next_lo, next_hi);
    }
}

/// Which edits of `old` to `new` take part in the lines `at`, which began as the hunk's own lines `hunk`.
fn taking_part(
    (old, new): (&Rope, &Rope),
    edits: &Edits,
    hunk: &Range<usize>,
    at: Range<usize>,
    absorb: Absorb<'_>,
) -> Range<usize> {
    let near = edits.near(&at);
    // Where a hunk only inserts, lines deleted directly beside its place are what tells the place.
    let beside = |edit: &TextEdit| {
        let at_place = hunk.is_empty() && at == *hunk;
        at_place
            && edit.text.is_empty()
            && starts_line(old, edit.range.start)
            && ends_line(old, edit.range.end)
    };
    let mut first = near.start;
    while first < near.end {
        let edit = &edits.list[first];
        let at_point = at.is_empty() && edit.range.is_empty();
        let ends_before = edit.range.end <= at.start && !at_point && !beside(edit);
        let absorbed = absorb != Absorb::Nothing && edit.range.is_empty() && edit.range.start == hunk.start;
        if !ends_before || absorbed || !starts_line(new, edits.moved(at.start, first + 1)) {
            break;
        }
        first += 1;
    }
    let mut end = first;
    while end < near.end {
        let edit = &edits.list[end];
        let overlaps = edit.range.start < at.end || beside(edit);
        let at_an_end = edit.range.is_empty() && [hunk.start, hunk.end].contains(&edit.range.start);
        let absorbed = match absorb {
            Absorb::Nothing => false,
            _ if !at_an_end => false,
            Absorb::Lost(lost) if hunk.is_empty() && lost.starts_with(&edit.text) => true,
            Absorb::Lines | Absorb::Lost(_) => ends_line(new, edits.moved(at.end, end + 1)),
        };
        let cut = !ends_line(new, edits.moved(at.end, end));
        if !(overlaps || absorbed || cut) {
            break;
        }
        end += 1;
    }
    first..end
}

/// Whether a line starts at this byte of the text.
pub(crate) fn starts_line(text: &Rope, at: usize) -> bool {
    at == 0 || (at <= text.len_bytes() && text.line_to_byte(text.byte_to_line(at)) == at)
}

/// Whether a line ends before this byte of the text: its end counts.
pub(crate) fn ends_line(text: &Rope, at: usize) -> bool {
    at >= text.len_bytes() || starts_line(text, at)
}

/// The start of the line that this byte is on.
fn line_start(text: &Rope, at: usize) -> usize {
    text.line_to_byte(text.byte_to_line(at.min(text.len_bytes())))
}

/// The first start of a line at or behind this byte, or the text's end.
fn line_end(text: &Rope, at: usize) -> usize {
    if starts_line(text, at) || at >= text.len_bytes() {
        return at.min(text.len_bytes());
    }
    text.line_to_byte(text.byte_to_line(at) + 1)
}
